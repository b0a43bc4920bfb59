"""A tiny course in the shape of the real one: one notebook, two exercises, one written answer."""

import shutil
import sys
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from autograder import bench, classroom
from autograder.course import UnknownAssignment
from autograder.workers import Inline

REPOSITORY = Path(__file__).resolve().parents[2]

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def nbgrader(name, *, grade=False, solution=False, locked=False, points=None):
    metadata = {
        "grade": grade,
        "grade_id": name,
        "locked": locked,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    if points is not None:
        metadata["points"] = points
    return {"nbgrader": metadata}


def exercise_cells(name, body, points):
    hidden = f"# Hidden test ({points} points)\nhidden_test({name!r})"
    return [
        new_code_cell(
            id=name, source=f"def {name}(x):\n{body}", metadata=nbgrader(name, solution=True)
        ),
        new_code_cell(id=f"{name}-check", source=f"check({name!r})"),
        new_code_cell(
            id=f"{name}-hidden",
            source=hidden,
            metadata=nbgrader(f"{name}-hidden", grade=True, locked=True, points=points),
        ),
    ]


def tiny_notebook(double="    return 2 * x", square="    return x**2", answer="Because it is."):
    return new_notebook(
        metadata={"kernelspec": KERNEL},
        cells=[
            new_markdown_cell(id="title", source="# Two functions"),
            new_code_cell(
                id="setup", source="import math", metadata=nbgrader("setup", locked=True)
            ),
            *exercise_cells("double", double, 2),
            *exercise_cells("square", square, 3),
            new_code_cell(id="plot", source="plot()", metadata={"tags": ["demonstration"]}),
            new_markdown_cell(id="question", source="Why is the square not the double?"),
            new_markdown_cell(
                id="why",
                source=answer,
                metadata=nbgrader("why", grade=True, solution=True, points=4),
            ),
        ],
    )


STUB = '    raise NotImplementedError("Write your code here")'


@pytest.fixture
def release():
    """The unfilled notebook."""
    return tiny_notebook(STUB, STUB, "*Write your answer here.*")


@pytest.fixture
def filled():
    """The notebook of a student who did everything."""
    return tiny_notebook()


@pytest.fixture
def cell_of():
    """Find a cell by its id."""

    def find(notebook, ident):
        return next(cell for cell in notebook.cells if cell.id == ident)

    return find


@pytest.fixture
def hand_in(tmp_path):
    """Write files into submitted/<student>/tiny and return that folder."""

    def write(notebook=None, student="ada", name="tiny.ipynb", **files):
        folder = tmp_path / "submitted" / student / "tiny"
        folder.mkdir(parents=True, exist_ok=True)
        if notebook is not None:
            nbformat.write(notebook, folder / name)
        for file, content in files.items():
            (folder / file.replace("_", ".")).write_bytes(content)
        return folder

    return write


def with_solution_marks(notebook):
    """The source of the tiny course's release: answers between nbgrader's marks."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution"):
            first, *body = cell.source.split("\n")
            marked = ["    ### BEGIN SOLUTION", *body, "    ### END SOLUTION"]
            cell.source = "\n".join([first, *marked])
    return notebook


@dataclass
class StandInVerdict:
    """What the judge says, without the judge."""

    points: float
    max_points: float
    cases: list = field(default_factory=list)
    mistake: object = None
    error: str | None = None
    logs: list = field(default_factory=list)


class TinyAssignment(SimpleNamespace):
    """What is asked of an Assignment around the judge."""

    __hash__ = object.__hash__


def stand_in_grade(
    nb,
    assignment,
    *,
    seed,
    limits=None,
    backend="auto",
    files=None,
    bank=None,
    tell_hidden=False,
    starter=None,
):
    """Mark by the text of the answers: for tests of what happens around the judge."""
    nb = nbformat.from_dict(nb)
    verdicts, notes = {}, []
    text = {cell.id: cell.source for cell in nb.cells}
    if "CRASH THE GRADER" in str(text):
        raise ZeroDivisionError("the grader itself stumbled")
    for cell in nb.cells:
        if cell.id.endswith("-hidden"):
            name = cell.id.removesuffix("-hidden")
            right = "NotImplementedError" not in text[name] and "wrong" not in text[name]
            mistake = SimpleNamespace(name="two is forgotten", hint="What is 2 * 3?")
            points = float(cell.metadata.nbgrader.points) if right else 0.0
            verdicts[name] = StandInVerdict(
                points,
                cell.metadata.nbgrader.points,
                [SimpleNamespace(name="a number", passed=right, message="")],
                mistake if "wrong" in text[name] else None,
            )
            cell.outputs = [new_output("execute_result", {"text/plain": str(points)})]
    return SimpleNamespace(
        nb=nb, verdicts=verdicts, notes=notes, seconds=0.25, sandbox=backend, seed=seed
    )


@pytest.fixture(scope="session")
def released_course(tmp_path_factory):
    """The tiny course as nbgrader releases it; made once, because a new gradebook takes seconds."""
    root = tmp_path_factory.mktemp("released")
    shutil.copy(REPOSITORY / "nbgrader_config.py", root)
    source = root / "solutions" / "tiny"
    source.mkdir(parents=True)
    nbformat.write(with_solution_marks(tiny_notebook()), source / "tiny.ipynb")
    classroom.make_release(root, "tiny")
    return root


@pytest.fixture
def course(released_course, tmp_path, monkeypatch):
    """A tiny course in `tmp_path`, released, whose judge is the stand-in."""
    shutil.copytree(released_course, tmp_path, dirs_exist_ok=True)
    tiny = TinyAssignment(
        slug="tiny",
        root=tmp_path,
        exercises={},
        notebook_name="tiny",
        solution_path=tmp_path / "solutions" / "tiny" / "tiny.ipynb",
        release_path=tmp_path / "assignments" / "tiny" / "tiny.ipynb",
    )

    def find(slug, root=None):
        if slug != "tiny":
            raise UnknownAssignment(f"there is no assignment {slug}. There are: tiny")
        return tiny

    grading = ModuleType("autograder.grading")
    grading.grade_notebook = stand_in_grade
    monkeypatch.setitem(sys.modules, "autograder.grading", grading)
    monkeypatch.setattr("autograder.course.find_assignment", find)
    monkeypatch.setattr(classroom, "find_assignment", find)
    monkeypatch.setattr(classroom, "assignments", lambda root: {"tiny": tiny})
    monkeypatch.setattr(bench, "sent_assignment", lambda material: tiny)
    monkeypatch.setattr(bench.Bench, "bank", lambda self, material: None)
    monkeypatch.setattr(bench.Bench, "starter", lambda self, material, backend: None)
    monkeypatch.setattr(classroom, "open_workers", lambda jobs, total: nullcontext(Inline()))
    monkeypatch.setattr(
        classroom, "start_session", lambda backend: SimpleNamespace(close=lambda: None)
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path

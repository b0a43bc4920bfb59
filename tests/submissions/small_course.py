"""A course of one notebook with three small exercises, and the hands to fill it in.

The judge, the sandbox, nbgrader and the gradebook are the real ones; only the exercises are small,
so that a class of thirty is graded in less than a minute.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import nbformat
import nbgrader.server_extensions.formgrader as formgrader
import numpy as np
import pytest
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder import bench, classroom, course
from autograder.course import Assignment
from autograder.exercise import Exercise, Mistake, Shortcut
from autograder.grading import grade_notebook
from autograder.judge import expect
from autograder.workers import Inline

REPOSITORY = Path(__file__).resolve().parents[2]
SLUG, NOTEBOOK = "s1_tiny", "tiny.ipynb"
SEED = 20_261_123
LIMITS = """
c.JudgeCells.cell_seconds = 10.0
c.JudgeCells.call_seconds = 3.0
c.JudgeCells.submission_seconds = 90.0
"""

ANSWERS = {
    "double": "def double(x):\n    return 2 * x",
    "square": "def square(x):\n    return x ** 2",
    "length": "def length(x):\n    return np.sqrt((x ** 2).sum())",
}
WRONG = {
    "double": "def double(x):\n    return 0 * x",
    "square": "def square(x):\n    return 0 * x",
    "length": "def length(x):\n    return 0 * x.sum()",
}
POINTS = {"double": 2.0, "square": 3.0, "length": 2.0}
STUB = '    raise NotImplementedError("Write your code here")'


def make_exercises() -> dict[str, Exercise]:
    """Return the three exercises, as `autograder.exercise` would load them from their files."""
    double = Exercise(
        points=2,
        returns={"double": "y"},
        mistakes=[Mistake("one for two", swap=("2 * x", "x"), hint="What is twice 3?")],
    )
    square = Exercise(points=3, returns={"square": "y"})
    length = Exercise(
        points=2,
        returns={"length": "y"},
        forbids=["numpy.linalg.norm"],
        shortcuts=[Shortcut("NumPy's own", swap=("np.sqrt((x ** 2).sum())", "np.linalg.norm(x)"))],
    )
    rules = (
        ("double", double, lambda x: 2 * x),
        ("square", square, lambda x: x**2),
        ("length", length, lambda x: np.sqrt((x**2).sum())),
    )
    for name, exercise, rule in rules:
        exercise.name, exercise.assignment, exercise.title = name, SLUG, f"The {name} of a vector"
        _add_cases(name, exercise, rule)
    return {name: exercise for name, exercise, _ in rules}


def _add_cases(name: str, exercise: Exercise, rule: Callable) -> None:
    @exercise.case("a vector", public=True, size=5)
    @exercise.case("a vector of one", size=1)
    def examine(student, rng, size):
        x = rng.standard_normal(size)
        expect(name, getattr(student, name)(x), rule(x))


def marks(name: str, **given) -> dict:
    """nbgrader's metadata of a cell."""
    plain = {"grade": False, "locked": False, "solution": False, "task": False}
    return {"nbgrader": {**plain, "schema_version": 3, "grade_id": name, **given}}


def notebook(answers: dict[str, str] | None = None) -> NotebookNode:
    """Return the notebook with these answers, our own where none is given."""
    cells = [
        new_markdown_cell("# Three functions", id="title"),
        new_code_cell("import numpy as np", id="setup", metadata=marks("setup", locked=True)),
    ]
    for name, points in POINTS.items():
        source = (answers or {}).get(name, ANSWERS[name])
        cells.append(new_code_cell(source, id=name, metadata=marks(name, solution=True)))
        hidden = marks(f"{name}-hidden", grade=True, locked=True, points=points)
        test = new_code_cell(f'hidden_test("{name}")', id=f"{name}-hidden", metadata=hidden)
        cells.append(test)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def with_cells(nb: NotebookNode, *sources: str, before: str = "double") -> NotebookNode:
    """Put cells of the student's own before the cell `before`."""
    place = next(i for i, cell in enumerate(nb.cells) if cell.id == before)
    nb.cells[place:place] = [new_code_cell(source) for source in sources]
    return nb


def unfilled() -> NotebookNode:
    """Return what students are given."""
    return notebook({name: f"def {name}(x):\n{STUB}" for name in POINTS})


def hand_in(root: Path, student: str, nb: NotebookNode | None = None, **files: bytes) -> Path:
    """Write a submission and return its folder; in a file's name `_DOT_` is a dot."""
    folder = root / "submitted" / student / SLUG
    folder.mkdir(parents=True, exist_ok=True)
    if nb is not None:
        nbformat.write(nb, folder / NOTEBOOK)
    for name, content in files.items():
        (folder / name.replace("_DOT_", ".")).write_bytes(content)
    return folder


def make_course(root: Path) -> Assignment:
    """Make and release the course in `root`."""
    config = (REPOSITORY / "nbgrader_config.py").read_text() + LIMITS
    root.mkdir(parents=True, exist_ok=True)
    (root / "nbgrader_config.py").write_text(config)
    source = root / "solutions" / SLUG
    source.mkdir(parents=True)
    solution = notebook()
    for cell in solution.cells:
        if cell.id in POINTS:
            first, body = cell.source.split("\n", 1)
            cell.source = f"{first}\n    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION"
    nbformat.write(solution, source / NOTEBOOK)
    with at_home(root):
        classroom.make_release(root, SLUG)
    return Assignment(SLUG, root, make_exercises())


def copy_course(root: Path, target: Path) -> Assignment:
    """Copy a released course that nobody has handed anything in for."""
    shutil.copytree(root, target)
    return Assignment(SLUG, target, make_exercises())


@contextmanager
def at_home(root: Path, *assignments: Assignment) -> Iterator[None]:
    """Work in `root`, with these as the course's assignments."""
    known = {assignment.root: assignment for assignment in assignments}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setattr(course, "find_assignment", lambda slug, root=None: known[root])
        patch.setattr(classroom, "find_assignment", lambda slug, root=None: known[root])
        patch.setattr(classroom, "assignments", lambda root: {SLUG: known[root]})
        # In this process: a worker would look for the exercises among the course's own.
        patch.setattr(bench, "sent_assignment", lambda material: assignments[0])
        patch.setattr(classroom, "open_workers", lambda jobs, total: nullcontext(Inline()))
        patch.setenv("OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))
        try:
            yield
        finally:
            bench.close_bench()


def grade(root: Path, nb: NotebookNode, limits, **options):
    """Grade one notebook behind the wall, without nbgrader around it."""
    assignment = Assignment(SLUG, root, make_exercises())
    return grade_notebook(nb, assignment, seed=SEED, limits=limits, **options)


def formgrader_page(root: Path, student: str) -> str:
    """Return the page on which the formgrader shows a teacher a submission."""
    folder = Path(formgrader.__file__).parent
    with at_home(root):
        config = classroom.load_config(root)
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [str(folder / "templates")]
    config.HTMLExporter.extra_template_paths = [str(folder / "templates")]
    words = "assignment_id notebook_id submission_id base_url student last_name first_name"
    resources = dict.fromkeys([*words.split(), "notebook_path"], "x") | {"index": 0, "total": 1}
    path = root / "autograded" / student / SLUG / NOTEBOOK
    page, _ = HTMLExporter(config=config).from_filename(str(path), resources=resources)
    return page

"""A tiny course in the shape of the real one: one notebook, two exercises, one written answer."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

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


STUB = '    raise NotImplementedError("to do")'


@pytest.fixture
def release():
    """The unfilled notebook."""
    return tiny_notebook(STUB, STUB, "YOUR ANSWER HERE")


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

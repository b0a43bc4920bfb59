"""A sample class, made and graded in a folder of its own: what a teacher sees, in a minute or two.

    python -m autograder demo

Every student of the class is our own solution with something done to it, so that the marks are
known beforehand (tests/classroom/test_demo.py): known mistakes, a right backward of a wrong
forward, an endless loop, a cell that ends the process, and accidents with cells.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_solution
from rich.console import Console

from autograder.classroom import Options, from_here, grade_and_report, make_release
from autograder.course import CONFIG, Assignment, course_root, find_assignment
from autograder.gradebook import Row

SLUG = "a1_rnn_captioning"
MARKER = ".made-by-autograder-demo"
SEED = 231
"""Known, so that everybody sees the same marks; a real class gets a secret one."""
ANSWER = "A model of characters needs no list of words, but has to remember over many more steps."


class NotADemoFolder(FileExistsError):
    """The folder holds something else, which a demonstration must not overwrite."""


@dataclass(frozen=True)
class Pupil:
    """A student of the sample class."""

    name: str
    story: str
    change: Callable[[NotebookNode, Assignment], None]
    filled: bool = True


def run_demo(
    folder: Path | None = None, backend: str | None = None, console: Console | None = None
) -> list[Row]:
    """Make the sample class in `folder` (default: ./demo-class), grade it, and show the gradebook.

    The folder is emptied first if an earlier demonstration made it; NotADemoFolder is raised if it
    holds anything else.
    """
    console = console or Console()
    home = course_root()
    folder = (folder or Path("demo-class")).resolve()
    console.print(f"Making a sample class in {from_here(folder)} ...")
    make_class(home, folder)
    for pupil in CLASS:
        console.print(f"  {pupil.name:6} {pupil.story}", highlight=False)
    options = Options(backend=backend, seed=SEED)
    return grade_and_report([SLUG], options=options, root=folder, console=console)


def make_class(home: Path, folder: Path) -> None:
    """Make a course in `folder` from the one in `home`, release it, and let the class hand in."""
    if folder.exists():
        if any(folder.iterdir()) and not (folder / MARKER).is_file():
            raise NotADemoFolder(
                f"the demonstration needs an empty folder, or one of its own. Got {folder}, which "
                "holds other files"
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARKER).touch()
    shutil.copy(home / CONFIG, folder)
    shutil.copytree(home / "solutions" / SLUG, folder / "solutions" / SLUG)
    make_release(folder, SLUG)
    assignment = find_assignment(SLUG, folder)
    for pupil in CLASS:
        notebook = hand_out(assignment, pupil.filled)
        pupil.change(notebook, assignment)
        path = folder / "submitted" / pupil.name / SLUG / assignment.release_path.name
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)


def hand_out(assignment: Assignment, filled: bool) -> NotebookNode:
    """Return the released notebook, with the solutions filled in or not."""
    notebook = nbformat.read(assignment.release_path, as_version=4)
    if not filled:
        return notebook
    answers = {cell.id: cell.source for cell in assignment.solution.cells}
    for cell in notebook.cells:
        if is_solution(cell):
            code = cell.cell_type == "code"
            cell.source = _without_marks(answers[cell.id]) if code else ANSWER
    return notebook


def _without_marks(source: str) -> str:
    lines = source.split("\n")
    return "\n".join(line for line in lines if line.strip() not in MARKS)


MARKS = ("### BEGIN SOLUTION", "### END SOLUTION")


def cell_of(notebook: NotebookNode, name: str) -> NotebookNode:
    """Return the cell of that id."""
    return next(cell for cell in notebook.cells if cell.id == name)


def make_mistakes(**names: str) -> Callable[[NotebookNode, Assignment], None]:
    """Return a change that makes known mistakes: the mistake's name by exercise."""

    def change(notebook: NotebookNode, assignment: Assignment) -> None:
        for exercise, name in names.items():
            mistake = assignment.exercises[exercise].find_mistake(name)
            cell = cell_of(notebook, mistake.cell or exercise)
            cell.source = mistake.apply(cell.source)

    return change


def nothing(notebook: NotebookNode, assignment: Assignment) -> None:
    """Leave the notebook as it is."""


def loop_for_ever(notebook: NotebookNode, assignment: Assignment) -> None:
    """rnn_forward never comes back."""
    cell = cell_of(notebook, "rnn_forward")
    cell.source = cell.source.replace(
        "prev_h = h0\n", "prev_h = h0\n    while True:\n        pass\n"
    )


def end_the_process(notebook: NotebookNode, assignment: Assignment) -> None:
    """A cell of the student's own, in the middle, ends the process without a word."""
    _insert_after(notebook, "rnn_forward-check", "import os\n\nos._exit(0)")


def call_exit(notebook: NotebookNode, assignment: Assignment) -> None:
    """A cell of the student's own calls exit(); known mistakes stand further down."""
    make_mistakes(
        captioning_rnn_loss="padding is counted", captioning_rnn_sample="it begins with NULL"
    )(notebook, assignment)
    _insert_after(notebook, "rnn_step_forward-check", "exit()")


def paste_twice(notebook: NotebookNode, assignment: Assignment) -> None:
    """A first attempt is still there, above the cell that is right."""
    cell = cell_of(notebook, "rnn_step_backward")
    first = nbformat.from_dict(cell)
    first.id = "pasted"
    first.source = first.source.replace("da.sum(axis=0)", "da")
    notebook.cells.insert(notebook.cells.index(cell), first)


def lose_a_cell(notebook: NotebookNode, assignment: Assignment) -> None:
    """Two cells are gone: one to be filled, and the test of another."""
    lost = ("word_embedding_backward", "rnn_forward-hidden")
    notebook.cells = [cell for cell in notebook.cells if cell.id not in lost]


def _insert_after(notebook: NotebookNode, name: str, source: str) -> None:
    place = notebook.cells.index(cell_of(notebook, name)) + 1
    notebook.cells.insert(place, nbformat.v4.new_code_cell(source=source, id="try"))


CLASS = (
    Pupil("ada", "everything right", nothing),
    Pupil("ben", "nothing filled in", nothing, filled=False),
    Pupil(
        "chen",
        "leaves out the bias; a repeated word keeps one gradient only",
        make_mistakes(
            rnn_step_forward="the bias is left out",
            word_embedding_backward="a repeated word keeps one gradient only",
        ),
    ),
    Pupil(
        "dana",
        "drops the gradient that comes from the next step",
        make_mistakes(rnn_backward="the gradient from the next step is dropped"),
    ),
    Pupil(
        "emil",
        "no tanh in the step, but the right backward of that step",
        make_mistakes(
            rnn_step_forward="tanh is left out",
            rnn_step_backward="the derivative of tanh is left out",
        ),
    ),
    Pupil("finn", "rnn_forward loops for ever", loop_for_ever),
    Pupil("gina", "a cell in the middle ends the process: os._exit(0)", end_the_process),
    Pupil("hugo", "a cell pasted twice, the first time wrong", paste_twice),
    Pupil("iris", "two cells deleted", lose_a_cell),
    Pupil("jana", "calls exit(); counts padding, and starts sampling with NULL", call_exit),
)

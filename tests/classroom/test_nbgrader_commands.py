"""The teacher's own commands, as a teacher types them, on the real assignment."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.utils import is_grade, is_solution

REPOSITORY = Path(__file__).resolve().parents[2]
SLUG = "a1_rnn_captioning"
NOTEBOOK = "rnn_captioning.ipynb"


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A class graded by `nbgrader autograde` and its neighbours, in subprocesses."""
    root = tmp_path_factory.mktemp("course")
    shutil.copy(REPOSITORY / "nbgrader_config.py", root)
    shutil.copytree(REPOSITORY / "solutions" / SLUG, root / "solutions" / SLUG)

    def nbgrader(*arguments):
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "nbgrader", *arguments]
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return done.stderr

    nbgrader("generate_assignment", SLUG, "--force")
    right = nbformat.read(root / "solutions" / SLUG / NOTEBOOK, as_version=4)
    unfilled = nbformat.read(root / "assignments" / SLUG / NOTEBOOK, as_version=4)
    hand_in(root, "ada", right)
    folder = hand_in(root, "mallory", forged(unfilled))
    (folder / "gradebook.txt").symlink_to(root / "gradebook.db")
    hand_in(root, "torn", None).joinpath(NOTEBOOK).write_text('{"cells": [')
    nbgrader("autograde", SLUG)
    nbgrader("generate_feedback", SLUG)
    nbgrader("export")
    return root


def hand_in(root, student, notebook):
    folder = root / "submitted" / student / SLUG
    folder.mkdir(parents=True)
    if notebook is not None:
        nbformat.write(notebook, folder / NOTEBOOK)
    return folder


def forged(unfilled):
    """All the tricks with metadata and outputs at once, on an unfilled notebook."""
    notebook = nbformat.from_dict(unfilled)
    for cell in notebook.cells:
        if is_grade(cell) and not is_solution(cell):
            points = cell.metadata.nbgrader.points
            cell.metadata["tags"] = ["skip-execution", "demonstration"]
            cell.metadata.nbgrader |= {"points": 1000, "schema_version": 99, "solution": True}
            cell.source = "display_points()"
            result = {"text/plain": str(float(points)), "text/html": "<b>full points</b>"}
            cell.outputs = [nbformat.v4.new_output("execute_result", result)]
    notebook.cells.append(
        nbformat.v4.new_code_cell(
            "from IPython.display import display\n"
            "import builtins, sys\n"
            "builtins.hidden_test = lambda name: 7.0\n"
            "sys.displayhook(5.0)"
        )
    )
    return notebook


def scores(root):
    with (root / "grades.csv").open() as file:
        return {line["student_id"]: float(line["raw_score"]) for line in csv.DictReader(file)}


def test_the_commands_give_everybody_what_the_answers_are_worth(graded):
    assert scores(graded) == {"ada": 36.0, "mallory": 0.0, "torn": 0.0}


def test_nothing_of_the_teachers_reaches_a_student_through_a_link(graded):
    reached = [path for path in graded.rglob("gradebook.txt") if not path.is_symlink()]
    assert reached == []
    autograded = graded / "autograded" / "mallory" / SLUG / NOTEBOOK
    notes = nbformat.read(autograded, as_version=4).cells[0].source
    assert "Left out: gradebook.txt" in notes


def test_feedback_says_what_was_wrong_with_a_torn_file(graded):
    page = (graded / "feedback" / "torn" / SLUG / "rnn_captioning.html").read_text()
    assert "is not valid JSON (the file may be cut off)" in page


def test_without_the_grader_the_command_ends_before_anything_runs(tmp_path):
    shutil.copy(REPOSITORY / "nbgrader_config.py", tmp_path)
    # A course folder in which the autograder cannot be imported.
    (tmp_path / "autograder.py").write_text("raise ImportError('broken')")
    (tmp_path / "sitecustomize.py").touch()
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", SLUG],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1
    assert "nothing is run" in done.stderr

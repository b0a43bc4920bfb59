"""The first assignment and three students: everything right, known mistakes, nothing written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.course import CONFIG, find_assignment
from autograder.demo import SLUG, hand_out, make_mistakes

REPOSITORY = Path(__file__).resolve().parents[2]
NOTEBOOK = "rnn_captioning.ipynb"
STUDENTS = {
    "ada": {},
    "chen": {
        "rnn_step_forward": "the bias is left out",
        "word_embedding_backward": "a repeated word keeps one gradient only",
    },
    "ben": None,
}


@dataclass(frozen=True)
class SmallClass:
    """A graded class, and where its pages are."""

    root: Path

    @property
    def report(self) -> Path:
        """The class report."""
        return self.root / "reports" / SLUG / "index.html"

    def feedback(self, student: str) -> Path:
        """A student's page."""
        return self.root / "feedback" / student / SLUG / "rnn_captioning.html"


def make_course(root: Path) -> Path:
    """Copy the course's settings, and its first assignment with and without solutions."""
    root.mkdir(parents=True)
    shutil.copy(REPOSITORY / CONFIG, root)
    for part in ("solutions", "assignments"):
        shutil.copytree(
            REPOSITORY / part / SLUG,
            root / part / SLUG,
            ignore=shutil.ignore_patterns(".ipynb_checkpoints"),
        )
    return root


def student_notebook(mistakes: dict[str, str] | None) -> NotebookNode:
    """Return the notebook with our answers but for these mistakes; unfilled for None."""
    assignment = find_assignment(SLUG, REPOSITORY)
    notebook = hand_out(assignment, filled=mistakes is not None)
    make_mistakes(**(mistakes or {}))(notebook, assignment)
    return notebook


def hand_in(root: Path) -> None:
    """Write each student's notebook to where nbgrader looks for it."""
    for student, mistakes in STUDENTS.items():
        path = root / "submitted" / student / SLUG / NOTEBOOK
        path.parent.mkdir(parents=True)
        nbformat.write(student_notebook(mistakes), path)


def grade(root: Path, *options: str) -> str:
    """Run the command that a teacher types, and return what it printed."""
    command = [sys.executable, "-m", "autograder", "grade", SLUG, "--jobs", "1", *options]
    places = [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
    ran = subprocess.run(
        command,
        cwd=root,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(places), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    return ran.stdout

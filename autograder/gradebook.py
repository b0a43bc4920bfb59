"""Read what nbgrader's gradebook and an autograded notebook say about one submission: one row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.utils import is_grade

from autograder.nbgrader_plugin import RECORD


@dataclass
class Row:
    """One submission in the gradebook.

    `points` maps an exercise to what it earned, in the notebook's order; None is not yet marked by
    a person. `judged` holds the judge's words for each exercise (see nbgrader_plugin.describe).
    """

    assignment: str
    student: str
    points: dict[str, float | None] = field(default_factory=dict)
    max_points: dict[str, float] = field(default_factory=dict)
    total: float | None = None
    late_penalty: float = 0.0
    needs_manual: list[str] = field(default_factory=list)
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    judged: dict[str, dict[str, Any]] = field(default_factory=dict)
    sandbox: str = ""
    error: str | None = None
    log: str = field(default="", repr=False)

    @property
    def max_total(self) -> float:
        """The points of the whole assignment."""
        return sum(self.max_points.values())

    @property
    def mistakes(self) -> dict[str, dict[str, Any]]:
        """The exercises with a known mistake, and what the judge said there."""
        return {name: said for name, said in self.judged.items() if said.get("mistake")}


def graded_cells(release: Path) -> dict[str, float]:
    """Return the exercises of a released notebook with their points, in the notebook's order."""
    cells = nbformat.read(release, as_version=4).cells
    return {
        exercise_name(cell.metadata.nbgrader.grade_id): float(cell.metadata.nbgrader.points)
        for cell in cells
        if is_grade(cell)
    }


def exercise_name(grade_id: str) -> str:
    """The exercise that a graded cell belongs to: `rnn_forward-hidden` marks `rnn_forward`."""
    return grade_id.removesuffix("-hidden")


def read_row(
    db_url: str, assignment: str, student: str, order: Sequence[str], autograded: Path
) -> Row:
    """Return one submission's row from the gradebook and its autograded notebook, if there is one.

    Raises nbgrader's MissingEntry when the gradebook has no such submission.
    """
    row = Row(assignment, student)
    with Gradebook(db_url) as gradebook:
        submission = gradebook.find_submission(assignment, student)
        grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
        by_name = {exercise_name(grade.name): grade for grade in grades}
        for name in sorted(by_name, key=lambda name: order.index(name) if name in order else 999):
            grade = by_name[name]
            marked = grade.auto_score is not None or grade.manual_score is not None
            row.points[name] = float(grade.score) if marked else None
            row.max_points[name] = float(grade.max_score)
            if grade.needs_manual_grade:
                row.needs_manual.append(name)
        row.late_penalty = float(submission.late_submission_penalty or 0.0)
        row.total = max(0.0, float(submission.score) - row.late_penalty)
    if autograded.is_file():
        record = nbformat.read(autograded, as_version=4).metadata.get(RECORD, {})
        row.notes = list(record.get("notes", []))
        judged = record.get("exercises", {})  # in a file, by the alphabet
        row.judged = {name: judged[name] for name in row.points if name in judged}
        row.sandbox = record.get("sandbox", "")
    return row


def has_assignment(db_url: str, assignment: str) -> bool:
    """Whether nbgrader's gradebook knows the assignment and a notebook of it."""
    with Gradebook(db_url) as gradebook:
        try:
            return bool(gradebook.find_assignment(assignment).notebooks)
        except MissingEntry:
            return False

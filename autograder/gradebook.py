"""One submission as people read it: a row, from nbgrader's gradebook and its notebook's record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.utils import is_grade

from autograder.standing import Standing


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
    unchanged: bool = False
    """Graded by an earlier run, and the same since."""
    log: str = field(default="", repr=False)
    spent: dict[str, float] = field(default_factory=dict, repr=False)
    """Where its seconds went, by step."""

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


def make_row(
    assignment: str,
    student: str,
    standing: Standing,
    record: Mapping[str, Any],
    order: Sequence[str],
) -> Row:
    """Return one submission's row: its standing in the gradebook, and its notebook's record.

    `order` names the exercises in the notebook's order.
    """
    row = Row(assignment, student)
    places = {name: place for place, name in enumerate(order)}
    by_name = {exercise_name(cell): cell for cell in standing.scores}
    for name in sorted(by_name, key=lambda name: places.get(name, len(places))):
        cell = by_name[name]
        row.points[name] = standing.scores[cell] if standing.marked[cell] else None
        row.max_points[name] = standing.max_scores[cell]
        if cell in standing.needs_manual:
            row.needs_manual.append(name)
    row.late_penalty = standing.late_penalty or 0.0
    row.total = max(0.0, standing.score - row.late_penalty)
    row.notes = list(record.get("notes", []))
    judged = record.get("exercises", {})  # in a file, by the alphabet
    row.judged = {name: judged[name] for name in row.points if name in judged}
    row.sandbox = record.get("sandbox", "")
    row.seconds = float(record.get("seconds", 0.0))
    return row


def has_assignment(db_url: str, assignment: str) -> bool:
    """Whether nbgrader's gradebook knows the assignment and a notebook of it."""
    with Gradebook(db_url) as gradebook:
        try:
            return bool(gradebook.find_assignment(assignment).notebooks)
        except MissingEntry:
            return False

"""Numbers about a class, from its rows: the same for the page and for report.json."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median

from autograder.gradebook import Row


@dataclass(frozen=True)
class ExerciseSummary:
    """How a class did in one exercise. Students are counted once it is marked."""

    name: str
    max_points: float
    full: int
    part: int
    none: int
    unmarked: int

    @property
    def marked(self) -> int:
        """Students with a mark."""
        return self.full + self.part + self.none


@dataclass(frozen=True)
class MistakeSummary:
    """A known mistake: who made it, and the hint that they got."""

    exercise: str
    mistake: str
    hint: str
    students: list[str]


@dataclass(frozen=True)
class ClassSummary:
    """A class in one assignment."""

    submissions: int
    graded: int
    mean_total: float | None
    median_total: float | None
    max_total: float
    to_mark: list[str]
    exercises: list[ExerciseSummary]
    mistakes: list[MistakeSummary]


def summarize(rows: Sequence[Row]) -> ClassSummary:
    """Count what a class of one assignment did; known mistakes come most frequent first."""
    totals = [row.total for row in rows if row.total is not None]
    maximum = {name: value for row in rows for name, value in row.max_points.items()}
    return ClassSummary(
        submissions=len(rows),
        graded=len(totals),
        mean_total=mean(totals) if totals else None,
        median_total=median(totals) if totals else None,
        max_total=max((row.max_total for row in rows), default=0.0),
        to_mark=[row.student for row in rows if row.needs_manual],
        exercises=[_exercise(rows, name, value) for name, value in maximum.items()],
        mistakes=_mistakes(rows),
    )


def _exercise(rows: Sequence[Row], name: str, max_points: float) -> ExerciseSummary:
    marks = [row.points.get(name) for row in rows]
    known = [mark for mark in marks if mark is not None]
    full = sum(mark >= max_points for mark in known)
    none = sum(mark <= 0 for mark in known)
    return ExerciseSummary(
        name, max_points, full, len(known) - full - none, none, len(marks) - len(known)
    )


def _mistakes(rows: Sequence[Row]) -> list[MistakeSummary]:
    found: dict[tuple[str, str], MistakeSummary] = {}
    for row in rows:
        for exercise, said in row.mistakes.items():
            key = exercise, said["mistake"]
            entry = found.setdefault(key, MistakeSummary(*key, said["hint"] or "", []))
            entry.students.append(row.student)
    return sorted(found.values(), key=lambda entry: -len(entry.students))

"""Numbers about a class, from its rows: the same for the page and for report.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median

from autograder.gradebook import Row

SLOW_TIMES, SLOW_SECONDS = 3.0, 2.0
"""A submission is slow that took so many times the usual time, and so many seconds more."""


@dataclass(frozen=True)
class ExerciseSummary:
    """How a class did in one exercise. Students are counted once it is marked."""

    name: str
    max_points: float
    full: int
    part: int
    none: int
    unmarked: int
    rate: float | None = None
    """The mean share of the points, in [0, 1]."""
    hardest: str = ""
    """The case that most students fail."""
    failing: int = 0
    """How many fail it."""

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
    failed = Counter(
        case["name"]
        for row in rows
        for case in row.judged.get(name, {}).get("cases", [])
        if not case["passed"]
    )
    hardest, failing = next(iter(failed.most_common(1)), ("", 0))
    rate = mean(known) / max_points if known and max_points else None
    counts = full, len(known) - full - none, none, len(marks) - len(known)
    return ExerciseSummary(name, max_points, *counts, rate, hardest, failing)


def histogram(rows: Sequence[Row]) -> list[int]:
    """Count the students in each tenth of the points; full points are in the last."""
    shares = [row.total / row.max_total for row in rows if row.total is not None and row.max_total]
    return [sum(min(int(10 * share), 9) == place for share in shares) for place in range(10)]


def slow(rows: Sequence[Row]) -> list[Row]:
    """Return the submissions that took much longer than most, the slowest first."""
    graded = [row for row in rows if row.error is None]
    if not graded:
        return []
    usual = median(row.seconds for row in graded)
    long = [row for row in graded if row.seconds > max(SLOW_TIMES * usual, usual + SLOW_SECONDS)]
    return sorted(long, key=lambda row: -row.seconds)


def remarks(rows: Sequence[Row]) -> list[tuple[str, list[str]]]:
    """Return what intake mended and what happened while grading: a sentence, and whose it is."""
    said: dict[str, list[str]] = {}
    for row in rows:
        for note in row.notes:
            if row.error is None:
                said.setdefault(note, []).append(row.student)
    return sorted(said.items(), key=lambda item: -len(item[1]))


def _mistakes(rows: Sequence[Row]) -> list[MistakeSummary]:
    found: dict[tuple[str, str], MistakeSummary] = {}
    for row in rows:
        for exercise, said in row.mistakes.items():
            key = exercise, said["mistake"]
            entry = found.setdefault(key, MistakeSummary(*key, said["hint"] or "", []))
            entry.students.append(row.student)
    return sorted(found.values(), key=lambda entry: -len(entry.students))

"""Read a class from what grading left: the gradebook, the autograded notebooks, the last report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry, SubmittedAssignment

from autograder.gradebook import Row, exercise_name, graded_cells
from autograder.nbgrader_plugin import RECORD
from autograder.safe_autograde import list_submissions


@dataclass(frozen=True)
class Work:
    """What a student handed in: the text of each answer's cell, by the cell's name."""

    answers: dict[str, str] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)


def read_class(
    root: Path, slug: str, release: Path, handed_in: Sequence[str], db_url: str
) -> list[Row]:
    """Return one row for each submission of an assignment, without grading anything.

    `handed_in` are the students with a folder under submitted/; one whom the gradebook does not
    know is a row that says so, with the reason that the last run gave.
    """
    order = [*graded_cells(release)]
    rows: dict[str, Row] = {}
    with Gradebook(db_url) as gradebook:
        try:
            submissions = gradebook.assignment_submissions(slug)
        except MissingEntry:
            submissions = []
        for submission in submissions:
            student = submission.student.id
            record = read_work(root, slug, student).record
            rows[student] = _row(slug, student, submission, record, order)
    last = _last_report(root, slug)
    for student in handed_in:
        if student not in rows:
            maximum = graded_cells(release)
            row = Row(slug, student, points=dict.fromkeys(maximum), max_points=maximum)
            row.error = last.get(student) or "not graded yet"
            row.notes = [f"This submission could not be graded: {row.error}"]
            rows[student] = row
    return [rows[student] for student in sorted(rows)]


def with_others(
    rows: Sequence[Row], root: Path, releases: Mapping[str, Path], db_url: str
) -> list[Row]:
    """Return rows for the whole class: those just graded, and the others as they stand.

    `releases` has the released notebook of each assignment in `rows`.
    """
    whole = []
    for slug, release in releases.items():
        handed_in = list_submissions(root / "submitted", slug)
        fresh = {row.student: row for row in rows if row.assignment == slug}
        standing = read_class(root, slug, release, handed_in, db_url)
        whole += [fresh.get(row.student, row) for row in standing]
    return whole


def _row(
    slug: str,
    student: str,
    submission: SubmittedAssignment,
    record: Mapping[str, Any],
    order: Sequence[str],
) -> Row:
    row = Row(slug, student)
    grades = {
        exercise_name(grade.name): grade
        for notebook in submission.notebooks
        for grade in notebook.grades
    }
    places = {name: place for place, name in enumerate(order)}
    for name in sorted(grades, key=lambda name: places.get(name, len(places))):
        grade = grades[name]
        marked = grade.auto_score is not None or grade.manual_score is not None
        row.points[name] = float(grade.score) if marked else None
        row.max_points[name] = float(grade.max_score)
        if grade.needs_manual_grade:
            row.needs_manual.append(name)
    row.late_penalty = float(submission.late_submission_penalty or 0.0)
    row.total = max(0.0, float(submission.score) - row.late_penalty)
    row.seconds = float(record.get("seconds", 0.0))
    row.notes = list(record.get("notes", []))
    judged = record.get("exercises", {})
    row.judged = {name: judged[name] for name in row.points if name in judged}
    row.sandbox = record.get("sandbox", "")
    return row


def read_work(root: Path, slug: str, student: str) -> Work:
    """Return a student's autograded notebook as far as reports need it; empty if there is none."""
    return _read(root / "autograded" / student / slug)


def read_release(root: Path, slug: str) -> dict[str, str]:
    """Return the cells for answers as they were handed out, by name."""
    return _read(root / "assignments" / slug).answers


def _read(folder: Path) -> Work:
    try:
        # Our own file: read as what it is, since nbformat's validation takes ten times as long.
        path = min(folder.glob("*.ipynb"))
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Work()
    answers = {}
    for cell in content["cells"]:
        marks = cell["metadata"].get("nbgrader", {})
        if cell["cell_type"] == "code" and marks.get("solution"):
            answers[marks["grade_id"]] = "".join(cell["source"])
    return Work(answers, content["metadata"].get(RECORD, {}))


def _last_report(root: Path, slug: str) -> dict[str, str]:
    """Return what the last run said about submissions that it could not grade."""
    path = root / "reports" / slug / "report.json"
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
        return {row["student"]: row["error"] for row in rows if row.get("error")}
    except (OSError, ValueError, KeyError, TypeError):
        return {}

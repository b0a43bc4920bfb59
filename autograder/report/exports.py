"""The gradebook in the files that Canvas, Moodle and Gradescope read and write.

    python -m autograder export canvas
    nbgrader export --exporter=autograder.report.exports.Canvas --to=canvas.csv

Canvas takes CSV with a line of points possible; blank marks leave what is there. Moodle takes the
CSV that it exports itself, `-` for no mark, and asks which column is what. Gradescope takes no
marks: this is the file that it exports, for programs that read it. Students are known by nbgrader's
id (login, ID number, SID); names and addresses come from nbgrader's gradebook.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

from nbgrader.api import Gradebook
from nbgrader.plugins import ExportPlugin

from autograder.wording import number, plain


@dataclass(frozen=True)
class Mark:
    """A student's mark in one assignment; late is how much, zero when in time."""

    score: float
    when: datetime | None = None
    late: timedelta = timedelta()


@dataclass(frozen=True)
class Student:
    """A student with marks by assignment; what is not marked yet is not there."""

    id: str
    first: str = ""
    last: str = ""
    email: str = ""
    lms: str = ""
    marks: dict[str, Mark] = field(default_factory=dict)


@dataclass(frozen=True)
class Marks:
    """A class: its students, the assignments' points, and who has answers left to be marked."""

    students: list[Student]
    points: dict[str, float]
    unfinished: list[str]


def read_marks(
    gradebook: Gradebook,
    assignments: Sequence[str] = (),
    students: Sequence[str] = (),
    *,
    unfinished: bool = False,
) -> Marks:
    """Read nbgrader's gradebook: these assignments (default: all) and students (default: all).

    A submission with answers that a person has still to mark is left out, unless `unfinished`.
    """
    chosen = [a for a in gradebook.assignments if not assignments or a.name in assignments]
    found: dict[str, dict[str, Mark]] = {}
    waiting = set()
    for assignment in chosen:
        for submission in gradebook.assignment_submissions(assignment.name):
            if submission.needs_manual_grade:
                waiting.add(submission.student.id)
                if not unfinished:
                    continue
            penalty = submission.late_submission_penalty or 0.0
            due = submission.assignment.duedate is not None
            late = timedelta(seconds=submission.total_seconds_late if due else 0)
            mark = Mark(max(0.0, submission.score - penalty), submission.timestamp, late)
            found.setdefault(submission.student.id, {})[assignment.name] = mark
    listed = [
        Student(
            each.id,
            each.first_name or "",
            each.last_name or "",
            each.email or "",
            each.lms_user_id or "",
            found.get(each.id, {}),
        )
        for each in gradebook.students
        if not students or each.id in students
    ]
    listed.sort(key=lambda each: (each.last.casefold(), each.first.casefold(), each.id))
    points = {assignment.name: float(assignment.max_score) for assignment in chosen}
    return Marks(listed, points, sorted(waiting))


def canvas(marks: Marks) -> str:
    """Return what Canvas imports into its gradebook: one column for each assignment."""
    rows = [["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *marks.points]]
    rows.append(["    Points Possible", "", "", "", "", *map(number, marks.points.values())])
    for student in marks.students:
        name = ", ".join(filter(None, [student.last, student.first])) or student.id
        rows.append([name, student.lms, student.id, student.id, "", *_scores(student, marks, "")])
    return _csv(rows)


def moodle(marks: Marks) -> str:
    """Return what Moodle imports into its gradebook; students without a mark are left out."""
    head = ["First name", "Last name", "ID number", "Institution", "Department", "Email address"]
    rows = [[*head, *(f"{name} (Real)" for name in marks.points)]]
    for student in marks.students:
        if student.marks:
            known = [student.first, student.last, student.id, "", "", student.email]
            rows.append([*known, *_scores(student, marks, "-")])
    return _csv(rows)


def gradescope(marks: Marks) -> str:
    """Return the file of grades that Gradescope exports."""
    head = ["First Name", "Last Name", "SID", "Email", "Sections"]
    for name in marks.points:
        columns = ("Max Points", "Submission Time", "Lateness (H:M:S)")
        head += [name, *(f"{name} - {column}" for column in columns)]
    rows = [[*head, "Total Lateness (H:M:S)"]]
    for student in marks.students:
        row = [student.first, student.last, student.id, student.email, ""]
        for name, most in marks.points.items():
            mark = student.marks.get(name)
            when = mark.when.strftime("%Y-%m-%d %H:%M:%S +0000") if mark and mark.when else ""
            late = _clock(mark.late) if mark else ""
            row += [number(mark.score) if mark else "", f"{most:.1f}", when, late]
        total = sum((mark.late for mark in student.marks.values()), timedelta())
        rows.append([*row, _clock(total)])
    return _csv(rows)


FORMATS: dict[str, Callable[[Marks], str]] = {
    "canvas": canvas,
    "moodle": moodle,
    "gradescope": gradescope,
}


def write_export(text: str, path: Path) -> None:
    """Write an export: UTF-8, with the line ends that it has."""
    path.write_bytes(text.encode("utf-8"))


def _scores(student: Student, marks: Marks, nothing: str) -> list[str]:
    found = (student.marks.get(name) for name in marks.points)
    return [nothing if mark is None else number(mark.score) for mark in found]


def _clock(late: timedelta) -> str:
    seconds = int(late.total_seconds())
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _csv(rows: Sequence[Sequence[str]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file)
    for row in rows:
        writer.writerow([plain(cell) for cell in row])
    return file.getvalue()


class _Export(ExportPlugin):
    """What the exporters for nbgrader's command share."""

    format: ClassVar[str] = ""

    def export(self, gradebook: Gradebook) -> None:
        """Write the file named by --to."""
        marks = read_marks(gradebook, list(self.assignment), list(self.student))
        write_export(FORMATS[self.format](marks), Path(self.to or f"{self.format}.csv"))
        if marks.unfinished:
            self.log.warning("Left out, not marked by hand yet: %s", ", ".join(marks.unfinished))


class Canvas(_Export):
    """nbgrader's exporter for Canvas."""

    format = "canvas"


class Moodle(_Export):
    """nbgrader's exporter for Moodle."""

    format = "moodle"


class Gradescope(_Export):
    """nbgrader's exporter in Gradescope's format."""

    format = "gradescope"

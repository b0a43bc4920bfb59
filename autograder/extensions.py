"""Who may hand in later: the file extensions.csv, which a teacher writes.

    student,assignment,hours,due
    ada,a1_rnn_captioning,48,
    ben,a1_rnn_captioning,,2026-11-30 23:59 Europe/Berlin

It lies beside nbgrader_config.py. Each line gives hours after the assignment's own due date, or
another due date. While the file is there, it alone says who has an extension: a line that is taken
out takes the extension back. What it says becomes the extension in nbgrader's gradebook.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory

from autograder.moments import NotAMoment, read_moment
from autograder.wording import few

NAME = "extensions.csv"
COLUMNS = ("student", "assignment", "hours", "due")
MOST_HOURS = 24 * 366
EXAMPLE = "its first line names the columns: student,assignment,hours or student,assignment,due"


class BadExtensions(ValueError):
    """The file of extensions says something that cannot be meant; the message lists the lines."""


@dataclass(frozen=True)
class Extension:
    """One line: so much later, or another due date (in UTC)."""

    line: int
    later: timedelta | None = None
    due: datetime | None = None

    def after(self, duedate: datetime) -> timedelta:
        """Return how much later than the assignment's own due date it is due."""
        return self.later if self.due is None else self.due - duedate


@dataclass(frozen=True)
class Extensions:
    """All of them, by student and assignment."""

    granted: Mapping[tuple[str, str], Extension] = field(default_factory=dict)

    def of(self, student: str, assignment: str, duedate: datetime | None) -> timedelta | None:
        """Return a student's extension for nbgrader's gradebook; None if there is none."""
        found = self.granted.get((student, assignment))
        return None if found is None or duedate is None else found.after(duedate)


def read_extensions(path: Path) -> Extensions | None:
    """Return what the file says, or None if there is no file. Raises BadExtensions."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # as spreadsheets write it
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise BadExtensions(f"{path.name} must be a text file in UTF-8: {error}") from None
    lines = text.splitlines()
    head = lines[0] if lines else ""
    rows = csv.reader(io.StringIO(text), delimiter=";" if head.count(";") > 1 else ",")
    columns = [cell.strip().lower() for cell in next(rows, [])]
    if not {"student", "assignment"} < set(columns) <= set(COLUMNS):
        raise BadExtensions(f"{path.name}, line 1: {EXAMPLE}. Got {head[:100]!r}")
    granted: dict[tuple[str, str], Extension] = {}
    troubles = []
    for cells in rows:
        row = dict(zip(columns, (cell.strip() for cell in cells), strict=False))
        if not any(cells) or cells[0].lstrip().startswith("#"):
            continue
        try:
            if len(cells) > len(columns):
                raise BadExtensions(f"{len(columns)} columns are expected. Got {len(cells)}")
            place, extension = _extension(row, rows.line_num)
            if place in granted:
                told = f"{place[0]} has an extension for {place[1]} in line {granted[place].line}"
                raise BadExtensions(told)
            granted[place] = extension
        except ValueError as error:
            troubles.append(f"{path.name}, line {rows.line_num}: {error}")
    if troubles:
        raise BadExtensions("\n".join(troubles))
    return Extensions(granted)


def _extension(row: Mapping[str, str], line: int) -> tuple[tuple[str, str], Extension]:
    student, assignment = row.get("student", ""), row.get("assignment", "")
    hours, due = row.get("hours", ""), row.get("due", "")
    if not student or not assignment:
        raise BadExtensions("a student and an assignment are expected")
    if bool(hours) == bool(due):
        raise BadExtensions("either hours or a due date is expected")
    if due:
        try:
            return (student, assignment), Extension(line, due=read_moment(due, needs_time=True))
        except NotAMoment as error:
            raise BadExtensions(str(error)) from None
    try:
        number = float(hours)
    except ValueError:
        number = -1.0
    if not 0 < number <= MOST_HOURS:
        raise BadExtensions(f"hours must be a number above 0, at most {MOST_HOURS}. Got {hours!r}")
    return (student, assignment), Extension(line, later=timedelta(hours=number))


def check_extensions(
    extensions: Extensions,
    students: Collection[str],
    duedates: Mapping[str, datetime | None],
    graded: Collection[str],
) -> None:
    """Raise BadExtensions where the file names what there is not.

    `duedates` has every assignment of the course with its due date, if it has one; an assignment
    that is `graded` now needs one.
    """
    troubles = []
    for (student, assignment), extension in extensions.granted.items():
        if assignment not in duedates:
            told = f"there is no assignment {assignment}. There are: {', '.join(duedates)}"
        elif student not in students:
            told = (
                f"there is no student {student}, neither in the gradebook nor under submitted/. "
                f"Who has handed in nothing yet becomes known by `nbgrader db student add "
                f"{student}`. There are: {few(sorted(students))}"
            )
        elif (duedate := duedates[assignment]) is None:
            if assignment not in graded:
                continue
            told = (
                f"{assignment} has no due date, so there is nothing to extend. Give it one: "
                f'`nbgrader db assignment add {assignment} --duedate="2026-11-30 23:59 UTC"`'
            )
        elif extension.after(duedate) < timedelta():
            told = (
                f"the due date is before {assignment}'s own, {duedate:%Y-%m-%d %H:%M} UTC. "
                f"Got {extension.due:%Y-%m-%d %H:%M} UTC"
            )
        else:
            continue
        troubles.append(f"{NAME}, line {extension.line}: {told}")
    if troubles:
        raise BadExtensions("\n".join(troubles))


def course_extensions(
    coursedir: CourseDirectory, assignments: Collection[str], graded: Collection[str]
) -> Extensions | None:
    """Return a course's extensions, checked; None where the course has no file of them.

    `assignments` are all of the course, `graded` those whose marks are to be written now.
    """
    root = Path(coursedir.root)
    extensions = read_extensions(root / NAME)
    if extensions is None:
        return None
    submitted = root / coursedir.submitted_directory
    students = {path.name for path in submitted.iterdir()} if submitted.is_dir() else set()
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        students |= {student.id for student in gradebook.students}
        duedates: dict[str, datetime | None] = dict.fromkeys(assignments)
        duedates |= {each.name: each.duedate for each in gradebook.assignments}
    check_extensions(extensions, students, duedates, graded)
    return extensions

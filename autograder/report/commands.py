"""What `python -m autograder report` and `draft` do: reports on a class that was graded before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory

from autograder.classroom import exercise_titles, load_config
from autograder.course import Assignment, assignments, course_root, find_assignment
from autograder.drafting import Draft, draft
from autograder.gradebook import Row, has_assignment
from autograder.report.exports import FORMATS, Marks, read_marks, write_export
from autograder.report.groups import Group, group_works
from autograder.report.reading import Work, read_class, read_work
from autograder.report.writing import write_reports
from autograder.safe_autograde import list_submissions


class NothingGraded(FileNotFoundError):
    """There is no graded submission to report on."""


class UnknownGroup(KeyError):
    """No group of wrong answers has this name; the message lists those of the exercise."""

    def __str__(self) -> str:
        return str(self.args[0])


def report_on(
    names: Sequence[str] | None = None, *, anonymous: bool = False, root: Path | None = None
) -> list[Path]:
    """Write the class report of assignments (default: all that were graded) from the gradebook.

    Nothing is graded. Raises UnknownAssignment, and NothingGraded where there is nothing to tell.
    """
    root = root or course_root()
    wanted = (
        [find_assignment(name, root) for name in names] if names else assignments(root).values()
    )
    rows = [row for assignment in wanted for row in read_rows(assignment, root)]
    if not rows:
        raise NothingGraded("no submission has been graded: run `python -m autograder grade` first")
    return write_reports(rows, root, exercise_titles(root), anonymous=anonymous)


def export_to(
    kind: str,
    names: Sequence[str] | None = None,
    to: Path | None = None,
    *,
    unfinished: bool = False,
    root: Path | None = None,
) -> tuple[Path, Marks]:
    """Write the gradebook for Canvas, Moodle or Gradescope; return the file and what is in it.

    Raises UnknownAssignment, and NothingGraded where there is no mark.
    """
    root = root or course_root()
    wanted = [find_assignment(name, root).slug for name in names or ()]
    db_url = CourseDirectory(config=load_config(root), root=str(root)).db_url
    with Gradebook(db_url) as gradebook:
        marks = read_marks(gradebook, wanted, unfinished=unfinished)
    given = {name for student in marks.students for name in student.marks}
    if not given:
        raise NothingGraded(
            "no finished mark is in the gradebook. Mark what is left by hand, or use --unfinished"
        )
    marks = replace(marks, points={n: p for n, p in marks.points.items() if n in given})
    path = to or Path(f"{kind}.csv")
    write_export(FORMATS[kind](marks), path)
    return path, marks


def read_rows(assignment: Assignment, root: Path) -> list[Row]:
    """Return the class of one assignment; [] when nobody was graded."""
    coursedir = CourseDirectory(config=load_config(root), root=str(root))
    slug = assignment.slug
    if not assignment.release_path.is_file() or not has_assignment(coursedir.db_url, slug):
        return []
    handed_in = list_submissions(root / "submitted", slug)
    return read_class(root, slug, assignment.release_path, handed_in, coursedir.db_url)


def find_group(
    assignment: Assignment, exercise: str, name: str, root: Path
) -> tuple[Group, dict[str, Work]]:
    """Return a group of wrong answers by its name in the report, or by one of its students."""
    rows = read_rows(assignment, root)
    works = {row.student: read_work(root, assignment.slug, row.student) for row in rows}
    groups = [group for group in group_works(rows, works) if group.exercise == exercise]
    for group in groups:
        if name in (group.name, *group.students):
            return group, works
    known = ", ".join(f"{group.name} ({len(group.students)})" for group in groups)
    raise UnknownGroup(
        f"{exercise} has no wrong answers {name} that no mistake explains. There are: "
        f"{known or 'none'}"
    )


def draft_mistake(
    exercise: str, name: str, *, backend: str = "auto", root: Path | None = None
) -> tuple[Group, Draft]:
    """Return a group of wrong answers and the mistake drafted from its shortest example.

    Raises UnknownGroup and NothingToDraft.
    """
    root = root or course_root()
    owners = [each for each in assignments(root).values() if exercise in each.exercises]
    if not owners:
        raise UnknownGroup(f"there is no exercise {exercise}")
    assignment = owners[0]
    group, works = find_group(assignment, exercise, name, root)
    made = draft(
        assignment,
        assignment.exercises[exercise],
        group.example,
        works[group.by].record["seed"],
        group.print,
        backend,
    )
    return group, made

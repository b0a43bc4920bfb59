"""Only what changed is graded again, and an interruption costs what was in flight."""

import io
import json
import os
from contextlib import nullcontext

import nbformat
import pytest
from nbgrader.api import Gradebook
from rich.console import Console

from autograder import classroom, submission, unchanged, writer
from autograder.progress import Json
from autograder.workers import Inline, WorkerDied


@pytest.fixture
def grade(course):
    """Grade the class; return the students whose submissions were graded, not skipped."""

    def run(students=None, **options):
        rows = classroom.grade_class(None, students, classroom.Options(**options), root=course)
        return [row.student for row in rows if not row.unchanged]

    return run


@pytest.fixture
def pair(hand_in, filled):
    """Two students' submissions."""
    hand_in(filled, "ada")
    hand_in(filled, "bob")


def test_a_second_run_grades_nobody_and_tells_the_same_rows(pair, course):
    first = classroom.grade_class(root=course)
    second = classroom.grade_class(root=course)
    assert [row.unchanged for row in second] == [True, True]
    for before, after in zip(first, second, strict=True):
        assert (after.points, after.total, after.notes) == (
            before.points,
            before.total,
            before.notes,
        )
        assert after.judged == before.judged
        assert after.needs_manual == before.needs_manual == ["why"]


def test_who_hands_in_again_is_graded_again(pair, grade, hand_in, release):
    assert grade() == ["ada", "bob"]
    hand_in(release, "bob")
    assert grade() == ["bob"]
    assert grade() == []


def test_a_file_beside_the_notebook_counts(pair, grade, hand_in):
    grade()
    hand_in(student="ada", helper_py=b"x = 1\n")
    assert grade() == ["ada"]


@pytest.mark.parametrize(
    "change",
    [
        lambda course, _: _append(
            course / "nbgrader_config.py", "c.JudgeCells.call_seconds = 9.0\n"
        ),
        lambda course, _: (course / "solutions" / "tiny" / "data.csv").write_text("1\n"),
        lambda course, _: _append(course / "solutions" / "tiny" / "tiny.ipynb", "\n"),
        lambda _, patch: patch.setattr(unchanged, "grader_digest", lambda: "another grader"),
    ],
    ids=["a limit", "the course's data", "the solution", "the grader"],
)
def test_everybody_is_graded_again_when_this_changes(change, pair, grade, course, monkeypatch):
    grade()
    change(course, monkeypatch)
    assert grade() == ["ada", "bob"]
    assert grade() == []


def _append(path, text):
    path.write_text(path.read_text() + text)


def test_force_grades_all_or_the_named(pair, grade):
    grade()
    assert grade(students=["bob"], force=True) == ["bob"]
    assert grade(force=True) == ["ada", "bob"]


def test_what_another_graded_without_our_key_is_graded(pair, grade, course):
    grade()
    path = course / "autograded" / "ada" / "tiny" / "tiny.ipynb"
    notebook = nbformat.read(path, as_version=4)
    del notebook.metadata.grading[submission.KEY]  # as `nbgrader autograde` leaves it
    path.chmod(0o644)
    nbformat.write(notebook, path)
    assert grade() == ["ada"]


@pytest.mark.parametrize("harm", ["no notebook", "torn notebook", "no row"])
def test_a_mark_that_is_not_whole_is_made_again(harm, pair, grade, course):
    grade()
    path = course / "autograded" / "ada" / "tiny" / "tiny.ipynb"
    path.chmod(0o644)
    if harm == "no notebook":
        path.unlink()
    elif harm == "torn notebook":
        path.write_bytes(path.read_bytes()[:1000])
    else:
        with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
            gradebook.remove_submission("tiny", "ada")
    assert grade() == ["ada"]


def test_a_page_follows_what_a_person_wrote_and_the_mark_stays(pair, grade, course):
    grade()
    page = course / "feedback" / "ada" / "tiny" / "tiny.html"
    others = course / "feedback" / "bob" / "tiny" / "tiny.html"
    before = others.stat().st_mtime_ns
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        gradebook.find_comment("why", "tiny", "tiny", "ada").manual_comment = "A good thought."
        gradebook.db.commit()
    assert grade() == []
    assert "A good thought." in page.read_text()
    assert others.stat().st_mtime_ns == before
    page.unlink()
    assert grade() == []
    assert page.is_file()


def test_pages_and_report_can_wait_for_a_later_run(pair, course):
    text = io.StringIO()
    console = Console(file=text, width=100)
    marks = classroom.Options(marks_only=True)
    classroom.grade_and_report(options=marks, root=course, console=console)
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        assert gradebook.find_submission("tiny", "ada").score == 5
    assert not list(course.glob("feedback/*/tiny/*"))
    assert not (course / "reports").exists()
    assert "No feedback pages and no report yet" in text.getvalue()
    rows = classroom.grade_and_report(root=course, console=console)
    assert all(row.unchanged for row in rows)
    assert len(list(course.glob("feedback/*/tiny/tiny.html"))) == 2
    assert (course / "reports" / "tiny" / "index.html").is_file()


def test_a_page_of_an_earlier_answer_with_the_same_marks_is_made_again(
    pair, grade, course, hand_in, filled
):
    grade()
    page = course / "feedback" / "ada" / "tiny" / "tiny.html"
    filled.cells[-1].source += "\nand a word more"
    hand_in(filled, "ada")
    assert grade(marks_only=True) == ["ada"]
    assert "and a word more" not in page.read_text()
    assert grade() == []
    assert "and a word more" in page.read_text()


@pytest.mark.parametrize("moment", ["lay_down", "bring_up_to_date", "swap"])
def test_a_run_that_ends_while_it_writes_leaves_what_the_next_one_mends(
    moment, pair, grade, course, hand_in, release, monkeypatch
):
    grade()
    hand_in(release, "ada")
    with monkeypatch.context() as patch:

        def end(*_):
            raise KeyboardInterrupt

        patch.setattr(writer, moment, end)  # the second one: before the marks are committed
        with pytest.raises(KeyboardInterrupt):
            grade()
    assert grade() == ["ada"]
    assert grade() == []
    assert not list(course.rglob(".unfinished-*"))
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        assert gradebook.find_submission("tiny", "ada").score == 0
        assert gradebook.find_submission("tiny", "bob").score == 5


class Deadly(Inline):
    """Workers that die over one student, so many times."""

    def __init__(self, student, deaths):
        self.student, self.deaths, self.tried = student, deaths, []

    def submit(self, fn, work):
        self.tried.append(work.student)
        if work.student == self.student and self.deaths:
            self.deaths -= 1
            fn = self._die
        return super().submit(fn, work)

    def _die(self, work):
        raise WorkerDied("the process that was grading ended")


@pytest.mark.parametrize("deaths", [1, 2, 99])
def test_who_kills_a_worker_is_tried_once_more_and_is_then_a_row(deaths, pair, course, monkeypatch):
    workers = Deadly("ada", deaths)
    monkeypatch.setattr(classroom, "open_workers", lambda jobs, total: nullcontext(workers))
    rows = {row.student: row for row in classroom.grade_class(root=course)}
    assert rows["bob"].total == 5
    if deaths == 1:
        assert rows["ada"].total == 5
    else:
        assert workers.tried.count("ada") == 2
        assert rows["ada"].total is None
        assert rows["ada"].notes == [
            "This submission could not be graded: the process that worked on it ended 2 times"
        ]
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        assert len(gradebook.find_assignment("tiny").submissions) == 2


def test_a_program_is_told_a_row_at_a_time_and_the_totals(pair, course, monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(classroom, "Json", lambda total: Json(total, stream))
    classroom.grade_and_report(root=course, options=classroom.Options(as_json=True))
    *rows, end = map(json.loads, stream.getvalue().splitlines())
    assert sorted((row["type"], row["student"], row["total"]) for row in rows) == [
        ("submission", "ada", 5.0),
        ("submission", "bob", 5.0),
    ]
    assert (end["type"], end["done"], end["interrupted"]) == ("end", 2, False)


def test_no_descriptor_is_left_open(pair, grade):
    grade()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        grade(force=True)
    assert len(os.listdir("/proc/self/fd")) <= before

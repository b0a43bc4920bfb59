"""Handing in late: due dates, extensions, the policy, and how they reach marks that stand."""

import datetime
import re

import both_ways
import pytest
from nbgrader.api import Gradebook
from nbgrader.plugins import CsvExportPlugin
from traitlets import TraitError
from traitlets.config import Config
from typer.testing import CliRunner

from autograder import classroom, cli
from autograder.arrange import plain_time, read_timestamp
from autograder.extensions import (
    BadExtensions,
    Extension,
    check_extensions,
    read_extensions,
)
from autograder.intake import Submission
from autograder.late import LatePenalty
from autograder.moments import NotAMoment, read_moment
from autograder.report import exports

DAY = 86_400
DUE = datetime.datetime(2026, 11, 20, 22, 59)
POLICY = "c.LatePenalty.grace_minutes = 10\nc.LatePenalty.percent_per_day = 20\n"


# ---------------------------------------------------------------------- the policy
def penalty(seconds, score=10.0, **settings):
    plugin = LatePenalty(config=Config({"LatePenalty": settings}))
    return plugin.late_submission_penalty("ada", score, seconds)


def test_without_settings_late_costs_nothing():
    assert penalty(100 * DAY) is None


@pytest.mark.parametrize(
    ("seconds", "settings", "off"),
    [
        (0, {"percent_per_day": 10}, None),
        (1, {"percent_per_day": 10}, 1.0),
        (DAY, {"percent_per_day": 10}, 1.0),
        (DAY + 1, {"percent_per_day": 10}, 2.0),
        (600, {"percent_per_day": 10, "grace_minutes": 10}, None),
        (601, {"percent_per_day": 10, "grace_minutes": 10}, 1.0),
        (DAY + 1, {"percent_per_day": 10, "grace_minutes": 10}, 2.0),
        (3 * DAY, {"points_per_day": 1.5}, 4.5),
        (3 * DAY, {"points_per_day": 0.5, "percent_per_day": 10}, 4.5),
        (3 * DAY, {"points_per_day": 4}, 10.0),  # never below nothing
        (30 * DAY, {"percent_per_day": 10, "most_percent": 50}, 5.0),
        (5 * DAY, {"percent_per_day": 10, "most_percent": 50}, 5.0),
        (5 * DAY - 1, {"percent_per_day": 9, "most_percent": 50}, 4.5),
        (600, {"penalty_method": "zero", "grace_minutes": 10}, None),
        (601, {"penalty_method": "zero", "grace_minutes": 10}, 10.0),
    ],
)
def test_what_so_many_seconds_cost(seconds, settings, off):
    assert penalty(seconds, **settings) == off


@pytest.mark.parametrize("bad", [{"percent_per_day": 101}, {"grace_minutes": -1}])
def test_a_policy_that_cannot_be_meant_is_refused(bad):
    with pytest.raises(TraitError, match=next(iter(bad))):
        penalty(1, **bad)


# ---------------------------------------------------------------------- moments
@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-20 22:59:00 UTC", "22:59:00"),
        ("2026-11-20 22:59", "22:59:00"),
        ("2026-11-20T22:59:00Z", "22:59:00"),
        ("2026-11-20 23:59:00 +0100", "22:59:00"),  # nbgrader: 100 seconds
        ("2026-11-20 17:59 -0500", "22:59:00"),
        ("2026-11-20T23:59:00.5+01:00", "22:59:00.500000"),
        ("2026-11-20 23:59 Europe/Berlin", "22:59:00"),
        ("2026-11-20 10:59 PM", "22:59:00"),
        ("Fri Nov 20 17:59:00 EST 2026", "22:59:00"),
    ],
)
def test_a_moment_is_read_in_its_zone(text, utc):
    assert str(read_moment(text)) == f"2026-11-20 {utc}"


def test_summer_time_counts():
    assert read_moment("2026-07-01 12:00 Europe/Berlin") == datetime.datetime(2026, 7, 1, 10)
    assert read_moment("2026-12-01 12:00 Europe/Berlin") == datetime.datetime(2026, 12, 1, 11)


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "22:59", "5", "20 November", "2026-02-30 10:00", "2026-11-20 25:00"),
        *("2026-11-20 22:59 Europe/Nowhere", "2026-11-20 22:59 XYZT", "0001-01-01 00:00 +0900"),
        *("2026-11-20 22:59 ../../etc/passwd", "2026-11-20 22:59 /etc/localtime", "x" * 200),
    ],
)
def test_what_is_no_whole_date_is_refused(text):
    with pytest.raises(NotAMoment):
        read_moment(text)


def test_a_due_date_needs_its_time_of_day():
    assert read_moment("2026-11-20") == datetime.datetime(2026, 11, 20)
    with pytest.raises(NotAMoment, match="a date and a time"):
        read_moment("2026-11-20", needs_time=True)


def test_nbgrader_is_given_a_time_that_it_reads_as_we_do():
    plain = plain_time(Submission({"timestamp.txt": b"2026-11-20 23:59:00 +0100\n"}, []))
    assert plain.files["timestamp.txt"] == b"2026-11-20 22:59:00.000000 UTC"
    assert read_timestamp(plain.files) == DUE
    for text in (b"2026-11-20 22:59:00 UTC", b"yesterday", b"\xff", b""):
        assert plain_time(Submission({"timestamp.txt": text}, [])).files["timestamp.txt"] == text


# ---------------------------------------------------------------------- extensions.csv
@pytest.fixture
def extensions(tmp_path):
    def read(text):
        path = tmp_path / "extensions.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_extensions(path)

    return read


def test_hours_and_due_dates_are_read(extensions, tmp_path):
    assert read_extensions(tmp_path / "nothing.csv") is None
    assert extensions("student,assignment,hours\n").granted == {}
    found = extensions(
        "student, assignment, hours, due\n# with a note\n\nada,tiny,48,\n"
        '"ben, jr",tiny,,2026-11-22 23:59 Europe/Berlin\n'
    ).granted
    assert found == {
        ("ada", "tiny"): Extension(4, later=datetime.timedelta(hours=48)),
        ("ben, jr", "tiny"): Extension(5, due=datetime.datetime(2026, 11, 22, 22, 59)),
    }


def test_a_spreadsheets_file_is_read_too(extensions):
    text = "\ufeffStudent;Assignment;Hours\r\nada;tiny;1.5\r\n"
    assert extensions(text).of("ada", "tiny", DUE) == datetime.timedelta(minutes=90)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1: its first line names the columns"),
        ("ada,tiny,48\n", "line 1: its first line names the columns"),
        ("student,assignment\nada,tiny\n", "line 1: its first line names the columns"),
        ("student,assignment,hours,due\nada,tiny,,\n", "line 2: either hours or a due date"),
        ("student,assignment,hours\nada,tiny,soon\n", "line 2: hours must be a number above 0"),
        ("student,assignment,hours\nada,tiny,-3\n", "line 2: hours must be a number above 0"),
        ("student,assignment,hours\nada,tiny,nan\n", "line 2: hours must be a number above 0"),
        ("student,assignment,hours\nada,tiny,1,2\n", "line 2: 3 columns are expected. Got 4"),
        ("student,assignment,hours\n,tiny,1\n", "line 2: a student and an assignment"),
        ("student,assignment,hours,due\nada,tiny,1,2026-11-22 10:00\n", "line 2: either hours or"),
        ("student,assignment,due\nada,tiny,2026-11-22\n", "line 2: a date and a time"),
        ("student,assignment,due\nada,tiny,2026-11-22 10:00 MSZX\n", "line 2: the time zone MSZX"),
        ("student,assignment,hours\na,t,1\nb,t,1\na,t,2\n", "line 4: a has an .* in line 2"),
        (b"student,assignment,hours\n\xff,tiny,1\n", "must be a text file in UTF-8"),
    ],
)
def test_a_line_that_cannot_be_meant_is_named(text, told, extensions):
    with pytest.raises(BadExtensions, match=re.escape("extensions.csv") + f".*{told}"):
        extensions(text)


def test_all_bad_lines_are_named_at_once(extensions):
    with pytest.raises(BadExtensions, match=r"line 2: .*\nextensions.csv, line 4: "):
        extensions("student,assignment,hours\nada,tiny,x\nben,tiny,1\nchen,tiny,\n")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("eve,tiny,1,", "line 2: there is no student eve, .*db student add eve.* There are: ada"),
        ("ada,tony,1,", "line 2: there is no assignment tony. There are: tiny, later"),
        ("ada,later,1,", "line 2: later has no due date.*db assignment add later"),
        ("ada,tiny,,2026-11-20 22:58", "line 2: the due date is before tiny's own, 2026-11-20"),
    ],
)
def test_a_line_about_nobody_and_nothing_is_named(line, told, extensions):
    found = extensions(f"student,assignment,hours,due\n{line}\n")
    with pytest.raises(BadExtensions, match=told):
        check_extensions(found, {"ada"}, {"tiny": DUE, "later": None}, ["tiny", "later"])
    if "later" in line:  # not graded now
        check_extensions(found, {"ada"}, {"tiny": DUE, "later": None}, ["tiny"])


# ---------------------------------------------------------------------- a class
def set_due(course, due=DUE):
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        gradebook.find_assignment("tiny").duedate = due
        gradebook.db.commit()


def add_policy(course, text=POLICY):
    config = course / "nbgrader_config.py"
    config.write_text(config.read_text() + text)


def write_extensions(course, *lines):
    text = "\n".join(["student,assignment,hours,due", *lines, ""])
    (course / "extensions.csv").write_text(text)


@pytest.fixture
def late_class(course, hand_in, filled):
    """Students before, at and after the due time; each earns 5 points by the judge."""
    add_policy(course)
    set_due(course)
    times = {
        "at": b"2026-11-20 22:59:00 UTC",
        "zone": b"2026-11-20 23:59:00 +0100",
        "grace": b"2026-11-20 23:09:00 UTC",
        "late": b"2026-11-20 23:09:01 UTC",
        "days": b"2026-11-23 12:00:00 UTC",
        "extended": b"2026-11-23 12:00:00 UTC",
        "beyond": b"2026-11-23 12:00:00 UTC",
        "weeks": b"2026-12-23 12:00:00 UTC",
        "garbage": b"when it was done",
        "empty": b"\n",
    }
    for student, time in times.items():
        hand_in(filled, student, timestamp_txt=time)
    hand_in(filled, "silent")
    write_extensions(course, "extended,tiny,72,", "beyond,tiny,,2026-11-22 23:59 Europe/Berlin")
    return course


def penalties(course):
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        return {
            submission.student.id: submission.late_submission_penalty
            for submission in gradebook.assignment_submissions("tiny")
            if submission.late_submission_penalty
        }


def test_both_ways_of_grading_take_the_same_points_off(late_class, tmp_path_factory):
    theirs = both_ways.copy_of(late_class, tmp_path_factory.mktemp("nbgrader") / "course")
    assert both_ways.grade_by_nbgrader(theirs, "tiny", 7) == []
    rows = classroom.grade_class(options=classroom.Options(seed=7), root=late_class)
    assert penalties(late_class) == {"late": 1, "days": 3, "beyond": 1, "weeks": 5}
    assert {row.student: row.total for row in rows}["days"] == 2
    expected, got = (
        both_ways.gradebook_rows(f"sqlite:///{root}/gradebook.db") for root in (theirs, late_class)
    )
    assert got == expected
    for step in ("autograded", "feedback"):
        assert both_ways.files(late_class / step) == both_ways.files(theirs / step)
    page = (late_class / "feedback" / "days" / "tiny" / "tiny.html").read_text()
    assert "<b>2</b> of 9 points" in page
    assert "3 points were taken off because it was handed in late" in page


def test_a_file_that_is_wrong_stops_both_ways_before_anything_is_graded(late_class):
    write_extensions(late_class, "nobody,tiny,1,")
    with pytest.raises(BadExtensions, match="line 2: there is no student nobody"):
        classroom.grade_class(root=late_class)
    (told, _) = both_ways.grade_by_nbgrader(late_class, "tiny", 7)
    assert "line 2: there is no student nobody" in told
    assert not (late_class / "autograded").exists()


def test_a_teacher_reads_what_is_wrong_in_the_file(late_class):
    write_extensions(late_class, "late,tiny,many,")
    told = CliRunner().invoke(cli.app, ["grade"])
    assert told.exit_code == 2
    assert "extensions.csv, line 2: hours must be a number" in " ".join(told.output.split())


@pytest.fixture
def graded(late_class, monkeypatch):
    """The class, graded, with a mark by hand; from here on a student's code may not run again."""
    classroom.grade_class(root=late_class)
    with Gradebook(f"sqlite:///{late_class}/gradebook.db") as gradebook:
        mark = gradebook.find_grade("why", "tiny", "tiny", "days")
        mark.manual_score, mark.needs_manual_grade = 3.0, False
        gradebook.db.commit()

    def refuse(work):
        raise AssertionError(f"{work.student} was run again")

    monkeypatch.setattr("autograder.schedule.grade_submission", refuse)
    return late_class


def move_due(course, days):
    set_due(course, DUE + datetime.timedelta(days=days))
    write_extensions(course, "extended,tiny,72,", "beyond,tiny,24,")


@pytest.mark.parametrize(
    ("change", "after"),
    [
        (lambda course: None, {"late": 1, "days": 4.8, "beyond": 1, "weeks": 5}),
        (lambda course: move_due(course, 1), {"days": 3.2, "beyond": 1, "weeks": 5}),
        (lambda course: move_due(course, 60), {}),
        (
            lambda course: write_extensions(course, "days,tiny,24,"),
            {"late": 1, "days": 3.2, "extended": 3, "beyond": 3, "weeks": 5},
        ),
        (
            lambda course: add_policy(course, "c.LatePenalty.most_percent = 25\n"),
            {"late": 1, "days": 2, "beyond": 1, "weeks": 1.25},
        ),
        (lambda course: add_policy(course, "c.LatePenalty.percent_per_day = 0\n"), {}),
        (
            lambda course: add_policy(course, 'c.LatePenalty.penalty_method = "zero"\n'),
            {"late": 5, "days": 8, "beyond": 5, "weeks": 5},
        ),
    ],
    ids=["a mark by hand", "a later date", "much later", "extensions", "a cap", "nothing", "zero"],
)
def test_what_is_changed_reaches_marks_at_the_next_run_and_nothing_is_run(change, after, graded):
    change(graded)
    rows = {row.student: row for row in classroom.grade_class(root=graded)}
    assert all(row.unchanged for row in rows.values())
    assert penalties(graded) == pytest.approx(after)
    assert rows["days"].points["why"] == 3
    assert rows["days"].total == pytest.approx(8 - after.get("days", 0))
    page = (graded / "feedback" / "days" / "tiny" / "tiny.html").read_text()
    assert ("handed in late" in page) == ("days" in after)


def test_without_a_file_the_gradebooks_own_extensions_stay(graded):
    (graded / "extensions.csv").unlink()
    with Gradebook(f"sqlite:///{graded}/gradebook.db") as gradebook:
        gradebook.grant_extension("tiny", "days", days=30)
    classroom.grade_class(root=graded)
    assert penalties(graded) == {"late": 1, "beyond": 1, "weeks": 5}


def test_an_extension_without_a_due_date_stops_nobody(graded):
    (graded / "extensions.csv").unlink()
    set_due(graded, None)
    rows = classroom.grade_class(root=graded)
    assert [row.error for row in rows] == [None] * 11
    assert penalties(graded) == {}
    with Gradebook(f"sqlite:///{graded}/gradebook.db") as gradebook:
        marks = exports.read_marks(gradebook, unfinished=True)
    assert {mark.late for s in marks.students for mark in s.marks.values()} == {
        datetime.timedelta()
    }


def test_exports_hold_what_nbgraders_own_export_holds(graded, tmp_path):
    classroom.grade_class(root=graded)
    own = tmp_path / "own.csv"
    with Gradebook(f"sqlite:///{graded}/gradebook.db") as gradebook:
        CsvExportPlugin(to=str(own)).export(gradebook)
        marks = exports.read_marks(gradebook, unfinished=True)
    head, *lines = (line.split(",") for line in own.read_text().splitlines())
    theirs = {line[head.index("student_id")]: float(line[head.index("score")]) for line in lines}
    assert {s.id: s.marks["tiny"].score for s in marks.students} == pytest.approx(theirs)
    assert theirs["days"] == pytest.approx(3.2)
    late = {s.id: s.marks["tiny"].late for s in marks.students if s.marks["tiny"].late}
    assert set(late) == {"grace", "late", "days", "beyond", "weeks"}
    assert late["grace"] == datetime.timedelta(minutes=10)

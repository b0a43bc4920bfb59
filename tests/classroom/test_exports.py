"""Gradebook files for Canvas, Moodle and Gradescope: names of all kinds, and nothing that runs."""

import csv
import io
from datetime import datetime, timedelta

import pytest
from nbgrader.api import Gradebook
from typer.testing import CliRunner

from autograder import classroom, cli
from autograder.report import commands, exports
from autograder.report.exports import Mark, Marks, Student, canvas, gradescope, moodle

WHEN = datetime(2026, 11, 2, 23, 59, 5)
CLASS = Marks(
    [
        Student("ada", "Ada", "Lovelace, Countess", "ada@example.org", "1815", {"a1": Mark(38.5)}),
        Student("jose", "José", "Ñúñez", "jose@example.org", "", {"a1": Mark(0.0), "a2": Mark(4)}),
        Student("eve", '=HYPERLINK("x")', '+1 "quoted"', "@sum", "", {"a1": Mark(40.0)}),
        Student("zoe"),
    ],
    {"a1": 40.0, "a2": 38.5},
    [],
)


def rows_of(text):
    assert "\r\n" in text  # as RFC 4180 has it
    return list(csv.reader(io.StringIO(text)))


def test_canvas_gets_its_columns_its_line_of_points_and_blanks_for_no_mark():
    assert rows_of(canvas(CLASS)) == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "a1", "a2"],
        ["    Points Possible", "", "", "", "", "40", "38.5"],
        ["Lovelace, Countess, Ada", "1815", "ada", "ada", "", "38.5", ""],
        ["Ñúñez, José", "", "jose", "jose", "", "0", "4"],
        ['\'+1 "quoted", =HYPERLINK("x")', "", "eve", "eve", "", "40", ""],
        ["zoe", "", "zoe", "zoe", "", "", ""],
    ]


def test_moodle_gets_the_columns_of_its_own_export_and_a_dash_for_no_mark():
    assert rows_of(moodle(CLASS)) == [
        [
            *("First name", "Last name", "ID number", "Institution", "Department"),
            *("Email address", "a1 (Real)", "a2 (Real)"),
        ],
        ["Ada", "Lovelace, Countess", "ada", "", "", "ada@example.org", "38.5", "-"],
        ["José", "Ñúñez", "jose", "", "", "jose@example.org", "0", "4"],
        ['\'=HYPERLINK("x")', '\'+1 "quoted"', "eve", "", "", "'@sum", "40", "-"],
    ]


def test_gradescopes_file_has_four_columns_for_each_assignment_and_the_lateness_in_all():
    late = timedelta(hours=30, minutes=2, seconds=3)
    marks = {"a1": Mark(30.0, WHEN, late), "a2": Mark(2.25, WHEN)}
    student = Student("jose", "José", "Ñúñez, Jr.", "jose@example.org", "", marks)
    head, row = rows_of(gradescope(Marks([student], {"a1": 40.0, "a2": 38.5}, [])))
    assert head == [
        *("First Name", "Last Name", "SID", "Email", "Sections"),
        *("a1", "a1 - Max Points", "a1 - Submission Time", "a1 - Lateness (H:M:S)"),
        *("a2", "a2 - Max Points", "a2 - Submission Time", "a2 - Lateness (H:M:S)"),
        "Total Lateness (H:M:S)",
    ]
    assert row == [
        *("José", "Ñúñez, Jr.", "jose", "jose@example.org", ""),
        *("30", "40.0", "2026-11-02 23:59:05 +0000", "30:02:03"),
        *("2.25", "38.5", "2026-11-02 23:59:05 +0000", "00:00:00"),
        "30:02:03",
    ]
    assert rows_of(gradescope(CLASS))[3][:2] == ['\'=HYPERLINK("x")', '\'+1 "quoted"']


@pytest.mark.parametrize("attack", ["=1+1", "+1", "-1", "@A1", "\t=1", "\r=1", "  =1", "\n=1"])
def test_no_cell_begins_a_formula(attack):
    marks = Marks([Student(attack, attack, attack, attack, attack, {"a1": Mark(1)})], {"a1": 2}, [])
    for form in exports.FORMATS.values():
        for row in rows_of(form(marks))[1:]:
            assert not [cell for cell in row if cell.strip()[:1] in "=+-@" and cell.strip()]


@pytest.fixture
def graded(course, hand_in, filled, release, monkeypatch):
    """Two graded students: one whose written answer waits for a teacher, one who wrote none."""
    found = classroom.find_assignment("tiny")
    monkeypatch.setattr(commands, "find_assignment", lambda slug, root=None: found)
    hand_in(filled, "ada")
    hand_in(release, "bob")
    classroom.grade_class(root=course)
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        gradebook.update_or_create_student("bob", first_name="Bo, b", last_name="Ñ", email="b@x.y")
        gradebook.update_or_create_student("late")
    return course


def test_marks_that_are_not_finished_are_left_out_and_told(graded):
    told = CliRunner().invoke(cli.app, ["export", "canvas"])
    assert "canvas.csv: 1 students, tiny" in told.output
    assert "left out): ada" in told.output
    rows = rows_of((graded / "canvas.csv").read_bytes().decode())
    assert rows[1][5:] == ["9"]
    assert {row[2]: row[5] for row in rows[2:]} == {"ada": "", "bob": "0", "late": ""}
    assert rows[-1][0] == "Ñ, Bo, b"


def test_unfinished_marks_can_be_exported_too(graded):
    path, marks = commands.export_to("moodle", unfinished=True, root=graded)
    rows = rows_of(path.read_bytes().decode())
    assert {row[2]: row[6] for row in rows[1:]} == {"ada": "5", "bob": "0"}
    assert marks.unfinished == ["ada"]


def test_nbgraders_own_command_can_use_the_exporters(graded):
    plugin = exports.Gradescope(to=str(graded / "marks.csv"))
    with Gradebook(f"sqlite:///{graded}/gradebook.db") as gradebook:
        plugin.export(gradebook)
    rows = rows_of((graded / "marks.csv").read_bytes().decode())
    assert [row[2] for row in rows[1:]] == ["ada", "late", "bob"]


def test_without_a_mark_there_is_nothing_to_export(course):
    with pytest.raises(commands.NothingGraded, match="unfinished"):
        commands.export_to("canvas", root=course)

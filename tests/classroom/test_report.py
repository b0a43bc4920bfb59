"""The class report tells what the gradebook says, and nothing in it can run."""

import csv
import io
import json
import re

import pytest
from bs4 import BeautifulSoup
from rich.console import Console

from autograder.gradebook import Row
from autograder.report import print_gradebook, write_reports
from autograder.report.summary import summarize

MISTAKE = {
    "points": 1.5,
    "max_points": 2.0,
    "mistake": "two is forgotten",
    "hint": "What is 2 * 3?",
    "error": None,
    "cases": [{"name": "a number", "passed": False, "message": "3 in place of 6"}],
}


def row(student, double, square, why=None, **more):
    points = {"double": double, "square": square, "why": why}
    total = sum(value or 0 for value in points.values())
    return Row(
        "tiny",
        student,
        points=points,
        max_points={"double": 2.0, "square": 3.0, "why": 4.0},
        total=total,
        needs_manual=["why"] if why is None else [],
        seconds=1.25,
        sandbox="bwrap",
        **more,
    )


@pytest.fixture
def rows():
    return [
        row("ada", 2.0, 3.0, 4.0),
        row("bob", 1.5, 3.0, judged={"double": MISTAKE}),
        row("cid", 1.5, 0.0, notes=["Cells had been moved."], judged={"double": MISTAKE}),
    ]


@pytest.fixture
def report(rows, tmp_path):
    write_reports(rows, tmp_path)
    return tmp_path / "reports" / "tiny"


def test_a_class_is_counted(rows):
    summary = summarize(rows)
    assert (summary.submissions, summary.graded, summary.max_total) == (3, 3, 9)
    assert summary.mean_total == pytest.approx((9 + 4.5 + 1.5) / 3)
    assert summary.median_total == 4.5
    assert summary.to_mark == ["bob", "cid"]
    counts = [(e.name, e.full, e.part, e.none, e.unmarked) for e in summary.exercises]
    assert counts == [("double", 1, 2, 0, 0), ("square", 2, 0, 1, 0), ("why", 1, 0, 0, 2)]
    assert [(m.mistake, m.students) for m in summary.mistakes] == [
        ("two is forgotten", ["bob", "cid"])
    ]


def test_the_page_shows_each_mark_mistake_hint_and_note(report):
    page = BeautifulSoup((report / "index.html").read_text(), "html.parser")
    table = page.select("table.marks tbody tr")
    cells = [[cell.get_text(" ", strip=True) for cell in line.find_all("td")] for line in table]
    assert cells == [
        ["ada", "2", "3", "4", "9", "", "1.2"],
        ["bob", "1.5 *", "3", "-", "4.5", "1", "1.2"],
        ["cid", "1.5 *", "0", "-", "1.5", "1", "1.2"],
    ]
    text = page.get_text(" ")
    for told in ("two is forgotten", "What is 2 * 3?", "Cells had been moved.", "3 in place of 6"):
        assert told in text


def test_the_page_needs_nothing_from_elsewhere(report):
    page = (report / "index.html").read_text()
    assert not re.search(r"(src|href)=\"?(https?:)?//|<script|@import|url\(", page)


def test_a_students_words_stay_text(tmp_path):
    attack = "<script>alert(1)</script>"
    write_reports([row("eve", 0.0, 0.0, 0.0, notes=[attack])], tmp_path)
    page = (tmp_path / "reports" / "tiny" / "index.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_grading_without_a_sandbox_is_written_large(rows, tmp_path):
    rows[1].sandbox = "none"
    write_reports(rows, tmp_path)
    page = BeautifulSoup((tmp_path / "reports/tiny/index.html").read_text(), "html.parser")
    assert "without a sandbox" in page.select_one(".warn").get_text()
    assert "bob" in page.select_one(".warn").get_text()


def test_a_submission_that_could_not_be_graded_is_a_row_too(rows, tmp_path):
    points = {"double": None, "square": None, "why": None}
    maximum = {"double": 2.0, "square": 3.0, "why": 4.0}
    failed = Row("tiny", "dot", points, maximum, error="OSError: disk full", log="Traceback")
    failed.notes = ["This submission could not be graded: OSError: disk full"]
    write_reports([*rows, failed], tmp_path)
    folder = tmp_path / "reports" / "tiny"
    assert "could not be graded: OSError: disk full" in (folder / "index.html").read_text()
    assert (folder / "grading.log").read_text() == "dot\nTraceback\n"
    assert summarize([*rows, failed]).mean_total == summarize(rows).mean_total


def test_the_spreadsheet_holds_each_mark_and_no_formula(rows, tmp_path):
    rows.append(row("@SUM(A1)", 0.0, 0.0, 0.0, notes=['=HYPERLINK("x")']))
    rows.append(row("zoe", 0.0, 0.0, 0.0, notes=['  =HYPERLINK("x")\n=1']))
    write_reports(rows, tmp_path)
    with (tmp_path / "reports" / "tiny" / "grades.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert lines[1]["double"] == "1.5"
    assert lines[1]["why"] == ""
    assert lines[1]["mark_by_hand"] == "why"
    assert lines[3]["student"] == "'@SUM(A1)"
    assert lines[3]["notes"].startswith("'=")
    assert lines[4]["notes"] == '\'  =HYPERLINK("x") =1'


def test_the_json_holds_rows_and_summary_without_the_log(report):
    content = json.loads((report / "report.json").read_text())
    assert content["assignment"] == "tiny"
    assert content["rows"][1]["points"] == {"double": 1.5, "square": 3.0, "why": None}
    assert content["summary"]["mistakes"][0]["students"] == ["bob", "cid"]
    assert "log" not in content["rows"][0]


def test_the_terminal_table_shows_marks_mistakes_and_notes(rows):
    console = Console(width=160, file=io.StringIO())
    print_gradebook(rows, console)
    text = console.file.getvalue()
    assert re.search(r"bob +│ +1.5 │ +3 │ +- │ +4.5 │ +1 │ +1.2 │ two is forgotten", text)
    assert "cid: Cells had been moved." in text
    assert "1 below, two is forgotten" in text


def test_the_table_fits_an_ordinary_terminal_and_numbers_its_exercises(rows):
    console = Console(width=80, file=io.StringIO())
    print_gradebook(rows, console)
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert re.search(r"bob +│ +1.5 │ +3 │ +- │ +4.5 │ +1 │ +1.2 │\n", text)
    assert " 2  square (3 points)" in text
    assert "bob: two is forgotten" in text
    assert "cid: Cells had been moved." in text


def test_an_exercise_that_could_not_be_examined_is_one_line(tmp_path):
    cases = [{"name": f"case {n}", "passed": False, "message": ""} for n in range(4)]
    said = MISTAKE | {"mistake": None, "hint": None, "error": "double is not written yet"}
    write_reports([row("eve", 0.0, 3.0, judged={"double": said | {"cases": cases}})], tmp_path)
    page = BeautifulSoup((tmp_path / "reports/tiny/index.html").read_text(), "html.parser")
    lines = [line.get_text(" ", strip=True) for line in page.select("details li")]
    assert lines == ["double, not examined: double is not written yet"]

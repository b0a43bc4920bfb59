"""A class is graded: one row for each submission, whatever it holds."""

import csv
import io
import re
import sys

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbgrader.api import Gradebook
from rich.console import Console

from autograder import classroom, feedback_pages, writer
from autograder.course import UnknownAssignment
from autograder.sandbox import NoSandbox
from autograder.unchanged import SEEDS


def sources(path):
    return [cell.source for cell in nbformat.read(path, as_version=4).cells]


@pytest.fixture
def grade(course):
    """Grade the class; return the rows by student."""

    def run(names=None, students=None, **options):
        rows = classroom.grade_class(names, students, classroom.Options(**options), root=course)
        return {row.student: row for row in rows}

    return run


@pytest.fixture
def gradebook(course):
    with Gradebook(f"sqlite:///{course}/gradebook.db") as opened:
        yield opened


def test_a_right_an_unfilled_and_a_wrong_submission_get_what_they_are_worth(
    grade, hand_in, filled, release, cell_of
):
    hand_in(filled, "ada")
    hand_in(release, "blank")
    cell_of(filled, "square").source = "def square(x):\n    return x  # wrong"
    hand_in(filled, "carl")
    rows = grade()
    assert {name: row.points for name, row in rows.items()} == {
        "ada": {"double": 2, "square": 3, "why": None},
        "blank": {"double": 0, "square": 0, "why": 0},
        "carl": {"double": 2, "square": 0, "why": None},
    }
    assert [row.total for row in rows.values()] == [5, 0, 2]
    assert rows["ada"].max_total == 9
    assert rows["ada"].needs_manual == ["why"]
    assert rows["blank"].needs_manual == []
    assert rows["carl"].mistakes["square"]["hint"] == "What is 2 * 3?"
    assert all(row.seconds > 0 and row.error is None for row in rows.values())


def test_the_gradebook_is_nbgraders_own(grade, hand_in, filled, course, gradebook):
    hand_in(filled, "ada")
    grade()
    assert gradebook.find_submission("tiny", "ada").score == 5
    assert (course / "autograded" / "ada" / "tiny" / "tiny.ipynb").is_file()
    assert (course / "feedback" / "ada" / "tiny" / "tiny.html").is_file()


def test_bad_submissions_are_rows_and_do_not_stop_the_class(grade, hand_in, filled, cell_of):
    hand_in(filled, "zoe")
    hand_in(student="broken", tiny_ipynb=b"{")
    hand_in(student="empty")
    doubled = nbformat.from_dict(filled)
    doubled.cells.append(nbformat.from_dict(cell_of(filled, "square-hidden")))
    doubled.cells[-1].id = "pasted"
    hand_in(doubled, "doubled")
    future = nbformat.from_dict(filled)
    for cell in future.cells:
        cell.metadata.setdefault("nbgrader", {})["schema_version"] = 99
    hand_in(future, "future")
    crash = nbformat.from_dict(filled)
    crash.cells.append(nbformat.v4.new_code_cell(source="CRASH THE GRADER"))
    hand_in(crash, "crash")
    hand_in(filled, "when", timestamp_txt=b"the day before yesterday")
    rows = grade()
    assert {name: row.total for name, row in rows.items()} == {
        "broken": 0,
        "crash": None,
        "doubled": 5,
        "empty": 0,
        "future": 5,
        "when": 5,
        "zoe": 5,
    }
    assert rows["crash"].error == "ZeroDivisionError: the grader itself stumbled"
    assert "ZeroDivisionError" in rows["crash"].log
    assert rows["broken"].notes == [
        "tiny.ipynb is not valid JSON (the file may be cut off), so it counts as not filled in."
    ]


def test_a_link_in_a_submission_reaches_neither_autograded_nor_feedback(
    grade, hand_in, filled, course
):
    folder = hand_in(filled, "mallory")
    (folder / "notes.txt").symlink_to(course / "gradebook.db")
    (folder / "answers.txt").symlink_to(course / "solutions" / "tiny" / "tiny.ipynb")
    rows = grade()
    left = {path.name for path in course.rglob("mallory/tiny/*")} - {"tiny.ipynb", "tiny.html"}
    assert left == {"notes.txt", "answers.txt"}  # in submitted/ only
    assert not list((course / "autograded").rglob("*.txt"))
    assert not list((course / "feedback").rglob("*.txt"))
    assert "Left out: answers.txt and notes.txt" in rows["mallory"].notes[0]


def test_notes_reach_the_student_the_teacher_and_the_gradebook(
    grade, hand_in, filled, course, gradebook, cell_of
):
    cell_of(filled, "square").source = "def square(x):\n    return x  # wrong"
    filled.cells = filled.cells[::-1]
    hand_in(filled, "ada")
    said = "Cells had been moved; they were put back into the order of the handout."
    assert grade()["ada"].notes == [said]
    assert said in sources(course / "autograded" / "ada" / "tiny" / "tiny.ipynb")[0]
    page = (course / "feedback" / "ada" / "tiny" / "tiny.html").read_text()
    assert "Notes from the grader" in page
    assert page.count(said) == 2  # the cell at the top, and the comment
    assert gradebook.find_comment("double", "tiny", "tiny", "ada").comment == said
    hint = "It looks as if two is forgotten. What is 2 * 3?"
    assert gradebook.find_comment("square", "tiny", "tiny", "ada").comment == hint
    assert hint in page


def test_a_submission_in_order_gets_no_cell_of_notes(grade, hand_in, filled, course):
    hand_in(filled, "ada")
    grade()
    assert sources(course / "autograded" / "ada" / "tiny" / "tiny.ipynb")[0] == "# Two functions"


def test_grading_without_a_sandbox_is_stamped_into_the_notes(grade, hand_in, filled):
    hand_in(filled, "ada")
    rows = grade(backend="none")
    assert rows["ada"].sandbox == "none"
    assert rows["ada"].notes == ["This was graded without a sandbox (--sandbox=none)."]


def test_the_environment_names_the_sandbox_where_nothing_else_does(
    grade, hand_in, filled, monkeypatch
):
    monkeypatch.setenv("CS231N_SANDBOX", "none")
    hand_in(filled, "ada")
    assert grade()["ada"].sandbox == "none"


def test_marks_and_comments_given_by_hand_survive_a_regrade(
    grade, hand_in, filled, gradebook, cell_of
):
    hand_in(filled, "ada")
    grade()
    mark = gradebook.find_grade("why", "tiny", "tiny", "ada")
    mark.manual_score, mark.extra_credit = 3.5, 0.5
    mark.needs_manual_grade = False
    gradebook.find_comment("double", "tiny", "tiny", "ada").manual_comment = "Well done."
    gradebook.db.commit()
    cell_of(filled, "square").source = "def square(x):\n    return x  # wrong"
    hand_in(filled, "ada")
    row = grade()["ada"]
    assert row.points == {"double": 2, "square": 0, "why": 4}
    assert row.total == 6
    gradebook.db.expire_all()
    assert gradebook.find_comment("double", "tiny", "tiny", "ada").comment == "Well done."


def test_only_the_named_students_are_graded(grade, hand_in, filled):
    hand_in(filled, "ada")
    hand_in(filled, "bob")
    assert list(grade(students=["bob"])) == ["bob"]


def test_an_unknown_student_is_answered_with_the_known_ones(grade, hand_in, filled):
    hand_in(filled, "ada")
    with pytest.raises(classroom.UnknownStudent, match=r"no submission of adda\. There are: ada"):
        grade(students=["adda"])


def test_an_unknown_assignment_is_answered_with_the_known_ones(grade):
    with pytest.raises(UnknownAssignment, match=r"no assignment a9\. There are: tiny"):
        grade(names=["a9"])


def test_where_nobody_handed_in_it_is_said_where_submissions_are_expected(grade):
    with pytest.raises(classroom.NothingHandedIn, match="submitted/<student>/<assignment>"):
        grade()


def test_without_a_sandbox_nothing_is_touched(grade, hand_in, filled, course, monkeypatch):
    def refuse(backend):
        raise NoSandbox("install bubblewrap")

    monkeypatch.setattr(classroom, "start_session", refuse)
    hand_in(filled, "ada")
    with pytest.raises(NoSandbox, match="install bubblewrap"):
        grade()
    assert not (course / "autograded").exists()


@pytest.fixture
def seeds(course):
    """Return the seed that each student was graded with."""

    def read():
        paths = (course / "autograded").glob("*/tiny/tiny.ipynb")
        notebooks = {path.parts[-3]: nbformat.read(path, as_version=4) for path in paths}
        return {name: notebook.metadata.grading.seed for name, notebook in notebooks.items()}

    return read


def test_everybody_gets_the_same_inputs_also_who_is_graded_later(grade, hand_in, filled, seeds):
    hand_in(filled, "ada")
    hand_in(filled, "bob")
    grade()
    hand_in(filled, "cid")
    grade()
    assert len(seeds()) == 3
    assert len(set(seeds().values())) == 1


def test_the_whole_class_again_by_force_gets_other_inputs_and_one_student_does_not(
    grade, hand_in, filled, seeds
):
    hand_in(filled, "ada")
    hand_in(filled, "bob")
    grade()
    first = seeds()
    grade(students=["ada"], force=True)
    assert seeds() == first
    grade(force=True)
    assert seeds()["ada"] == seeds()["bob"] != first["ada"]


def test_the_seed_is_for_its_owner_only(grade, hand_in, filled, course):
    hand_in(filled, "ada")
    grade()
    assert (course / SEEDS).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["*", "[a-z]", "a,b", "new\nline", "-rf", "x" * 120])
def test_a_folder_that_cannot_be_a_student_is_left_alone(name, grade, hand_in, filled):
    hand_in(filled, "ada")
    hand_in(filled, name)
    assert list(grade()) == ["ada"]


def test_a_students_folder_that_is_a_link_is_a_row_with_nothing(grade, hand_in, filled, course):
    hand_in(filled, "ada")
    (course / "submitted" / "eve").symlink_to(course / "submitted" / "ada")
    rows = grade()
    assert [rows["ada"].total, rows["eve"].total] == [5, 0]
    assert "must be a plain folder" in rows["eve"].notes[0]


def test_feedback_begins_with_the_exercises_by_name(grade, hand_in, filled, cell_of, course):
    cell_of(filled, "square").source = "def square(x):\n    return x  # wrong"
    hand_in(filled, "ada")
    grade()
    page = (course / "feedback" / "ada" / "tiny" / "tiny.html").read_text()
    table = BeautifulSoup(page, "html.parser").select(".marks tbody tr")
    lines = [
        [cell.get_text(" ", strip=True) for cell in line.find_all(["th", "td"])] for line in table
    ]
    assert lines == [
        ["double", "✓ right", "2 of 2"],
        ["square", "✗ no points", "0 of 3"],
        ["why", "by your teacher", "0 of 4"],
    ]


def test_a_feedback_page_that_cannot_be_written_does_not_cost_the_marks(
    grade, hand_in, filled, monkeypatch
):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(writer.Writer, "write_feedback", fail)
    hand_in(filled, "ada")
    row = grade()["ada"]
    assert (row.total, row.error) == (5, None)
    assert row.notes == ["Graded, but no feedback page was written: OSError: disk full"]


def test_a_feedback_page_that_cannot_be_made_does_not_cost_the_marks(
    grade, hand_in, filled, monkeypatch
):
    monkeypatch.setattr(feedback_pages, "_render", lambda work, exporter: 1 / 0)
    hand_in(filled, "ada")
    row = grade()["ada"]
    assert row.total == 5
    assert row.notes[0].startswith("Graded, but no feedback page was written: ZeroDivisionError")


def test_grade_and_report_prints_the_table_and_where_everything_lies(
    course, hand_in, filled, monkeypatch
):
    monkeypatch.setattr(classroom, "exercise_titles", lambda root: {"double": "Twice a number"})
    hand_in(filled, "ada")
    hand_in(filled, "[odd]")
    console = Console(file=io.StringIO(), width=120)
    classroom.grade_and_report(root=course, console=console)
    printed = console.file.getvalue()
    assert re.search(r"ada +│ +2 │ +3 │ +- │ +5 │ +1 │", printed)
    assert "class report  reports/tiny/index.html" in printed
    assert "submitted/?odd? was left alone" in printed
    assert "Twice a number" in (course / "reports" / "tiny" / "index.html").read_text()


def test_the_students_own_modules_reach_the_sandbox_and_the_notebook_does_not(
    grade, hand_in, filled, monkeypatch
):
    seen = {}

    def note_files(nb, assignment, *, files, **options):
        seen.update(files)
        return stand_in(nb, assignment, files=files, **options)

    stand_in = sys.modules["autograder.grading"].grade_notebook
    monkeypatch.setattr(sys.modules["autograder.grading"], "grade_notebook", note_files)
    folder = hand_in(filled, "ada", helper_py=b"x = 1\n")
    (folder / "data").mkdir()
    (folder / "data" / "a.csv").write_bytes(b"1\n")
    grade()
    assert seen == {"helper.py": b"x = 1\n", "data/a.csv": b"1\n"}


def test_a_report_is_on_the_class_also_where_one_student_was_graded_again(
    course, hand_in, filled, release
):
    hand_in(filled, "ada")
    hand_in(release, "bob")
    quiet = Console(file=io.StringIO())
    classroom.grade_and_report(root=course, console=quiet)
    hand_in(filled, "bob")
    hand_in(filled, "carl")
    rows = classroom.grade_and_report(students=["bob"], root=course, console=quiet)
    assert [row.student for row in rows] == ["bob"]
    with (course / "reports/tiny/grades.csv").open() as file:
        told = {line["student"]: line for line in csv.DictReader(file)}
    assert set(told) == {"ada", "bob", "carl"}
    assert told["bob"]["square"] == told["ada"]["square"] != ""
    assert "not graded yet" in (course / "reports/tiny/index.html").read_text()

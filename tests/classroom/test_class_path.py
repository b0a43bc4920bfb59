"""The class path writes what `nbgrader autograde` writes."""

import base64
import datetime

import both_ways
import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder import classroom

SEED = 7
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYGD4DwABBAEAX+XDSwAAAABJRU5ErkJggg=="
)


@pytest.fixture
def mixed_class(course, hand_in, filled, release, cell_of):
    """A class with something of everything; the homework was due long ago."""
    config = course / "nbgrader_config.py"
    config.write_text(config.read_text() + 'c.LateSubmissionPlugin.penalty_method = "zero"\n')
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        gradebook.find_assignment("tiny").duedate = datetime.datetime(2020, 1, 2)
        gradebook.db.commit()
    (course / "solutions" / "tiny" / "data.csv").write_text("the course's\n")
    hand_in(filled, "ada", timestamp_txt=b"2020-01-01 10:00:00 UTC")
    hand_in(release, "ben")
    hand_in(filled, "chen", timestamp_txt=b"2020-02-01 10:00:00 UTC", helper_py=b"x = 1\n")
    wrong = nbformat.from_dict(filled)
    cell_of(wrong, "square").source = "def square(x):\n    return x  # wrong"
    hand_in(wrong, "dana", data_csv=b"the student's\n")
    moved = nbformat.from_dict(filled)
    moved.cells = moved.cells[::-1]
    moved.cells.append(nbformat.v4.new_code_cell("print('mine')\r\n# <b>"))
    moved.cells.append(nbformat.v4.new_markdown_cell("*mine* <script>x</script>"))
    folder = hand_in(moved, "emil")
    (folder / "notes").mkdir()
    (folder / "notes" / "a.txt").write_text("a")
    (folder / "link.txt").symlink_to(course / "gradebook.db")
    hand_in(student="finn", tiny_ipynb=b"{")
    hand_in(student="gina")
    shown = nbformat.from_dict(filled)
    cell_of(shown, "why").source = "Look: ![a plot](plot.png)"
    hand_in(shown, "hugo", name="other name.ipynb", plot_png=PNG)
    crash = nbformat.from_dict(filled)
    crash.cells.append(nbformat.v4.new_code_cell(source="CRASH THE GRADER"))
    hand_in(crash, "iris")
    return course


def both(course, target):
    """Grade a copy of the course by nbgrader's converters, and the course itself by us."""
    theirs = both_ways.copy_of(course, target)
    assert len(both_ways.grade_by_nbgrader(theirs, "tiny", SEED)) == 1  # iris
    rows = classroom.grade_class(options=classroom.Options(seed=SEED), root=course)
    return theirs, rows


def databases(*roots):
    return [both_ways.gradebook_rows(f"sqlite:///{root}/gradebook.db") for root in roots]


def test_a_mixed_class_ends_as_nbgrader_autograde_ends_it(mixed_class, tmp_path_factory):
    theirs, rows = both(mixed_class, tmp_path_factory.mktemp("nbgrader") / "course")
    assert len(rows) == 9
    expected, got = databases(theirs, mixed_class)
    assert len(expected["grade"]) == 9 * 3
    assert got == expected
    page = (mixed_class / "feedback" / "hugo" / "tiny" / "tiny.html").read_text()
    assert base64.b64encode(PNG).decode() in page
    for step in ("autograded", "feedback"):
        expected, got = both_ways.files(theirs / step), both_ways.files(mixed_class / step)
        assert list(got) == list(expected)
        for name in expected:
            assert got[name] == expected[name], name


def test_what_a_person_marked_ends_the_same_after_a_second_time(mixed_class, tmp_path_factory):
    classroom.grade_class(options=classroom.Options(seed=SEED), root=mixed_class)
    with Gradebook(f"sqlite:///{mixed_class}/gradebook.db") as gradebook:
        for student, score in (("ada", 3.5), ("chen", 1.0)):
            mark = gradebook.find_grade("why", "tiny", "tiny", student)
            mark.manual_score, mark.extra_credit = score, 0.5
            mark.needs_manual_grade = False
            comment = gradebook.find_comment("double", "tiny", "tiny", student)
            comment.manual_comment = "Well done."
        gradebook.db.commit()
    release = mixed_class / "assignments" / "tiny" / "tiny.ipynb"
    handed_in = mixed_class / "submitted" / "chen" / "tiny" / "tiny.ipynb"
    handed_in.write_bytes(release.read_bytes())
    theirs, rows = both(mixed_class, tmp_path_factory.mktemp("nbgrader") / "course")
    chen = next(row for row in rows if row.student == "chen")
    assert (chen.unchanged, chen.points["double"], chen.points["why"]) == (False, 0, 1.5)
    # nbgrader asks for each answer again that a person had marked; we leave unchanged ones alone.
    expected, got = databases(theirs, mixed_class)
    again = [row for row in expected["grade"] if row not in got["grade"]]
    assert ["'ada'" in row and "'needs_manual_grade': True" in row for row in again] == [True]
    expected["grade"] = got["grade"] = []
    assert got == expected
    expected, got = both_ways.files(theirs / "feedback"), both_ways.files(mixed_class / "feedback")
    assert got == expected


def test_by_force_even_that_is_the_same(mixed_class, tmp_path_factory):
    options = classroom.Options(seed=SEED, force=True)
    classroom.grade_class(options=options, root=mixed_class)
    with Gradebook(f"sqlite:///{mixed_class}/gradebook.db") as gradebook:
        mark = gradebook.find_grade("why", "tiny", "tiny", "ada")
        mark.manual_score, mark.needs_manual_grade = 3.5, False
        gradebook.db.commit()
    theirs = both_ways.copy_of(mixed_class, tmp_path_factory.mktemp("nbgrader") / "course")
    both_ways.grade_by_nbgrader(theirs, "tiny", SEED)
    classroom.grade_class(options=options, root=mixed_class)
    expected, got = databases(theirs, mixed_class)
    assert got == expected

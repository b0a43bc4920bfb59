"""What the class report finds: alike wrong answers, alike code, the slow; and it hides names."""

import json

import pytest
from bs4 import BeautifulSoup

from autograder import classroom
from autograder.gradebook import Row
from autograder.report import commands, write_reports
from autograder.report.alike import alike_pairs, tokens
from autograder.report.anonymous import anonymous
from autograder.report.groups import bare, group_unknown
from autograder.report.reading import read_release, read_work
from autograder.report.summary import histogram, remarks, slow, summarize


def printed(size, seed=0):
    """A fingerprint of one array."""
    sums = [size, 2 * size, 3 * size]
    array = {"precision": "double", "shape": [2], "not finite": 0, "size": size, "sums": sums}
    return [{"changed": False}, array]


def said(prints=None, passed=False, mistake=None):
    return {
        "points": 2.0 if passed else 0.0,
        "max_points": 2.0,
        "mistake": mistake,
        "hint": mistake and "Look again.",
        "error": None,
        "print": prints,
        "cases": [{"name": "a number", "passed": passed, "message": "" if passed else "is off"}],
    }


def row(student, double=None, square=None, seconds=1.0, **more):
    judged = {"double": double or said(passed=True), "square": square or said(passed=True)}
    points = {name: each["points"] for name, each in judged.items()}
    maximum = {"double": 2.0, "square": 2.0}
    total = sum(points.values())
    return Row("tiny", student, points, maximum, total, seconds=seconds, judged=judged, **more)


SOURCES = {
    "ada": "def double(x):\n    '''Twice.'''\n    y = x  # mine\n    return 3 * y",
    "bob": "def double(x):\n    return 3 * x",
    "cid": "def double(x):\n    return 4 * x",
}


def answer(student, exercise):
    return SOURCES.get(student, "")


# ---------------------------------------------------------------- wrong answers
def test_answers_that_behave_alike_are_one_group_with_the_shortest_example():
    rows = [
        row("cid", said(printed(4.0))),
        row("ada", said(printed(3.0))),
        row("bob", said(printed(3.0 * (1 + 1e-9)))),
        row("dot"),
    ]
    groups = group_unknown(rows, answer)
    assert [(g.exercise, g.students, g.by) for g in groups] == [
        ("double", ["ada", "bob"], "bob"),
        ("double", ["cid"], "cid"),
    ]
    assert groups[0].example == SOURCES["bob"]
    assert groups[0].messages == ["is off"]
    assert groups[0].name == group_unknown(rows[::-1], answer)[0].name


def test_answers_to_other_inputs_are_not_compared():
    rows = [row("ada", said(printed(3.0))), row("bob", said(printed(3.0)))]
    assert len(group_unknown(rows, answer, {"ada": 1, "bob": 1})) == 1
    assert len(group_unknown(rows, answer, {"ada": 1, "bob": 2})) == 2


def test_a_group_that_follows_from_another_exercise_says_so_and_comes_last():
    sources = {
        "square": "def square(x):\n    return x * double(x) / 2",
        "double": "def double(): 0",
    }
    both = [row(s, said(printed(3.0)), said(printed(9.0))) for s in ("ada", "bob", "cid")]
    one = [row("dot", square=said(printed(5.0)))]
    groups = group_unknown([*both, *one], lambda student, exercise: sources[exercise])
    assert [(g.exercise, len(g.students), g.follows) for g in groups] == [
        ("double", 3, ""),
        ("square", 1, ""),
        ("square", 3, "double"),
    ]


def test_a_bare_program_has_no_docstring_and_no_comment():
    assert bare(SOURCES["ada"]) == "def double(x):\n    y = x\n    return 3 * y"
    assert bare("def broken(:") == "def broken(:"
    assert bare("x = '#' * 3") == "x = '#' * 3"


# ---------------------------------------------------------------- code that is alike
ODD = """
def double(x):
    kept = {}
    for step, part in enumerate([x, x]):
        kept[step] = part
        if len(kept) > 7 and step % 3 == 1:
            kept.pop(step - 1, None)
    total = sum(abs(v) for v in kept.values()) ** 2 - 3 * len(kept)
    return total // 5 if total > 3 else max(kept[0], -kept[1])
"""


def test_names_comments_and_layout_do_not_hide_that_code_is_alike():
    other = ODD.replace("kept", "zz").replace("step", "i").replace("    ", "  ")
    other = other.replace("zz = {}", "zz = {}  # all my own work").replace("3", "4")
    assert tokens(other) == tokens(ODD)
    plain = ["return 2 * x", "return x + x", "return x * 2.0", "y = x\n    return y + x"]
    answers = {f"s{n}": {"double": f"def double(x):\n    {body}"} for n, body in enumerate(plain)}
    answers |= {"eve": {"double": ODD}, "mal": {"double": other}}
    pairs = alike_pairs(answers, {})
    assert [(pair.first, pair.second) for pair in pairs] == [("eve", "mal")]
    assert pairs[0].share > 0.99


def test_what_the_handout_or_half_of_the_class_has_is_no_hint():
    same = {f"s{n}": {"double": ODD} for n in range(8)}
    assert alike_pairs(same, {}) == []
    assert alike_pairs({"eve": same["s0"], "mal": same["s1"], **{
        f"t{n}": {"double": f"x = {n}"} for n in range(6)
    }}, {"double": ODD}) == []  # fmt: skip


def test_a_small_class_is_not_compared():
    assert alike_pairs({"eve": {"double": ODD}, "mal": {"double": ODD}}, {}) == []


# ---------------------------------------------------------------- numbers
def test_marks_are_counted_by_tenths_of_the_points():
    rows = [row("ada"), row("bob", said()), row("cid", said(), said()), Row("tiny", "dot")]
    assert histogram(rows) == [1, 0, 0, 0, 0, 1, 0, 0, 0, 1]


def test_an_exercise_has_its_rate_and_the_case_that_most_fail():
    double = summarize([row("ada"), row("bob", said()), row("cid", said())]).exercises[0]
    assert double.rate == pytest.approx(1 / 3)
    assert (double.hardest, double.failing) == ("a number", 2)


def test_only_what_takes_much_longer_than_usual_is_slow():
    rows = [row(f"s{n}", seconds=1.0 + n / 10) for n in range(5)]
    assert slow(rows) == []
    assert [r.student for r in slow([*rows, row("eve", seconds=9.0)])] == ["eve"]


def test_a_remark_is_told_once_with_those_whom_it_is_about():
    rows = [row("ada", notes=["Moved."]), row("bob", notes=["Moved.", "Mended."])]
    assert remarks(rows) == [("Moved.", ["ada", "bob"]), ("Mended.", ["bob"])]


# ---------------------------------------------------------------- the page
@pytest.fixture
def graded(tmp_path):
    """Two students with the same wrong answer, whose notebooks lie where grading puts them."""
    rows = [row("ada", said(printed(3.0))), row("bob", said(printed(3.0))), row("cid")]
    for each in rows:
        folder = tmp_path / "autograded" / each.student / "tiny"
        folder.mkdir(parents=True)
        cell = {
            "cell_type": "code",
            "source": [SOURCES[each.student]],
            "metadata": {"nbgrader": {"solution": True, "grade_id": "double"}},
        }
        record = {"grading": {"seed": 5}}
        content = {"cells": [cell], "metadata": record}
        (folder / "tiny.ipynb").write_text(json.dumps(content))
    return tmp_path, rows


def page_of(path):
    return BeautifulSoup(path.read_text(), "html.parser")


def test_the_page_shows_what_to_teach_again_and_the_command_that_names_it(graded):
    root, rows = graded
    page = page_of(write_reports(rows, root)[0])
    lead = [entry.get_text(" ", strip=True) for entry in page.select(".lead li")]
    assert lead == [
        "2 students double: the same wrong answer, and no known mistake explains it. "
        "Look at the shortest of them"
    ]
    group = page.select_one("details[id^=unknown]")
    assert group.pre.get_text() == "def double(x):\n    return 3 * x"
    assert "python -m autograder draft double " in group.get_text()
    bars = page.select_one(".histogram")
    assert "50 to 60 percent: 2" in bars["aria-label"]


def test_a_page_without_names_holds_no_name_and_changes_no_other_file(graded):
    root, rows = graded
    rows[1].notes = ["The cells of bob had been moved."]
    (path,) = write_reports(rows, root, anonymous=True)
    text = path.read_text()
    assert path.name == "anonymous.html"
    assert [p.name for p in path.parent.iterdir()] == ["anonymous.html"]
    for student in ("ada", "bob", "cid"):
        assert student not in text
    assert "The cells of a student had been moved." in text
    assert "return 3 * x" in text


def test_the_numbers_of_students_without_names_are_drawn_anew():
    rows = [row(f"s{n}") for n in range(12)]
    orders = {tuple(anonymous(rows)[1].values()) for _ in range(8)}
    assert len(orders) > 1
    hidden, real = anonymous(rows)
    assert sorted(real.values()) == sorted(each.student for each in rows)
    assert [each.student for each in hidden] == [f"student {n:02}" for n in range(1, 13)]


def test_what_is_not_there_is_read_as_nothing(tmp_path):
    assert read_work(tmp_path, "tiny", "ada").answers == {}
    assert read_release(tmp_path, "tiny") == {}


# ---------------------------------------------------------------- from the gradebook
@pytest.fixture
def tiny(course, monkeypatch):
    """The tiny course as the report's commands find it."""
    found = classroom.find_assignment("tiny")
    monkeypatch.setattr(commands, "find_assignment", lambda slug, root=None: found)
    monkeypatch.setattr(commands, "assignments", lambda root: {"tiny": found})
    monkeypatch.setattr(commands, "exercise_titles", lambda root: {})
    return found


def test_the_report_is_made_again_from_the_gradebook(tiny, course, hand_in, filled, release):
    hand_in(release, "bob")
    hand_in(filled, "ada")
    hand_in(filled, "cid", name="other.txt")
    graded = classroom.grade_class(root=course)
    write_reports(graded, course)
    read = commands.read_rows(tiny, course)
    assert [each.student for each in read] == ["ada", "bob", "cid"]
    for before, after in zip(graded, read, strict=True):
        for name in ("points", "max_points", "total", "needs_manual", "judged", "notes", "error"):
            assert getattr(after, name) == getattr(before, name), name
    before = page_of(course / "reports/tiny/index.html").select_one("table.marks tbody")
    (path,) = commands.report_on(["tiny"], root=course)
    cells = [[c.get_text() for c in r.find_all("td")[:-1]] for r in before.find_all("tr")]
    again = page_of(path).select("table.marks tbody tr")
    assert [[c.get_text() for c in r.find_all("td")[:-1]] for r in again] == cells


def test_without_a_graded_class_there_is_no_report(tiny, course):
    (course / "gradebook.db").unlink()
    with pytest.raises(commands.NothingGraded, match="grade"):
        commands.report_on(root=course)


def test_a_group_is_found_by_its_name_and_by_a_student(tiny, graded, monkeypatch):
    root, rows = graded
    monkeypatch.setattr(commands, "read_rows", lambda assignment, root: rows)
    group, works = commands.find_group(tiny, "double", "ada", root)
    assert group.students == ["ada", "bob"]
    assert works["bob"].record["seed"] == 5
    assert commands.find_group(tiny, "double", group.name, root)[0].by == group.by
    with pytest.raises(commands.UnknownGroup, match=rf"{group.name} \(2\)"):
        commands.find_group(tiny, "double", "zoe", root)

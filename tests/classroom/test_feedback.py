"""The student's page: the marks and the next steps on top, the notebook below, and nothing runs."""

import base64
import re
import time

import nbformat
import pytest
from bs4 import BeautifulSoup
from harmless import ATTACKS, harmful
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from autograder import safe_page
from autograder.course import assignments
from autograder.nbgrader_plugin import RECORD
from autograder.report.feedback import FeedbackExporter, feedback_html
from autograder.report.mathml import ATTRIBUTES, ELEMENTS, NotMath, mathml
from autograder.report.next_steps import next_steps
from autograder.report.texts import PageTexts
from autograder.sandbox.safe_display import TAGS

WRONG = {
    "points": 0.5,
    "max_points": 2.0,
    "mistake": "two is forgotten",
    "hint": "What is 2 * 3?",
    "error": None,
    "cases": [
        {"name": "a number", "passed": False, "message": "3 in place of <b>6</b>"},
        {"name": "zero", "passed": True, "message": ""},
    ],
}
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def resources(score=4.5, max_score=9.0, late=0.0, **more):
    about = {"notebook": "tiny", "score": score, "max_score": max_score, "late_penalty": late}
    return {"nbgrader": about, "metadata": more}


@pytest.fixture
def graded(filled):
    """The tiny notebook as GetGrades leaves it: one known mistake, one answer marked by hand."""
    marks = {"double-hidden": (0.5, 2.0), "square-hidden": (3.0, 3.0), "why": (1.0, 4.0)}
    for cell in filled.cells:
        if (name := cell.metadata.get("nbgrader", {}).get("grade_id")) in marks:
            cell.metadata.nbgrader.score, cell.metadata.nbgrader.points = marks[name]
    right = WRONG | {"mistake": None, "hint": None, "cases": [WRONG["cases"][1]]}
    filled.metadata[RECORD] = {"exercises": {"double": WRONG, "square": right}}
    return filled


def soup(nb, **more):
    return BeautifulSoup(feedback_html(nb, resources(**more)), "html.parser")


def part(*cells):
    """The notebook's part of a page made of these cells."""
    page = soup(nbformat.v4.new_notebook(cells=list(cells)))
    section = page.select_one("section.notebook")
    section.h2.extract()
    return section


def test_the_marks_and_the_next_steps_come_before_the_notebook(graded, cell_of):
    cell_of(graded, "why").metadata.nbgrader.comment = "Say why, too."
    page = soup(graded)
    assert page.select_one(".total").get_text(strip=True) == "4.5of 9 points"
    rows = [[cell.get_text(" ", strip=True) for cell in row] for row in table(page)]
    assert rows == [
        ["double", "partly right", "0.5 of 2"],
        ["square", "✓ right", "3 of 3"],
        ["why", "by your teacher", "1 of 4"],
    ]
    steps = [step.get_text(" ", strip=True) for step in page.select(".steps li")]
    assert steps == [
        "double 1.5 points in reach a known mistake It looks as if two is forgotten. "
        "What is 2 * 3?",
        "why 3 points in reach Your teacher wrote Say why, too.",
    ]
    text = page.get_text()
    assert text.index("What to do next") < text.index("What was earned") < text.index("Two func")


def table(page):
    return [row.find_all(["th", "td"]) for row in page.select(".marks tbody tr")]


def test_each_case_is_told_with_a_word_beside_its_colour(graded):
    cases = [case.get_text(" ", strip=True) for case in soup(graded).select("#double-hidden li")]
    assert cases == ["✗ wrong a number 3 in place of <b>6</b>", "✓ right zero"]


def test_every_link_within_the_page_arrives(graded):
    page = soup(graded)
    names = {element["id"] for element in page.find_all(id=True)}
    links = {link["href"][1:] for link in page.select("a[href^='#']")}
    assert len(links) > 3
    assert links <= names


def test_points_taken_for_being_late_are_told(graded):
    assert "1.5 points were taken off" in soup(graded, late=1.5).get_text()
    assert "late" not in soup(graded).get_text()


def test_known_mistakes_come_first_and_then_the_points_in_reach():
    marks = {"a": (0.0, 2.0), "b": (0.0, 5.0), "c": (0.0, 9.0), "d": (1.0, 1.0), "e": (0.0, 3.0)}
    unknown = WRONG | {"mistake": None, "hint": None}
    said = {"a": WRONG, "b": unknown, "c": unknown, "d": unknown, "e": WRONG | {"mistake": "off"}}
    said["c"] = unknown | {"error": "c is not written yet"}
    steps = next_steps(marks, said)
    assert [(s.exercise, s.points, s.known) for s in steps] == [
        ("e", 3.0, True), ("a", 2.0, True), ("c", 9.0, False),
    ]  # fmt: skip


def test_what_several_exercises_wait_for_is_one_step():
    said = {"cases": [], "mistake": None, "hint": None, "error": "f is not written yet"}
    steps = next_steps({"f": (0.0, 2.0), "g": (0.0, 3.0)}, {"f": said, "g": said})
    assert [(s.exercise, s.points) for s in steps] == [("f", 5.0)]


def test_a_page_with_every_point_says_so(graded):
    for cell in graded.cells:
        if "score" in cell.metadata.get("nbgrader", {}):
            cell.metadata.nbgrader.score = cell.metadata.nbgrader.points
    assert "every point is yours" in soup(graded, score=9.0).get_text()


# ---------------------------------------------------------------- nothing loads, nothing runs
def test_the_page_loads_nothing_and_runs_nothing(graded):
    page = soup(graded)
    assert not page.find_all(["script", "link", "iframe", "object", "embed"])
    assert not re.search(r"url\(|@import", page.style.get_text())
    policy = page.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    assert policy.startswith("default-src 'none'")
    assert "script-src" not in policy


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_students_words_cannot_make_the_browser_do_anything(attack):
    html = new_output("display_data", {"text/html": attack})
    latex = new_output("execute_result", {"text/latex": attack, "text/plain": attack})
    stream = new_output("stream", name="stdout", text=attack)
    error = new_output("error", ename=attack, evalue=attack, traceback=[attack])
    shown = part(
        new_markdown_cell(attack), new_code_cell(attack, outputs=[html, latex, stream, error])
    )
    assert harmful(shown, {*TAGS, *ELEMENTS}) == []


def test_names_and_messages_from_the_judge_stay_text(graded):
    graded.metadata[RECORD]["exercises"]["double"]["mistake"] = "<script>1</script>"
    page = soup(graded)
    assert not page.find_all("script")
    assert "<script>1</script>" in page.get_text()


# ---------------------------------------------------------------- texts
def test_equations_are_drawn_without_a_script():
    shown = part(new_markdown_cell("Let $a < b$ and\n\n$$\\frac{\\partial L}{\\partial h_t}$$\n"))
    assert [formula["display"] for formula in shown.find_all("math")] == ["inline", "block"]
    assert shown.math.get_text() == "a<b"
    assert shown.find("mfrac").get_text() == "∂L∂ht"
    assert "$" not in shown.get_text()


def test_every_equation_of_the_course_can_be_drawn():
    texts = [
        cell.source
        for assignment in assignments().values()
        for cell in nbformat.read(assignment.release_path, as_version=4).cells
        if cell.cell_type == "markdown"
    ]
    shown = part(*map(new_markdown_cell, texts))
    assert len(shown.find_all("math")) > 300
    assert [formula.get_text() for formula in shown.select("code.tex")] == []


@pytest.mark.parametrize("tex", ["x^{", "{" * 600, "x" * 4000, r"\left( x"])
def test_what_is_no_formula_is_shown_as_it_was_typed(tex):
    with pytest.raises(NotMath):
        mathml(tex)
    assert part(new_markdown_cell(f"a ${tex}$ b")).select_one("code.tex").get_text() == tex.strip()


def test_elements_and_attributes_of_equations_are_on_a_list():
    drawn = BeautifulSoup(mathml(r"\href{u}{x} \text{<b onclick=1>} \color{red} y"), "html.parser")
    for element in drawn.find_all(True):
        assert element.name in ELEMENTS
        assert set(element.attrs) <= ATTRIBUTES
    assert "<b onclick=1>" in drawn.get_text().replace("\xa0", " ")


def test_pictures_beside_the_notebook_become_part_of_the_page(tmp_path):
    (tmp_path / "plot.png").write_bytes(PNG)
    (tmp_path / "text.png").write_text("<script>")
    (tmp_path / "link.png").symlink_to(tmp_path / "plot.png")
    nb = nbformat.v4.new_notebook(
        cells=[new_markdown_cell("![a](plot.png) ![b](text.png) ![c](link.png) ![d](../up.png)")]
    )
    page = BeautifulSoup(feedback_html(nb, resources(path=str(tmp_path))), "html.parser")
    sources = [image.get("src", "") for image in page.find_all("img")]
    assert sources[0] == "data:image/png;base64," + base64.b64encode(PNG).decode()
    assert not [source for source in sources[1:] if source.startswith("data:")]


def test_what_a_cell_drew_is_shown_with_words_for_those_who_do_not_see_it():
    picture = new_output("display_data", {"image/png": base64.b64encode(PNG).decode()})
    image = part(new_code_cell("draw()", outputs=[picture])).img
    assert image["src"].startswith("data:image/png;base64,")
    assert image["alt"]


def test_what_scrolls_can_be_reached_by_the_keyboard():
    stream = new_output("stream", name="stdout", text="x" * 500)
    cells = new_code_cell("y = 1", outputs=[stream]), new_markdown_cell("```python\nz = 1\n```")
    boxes = part(*cells).find_all("pre")
    assert [box.get("tabindex") for box in boxes] == ["0", "0", "0"]


def test_checks_are_left_out_because_the_marks_say_more():
    shown = part(new_code_cell("check('f')", id="f-check"), new_code_cell("x = 1", id="mine"))
    assert "check" not in shown.get_text()
    assert "x = 1" in shown.get_text()


@pytest.mark.parametrize("source", ["a." * 100_000, "# a\n" * 40_000, "$x$ " * 4900])
def test_a_text_that_is_slow_to_render_is_shown_all_the_same(source):
    began = time.process_time()
    shown = part(new_code_cell(source), new_markdown_cell(source)).get_text()
    assert time.process_time() - began < 30
    assert "x" in shown or source[:1000] in shown


def test_the_texts_of_a_page_share_one_budget_of_time(monkeypatch):
    monkeypatch.setattr(safe_page, "PAGE_SECONDS", 0.0)
    texts = PageTexts()
    assert "<strong>first" in texts.markdown("**first**")
    texts.spent = 1.0
    assert "**second**" in texts.markdown("**second**")


def test_the_second_page_of_a_class_is_quick(graded):
    """Pages of one class share the handout, which is rendered once."""
    assignment = next(iter(assignments().values()))
    nb = nbformat.read(assignment.release_path, as_version=4)
    feedback_html(nb, resources())
    began = time.process_time()  # of this process: a busy machine must not fail the test
    feedback_html(nb, resources())
    assert time.process_time() - began < 0.3


def test_nbgraders_exporter_makes_the_same_page(graded):
    page, _ = FeedbackExporter().from_notebook_node(graded, resources=resources())
    assert page == feedback_html(graded, resources())
    assert FeedbackExporter().file_extension == ".html"

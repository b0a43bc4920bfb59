"""Our steps inside nbgrader: points come from the judge or are 0; the hook holds or is heard."""

import math
import sys
import time
from types import SimpleNamespace
from typing import ClassVar

import both_ways
import nbformat
import pytest
from bs4 import BeautifulSoup
from harmless import ATTACKS, harmful
from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.apps import api, autogradeapp
from nbgrader.converters.autograde import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import determine_grade
from traitlets.config import Config

from autograder import classroom, nbgrader_plugin, safe_autograde, safe_page
from autograder.arrange import take_in
from autograder.nbgrader_plugin import HookNotInstalled, mark_only_what_was_judged
from autograder.safe_autograde import AUTOGRADE, SafeAutograde
from autograder.sandbox.safe_display import TAGS


def graded_cell(*outputs):
    metadata = {"grade": True, "grade_id": "double-hidden", "points": 2, "solution": False}
    cell = new_code_cell(source="hidden_test('double')", metadata={"nbgrader": metadata})
    cell.outputs = [nbformat.from_dict(output) for output in outputs]
    return cell


def result(text):
    return new_output("execute_result", {"text/plain": text})


def verdict(points):
    return {"double": SimpleNamespace(points=points, max_points=2.0)}


@pytest.mark.parametrize("points", [0.0, 0.67, 1.5, 2.0])
def test_a_marked_cell_is_left_as_it_is(points):
    cell = graded_cell(result(repr(points)))
    assert mark_only_what_was_judged(cell, verdict(points)) == []
    assert determine_grade(cell)[0] == points


@pytest.mark.parametrize(
    "outputs",
    [
        [],
        [result("nan")],
        [result("-1")],
        [result("False")],
        [result("np.float64(0.0)")],
        [result("well done")],
        [result("2.0")],  # the judge said 1.5
        [result("1.5"), result("2.0")],
        [result("99.0")],
        [result(["1.5"])],
        [{"output_type": "execute_result", "data": {}, "metadata": {}}],
        [{"output_type": "display_data", "data": {"text/plain": "1.5"}, "metadata": {}}],
        [new_output("stream", name="stdout", text="1.5")],
    ],
)
def test_an_output_that_is_not_the_judges_number_scores_nothing(outputs):
    cell = graded_cell(*outputs)
    said = mark_only_what_was_judged(cell, verdict(1.5))
    assert determine_grade(cell)[0] == 0
    assert said == [
        "“double” could not be marked, so it counts 0 points; please tell your teacher."
    ]


def test_a_cell_without_a_verdict_scores_nothing_whatever_it_shows():
    cell = graded_cell(result("2.0"))
    mark_only_what_was_judged(cell, {})
    assert determine_grade(cell)[0] == 0


@pytest.mark.parametrize("points", [math.nan, math.inf, -1.0, 3.0])
def test_a_verdict_beyond_reason_scores_nothing(points):
    cell = graded_cell(result(repr(points)))
    mark_only_what_was_judged(cell, verdict(points))
    assert determine_grade(cell)[0] == 0


def test_the_command_and_the_formgrader_use_our_autograde(course):
    classroom.load_config(course)
    assert autogradeapp.Autograde is SafeAutograde
    assert api.Autograde is SafeAutograde


def test_a_hook_that_finds_another_nbgrader_is_heard(monkeypatch):
    monkeypatch.setattr(api, "Autograde", type("Renamed", (), {}))
    with pytest.raises(HookNotInstalled, match=r"api\.Autograde must be nbgrader's own"):
        nbgrader_plugin.install(Config())


def test_a_config_file_whose_hook_fails_ends_the_program(course, monkeypatch):
    # nbgrader only logs an exception in a config file, and would go on without our steps.
    monkeypatch.setattr(api, "Autograde", None)
    with pytest.raises(SystemExit, match="nothing is run"):
        classroom.load_config(course)


@pytest.mark.parametrize("step", ["sanitize_preprocessors", "autograde_preprocessors"])
def test_steps_changed_back_by_another_config_file_are_refused(step, course, hand_in, filled):
    hand_in(filled)
    config = classroom.load_config(course)
    config.Autograde[step] = list(getattr(Autograde(), step))
    coursedir = CourseDirectory(config=config, root=str(course), assignment_id="tiny")
    with pytest.raises(Exception, match="Nothing was graded"):
        SafeAutograde(coursedir=coursedir, config=config).start()
    assert not (course / "autograded").exists()


def test_one_submission_at_a_time_lies_on_the_disk(course, hand_in, filled, monkeypatch):
    seen = []

    def watch(submitted, student, assignment, target, *more, **options):
        seen.append(sorted(folder.name for folder in target.parents[1].iterdir()))
        return take_in(submitted, student, assignment, target, *more, **options)

    monkeypatch.setattr(safe_autograde, "take_in", watch)
    for student in ("ada", "bob", "cid"):
        hand_in(filled, student)
    config = classroom.load_config(course)
    coursedir = CourseDirectory(config=config, root=str(course), assignment_id="tiny")
    SafeAutograde(coursedir=coursedir, config=config).start()
    assert seen == [[], [], []]


class ServerStandIn:
    """In the place of a fork server: it counts."""

    made: ClassVar[list] = []

    def __init__(self, modules):
        self.modules, self.started, self.closed = modules, 0, False
        self.made.append(self)

    def start(self, *asked):
        self.started += 1

    def close(self):
        self.closed = True


@pytest.mark.parametrize("crash", [False, True])
def test_one_fork_server_serves_nbgraders_command_and_ends_with_it(
    crash, course, hand_in, filled, monkeypatch
):
    monkeypatch.setattr(ServerStandIn, "made", [])
    monkeypatch.setattr("autograder.sandbox.Preloaded", ServerStandIn)
    about = SimpleNamespace(solution=nbformat.from_dict(filled))
    monkeypatch.setattr(safe_autograde, "find_assignment", lambda slug, root: about)
    grading = sys.modules["autograder.grading"]
    mark = grading.grade_notebook

    def grade(nb, assignment, *, starter, **options):
        starter("backend", "limits", ())
        return mark(nb, assignment, **options)

    monkeypatch.setattr(grading, "grade_notebook", grade)
    if crash:
        filled.cells.append(nbformat.v4.new_code_cell(source="CRASH THE GRADER"))
    for student in ("ada", "ben"):
        hand_in(filled, student)
    assert bool(both_ways.grade_by_nbgrader(course, "tiny", 7)) == crash
    (server,) = ServerStandIn.made
    assert (server.modules, server.started, server.closed) == (["math"], 2, True)


def test_nothing_in_our_steps_executes_a_notebook_in_a_kernel():
    assert not [step for step in AUTOGRADE if step.endswith("Execute")]


def rendered(markdown):
    """A student's text as feedback and formgrader show it."""
    config = Config()
    config.HTMLExporter.filters = {"markdown2html": "autograder.safe_page.safe_markdown"}
    notebook = new_notebook(cells=[new_markdown_cell(source=markdown)])
    page, _ = HTMLExporter(config=config, template_name="basic").from_notebook_node(notebook)
    return page


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_students_markdown_cannot_make_the_browser_do_anything(attack):
    assert harmful(BeautifulSoup(rendered(attack), "html.parser"), TAGS) == []


def test_ordinary_markdown_is_shown_as_it_should():
    page = rendered("# Title\n\n**bold** $a < b$ | x\n\n| a | b |\n|---|---|\n| 1 | 2 |")
    assert '<h1 id="Title">' in page
    assert "<strong>bold</strong>" in page
    assert "<td>1</td>" in page
    assert "$a &lt; b$" in page


def page_of(*cells):
    """The page that feedback and formgrader make of cells."""
    config = Config()
    nbgrader_plugin.install(config)
    page, _ = HTMLExporter(config=config, template_name="basic").from_notebook_node(
        new_notebook(cells=list(cells))
    )
    return page


def test_code_is_coloured():
    assert '<span class="k">def</span>' in page_of(new_code_cell(source="def f(x): return x"))


@pytest.mark.parametrize("source", ["a." * 100_000, "# a\n" * 40_000, "<b></p>" * 30_000])
def test_a_text_that_is_slow_to_render_is_shown_as_it_was_typed(source):
    began = time.monotonic()
    page = page_of(new_code_cell(source=source), new_markdown_cell(source=source))
    assert time.monotonic() - began < 60  # the slowest takes half an hour when it is coloured
    assert BeautifulSoup(page, "html.parser").get_text().count(source[:1000]) >= 2


def test_the_texts_of_a_page_share_one_budget_of_time(monkeypatch):
    monkeypatch.setattr(safe_page, "PAGE_SECONDS", 0.0)
    page = page_of(new_markdown_cell(source="**first**"), new_markdown_cell(source="**second**"))
    assert "<strong>first</strong>" in page
    assert "**second**" in page


@pytest.mark.parametrize("tag", ["<div>", "<blockquote>", "<b><i>"])
def test_a_text_that_nests_without_end_costs_its_looks_only(tag):
    assert "honest" in page_of(new_markdown_cell(source=tag * 1500), new_markdown_cell("honest"))

"""nbgrader's Validate button on our notebook: what it says is true."""

import nbformat
import pytest
from playwright.sync_api import expect

from .lab_page import LabPage
from .small_class import SLUG, student_notebook

WORKS = {"unfilled": None, "filled": {}}


@pytest.fixture
def validate(window, jupyter, course, shoot):
    """Press the button on a student's notebook, and return what the dialogue says."""

    def press(name):
        path = f"assignments/{SLUG}/{name}.ipynb"
        nbformat.write(student_notebook(WORKS[name]), course / path)
        lab = LabPage(window(jupyter.url, viewport={"width": 1280, "height": 900}), jupyter, path)
        lab.page.get_by_role("button", name="Validate").click()
        dialogue = lab.page.get_by_role("dialog")
        expect(dialogue).to_be_visible()
        expect(dialogue).not_to_contain_text("There was an error running the validate command")
        shoot(lab.page, f"validate-{name}")
        return dialogue.inner_text()

    return press


def test_an_unfilled_notebook_is_told_what_is_not_written(validate):
    said = validate("unfilled")
    assert "Success" not in said
    assert "rnn_step_forward is not written yet" in said
    assert said.count("not written yet") >= 8
    assert "Partial credit" not in said


def test_a_notebook_whose_checks_all_pass_is_a_success(validate):
    assert "Success! Your notebook passes all the tests." in validate("filled")

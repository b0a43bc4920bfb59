"""A teacher opens the formgrader in JupyterLab and marks what only a person can mark."""

import json
import time

from nbgrader.api import Gradebook
from playwright.sync_api import expect

from .chromium import PATIENCE
from .lab_page import LabPage
from .small_class import SLUG, STUDENTS, grade

COMMENT = "Two good reasons. What of rare words?"


def mark_of(root, student):
    """Return the mark of the written answer as the gradebook has it, and the comment."""
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        where = ("inline_question_1", "rnn_captioning", SLUG, student)
        return (
            gradebook.find_grade(*where).manual_score,
            gradebook.find_comment(*where).manual_comment,
        )


def totals(root):
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        return {name: gradebook.find_submission(SLUG, name).score for name in STUDENTS}


def test_a_mark_by_hand_is_seen_saved_and_kept(small_class, jupyter, window, shoot):
    before = totals(small_class.root)
    lab = LabPage(window(jupyter.url, viewport={"width": 1400, "height": 1000}), jupyter)
    lab.choose("Nbgrader", "Formgrader")
    formgrader = lab.page.frame_locator("iframe").first
    formgrader.get_by_role("link", name="Manual Grading").click()
    row = formgrader.get_by_role("row").filter(has_text=SLUG)
    mean = sum(before.values()) / len(before)
    expect(row).to_contain_text(f"{mean:.2f}".rstrip("0").rstrip("."))
    shoot(lab.page, "formgrader-gradebook")
    row.get_by_role("link", name=SLUG).click()
    formgrader.get_by_role("link", name="rnn_captioning").click()
    # Ada's: all but the written answer. The formgrader shows no names at first.
    submission = formgrader.get_by_role("row").filter(has_text="36 / 36")
    expect(submission).to_be_visible()
    shoot(lab.page, "formgrader-submissions")
    submission.locator("a.name-hidden").click()

    mark = formgrader.locator("#inline_question_1")
    mark.scroll_into_view_if_needed()
    expect(mark).to_have_value("")
    expect(formgrader.locator("[id='rnn_step_forward-hidden']")).to_have_attribute(
        "placeholder", "4"
    )
    mark.fill("3")
    mark.press("Tab")
    comment = formgrader.locator("#inline_question_1-comment")
    comment.fill(COMMENT)
    comment.blur()
    shoot(lab.page, "formgrader-by-hand")
    until = time.monotonic() + PATIENCE / 1000
    while mark_of(small_class.root, "ada") != (3.0, COMMENT):
        assert time.monotonic() < until, mark_of(small_class.root, "ada")
        lab.page.wait_for_timeout(100)

    told = [
        json.loads(line)
        for line in grade(small_class.root, "--force", "--json", "--student", "ada").splitlines()
    ]
    assert any(line.get("student") == "ada" for line in told)
    assert mark_of(small_class.root, "ada") == (3.0, COMMENT)
    assert totals(small_class.root) == before | {"ada": before["ada"] + 3}
    page = small_class.feedback("ada").read_text()
    assert COMMENT in page
    assert "<b>39</b> of 40 points" in page
    again = lab.page.context.new_page()
    again.goto(lab.page.frames[-1].url)
    expect(again.locator("#inline_question_1")).to_have_value("3")
    expect(again.locator("#inline_question_1-comment")).to_have_value(COMMENT)

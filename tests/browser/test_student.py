"""A student opens the first notebook, answers wrongly, reads the panel, and mends it."""

import re
import shutil
import time

import nbformat
import pytest
from nbformat.reader import NotJSONError
from playwright.sync_api import expect

from .axe import serious_findings
from .chromium import PATIENCE
from .lab_page import LabPage
from .small_class import NOTEBOOK, SLUG

PATH = f"student/{SLUG}/{NOTEBOOK}"
HINT = "With x and prev_h all zero, what should next_h be, and what is yours?"


@pytest.fixture
def saved(course):
    """The student's own notebook: a class that is graded later finds the release untouched."""
    path = course / PATH
    path.parent.mkdir(parents=True)
    shutil.copy(course / "assignments" / SLUG / NOTEBOOK, path)
    return path


def printed(path, cell):
    """Return the text that a saved notebook holds for those who see no panel."""
    try:
        notebook = nbformat.read(path, as_version=4)
    except NotJSONError:
        return ""  # it is being saved just now
    outputs = next(each for each in notebook.cells if each.id == cell).get("outputs", [])
    return "\n".join(str(each.get("data", {}).get("text/plain", "")) for each in outputs)


def test_a_wrong_answer_is_named_and_a_right_one_is_right(window, jupyter, saved, shoot):
    context = window(jupyter.url, viewport={"width": 1280, "height": 900})
    lab = LabPage(context, jupyter, PATH)
    lab.run(lab.cell("%matplotlib inline"))
    answer, check = lab.cell("def rnn_step_forward("), lab.cell('check("rnn_step_forward")')

    lab.overwrite(
        answer,
        "raise NotImplementedError",
        "next_h = np.tanh(x @ Wx + prev_h @ Wh)",  # and no bias
        "cache = x, prev_h, Wx, Wh, next_h",
    )
    lab.run(answer)
    lab.run(check)
    panel = check.get_by_role("group", name="Check of rnn_step_forward: not right yet")
    expect(panel).to_contain_text("This looks like a known mistake: the bias is left out.")
    expect(panel).to_contain_text(HINT)
    told = panel.aria_snapshot()  # what a screen reader is given
    assert "the bias is left out" in told
    assert 'img "wrong"' in told
    assert re.search(r'img "next_h: [^"]* wrong, the farthest off is \[\d, \d\]"', told), told
    assert re.search(r'row "next_h \(\d', told), told
    for theme in ("Light", "Dark"):
        lab.use_theme(theme)
        panel.scroll_into_view_if_needed()
        assert serious_findings(lab.page, '[role="group"][aria-label^="Check of"]') == []
        shoot(lab.page, f"panel-mistake-{theme.lower()}")
    lab.page.keyboard.press("Control+s")
    until = time.monotonic() + PATIENCE / 1000
    while HINT not in printed(saved, "rnn_step_forward-check"):
        assert time.monotonic() < until, "the notebook was not saved with the panel's text"
        lab.page.wait_for_timeout(100)
    assert "WRONG" in printed(saved, "rnn_step_forward-check")

    lab.put_cursor(answer, "prev_h @ Wh)")
    lab.page.keyboard.press("ArrowLeft")
    lab.page.keyboard.type(" + b")
    lab.run(answer)
    lab.run(check)
    panel = check.get_by_role("group", name="Check of rnn_step_forward: right")
    expect(panel).to_be_visible()
    expect(check.locator(".jp-OutputArea")).not_to_contain_text("not right yet")
    for theme in ("Dark", "Light"):
        lab.use_theme(theme)
        panel.scroll_into_view_if_needed()
        assert serious_findings(lab.page, '[role="group"][aria-label^="Check of"]') == []
        shoot(lab.page, f"panel-right-{theme.lower()}")
    assert context.asked == []

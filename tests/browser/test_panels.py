"""All that a check can show, in both colour schemes, by axe-core and as pictures."""

import pytest

from autograder.course import find_assignment
from autograder.demo import SLUG
from autograder.mistakes import run_cells
from cs231n_utils import checking, progress, transcripts

from .axe import serious_findings

NAMES = progress.exercises_of(SLUG)
# JupyterLab's own colours of a page and its text.
COLOURS = {"light": ("#ffffff", "rgba(0, 0, 0, .87)"), "dark": ("#111111", "#ffffff")}


def cells(**changes):
    """Return a namespace in which the solution's cells were run, with one text changed in some."""
    sources = find_assignment(SLUG).solution_cells()
    for cell, (old, new) in changes.items():
        assert sources[cell].count(old) == 1
        sources[cell] = sources[cell].replace(old, new)
    return run_cells(sources)


def overview(namespace):
    results = [checking.examine(name, namespace) for name in NAMES]
    return progress.Overview(SLUG, results, transcripts.by_hand(SLUG))


@pytest.fixture(scope="module")
def panels():
    """A panel of every kind, by name."""
    right = cells()
    halved = cells(rnn_step_backward=("sum(axis=0)", "mean(axis=0)"))
    wide = cells(rnn_step_forward=("np.tanh(a)", "np.tanh(a)[:, :-1]"))
    raising = cells(rnn_step_forward=("x @ Wx", "x @ Wx.T"))
    stub = cells(rnn_step_forward=("a = x @ Wx", "raise NotImplementedError\n    a = x @ Wx"))
    return {
        "right": checking.examine("rnn_backward", right),
        "a known mistake": checking.examine("rnn_step_backward", halved),
        "a wrong shape": checking.examine("rnn_step_forward", wide),
        "an exception": checking.examine("rnn_step_forward", raising),
        "not written": checking.examine("rnn_step_forward", stub),
        "waits for another": checking.examine("rnn_forward", stub),
        "not run": checking.examine("rnn_step_forward", {}),
        "all done": overview(right),
        "some done": overview(halved),
    }


def as_page(panels, background, ink, width=""):
    shown = "".join(f"<h2>{name}</h2>{panel._repr_html_()}" for name, panel in panels.items())
    return (
        '<!DOCTYPE html><html lang="en"><meta name="viewport" content="width=device-width">'
        f'<title>panels</title><body style="background:{background};color:{ink};'
        f'font:13px/1.4 system-ui,sans-serif"><main><h1>Panels</h1>{shown}</main>'
    )


@pytest.mark.parametrize("scheme", COLOURS)
def test_every_kind_of_panel_can_be_read_by_everybody(panels, window, shoot, scheme):
    page = window(viewport={"width": 1000, "height": 800}).new_page()
    page.set_content(as_page(panels, *COLOURS[scheme]))
    assert serious_findings(page) == []
    shoot(page, f"panels-{scheme}", full_page=True)


def test_a_narrow_panel_scrolls_within_itself(panels, window, shoot):
    page = window(viewport={"width": 400, "height": 800}).new_page()
    page.set_content(as_page(panels, *COLOURS["light"]))
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert serious_findings(page) == []
    shoot(page, "panels-narrow", full_page=True)


def test_the_words_of_a_panel_are_there_without_its_colours(panels, window):
    page = window().new_page()
    page.set_content(as_page(panels, *COLOURS["light"]))
    told = page.locator("main").aria_snapshot()
    for words in ("not right yet", "not written yet", "waits for another", "not run yet", "right"):
        assert words in told

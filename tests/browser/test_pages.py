"""The pages that we write: light, dark, on a phone, printed, without a network, for everybody."""

import re

import pytest

from .axe import serious_findings

PHONE = {"width": 375, "height": 780}
DESK = {"width": 1280, "height": 900}
PAPER = {"width": 718, "height": 1000}  # A4 without its margins, in CSS pixels
PAGES = ["feedback", "report"]


@pytest.fixture
def open_page(small_class, window):
    """Open one of the pages as a file, and check at the end that nothing else was asked for."""
    places = {"feedback": small_class.feedback("chen"), "report": small_class.report}
    contexts = []

    def show(name, **options):
        context = window(**options)
        contexts.append(context)
        page = context.new_page()
        page.goto(places[name].as_uri())
        return page

    yield show
    assert contexts
    assert [context.asked for context in contexts if context.asked] == []


def too_wide(page):
    """Return what stands out of the page to the right, unless a box that scrolls holds it."""
    return page.evaluate(
        """() => {
            const most = document.documentElement.clientWidth + 1;
            const scrolls = e => e && (['auto', 'scroll', 'hidden'].includes(
                getComputedStyle(e).overflowX) || scrolls(e.parentElement));
            const out = [...document.body.querySelectorAll('*')].filter(
                e => e.getBoundingClientRect().right > most && !scrolls(e.parentElement));
            const told = out.map(e => e.outerHTML.slice(0, 120));
            if (document.documentElement.scrollWidth > most) told.push('the page scrolls');
            return told;
        }"""
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_on_a_desk(open_page, shoot, name, scheme):
    page = open_page(name, viewport=DESK, color_scheme=scheme)
    assert too_wide(page) == []
    assert serious_findings(page) == []
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    bright = sum(map(int, re.findall(r"\d+", background)[:3])) > 380
    assert bright == (scheme == "light")
    shoot(page, f"{name}-{scheme}", full_page=True)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_on_a_phone_never_scrolls_sideways(open_page, shoot, name):
    page = open_page(name, viewport=PHONE, is_mobile=True, has_touch=True, device_scale_factor=2)
    assert page.evaluate("window.innerWidth") == PHONE["width"]  # it was not laid out wider
    assert too_wide(page) == []
    assert serious_findings(page, colours=False) == []
    shoot(page, f"{name}-phone", full_page=True)


@pytest.mark.parametrize("name", PAGES)
def test_a_printed_page_is_dark_on_white_and_loses_nothing(open_page, shoot, shots, name):
    page = open_page(name, viewport=PAPER, color_scheme="dark")
    page.emulate_media(media="print")
    hidden = page.evaluate(
        """() => [...document.body.querySelectorAll('*')].filter(
            e => (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1)
                 && getComputedStyle(e).overflowX != 'visible' && e.clientWidth > 1)
            .map(e => e.outerHTML.slice(0, 160))"""
    )
    assert hidden == []
    assert too_wide(page) == []
    shoot(page, f"{name}-printed", full_page=True)
    path = shots / f"{name}.pdf"
    page.pdf(
        path=path, format="A4", margin=dict.fromkeys(("left", "right", "top", "bottom"), "1cm")
    )
    assert path.read_bytes().startswith(b"%PDF")


def test_a_page_that_is_too_wide_or_hard_to_read_is_found(window):
    page = window(viewport=PHONE).new_page()
    page.set_content(
        "<html lang=en><title>x</title><main><h1 style='width:900px'>wide</h1>"
        "<p style='color:#ddd;background:#fff'>pale</p><img src=data:,></main>"
    )
    assert "the page scrolls" in too_wide(page)
    assert {said.split(":")[0] for said in serious_findings(page)} == {
        "color-contrast",
        "image-alt",
    }


def test_what_a_page_asks_for_elsewhere_is_seen(window):
    context = window()
    page = context.new_page()
    page.set_content("<img src=http://example.org/a.png>")
    assert context.asked == ["http://example.org/a.png"]

"""What is on the pages that people open, read without a browser (the others ask a real one)."""

import re
from collections import Counter

import pytest
from bs4 import BeautifulSoup

from autograder.report import write_reports

from . import small_course as tiny

ACTIVE = (
    "script iframe frame object embed applet base form input button svg template maction".split()
)
LOADS = ("src", "srcset", "poster", "data", "background", "xlink:href", "action", "formaction")


def active_parts(text):
    """Count what could do something: elements, handlers, code as an address, what is loaded."""
    found = Counter()
    for element in BeautifulSoup(text, "html.parser").find_all(True):
        if element.name in ACTIVE:
            found[element.name, str(element.get("src") or element.get("id") or "")] += 1
        for name, value in element.attrs.items():
            value = str(value)
            scheme = re.sub(r"[\x00-\x20]", "", value).lower()
            if name.startswith("on"):
                found["handler", element.name, name] += 1
            if scheme.startswith(("javascript:", "vbscript:", "data:text", "data:image/svg")):
                found["code", element.name, name] += 1
            if name in LOADS and re.match(r"(https?:)?//", scheme):
                found["loaded", value] += 1
            if name == "href" and (element.name == "link" or element.find_parent("math")):
                found["loaded", value] += 1
            if name == "style" and "url(" in scheme:
                found["loaded", value] += 1
    return found


def test_feedback_has_nothing_active_and_loads_nothing(page):
    for student in ("scripter", "stasher", "flooder", "ada"):
        found = active_parts(page(student))
        assert found == {}, student
    assert "OWNED" in page("scripter")  # it is there, as text
    assert "<math" in page("scripter")  # and so is its formula


def test_the_formgrader_shows_nothing_active_that_is_not_its_own(the_class):
    of = {name: tiny.formgrader_page(the_class.root, name) for name in ("scripter", "ada")}
    assert "OWNED" in of["scripter"]
    own = active_parts(of["ada"])
    more = {part for part in active_parts(of["scripter"]) if part not in own}
    assert more == set()
    assert own  # it has scripts of its own


def test_the_report_shows_nothing_active_that_is_not_its_own(the_class):
    rows = the_class.rows
    noisy = [rows[name] for name in ("scripter", "linker", "stasher", "torn", "staller")]
    (with_them,) = write_reports(noisy, the_class.root, {})
    strange = active_parts(with_them.read_text())
    (without,) = write_reports([rows["ada"]], the_class.root, {})
    own = active_parts(without.read_text())
    assert {part[0] for part in strange} <= {part[0] for part in own}


@pytest.mark.parametrize(
    "text",
    [
        "<script>x</script>",
        "<b onclick=x>",
        "<a href=' java\nscript:x'>",
        "<img src=//x.org/a.png>",
        "<link rel=stylesheet href=a.css>",
        "<p style='background: url(x)'>",
        "<iframe>",
        "<math><mtext href='x'>x</mtext></math>",
    ],
)
def test_what_is_active_would_be_noticed(text):
    assert active_parts(f"<p>{text}</p>")
    assert not active_parts("<p class=a style='color: red'><a href=https://x.org>x</a></p>")

"""docs/security.md names a test for every line, and each of them exists."""

import ast
import re
from pathlib import Path

import pytest

from . import removals

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "security.md").read_text(encoding="utf-8")


def known_tests() -> set[str]:
    """Return the names of the tests in this folder."""
    return {
        node.name
        for path in HERE.glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


@pytest.mark.parametrize("number", range(1, 66))
def test_every_line_has_a_row_that_names_its_test(number):
    (row,) = re.findall(rf"^\| {number} \|.*$", PAGE, re.MULTILINE)
    named = re.findall(r"`(test_\w+)`", row)
    assert named
    assert set(named) <= known_tests()
    assert all(name.startswith(f"test_line_{number:02}_") for name in named)


def test_every_defence_that_is_taken_away_has_its_row():
    rows = re.findall(r"^\| ([^|]+) \| `(test_\w+)` \| fails \|$", PAGE, re.MULTILINE)
    assert rows == [(r.name, r.test.split("::")[1]) for r in removals.REMOVALS]
    assert len(rows) >= 10
    assert {name for _, name in rows} <= known_tests()


@pytest.mark.parametrize("removal", removals.REMOVALS, ids=lambda removal: removal.name)
def test_every_edit_of_a_removal_fits_the_file_as_it_is(removal):
    for name, old, new in removal.edits:
        assert (removals.REPOSITORY / name).read_text(encoding="utf-8").count(old) == 1, old
        assert old != new

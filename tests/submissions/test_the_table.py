"""docs/security.md names a test for every line, and each of them exists."""

import ast
import json
import re
from pathlib import Path

import nbformat
import pytest
import yaml

from . import removals
from . import small_course as tiny

# What the system answers to somebody who may not: not NameError, TypeError or AttributeError, which
# would mean that an attack was never made.
ANSWERS = {
    "BlockingIOError",
    "FileNotFoundError",
    "MemoryError",
    "OperationalError",  # SQLite's, for a file that is not there
    "OSError",
    "PermissionError",
    "ProcessLookupError",  # there is nobody to send a signal to
    "RuntimeError",  # threading's
    "URLError",
}

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


@pytest.mark.parametrize("student", ["prowler", "writer", "bomber"])
def test_every_attempt_was_made_and_refused_by_the_system(student, printed):
    lines = re.findall(r"^REFUSED \d+: (.*)$", printed(student), re.MULTILINE)
    assert len(lines) >= 4
    refused = [name for line in lines for name in json.loads(line)]
    assert set(refused) <= ANSWERS


@pytest.mark.parametrize("student", ["patcher", "shipper", "scripter", "flooder"])
def test_every_cell_of_an_attack_ran(student, the_class):
    path = the_class.root / "autograded" / student / tiny.SLUG / tiny.NOTEBOOK
    cells = nbformat.read(path, as_version=4).cells
    errors = [o.ename for cell in cells for o in cell.get("outputs", []) if "ename" in o]
    # One shows what an error's text and a cell that is none do to a page, one is stopped.
    expected = {
        "scripter": ["ValueError", "SyntaxError"],
        "flooder": ["TooMuchOutput", "TooMuchOutput"],
    }
    assert errors == expected.get(student, [])


def test_the_longer_jobs_run_what_the_page_says():
    workflow = (HERE.parents[1] / ".github" / "workflows" / "wall.yml").read_text(encoding="utf-8")
    jobs = yaml.safe_load(workflow)["jobs"]["wall"]["strategy"]["matrix"]["include"]
    assert len(jobs) == 2
    for job in jobs:
        assert f"`{job['command']}`" in PAGE

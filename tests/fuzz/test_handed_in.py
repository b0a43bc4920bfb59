"""Whatever is handed in or shown: HTML, notebooks, files."""

import contextlib
import json
import os
import re
import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.arrange import take_in
from autograder.forbidden import find_forbidden
from autograder.intake import IntakeLimits
from autograder.notebook_file import NotANotebook, parse_notebook
from autograder.repair import repair
from autograder.sandbox.safe_display import clean_output_html

from .inputs import LEAVES, TEXTS, TREES, damaged, fuzz

PIECES = st.sampled_from(
    "<script> </script> <svg/onload=x> <img src=x onerror=x> <b <!-- --> <![CDATA[ &lt; &#0; \0 "
    "<a href= javascript:x 'x' \" > </b> <table> <td> <math> <style> <template> <noscript> \\href{ "
    "$ <?x ?>".split(" ")
)


@fuzz(0.1)
@given(st.lists(st.one_of(PIECES, st.text(max_size=6)), max_size=20).map("".join))
def test_whatever_is_shown_as_html_holds_nothing_that_runs(quick, text):
    with quick():
        shown = clean_output_html(text)
    assert shown is not None
    assert not re.search(r"<(script|svg|math|style|iframe|template|noscript)", shown, re.IGNORECASE)
    for tag in re.findall(r"<[^>]*>", shown):
        assert not re.search(r"\son\w+\s*=|javascript:", tag.replace("&", ""), re.IGNORECASE)


def marked(name, **given):
    return {"nbgrader": {"grade_id": name, "schema_version": 3, "locked": False, **given}}


RELEASE = new_notebook(
    cells=[
        new_markdown_cell("# Title", id="title"),
        new_code_cell(
            "def f(x):\n    pass", id="f", metadata=marked("f", solution=True, grade=False)
        ),
        new_code_cell(
            "hidden_test('f')",
            id="f-hidden",
            metadata=marked("f-hidden", solution=False, grade=True, points=2),
        ),
        new_markdown_cell(
            "answer", id="why", metadata=marked("why", solution=True, grade=True, points=1)
        ),
    ]
)
SOURCES = st.one_of(
    TEXTS,
    st.lists(TEXTS, max_size=3),
    st.sampled_from(
        ["def f(x):\n    return 1", "hidden_test('f')", "# Title", "import torch as t\nt.x"]
    ),
    TREES,
)
CELLS = st.one_of(
    TREES,
    st.fixed_dictionaries(
        {"cell_type": st.sampled_from(["code", "markdown", "raw", "odd"]), "source": SOURCES},
        optional={
            "id": st.one_of(st.sampled_from(["f", "f-hidden", "why", "title"]), TREES),
            "metadata": st.one_of(
                TREES,
                st.builds(
                    lambda name, tree: {"nbgrader": {"grade_id": name, "x": tree}},
                    st.one_of(st.sampled_from(["f", "f-hidden", "why"]), LEAVES),
                    TREES,
                ),
            ),
            "outputs": TREES,
            "attachments": TREES,
        },
    ),
)
NOTEBOOKS = st.fixed_dictionaries(
    {
        "nbformat": st.one_of(st.just(4), st.sampled_from([2, 3, 5]), LEAVES),
        "cells": st.one_of(st.lists(CELLS, max_size=6), TREES),
    },
    optional={"metadata": TREES, "worksheets": TREES, "nbformat_minor": LEAVES},
)


@fuzz(0.2)
@given(
    st.one_of(NOTEBOOKS, TREES),
    st.lists(st.tuples(st.integers(0, 4096), st.integers(0, 255)), max_size=2),
)
def test_whatever_is_handed_in_as_a_notebook_is_repaired_or_refused(quick, tree, changes):
    content = damaged(json.dumps(tree).encode("utf-8", "surrogatepass"), changes)
    with quick(), contextlib.suppress(NotANotebook):
        mended = repair(parse_notebook(content), RELEASE)
        nbformat.validate(mended.notebook)
        kept = [cell for cell in mended.notebook.cells if "nbgrader" in cell.metadata]
        assert [(c.id, c.cell_type, c.metadata) for c in kept] == [
            (c.id, c.cell_type, c.metadata) for c in RELEASE.cells[1:]
        ]
        assert next(c for c in kept if c.id == "f-hidden").source == "hidden_test('f')"
        json.dumps(mended.notebook, allow_nan=False).encode("utf-8")
        find_forbidden(["torch"], [c.source for c in mended.notebook.cells], ["f"])


NAMES = st.one_of(
    st.sampled_from(
        [
            "hw.ipynb",
            "hw.ipynb",
            "other.ipynb",
            "timestamp.txt",
            "helper.py",
            "a b",
            "-rf",
            "*",
            "%0a",
        ]
    ),
    st.binary(min_size=1, max_size=20)
    .map(lambda name: os.fsdecode(name.replace(b"\0", b"0").replace(b"/", b"\\")))
    .filter(lambda name: name not in (".", "..")),
    st.integers(140, 255).map(lambda length: "n" * length),
)
CONTENTS = st.one_of(
    st.binary(max_size=40),
    NOTEBOOKS.map(lambda tree: json.dumps(tree).encode("utf-8", "surrogatepass")),
    st.sampled_from([b"2026-11-23 10:00:00 UTC", b"9" * 5000]),
)
FILES = st.lists(
    st.tuples(
        st.lists(NAMES, min_size=1, max_size=3),
        st.sampled_from(["file", "file", "file", "link", "hard", "pipe", "folder", "closed"]),
        CONTENTS,
    ),
    max_size=6,
)
FEW = IntakeLimits(files=4, entries=12, file_bytes=64, total_bytes=150, depth=1)


def lay_out(folder, secret, path, kind, content):
    """Write one entry of a submission; two that want the same name are no matter."""
    place = folder.joinpath(*path)
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        match kind:
            case "link":
                place.symlink_to(secret)
            case "hard":
                os.link(secret, place)
            case "pipe":
                os.mkfifo(place)
            case "folder":
                place.mkdir()
            case _:
                with place.open("xb") as file:  # not through a link that lies there
                    file.write(content)
                if kind == "closed":
                    place.chmod(0)


@fuzz(0.05)
@given(FILES)
def test_whatever_is_handed_in_as_files_becomes_plain_files_within_bounds(quick, files):
    with TemporaryDirectory() as top:
        secret, folder, target = Path(top, "secret"), Path(top, "s", "ada", "hw"), Path(top, "t")
        secret.write_bytes(b"secret")
        folder.mkdir(parents=True)
        for entry in files:
            lay_out(folder, secret, *entry)
        with quick():
            notes = take_in(Path(top, "s"), "ada", "hw", target, {"hw.ipynb": RELEASE}, FEW)
        taken = [path for path in target.rglob("*") if not path.is_dir()]
        assert all(stat.S_ISREG(path.lstat().st_mode) for path in taken)
        assert len(taken) <= FEW.files + 1
        others = [path for path in taken if path.name != "hw.ipynb"]
        assert sum(path.stat().st_size for path in others) <= FEW.total_bytes
        assert all(b"secret" not in path.read_bytes() for path in others)
        nbformat.validate(nbformat.read(target / "hw.ipynb", as_version=4))
        assert [path for path in taken if path.suffix == ".ipynb"] == [target / "hw.ipynb"]
        assert all(note.isprintable() for note in notes)
        assert secret.read_bytes() == b"secret"

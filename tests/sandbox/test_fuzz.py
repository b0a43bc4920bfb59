"""Thousands of lies about frames, values, outputs and notebooks: no crash, no hang, no growth.

`make test` tries 10,000 inputs; a longer run, of as many as it is told:

    CS231N_FUZZ=200000 python -m pytest tests/sandbox/test_fuzz.py
"""

import json
import os
import re
import resource
import struct
import time

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

hypothesis = pytest.importorskip("hypothesis", reason="hypothesis is not installed: `make setup`")

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from autograder.forbidden import find_forbidden  # noqa: E402
from autograder.notebook_file import NotANotebook, parse_notebook  # noqa: E402
from autograder.repair import repair  # noqa: E402
from autograder.sandbox.inside import values, wire  # noqa: E402
from autograder.sandbox.outputs import OutputCollector  # noqa: E402
from autograder.sandbox.safe_display import clean_output_html, picture_pixels  # noqa: E402

INPUTS = int(os.environ.get("CS231N_FUZZ", 10_000))
SLOWEST = 20.0  # seconds for one input, on a busy machine: only against a hang
GROWTH = 256 << 20


def fuzz(share):
    """Try this share of all inputs. What fails is printed, made as small as it can be."""
    return settings(
        max_examples=max(1, int(INPUTS * share)),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(autouse=True, scope="module")
def resident():
    """The grader's own memory is as large afterwards as it was, but for what Python keeps."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    yield
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10) - before < GROWTH


@pytest.fixture(autouse=True)
def slowest(monkeypatch):
    """No single input takes long."""
    longest = [0.0]
    yield longest
    assert longest[0] < SLOWEST


class Bytes:
    """A socket from which these bytes come, in pieces, and then nothing more."""

    def __init__(self, content, pieces):
        self.content, self.pieces, self.place = content, pieces or [1 << 20], 0

    def setblocking(self, _):
        pass

    def recv(self, size):
        size = min(size, self.pieces[self.place % len(self.pieces)])
        self.place += 1
        piece, self.content = self.content[:size], self.content[size:]
        return piece


TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["\ud800", "\0", "t", "id", "arrays", "$array", "$dict", "$tuple", "$float", "nan"]
    ),
)
NUMBERS = st.one_of(
    st.integers(),
    st.integers(-3, 70),
    st.sampled_from([2**31, 2**63, 2**70, -(2**63)]),
    st.floats(),
)
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(TEXTS, inner, max_size=4),
        st.builds(
            lambda tag, body: {tag: body}, st.sampled_from(["$array", "$tuple", "$dict"]), inner
        ),
    ),
    max_leaves=12,
)
ARRAYS = st.lists(
    st.one_of(
        TREES,
        st.tuples(
            st.one_of(st.sampled_from(sorted(values.DTYPES)), TEXTS, st.just("|O")),
            st.one_of(st.lists(NUMBERS, max_size=4), st.lists(st.integers(0, 9), max_size=18)),
        ),
    ),
    max_size=4,
)
HEADERS = st.builds(
    lambda tree, arrays, kind, number: {
        **(tree if isinstance(tree, dict) else {"v": tree}),
        "t": kind,
        "id": number,
        "arrays": arrays,
    },
    TREES,
    ARRAYS,
    st.one_of(TEXTS, st.sampled_from(["reply", "done", "stream", "display", "error"])),
    st.one_of(NUMBERS, st.integers(0, 9)),
)


def frame(header, payload, prefix=None):
    raw = json.dumps(header).encode("utf-8", "surrogatepass")
    if prefix is None:
        prefix = wire.PREFIX.pack(wire.MAGIC, len(raw), len(payload))
    return prefix + raw + payload


PREFIXES = st.one_of(
    st.none(),
    st.binary(min_size=16, max_size=16),
    st.builds(
        lambda a, b: struct.pack("<4sIQ", wire.MAGIC, a, b),
        st.integers(0, 2**32 - 1),
        st.integers(0, 2**64 - 1),
    ),
)
FRAMES = st.builds(frame, HEADERS, st.binary(max_size=64), PREFIXES)


def damaged(content, changes):
    content = bytearray(content)
    for place, value in changes:
        if content:
            content[place % len(content)] = value
    return bytes(content)


DAMAGED = st.builds(
    damaged, FRAMES, st.lists(st.tuples(st.integers(0, 4096), st.integers(0, 255)), max_size=4)
)


@fuzz(0.4)
@given(
    st.one_of(FRAMES, DAMAGED, st.binary(max_size=200)), st.lists(st.integers(1, 40), max_size=5)
)
def test_whatever_comes_over_the_wire_is_a_frame_or_an_error(content, pieces):
    stream = wire.Stream(Bytes(content, pieces))
    collector = OutputCollector(1 << 16)
    try:
        while True:
            header, arrays = stream.recv(time.monotonic() + SLOWEST)
            assert sum(array.nbytes for array in arrays) <= len(content)
            wire.unpack(header.get("v"), arrays)
            collector.add(header, arrays)
    except wire.WireError:
        pass


@fuzz(0.1)
@given(TREES)
def test_whatever_is_said_to_be_a_value_is_one_or_an_error(tree):
    try:
        value = wire.unpack(tree, [])
    except wire.WireError:
        return
    assert wire.pack(value, []) is not Ellipsis


MIMES = st.one_of(
    st.sampled_from(["text/plain", "text/html", "text/latex", "image/png", "image/jpeg"]), TEXTS
)
PICTURES = st.builds(
    lambda start, rest: start + rest,
    st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"<svg", b""]),
    st.binary(max_size=60),
)


@fuzz(0.1)
@given(
    st.sampled_from(["stream", "display", "error", "clear", "other"]),
    st.dictionaries(
        st.sampled_from(["name", "kind", "mimes", "ename", "evalue", "traceback", "wait"]),
        st.one_of(TREES, st.lists(MIMES, max_size=3), st.sampled_from(["stdout", "display_data"])),
    ),
    st.lists(PICTURES, max_size=3),
)
def test_whatever_is_said_to_be_an_output_makes_a_valid_notebook_or_is_an_error(
    kind, header, parts
):
    import numpy as np

    collector = OutputCollector(1 << 16)
    try:
        collector.add({"t": kind, **header}, [np.frombuffer(part, np.uint8) for part in parts])
    except wire.WireError:
        return
    outputs = [nbformat.from_dict(output) for output in collector.outputs]
    nbformat.validate(new_notebook(cells=[new_code_cell("x", outputs=outputs)]))
    for part in parts:
        picture_pixels(part)


PIECES = st.sampled_from(
    "<script> </script> <svg/onload=x> <img src=x onerror=x> <b <!-- --> <![CDATA[ &lt; &#0; \0 "
    "<a href= javascript:x 'x' \" > </b> <table> <td> <math> <style> <template> <noscript> \\href{ "
    "$ <?x ?>".split(" ")
)


@fuzz(0.1)
@given(st.lists(st.one_of(PIECES, st.text(max_size=6)), max_size=20).map("".join))
def test_whatever_is_shown_as_html_holds_nothing_that_runs(text):
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


@fuzz(0.3)
@given(
    st.one_of(NOTEBOOKS, TREES),
    st.lists(st.tuples(st.integers(0, 4096), st.integers(0, 255)), max_size=2),
)
def test_whatever_is_handed_in_as_a_notebook_is_repaired_or_refused(tree, changes):
    content = damaged(json.dumps(tree).encode("utf-8", "surrogatepass"), changes)
    try:
        submitted = parse_notebook(content)
    except NotANotebook:
        return
    mended = repair(submitted, RELEASE)
    nbformat.validate(mended.notebook)
    kept = [cell for cell in mended.notebook.cells if "nbgrader" in cell.metadata]
    assert [(c.id, c.cell_type, c.metadata) for c in kept] == [
        (c.id, c.cell_type, c.metadata) for c in RELEASE.cells[1:]
    ]
    assert next(c for c in kept if c.id == "f-hidden").source == "hidden_test('f')"
    json.dumps(mended.notebook, allow_nan=False).encode("utf-8")
    find_forbidden(["torch"], [c.source for c in mended.notebook.cells], ["f"])

"""What is tried: bytes, frames, trees of JSON. And how many of them."""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from autograder.sandbox.inside import values, wire

INPUTS = int(os.environ.get("CS231N_FUZZ", 10_000))


FEW = 10_000
AT_A_TIME = 2000
"""Of a longer run: hypothesis remembers each input of one test, and forgets them after it."""


def fuzz(share: float) -> Callable[[Callable], Callable]:
    """Try this share of all inputs. What fails is printed, made as small as it can be."""
    count = max(1, int(INPUTS * share))
    rounds = 1 if INPUTS <= FEW else math.ceil(count / AT_A_TIME)

    def decorate(test: Callable) -> Callable:
        test = settings(
            max_examples=math.ceil(count / rounds),
            deadline=None,
            database=None,
            derandomize=INPUTS <= FEW,
            suppress_health_check=list(HealthCheck),
        )(test)
        test.rounds = rounds  # see conftest.py
        return test

    return decorate


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
    """Return a frame that may be none: `prefix` is what stands before the header."""
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
    """Return `content` with other bytes at some places."""
    content = bytearray(content)
    for place, value in changes:
        if content:
            content[place % len(content)] = value
    return bytes(content)


DAMAGED = st.builds(
    damaged, FRAMES, st.lists(st.tuples(st.integers(0, 4096), st.integers(0, 255)), max_size=4)
)

"""Thousands of lies about frames, answers, values, outputs, notebooks and files: no crash, no hang,
no growth.

`make test` tries 10,000 inputs, the same ones each time; a longer run as many as it is told, others
each time:

    CS231N_FUZZ=200000 python -m pytest -s --timeout=7200 tests/fuzz
"""

import contextlib
import resource
import time

import pytest

from .inputs import INPUTS

SLOWEST = 20.0  # seconds for one input, on a busy machine: only against a hang
GROWTH = 256 << 20


def pytest_generate_tests(metafunc):
    """Run a test in several rounds, where there are too many inputs for one."""
    rounds = getattr(metafunc.function, "rounds", 1)
    if rounds > 1:
        metafunc.fixturenames.append("turn")
        metafunc.parametrize("turn", range(rounds), indirect=True)


@pytest.fixture
def turn(request):
    """Which round it is; the inputs are others in each."""
    return request.param


@pytest.fixture(autouse=True, scope="package")
def resident():
    """The grader's own memory is as large afterwards as it was, but for what Python keeps."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    yield
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    print(f"\n{INPUTS} inputs; the grader's peak: {before >> 20} MiB before, {after >> 20} after")
    assert after - before < GROWTH


@pytest.fixture
def quick():
    """No single input takes long: to be entered around the work on each."""
    longest = [0.0]

    @contextlib.contextmanager
    def watch():
        began = time.monotonic()
        yield
        longest[0] = max(longest[0], time.monotonic() - began)

    yield watch
    print(f"  the slowest input: {longest[0]:.3f} s")
    assert longest[0] < SLOWEST

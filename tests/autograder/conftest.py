"""The a1 assignment, its bank of mistakes, and a student made of edited solution cells."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from autograder.answers import examine_files
from autograder.course import assignments
from autograder.judge import judge
from autograder.mistakes import MistakeBank, run_cells
from autograder.sandbox import Preloaded
from autograder.student import Local

ROOT = Path(__file__).resolve().parents[2]
SEED = 7


@pytest.fixture(scope="session")
def a1():
    return assignments(ROOT)["a1_rnn_captioning"]


@pytest.fixture(scope="session", params=assignments(ROOT))
def assignment(request):
    """Each assignment of the course in turn."""
    return assignments(ROOT)[request.param]


@pytest.fixture(scope="session")
def server():
    """One fork server for all tests: pass `starter=server.start` where a notebook is graded."""
    with Preloaded() as one:
        yield one


@pytest.fixture(scope="session")
def examine(server):
    """Grade files of answers: examine(assignment, paths, seed=...)."""
    return partial(examine_files, starter=server.start)


@pytest.fixture(scope="session")
def bank(a1):
    return MistakeBank(a1)


@pytest.fixture
def judged(a1, bank):
    """Judge an exercise on our solution with some cells replaced: judged(name, cell=source)."""

    def judge_with(name, **cells):
        namespace = run_cells(a1.solution_cells() | cells)
        return judge(a1.exercises[name], Local(namespace), SEED, bank=bank)

    return judge_with


@pytest.fixture
def solution(a1):
    """Return a solution cell with a text replaced, which must occur once."""

    def edited(name, old="", new=""):
        source = a1.solution_cells()[name]
        assert not old or source.count(old) == 1
        return source.replace(old, new) if old else source

    return edited

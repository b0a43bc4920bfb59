"""Fingerprints: the same mistake has the same one, whoever wrote it; another has another."""

import json

import pytest

from autograder.fingerprints import fingerprint, same
from autograder.judge import judge
from autograder.mistakes import run_cells
from autograder.nbgrader_plugin import describe
from autograder.student import Local

NAME = "rnn_step_backward"
SCALED = "    dx, dprev_h, dWx, dWh, db = right_backward(dnext_h, cache)\n"


@pytest.fixture
def prints(a1):
    """The fingerprint of an answer, given as the body of the function after the right one."""

    def make(body, seed=7):
        namespace = run_cells(a1.solution_cells())
        source = f"right_backward = {NAME}\ndef {NAME}(dnext_h, cache):\n{body}"
        exec(source, namespace)
        verdict = judge(a1.exercises[NAME], Local(namespace), seed)
        return fingerprint(verdict.logs)

    return make


def test_the_same_mistake_in_other_words_has_the_same_fingerprint(prints):
    one = prints(SCALED + "    return 2 * dx, dprev_h, dWx, dWh, db")
    other = prints(SCALED + "    dx = dx + dx * (1 + 1e-13)\n    return dx, dprev_h, dWx, dWh, db")
    assert same(one, other)
    assert same(one, json.loads(json.dumps(other)))  # as it comes back from a notebook's record


@pytest.mark.parametrize(
    "body",
    [
        SCALED + "    return 3 * dx, dprev_h, dWx, dWh, db",
        SCALED + "    return 2 * dx, dprev_h, dWx, dWh.T, db",
        SCALED + "    return 2 * dx, dprev_h, dWx, dWh",
        SCALED + "    dnext_h *= 1.0\n    dnext_h += 1\n    return 2 * dx, dprev_h, dWx, dWh, db",
        "    raise ValueError",
    ],
)
def test_another_mistake_has_another_fingerprint(prints, body):
    assert not same(prints(SCALED + "    return 2 * dx, dprev_h, dWx, dWh, db"), prints(body))


def test_an_answer_that_is_not_written_has_none(prints):
    assert prints("    raise NotImplementedError") is None


def test_it_holds_few_numbers(a1, prints):
    assert len(json.dumps(prints(SCALED + "    return 2 * dx, dprev_h, dWx, dWh, db"))) < 12_000


def test_only_a_wrong_answer_without_a_known_mistake_is_kept_in_the_record(a1, judged, solution):
    assert describe(judged(NAME))["print"] is None
    known = solution(NAME, "sum(axis=0)", "mean(axis=0)")
    assert describe(judged(NAME, **{NAME: known}))["print"] is None
    unknown = solution(NAME, "da @ Wh.T", "0.7 * da @ Wh.T")
    assert describe(judged(NAME, **{NAME: unknown}))["print"]

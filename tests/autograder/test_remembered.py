"""What is worked out once for a class is what it would be each time."""

import numpy as np
import pytest

from autograder import remembered as module
from autograder.carried import gradients_of, value_of
from autograder.remembered import remembered


@pytest.fixture
def calls(monkeypatch):
    """What was really worked out, with nothing known before."""
    monkeypatch.setattr(module, "_results", type(module._results)())
    return []


@pytest.fixture
def double(calls):
    @remembered
    def double(x, *, times=2, **more):
        calls.append(x)
        return {"out": times * np.asarray(x), "list": [np.asarray(x)]}

    return double


def squared(x):
    return x * x


def test_the_same_inputs_are_worked_out_once(double, calls):
    x = np.arange(3.0)
    first, second = double(x), double(x.copy())
    assert len(calls) == 1
    np.testing.assert_array_equal(first["out"], second["out"])


@pytest.mark.parametrize(
    "other",
    [
        np.arange(3),
        np.arange(3.0, dtype=np.float32),
        np.arange(3.0)[:, None],
        np.array([0.0, 1.0, -2.0]),
        np.array([-0.0, 1.0, 2.0]),
    ],
)
def test_whatever_differs_is_worked_out_again(other, double, calls):
    double(np.arange(3.0))
    double(other)
    assert len(calls) == 2


def test_arguments_by_name_count(double, calls):
    x = np.arange(3.0)
    assert double(x, times=3)["out"][1] == 3
    assert double(x, times=4)["out"][1] == 4
    assert double(x, times=4, how=True)["out"][1] == 4
    assert double(x, times=4, how=1)["out"][1] == 4
    assert len(calls) == 4


def test_nobody_can_change_what_the_next_is_given(double):
    x = np.arange(3.0)
    answer = double(x)
    with pytest.raises(ValueError, match="read-only"):
        answer["out"] += 1
    answer["list"].append(7)
    answer["out"] = None
    x += 1
    assert double(np.arange(3.0))["out"][1] == 2
    assert len(double(np.arange(3.0))["list"]) == 1


def test_an_argument_that_may_change_unseen_is_not_found_again(double, calls):
    around = 1
    for function in (lambda: around, squared):
        for _ in range(2):
            double(np.arange(2.0), how=function)
    assert len(calls) == 3
    for _ in range(2):
        double(np.arange(2.0), how=object())
    assert len(calls) == 5


def test_only_so_many_results_are_kept(double, calls, monkeypatch):
    monkeypatch.setattr(module, "KEPT", 2)
    for number in (0, 1, 0, 2, 0, 1):
        double(number)
    assert calls == [0, 1, 2, 1]


def test_references_written_in_torch_are_remembered(calls):
    x, dout = np.arange(3.0), np.ones(3)
    for _ in range(2):
        np.testing.assert_array_equal(value_of(squared, x), x * x)
        np.testing.assert_array_equal(gradients_of(squared, [x], [dout])[0], 2 * x)
    assert len(module._results) == 2

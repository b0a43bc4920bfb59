"""Comparators: right answers pass, whatever the stream; wrong ones do not, and are told why."""

import numpy as np
import pytest

from cs231n_utils.compare import highest, near, number, one_of, uniform

SHAPE = (100, 60)


def draws(seed=0, shape=SHAPE):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def judge(got, shape=SHAPE):
    return uniform("noise", got, [-1, 1], shape=list(shape))


@pytest.mark.parametrize("shape", [(100, 60), (1, 7), (5, 1), (1, 1)])
def test_uniform_draws_pass_with_every_seed(shape):
    assert [judge(draws(seed, shape), shape) for seed in range(200)] == [None] * 200


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x, rng: (x + 1) / 2, "spread evenly"),
        (lambda x, rng: np.clip(rng.standard_normal(x.shape), -1, 1), "spread evenly"),
        (lambda x, rng: np.tanh(rng.standard_normal(x.shape)), "spread evenly"),
        (lambda x, rng: rng.standard_normal(x.shape), "between -1 and 1"),
        (lambda x, rng: 1.01 * x, "between -1 and 1"),
        (lambda x, rng: 0.99 * x, "must reach both"),
        (lambda x, rng: np.maximum(x, -0.99), "must reach both"),
        (lambda x, rng: np.repeat(x[:, :30], 2, axis=1), "again and again"),
        (lambda x, rng: np.where(x > 0.5, np.nan, x), "between -1 and 1"),
        (lambda x, rng: x[:-1], r"must have shape (100, 60)"),
        (lambda x, rng: None, "Got None"),
    ],
)
def test_draws_that_are_not_uniform_are_told_why(change, said):
    for seed in range(20):
        assert said in judge(change(draws(seed), np.random.default_rng(seed)))


def test_a_whole_number_is_told_exactly():
    assert number("parameters", np.array(267009), 267009) is None
    assert number("parameters", np.array([267009]), 267009) is None
    assert number("parameters", np.array(267010), 267009) == "parameters must be 267009. Got 267010"
    assert "shape" in number("parameters", np.zeros(2), 267009)


@pytest.mark.parametrize("place", [0, 1])
def test_any_of_several_rules_is_right(place):
    wants = np.stack([draws(0, (3, 4)), draws(1, (3, 4))])
    assert one_of("img", wants[place] + 1e-7, wants) is None


def test_an_answer_between_two_rules_is_told_the_distance_from_the_nearer():
    wants = np.array([[0.0, 1.0], [0.0, 3.0]])
    said = one_of("img", np.array([0.0, 2.4]), wants)
    assert "relative error 0.2 " in said


@pytest.mark.parametrize(
    ("got", "said"),
    [
        (np.zeros(3), "must have shape (2,). Got (3,)"),
        (np.array([np.nan, 1.0]), "must be finite"),
        (None, "Got None"),
        (np.zeros(2, int), "must be floating point"),
    ],
)
def test_what_is_no_answer_to_any_rule_is_told_why(got, said):
    assert said in one_of("img", got, np.ones((2, 2)))


def test_the_highest_score_is_the_wanted_class_in_every_row():
    scores = np.array([[0.0, 2.0, 1.0], [3.0, -1.0, 0.0]])
    assert highest("scores", scores, [1, 0]) is None
    assert highest("scores", scores, [1, 2]) == ("scores: class 2 must score highest. Class 0 does")
    assert "a row of scores for each of 1" in highest("scores", scores, [1])
    assert "Got None" in highest("scores", None, [1])


@pytest.mark.parametrize(
    ("got", "said"),
    [
        (np.full((1, 4), 0.4), None),
        (np.full((1, 4), 0.6), "no farther than 1 from where it began. Got 1.2"),
        (np.full((1, 4), np.nan), "Got nan"),
        (np.zeros((4,)), "must have shape (1, 4)"),
        (None, "Got None"),
    ],
)
def test_near_is_a_distance_over_all_the_entries(got, said):
    told = near("picture", got, np.zeros((1, 4)), distance=1.0)
    assert told is said is None or said in told

"""Comparators of random answers: right ones pass, whatever the stream; wrong ones do not."""

import numpy as np
import pytest

from cs231n_utils.compare import number, uniform

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

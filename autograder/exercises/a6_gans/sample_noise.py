"""Noise, from which a generator makes pictures: uniform between -1 and 1."""

import numpy as np

from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.judge import expect, expect_true

DRAW = "noise = 2 * torch.rand(batch_size, dim) - 1"


def _draw(code: str) -> tuple[str, str]:
    return (DRAW, f"noise = {code}")


exercise = Exercise(
    points=3,
    mistakes=[
        Mistake(
            "between 0 and 1",
            swap=_draw("torch.rand(batch_size, dim)"),
            hint="What is the smallest number that you draw, and what should it be?",
        ),
        Mistake(
            "normal numbers",
            swap=_draw("torch.randn(batch_size, dim)"),
            hint="Draw a thousand numbers. How many of them lie outside of -1 to 1?",
        ),
        Mistake(
            "normal numbers, cut off",
            swap=_draw("torch.randn(batch_size, dim).clamp(-1, 1)"),
            hint="Draw a histogram of many numbers. Is it flat, up to both ends?",
        ),
        Mistake(
            "normal numbers, squashed",
            swap=_draw("torch.tanh(torch.randn(batch_size, dim))"),
            hint="Draw a histogram of many numbers. Is it flat?",
        ),
        Mistake(
            "half as wide",
            swap=_draw("torch.rand(batch_size, dim) - 0.5"),
            hint="What are the smallest and the largest number that you draw?",
        ),
        Mistake(
            "rows and columns exchanged",
            swap=_draw("2 * torch.rand(dim, batch_size) - 1"),
            hint="One row is the noise of one picture: how long is it?",
        ),
        Mistake(
            "one row for all pictures",
            swap=_draw("(2 * torch.rand(1, dim) - 1).repeat(batch_size, 1)"),
            hint="Are two rows of the noise different?",
        ),
        Mistake(
            "one number for a whole row",
            swap=_draw("(2 * torch.rand(batch_size, 1) - 1).repeat(1, dim)"),
            hint="Are two columns of the noise different?",
        ),
        Mistake(
            "the same noise at every call",
            swap=(DRAW, f"torch.manual_seed(0)\n    {DRAW}"),
            hint="Call it twice without a seed. Is the noise the same?",
        ),
        Mistake(
            "whole numbers",
            swap=_draw("torch.randint(-1, 2, (batch_size, dim)).float()"),
            hint="How many different numbers do you get?",
        ),
    ],
    equivalents=[
        Equivalent("in place", swap=_draw("torch.empty(batch_size, dim).uniform_(-1, 1)")),
        Equivalent("turned round", swap=_draw("1 - 2 * torch.rand(batch_size, dim)")),
        Equivalent(
            "by a distribution",
            swap=_draw("torch.distributions.Uniform(-1, 1).sample((batch_size, dim))"),
        ),
        Equivalent(
            "by NumPy, in double precision",
            swap=_draw(
                "torch.from_numpy(np.random.default_rng(seed).uniform(-1, 1, (batch_size, dim)))"
            ),
        ),
        Equivalent(
            "with a generator of its own",
            swap=(
                DRAW,
                "g = torch.Generator()\n"
                "    g.seed() if seed is None else g.manual_seed(seed)\n"
                "    noise = torch.rand((batch_size, dim), generator=g) * 2 - 1",
            ),
        ),
    ],
)


def _expect_noise(noise, N, dim):
    # Judged as a distribution: `uniform` says how sure that is.
    return expect("noise", noise, [-1, 1], comparator="uniform", shape=[N, dim])


@exercise.case("spread evenly, from -1 to 1", public=True, N=250, dim=80)
@exercise.case("the noise of one picture", N=1, dim=96)
@exercise.case("one number for each picture", N=400, dim=1)
def examine(student, rng, N, dim):
    # The seed is for repeating a result only: any way to draw the same distribution is right.
    student.public("torch.manual_seed", int(rng.integers(1 << 30)))
    _expect_noise(student.sample_noise(N, dim), N, dim)


@exercise.case("without a seed, other noise at every call", public=True, again=None)
@exercise.case("with one seed, the same noise", public=True, again=5)
@exercise.case("with another seed, other noise", public=True, again=6)
def examine_seed(student, rng, again, N=5, dim=16):
    student.public("torch.manual_seed", int(rng.integers(1 << 30)))
    seeds = {} if again is None else {"seed": 5}, {} if again is None else {"seed": again}
    first, second = (student.sample_noise(N, dim, **seed) for seed in seeds)
    if not (_expect_noise(first, N, dim) and _expect_noise(second, N, dim)):
        return
    moved = student.public("torch.dist", student.again(first), student.again(second))
    if again == 5:
        expect("how far the noise moves", moved, 0, atol=1e-6)
        expect_true(np.array_equal(first, second), "the same seed gives other noise")
    else:
        # 80 squared distances with a mean of 2/3 and a standard deviation of 0.79 each: between 4
        # and 110 lie seven standard deviations of their sum, on either side.
        expect("how far the noise moves", moved, 7.3, comparator="between", low=2, high=10.5)
        expect_true(not np.array_equal(first, second), "it is the same noise again")

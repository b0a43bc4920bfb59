"""The sentence on how an array is wrong names what was done to it."""

import numpy as np
import pytest

from cs231n_utils.patterns import shapes, values

RNG = np.random.default_rng(0)
WANT = RNG.normal(size=(4, 4))


def said(change, want=WANT):
    got = change(want.copy())
    return values(got, want, np.abs(got - want) > 1e-5 * np.abs(want).max())


def put(index, value):
    def change(array):
        array[index] += value
        return array

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (np.zeros_like, "exactly zero"),
        (np.negative, "wrong sign"),
        (lambda a: a / 4, "0.25 times what is expected: a mean in the place of a sum"),
        (lambda a: 4 * a, "4 times what is expected: a mean in the place of a sum"),
        (lambda a: -0.7 * a, "-0.7 times what is expected: a factor"),
        (lambda a: a + 0.3, "off by the same amount, 0.3"),
        (np.transpose, "the transpose"),
        (np.flipud, "along axis 0 everything runs backwards"),
        (lambda a: np.concatenate([a[:1] + 1, a[:-1]]), "axis 0 everything comes one place late"),
        (lambda a: np.concatenate([a[:, 1:], a[:, :1] + 1], 1), "axis 1 everything comes one pl"),
        (put((slice(None), 0), 1.0), "right but index 0 (the first) along axis 1"),
        (put(3, 1.0), "right but index 3 (the last) along axis 0"),
        (put(slice(1, None), RNG.normal(size=(3, 4))), "Only index 0 (the first) along axis 0 is"),
        (put((0, 0), 1e-4), "right to about three digits"),
        (put(([0, 1, 2], [1, 2, 0]), 1.0), "Only some entries are off"),
        (lambda a: a**2, "Every entry is off, in no simple way"),
    ],
)
def test_what_was_done_to_an_array_is_told(change, told):
    assert told in said(change)


@pytest.mark.parametrize(
    ("got", "told"),
    [(0.0, "exactly zero"), (-3.0, "look for a minus"), (6.0, "2 times"), (5.0, "1.667 times")],
)
def test_a_number_is_told_in_the_singular(got, told):
    sentence = values(np.array(got), np.array(3.0), np.array(True))
    assert told in sentence
    assert "entr" not in sentence


@pytest.mark.parametrize(
    ("got", "want", "told"),
    [
        ((5, 3), (3, 5), "another order"),
        ((3, 1), (3,), "axis of length 1"),
        ((15,), (3, 5), "a reshape is missing"),
        ((), (3, 5), "all axes"),
        ((5,), (3, 5), "An axis is missing"),
        ((2, 3, 5), (3, 5), "an axis too many"),
        ((3, 6), (3, 5), "Axis 1 has another size"),
        ((4, 6), (3, 5), "Axes 0 and 1 have another size"),
    ],
)
def test_how_a_shape_differs_is_told(got, want, told):
    assert told in shapes(got, want)

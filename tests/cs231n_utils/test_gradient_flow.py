import numpy as np
import pytest

from cs231n_utils.gradient_check import numeric_gradient_array, rel_error
from cs231n_utils.gradient_flow import torch_rnn_input_gradient

N, T, D, H = 2, 4, 3, 5


def draw():
    rng = np.random.default_rng(0)
    x, Wx, Wh = rng.normal(size=(N, T, D)), rng.normal(size=(D, H)), rng.normal(size=(H, H))
    return x, Wx, Wh, rng.normal(size=(N, H))


def test_the_gradient_is_the_numeric_gradient_of_the_last_state():
    x, Wx, Wh, dlast_h = draw()

    def last_state(x):
        h = np.zeros((N, H))
        for t in range(T):
            h = np.tanh(x[:, t] @ Wx + h @ Wh)
        return h

    numeric = numeric_gradient_array(last_state, x, dlast_h)
    assert rel_error(torch_rnn_input_gradient(x, Wx, Wh, dlast_h), numeric) < 1e-6


def test_the_arguments_are_left_as_they_were():
    args = draw()
    before = [a.copy() for a in args]
    torch_rnn_input_gradient(*args)
    for array, old in zip(args, before, strict=True):
        np.testing.assert_array_equal(array, old)


def test_weights_of_another_shape_are_named():
    x, Wx, Wh, dlast_h = draw()
    with pytest.raises(ValueError, match=r"must have shapes \(3, 5\), .* Got \(\(5, 3\)"):
        torch_rnn_input_gradient(x, Wx.T, Wh, dlast_h)

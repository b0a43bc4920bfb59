import numpy as np
import pytest

from cs231n_utils.gradient_check import numeric_gradient, numeric_gradient_array, rel_error
from cs231n_utils.layers import (
    affine_backward,
    affine_forward,
    sigmoid,
    temporal_affine_backward,
    temporal_affine_forward,
    temporal_softmax_loss,
)


def test_affine_is_a_product_plus_a_bias():
    out, _ = affine_forward(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.array([0.5]))
    np.testing.assert_array_equal(out, [[11.5]])


def test_affine_flattens_each_example():
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(2, 3, 4)), rng.normal(size=(12, 5)), rng.normal(size=5)
    out, cache = affine_forward(x, w, b)
    np.testing.assert_array_equal(out, affine_forward(x.reshape(2, 12), w, b)[0])
    assert affine_backward(np.ones((2, 5)), cache)[0].shape == x.shape


@pytest.mark.parametrize(
    ("forward", "backward", "shape"),
    [
        (affine_forward, affine_backward, (3, 4)),
        (affine_forward, affine_backward, (3, 2, 2)),
        (temporal_affine_forward, temporal_affine_backward, (2, 3, 4)),
    ],
)
def test_affine_gradients_agree_with_numeric_ones(forward, backward, shape):
    rng = np.random.default_rng(1)
    args = [rng.normal(size=shape), rng.normal(size=(4, 5)), rng.normal(size=5)]
    out, cache = forward(*args)
    dout = rng.normal(size=out.shape)
    for array, gradient in zip(args, backward(dout, cache), strict=True):
        want = numeric_gradient_array(lambda _: forward(*args)[0], array, dout)
        assert rel_error(want, gradient) < 1e-7


def test_the_temporal_affine_layer_is_the_same_at_every_step():
    rng = np.random.default_rng(2)
    x, w, b = rng.normal(size=(2, 3, 4)), rng.normal(size=(4, 5)), rng.normal(size=5)
    out, _ = temporal_affine_forward(x, w, b)
    for t in range(3):
        np.testing.assert_allclose(out[:, t], affine_forward(x[:, t], w, b)[0], rtol=1e-13)


def test_layers_keep_float32():
    x, w, b = (np.ones(shape, np.float32) for shape in [(2, 3, 4), (4, 5), (5,)])
    out, cache = temporal_affine_forward(x, w, b)
    arrays = [out, *temporal_affine_backward(out, cache)]
    arrays.append(temporal_softmax_loss(out, np.zeros((2, 3), int), np.ones((2, 3), bool))[1])
    arrays.append(sigmoid(x))
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}


def test_a_weight_of_the_wrong_height_is_named():
    with pytest.raises(ValueError, match=r"w must have shape \(D, M\) with D = 4.*Got \(5, 4\)"):
        affine_forward(np.ones((2, 4)), np.ones((5, 4)), np.ones(4))


def test_a_bias_with_a_row_for_each_example_is_refused():
    with pytest.raises(ValueError, match=r"b must have shape \(M,\) = \(3,\). Got \(2, 3\)"):
        affine_forward(np.ones((2, 4)), np.ones((4, 3)), np.ones((2, 3)))


def test_a_temporal_layer_refuses_an_input_without_time():
    with pytest.raises(ValueError, match=r"x must have shape \(N, T, D\)"):
        temporal_affine_forward(np.ones((2, 4)), np.ones((4, 3)), np.ones(3))


def test_a_gradient_that_would_broadcast_is_refused():
    _, cache = affine_forward(np.ones((2, 4)), np.ones((4, 3)), np.ones(3))
    with pytest.raises(ValueError, match="dout must have the shape of out"):
        affine_backward(np.ones((1, 3)), cache)


def test_the_loss_of_equal_scores_is_log_v_for_each_word_and_a_mean_over_the_batch():
    # 2 captions, 3 steps, 10 words; 5 of the 6 places count.
    mask = np.array([[True, True, True], [True, True, False]])
    loss, _ = temporal_softmax_loss(np.zeros((2, 3, 10)), np.zeros((2, 3), int), mask)
    assert loss == pytest.approx(5 * np.log(10) / 2, rel=1e-12)


def test_the_loss_of_two_words_by_hand():
    scores = np.log([[[3.0, 1.0]]])  # probabilities 3/4 and 1/4
    loss, dx = temporal_softmax_loss(scores, np.array([[1]]), np.array([[True]]))
    assert loss == pytest.approx(np.log(4), rel=1e-12)
    np.testing.assert_allclose(dx, [[[0.75, -0.75]]], rtol=1e-12)


def test_the_loss_gradient_agrees_with_a_numeric_one():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(3, 4, 5)), rng.integers(5, size=(3, 4))
    mask = rng.random((3, 4)) < 0.6
    _, dx = temporal_softmax_loss(x, y, mask)
    want = numeric_gradient(lambda x: temporal_softmax_loss(x, y, mask)[0], x)
    assert rel_error(want, dx) < 1e-6


def test_padding_has_neither_loss_nor_gradient():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(2, 3, 4)), rng.integers(4, size=(2, 3))
    mask = np.array([[True, True, False], [True, False, False]])
    loss, dx = temporal_softmax_loss(x, y, mask)
    assert np.all(dx[~mask] == 0)
    assert np.all(dx[mask] != 0)
    x[~mask] = 1e6
    assert temporal_softmax_loss(x, y, mask)[0] == loss


def test_huge_scores_overflow_nothing():
    x = np.array([[[1e4, -1e4, 0.0]]])
    loss, dx = temporal_softmax_loss(x, np.array([[1]]), np.array([[True]]))
    assert loss == pytest.approx(2e4)
    np.testing.assert_allclose(dx, [[[1, -1, 0]]])


def test_the_loss_leaves_its_arguments_alone():
    rng = np.random.default_rng(5)
    x, y, mask = rng.normal(size=(2, 3, 4)), rng.integers(4, size=(2, 3)), np.ones((2, 3), bool)
    before = x.copy(), y.copy(), mask.copy()
    temporal_softmax_loss(x, y, mask)
    for old, new in zip(before, (x, y, mask), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_mask_that_is_one_step_short_is_refused():
    with pytest.raises(ValueError, match=r"mask must have shape \(N, T\) = \(2, 3\). Got \(2, 2\)"):
        temporal_softmax_loss(np.zeros((2, 3, 4)), np.zeros((2, 3), int), np.ones((2, 2), bool))


def test_the_sigmoid_is_right_at_both_ends_and_in_the_middle():
    x = np.array([-1000.0, -30.0, 0.0, 2.0, 1000.0])
    want = [0.0, np.exp(-30.0) / (1 + np.exp(-30.0)), 0.5, 1 / (1 + np.exp(-2.0)), 1.0]
    np.testing.assert_allclose(sigmoid(x), want, rtol=1e-14)

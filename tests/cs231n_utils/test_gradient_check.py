import numpy as np
import pytest

from cs231n_utils.gradient_check import numeric_gradient, numeric_gradient_array, rel_error


def test_equal_arrays_have_no_error_and_opposite_ones_have_error_one():
    assert rel_error(np.array([1.0, -2.0]), np.array([1.0, -2.0])) == 0
    assert rel_error(np.array([1.0, -2.0]), np.array([1.0, 2.0])) == 1


def test_the_error_is_relative_to_the_sum_of_both_sizes():
    assert rel_error(3.0, 1.0) == pytest.approx(0.5)
    assert rel_error(3e6, 1e6) == pytest.approx(0.5)


def test_two_tiny_numbers_are_close():
    assert rel_error(1e-20, -1e-20) < 1e-11


def test_arrays_that_would_broadcast_are_refused():
    with pytest.raises(ValueError, match=r"same shape. Got \(4, 5\) and \(5,\)"):
        rel_error(np.zeros((4, 5)), np.zeros(5))


def test_nan_is_below_no_bound():
    assert not rel_error(np.array([1.0, np.nan]), np.array([1.0, 1.0])) < 1e9


def test_the_gradient_of_a_sum_of_cubes():
    x = np.array([[1.0, -2.0], [0.5, 3.0]])
    np.testing.assert_allclose(numeric_gradient(lambda x: (x**3).sum(), x), 3 * x**2, rtol=1e-8)


def test_dout_weighs_each_output():
    x, dout = np.array([1.0, 2.0]), np.array([10.0, -1.0])
    got = numeric_gradient_array(lambda x: x**2, x, dout)
    np.testing.assert_allclose(got, [20.0, -4.0], rtol=1e-9)


def test_x_comes_back_unchanged_also_after_an_error():
    x = np.array([0.1, 0.7])

    def fails(x):
        raise ZeroDivisionError

    numeric_gradient(np.sum, x)
    with pytest.raises(ZeroDivisionError):
        numeric_gradient(fails, x)
    np.testing.assert_array_equal(x, [0.1, 0.7])


def test_f_may_return_x_itself():
    got = numeric_gradient_array(lambda x: x, np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    np.testing.assert_allclose(got, [3.0, 4.0], rtol=1e-9)


@pytest.mark.parametrize("x", [np.ones(3, np.float32), np.ones(3, int), [1.0, 2.0, 3.0]])
def test_anything_but_float64_is_refused(x):
    with pytest.raises(TypeError, match="x must be a float64 array"):
        numeric_gradient(np.sum, x)


def test_dout_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"shape of dout, \(2,\). Got \(3,\)"):
        numeric_gradient_array(lambda x: x, np.ones(3), np.ones(2))

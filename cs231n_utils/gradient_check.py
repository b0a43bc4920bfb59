"""Numeric gradients, and a relative error that looks at shapes first."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def rel_error(x: np.ndarray | float, y: np.ndarray | float) -> float:
    """Return the largest relative error between two arrays of the same shape.

    It is ``max(|x - y| / max(1e-8, |x| + |y|))``: 0 for equal arrays, 1 where one of the
    two is 0 or their signs differ. NaN in either array gives NaN, which is below nothing.

    Raises:
        ValueError: when the shapes differ. NumPy would broadcast them instead: a
            gradient of shape (N, H) for a bias of shape (H,) would look right.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.shape != y.shape:
        raise ValueError(f"the arrays must have the same shape. Got {x.shape} and {y.shape}")
    if x.size == 0:
        return 0.0
    return float(np.max(np.abs(x - y) / np.maximum(1e-8, np.abs(x) + np.abs(y))))


def numeric_gradient(
    f: Callable[[np.ndarray], float], x: np.ndarray, h: float = 1e-5
) -> np.ndarray:
    """Estimate the gradient of a number ``f(x)`` by central differences.

    Every entry of x is moved by +h and -h in place, and put back. So f may also ignore
    its argument and read the same array from elsewhere, a model's parameter for instance.

    Arguments:
        f: takes an array and returns a number.
        x: where to take the gradient, float64, any shape.
        h: the step.

    Returns:
        The gradient, with the shape of x. Its error is about h**2, and noise of about
        1e-16 / h times the size of f.

    Raises:
        TypeError: when x is not float64.
    """
    return numeric_gradient_array(f, x, np.float64(1.0), h)


def numeric_gradient_array(
    f: Callable[[np.ndarray], np.ndarray], x: np.ndarray, dout: np.ndarray, h: float = 1e-5
) -> np.ndarray:
    """Estimate the gradient of ``sum(f(x) * dout)`` by central differences.

    This is what a backward pass computes: dout says how much the loss changes with each
    entry of ``f(x)``, and the result says how much it changes with each entry of x.

    Arguments:
        f: takes an array and returns an array.
        x: where to take the gradient, float64, any shape. It is moved in place and put back.
        dout: gradient of the loss with respect to ``f(x)``, in the shape of ``f(x)``.
        h: the step.

    Returns:
        The gradient, with the shape of x.

    Raises:
        TypeError: when x is not float64 (1e-5 is too small a step for float32).
        ValueError: when ``f(x)`` has not the shape of dout.
    """
    if not isinstance(x, np.ndarray) or x.dtype != np.float64:
        got = x.dtype if isinstance(x, np.ndarray) else type(x).__name__
        raise TypeError(f"x must be a float64 array. Got {got}")
    dout = np.asarray(dout)
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        old = x[index]
        try:
            x[index] = old + h
            above = np.array(f(x), dtype=np.float64)  # a copy: f may return a view
            x[index] = old - h
            below = np.array(f(x), dtype=np.float64)
        finally:
            x[index] = old
        if above.shape != dout.shape:
            raise ValueError(f"f(x) must have the shape of dout, {dout.shape}. Got {above.shape}")
        grad[index] = np.sum((above - below) * dout) / (2 * h)
    return grad

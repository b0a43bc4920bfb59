"""The layers that are given: affine, temporal affine, softmax loss over time, sigmoid.

Each forward returns ``(out, cache)``; each backward takes the gradient of the loss
with respect to ``out`` and that cache, and returns the gradients of the forward's
arguments, in their order. All of it is NumPy, and the dtype of the input is kept.
"""

from __future__ import annotations

import numpy as np

AffineCache = tuple[np.ndarray, np.ndarray, np.ndarray]


def affine_forward(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, AffineCache]:
    """Compute ``x w + b``, one row for each example.

    Arguments:
        x: inputs, shape (N, d_1, ..., d_k); each is flattened to D = d_1 * ... * d_k numbers.
        w: weights, shape (D, M).
        b: biases, shape (M,).

    Returns:
        ``(out, cache)``; out has shape (N, M).

    Raises:
        ValueError: when the shapes do not fit together.
    """
    _check_affine(x.reshape(len(x), -1), w, b)
    out = x.reshape(len(x), -1) @ w + b
    return out, (x, w, b)


def affine_backward(
    dout: np.ndarray, cache: AffineCache
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Backpropagate through `affine_forward`.

    Arguments:
        dout: gradient with respect to out, shape (N, M).
        cache: what `affine_forward` returned.

    Returns:
        ``(dx, dw, db)`` with the shapes of x, w and b.
    """
    x, w, b = cache
    _check_dout(dout, (len(x), len(b)))
    dx = (dout @ w.T).reshape(x.shape)
    dw = x.reshape(len(x), -1).T @ dout
    db = dout.sum(axis=0)
    return dx, dw, db


def temporal_affine_forward(
    x: np.ndarray, w: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, AffineCache]:
    """Apply the same affine layer at every time step.

    Arguments:
        x: inputs, shape (N, T, D).
        w: weights, shape (D, M).
        b: biases, shape (M,).

    Returns:
        ``(out, cache)``; out has shape (N, T, M).

    Raises:
        ValueError: when the shapes do not fit together.
    """
    if x.ndim != 3:
        raise ValueError(f"x must have shape (N, T, D). Got {x.shape}")
    _check_affine(x, w, b)
    N, T, D = x.shape
    # One large product is faster than NumPy's N small ones.
    out = (x.reshape(N * T, D) @ w + b).reshape(N, T, len(b))
    return out, (x, w, b)


def temporal_affine_backward(
    dout: np.ndarray, cache: AffineCache
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Backpropagate through `temporal_affine_forward`.

    Arguments:
        dout: gradient with respect to out, shape (N, T, M).
        cache: what `temporal_affine_forward` returned.

    Returns:
        ``(dx, dw, db)`` with the shapes of x, w and b.
    """
    x, w, b = cache
    N, T, D = x.shape
    _check_dout(dout, (N, T, len(b)))
    dout = dout.reshape(N * T, len(b))
    dx = (dout @ w.T).reshape(x.shape)
    dw = x.reshape(N * T, D).T @ dout
    db = dout.sum(axis=0)
    return dx, dw, db


def temporal_softmax_loss(
    x: np.ndarray, y: np.ndarray, mask: np.ndarray
) -> tuple[float, np.ndarray]:
    """Compute the softmax loss of a batch of sequences, and its gradient.

    At every time step the scores are turned into a probability for each word, and
    ``-log`` of the right word's probability is the loss of that step. The losses are
    summed over the time steps where the mask is True, and averaged over the batch (over
    N only: a longer caption weighs more than a short one).

    Arguments:
        x: scores, shape (N, T, V).
        y: the right words' ids, integers with 0 <= id < V, shape (N, T).
        mask: True where a step counts, shape (N, T).

    Returns:
        ``(loss, dx)``: a float, and the gradient with respect to x, shape (N, T, V).

    Raises:
        ValueError: when the shapes do not fit together.
    """
    if x.ndim != 3:
        raise ValueError(f"x must have shape (N, T, V). Got {x.shape}")
    N, T, _ = x.shape
    for name, array in (("y", y), ("mask", mask)):
        if array.shape != (N, T):
            raise ValueError(f"{name} must have shape (N, T) = {(N, T)}. Got {array.shape}")

    # Subtracting each step's largest score changes no probability, and exp cannot overflow.
    shifted = x - x.max(axis=2, keepdims=True)
    exp = np.exp(shifted)
    total = exp.sum(axis=2, keepdims=True)
    rows, steps = np.ogrid[:N, :T]
    # log p as a difference: a tiny p never becomes log(0).
    log_p = shifted[rows, steps, y] - np.log(total[:, :, 0])
    loss = -log_p[mask.astype(bool)].sum() / N

    dx = exp / total
    dx[rows, steps, y] -= 1
    dx *= mask[:, :, np.newaxis]
    dx /= N
    return float(loss), dx


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Compute ``1 / (1 + exp(-x))`` without overflow, also for large negative x."""
    # exp only ever sees a number <= 0.
    z = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, z) / (1 + z)


def _check_affine(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> None:
    if w.ndim != 2 or w.shape[0] != x.shape[-1]:
        raise ValueError(
            f"w must have shape (D, M) with D = {x.shape[-1]}, the width of x. Got {w.shape}"
        )
    if b.shape != w.shape[1:]:
        raise ValueError(f"b must have shape (M,) = {w.shape[1:]}. Got {b.shape}")


def _check_dout(dout: np.ndarray, shape: tuple[int, ...]) -> None:
    if dout.shape != shape:
        raise ValueError(f"dout must have the shape of out, {shape}. Got {dout.shape}")

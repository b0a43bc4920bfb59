"""Word vectors as a product with one-hot rows: given where looking words up is not the exercise."""

from __future__ import annotations

import numpy as np


def word_embedding_forward(
    x: np.ndarray, W: np.ndarray
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Return the vector of every word, as one product.

    A word is a row that is zero but for a one at its index; the row times W is the word's vector.
    The notebook a1_rnn_captioning has you do it without building those rows.

    Arguments:
        x: word ids, integers with 0 <= id < V, shape (N, T).
        W: one vector for each word, shape (V, D).

    Returns:
        out (N, T, D), and a cache for `word_embedding_backward`.

    Raises:
        ValueError: when an id is no row of W.
    """
    V = len(W)
    if x.size and not (x.min() >= 0 and x.max() < V):
        raise ValueError(f"word ids must lie in [0, {V}). Got {x.min()} to {x.max()}")
    one_hot = (x[:, :, None] == np.arange(V)).astype(W.dtype)
    return one_hot @ W, (one_hot, W)


def word_embedding_backward(dout: np.ndarray, cache: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return the gradient of the word vectors, dW (V, D), for dout (N, T, D)."""
    one_hot, W = cache
    V, D = W.shape
    return one_hot.reshape(-1, V).T @ dout.reshape(-1, D)

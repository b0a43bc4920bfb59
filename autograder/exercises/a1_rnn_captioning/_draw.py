"""Inputs and references that several a1 exercises share.

All dimensions of the usual case differ, so that a transposed or mixed-up axis cannot fit by
chance; values are drawn at the scale of a trained network, where tanh bends but is not flat.
"""

from __future__ import annotations

import numpy as np
import torch

from .._captioning import draw_weights

STEP = dict(N=3, D=5, H=4)
SEQUENCE = dict(N=3, T=4, D=5, H=6)

RETURNS = {
    "rnn_step_forward": "next_h, cache",
    "rnn_step_backward": "dx, dprev_h, dWx, dWh, db",
    "rnn_forward": "h, cache",
    "rnn_backward": "dx, dh0, dWx, dWh, db",
    "word_embedding_forward": "out, cache",
    "word_embedding_backward": "dW",
    "loss": "loss, grads",
    "sample": "captions",
}


def draw_step(rng: np.random.Generator, N: int, D: int, H: int) -> tuple[np.ndarray, ...]:
    """Return x (N, D), prev_h (N, H), Wx, Wh, b."""
    x, prev_h = rng.standard_normal((N, D)), rng.uniform(-1, 1, (N, H))
    return x, prev_h, *draw_weights(rng, D, H)


def draw_sequence(
    rng: np.random.Generator, N: int, T: int, D: int, H: int
) -> tuple[np.ndarray, ...]:
    """Return x (N, T, D), h0 (N, H), Wx, Wh, b."""
    x, h0 = rng.standard_normal((N, T, D)), rng.uniform(-1, 1, (N, H))
    return x, h0, *draw_weights(rng, D, H)


def step(x, prev_h, Wx, Wh, b):
    """One time step, in torch."""
    return torch.tanh(x @ Wx + prev_h @ Wh + b)


def sequence(x, h0, Wx, Wh, b):
    """All hidden states of a sequence, in torch: (N, T, H)."""
    states = [h0]
    for x_t in x.unbind(1):
        states.append(step(x_t, states[-1], Wx, Wh, b))
    return torch.stack(states[1:], dim=1)

"""Inputs and references that the a2 exercises share.

The gates stand in the order input, forget, output, candidate. Biases are drawn wide enough that the
four blocks differ: exchanged gates then cannot pass.
"""

from __future__ import annotations

import numpy as np
import torch

from .._captioning import draw_weights

STEP = dict(N=3, D=5, H=4)
SEQUENCE = dict(N=3, T=4, D=5, H=6)

RETURNS = {
    "lstm_step_forward": "next_h, next_c, cache",
    "lstm_step_backward": "dx, dprev_h, dprev_c, dWx, dWh, db",
    "lstm_forward": "h, cache",
    "lstm_backward": "dx, dh0, dWx, dWh, db",
    "loss": "loss, grads",
    "sample": "captions",
}


def draw_step(rng: np.random.Generator, N: int, D: int, H: int) -> tuple[np.ndarray, ...]:
    """Return x (N, D), prev_h (N, H), prev_c (N, H), Wx (D, 4H), Wh (H, 4H), b (4H,)."""
    x, prev_h = rng.standard_normal((N, D)), rng.uniform(-1, 1, (N, H))
    prev_c = rng.standard_normal((N, H))
    return x, prev_h, prev_c, *draw_weights(rng, D, H, blocks=4)


def draw_sequence(
    rng: np.random.Generator, N: int, T: int, D: int, H: int
) -> tuple[np.ndarray, ...]:
    """Return x (N, T, D), h0 (N, H), Wx, Wh, b."""
    x, h0 = rng.standard_normal((N, T, D)), rng.uniform(-1, 1, (N, H))
    return x, h0, *draw_weights(rng, D, H, blocks=4)


def step(x, prev_h, prev_c, Wx, Wh, b):
    """One time step, in torch: next_h and next_c."""
    i, f, o, g = (x @ Wx + prev_h @ Wh + b).chunk(4, dim=1)
    next_c = f.sigmoid() * prev_c + i.sigmoid() * g.tanh()
    return o.sigmoid() * next_c.tanh(), next_c


def sequence(x, h0, Wx, Wh, b):
    """All hidden states of a sequence, in torch: (N, T, H). The memory begins with zeros."""
    h, c, states = h0, torch.zeros_like(h0), []
    for x_t in x.unbind(1):
        h, c = step(x_t, h, c, Wx, Wh, b)
        states.append(h)
    return torch.stack(states, dim=1)

"""Small networks that judge and student both hold: shared by the a3 exercises.

A network is built where the student's code is, from torch's own layers, and gets parameters that
the judge draws. The judge's copy computes in double precision. Its activations are smooth: a ReLU's
input that is zero but for rounding would decide a gradient by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from autograder.student import Kept, Student

Layer = tuple[str, tuple[Any, ...]]

# Float32 through a few layers leaves 1e-6, every known mistake 1e-2 or more.
RTOL = 1e-4


@dataclass
class Network:
    """One network, twice: a handle over there, a module in double precision here."""

    there: Kept
    here: nn.Sequential

    def gradient(self, x: np.ndarray, classes: Sequence[int]) -> np.ndarray:
        """Return the gradient of the score of class[n] with respect to picture n, like x."""
        t = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        scores = self.here(t)[torch.arange(len(x)), torch.as_tensor(classes)]
        return torch.autograd.grad(scores.sum(), t)[0].numpy()

    def scores(self, x: np.ndarray) -> np.ndarray:
        """Return what the network gives for x, in double precision."""
        with torch.no_grad():
            return self.here(torch.tensor(x, dtype=torch.float64)).numpy()


def send(student: Student, here: nn.Sequential, layers: Sequence[Layer]) -> Network:
    """Build the same network over there, with the same parameters, frozen as in the notebook."""
    parts = [student.public(f"torch.nn.{name}", *args) for name, args in layers]
    there = student.public("torch.nn.Sequential", *parts)
    values = {name: p.detach().numpy().astype(np.float32) for name, p in here.named_parameters()}
    if values:
        student.load(there, values)
    there.eval()
    there.requires_grad_(False)
    return Network(there, here)


def build(layers: Sequence[Layer]) -> nn.Sequential:
    """Return the judge's copy of a network, in double precision."""
    return nn.Sequential(*(getattr(nn, name)(*args) for name, args in layers)).double()


def draw_parameters(
    here: nn.Sequential, rng: np.random.Generator, *, gain: float = 1.5, bias: float = 0.3
) -> None:
    """Draw every parameter; a unit's input is about `gain` in size when its inputs are about 1."""
    with torch.no_grad():
        for p in here.parameters():
            spread = gain / np.sqrt(p[0].numel()) if p.ndim > 1 else bias
            # Rounded to float32, so that both copies hold the very same numbers.
            p.copy_(torch.from_numpy((rng.standard_normal(p.shape) * spread).astype(np.float32)))


def convolutional_layers(K: int) -> list[Layer]:
    """Return the layers of a small network for pictures of any size, with scores (N, K)."""
    return [
        ("Conv2d", (3, 5, 3, 1, 1)),
        ("Tanh", ()),
        ("Conv2d", (5, 6, 3, 2)),
        ("Tanh", ()),
        ("AdaptiveAvgPool2d", (1,)),
        ("Flatten", ()),
        ("Linear", (6, K)),
    ]


def linear_layers(H: int, W: int, K: int) -> list[Layer]:
    """Return the layers of a network whose scores are linear in the picture."""
    return [("Flatten", ()), ("Linear", (3 * H * W, K))]


def draw_network(
    rng: np.random.Generator, layers: Sequence[Layer], *, scale: float = 1.0, bias: float = 0.3
) -> nn.Sequential:
    """Return a network with random parameters; its scores, and their gradients, grow by `scale`.

    `bias` is the spread of the scores' own biases.
    """
    here = build(layers)
    draw_parameters(here, rng)
    last = here[-1]
    with torch.no_grad():
        if "AdaptiveAvgPool2d" in [name for name, _ in layers]:
            last.weight *= 8  # a mean over places varies little from picture to picture
        last.weight *= scale
        last.bias *= bias / 0.3
        for p in last.parameters():
            p.copy_(p.float().double())
    return here


def draw(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Return standard normal float32 numbers."""
    return rng.standard_normal(shape).astype(np.float32)

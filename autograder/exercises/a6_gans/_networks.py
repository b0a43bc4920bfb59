"""Networks with known weights, and what they should compute: shared by the exercises on layers.

Every student names and orders layers differently, so known weights are found by the shape of their
layer: `cs231n_utils.gans.set_known_parameters` puts them into a student's network, over there, and
the references below compute with the same numbers. Nothing large is sent: the largest network has
6.6 million parameters, 26 MB.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from autograder.errors import StudentRaised, Wrong
from autograder.judge import expect
from autograder.student import Kept, Student, tensor
from cs231n_utils.gans import known_norm, known_parameter

GANS = "cs231n_utils.gans"

# Float32 through up to four layers: 1e-6 of rounding. A slope of 0.2 in place of 0.01, or any other
# known mistake, moves an output by 1e-2 or more.
RTOL = 1e-4

# How PyTorch's batch norm keeps its running statistics, unless told otherwise.
MOMENTUM, EPS = 0.1, 1e-5


def build(student: Student, name: str, *args: Any) -> Kept:
    """Return the student's network `name(*args)`, seeded so that it can be repeated.

    A function of an older handout, which takes no batch size, is called without.
    """
    student.public("torch.manual_seed", 231)
    function = getattr(student, name)
    try:
        network = function(*args)
    except StudentRaised as error:
        if error.type_name != "TypeError" or "positional argument" not in error.message:
            raise
        network = function()
    if not isinstance(network, Kept):
        raise Wrong(f"{name} must return a network, a torch.nn.Module")
    return network


def set_parameters(student: Student, network: Kept, seed: int, inputs: int, want: int) -> None:
    """Put known numbers into the student's network, which must have `want` parameters.

    inputs: how many numbers an example has.
    """
    student.public(f"{GANS}.set_known_parameters", network, seed, inputs)
    got = student.public(f"{GANS}.count_params", network)
    expect("the number of parameters", got, want, comparator="number")


def scores(student: Student, network: Kept, images: np.ndarray) -> Any:
    """Return the network's scores of images (N, 784), in whichever shape it takes them."""
    return student.public(f"{GANS}.scores_of", network, tensor(images))


def pictures(student: Student, network: Kept, noise: np.ndarray) -> Any:
    """Return the network's images (N, 784), in whichever shape it makes them."""
    return student.public(f"{GANS}.pictures_of", network, tensor(noise))


def expect_scores(
    student: Student,
    network: Kept,
    rng: np.random.Generator,
    N: int,
    inputs: int,
    want: int,
    reference: Callable[[torch.Tensor, int], torch.Tensor],
) -> None:
    """Expect the scores of two batches of N images; shapes (N, 1) and (N,) are as good.

    `reference(images, seed)` gives the scores with known parameters. Weights and images are such
    that there are scores of either sign, also when N is one: an activation at the end shows.
    """
    for _ in range(100):
        seed, images = int(rng.integers(1 << 30)), _draw_images(rng, max(2 * N, 8))
        wanted = reference(torch.from_numpy(images), seed)
        if wanted.min() < -0.1 and wanted.max() > 0.1:
            break
    set_parameters(student, network, seed, inputs, want)
    order = wanted.flatten().argsort()
    for batch in (order[:N].flip(0), order[-N:]):
        got = scores(student, network, images[batch.numpy()])
        expect("the scores", got, wanted[batch].numpy(), rtol=RTOL, atol=1e-5, squeeze=True)


def _draw_images(rng: np.random.Generator, N: int) -> np.ndarray:
    """Return something like images, brighter and darker ones: float32 from -1 to 1, (N, 784)."""
    brightness, contrast = rng.uniform(-1, 1, (N, 1)), rng.uniform(0.3, 1, (N, 1))
    images = brightness + contrast * rng.uniform(-1, 1, (N, 784))
    return images.clip(-1, 1).astype(np.float32)


def draw_noise(rng: np.random.Generator, N: int, dim: int) -> np.ndarray:
    """Return noise, float32 (N, dim)."""
    return rng.uniform(-1, 1, (N, dim)).astype(np.float32)


# ------------------------------------------------------------------ references
class Layers:
    """Layers with the known weights of one seed, as functions."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def linear(self, x: torch.Tensor, out: int) -> torch.Tensor:
        """Apply a linear layer with `out` outputs."""
        return F.linear(x, *self._weights((out, x.shape[1]), out))

    def conv(self, x: torch.Tensor, out: int) -> torch.Tensor:
        """Apply a convolution with `out` filters of 5 x 5."""
        return F.conv2d(x, *self._weights((out, x.shape[1], 5, 5), out))

    def conv_transpose(self, x: torch.Tensor, out: int) -> torch.Tensor:
        """Apply a transposed convolution with `out` filters of 4 x 4, stride 2 and padding 1."""
        weights = self._weights((x.shape[1], out, 4, 4), out)
        return F.conv_transpose2d(x, *weights, stride=2, padding=1)

    def _weights(self, shape: tuple[int, ...], out: int) -> tuple[torch.Tensor, torch.Tensor]:
        made = (known_parameter(each, shape, self._seed) for each in (shape, (out,)))
        weight, bias = map(torch.from_numpy, made)
        return weight, bias


class Norms:
    """Batch norms with the known parameters of one seed, and their running statistics."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._running: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self.training = True

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise each channel by the batch, or in evaluation by the running statistics."""
        width = x.shape[1]
        mean, variance = self._running.setdefault(width, (torch.zeros(width), torch.ones(width)))
        scale, shift = map(torch.from_numpy, known_norm(width, self._seed))
        return F.batch_norm(x, mean, variance, scale, shift, self.training, MOMENTUM, EPS)


def discriminator(x: torch.Tensor, seed: int) -> torch.Tensor:
    """Score images (N, 784) by three linear layers."""
    layers = Layers(seed)
    x = F.leaky_relu(layers.linear(x, 256), 0.01)
    x = F.leaky_relu(layers.linear(x, 256), 0.01)
    return layers.linear(x, 1)


def generator(z: torch.Tensor, seed: int) -> torch.Tensor:
    """Make images (N, 784) of noise by three linear layers."""
    layers = Layers(seed)
    x = F.relu(layers.linear(z, 1024))
    x = F.relu(layers.linear(x, 1024))
    return torch.tanh(layers.linear(x, 784))


def dc_classifier(x: torch.Tensor, seed: int) -> torch.Tensor:
    """Score images (N, 784) by two convolutions and two linear layers."""
    layers = Layers(seed)
    x = x.reshape(-1, 1, 28, 28)
    x = F.max_pool2d(F.leaky_relu(layers.conv(x, 32), 0.01), 2)
    x = F.max_pool2d(F.leaky_relu(layers.conv(x, 64), 0.01), 2)
    x = F.leaky_relu(layers.linear(x.flatten(1), 4 * 4 * 64), 0.01)
    return layers.linear(x, 1)


def dc_generator(z: torch.Tensor, seed: int, norm: Norms) -> torch.Tensor:
    """Make images (N, 784) of noise by two linear layers and two transposed convolutions."""
    layers = Layers(seed)
    x = norm(F.relu(layers.linear(z, 1024)))
    x = norm(F.relu(layers.linear(x, 7 * 7 * 128)))
    x = norm(F.relu(layers.conv_transpose(x.reshape(-1, 128, 7, 7), 64)))
    return torch.tanh(layers.conv_transpose(x, 1)).flatten(1)

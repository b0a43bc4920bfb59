"""Small given parts of the chapter on GANs: shapes, sizes, and how networks are called.

A discriminator of the chapter may take images as rows of 784 numbers or as pictures, and a
generator may make either: `scores_of` and `pictures_of` call both kinds.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

NOISE_DIM = 96
SIDE = 28  # pixels of an image


class Flatten(nn.Module):
    """Turn (N, C, H, W), or any (N, ...), into (N, C * H * W)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the same numbers, one row for each example."""
        return x.reshape(len(x), -1)


class Unflatten(nn.Module):
    """Turn (N, C * H * W) into (N, C, H, W)."""

    def __init__(self, N: int = -1, C: int = 128, H: int = 7, W: int = 7) -> None:
        """N may be left at -1: then any batch fits."""
        super().__init__()
        self.shape = (N, C, H, W)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the same numbers as pictures."""
        return x.reshape(self.shape)


def initialize_weights(module: nn.Module) -> None:
    """Draw the weights of one linear or transposed convolution layer as Glorot and Bengio (2010).

    Use it on a whole network: `network.apply(initialize_weights)`.
    """
    if isinstance(module, nn.Linear | nn.ConvTranspose2d):
        nn.init.xavier_uniform_(module.weight)


def count_params(model: nn.Module) -> int:
    """Return how many numbers the model learns."""
    return sum(p.numel() for p in model.parameters())


def preprocess_img(x):
    """Bring pixels from 0 to 1 to the range of tanh, -1 to 1."""
    return 2 * x - 1


def deprocess_img(x):
    """Bring pixels from -1 to 1 back to 0 to 1."""
    return (x + 1) / 2


def scores_of(discriminator: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Return what a discriminator says of images (N, 784), in whichever shape it takes them."""
    try:
        return discriminator(images)
    except (RuntimeError, ValueError, IndexError) as error:
        try:
            return discriminator(images.reshape(-1, 1, SIDE, SIDE))
        except (RuntimeError, ValueError, IndexError):
            raise error from None


def pictures_of(generator: nn.Module, noise: torch.Tensor) -> torch.Tensor:
    """Return what a generator makes of noise (N, noise_dim), as rows: (N, 784)."""
    return generator(noise).reshape(len(noise), -1)


# ------------------------------------------------------------------ networks with known weights
PERIOD = 10_007  # numbers that are drawn for one parameter; a larger one repeats them


def known_parameter(shape: tuple[int, ...], layer: tuple[int, ...], seed: int) -> np.ndarray:
    """Return a float32 parameter of this shape, of a layer whose weight has the shape `layer`.

    It depends on nothing else, so that two people who name or order their layers in different ways
    get the same network. Weights have the size that keeps signals alive, biases are small, and
    the scales of norms lie around one.
    """
    size = int(np.prod(shape))
    bias = len(shape) == 1 and len(layer) > 1
    rng = np.random.default_rng([seed, bias, *layer])
    numbers = 2 * rng.random(min(size, PERIOD)) - 1  # variance 1/3
    if len(shape) > 1:
        fans = size / shape[0] + size / shape[1]  # Glorot's two fans
        numbers *= 1.5 * np.sqrt(6 / fans)
    else:
        numbers *= 0.6
    return np.resize(numbers, shape).astype(np.float32)


def known_norm(width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return scale and shift of a batch norm of this width."""
    rng = np.random.default_rng([seed, 2, width])
    numbers = (2 * rng.random((2, width)) - 1).astype(np.float32)
    return 1 + 0.6 * numbers[0], 0.6 * numbers[1]


def set_known_parameters(model: nn.Module, seed: int, inputs: int) -> nn.Module:
    """Put known numbers into every parameter of the model, each by its shape; return the model.

    inputs: how many numbers an example has. Lazy layers make up their parameters when they see one.
    """
    with torch.no_grad():
        if any(isinstance(p, nn.UninitializedParameter) for p in model.parameters()):
            scores_of(model.eval(), torch.zeros(1, inputs))
            model.train()
        for part in model.modules():
            own = dict(part.named_parameters(recurse=False))
            weight = own.get("weight")
            if weight is None:
                continue
            layer = tuple(weight.shape)
            if len(layer) == 1 and "bias" in own:
                for p, value in zip((weight, own["bias"]), known_norm(layer[0], seed), strict=True):
                    p.copy_(torch.from_numpy(value))
                continue
            for p in own.values():
                p.copy_(torch.from_numpy(known_parameter(tuple(p.shape), layer, seed)))
    return model


def follow(
    optimizer: torch.optim.Optimizer, model: nn.Module, gradients: list[np.ndarray]
) -> torch.Tensor:
    """Move a model's parameters with each row of gradients in turn; return all of them, flat.

    gradients: one row of as many numbers as the model has parameters for each step.
    """
    for row in np.asarray(gradients):
        at = 0
        for p in model.parameters():
            part = torch.as_tensor(row[at : at + p.numel()], dtype=p.dtype)
            p.grad = part.reshape(p.shape).clone()
            at += p.numel()
        optimizer.step()
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def settings_of(optimizer: torch.optim.Optimizer) -> tuple[float, float, float, float]:
    """Return learning rate, beta1, beta2 and weight decay of an optimizer.

    They are NaN where it has none, or where its groups of parameters have different ones.
    """
    rows = set()
    for group in optimizer.param_groups:
        betas = group.get("betas", (np.nan, np.nan))
        rows.add((group["lr"], *betas, group.get("weight_decay", 0.0)))
    return tuple(map(float, rows.pop())) if len(rows) == 1 else (np.nan,) * 4

"""What the chapter on looking into networks is given: other layers, windows, jitter, blur, PCA.

Pictures are float tensors (N, 3, H, W), as a classifier's `preprocess` makes them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


class Elementwise(nn.Module):
    """A layer that applies a function."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return function(x)."""
        return self.function(x)


def replace_relus(model: nn.Module, function: Callable[[torch.Tensor], torch.Tensor]) -> nn.Module:
    """Return a copy of the model, in evaluation mode, with `function` in place of every nn.ReLU."""
    model = copy.deepcopy(model).eval()
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.ReLU):
                setattr(module, name, Elementwise(function))
    return model


class Margins(nn.Module):
    """A classifier that gives each class its lead over the best of the others, (N, K)."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the margins: above 0 for the class that is seen, and for no other."""
        scores = self.model(x)
        best, second = scores.topk(2, dim=1).values.split(1, dim=1)
        return scores - torch.where(scores == best, second, best)


def describe_layers(layers: Sequence[nn.Module]) -> list[tuple[int, int, int]]:
    """Return (kernel, stride, padding) of every layer that looks at neighbours.

    A Fire module counts as its squeeze and the larger one of its expansions; layers that work on
    each place by itself are left out.

    Raises:
        ValueError: for a layer of another kind, or one that is not square.
    """
    found = []
    for layer in layers:
        if hasattr(layer, "expand3x3"):
            parts = [layer.squeeze, layer.expand3x3]
        else:
            parts = [] if isinstance(layer, nn.ReLU | nn.Dropout) else [layer]
        for part in parts:
            if not isinstance(part, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
                raise ValueError(
                    "a layer must be a convolution, pooling, a Fire module or a ReLU. "
                    f"Got {type(part).__name__}"
                )
            found.append(
                tuple(_side(value, part) for value in (part.kernel_size, part.stride, part.padding))
            )
    return found


def _side(value: int | tuple[int, int], layer: nn.Module) -> int:
    sides = {value} if isinstance(value, int) else set(value)
    if len(sides) != 1:
        raise ValueError(f"a layer must be square. Got {layer}")
    return sides.pop()


def jitter(X: torch.Tensor, ox: int, oy: int) -> torch.Tensor:
    """Return the pictures moved by ox pixels to the right and oy down; the edges are joined."""
    return torch.roll(X, shifts=(oy, ox), dims=(2, 3))


def blur_image(X: torch.Tensor, sigma: float = 1.0) -> torch.Tensor:
    """Return the pictures blurred with a Gaussian of this width in pixels."""
    radius = max(round(3 * sigma), 1)
    places = torch.arange(-radius, radius + 1, dtype=X.dtype, device=X.device)
    weights = torch.exp(-(places**2) / (2 * sigma**2))
    weights = weights / weights.sum()
    N, C, H, W = X.shape
    flat = X.reshape(N * C, 1, H, W)
    flat = F.conv2d(F.pad(flat, (radius, radius, 0, 0), "replicate"), weights.view(1, 1, 1, -1))
    flat = F.conv2d(F.pad(flat, (0, 0, radius, radius), "replicate"), weights.view(1, 1, -1, 1))
    return flat.reshape(N, C, H, W)


def colour_bounds(classifier: object) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what a classifier's `preprocess` makes of black and of white, each (1, 3, 1, 1)."""
    mean = torch.tensor(classifier.mean).view(1, 3, 1, 1)
    std = torch.tensor(classifier.std).view(1, 3, 1, 1)
    return -mean / std, (1 - mean) / std


def cut_window(image: np.ndarray, top: int, left: int, size: int) -> np.ndarray:
    """Return a square window of an image (H, W, 3); what lies outside the image is grey."""
    H, W, _ = image.shape
    window = np.full((size, size, 3), 128, image.dtype)
    rows, columns = range(max(top, 0), min(top + size, H)), range(max(left, 0), min(left + size, W))
    if rows and columns:
        seen = image[rows.start : rows.stop, columns.start : columns.stop]
        window[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = (
            seen
        )
    return window


def mean_features(model: nn.Module, x: torch.Tensor, batch_size: int = 100) -> torch.Tensor:
    """Return the last features of pictures x, averaged over all places, shape (N, C)."""
    with torch.no_grad():
        parts = [model.features(batch).mean(dim=(2, 3)) for batch in x.split(batch_size)]
    return torch.cat(parts)


def principal_components(features: torch.Tensor, k: int = 2) -> tuple[torch.Tensor, float]:
    """Return where features (N, D) lie along the k directions in which they differ most, (N, k).

    The second value is the share of their variance that these directions hold.
    """
    centred = features - features.mean(dim=0)
    _, sizes, directions = torch.linalg.svd(centred, full_matrices=False)
    share = (sizes[:k] ** 2).sum() / (sizes**2).sum()
    return centred @ directions[:k].T, float(share)


def correlations(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the correlation of each map in `some` (N, H, W) with that in `others`, shape (N,)."""
    flat = [np.reshape(maps, (len(maps), -1)) for maps in (some, others)]
    flat = [maps - maps.mean(axis=1, keepdims=True) for maps in flat]
    flat = [maps / np.linalg.norm(maps, axis=1, keepdims=True) for maps in flat]
    return (flat[0] * flat[1]).sum(axis=1)

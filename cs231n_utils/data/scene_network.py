"""The network that turns a scene into features.

It needs torch, so only encoder.py (inside its functions) and the training script import it.

Four convolutions look at the picture in a grid of 8 x 8 cells. Three pointers then choose the cell
of the first, second and third object from the left (or no cell), and what was seen there is put
side by side with a summary of the whole picture. That is the feature vector: linear in what was
seen, object by object.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cs231n_utils.data.scenes import (
    COLOUR_NAMES,
    IMAGE_SIZE,
    MAX_OBJECTS,
    NUM_BACKGROUNDS,
    SHAPE_NAMES,
    SIZE_NAMES,
    TEXTURE_NAMES,
)

GRID = 8  # cells along each side
SEEN = 72  # numbers for what is in a cell, its place included
OVERALL = 40  # numbers for the whole picture
FEATURE_DIM = MAX_OBJECTS * SEEN + OVERALL
PCA_DIM = 128
# What a linear reading of one object's part of the features should tell: name -> number of classes.
ATTRIBUTES = {
    "shape": len(SHAPE_NAMES),
    "colour": len(COLOUR_NAMES),
    "size": len(SIZE_NAMES),
    "texture": len(TEXTURE_NAMES),
}


class SceneNetwork(nn.Module):
    """Features of 64 x 64 scenes, with linear heads that read the attributes from them."""

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Sequential(
            _convolution(3, 32, 3, stride=2),
            _convolution(32, 64, 3, stride=2),
            _convolution(64, 96, 3, stride=2),
            _convolution(96, 128, 3, stride=1),
        )
        self.seen = nn.Conv2d(128, SEEN - 2, 1)
        self.narrow = nn.Conv2d(128, 8, 1)
        cells = GRID * GRID
        self.point = nn.Sequential(
            nn.Linear(8 * cells, 256), nn.ReLU(), nn.Linear(256, MAX_OBJECTS * (cells + 1))
        )
        self.overall = nn.Linear(128, OVERALL)
        # Linear heads, for training and for measuring.
        self.heads = nn.ModuleDict({name: nn.Linear(SEEN, n) for name, n in ATTRIBUTES.items()})
        self.centre = nn.Linear(SEEN, 2)
        self.background = nn.Linear(OVERALL, NUM_BACKGROUNDS)
        # Principal components, found after training: (features - mean) @ components.
        self.register_buffer("pca_mean", torch.zeros(FEATURE_DIM))
        self.register_buffer("pca_components", torch.zeros(FEATURE_DIM, PCA_DIM))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Look at images (N, 3, 64, 64) with values in [-1, 1].

        Returns features (N, FEATURE_DIM); what each cell shows, (N, 64, SEEN); and the pointers'
        scores (N, 3, 65), where the last place means "there is no such object".
        """
        if images.shape[1:] != (3, IMAGE_SIZE, IMAGE_SIZE):
            raise ValueError(
                f"images must have shape (N, 3, {IMAGE_SIZE}, {IMAGE_SIZE}). "
                f"Got {tuple(images.shape)}"
            )
        num = len(images)
        view = self.look(images)
        steps = torch.linspace(-1, 1, GRID, device=view.device, dtype=view.dtype)
        place = torch.stack(torch.meshgrid(steps, steps, indexing="xy"))
        seen = torch.cat([self.seen(view), place.expand(num, -1, -1, -1)], dim=1)
        seen = seen.flatten(2).transpose(1, 2)
        scores = self.point(torch.relu(self.narrow(view)).flatten(1))
        scores = scores.view(num, MAX_OBJECTS, GRID * GRID + 1)
        objects = scores.softmax(dim=-1)[..., :-1] @ seen
        overall = torch.relu(self.overall(view.mean(dim=(2, 3))))
        return torch.cat([objects.flatten(1), overall], dim=1), seen, scores

    def read(self, features: Tensor) -> dict[str, Tensor]:
        """Read the attributes from features (N, FEATURE_DIM), linearly.

        Returns scores (N, 3, classes) for each of ATTRIBUTES, "centre" (N, 3, 2) in [-1, 1], and
        "background" (N, NUM_BACKGROUNDS).
        """
        objects, overall = features.split([MAX_OBJECTS * SEEN, OVERALL], dim=1)
        objects = objects.view(len(features), MAX_OBJECTS, SEEN)
        read = {name: head(objects) for name, head in self.heads.items()}
        return {**read, "centre": self.centre(objects), "background": self.background(overall)}

    def project(self, features: Tensor) -> Tensor:
        """Return the principal components (N, PCA_DIM) of features (N, FEATURE_DIM)."""
        return (features - self.pca_mean) @ self.pca_components


def _convolution(channels_in: int, channels_out: int, size: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, size, stride, padding=size // 2, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    )

"""The small network that tells the pictures of picture_classes.py apart.

It needs torch, so only pretrained.py (inside its functions) and the training script import it.

It is built as SqueezeNet is (Iandola et al., 2016): Fire modules, which squeeze the channels with
a 1x1 convolution and expand them again with 1x1 and 3x3 convolutions side by side, and scores that
are averaged over all places. So it takes pictures of any size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Fire(nn.Module):
    """Squeeze (N, C, H, W) to few channels, then expand: (N, 2 * expand_channels, H, W)."""

    def __init__(self, in_channels: int, squeeze_channels: int, expand_channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(in_channels, squeeze_channels, 1)
        self.expand1x1 = nn.Conv2d(squeeze_channels, expand_channels, 1)
        self.expand3x3 = nn.Conv2d(squeeze_channels, expand_channels, 3, padding=1)
        self.relu = nn.ReLU()  # a layer, so that another can take its place

    def forward(self, x: Tensor) -> Tensor:
        squeezed = self.relu(self.squeeze(x))
        return self.relu(torch.cat([self.expand1x1(squeezed), self.expand3x3(squeezed)], dim=1))


class SceneClassifier(nn.Module):
    """Scores (N, num_classes) of normalised pictures (N, 3, H, W), each side at least 16."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 32, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            Fire(32, 24, 48),
            Fire(96, 24, 48),
            nn.MaxPool2d(2),
            Fire(96, 40, 96),
            Fire(192, 48, 128),
        )
        self.classifier = nn.Sequential(
            nn.Conv2d(256, num_classes, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x))

"""Pictures in pairs of views, for SimCLR: a dataset in memory, and a fast loader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch.utils.data import Dataset


class CIFAR10(Dataset):
    """Pictures in memory, in the form of torchvision's dataset of the same name.

    Subclasses say in `__getitem__` what a picture becomes.

    Attributes:
        data: uint8, shape (N, 32, 32, 3).
        targets: N whole numbers, the labels.
        transform, target_transform: what is done to each picture and to each label, or None.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: Sequence[int] | np.ndarray,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
    ) -> None:
        if len(images) != len(labels):
            raise ValueError(
                f"there must be one label for each picture. Got {len(labels)} for {len(images)}"
            )
        self.data, self.targets = images, [int(label) for label in labels]
        self.transform, self.target_transform = transform, target_transform

    def __len__(self) -> int:
        return len(self.data)

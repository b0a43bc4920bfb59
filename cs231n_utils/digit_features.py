"""How far apart two sets of digit images are: the Frechet distance of what a classifier sees.

The classifier is a small one, trained by `datasets/train_digit_classifier.py`. The number follows
the idea of the FID (Heusel and others, 2017) and is not the FID: that one uses another, far larger
network. So it can be compared with itself only.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from torch import nn

from cs231n_utils.gans import SIDE

WEIGHTS = Path(__file__).parent / "data" / "digit_classifier.safetensors"
FEATURE_DIM = 32


class WrongWeights(ValueError):
    """The file does not hold exactly the weights of the digit classifier."""


class DigitClassifier(nn.Module):
    """Two convolutions, 32 features, 10 scores."""

    def __init__(self) -> None:
        super().__init__()
        self.see = nn.Sequential(
            nn.Conv2d(1, 16, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(32 * 7 * 7, FEATURE_DIM),
            nn.ReLU(),
        )
        self.name = nn.Linear(FEATURE_DIM, 10)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return features (N, 32) and scores (N, 10) of images (N, 784), from 0 to 1."""
        features = self.see(images.reshape(-1, 1, SIDE, SIDE))
        return features, self.name(features)


def load_digit_classifier(path: str | Path = WEIGHTS) -> DigitClassifier:
    """Return the trained classifier, ready for use.

    Raises:
        WrongWeights: when a weight is missing, is unexpected or has another shape.
    """
    from safetensors.torch import load_file

    classifier = DigitClassifier()
    try:
        classifier.load_state_dict(load_file(path), strict=True)
    except RuntimeError as error:
        raise WrongWeights(f"{path} does not fit the digit classifier. {error}") from None
    return classifier.eval().requires_grad_(False)


def digit_classifier_card(path: str | Path = WEIGHTS) -> dict:
    """Return what was recorded with the weights: seed, numbers of images, accuracy."""
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        return json.loads(file.metadata()["card"])


def digit_features(classifier: DigitClassifier, images: np.ndarray) -> np.ndarray:
    """Return the features of images (N, 784), from 0 to 1: float64 (N, 32)."""
    if images.ndim != 2 or images.shape[1] != SIDE * SIDE:
        raise ValueError(f"images must have shape (N, {SIDE * SIDE}). Got {images.shape}")
    with torch.no_grad():
        parts = torch.as_tensor(images, dtype=torch.float32).split(250)
        return torch.cat([classifier(part)[0] for part in parts]).double().numpy()


def frechet_distance(some: np.ndarray, others: np.ndarray) -> float:
    """Return the Frechet distance between normal distributions fitted to two sets of features.

    With means m and covariances S it is |m1 - m2|^2 + trace(S1 + S2 - 2 (S1 S2)^(1/2)).

    Arguments:
        some, others: features, (N, D) and (M, D).
    """
    if some.ndim != 2 or some.shape[1:] != others.shape[1:] or min(len(some), len(others)) < 2:
        raise ValueError(
            f"features must have shape (N, D) and (M, D). Got {some.shape} and {others.shape}"
        )
    shift = some.mean(axis=0) - others.mean(axis=0)
    one, two = (np.atleast_2d(np.cov(features, rowvar=False)) for features in (some, others))
    # The roots of the eigenvalues of S1 S2 are the singular values of root(S1) root(S2).
    overlap = np.linalg.svd(_root(one) @ _root(two), compute_uv=False).sum()
    return float(max(shift @ shift + np.trace(one) + np.trace(two) - 2 * overlap, 0.0))


def digit_distance(images: np.ndarray, real: np.ndarray) -> float:
    """Return how far images (N, 784) are from real digits (M, 784); pixels from 0 to 1."""
    classifier = load_digit_classifier()
    return frechet_distance(digit_features(classifier, images), digit_features(classifier, real))


def _root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T

"""What features are worth: a linear classifier of them, with few labels."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import nn

from cs231n_utils.augment import normalise, to_floats

LABELS_PER_CLASS = 10


def encode(model: nn.Module, images: np.ndarray, batch_size: int = 500) -> np.ndarray:
    """Return features of pictures, uint8 (N, 32, 32, 3): float32 (N, D).

    model: an encoder, or a SimCLRModel, whose features are then the normalised ones.
    """
    device = next(model.parameters()).device
    model.eval()
    parts = []
    with torch.no_grad(), torch_threads(device, 1):
        for start in range(0, len(images), batch_size):
            pictures = normalise(to_floats(images[start : start + batch_size], device))
            found = model(pictures.contiguous(memory_format=torch.channels_last))
            parts.append((found[0] if isinstance(found, tuple) else found).cpu().numpy())
    return np.concatenate(parts)


def few_labels(labels: np.ndarray, per_class: int = LABELS_PER_CLASS, seed: int = 0) -> np.ndarray:
    """Choose `per_class` pictures of every class; return their rows, (per_class * classes,)."""
    rng = np.random.default_rng(seed)
    rows = [rng.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    if min(map(len, rows)) < per_class:
        raise ValueError(
            f"every class must have {per_class} pictures. Got {min(map(len, rows))} of one"
        )
    return np.concatenate([row[:per_class] for row in rows])


def draws_of_labels(
    labels: np.ndarray, per_class: int, draws: int, seed: int = 0
) -> list[np.ndarray]:
    """Draw `few_labels` several times; no two seeds have a draw in common, up to 1000 draws."""
    return [few_labels(labels, per_class, seed=1000 * seed + draw) for draw in range(draws)]


def linear_probe(
    features_train: np.ndarray,
    labels_train: np.ndarray,
    features_test: np.ndarray,
    labels_test: np.ndarray,
    *,
    unlabelled: np.ndarray | None = None,
    strength: float = 0.1,
    seed: int = 0,
) -> float:
    """Return the share of test pictures that a linear classifier of the features gets right.

    A logistic regression on standardised features; the encoder behind them is not changed.
    unlabelled: features of other pictures than the test's, whose mean and spread standardise all;
    without them it is those of features_train, of which there may be very few.
    strength: how freely the weights may grow; small for few labels.
    """
    from sklearn.linear_model import LogisticRegression

    known = features_train if unlabelled is None else unlabelled
    mean, std = known.mean(axis=0), known.std(axis=0) + 1e-6
    classifier = LogisticRegression(C=strength, max_iter=1000, random_state=seed)
    classifier.fit((features_train - mean) / std, labels_train)
    return float(classifier.score((features_test - mean) / std, labels_test))


def mean_probe(
    model: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    images_test: np.ndarray,
    labels_test: np.ndarray,
    *,
    draws: Sequence[np.ndarray],
    strength: float = 0.1,
) -> float:
    """Return the mean over the draws of `probe_shares`, whose arguments these are."""
    return float(
        np.mean(
            probe_shares(
                model, images, labels, images_test, labels_test, draws=draws, strength=strength
            )
        )
    )


def probe_shares(
    model: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    images_test: np.ndarray,
    labels_test: np.ndarray,
    *,
    draws: Sequence[np.ndarray],
    strength: float = 0.1,
) -> list[float]:
    """Return the share of right answers of linear probes, one for each draw of labels.

    model: as in `encode`. images: all pictures, also those whose labels no probe sees: their
    features standardise. draws: rows of the labelled ones, each from `few_labels`.
    """
    seen, unseen = encode(model, images), encode(model, images_test)
    return [
        linear_probe(
            seen[rows], labels[rows], unseen, labels_test, unlabelled=seen, strength=strength
        )
        for rows in draws
    ]


@contextlib.contextmanager
def torch_threads(device: str | torch.device, threads: int | None) -> Iterator[None]:
    """Set PyTorch's threads for a training on the CPU, and put them back."""
    before = torch.get_num_threads()
    if threads is not None and torch.device(device).type == "cpu":
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)

"""Train the classifier whose features measure how good made up digits are, and write its weights.

    python datasets/train_digit_classifier.py            # half a minute on one CPU core

It learns from three quarters of scikit-learn's digits, shifted by up to two pixels and with some
noise, and is tested on the last quarter.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch.nn import functional

from cs231n_utils.data.digits import load_digit_images
from cs231n_utils.digit_features import WEIGHTS, DigitClassifier
from cs231n_utils.gans import SIDE

TRAIN = 1347  # the first three quarters


def main() -> None:
    """Train, test on the last quarter, and write weights and card."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    options = parser.parse_args()
    start = time.perf_counter()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    data = load_digit_images()
    images, labels = torch.from_numpy(data.images), torch.from_numpy(data.labels)
    classifier = train(images[:TRAIN], labels[:TRAIN], options.epochs)
    stored = {name: weight.half().contiguous() for name, weight in classifier.state_dict().items()}
    classifier.load_state_dict(stored)
    card = {
        "script": "datasets/train_digit_classifier.py",
        "seed": options.seed,
        "epochs": options.epochs,
        "images": TRAIN,
        "unseen": len(images) - TRAIN,
        "accuracy": round(accuracy(classifier, images[TRAIN:], labels[TRAIN:]), 4),
        "seconds": round(time.perf_counter() - start),
        "torch": torch.__version__.split("+")[0],
    }
    print(json.dumps(card, indent=2))
    save_file(stored, options.out, metadata={"card": json.dumps(card)})


def train(images: torch.Tensor, labels: torch.Tensor, epochs: int) -> DigitClassifier:
    """Return a classifier that has seen the images (N, 784) `epochs` times."""
    classifier = DigitClassifier()
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=2e-3, weight_decay=0.01)
    steps = epochs * -(-len(images) // 64)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(epochs):
        for rows in torch.randperm(len(images)).split(64):
            _, scores = classifier(disturb(images[rows]))
            optimizer.zero_grad()
            functional.cross_entropy(scores, labels[rows]).backward()
            optimizer.step()
            schedule.step()
    return classifier.eval()


def disturb(images: torch.Tensor) -> torch.Tensor:
    """Return images that are shifted by up to two pixels, with a little noise."""
    down, right = np.random.default_rng(int(torch.randint(1 << 30, ()))).integers(-2, 3, 2)
    pictures = images.reshape(-1, SIDE, SIDE).roll((int(down), int(right)), (1, 2))
    return (pictures + 0.05 * torch.randn_like(pictures)).clamp(0, 1).flatten(1)


@torch.no_grad()
def accuracy(classifier: DigitClassifier, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Return the share of digits that are named rightly."""
    return (classifier(images)[1].argmax(1) == labels).float().mean().item()


if __name__ == "__main__":
    main()

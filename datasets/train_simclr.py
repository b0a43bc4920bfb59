"""Train the network of the chapter on SimCLR for as long as it is worth, and write its weights.

    python datasets/train_simclr.py --loss assignments/a7_simclr/simclr.ipynb

The loss is taken from a notebook: your own, when it is finished. About four minutes of one core.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch

from cs231n_utils.data.objects32 import ObjectData, load_objects
from cs231n_utils.loss_file import load_function
from cs231n_utils.simclr import (
    draws_of_labels,
    make_model,
    mean_probe,
    save_checkpoint,
    train_simclr,
)
from cs231n_utils.simclr_models import TRAINED, SimCLRModel

PICTURES, UNSEEN = 8192, 2000
STEPS = 6000
DRAWS = 5


def main() -> None:
    """Train, probe, and write weights and card."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loss", type=Path, required=True, help="a notebook with the loss")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=TRAINED)
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = load_objects(PICTURES, UNSEEN)
    model = make_model(seed=options.seed)
    start = time.process_time()
    train_simclr(
        model,
        data.train.images,
        load_function(options.loss, "simclr_loss_vectorized"),
        steps=options.steps,
        seed=options.seed,
    )
    about = card(model, data, options.steps, options.seed, time.process_time() - start)
    print(json.dumps(about, indent=2))
    save_checkpoint(model, options.out, about)


def card(model: SimCLRModel, data: ObjectData, steps: int, seed: int, seconds: float) -> dict:
    """Return what there is to say about a network."""
    train, test = data.train, data.test
    draws = draws_of_labels(train.labels, 1, DRAWS, seed=seed)
    share = mean_probe(model, train.images, train.labels, test.images, test.labels, draws=draws)
    return {
        "script": "datasets/train_simclr.py",
        "seed": seed,
        "steps": steps,
        "pictures": len(train),
        "unseen": len(test),
        "probe with one label of each kind": round(share, 4),
        "CPU seconds": round(seconds),
        "torch": torch.__version__.split("+")[0],
    }


if __name__ == "__main__":
    main()

"""What SimCLR's features are worth: a linear probe beside a training from scratch, on few labels.

    python benchmarks/simclr_probe.py
    python benchmarks/simclr_probe.py --tune

Both get the same encoder and the same labelled pictures. SimCLR has seen the other pictures as
well, without their labels; its loss is the chapter's solution, its settings are the chapter's.
Every seed has its own weights to begin with, its own order of the pictures and its own labelled
ones; and because with so few it matters which ones they are, its numbers are means over several
draws of them.

--tune tries other settings of the training from scratch instead, as judged by the test pictures: if
anything, they favour it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from cs231n_utils.data import load_object_images
from cs231n_utils.data.objects32 import ObjectData
from cs231n_utils.loss_file import load_function
from cs231n_utils.simclr import (
    SCENES_AUGMENTATION,
    draws_of_labels,
    make_model,
    probe_shares,
    read_checkpoint,
    save_checkpoint,
    train_from_scratch,
    train_simclr,
)

SOLUTION = Path(__file__).parents[1] / "solutions" / "a7_simclr" / "simclr.ipynb"
TRIALS = (
    *({"steps": steps, "learning_rate": 1e-2} for steps in (300, 600, 1200)),
    *({"steps": 600, "learning_rate": rate} for rate in (3e-3, 3e-2)),
    {"steps": 600, "learning_rate": 1e-2, "weight_decay": 0.1},
    {"steps": 600, "learning_rate": 1e-2, "augment": SCENES_AUGMENTATION},
)


def main() -> None:
    """Print a table with a row for each seed, or for each trial."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--steps", type=int, default=6000, help="minibatches of 128, SimCLR")
    parser.add_argument("--labels", type=int, default=1, help="of each class")
    parser.add_argument("--draws", type=int, default=5, help="of the labelled pictures, per seed")
    parser.add_argument(
        "--keep", type=Path, help="folder for SimCLR's networks, to train them once"
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--tune", action="store_true", help="try the training from scratch")
    options = parser.parse_args()
    torch.set_num_threads(1)

    data = load_object_images("scenes", num_train=8192, num_test=2000)
    print(
        f"{len(data.train)} pictures without labels, {options.labels} labelled of each class, "
        f"means over {options.draws} draws of the labelled\n"
    )
    if options.tune:
        tune(data, options)
    else:
        compare(data, options)


def compare(data: ObjectData, options: argparse.Namespace) -> None:
    """Print what both are worth, seed by seed."""
    print("| seed | random features | SimCLR | from scratch | better by | CPU seconds |")
    print("|---" * 6 + "|", flush=True)
    loss = load_function(SOLUTION, "simclr_loss_vectorized")
    gains = []
    for seed in options.seeds:
        draws = draws_of_labels(data.train.labels, options.labels, options.draws, seed=seed)
        model = make_model(seed=seed)
        random = probe(model, data, draws)
        kept = options.keep and options.keep / f"simclr_{seed}_{options.steps}.safetensors"
        busy = float("nan")
        if kept and kept.exists():
            model.load_state_dict(read_checkpoint(kept))
        else:
            start = time.process_time()
            train_simclr(
                model, data.train.images, loss, steps=options.steps, seed=seed, progress=False
            )
            busy = time.process_time() - start
            if kept:
                save_checkpoint(model, kept)
        learned, scratch = probe(model, data, draws), from_scratch(data, draws, seed)
        gains.append(np.mean(learned) - np.mean(scratch))
        shares = " | ".join(f"{100 * np.mean(part):.1f} %" for part in (random, learned, scratch))
        print(f"| {seed} | {shares} | {100 * gains[-1]:.1f} points | {busy:.0f} |", flush=True)
        for name, part in (("SimCLR", learned), ("from scratch", scratch)):
            print(f"  {name}: {', '.join(f'{100 * share:.1f}' for share in part)}", flush=True)
    print(f"\nbetter by {100 * np.mean(gains):.1f} points on average")


def tune(data: ObjectData, options: argparse.Namespace) -> None:
    """Print what the training from scratch reaches with several settings, with the first seed."""
    print("| from scratch | right | CPU seconds a draw |")
    print("|---" * 3 + "|", flush=True)
    seed = options.seeds[0]
    draws = draws_of_labels(data.train.labels, options.labels, options.draws, seed=seed)
    for trial in TRIALS:
        start = time.process_time()
        shares = from_scratch(data, draws, seed, **trial)
        busy = (time.process_time() - start) / len(draws)
        text = ", ".join(
            f"{name} {'as SimCLR' if name == 'augment' else value}" for name, value in trial.items()
        )
        print(f"| {text} | {100 * np.mean(shares):.1f} % | {busy:.0f} |", flush=True)


def probe(model: torch.nn.Module, data: ObjectData, draws: Sequence[np.ndarray]) -> list[float]:
    """Return the share of right answers with each draw's labels."""
    train, test = data.train, data.test
    return probe_shares(model, train.images, train.labels, test.images, test.labels, draws=draws)


def from_scratch(
    data: ObjectData, draws: Sequence[np.ndarray], seed: int, **settings
) -> list[float]:
    """Return the same of networks that are trained with each draw's labels."""
    return [
        train_from_scratch(
            data.train.images[rows],
            data.train.labels[rows],
            data.test.images,
            data.test.labels,
            seed=1000 * seed + draw,
            progress=False,
            **settings,
        )
        for draw, rows in enumerate(draws)
    ]


if __name__ == "__main__":
    main()

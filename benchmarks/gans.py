"""How far the digits of the chapter's three GANs are from real ones, for several seeds.

    python benchmarks/gans.py                    # as in the chapter: about 6 minutes on one core
    python benchmarks/gans.py --data mnist --steps 3000 --dc-steps 3000

The networks and losses are the chapter's own solutions. The distance is that of
`cs231n_utils.digit_features`, of 2000 made up digits from all real ones.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from autograder.course import find_assignment
from autograder.mistakes import run_cells
from cs231n_utils.data.digits import load_digit_images
from cs231n_utils.digit_features import (
    digit_features,
    frechet_distance,
    load_digit_classifier,
)
from cs231n_utils.gan_training import GanRun, train_gan

BATCH_SIZE = 64
NAMES = ("vanilla", "least squares", "DCGAN")


def train(
    name: str, cells: dict, images: np.ndarray, seed: int, steps: int, device: str = "cpu"
) -> GanRun:
    """Train one of the chapter's GANs as the chapter does."""
    if name == "DCGAN":
        players = cells["build_dc_classifier"](BATCH_SIZE), cells["build_dc_generator"]()
    else:
        players = cells["discriminator"](), cells["generator"]()
    prefix = "ls_" if name == "least squares" else ""
    losses = [cells[f"{prefix}{player}_loss"] for player in ("discriminator", "generator")]
    return train_gan(
        cells["gan_step"],
        *players,
        *losses,
        cells["get_optimizer"],
        images,
        steps=steps,
        batch_size=BATCH_SIZE,
        seed=seed,
        initialize=cells["initialize_weights"] if name == "DCGAN" else None,
        device=device,
        progress=False,
    )


def main() -> None:
    """Train every GAN with every seed and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", choices=("digits", "mnist"), default="digits")
    parser.add_argument("--models", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=1200, help="of the first two")
    parser.add_argument("--dc-steps", type=int, default=200, help="of the DCGAN")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()

    cells = run_cells(find_assignment("a6_gans").solution_cells())
    images = load_digit_images(options.data).images
    classifier = load_digit_classifier()
    real = digit_features(classifier, images)
    half = np.random.default_rng(0).permutation(len(real))
    floor = frechet_distance(real[half[::2]], real[half[1::2]])
    print(f"one half of the {len(real)} real digits from the other: {floor:.1f}\n")
    seeds = " | ".join(f"seed {seed}" for seed in options.seeds)
    print(f"| GAN | steps | {seeds} | mean | seconds of one core |")
    print("|---" * (len(options.seeds) + 4) + "|", flush=True)
    for name in options.models:
        steps = options.dc_steps if name == "DCGAN" else options.steps
        distances, seconds = [], []
        for seed in options.seeds:
            start = time.process_time()
            run = train(name, cells, images, seed, steps, options.device)
            seconds.append(time.process_time() - start)
            made_up = digit_features(classifier, run.images(2000))
            distances.append(frechet_distance(made_up, real))
            print(f"  {name}, seed {seed}: {distances[-1]:.1f}", flush=True)
        row = " | ".join(f"{distance:.0f}" for distance in distances)
        mean, spent = np.mean(distances), np.mean(seconds)
        print(f"| {name} | {steps} | {row} | {mean:.0f} | {spent:.0f} |", flush=True)


if __name__ == "__main__":
    main()

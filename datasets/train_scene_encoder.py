"""Train the network that gives the scenes their features, and write its weights.

    python datasets/train_scene_encoder.py            # 6 to 8 minutes on two free CPU cores

Every batch is drawn afresh, so there is no training set to memorise. The network is taught three
things at once: to point at the first, second and third object from the left; to say what is in a
cell that holds an object; and to say, from the final features alone, what each object and the
background are.
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
from tqdm import tqdm

from cs231n_utils.data.scene_network import ATTRIBUTES, FEATURE_DIM, GRID, PCA_DIM, SceneNetwork
from cs231n_utils.data.scene_render import render_scenes
from cs231n_utils.data.scenes import IMAGE_SIZE, MAX_OBJECTS, Scenes, sample_scenes
from cs231n_utils.encoder import WEIGHTS, to_tensor

POOL = 8192  # scenes rendered at once
TRAIN_SEED = 231_000  # pool p is drawn with seed TRAIN_SEED + p; students use small seeds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pools", type=int, default=20, help=f"pools of {POOL} scenes to train on")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    options = parser.parse_args()
    start = time.perf_counter()
    torch.manual_seed(options.seed)
    network = SceneNetwork()
    train(network, options.pools, options.batch_size, options.learning_rate)
    find_components(network, sample_scenes(POOL, seed=TRAIN_SEED, split="val"))
    network = as_stored(network)
    card = {
        "script": "datasets/train_scene_encoder.py",
        "seed": options.seed,
        "images": options.pools * POOL,
        "batch_size": options.batch_size,
        "learning_rate": options.learning_rate,
        "minutes": round((time.perf_counter() - start) / 60, 1),
        "torch": torch.__version__,
        "accuracy": accuracy(network, sample_scenes(4000, seed=TRAIN_SEED, split="test")),
    }
    print(json.dumps(card, indent=2))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    save_file(stored(network), options.out, metadata={"card": json.dumps(card)})


def train(network: SceneNetwork, pools: int, batch_size: int, learning_rate: float) -> None:
    """Train on `pools` pools of fresh scenes, each seen once."""
    steps = pools * (POOL // batch_size)
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=learning_rate, total_steps=steps, pct_start=0.15
    )
    network.train()
    with tqdm(total=steps, unit="batch", mininterval=5) as progress:
        for pool in range(pools):
            scenes = sample_scenes(POOL, seed=TRAIN_SEED + pool)
            images = render_scenes(scenes)
            for first in range(0, POOL - batch_size + 1, batch_size):
                rows = slice(first, first + batch_size)
                loss = lesson(network, to_tensor(images[rows]), targets_of(scenes.take(rows)))
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
                optimizer.step()
                schedule.step()
                progress.update()
            progress.set_postfix(loss=f"{loss.item():.3f}")


def targets_of(scenes: Scenes) -> dict[str, torch.Tensor]:
    """Return what the network should say of scenes; -1 where there is no object."""
    present = np.arange(MAX_OBJECTS) < scenes.count[:, None]
    centre = np.stack([scenes.x, scenes.y], axis=-1)
    cell = np.minimum(centre // (IMAGE_SIZE // GRID), GRID - 1).astype(np.int64)
    targets = {name: getattr(scenes, name).astype(np.int64) for name in ATTRIBUTES}
    targets |= {
        "cell": np.where(present, cell[..., 1] * GRID + cell[..., 0], GRID * GRID),
        "centre": (centre / (IMAGE_SIZE / 2) - 1).astype(np.float32),
        "present": present,
        "background": scenes.background.astype(np.int64),
    }
    return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in targets.items()}


def lesson(network: SceneNetwork, images: torch.Tensor, targets: dict) -> torch.Tensor:
    """Return the loss of one batch: pointing, naming what a cell holds, reading the features."""
    features, seen, scores = network(images)
    pointing = functional.cross_entropy(scores.flatten(0, 1), targets["cell"].flatten())
    # Naming from the true cell teaches the convolutions before the pointers can point.
    cell = targets["cell"].clamp(max=GRID * GRID - 1)[..., None].expand(-1, -1, seen.shape[-1])
    told = seen.gather(1, cell)
    naming = _reading_loss(
        {name: head(told) for name, head in network.heads.items()}
        | {"centre": network.centre(told)},
        targets,
    )
    read = network.read(features)
    background = functional.cross_entropy(read.pop("background"), targets["background"])
    return pointing + naming + _reading_loss(read, targets) + background


def _reading_loss(read: dict[str, torch.Tensor], targets: dict) -> torch.Tensor:
    loss = sum(
        functional.cross_entropy(read[name].flatten(0, 1), targets[name].flatten(), ignore_index=-1)
        for name in ATTRIBUTES
    )
    present = targets["present"]
    return loss + 5 * functional.mse_loss(read["centre"][present], targets["centre"][present])


@torch.inference_mode()
def find_components(network: SceneNetwork, scenes: Scenes) -> None:
    """Set the network's principal components, scaled to a variance of 1 on average."""
    network.eval()
    images = render_scenes(scenes)
    features = torch.cat([network(to_tensor(part))[0] for part in np.array_split(images, 32)])
    mean = features.double().mean(0)
    covariance = torch.cov((features.double() - mean).T)
    values, vectors = torch.linalg.eigh(covariance)
    values, vectors = values.flip(0)[:PCA_DIM], vectors.flip(1)[:, :PCA_DIM]
    # The sign of an eigenvector is arbitrary: make its largest entry positive.
    largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
    assert features.shape[1] == FEATURE_DIM
    network.pca_mean.copy_(mean.float())
    network.pca_components.copy_((vectors * largest.sign() / values.mean().sqrt()).float())


@torch.inference_mode()
def accuracy(network: SceneNetwork, scenes: Scenes) -> dict[str, float]:
    """Return the share of right answers for each attribute, read linearly from the features."""
    network.eval()
    images = render_scenes(scenes)
    right: dict[str, list[torch.Tensor]] = {}
    for rows in np.array_split(np.arange(len(scenes)), max(1, len(scenes) // 250)):
        targets = targets_of(scenes.take(rows))
        features, _, scores = network(to_tensor(images[rows]))
        read, present = network.read(features), targets["present"]
        found = scores.argmax(-1) < GRID * GRID
        answers = {
            "count": (found == present).all(1),
            "background": read["background"].argmax(-1) == targets["background"],
        }
        for name in ATTRIBUTES:
            answers[name] = (read[name].argmax(-1) == targets[name])[present]
        for name, answer in answers.items():
            right.setdefault(name, []).append(answer)
    return {
        name: round(torch.cat(answers).float().mean().item(), 4) for name, answers in right.items()
    }


def stored(network: SceneNetwork) -> dict[str, torch.Tensor]:
    """Return the weights as they are stored: large ones in half precision."""
    return {
        name: (w.half() if w.is_floating_point() and w.numel() > 1000 else w).contiguous()
        for name, w in network.state_dict().items()
    }


def as_stored(network: SceneNetwork) -> SceneNetwork:
    """Return the network that a student will load, to measure that one."""
    copy = SceneNetwork()
    copy.load_state_dict(stored(network))
    return copy.eval()


if __name__ == "__main__":
    main()

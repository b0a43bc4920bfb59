"""SimCLR's training, and one from scratch; networks: simclr_models.py, linear probe: probe.py.

The loss is the student's: `train_simclr` calls loss(out_left, out_right, temperature).
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from cs231n_utils.augment import Augmentation, to_floats
from cs231n_utils.probe import (
    LABELS_PER_CLASS,
    draws_of_labels,
    encode,
    few_labels,
    linear_probe,
    mean_probe,
    probe_shares,
    torch_threads,
)
from cs231n_utils.simclr_models import (
    ENCODERS,
    HEADS,
    SimCLRModel,
    count_features,
    load_trained,
    make_model,
    read_checkpoint,
    resnet18_encoder,
    save_checkpoint,
    small_encoder,
)
from cs231n_utils.solver import LossNotFinite
from cs231n_utils.torch_training import schedule

__all__ = [
    "ENCODERS",
    "HEADS",
    "LABELS_PER_CLASS",
    "SCENES_AUGMENTATION",
    "SCRATCH_AUGMENTATION",
    "TRAINING",
    "SimCLRModel",
    "count_features",
    "draws_of_labels",
    "encode",
    "few_labels",
    "linear_probe",
    "load_trained",
    "make_model",
    "mean_probe",
    "on_device",
    "probe_shares",
    "read_checkpoint",
    "resnet18_encoder",
    "save_checkpoint",
    "small_encoder",
    "train_from_scratch",
    "train_simclr",
]

Loss = Callable[[torch.Tensor, torch.Tensor, float], torch.Tensor]

# What the chapter's runs have in common. In the painted scenes no colour means anything, so colours
# change more than in photographs; every picture shows four things of a kind, so a view of a quarter
# of it, 16 pixels wide, shows one in all its detail.
SCENES_AUGMENTATION = Augmentation(size=16, scale=(0.2, 1.0), jitter=(0.4, 0.4, 0.4, 0.5), grey=0.5)
# A training with labels does better with larger parts at their own size (75 to 71 % with one label
# of each kind, benchmarks/simclr_probe.py): it need not find what two crops have in common.
SCRATCH_AUGMENTATION = replace(SCENES_AUGMENTATION, size=32, scale=(0.3, 1.0))
TRAINING = {"temperature": 0.5, "batch_size": 128, "learning_rate": 5e-3, "weight_decay": 1e-4}


def train_simclr(
    model: nn.Module,
    images: np.ndarray,
    loss: Loss,
    *,
    steps: int | None = None,
    epochs: int | None = None,
    temperature: float = TRAINING["temperature"],
    batch_size: int = TRAINING["batch_size"],
    learning_rate: float = TRAINING["learning_rate"],
    weight_decay: float = TRAINING["weight_decay"],
    augment: Augmentation = SCENES_AUGMENTATION,
    seed: int = 0,
    device: str | torch.device = "cpu",
    threads: int | None = 1,
    progress: bool = True,
    description: str = "SimCLR",
) -> list[float]:
    """Train a model on pictures without labels, in place; return the loss of every minibatch.

    Every minibatch's pictures are changed at random twice, and the two halves go through the model
    together. The learning rate rises at first and then falls along half a cosine; AdamW.

    Arguments:
        model: returns (features, projections), as SimCLRModel does; stays on `device`.
        images: uint8 (N, 32, 32, 3).
        loss: loss(out_left, out_right, temperature), each out (batch_size, out_dim). A loss with
            a parameter called device is told the device as well.
        steps, epochs: how long to train: give one of the two.
        augment: the changes.
        seed: of the order of the pictures and their changes.
        threads: of a training on the CPU; None: as many as PyTorch likes.

    Raises:
        LossNotFinite: when the loss of a minibatch is NaN or infinite.
        ValueError: when not exactly one of steps and epochs is given, or there are fewer pictures
            than batch_size.
    """
    if (steps is None) == (epochs is None):
        raise ValueError(f"give either steps or epochs. Got steps={steps}, epochs={epochs}")
    if batch_size > len(images):
        raise ValueError(f"batch_size must be at most {len(images)}, all. Got {batch_size}")
    steps = steps if epochs is None else epochs * (len(images) // batch_size)
    model.to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.0, weight_decay=weight_decay)
    generator = torch.Generator().manual_seed(seed)
    loss = on_device(loss, device)
    history: list[float] = []
    bar = _bar(steps, description, progress)
    with bar, torch_threads(device, threads):
        for pictures, _ in _batches(images, None, batch_size, steps, generator, device):
            views = augment(torch.cat([pictures, pictures]), generator)
            model.train()
            projections = model(views.contiguous(memory_format=torch.channels_last))[1]
            lost = loss(projections[:batch_size], projections[batch_size:], temperature)
            rate = learning_rate * schedule(len(history) / steps)
            history.append(_move(optimizer, lost, rate, len(history)))
            bar.set_postfix_str(f"loss {history[-1]:.3f}", refresh=False)
            bar.update()
    model.eval()
    return history


def on_device(loss: Loss, device: str | torch.device) -> Loss:
    """Return the loss as a function of three arguments: a parameter called device gets `device`."""
    try:
        wanted = "device" in inspect.signature(loss).parameters
    except (ValueError, TypeError):  # a callable that does not say what it takes
        return loss
    return functools.partial(loss, device=device) if wanted else loss


def train_from_scratch(
    images: np.ndarray,
    labels: np.ndarray,
    images_test: np.ndarray,
    labels_test: np.ndarray,
    *,
    encoder: nn.Module | None = None,
    steps: int = 600,
    batch_size: int = 64,
    learning_rate: float = 1e-2,
    weight_decay: float = 1e-2,
    augment: Augmentation = SCRATCH_AUGMENTATION,
    seed: int = 0,
    device: str | torch.device = "cpu",
    threads: int | None = 1,
    progress: bool = True,
) -> float:
    """Train an encoder and a linear layer on labelled pictures; return the share of right answers.

    What SimCLR is compared with: the same encoder, the same few labels, and pictures that are
    changed at random as well. Arguments as in `train_simclr`; labels: integers from 0. Of fewer
    pictures than batch_size, a minibatch holds several views each.
    """
    images, labels = (
        np.resize(part, (max(len(part), batch_size), *part.shape[1:])) for part in (images, labels)
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = small_encoder() if encoder is None else encoder
        head = nn.Linear(count_features(encoder), int(max(labels)) + 1)
    model = nn.Sequential(encoder, head).to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.0, weight_decay=weight_decay)
    generator = torch.Generator().manual_seed(seed)
    bar = _bar(steps, "from scratch", progress)
    with bar, torch_threads(device, threads):
        batches = _batches(images, labels, batch_size, steps, generator, device)
        for step, (pictures, answers) in enumerate(batches):
            changed = augment(pictures, generator).contiguous(memory_format=torch.channels_last)
            model.train()
            lost = F.cross_entropy(model(changed), answers)
            seen = _move(optimizer, lost, learning_rate * schedule(step / steps), step)
            bar.set_postfix_str(f"loss {seen:.3f}", refresh=False)
            bar.update()
    return float(np.mean(encode(model, images_test).argmax(axis=1) == labels_test))


def _batches(
    images: np.ndarray,
    labels: np.ndarray | None,
    size: int,
    steps: int,
    generator: torch.Generator,
    device: str | torch.device,
) -> Iterator[tuple[torch.Tensor, torch.Tensor | None]]:
    """Yield `steps` minibatches of pictures (size, 3, H, W); each once before any twice."""
    images = torch.as_tensor(images)
    answers = None if labels is None else torch.as_tensor(labels, dtype=torch.long)
    done = 0
    while True:
        order = torch.randperm(len(images), generator=generator)
        for rows in order[: len(images) // size * size].split(size):
            if done == steps:
                return
            done += 1
            yield (
                to_floats(images[rows], device),
                None if labels is None else answers[rows].to(device),
            )


def _move(optimizer: torch.optim.Optimizer, loss: torch.Tensor, rate: float, step: int) -> float:
    """Move every parameter once; return the loss."""
    if not torch.isfinite(loss).all():
        raise LossNotFinite(f"the loss must stay finite. Got {loss.item()} in minibatch {step + 1}")
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    return loss.item()


def _bar(steps: int, description: str, progress: bool) -> tqdm:
    # On stdout: Jupyter paints stderr red.
    options = {"file": sys.stdout, "mininterval": 0.5, "ncols": 90}
    return tqdm(total=steps, desc=description, disable=not progress, **options)

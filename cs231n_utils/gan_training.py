"""Training of the GANs: minibatches, a seed, pictures as it goes, and what is needed for speed.

What one step does is the notebook's own `gan_step`.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

# The first optimizer of a process imports this: it takes a second or more, and on a busy computer
# longer than a call may take while grading. So it comes here, with the notebook's other imports.
import torch._dynamo
from torch import nn
from tqdm import tqdm

from cs231n_utils.gans import NOISE_DIM, deprocess_img, pictures_of

Loss = Callable[..., torch.Tensor]
Step = Callable[..., tuple[float, float]]


@dataclass
class GanRun:
    """One GAN and what was seen while it was trained."""

    name: str
    D: nn.Module
    G: nn.Module
    noise_dim: int
    d_losses: list[float] = field(default_factory=list)
    g_losses: list[float] = field(default_factory=list)
    # After so many steps, images of always the same noise: float32 (N, 784), from 0 to 1.
    snapshots: dict[int, np.ndarray] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def steps(self) -> int:
        """The number of steps so far."""
        return len(self.d_losses)

    def images(self, number: int, seed: int = 0) -> np.ndarray:
        """Return images of fresh noise, float32 (number, 784), from 0 to 1."""
        generator = torch.Generator().manual_seed(seed)
        noise = 2 * torch.rand(number, self.noise_dim, generator=generator) - 1
        return make_images(self.G, noise)


def make_images(G: nn.Module, noise: torch.Tensor, batch_size: int = 100) -> np.ndarray:
    """Return what a generator makes of noise (N, noise_dim): float32 (N, 784), from 0 to 1.

    In evaluation mode, so that an image does not depend on the others of its batch.
    """
    device = next(G.parameters()).device
    before = G.training
    G.eval()
    with torch.no_grad():
        parts = [pictures_of(G, part.to(device)).cpu() for part in noise.split(batch_size)]
    G.train(before)
    return deprocess_img(torch.cat(parts)).numpy()


def train_gan(
    step: Step,
    D: nn.Module,
    G: nn.Module,
    discriminator_loss: Loss,
    generator_loss: Loss,
    get_optimizer: Callable[[nn.Module], torch.optim.Optimizer],
    images: np.ndarray,
    *,
    steps: int,
    name: str = "GAN",
    batch_size: int = 64,
    noise_dim: int = NOISE_DIM,
    seed: int = 0,
    snapshots: int = 5,
    initialize: Callable[[nn.Module], None] | None = None,
    device: str | torch.device = "cpu",
    threads: int | None = 1,
    progress: bool = True,
) -> GanRun:
    """Train a discriminator and a generator against each other; both are changed in place.

    Arguments:
        step: step(real, D, G, D_solver, G_solver, discriminator_loss, generator_loss) trains both
            once on real images (batch_size, 784) from -1 to 1, and returns both losses.
        D, G: the networks. Their parameters are drawn anew, from the seed.
        get_optimizer: makes the optimizer of a network.
        images: real images, float32 (N, 784), from 0 to 1.
        steps: how many minibatches.
        batch_size: images in each; all minibatches are full.
        seed: of the weights, minibatches and noise. PyTorch's own random numbers are left as
            they were.
        snapshots: how many times, on the way, 16 images are kept.
        initialize: called with every layer after its parameters are drawn, such as
            `initialize_weights`.
        threads: of a training on the CPU; see Trainer in torch_training. None: as many as
            PyTorch likes.
        progress: whether to show a progress bar (on stdout).

    Raises:
        ValueError: when there are fewer images than one minibatch needs.
    """
    if len(images) < batch_size:
        raise ValueError(f"there must be at least {batch_size} images. Got {len(images)}")
    kept = {round(steps * (k + 1) / snapshots) for k in range(snapshots)}
    start = time.perf_counter()
    with settings(seed, torch.device(device), threads):
        watched = 2 * torch.rand(16, noise_dim) - 1
        for network in (D, G):
            renew(network.to(device).train(), initialize)
        solvers = [quick(get_optimizer(network)) for network in (D, G)]
        run = GanRun(name, D, G, noise_dim)
        batches = minibatches(torch.as_tensor(images), batch_size)
        bar = tqdm(
            total=steps, desc=name, file=sys.stdout, mininterval=0.5, ncols=90, disable=not progress
        )
        with bar:
            for done in range(1, steps + 1):
                real = next(batches).to(device)
                losses = step(real, D, G, *solvers, discriminator_loss, generator_loss)
                run.d_losses.append(float(losses[0]))
                run.g_losses.append(float(losses[1]))
                bar.set_postfix_str(f"D {losses[0]:.3f}, G {losses[1]:.3f}", refresh=False)
                bar.update()
                if done in kept:
                    run.snapshots[done] = make_images(G, watched)
    run.seconds = time.perf_counter() - start
    return run


def renew(network: nn.Module, initialize: Callable[[nn.Module], None] | None = None) -> nn.Module:
    """Draw every parameter of a network anew, as its layers do; then `initialize` each layer."""
    for layer in network.modules():
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    return network if initialize is None else network.apply(initialize)


def minibatches(images: torch.Tensor, batch_size: int) -> Iterator[torch.Tensor]:
    """Yield real images (batch_size, 784), from -1 to 1, for ever; each once before any twice."""
    while True:
        order = torch.randperm(len(images))
        for first in range(0, len(images) - batch_size + 1, batch_size):
            yield 2 * images[order[first : first + batch_size]] - 1


def quick(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """Let Adam move all parameters in one sweep: the same steps, quicker on a CPU."""
    if isinstance(optimizer, torch.optim.Adam):
        for group in optimizer.param_groups:
            group["fused"], group["foreach"] = True, False
    return optimizer


@contextlib.contextmanager
def settings(seed: int, device: torch.device, threads: int | None) -> Iterator[None]:
    """Set PyTorch's threads and random numbers for a training, and put them back."""
    before = torch.get_num_threads()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        if threads is not None:
            torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)

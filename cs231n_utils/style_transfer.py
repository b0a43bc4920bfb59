"""What style transfer is given: features of all layers, and the loop that paints."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

# Takes a picture, a loss of pictures, an optimizer that holds the picture, and the least and the
# largest value of each channel; changes the picture in place and returns the loss.
Step = Callable[..., float | torch.Tensor]


def extract_features(x: torch.Tensor, cnn: Iterable[nn.Module]) -> list[torch.Tensor]:
    """Return what every layer of a network makes of pictures.

    Arguments:
        x: pictures, shape (N, 3, H, W), as the network wants them.
        cnn: the network's layers, one after another: an nn.Sequential.

    Returns:
        A list as long as the network: feats[i] is what layer i gives, shape (N, C_i, H_i, W_i).
    """
    feats = []
    for layer in cnn:
        x = layer(x)
        feats.append(x)
    return feats


def average_pooling(cnn: Iterable[nn.Module]) -> nn.Sequential:
    """Return the same layers with averages in place of every largest value.

    Gatys and others (2016) found that pictures look better for it: the gradient of an average
    reaches all pixels, that of a largest value one of them.
    """
    layers = []
    for layer in cnn:
        if isinstance(layer, nn.MaxPool2d):
            layer = nn.AvgPool2d(layer.kernel_size, layer.stride, layer.padding, layer.ceil_mode)
        layers.append(layer)
    return nn.Sequential(*layers)


def colour_limits(
    mean: Sequence[float], std: Sequence[float], device: str = "cpu"
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return black and white as the network sees them: low and high, each (1, 3, 1, 1).

    mean, std: with which pictures were normalised, for each channel.
    """
    mean, std = (torch.tensor(v, device=device).view(1, 3, 1, 1) for v in (mean, std))
    return (0 - mean) / std, (1 - mean) / std


class Moves:
    """Moves pictures a few pixels at random, and knows the content picture's features there.

    The network looks at places that lie some pixels apart. A picture that always lies the same way
    under this grid takes on its pattern; one that is moved before every step does not.

    Example:
        moves = Moves(content_img, cnn, content_layer)
        moved, content_target = moves(img)
    """

    def __init__(
        self, content_img: torch.Tensor, cnn: nn.Module, layer: int, reach: int = 4, seed: int = 0
    ) -> None:
        """Arguments:
        content_img: shape (1, 3, H, W). layer: the layer whose features are wanted.
        reach: the largest move, in pixels; 0 for none.
        """
        self._content_img, self._layers = content_img, list(cnn)[: layer + 1]
        self._reach, self._rng = reach, np.random.default_rng(seed)
        self._targets: dict[tuple[int, int], torch.Tensor] = {}

    def __call__(self, img: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the moved picture, and the features of the content picture moved alike."""
        down, right = (int(step) for step in self._rng.integers(0, 2 * self._reach + 1, size=2))
        if (down, right) not in self._targets:
            with torch.no_grad():
                moved = self._move(self._content_img, down, right)
                self._targets[down, right] = extract_features(moved, self._layers)[-1]
        return self._move(img, down, right), self._targets[down, right]

    def _move(self, img: torch.Tensor, down: int, right: int) -> torch.Tensor:
        H, W = img.shape[2:]
        mirrored = nn.functional.pad(img, (self._reach,) * 4, mode="reflect")
        return mirrored[:, :, down : down + H, right : right + W]


class Descent:
    """Gradient descent with momentum on one picture, with an optimizer's two methods.

    The same numbers as torch.optim.SGD, which takes more than a second to load.
    """

    def __init__(self, img: torch.Tensor, learning_rate: float, momentum: float = 0.0) -> None:
        group = {"params": [img], "lr": learning_rate, "momentum": momentum}
        self.param_groups, self._speed = [group], None

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradient."""
        img = self.param_groups[0]["params"][0]
        if set_to_none:
            img.grad = None
        elif img.grad is not None:
            img.grad.detach_().zero_()

    @torch.no_grad()
    def step(self) -> None:
        """Move the picture, if it has a gradient."""
        group = self.param_groups[0]
        img = group["params"][0]
        if img.grad is None:
            return
        slowed = 0 if self._speed is None else group["momentum"] * self._speed
        self._speed = slowed + img.grad
        img.sub_(group["lr"] * self._speed)


def take_steps(
    step: Step,
    img: torch.Tensor,
    loss_fn: Callable[[torch.Tensor], torch.Tensor],
    num_steps: int,
    learning_rate: float,
    low: torch.Tensor,
    high: torch.Tensor,
    momentum: float = 0.0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Take some steps of painting, one call of `step` each.

    Arguments:
        step: called as step(img, loss_fn, optimizer, low, high), with a Descent as optimizer.
        img: where to begin, shape (1, 3, H, W); it is left as it is.

    Returns:
        pictures: the picture after each step, shape (num_steps, 1, 3, H, W).
        losses: what each step returned, shape (num_steps,); not a number where it was None.
    """
    img = img.detach().clone().requires_grad_(True)
    optimizer = Descent(img, learning_rate, momentum)
    pictures, losses = [], []
    for _ in range(num_steps):
        losses.append(_number(step(img, loss_fn, optimizer, low, high)))
        pictures.append(img.detach().clone())
    return torch.stack(pictures), torch.tensor(losses, dtype=torch.float64)


def _number(loss: float | torch.Tensor | None) -> float:
    return math.nan if loss is None else torch.as_tensor(loss).item()


@dataclass
class Painting:
    """What came of painting.

    img: the finished picture, shape (1, 3, H, W). losses: before every step.
    frames: the picture after some of the steps, by number; 0 is what it began with.
    """

    img: torch.Tensor
    losses: list[float] = field(default_factory=list)
    frames: dict[int, torch.Tensor] = field(default_factory=dict)


def paint(
    img: torch.Tensor,
    loss_fn: Callable[[torch.Tensor], torch.Tensor],
    step: Step,
    low: torch.Tensor,
    high: torch.Tensor,
    *,
    num_steps: int = 200,
    learning_rate: float = 0.1,
    keep: Iterable[int] = (),
    show: Callable[[torch.Tensor], np.ndarray] | None = None,
    show_every: int = 10,
    title: str = "painting",
) -> Painting:
    """Paint: move the pixels of `img` until its loss is small.

    The steps are Adam's. Their size stays the same for half of the time and then falls to a
    twentieth along half a cosine, so that the picture comes to rest.

    Arguments:
        img: where to begin, shape (1, 3, H, W); it is left as it is.
        loss_fn: what a picture costs.
        step: called as step(img, loss_fn, optimizer, low, high) for every step.
        low, high: the least and the largest value of each channel, shape (1, 3, 1, 1).
        keep: the numbers of the steps after which the picture is kept, in `frames`.
        show: turns img into uint8 (H, W, 3); with it, the picture is shown as it develops.
        show_every: after how many steps it is shown again.
        title: stands before the progress bar.
    """
    kept = {0, num_steps, *keep}
    done = Painting(img.detach().clone().requires_grad_(True))
    done.frames[0] = img.detach().clone()
    optimizer = torch.optim.Adam([done.img], lr=learning_rate)
    easel = _Easel(show)
    easel.put(done.img)  # before the bar begins: it stays below the picture
    bar = tqdm(range(1, num_steps + 1), desc=title, file=sys.stdout, mininterval=0.5)
    for number in bar:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * _share(number / num_steps)
        done.losses.append(_number(step(done.img, loss_fn, optimizer, low, high)))
        if number in kept:
            done.frames[number] = done.img.detach().clone()
        if number % show_every == 0 or number == num_steps:
            bar.set_postfix_str(f"loss {done.losses[-1]:.4g}", refresh=False)
            easel.put(done.img)
    done.img = done.img.detach()
    return done


def _share(time: float) -> float:
    """Return the share of the learning rate at a time from 0 to 1."""
    late = max(0.0, 2 * time - 1)
    return 0.05 + 0.95 * (1 + math.cos(math.pi * late)) / 2


class _Easel:
    """Shows a picture in a notebook, again and again in the same place."""

    def __init__(self, show: Callable[[torch.Tensor], np.ndarray] | None) -> None:
        self._show = show if _in_notebook() else None
        self._handle = None

    def put(self, img: torch.Tensor) -> None:
        """Show the picture in place of the last one."""
        if self._show is None:
            return
        from IPython.display import display
        from PIL import Image

        picture = Image.fromarray(self._show(img.detach()))
        picture = picture.resize([2 * side for side in picture.size], Image.Resampling.LANCZOS)
        if self._handle is None:
            self._handle = display(picture, display_id=True)
        else:
            self._handle.update(picture)


def _in_notebook() -> bool:
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


def shuffle_places(features: torch.Tensor, seed: int = 0) -> torch.Tensor:
    """Return feature maps (N, C, H, W) with their places in another, random order.

    Whole places move: the C numbers of a place stay together.
    """
    N, C, H, W = features.shape
    order = torch.randperm(H * W, generator=torch.Generator().manual_seed(seed))
    return features.reshape(N, C, H * W)[:, :, order.to(features.device)].reshape(N, C, H, W)

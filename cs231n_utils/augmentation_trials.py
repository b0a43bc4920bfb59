"""Try a random transform many times, and measure how often it does what.

Both `check` and the judge use this. The measures know a picture made by `trial_picture`: its colour
is the same everywhere, and its brightness climbs slowly and falls at once, eight times from left to
right and eight times from top to bottom. So one can tell of each view whether it is mirrored (the
brightness jumps up and sinks slowly), how much of the picture it shows (the number of falls), and
whether its colour was touched, and none of these depends on the others.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

SIZE = 32
# Channel means and standard deviations of CIFAR-10's training pictures, as the handout states them.
MEAN = np.array([0.4914, 0.4822, 0.4465])
STD = np.array([0.2023, 0.1994, 0.2010])

PERIOD = 4  # pixels from one fall of the brightness to the next
COLOUR = np.array([120.0, 84.0, 66.0])  # neither jitter nor waves take it to 0 or 255


def trial_picture() -> np.ndarray:
    """Return the picture that the measures know, (32, 32, 3) of uint8."""
    wave = (np.arange(SIZE) % PERIOD) / (PERIOD - 1) - 0.5  # -0.5 to 0.5, then down again
    brightness = 1 + 0.25 * wave[None, :] + 0.25 * wave[:, None]
    return np.rint(brightness[..., None] * COLOUR).astype(np.uint8)


def try_transform(
    transform: Callable[[Any], Any], picture: np.ndarray, times: int, seed: int
) -> np.ndarray:
    """Apply a transform to a picture, as a PIL image, again and again.

    The seed makes the result repeatable, whatever the transform draws its random numbers from.

    Returns:
        (times, 3, 64): of each view, the means of its 32 columns and then of its 32 rows.

    Raises:
        ValueError: a view is no float tensor of shape (3, 32, 32).
    """
    import torch
    from PIL import Image

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    image = Image.fromarray(picture)
    profiles = np.empty((times, 3, 2 * SIZE), np.float32)
    for trial in range(times):
        view = transform(image)
        if not isinstance(view, torch.Tensor):
            raise ValueError(f"a view must be a tensor. Got {type(view).__name__}")
        if tuple(view.shape) != (3, SIZE, SIZE) or not view.is_floating_point():
            raise ValueError(
                "a view must be a float tensor of shape (3, 32, 32). "
                f"Got {tuple(view.shape)} of {view.dtype}"
            )
        profiles[trial, :, :SIZE] = view.mean(dim=1).numpy()
        profiles[trial, :, SIZE:] = view.mean(dim=2).numpy()
    return profiles


def stated_rate(transform: Any, what: str) -> float:
    """Return the probability that a transform states for "mirrored", "jitter" or "grey".

    It is read from torchvision's own parts, where the transform is made of them; otherwise NaN.
    """
    rates = {"mirrored": [], "jitter": [], "grey": []}
    for part in _parts(transform):
        kind = type(part).__name__
        if kind == "RandomHorizontalFlip":
            rates["mirrored"].append(part.p)
        elif kind == "RandomGrayscale":
            rates["grey"].append(part.p)
        elif kind == "RandomApply":
            inner = {type(each).__name__ for each in _parts(list(part.transforms))}
            if inner == {"ColorJitter"}:
                rates["jitter"].append(part.p)
            elif inner == {"Grayscale"}:
                rates["grey"].append(part.p)
    found = rates[what]
    return float(found[0]) if len(found) == 1 else math.nan


def _parts(transform: Any) -> Iterable[Any]:
    """Yield a transform's parts in their order, through Compose and Sequential."""
    inner = transform if isinstance(transform, list | tuple) else None
    if type(transform).__name__ == "Compose":
        inner = transform.transforms
    elif type(transform).__name__ in ("Sequential", "ModuleList"):
        inner = list(transform)
    if inner is None:
        yield transform
        return
    for part in inner:
        yield from _parts(part)


# ------------------------------------------------------------------ measures of (times, 3, 64)
def mirrored(profiles: np.ndarray) -> float:
    """Return the share of views whose left is right."""
    return float(_falls_backwards(_brightness(profiles)[:, :SIZE]).mean())


def upside_down(profiles: np.ndarray) -> float:
    """Return the share of views whose top is at the bottom."""
    return float(_falls_backwards(_brightness(profiles)[:, SIZE:]).mean())


def waves_across(profiles: np.ndarray) -> float:
    """Return how many falls of the brightness a view shows from left to right, on average."""
    return float(_count_waves(_brightness(profiles)[:, :SIZE]).mean())


def waves_down(profiles: np.ndarray) -> float:
    """Return how many falls of the brightness a view shows from top to bottom, on average."""
    return float(_count_waves(_brightness(profiles)[:, SIZE:]).mean())


def spread_of_waves(profiles: np.ndarray) -> float:
    """Return by how much the number of falls from left to right varies between views."""
    return float(_count_waves(_brightness(profiles)[:, :SIZE]).std())


def grey(profiles: np.ndarray) -> float:
    """Return the share of views without colour."""
    return float(_is_grey(_colours(profiles)).mean())


def untouched(profiles: np.ndarray) -> float:
    """Return the share of the coloured views that have the picture's own colour."""
    colours = _colours(profiles)
    coloured = colours[~_is_grey(colours)]
    if not len(coloured):
        return 0.0
    ratios = coloured / coloured.sum(axis=1, keepdims=True)
    same = np.abs(ratios - COLOUR / COLOUR.sum()).max(axis=1) < 1.5e-3
    # A crop with a few waves more of one side is brighter by 3 % at most.
    as_bright = np.abs(_grey_of(coloured) / _grey_of(COLOUR) - 1) < 0.05
    return float((same & as_bright).mean())


def largest_turn_of_hue(profiles: np.ndarray) -> float:
    """Return the largest change of hue of a coloured view, as a share of the circle of hues."""
    colours = _colours(profiles)
    coloured = colours[~_is_grey(colours)]
    if not len(coloured):
        return 0.0
    turn = np.abs(_hue(coloured) - _hue(COLOUR[None]))
    return float(np.minimum(turn, 1 - turn).max())


def darkest(profiles: np.ndarray) -> float:
    """Return the brightness of the darkest view, as a share of the picture's."""
    return float(_brightness(profiles).mean(axis=1).min() / _grey_of(COLOUR))


def brightest(profiles: np.ndarray) -> float:
    """Return the brightness of the brightest view, as a share of the picture's."""
    return float(_brightness(profiles).mean(axis=1).max() / _grey_of(COLOUR))


MEASURES: dict[str, Callable[[np.ndarray], float]] = {
    measure.__name__: measure
    for measure in (
        mirrored,
        upside_down,
        waves_across,
        waves_down,
        spread_of_waves,
        grey,
        untouched,
        largest_turn_of_hue,
        darkest,
        brightest,
    )
}


def _pixels(profiles: np.ndarray) -> np.ndarray:
    """Undo the normalisation: from 0 to 255 again."""
    return 255 * (np.asarray(profiles, np.float64) * STD[:, None] + MEAN[:, None])


def _colours(profiles: np.ndarray) -> np.ndarray:
    return _pixels(profiles).mean(axis=2)  # (times, 3)


def _brightness(profiles: np.ndarray) -> np.ndarray:
    return _grey_of(_pixels(profiles).transpose(0, 2, 1))  # (times, 64)


def _grey_of(colours: np.ndarray) -> np.ndarray:
    """Return the brightness of colours, (..., 3) -> (...), in the weights that PIL uses."""
    return colours @ np.array([0.299, 0.587, 0.114])


def _is_grey(colours: np.ndarray) -> np.ndarray:
    return np.ptp(colours, axis=1) < 0.5  # of 255: less than rounding leaves


def _hue(colours: np.ndarray) -> np.ndarray:
    r, g, b = colours.T
    return np.arctan2(np.sqrt(3) * (g - b), 2 * r - g - b) / (2 * np.pi) % 1


def _steps(profile: np.ndarray) -> np.ndarray:
    """Return the steps between neighbours in units of the largest, (times, 31)."""
    steps = np.diff(profile, axis=1)
    return steps / np.maximum(np.abs(steps).max(axis=1, keepdims=True), 1e-6)


def _falls_backwards(profile: np.ndarray) -> np.ndarray:
    """Say of each view whether its brightness jumps up and sinks slowly."""
    steps = _steps(profile)
    return (steps**3).sum(axis=1) > 0  # the cubes let the few large steps decide


def _count_waves(profile: np.ndarray) -> np.ndarray:
    """Count the jumps of each view: runs of steps against the slow climb."""
    steps = _steps(profile) * np.where(_falls_backwards(profile), -1, 1)[:, None]
    jump = steps < -0.3
    return jump[:, 0] + (jump[:, 1:] & ~jump[:, :-1]).sum(axis=1)

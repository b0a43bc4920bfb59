"""Small pictures of ten kinds of things, 32 x 32 pixels, to learn from without their labels.

`load_object_images("scenes")` paints them on the spot: four boats, four cars, four cats ... before
a photograph, each with a place, a size, a tilt, proportions and colours of its own. Two crops of a
picture often show two things of one kind, and that is what there is to learn without a label.
Colours are drawn without a look at the class, so a network has to see the shape.
`load_object_images("cifar10")` loads CIFAR-10.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from cs231n_utils.data.object_shapes import STRETCH, SURFACES, THINGS, WOBBLES
from cs231n_utils.data.photographs import PHOTOGRAPHS, load_photograph

SIZE = 32
CLASS_NAMES = tuple(THINGS)
BLOCK = 256  # pictures painted at once, from one random stream
WINDOW = 18  # side of the square that one of the four things is painted in
CORNERS = ((0, 0), (0, SIZE - WINDOW), (SIZE - WINDOW, 0), (SIZE - WINDOW, SIZE - WINDOW))
RADIUS = (6.0, 8.0)  # pixels
SHIFT = 1.5  # pixels, how far a thing may lie from the middle of its window
TILT = 0.3  # radians, to either side
SHRINK = (2, 1)  # backgrounds are windows of a photograph at half and at full size
NOISE = 4.0  # grey levels
THING, GROUND = (150, 240), (20, 90)  # brightness, grey levels
LIGHT = (0.4, 1.1)  # on the whole picture; without it, how much is bright would tell the kind
RELIEF = 0.5  # how much darker than the rest the lines of a surface are


@dataclass(frozen=True)
class ObjectSplit:
    """Pictures with labels: images uint8 (N, 32, 32, 3), labels int64 (N,), class_names."""

    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class ObjectData:
    """Pictures for training and for testing."""

    train: ObjectSplit
    test: ObjectSplit


def load_object_images(
    name: str = "scenes",
    *,
    num_train: int | None = None,
    num_test: int | None = None,
    seed: int = 0,
    root: str | Path | None = None,
) -> ObjectData:
    """Load pictures of ten classes by name.

    name: "scenes" (painted on the spot, no download) or "cifar10" (downloaded once, 170 MB).
    num_train, num_test: how many pictures; None takes 10,000 and 2,000 scenes, or all of CIFAR-10.
    seed: which scenes are painted, or which of CIFAR-10's pictures are taken.
    root: where downloads are kept; see `data_folder`.
    Raises UnknownDataset for another name.
    """
    from cs231n_utils.data.captions import UnknownDataset

    for wanted, number in (("num_train", num_train), ("num_test", num_test)):
        if number is not None and number < 1:
            raise ValueError(f"{wanted} must be 1 or more. Got {number}")
    if name == "scenes":
        return load_objects(num_train or 10_000, num_test or 2_000, seed)
    if name == "cifar10":
        from cs231n_utils.data.cifar10 import load_cifar10

        return load_cifar10(root, num_train=num_train, num_test=num_test, seed=seed)
    raise UnknownDataset(f'The name of a dataset must be "scenes" or "cifar10". Got {name!r}')


def load_objects(num_train: int = 10_000, num_test: int = 2_000, seed: int = 0) -> ObjectData:
    """Paint pictures; the same ones for the same seed, a small set the beginning of a large one."""
    return ObjectData(_paint_split(num_train, seed, 0), _paint_split(num_test, seed, 1))


def _paint_split(num: int, seed: int, split: int) -> ObjectSplit:
    """Paint `num` pictures of one split, block by block, on all cores."""
    if num < 1 or seed < 0:
        raise ValueError(
            f"a number of pictures must be 1 or more, a seed 0 or more. Got {num} and {seed}"
        )
    _backgrounds()  # once, before the threads begin

    def paint(block: int) -> tuple[np.ndarray, np.ndarray]:
        return paint_block(np.random.default_rng([seed, split, block]))

    # NumPy lets other threads run while it computes; no two blocks share anything.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:
        images, labels = zip(*threads.map(paint, range(-(-num // BLOCK))), strict=True)
    return ObjectSplit(np.concatenate(images)[:num], np.concatenate(labels)[:num], CLASS_NAMES)


def paint_block(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Paint BLOCK pictures: uint8 (BLOCK, 32, 32, 3), and what is on them, int64 (BLOCK,)."""
    labels = rng.integers(len(THINGS), size=BLOCK)
    # One plane for each colour (3, n, 32, 32): NumPy is slow where the last axis has length 3.
    canvas = _paint_backgrounds(rng)
    for top, left in CORNERS:
        _paint_things(canvas[:, :, top : top + WINDOW, left : left + WINDOW], labels, rng)
    canvas *= rng.uniform(*LIGHT, size=(BLOCK, 1, 1)).astype(np.float32)
    canvas += NOISE * rng.standard_normal(canvas.shape, dtype=np.float32)
    images = np.clip(canvas, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(images.transpose(1, 2, 3, 0)), labels


def _paint_things(canvas: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> None:
    """Paint one thing into every window of the canvas, (3, BLOCK, WINDOW, WINDOW), in place."""
    x, y, radius = _place_things(rng, np.array(list(STRETCH.values()))[labels])
    wobble = rng.uniform(-1, 1, size=(WOBBLES, BLOCK, 1, 1)).astype(np.float32)
    colours = _draw_colours(rng, 3, *THING)
    for label, (name, thing) in enumerate(THINGS.items()):
        rows = np.flatnonzero(labels == label)
        shade = 1 + RELIEF * (0.5 - SURFACES[name](x[rows], y[rows]))
        for distance, paint in thing(x[rows], y[rows], wobble[:, rows]):
            cover = np.clip(0.5 - distance * radius[rows], 0, 1)
            for plane, colour in zip(canvas, colours[paint], strict=True):
                seen = colour[rows] * shade if paint == 0 else colour[rows]
                plane[rows] += cover * (seen - plane[rows])


def _draw_colours(rng: np.random.Generator, num: int, low: float, high: float) -> np.ndarray:
    """Draw any colours, (num, 3, BLOCK, 1, 1): hue, greyness and brightness know no class."""
    hue = rng.uniform(0, 2 * np.pi, size=(num, 1, BLOCK))
    angle = hue + np.array([0, 2, 4])[:, None] * np.pi / 3
    strength = rng.uniform(0, 0.5, size=(num, 1, BLOCK))
    brightness = rng.uniform(low, high, size=(num, 1, BLOCK))
    colours = brightness * (1 + strength * np.cos(angle))
    return np.clip(colours, 0, 255).astype(np.float32)[..., None, None]


def _place_things(
    rng: np.random.Generator, stretch: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw sizes, places and tilts. Returns each pixel as its thing sees it, and the radius."""
    each = (BLOCK, 1, 1)
    radius = rng.uniform(*RADIUS, size=each) * stretch[:, None, None]
    across, down = (WINDOW / 2 + rng.uniform(-SHIFT, SHIFT, size=each) for _ in range(2))
    tilt = rng.uniform(-TILT, TILT, size=each)
    mirror = rng.choice([-1.0, 1.0], size=each)
    pixel = np.arange(WINDOW) + 0.5
    u, v = (pixel - across) / radius, (pixel[:, None] - down) / radius
    x = mirror * (np.cos(tilt) * u + np.sin(tilt) * v)
    y = np.cos(tilt) * v - np.sin(tilt) * u
    return x.astype(np.float32), y.astype(np.float32), radius.astype(np.float32)


def _paint_backgrounds(rng: np.random.Generator) -> np.ndarray:
    """Paint a window of a photograph behind every picture, in colours of its own."""
    kinds = _backgrounds()
    kind = rng.integers(len(kinds), size=BLOCK)
    corner = rng.random((2, BLOCK))
    grey = np.empty((BLOCK, SIZE, SIZE), dtype=np.float32)
    for index in np.unique(kind):
        rows = np.flatnonzero(kind == index)
        windows = np.lib.stride_tricks.sliding_window_view(kinds[index], (SIZE, SIZE))
        down, across = (
            (part[rows] * room).astype(int)
            for part, room in zip(corner, windows.shape[:2], strict=True)
        )
        grey[rows] = windows[down, across]
    mirrored = rng.random(BLOCK) < 0.5
    grey[mirrored] = grey[mirrored, :, ::-1]
    dark, bright = _draw_colours(rng, 2, *GROUND)
    return dark + grey * (bright - dark)


@cache
def _backgrounds() -> tuple[np.ndarray, ...]:
    """Return the photographs' brightness, 0 to 1, each at every size of SHRINK."""
    found = []
    for index in range(len(PHOTOGRAPHS)):
        grey = load_photograph(index) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
        low, high = np.quantile(grey, (0.02, 0.98))
        grey = np.clip((grey - low) / (high - low), 0, 1)
        for times in SHRINK:
            tall, wide = (side // times for side in grey.shape)
            small = grey[: tall * times, : wide * times].reshape(tall, times, wide, times)
            found.append(np.ascontiguousarray(small.mean(axis=(1, 3))))
    return tuple(found)

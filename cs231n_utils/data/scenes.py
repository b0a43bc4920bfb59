"""Little scenes: one to three shapes on a plain, fading or photographic background, from a seed.

A scene is a row of numbers (`Scenes`); `render_scenes` (scene_render.py) paints it and
`describe_scenes` (scene_sentences.py) writes captions that are true of it. Scene number i depends
on the seed, the split and i only: a small set is the beginning of a large one.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from cs231n_utils.data.photographs import PHOTOGRAPHS
from cs231n_utils.data.scene_shapes import SHAPES, TEXTURES

IMAGE_SIZE = 64
MAX_OBJECTS = 3
BLOCK = 1024  # scenes drawn from one random stream
SPLITS = {"train": 0, "val": 1, "test": 2}

SHAPE_NAMES = tuple(SHAPES)
TEXTURE_NAMES = tuple(TEXTURES)
SIZE_NAMES = ("small", "large")
RADII = ((7.0, 8.5), (12.0, 14.5))  # pixels: no object lies between small and large
COLOURS = {
    "red": (214, 38, 38),
    "orange": (244, 134, 20),
    "yellow": (246, 214, 48),
    "green": (44, 156, 62),
    "blue": (36, 92, 214),
    "purple": (124, 52, 170),
    "pink": (244, 132, 182),
    "brown": (122, 74, 36),
    "white": (246, 246, 246),
    "black": (24, 24, 26),
}
COLOUR_NAMES = tuple(COLOURS)
GROUNDS = {
    "white": (232, 232, 230),
    "grey": (134, 136, 140),
    "black": (44, 44, 48),
    "blue": (132, 172, 222),
    "green": (146, 196, 150),
    "pink": (238, 188, 200),
    "yellow": (240, 226, 156),
}
GROUND_NAMES = tuple(GROUNDS)
# A background is one number: plain grounds, then fading grounds, then photographs.
FIRST_FADING = len(GROUNDS)
FIRST_PHOTOGRAPH = 2 * len(GROUNDS)
NUM_BACKGROUNDS = FIRST_PHOTOGRAPH + len(PHOTOGRAPHS)
ROOM = 1.5  # pixels between the image's edge and an object
GAP = 2.0  # pixels between two objects
STEP_ASIDE = 4.0  # pixels: no two objects share a column, so "from left to right" is never a tie


@dataclass(frozen=True)
class Scenes:
    """N scenes as arrays. Objects are ordered from left to right; places past `count` hold -1 or 0.

    count (N,): objects in the scene, 1 to 3.
    shape, colour, size, texture (N, 3) int8: places in SHAPE_NAMES, COLOUR_NAMES, ...
    x, y, radius (N, 3) float32: centre and radius in pixels, y downwards. angle (N, 3): radians.
    tint (N, 3, 3) float32: how far each object's colour is from the named one, in grey levels.
    background (N,) int16. place (N, 2) float32: which window of a photograph, 0 to 1.
    mirrored (N,) bool. fade (N,) float32: direction of a fading background, radians.
    """

    count: np.ndarray
    shape: np.ndarray
    colour: np.ndarray
    size: np.ndarray
    texture: np.ndarray
    x: np.ndarray
    y: np.ndarray
    radius: np.ndarray
    angle: np.ndarray
    tint: np.ndarray
    background: np.ndarray
    place: np.ndarray
    mirrored: np.ndarray
    fade: np.ndarray

    def __len__(self) -> int:
        return len(self.count)

    def take(self, rows: np.ndarray | slice) -> Scenes:
        """Return the scenes at `rows`."""
        return Scenes(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def sample_scenes(num: int, *, seed: int = 0, split: str = "train") -> Scenes:
    """Draw `num` scenes. Scene i depends on (seed, split, i) only.

    Raises ValueError for a negative number or seed, or an unknown split.
    """
    if num < 0:
        raise ValueError(f"num must be 0 or more. Got {num}")
    if seed < 0:
        raise ValueError(f"seed must be 0 or more. Got {seed}")
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}. Got {split!r}")
    blocks = [
        _sample_block(np.random.default_rng([seed, SPLITS[split], block]))
        for block in range(max(1, -(-num // BLOCK)))
    ]
    joined = {
        field.name: np.concatenate([getattr(block, field.name) for block in blocks])
        for field in fields(Scenes)
    }
    return Scenes(**joined).take(slice(num))


def _sample_block(rng: np.random.Generator) -> Scenes:
    each = (BLOCK, MAX_OBJECTS)
    count = rng.choice([1, 2, 3], size=BLOCK, p=[0.35, 0.4, 0.25])
    shape = rng.integers(len(SHAPES), size=each)
    colour = rng.integers(len(COLOURS), size=each)
    texture = rng.choice(len(TEXTURES), size=each, p=[0.4, 0.2, 0.2, 0.2])
    size = rng.integers(2, size=each)
    # Three large objects leave no room to choose from.
    size[count == 3, 2] = 0
    # "Two circles" and "two red shapes" should not be rare.
    twins = rng.random((2, BLOCK, 1)) < 0.25
    shape[:, 1:2] = np.where(twins[0], shape[:, :1], shape[:, 1:2])
    colour[:, 1:2] = np.where(twins[1], colour[:, :1], colour[:, 1:2])

    kind = rng.choice(3, size=BLOCK, p=[0.35, 0.2, 0.45])
    ground = rng.integers(len(GROUNDS), size=BLOCK)
    photograph = FIRST_PHOTOGRAPH + rng.integers(len(PHOTOGRAPHS), size=BLOCK)
    background = np.choose(kind, [ground, FIRST_FADING + ground, photograph])
    # An object must not have the colour of the ground that it lies on: take the next colour.
    ground_colour = np.array([_colour_place(name) for name in GROUND_NAMES])[ground]
    hidden = (kind < 2)[:, None] & (colour == ground_colour[:, None])
    colour = (colour + hidden) % len(COLOURS)

    low, high = np.array(RADII).T
    radius = low[size] + rng.random(each) * (high - low)[size]
    present = np.arange(MAX_OBJECTS) < count[:, None]
    x, y = _place(rng, radius, present)
    drawn = {
        "shape": shape.astype(np.int8),
        "colour": colour.astype(np.int8),
        "size": size.astype(np.int8),
        "texture": texture.astype(np.int8),
        "x": x.astype(np.float32),
        "y": y.astype(np.float32),
        "radius": radius.astype(np.float32),
        "angle": rng.uniform(-0.3, 0.3, size=each).astype(np.float32),
        "tint": rng.uniform(-12, 12, size=(*each, 3)).astype(np.float32),
    }
    order = np.argsort(np.where(present, x, np.inf), axis=1, kind="stable")
    for name, values in drawn.items():
        index = order.reshape(order.shape + (1,) * (values.ndim - 2))
        values = np.take_along_axis(values, index, axis=1)
        absent = -1 if values.dtype == np.int8 else 0
        drawn[name] = np.where(present.reshape(index.shape), values, absent).astype(values.dtype)
    return Scenes(
        count=count.astype(np.int8),
        background=background.astype(np.int16),
        place=rng.random((BLOCK, 2), dtype=np.float32),
        mirrored=rng.random(BLOCK) < 0.5,
        fade=rng.uniform(0, 2 * np.pi, size=BLOCK).astype(np.float32),
        **drawn,
    )


def _colour_place(name: str) -> int:
    return COLOUR_NAMES.index(name) if name in COLOUR_NAMES else -1


def _place(
    rng: np.random.Generator, radius: np.ndarray, present: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Draw centres (n, 3) until no two objects of a scene touch or share a column."""
    x, y = np.zeros_like(radius), np.zeros_like(radius)
    waiting = np.arange(len(radius))
    while waiting.size:
        r = radius[waiting]
        low, span = r + ROOM, IMAGE_SIZE - 2 * (r + ROOM)
        x[waiting] = low + rng.random(r.shape) * span
        y[waiting] = low + rng.random(r.shape) * span
        clash = np.zeros(len(waiting), dtype=bool)
        for i in range(MAX_OBJECTS):
            for j in range(i):
                across = x[waiting, i] - x[waiting, j]
                down = y[waiting, i] - y[waiting, j]
                touching = np.hypot(across, down) < r[:, i] + r[:, j] + GAP
                both = present[waiting, i] & present[waiting, j]
                clash |= both & (touching | (np.abs(across) < STEP_ASIDE))
        waiting = waiting[clash]
    return x, y

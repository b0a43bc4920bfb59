"""Pictures of 18 classes for looking into a classifier: nine shapes and nine kinds of photograph.

A picture of a shape holds one object. Its outline is the class; colour, pattern, size, place and
background (plain, fading, or a piece of any photograph) say nothing about it. A picture of a kind
of photograph is a piece of one, cut at a random place and scale. Each of those photographs is
divided into a part for training and a part for validation, so that no pixel is in both.

Picture number i depends on the seed, the split and i only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cs231n_utils.data.photographs import PHOTOGRAPHS, Photograph, read_photograph
from cs231n_utils.data.scene_render import second_colour
from cs231n_utils.data.scene_shapes import SHAPES, TEXTURES
from cs231n_utils.data.scenes import COLOURS, SHAPE_NAMES

SIDE = 64  # pixels of a picture's side
RADII = (9.0, 25.0)  # pixels: an object's radius
ROOM = 2.0  # pixels between an object and the picture's edge
CONTRAST = 70.0  # grey levels (root mean square over the channels) between object and background
BLOCK = 64  # pictures drawn from one random stream
SPLITS = {"train": 0, "val": 1}
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Source:
    """Where pieces of a photograph are cut. Boxes: left, top, right, bottom in pixels.

    name: the class, or None for a photograph that only serves as a background.
    train, val: boxes without a common pixel; both None where the whole photograph serves both.
    """

    name: str | None
    photograph: Photograph
    train: Box | None = None
    val: Box | None = None

    def box(self, split: str) -> Box:
        """Return the box to cut from."""
        box = self.train if split == "train" else self.val
        return box or (0, 0, *read_photograph(self.photograph).size)


_PAGE = Photograph("a page", "skimage", "data/page.png")
_PHOTOGRAPHS = {photograph.path.split("/")[-1]: photograph for photograph in (*PHOTOGRAPHS, _PAGE)}


def _source(
    name: str | None, file: str, train: Box | None = None, val: Box | None = None
) -> Source:
    return Source(name, _PHOTOGRAPHS[file], train, val)


SOURCES = (
    _source("bricks", "brick.png", (0, 0, 330, 512), (340, 0, 512, 512)),
    _source("grass", "grass.png", (0, 0, 330, 512), (340, 0, 512, 512)),
    _source("stones", "gravel.png", (0, 0, 330, 512), (340, 0, 512, 512)),
    _source("coins", "coins.png", (0, 0, 235, 303), (240, 0, 384, 303)),
    _source("stars", "hubble_deep_field.jpg", (0, 0, 650, 872), (660, 0, 1000, 872)),
    _source("cat", "chelsea.png", (30, 0, 240, 300), (246, 0, 395, 300)),
    _source("petals", "flower.jpg", (186, 90, 446, 248), (186, 254, 430, 358)),
    _source("temple", "china.jpg", (90, 60, 365, 253), (90, 259, 345, 375)),
    _source("writing", "page.png", (0, 0, 384, 116), (0, 120, 384, 191)),
    _source(None, "astronaut.png"),
    _source(None, "coffee.png"),
    _source(None, "rocket.jpg"),
    _source(None, "motorcycle_left.png"),
    _source(None, "camera.png"),
)
KINDS = tuple(source for source in SOURCES if source.name)
CLASS_NAMES = (*SHAPE_NAMES, *(source.name for source in KINDS))
NUM_SHAPES = len(SHAPE_NAMES)

_COLOURS = np.array(list(COLOURS.values()), dtype=np.float32)


@dataclass(frozen=True)
class Pictures:
    """N pictures and what is to be seen in them.

    images: uint8 (N, H, W, 3). labels: int64 (N,), places in class_names.
    masks: bool (N, H, W), the pixels that decide the label: the object, or everything in a piece of
    a photograph. None where that is not known.
    """

    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    masks: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: np.ndarray | slice) -> Pictures:
        """Return the pictures at `rows`."""
        masks = None if self.masks is None else self.masks[rows]
        return Pictures(self.images[rows], self.labels[rows], self.class_names, masks)


def draw_pictures(num: int, *, seed: int = 0, split: str = "val", plain: bool = False) -> Pictures:
    """Draw `num` pictures of random classes, with masks.

    plain: no photographs behind the objects, for a beginner's lessons.
    Raises ValueError for a negative number or seed, or an unknown split.
    """
    if num < 0 or seed < 0:
        raise ValueError(f"num and seed must be 0 or more. Got {num} and {seed}")
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}. Got {split!r}")
    blocks = list(_blocks(num, seed, split, plain))
    images, labels, masks = (np.concatenate(parts)[:num] for parts in zip(*blocks, strict=True))
    return Pictures(images, labels, CLASS_NAMES, masks)


def _blocks(num: int, seed: int, split: str, plain: bool) -> Iterator[tuple[np.ndarray, ...]]:
    for block in range(max(1, -(-num // BLOCK))):
        rng = np.random.default_rng([seed, SPLITS[split], block])
        labels = rng.integers(len(CLASS_NAMES), size=BLOCK)
        images = np.empty((BLOCK, SIDE, SIDE, 3), dtype=np.float32)
        masks = np.ones((BLOCK, SIDE, SIDE), dtype=bool)
        for image, label in zip(images, labels, strict=True):
            source = KINDS[label - NUM_SHAPES] if label >= NUM_SHAPES else None
            if source is None:
                image[:] = _background(rng, split, plain)
            else:
                image[:] = _piece(rng, source, split)
        rows = np.flatnonzero(labels < NUM_SHAPES)
        images[rows], masks[rows] = _paint_shapes(rng, images[rows], labels[rows])
        yield images.clip(0, 255).astype(np.uint8), labels, masks


def _piece(rng: np.random.Generator, source: Source, split: str) -> np.ndarray:
    """Cut a square piece of a photograph and scale it to (SIDE, SIDE, 3)."""
    from PIL import Image

    left, top, right, bottom = source.box(split)
    largest = min(right - left, bottom - top)
    side = np.exp(rng.uniform(np.log(min(44, largest)), np.log(min(180, largest))))
    x = left + rng.random() * (right - left - side)
    y = top + rng.random() * (bottom - top - side)
    piece = read_photograph(source.photograph).resize(
        (SIDE, SIDE), Image.Resampling.BILINEAR, box=(x, y, x + side, y + side)
    )
    piece = np.asarray(piece)[:, :: 1 if rng.random() < 0.5 else -1]
    return piece * np.array(source.photograph.tint, dtype=np.float32)


def _background(rng: np.random.Generator, split: str, plain: bool) -> np.ndarray:
    """Draw what lies behind an object: (SIDE, SIDE, 3)."""
    kind = rng.choice(3, p=[0.5, 0.5, 0.0] if plain else [0.2, 0.2, 0.6])
    if kind == 2:
        return _piece(rng, SOURCES[rng.integers(len(SOURCES))], split)
    first, second = rng.uniform(10, 245, size=(2, 3))
    if kind == 0:
        return np.broadcast_to(first, (SIDE, SIDE, 3))
    direction = rng.uniform(0, 2 * np.pi)
    line = np.linspace(-0.5, 0.5, SIDE)
    along = np.cos(direction) * line + np.sin(direction) * line[:, None]
    share = (0.5 + along / np.sqrt(2))[..., None]
    return first + share * (second - first)


def _paint_shapes(
    rng: np.random.Generator, images: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Paint one object onto each image (n, 64, 64, 3). Returns images and the objects' masks."""
    num = len(images)
    radius = rng.uniform(*RADII, size=num)
    room = radius + ROOM
    x, y = room + rng.random((2, num)) * (SIDE - 2 * room)
    angle = rng.uniform(-0.35, 0.35, size=num)
    texture = rng.choice(len(TEXTURES), size=num, p=[0.55, 0.15, 0.15, 0.15])
    base = _object_colours(rng, images.mean(axis=(1, 2)))

    x, y, r, angle = (a.astype(np.float32)[:, None, None] for a in (x, y, radius, angle))
    middles = np.arange(SIDE, dtype=np.float32) + np.float32(0.5)
    across, down = middles[None, None, :] - x, middles[None, :, None] - y
    u = np.cos(angle) * across + np.sin(angle) * down
    v = np.cos(angle) * down - np.sin(angle) * across
    distance = np.empty((num, SIDE, SIDE), dtype=np.float32)
    for shape, outline in enumerate(SHAPES.values()):
        rows = labels == shape
        distance[rows] = outline(u[rows], v[rows], r[rows])
    pattern = np.empty_like(distance)
    for number, share in enumerate(TEXTURES.values()):
        rows = texture == number
        pattern[rows] = share(u[rows], v[rows])

    inside = np.clip(0.5 - distance, 0, 1)[..., None]
    # Light from the upper left; a slightly darker rim sets the object off from the background.
    light = 1.0 - 0.10 * (across + down) / r - 0.25 * np.clip(distance + 1.3, 0, 1)
    base = base[:, None, None]
    paint = base + pattern[..., None] * (second_colour(base[:, 0, 0])[:, None, None] - base)
    return images * (1 - inside) + paint * light[..., None] * inside, distance < 0


def _object_colours(rng: np.random.Generator, behind: np.ndarray) -> np.ndarray:
    """Draw a colour (n, 3) for each object that differs from what is behind it, (n, 3)."""
    named = _COLOURS[rng.integers(len(_COLOURS), size=(8, len(behind)))]
    candidates = named + rng.uniform(-25, 25, size=named.shape)
    candidates[::2] = rng.uniform(10, 245, size=candidates[::2].shape)
    # Black and white come last: one of the two differs enough from anything.
    ends = np.broadcast_to(np.array([20.0, 240.0])[:, None, None], (2, *behind.shape))
    candidates = np.concatenate([candidates, ends])
    enough = np.sqrt(((candidates - behind) ** 2).mean(axis=-1)) >= CONTRAST
    return candidates[enough.argmax(axis=0), np.arange(len(behind))].astype(np.float32)

"""Pictures for style transfer: photographs of a chosen size, and paintings made from a seed.

    load_picture("a cat", 160)  # a photograph, by its name in photographs.py: uint8 (160, 160, 3)
    load_picture("brush strokes", 160)  # painted on the spot

The paintings are nobody's work: strokes and tiles with random places and colours.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from cs231n_utils.data.photographs import PHOTOGRAPHS, Photograph, photograph_path

FINER = 3  # paintings are made this much larger, then shrunk: their edges become smooth


def load_picture(name: str, size: int, seed: int = 0) -> np.ndarray:
    """Return a square picture, uint8 (size, size, 3): the middle of a photograph, or a painting.

    name: one of picture_names(). seed: of a painting; a photograph does not need it.
    Raises ValueError for an unknown name or a size below 16.
    """
    if size < 16:
        raise ValueError(f"size must be at least 16 pixels. Got {size}")
    if name in PAINTINGS:
        return _painting(name, size, seed).copy()
    for photograph in PHOTOGRAPHS:
        if photograph.words == name:
            return _middle(photograph, size)
    raise ValueError(f"name must be one of {', '.join(picture_names())}. Got {name!r}")


def picture_names() -> list[str]:
    """Return the names that load_picture knows."""
    return [*PAINTINGS, *(p.words for p in PHOTOGRAPHS)]


@lru_cache(maxsize=32)
def _painting(name: str, size: int, seed: int) -> np.ndarray:
    large = PAINTINGS[name](size * FINER, np.random.default_rng(seed))
    return np.asarray(large.resize((size, size), Image.Resampling.BOX))


def _middle(photograph: Photograph, size: int) -> np.ndarray:
    with Image.open(photograph_path(photograph)) as opened:
        image = opened.convert("RGB")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, top, left + side, top + side))
    small = np.asarray(square.resize((size, size), Image.Resampling.LANCZOS), dtype=np.float32)
    return np.clip(small * np.array(photograph.tint, np.float32), 0, 255).astype(np.uint8)


# ------------------------------------------------------------------ paintings
NIGHT = ((18, 34, 92), (28, 66, 140), (52, 104, 176), (110, 160, 204), (206, 218, 206))
GOLD = ((244, 196, 60), (250, 226, 130), (222, 140, 40))
TILES = (
    (200, 60, 44),
    (236, 170, 60),
    (244, 226, 188),
    (36, 110, 124),
    (26, 54, 84),
    (120, 168, 140),
)


def brush_strokes(side: int, rng: np.random.Generator) -> Image.Image:
    """Paint short thick strokes of blue along a flow with eddies, and of gold around their eyes."""
    image = Image.new("RGB", (side, side), NIGHT[1])
    draw = ImageDraw.Draw(image)
    eddies = rng.uniform(0.1, 0.9, (6, 2)) * side
    turns = rng.choice((-1.0, 1.0), 6)
    reach = rng.uniform(0.10, 0.2, 6) * side
    thick = max(2, side // 60)
    for _ in range(2600):
        place = rng.uniform(-0.05, 1.05, 2) * side
        near = np.exp(-(((place - eddies) ** 2).sum(axis=1)) / (2 * (0.45 * reach) ** 2)).max()
        palette = GOLD if rng.random() < near * 0.9 else NIGHT
        weights = None if palette is GOLD else (0.22, 0.28, 0.26, 0.16, 0.08)
        colour = np.array(palette[rng.choice(len(palette), p=weights)]) + rng.normal(0, 12, 3)
        line = [tuple(place)]
        for _ in range(7):
            place = place + side / 90 * _flow(place, eddies, turns, reach)
            line.append(tuple(place))
        fill = tuple(np.clip(colour, 0, 255).astype(int))
        draw.line(line, fill=fill, width=thick + int(rng.integers(thick)), joint="curve")
    return image


def _flow(
    place: np.ndarray, eddies: np.ndarray, turns: np.ndarray, reach: np.ndarray
) -> np.ndarray:
    """Return the direction of a stroke: to the right, and around the eddies near them."""
    away = place - eddies
    strength = turns * 4 * np.exp(-(away**2).sum(axis=1) / (2 * reach**2)) / reach
    around = (strength[:, None] * np.stack([-away[:, 1], away[:, 0]], axis=1)).sum(axis=0)
    total = around + np.array([1.0, 0.25])
    return total / np.linalg.norm(total)


def mosaic(side: int, rng: np.random.Generator) -> Image.Image:
    """Lay coloured tiles of irregular shape, with dark joints between them."""
    cells = 17
    grid = np.stack(np.meshgrid(np.arange(-1, cells + 1), np.arange(-1, cells + 1)), axis=-1)
    centres = (grid.reshape(-1, 2) + rng.uniform(0.12, 0.88, (grid.size // 2, 2))) * side / cells
    tint = np.array(TILES)[rng.choice(len(TILES), len(centres))] + rng.normal(
        0, 9, (len(centres), 3)
    )
    rows = []
    for y in range(side):  # row by row: all distances at once would need gigabytes
        near = centres[np.abs(centres[:, 1] - y) < 2.2 * side / cells]
        colours = tint[np.abs(centres[:, 1] - y) < 2.2 * side / cells]
        away = np.hypot(np.arange(side)[:, None] - near[:, 0], y - near[:, 1])
        first, second = np.argsort(away, axis=1)[:, :2].T
        places = np.arange(side)
        joint = away[places, second] - away[places, first] < side / 110
        rows.append(np.where(joint[:, None], (34, 30, 32), colours[first]))
    return Image.fromarray(np.clip(np.stack(rows), 0, 255).astype(np.uint8))


PAINTINGS: dict[str, Callable[[int, np.random.Generator], Image.Image]] = {
    "brush strokes": brush_strokes,
    "a mosaic": mosaic,
}

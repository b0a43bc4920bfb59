"""Paint scenes: thousands of images a second, in NumPy.

Objects are painted in small windows around their centres, all objects of one shape and size at
once.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from cs231n_utils.data.photographs import load_photograph
from cs231n_utils.data.scene_shapes import SHAPES, TEXTURES
from cs231n_utils.data.scenes import (
    COLOURS,
    FIRST_FADING,
    FIRST_PHOTOGRAPH,
    GROUNDS,
    IMAGE_SIZE,
    MAX_OBJECTS,
    RADII,
    Scenes,
)

CHUNK = 512  # images painted at once: large enough for NumPy, small enough for the cache
SHADOW = (2, 2)  # pixels to the right and down
MARGIN = 4  # pixels around an object that its shadow and smooth edge may reach

_COLOURS = np.array(list(COLOURS.values()), dtype=np.float32)
_GROUNDS = np.array(list(GROUNDS.values()), dtype=np.float32)


def render_scenes(scenes: Scenes) -> np.ndarray:
    """Paint every scene. Returns uint8 (N, 64, 64, 3), RGB."""
    images = np.empty((len(scenes), IMAGE_SIZE, IMAGE_SIZE, 3), dtype=np.uint8)

    def paint(start: int) -> None:
        chunk = scenes.take(slice(start, start + CHUNK))
        # One plane for each colour (3, n, 64, 64): NumPy is slow where the last axis has length 3.
        canvas = _paint_backgrounds(chunk)
        for place in range(MAX_OBJECTS):
            _paint_objects(canvas, chunk, place)
        np.clip(canvas, 0, 255, out=canvas)
        for channel, plane in enumerate(canvas.astype(np.uint8)):
            images[start : start + CHUNK, :, :, channel] = plane

    starts = range(0, len(scenes), CHUNK)
    if len(starts) <= 1:
        for start in starts:
            paint(start)
    else:
        # NumPy lets other threads run while it computes; no two chunks share an image.
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:
            list(threads.map(paint, starts))
    return images


def _paint_backgrounds(scenes: Scenes) -> np.ndarray:
    canvas = np.empty((3, len(scenes), IMAGE_SIZE, IMAGE_SIZE), dtype=np.float32)
    background = scenes.background
    ground = background < FIRST_PHOTOGRAPH
    canvas[:, ground] = _GROUNDS[background[ground] % FIRST_FADING].T[:, :, None, None]
    fading = np.flatnonzero(ground & (background >= FIRST_FADING))
    if fading.size:
        line = np.linspace(-1, 1, IMAGE_SIZE, dtype=np.float32)
        along = (
            np.cos(scenes.fade[fading])[:, None, None] * line
            + np.sin(scenes.fade[fading])[:, None, None] * line[:, None]
        )
        canvas[:, fading] *= 0.80 - 0.32 * along
    for index in np.unique(background[~ground]):
        rows = np.flatnonzero(background == index)
        photograph = load_photograph(int(index) - FIRST_PHOTOGRAPH)
        windows = np.lib.stride_tricks.sliding_window_view(
            photograph.transpose(2, 0, 1), (IMAGE_SIZE, IMAGE_SIZE), axis=(1, 2)
        )
        down = (scenes.place[rows, 0] * windows.shape[1]).astype(int)
        across = (scenes.place[rows, 1] * windows.shape[2]).astype(int)
        cut = windows[:, down, across]
        mirrored = scenes.mirrored[rows]
        cut[:, mirrored] = cut[:, mirrored, :, ::-1]
        canvas[:, rows] = cut
    return canvas


def _paint_objects(canvas: np.ndarray, scenes: Scenes, place: int) -> None:
    """Paint the object at `place` of every scene that has one."""
    for shape, outline in enumerate(SHAPES.values()):
        for size, (_, largest) in enumerate(RADII):
            rows = np.flatnonzero(
                (scenes.shape[:, place] == shape) & (scenes.size[:, place] == size)
            )
            if rows.size:
                half = int(np.ceil(largest)) + MARGIN
                _paint_group(canvas, scenes.take(rows), rows, place, outline, half)


def _paint_group(
    canvas: np.ndarray,
    scenes: Scenes,
    rows: np.ndarray,
    place: int,
    outline: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    half: int,
) -> None:
    """Paint the objects at `place` of scenes that are the canvas's `rows`, all of one outline."""
    side = 2 * half + 1
    x, y, r = (w[:, place] for w in (scenes.x, scenes.y, scenes.radius))
    # The window stays inside the image; the object need not be in the window's middle.
    left = np.clip(np.floor(x).astype(int) - half, 0, IMAGE_SIZE - side)
    top = np.clip(np.floor(y).astype(int) - half, 0, IMAGE_SIZE - side)
    steps = np.arange(side)
    across = (left[:, None] + steps + np.float32(0.5) - x[:, None]).astype(np.float32)[:, None, :]
    down = (top[:, None] + steps + np.float32(0.5) - y[:, None]).astype(np.float32)[:, :, None]
    cos, sin = (f(scenes.angle[:, place])[:, None, None] for f in (np.cos, np.sin))
    u, v = cos * across + sin * down, cos * down - sin * across
    r = r[:, None, None]

    distance = outline(u, v, r)
    inside = np.clip(0.5 - distance, 0, 1)
    shadow = np.zeros_like(inside)
    shadow[:, SHADOW[1] :, SHADOW[0] :] = np.clip(
        0.5 - distance[:, : -SHADOW[1], : -SHADOW[0]] / 3, 0, 1
    )
    # Light from the upper left; a slightly darker rim sets the object off from the background.
    light = 1.0 - 0.10 * (across + down) / r - 0.35 * np.clip(distance + 1.3, 0, 1)

    base = _COLOURS[scenes.colour[:, place]] + scenes.tint[:, place]
    other = second_colour(base)
    pattern = np.empty_like(u)
    for texture, share in enumerate(TEXTURES.values()):
        chosen = np.flatnonzero(scenes.texture[:, place] == texture)
        pattern[chosen] = share(u[chosen], v[chosen])

    pixel = rows[:, None] * IMAGE_SIZE**2 + (top[:, None] + steps) * IMAGE_SIZE
    pixel = pixel[:, :, None] + (left[:, None] + steps)[:, None, :]
    shadow = (1 - inside) * (1 - 0.45 * shadow)
    for channel, plane in enumerate(canvas.reshape(3, -1)):
        paint = base[:, channel, None, None] + pattern * (other - base)[:, channel, None, None]
        paint *= light
        paint *= inside
        plane[pixel] = plane[pixel] * shadow + paint


def second_colour(base: np.ndarray) -> np.ndarray:
    """Return the pattern's colour (n, 3): whiter than a dark colour, darker than a light one."""
    brightness = base @ np.array([0.30, 0.59, 0.11], dtype=np.float32)
    light = (brightness > 150)[:, None]
    return np.where(light, 0.40 * base, 0.30 * base + 0.70 * 250).astype(np.float32)

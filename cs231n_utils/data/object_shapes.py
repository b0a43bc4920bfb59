"""Ten little things as outlines: a boat, a car, a cat ... Each is made of a few painted parts.

Every thing takes x, y (n, P, P), coordinates seen from its centre, where it reaches from about -1
to 1, x to the right and y downwards, and a list of (n, 1, 1) numbers between -1 and 1 that change
its proportions. It returns its parts from back to front: the signed distance to the part's outline
(n, P, P), negative inside, and which of the object's three colours the part has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

import numpy as np

Number = float | np.ndarray
Part = tuple[np.ndarray, int]
WOBBLES = 3  # numbers that change a thing's proportions


def ellipse(x: np.ndarray, y: np.ndarray, cx: Number, cy: Number, a: Number, b: Number):
    """Distance to an ellipse with half axes a and b; exact for a circle."""
    return (np.hypot((x - cx) / a, (y - cy) / b) - 1) * np.minimum(a, b)


def box(x: np.ndarray, y: np.ndarray, cx: Number, cy: Number, a: Number, b: Number):
    """Distance to a rectangle with half sides a and b."""
    return np.maximum(np.abs(x - cx) - a, np.abs(y - cy) - b)


def polygon(x: np.ndarray, y: np.ndarray, *corners: tuple[Number, Number]):
    """Distance to a convex polygon, its corners given clockwise as they are seen."""
    sides = []
    for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True):
        length = np.hypot(bx - ax, by - ay)
        sides.append(((by - ay) * (x - ax) - (bx - ax) * (y - ay)) / length)
    return reduce(np.maximum, sides)


def stripes(x: np.ndarray, y: np.ndarray, dx: float, dy: float) -> np.ndarray:
    """A surface with stripes, dx and dy times 2 pi from centre to edge; 0 to 1 at each point."""
    return np.clip(0.5 + np.sin(2 * np.pi * (dx * x + dy * y)), 0, 1)


def checks(x: np.ndarray, y: np.ndarray, times: float) -> np.ndarray:
    """A surface like a chessboard."""
    return np.clip(0.5 + 2 * np.sin(np.pi * times * x) * np.sin(np.pi * times * y), 0, 1)


def spots(x: np.ndarray, y: np.ndarray, times: float) -> np.ndarray:
    """A surface with round spots on a grid."""
    u, v = ((w * times) % 1 - 0.5 for w in (x, y))
    return np.clip(2.6 - 6 * np.hypot(u, v), 0, 1)


def bricks(x: np.ndarray, y: np.ndarray, times: float) -> np.ndarray:
    """A surface of bricks, every second row moved by half a brick."""
    row = np.floor(y * times)
    u = (x * times / 2 + row / 2) % 1
    v = (y * times) % 1
    return ((u < 0.2) | (v < 0.3)).astype(x.dtype)


def scales(x: np.ndarray, y: np.ndarray, times: float) -> np.ndarray:
    """A surface of half circles, like a fish's."""
    column = np.floor(x * times)
    u = (x * times) % 1
    v = (y * times + column / 2) % 1 - 0.5
    return np.clip(1.6 - 7 * np.abs(np.hypot(u - 0.5, v) - 0.5), 0, 1)


def rays(x: np.ndarray, y: np.ndarray, times: int) -> np.ndarray:
    """A surface with lines from the centre."""
    return np.clip(0.5 + np.sin(times * np.arctan2(y, x)), 0, 1)


def rings(x: np.ndarray, y: np.ndarray, times: float) -> np.ndarray:
    """A surface with rings around the centre."""
    return np.clip(0.5 + np.sin(2 * np.pi * times * np.hypot(x, y)), 0, 1)


def zigzag(x: np.ndarray, y: np.ndarray, times: float) -> np.ndarray:
    """A surface with lines up and down."""
    return np.clip(0.5 + np.sin(2 * np.pi * times * (y + 0.6 * np.abs((x * 1.6) % 1 - 0.5))), 0, 1)


def boat(x: np.ndarray, y: np.ndarray, w: Sequence[np.ndarray]) -> list[Part]:
    """A hull, a mast and two sails."""
    deck, low, top = 0.28 + 0.06 * w[0], 0.72 + 0.08 * w[1], -0.85 + 0.1 * w[2]
    return [
        (box(x, y, 0, (top + deck) / 2, 0.05, (deck - top) / 2), 2),
        (polygon(x, y, (0.1, top), (0.75, deck - 0.1), (0.1, deck - 0.1)), 1),
        (polygon(x, y, (-0.1, top + 0.25), (-0.1, deck - 0.1), (-0.55, deck - 0.1)), 1),
        (polygon(x, y, (-0.95, deck), (0.95, deck), (0.6, low), (-0.6, low)), 0),
    ]


def car(x: np.ndarray, y: np.ndarray, w: Sequence[np.ndarray]) -> list[Part]:
    """A body, a cabin with a window, and two wheels."""
    roof, wheel, apart = -0.5 + 0.1 * w[0], 0.24 + 0.04 * w[1], 0.52 + 0.05 * w[2]
    return [
        (polygon(x, y, (-0.35, roof), (0.3, roof), (0.62, 0), (-0.6, 0)), 0),
        (polygon(x, y, (-0.26, roof + 0.12), (0.22, roof + 0.12), (0.4, 0), (-0.4, 0)), 1),
        (box(x, y, 0, 0.2, 0.95, 0.26), 0),
        (ellipse(x, y, -apart, 0.46, wheel, wheel), 2),
        (ellipse(x, y, apart, 0.46, wheel, wheel), 2),
    ]


def cat(x: np.ndarray, y: np.ndarray, w: Sequence[np.ndarray]) -> list[Part]:
    """A head with two ears, two eyes and a nose."""
    wide, tip, eye = 0.74 + 0.08 * w[0], -0.88 + 0.1 * w[1], 0.15 + 0.03 * w[2]
    side = np.abs(x)
    return [
        (polygon(side, y, (0.55, tip), (0.72, 0.05), (0.08, -0.3)), 0),
        (ellipse(x, y, 0, 0.15, wide, 0.62), 0),
        (ellipse(side, y, 0.3, 0.02, eye, eye), 1),
        (ellipse(side, y, 0.3, 0.02, 0.07, 0.13), 2),
        (polygon(x, y, (-0.13, 0.3), (0.13, 0.3), (0, 0.45)), 2),
    ]


def cup(x: np.ndarray, y: np.ndarray, w: Sequence[np.ndarray]) -> list[Part]:
    """A cup with a handle and a stripe."""
    top, narrow, stripe = -0.62 + 0.1 * w[0], 0.42 + 0.08 * w[1], 0.1 * w[2]
    body = polygon(x, y, (-0.75, top), (0.4, top), (0.4 - 0.1, 0.7), (-narrow - 0.2, 0.7))
    handle = np.abs(np.hypot(x - 0.42, y - 0.02) - 0.38) - 0.1
    return [
        (handle, 0),
        (body, 0),
        (np.maximum(body, np.abs(y - stripe) - 0.14), 1),
        (ellipse(x, y, -0.17, top, 0.56, 0.13), 2),
    ]


def fish(x: np.ndarray, y: np.ndarray, w: Sequence[np.ndarray]) -> list[Part]:
    """A body with a tail, a fin and an eye."""
    tall, tail, eye = 0.46 + 0.08 * w[0], 0.5 + 0.1 * w[1], 0.12 + 0.02 * w[2]
    return [
        (polygon(x, y, (0.35, 0), (0.95, -tail), (0.82, 0)), 1),
        (polygon(x, y, (0.35, 0), (0.82, 0), (0.95, tail)), 1),
        (polygon(x, y, (-0.35, -0.3), (0.05, -0.8), (0.25, -0.25)), 1),
        (ellipse(x, y, -0.17, 0, 0.75, tall), 0),
        (ellipse(x, y, -0.55, -0.1, eye, eye), 2),
        (ellipse(x, y, 0.0, 0.1, 0.2, 0.1), 1),
    ]


def flower(x: np.ndarray, y: np.ndarray, w: Sequence[np.ndarray]) -> list[Part]:
    """Six petals around a disc."""
    out, wide, disc = 0.58 + 0.04 * w[0], 0.23 + 0.04 * w[1], 0.27 + 0.05 * w[2]
    step = np.pi / 3
    turn = (np.arctan2(y, x) + step / 2) % step - step / 2  # every petal is the same one, turned
    length = np.hypot(x, y)
    petal = ellipse(length * np.cos(turn), length * np.sin(turn), out, 0, 0.38, wide)
    return [(petal, 0), (length - disc, 1), (length - disc / 2, 2)]


def house(x: np.ndarray, y: np.ndarray, w: Sequence[np.ndarray]) -> list[Part]:
    """A wall with a door and a window, a roof and a chimney."""
    half, eaves, door = 0.62 + 0.07 * w[0], -0.05 + 0.1 * w[1], 0.25 * np.sign(w[2])
    return [
        (box(x, y, 0.42, -0.55, 0.11, 0.3), 2),
        (box(x, y, 0, (0.8 + eaves) / 2, half, (0.8 - eaves) / 2), 0),
        (polygon(x, y, (0, -0.9), (0.9, eaves), (-0.9, eaves)), 1),
        (box(x, y, door, 0.53, 0.15, 0.27), 2),
        (box(x, y, -1.3 * door, 0.35, 0.15, 0.15), 1),
    ]


def mushroom(x: np.ndarray, y: np.ndarray, w: Sequence[np.ndarray]) -> list[Part]:
    """A stalk and a cap with dots."""
    stalk, tall, edge = 0.24 + 0.06 * w[0], 0.85 + 0.1 * w[1], 0.12 + 0.08 * w[2]
    cap = np.maximum(ellipse(x, y, 0, edge, 0.9, tall), y - edge)
    dots = np.minimum(ellipse(x, y, 0, edge - 0.5, 0.17, 0.17), np.inf)
    dots = np.minimum(dots, ellipse(np.abs(x), y, 0.48, edge - 0.2, 0.14, 0.14))
    return [(box(x, y, 0, 0.5, stalk, 0.42), 1), (cap, 0), (dots, 2)]


def rocket(x: np.ndarray, y: np.ndarray, w: Sequence[np.ndarray]) -> list[Part]:
    """A slim body with a window, two fins and a flame."""
    wide, fin, flame = 0.32 + 0.05 * w[0], 0.68 + 0.1 * w[1], 0.9 + 0.1 * w[2]
    side = np.abs(x)
    # The body's outline: where two circles overlap.
    radius = (0.85**2 + wide**2) / (2 * wide)
    body = np.maximum(np.hypot(side + radius - wide, y + 0.1) - radius, y - 0.5)
    return [
        (polygon(x, y, (-0.2, 0.5), (0.2, 0.5), (0, flame)), 2),
        (polygon(side, y, (0.12, 0.0), (fin, 0.65), (0.12, 0.5)), 1),
        (body, 0),
        (ellipse(x, y, 0, -0.2, 0.15, 0.15), 1),
    ]


def tree(x: np.ndarray, y: np.ndarray, w: Sequence[np.ndarray]) -> list[Part]:
    """A fir: a trunk and three layers of branches."""
    trunk, wide, step = 0.12 + 0.03 * w[0], 0.68 + 0.08 * w[1], 0.42 + 0.04 * w[2]
    parts = [(box(x, y, 0, 0.7, trunk, 0.25), 1)]
    for place in (2, 1, 0):
        top, half = -0.92 + place * step, wide * (0.55 + 0.22 * place)
        parts.append((polygon(x, y, (0, top), (half, top + 0.62), (-half, top + 0.62)), 0))
    return [*parts, (ellipse(x, y, 0, -0.9, 0.12, 0.12), 2)]


THINGS: dict[str, Callable[..., list[Part]]] = {
    "boat": boat,
    "car": car,
    "cat": cat,
    "cup": cup,
    "fish": fish,
    "flower": flower,
    "house": house,
    "mushroom": mushroom,
    "rocket": rocket,
    "tree": tree,
}

# Thin things are painted larger, so that all cover as many pixels: their number would tell them.
STRETCH = {
    "boat": 1.05,
    "car": 0.97,
    "cat": 0.91,
    "cup": 0.91,
    "fish": 1.03,
    "flower": 0.89,
    "house": 0.88,
    "mushroom": 0.96,
    "rocket": 1.23,
    "tree": 1.19,
}

# What the part in the first colour looks like from near, for each thing.
SURFACES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "boat": lambda x, y: stripes(x, y, 0, 3.2),
    "car": lambda x, y: stripes(x, y, 1.7, 1.7),
    "cat": lambda x, y: stripes(x, y, 2.4, 0),
    "cup": lambda x, y: checks(x, y, 3.2),
    "fish": lambda x, y: scales(x, y, 3),
    "flower": lambda x, y: rays(x, y, 18),
    "house": lambda x, y: bricks(x, y, 4),
    "mushroom": lambda x, y: spots(x, y, 3),
    "rocket": lambda x, y: rings(x, y, 2.4),
    "tree": lambda x, y: zigzag(x, y, 2.4),
}

"""The outlines of the shapes in a scene, as signed distances: negative inside, positive outside.

Every outline takes u, v (n, P, P), coordinates in pixels seen from the object's centre, u to the
right and v downwards, and r (n, 1, 1), the object's radius in pixels, and returns (n, P, P). Shapes
stay within about r of their centre. A distance gives smooth edges without supersampling.
"""

from __future__ import annotations

from math import asin, atan2, cos, hypot, pi, sin

import numpy as np


def circle(u: np.ndarray, v: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Distance to a disc."""
    return np.hypot(u, v) - 0.92 * r


def square(u: np.ndarray, v: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Distance to a square that stands on its side."""
    return np.maximum(np.abs(u), np.abs(v)) - 0.76 * r


def triangle(u: np.ndarray, v: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Distance to a triangle with equal sides that points upwards."""
    slanted = cos(pi / 6) * np.abs(u) - 0.5 * v
    return np.maximum(slanted, v) - 0.5 * r


def diamond(u: np.ndarray, v: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Distance to a diamond that is taller than it is wide."""
    narrow = 0.62
    return (np.abs(u) / narrow + np.abs(v) - r) / hypot(1 / narrow, 1)


def star(u: np.ndarray, v: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Distance to a star with five points, one of them upwards."""
    # Fold the plane onto half of one point: there the outline is one straight line, from the
    # tip (1, 0) to the inner corner at 36 degrees.
    angle = np.arctan2(u, -v)
    angle = np.abs((angle + pi / 5) % (2 * pi / 5) - pi / 5)
    length = np.hypot(u, v)
    inner = 0.45
    along = (inner * cos(pi / 5) - 1, inner * sin(pi / 5))
    normal = (along[1] / hypot(*along), -along[0] / hypot(*along))
    return normal[0] * (length * np.cos(angle) - r) + normal[1] * length * np.sin(angle)


def heart(u: np.ndarray, v: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Distance to a heart: two discs, and the kite between them and the tip below."""
    centre, lobe, tip = (0.40, -0.30), 0.50, 0.95
    u = np.abs(u)
    lobes = np.hypot(u - centre[0] * r, v - centre[1] * r) - lobe * r
    # The kite's side is tangent to the disc and goes through the tip.
    drop = tip - centre[1]
    slope = atan2(centre[0], drop) + asin(lobe / hypot(drop, centre[0]))
    side = cos(slope) * u + sin(slope) * (v - tip * r)
    touch = (centre[0] + lobe * cos(slope), centre[1] + lobe * sin(slope))
    rise = touch[1] - centre[1]
    top = (rise * u - touch[0] * (v - centre[1] * r)) / hypot(rise, touch[0])
    return np.minimum(lobes, np.maximum(side, top))


def cross(u: np.ndarray, v: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Distance to a cross with four equal arms."""
    u, v = np.abs(u), np.abs(v)
    return np.maximum(np.minimum(u, v) - 0.30 * r, np.maximum(u, v) - 0.92 * r)


def ring(u: np.ndarray, v: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Distance to a ring."""
    return np.abs(np.hypot(u, v) - 0.69 * r) - 0.25 * r


def crescent(u: np.ndarray, v: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Distance to a crescent that is open to the right."""
    bite = 0.78 * r - np.hypot(u - 0.48 * r, v + 0.08 * r)
    return np.maximum(np.hypot(u, v) - 0.95 * r, bite)


SHAPES = {
    "circle": circle,
    "square": square,
    "triangle": triangle,
    "star": star,
    "heart": heart,
    "ring": ring,
    "cross": cross,
    "diamond": diamond,
    "crescent": crescent,
}


def plain(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """No pattern."""
    return np.zeros_like(u)


def striped(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Slanted stripes, as the share of the second colour (0 to 1) at each point."""
    return np.clip(1.6 * np.sin((0.45 * u + 1.0 * v) * (2 * pi / 5.4)) + 0.3, 0, 1)


def dotted(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Dots on a square grid, as the share of the second colour (0 to 1) at each point."""
    step = 5.0
    across, down = (np.abs((w / step) % 1 - 0.5) * step for w in (u, v))
    return np.clip(2.2 - np.hypot(across, down), 0, 1)


def checkered(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """A chessboard, as the share of the second colour (0 to 1) at each point."""
    return np.clip(2.5 * np.sin(u * (pi / 4.0)) * np.sin(v * (pi / 4.0)) + 0.5, 0, 1)


TEXTURES = {"plain": plain, "striped": striped, "dotted": dotted, "checkered": checkered}

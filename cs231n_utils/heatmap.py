"""A small picture of where an array is wrong: shapes and sizes carry the meaning, colour helps.

One slice of the array is shown, the one that holds the largest error; a large slice is shown in
blocks, each as wrong as its worst entry.
"""

from __future__ import annotations

import html
from dataclasses import dataclass

import numpy as np

from .findings import Finding

MOST_ROWS, MOST_COLUMNS = 16, 32
SQUARE = 13
"""Pixels from one square to the next."""
LEVELS = ((0.9, 1.0), (0.3, 0.78), (0.0, 0.52))
"""A wrong entry of at least this share of the largest error is a square of this size."""
SIGNS = "#x-"
WRONG = "#d9534f"


@dataclass(frozen=True)
class Map:
    """A slice of an array: each square's level (0 the worst, -1 right), and where it is from."""

    levels: np.ndarray  # (rows, columns), integers
    worst: tuple[int, int]
    title: str  # such as "dx[1, :, :]"
    rows: str  # what the rows are, such as "axis 1 (4)"
    columns: str
    block: tuple[int, int]  # entries in a square, down and across
    said: str  # the same in words

    @property
    def text(self) -> list[str]:
        """Lines of signs: `#` far off, `x` off, `-` a little off, `.` right."""
        return [" ".join("." if n < 0 else SIGNS[n] for n in row) for row in self.levels.tolist()]

    @property
    def svg(self) -> str:
        """The picture as SVG, which takes the text's colour from the page around it."""
        rows, columns = self.levels.shape
        width, height = columns * SQUARE + 2, rows * SQUARE + 2
        parts = []
        for level, (_, size) in enumerate(LEVELS):
            if path := self._squares(level, size * (SQUARE - 1)):
                shade = (1.0, 0.85, 0.7)[level]
                parts.append(f'<path fill="{WRONG}" fill-opacity="{shade}" d="{path}"/>')
        if path := self._squares(-1, 2):
            parts.append(f'<path fill="currentColor" fill-opacity=".55" d="{path}"/>')
        x, y = self.worst[1] * SQUARE + 1.5, self.worst[0] * SQUARE + 1.5
        parts.append(
            f'<rect x="{x}" y="{y}" width="{SQUARE - 1}" height="{SQUARE - 1}" fill="none" '
            'stroke="currentColor" stroke-width="1.5"/>'
        )
        return (
            f'<svg role="img" aria-label="{html.escape(self.said)}" width="{width}" '
            f'height="{height}" viewBox="0 0 {width} {height}" '
            f'style="display:block;max-width:100%">{"".join(parts)}</svg>'
        )

    def _squares(self, level: int, size: float) -> str:
        """One path of all the squares of a level, each in the middle of its place."""
        edge = (SQUARE - size) / 2 + 1
        return "".join(
            f"M{column * SQUARE + edge:g} {row * SQUARE + edge:g}h{size:g}v{size:g}h-{size:g}z"
            for row, column in np.argwhere(self.levels == level).tolist()
        )


def draw(found: Finding) -> Map | None:
    """Return the map of a wrong array; None for a number, and where there is nothing to see."""
    if found.wrong is None or found.wrong.size < 2 or not found.wrong.any():
        return None
    place = found.place
    lead = place[: max(found.wrong.ndim - 2, 0)]
    error, wrong = found.error[lead], found.wrong[lead]
    if error.ndim == 1:
        error, wrong, place = error[None], wrong[None], (0, place[0])
    far = np.where(wrong, _share(error), -1.0)
    blocked, block = _in_blocks(far)
    levels = np.full(blocked.shape, -1)
    for level in reversed(range(len(LEVELS))):
        levels[blocked >= LEVELS[level][0]] = level
    down, across = (int(p) for p in place[-2:])
    ndim = found.wrong.ndim
    at = ", ".join([*map(str, lead), *[":"] * (ndim - len(lead))])
    title = f"{found.name}[{at}]" if lead else found.name
    size = found.wrong.shape
    return Map(
        levels,
        (down // block[0], across // block[1]),
        title,
        f"axis {ndim - 2} ({size[-2]})" if ndim > 1 else "",
        f"axis {ndim - 1} ({size[-1]})",
        block,
        _words(found, wrong, title),
    )


def _share(error: np.ndarray) -> np.ndarray:
    """Each error's share of the largest; what is not finite counts as the largest."""
    finite = error[np.isfinite(error)]
    if not np.isfinite(error).all():
        return np.where(np.isfinite(error), 0.5, 1.0)
    return error / max(finite.max(), 1e-300)


def _in_blocks(far: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """Return the worst of each block, so that at most MOST_ROWS x MOST_COLUMNS are left."""
    block = tuple(
        -(-n // most) for n, most in zip(far.shape, (MOST_ROWS, MOST_COLUMNS), strict=True)
    )
    room = [(0, -n % size) for n, size in zip(far.shape, block, strict=True)]
    padded = np.pad(far, room, constant_values=-1.0)
    rows, columns = (n // size for n, size in zip(padded.shape, block, strict=True))
    return padded.reshape(rows, block[0], columns, block[1]).max(axis=(1, 3)), block


def _words(found: Finding, wrong: np.ndarray, title: str) -> str:
    count, total = int(wrong.sum()), wrong.size
    where = ", ".join(map(str, found.place))
    some = "every entry is" if count == total else f"{count} of {total} {found.unit} are"
    return f"{title}: {some} wrong, the farthest off is [{where}]"

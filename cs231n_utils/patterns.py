"""Say in a sentence in which way an array is wrong, so that a student knows where to look.

The sentences describe the numbers (a sign, a factor, a slice); they know no exercise.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

ALIKE = 1e-4
"""Of the largest expected entry: what lies nearer follows the pattern."""
NEARLY = 1e-3


def shapes(got: tuple[int, ...], want: tuple[int, ...]) -> str:
    """Return a sentence on how a shape differs from the one that is wanted."""
    if sorted(got) == sorted(want):
        return (
            "The sizes are right and stand in another order: write down what each axis stands "
            "for, and look for a transpose too many or too few."
        )
    bare = [[n for n in shape if n != 1] for shape in (got, want)]
    if bare[0] == bare[1]:
        return (
            "Only an axis of length 1 differs: look for keepdims, squeeze, or an index in the "
            "place of a slice."
        )
    if np.prod(got) == np.prod(want):
        return "The number of entries is right: a reshape is missing, or one too many."
    if not got and want:
        return "It is a single number: something is summed or averaged over all axes."
    if len(got) < len(want):
        return "An axis is missing: look for a sum, a mean or an index that took it away."
    if len(got) > len(want):
        return "There is an axis too many: is something not summed yet, or kept for every step?"
    axes = [str(k) for k, pair in enumerate(zip(got, want, strict=True)) if pair[0] != pair[1]]
    which = f"Axis {axes[0]} has" if len(axes) == 1 else f"Axes {' and '.join(axes)} have"
    return f"{which} another size: print the shapes on the way there."


def values(got: np.ndarray, want: np.ndarray, wrong: np.ndarray) -> str:
    """Return a sentence on how finite numbers `got` differ from `want` (same shape, float64)."""
    for look in (_zero, _sign, _nearly, _factor, _offset, _moved, _slice):
        if said := look(got, want, wrong):
            return said
    if not got.ndim:
        return "Work this number out by hand for the smallest input you can think of."
    if wrong.all():
        return (
            "Every entry is off, in no simple way. Choose a tiny input, work one entry out by "
            "hand, and print each step of yours beside it."
        )
    return "Only some entries are off: what do those have in common that the others have not?"


def _alike(a: np.ndarray, b: np.ndarray, scale: float) -> bool:
    return a.shape == b.shape and bool(np.abs(a - b).max(initial=0.0) <= ALIKE * scale)


def _scale(want: np.ndarray) -> float:
    return float(np.abs(want).max(initial=0.0))


def _zero(got: np.ndarray, want: np.ndarray, wrong: np.ndarray) -> str:
    if got.any() or not want.any():
        return ""
    if not got.ndim:
        return "It is exactly zero: is the result ever put into what you return?"
    return "All entries are exactly zero: is the result ever put into what you return?"


def _sign(got: np.ndarray, want: np.ndarray, wrong: np.ndarray) -> str:
    if not _alike(got, -want, _scale(want)):
        return ""
    return (
        "The size is right and the sign is not: look for a minus."
        if not got.ndim
        else ("Every entry has the right size and the wrong sign: look for a minus.")
    )


def _nearly(got: np.ndarray, want: np.ndarray, wrong: np.ndarray) -> str:
    if np.abs(got - want).max() > NEARLY * _scale(want):
        return ""
    return (
        "It is right to about three digits: look for a small constant that does not belong, an "
        "approximation, or a precision that is lost on the way."
    )


def _factor(got: np.ndarray, want: np.ndarray, wrong: np.ndarray) -> str:
    if not want.any():
        return ""
    factor = float((got * want).sum() / (want**2).sum())
    if not _alike(got, factor * want, max(1.0, abs(factor)) * _scale(want)) or not factor:
        return ""
    what = "Every entry is" if got.ndim and got.size > 1 else "It is"
    said = f"{what} {factor:.4g} times what is expected"
    whole = max(abs(factor), 1 / abs(factor))
    if got.size > 1 and abs(whole - round(whole)) < 1e-3:
        return f"{said}: a mean in the place of a sum does that, or a factor left out."
    if got.size > 1:
        return f"{said}: a factor is missing, or one too many."
    return f"{said}."


def _offset(got: np.ndarray, want: np.ndarray, wrong: np.ndarray) -> str:
    away = got - want
    if (
        got.size < 3
        or not wrong.all()
        or not _alike(away, np.full_like(away, away.mean()), _scale(want))
    ):
        return ""
    return (
        f"Every entry is off by the same amount, {away.mean():.4g}: what is added to all of them?"
    )


def _moved(got: np.ndarray, want: np.ndarray, wrong: np.ndarray) -> str:
    scale = _scale(want)
    square = got.ndim >= 2 and got.shape[-1] == got.shape[-2]
    if square and _alike(got, np.swapaxes(want, -1, -2), scale):
        return "It is the transpose of what is expected: which of two factors comes first?"
    for axis, size in enumerate(got.shape):
        moves: list[tuple[str, Callable[[], bool]]] = [
            ("runs backwards", lambda k=axis: _alike(got, np.flip(want, k), scale)),
            (
                "comes one place late",
                lambda k=axis: _alike(_cut(got, k, 1), _cut(want, k, -1), scale),
            ),
            (
                "comes one place early",
                lambda k=axis: _alike(_cut(got, k, -1), _cut(want, k, 1), scale),
            ),
        ]
        for said, holds in moves:
            if size > 2 and holds():
                return f"The right numbers are there, but along axis {axis} everything {said}."
    return ""


def _cut(array: np.ndarray, axis: int, places: int) -> np.ndarray:
    """Return the array without its first (places > 0) or last (places < 0) entry of an axis."""
    cut = slice(places, None) if places > 0 else slice(None, places)
    return array[(slice(None),) * axis + (cut,)]


def _slice(got: np.ndarray, want: np.ndarray, wrong: np.ndarray) -> str:
    """All that is wrong lies in one slice, or all that is right does."""
    for axis, size in enumerate(wrong.shape):
        if size < 3:
            continue
        others = tuple(k for k in range(wrong.ndim) if k != axis)
        some, all_ = wrong.any(axis=others), wrong.all(axis=others)
        where = f"along axis {axis}" if wrong.ndim > 1 else ""
        if some.sum() == 1:
            index = _index(int(np.argmax(some)), size)
            return f"Everything is right but {index} {where}".rstrip() + ": what is special there?"
        if all_.sum() == size - 1 and not some[~all_].any():
            index = _index(int(np.argmin(all_)), size)
            return f"Only {index} {where}".rstrip() + " is right: what do all the others miss?"
    return ""


def _index(index: int, size: int) -> str:
    return f"index {index}" + {0: " (the first)", size - 1: " (the last)"}.get(index, "")

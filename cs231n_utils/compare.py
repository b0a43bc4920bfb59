"""Compare an answer with what was wanted, and say the difference in one sentence.

Used twice: by `check` in a student's notebook and by the judge outside it, so that both speak with
one voice. Order of the questions: is it numbers at all, has it the right shape, the right kind of
dtype, is it finite, is it close. A later question is asked only when the earlier ones are settled:
a relative error that broadcasts would accept a bias gradient of shape (N, H).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

KIND_NAMES = {"f": "floating point", "i": "integer", "b": "boolean"}


def relative_error(got: np.ndarray, want: np.ndarray) -> float:
    """Return max|got - want| / max|want|, both read as float64 (0 when both are all zero).

    The scale is the whole array's and not each entry's: rounding in a sum is as large as its
    largest term, so an entry that is zero by cancellation must not be held to its own size.
    """
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    if not want.size:
        return 0.0
    error, scale = np.abs(got - want).max(), np.abs(want).max()
    return float(error / scale) if scale > 0 else float(error)


def close(
    name: str,
    got: Any,
    want: Any,
    *,
    rtol: float = 1e-5,
    atol: float = 1e-12,
    kind: str = "f",
    squeeze: bool = False,
) -> str | None:
    """Return None when `got` equals `want` within the tolerance, else a sentence about why not.

    `kind` is the dtype kind wanted: "f" (a float of any width), "i" (an integer of any width) or
    "b". With `squeeze`, axes of length one do not count: a loss of shape (1,) is a loss.
    """
    want = np.asarray(want)
    trouble = not_numbers(name, got) or wrong_shape(name, got, want.shape, squeeze)
    trouble = trouble or wrong_kind(name, got, kind)
    if trouble:
        return trouble
    got, want = np.asarray(got).reshape(want.shape), want.astype(np.float64)
    if not np.isfinite(got).all() and np.isfinite(want).all():
        bad = int((~np.isfinite(got)).sum())
        return f"{name} must be finite. Got NaN or infinity in {bad} of {got.size} places"
    error = np.abs(got.astype(np.float64) - want)
    scale = np.abs(want).max(initial=0.0)
    if error.size and not error.max() <= atol + rtol * scale:
        return f"{name} has the right shape and wrong values: {_how_far(error, scale, rtol)}"
    return None


def words_until_end(name: str, got: Any, want: Any, *, end: int) -> str | None:
    """Compare rows of word indices up to and including the first `end`; what follows is free.

    A sampler may stop at <END> and leave <NULL> behind it, or go on: both are right.
    """
    want = np.asarray(want)
    trouble = not_numbers(name, got) or wrong_shape(name, got, want.shape, squeeze=False)
    trouble = trouble or wrong_kind(name, got, "i")
    if trouble:
        return trouble
    got = np.asarray(got)
    wrong = [row for row in range(len(want)) if not _same_sentence(got[row], want[row], end)]
    if not wrong:
        return None
    column = int(np.argmax(got[wrong[0]] != want[wrong[0]]))
    return (
        f"{name}: {len(wrong)} of {len(want)} rows differ; in row {wrong[0]} the first difference "
        f"is at word {column}"
    )


def _same_sentence(got: np.ndarray, want: np.ndarray, end: int) -> bool:
    stops = np.flatnonzero(want == end)
    length = stops[0] + 1 if len(stops) else len(want)
    return bool(np.array_equal(got[:length], want[:length]))


def between(name: str, got: Any, want: Any, *, low: float, high: float) -> str | None:
    """Accept a number (or every entry of an array) in [low, high]; `want` says what it is near.

    For answers that are random: the bounds are chosen from the distribution of the statistic.
    """
    trouble = not_numbers(name, got)
    if trouble:
        return trouble
    values = np.asarray(got, np.float64)
    if not (np.isfinite(values).all() and (values >= low).all() and (values <= high).all()):
        worst = values.flat[int(np.argmax(np.abs(values - np.asarray(want, np.float64))))]
        return f"{name} must lie between {low:.4g} and {high:.4g}. Got {worst:.4g}"
    return None


def dropped_out(name: str, got: Any, want: Any, *, p: float) -> str | None:
    """Accept `want` after dropout: each entry is 0 or want / (1 - p), a share p of them 0.

    The share may be off by six standard deviations: a right answer fails once in 500 million times.
    """
    want = np.asarray(want, np.float64)
    trouble = not_numbers(name, got) or wrong_shape(name, got, want.shape, squeeze=False)
    if trouble:
        return trouble
    got = np.asarray(got, np.float64)
    zero = got == 0
    room = 6 * np.sqrt(p * (1 - p) / want.size)
    if abs(zero.mean() - p) > room:
        return f"{name}: a share of {p:g} must be zero in training. Got {zero.mean():.3f}"
    error = np.abs(got - want / (1 - p))[~zero].max(initial=0.0)
    if not error <= 1e-4 * np.abs(want).max(initial=0.0):
        return f"{name}: what dropout keeps must be divided by 1 - p. Off by {error:.2g}"
    return None


def distributed(name: str, got: Any, want: Any, *, draws: int) -> str | None:
    """Accept rows of random draws whose mean and spread are those wanted, entry by entry.

    `got` has shape (draws, ...); `want` holds the true mean and standard deviation, (2, ...). The
    mean may be off by six standard errors, the spread by 15 %: with a thousand draws or more that
    is more than six standard errors of a spread, too.
    """
    mean, spread = np.asarray(want, np.float64)
    trouble = not_numbers(name, got) or wrong_shape(name, got, (draws, *mean.shape), False)
    if trouble:
        return trouble
    got = np.asarray(got, np.float64)
    if not np.isfinite(got).all():
        return f"{name} must be finite. Got NaN or infinity"
    floor = 1e-4 * max(np.abs(mean).max(initial=0.0), 1e-8)
    if (np.abs(got.mean(axis=0) - mean) > 6 * spread / np.sqrt(draws) + floor).any():
        return f"{name}: the mean over many draws is not what it must be"
    seen = got.std(axis=0)
    if (np.abs(seen - spread) > 0.15 * spread + floor).any():
        return f"{name}: it must vary by {spread.mean():.3g} on average. Got {seen.mean():.3g}"
    return None


def uniform(name: str, got: Any, want: Any, *, shape: Sequence[int]) -> str | None:
    """Accept random draws of this shape that are spread evenly over the interval `want` (2,).

    Judged are the support, the steepness everywhere (the largest gap between the share of draws
    below a value and what it must be, with the bound of Dvoretzky, Kiefer and Wolfowitz), both
    ends, and that draws differ from each other. A right answer fails once in three million times.
    """
    low, high = np.asarray(want, np.float64)
    trouble = not_numbers(name, got) or wrong_shape(name, got, tuple(shape), squeeze=False)
    if trouble:
        return trouble
    seen = (np.sort(np.asarray(got, np.float64), axis=None) - low) / (high - low)
    size = seen.size
    if not np.isfinite(seen).all() or seen[0] < 0 or seen[-1] > 1:
        return f"{name} must lie between {low:g} and {high:g}"
    # Each of the two bounds is passed with a chance of one in ten million.
    chance = 1e-7
    steps = np.arange(size + 1) / size
    gap = max((steps[1:] - seen).max(), (seen - steps[:-1]).max())
    if gap > np.sqrt(np.log(2 / chance) / (2 * size)):
        place = low + (high - low) * seen[int(np.argmax(np.abs(steps[1:] - seen)))]
        return (
            f"{name} must be spread evenly between {low:g} and {high:g}. "
            f"Around {place:.2f} the density is not that"
        )
    room = 1 - chance ** (1 / size)
    if seen[0] > room or seen[-1] < 1 - room:
        return f"{name} must reach both {low:g} and {high:g}, nearly"
    if len(np.unique(seen)) < 0.9 * size:
        return f"{name}: the same numbers come again and again"
    return None


def number(name: str, got: Any, want: Any) -> str | None:
    """Accept this very whole number, and say both when it is another."""
    trouble = not_numbers(name, got) or wrong_shape(name, got, (), squeeze=True)
    if trouble:
        return trouble
    got, want = int(np.asarray(got).reshape(())), int(np.asarray(want))
    return None if got == want else f"{name} must be {want}. Got {got}"


def one_of(name: str, got: Any, want: Any, **options: Any) -> str | None:
    """Accept any of the arrays in `want` (first axis), as `close` does: several rules are right.

    What is told otherwise is the distance from the nearest.
    """
    wants = np.asarray(want)
    troubles = [close(name, got, each, **options) for each in wants]
    if None in troubles:
        return None
    seen = np.asarray(got)
    if seen.shape != wants.shape[1:] or seen.dtype.kind not in "fiub":
        return troubles[0]
    away = [relative_error(seen, each) for each in wants]
    return troubles[int(np.argmin(np.nan_to_num(away, nan=np.inf)))]


def highest(name: str, got: Any, want: Any) -> str | None:
    """Accept scores (N, K) whose highest in row n is that of class want[n]."""
    want = np.asarray(want)
    trouble = not_numbers(name, got)
    if trouble:
        return trouble
    got = np.asarray(got)
    if got.ndim != 2 or len(got) != len(want):
        return f"{name} must have a row of scores for each of {len(want)}. Got {got.shape}"
    seen = got.argmax(axis=1)
    wrong = np.flatnonzero(seen != want)
    if not wrong.size:
        return None
    row = wrong[0]
    return f"{name}: class {want[row]} must score highest. Class {seen[row]} does"


def near(name: str, got: Any, want: Any, *, distance: float) -> str | None:
    """Accept an array whose distance from `want` (root of the summed squares) is at most that."""
    want = np.asarray(want)
    trouble = not_numbers(name, got) or wrong_shape(name, got, want.shape, squeeze=False)
    trouble = trouble or wrong_kind(name, got, "f")
    if trouble:
        return trouble
    away = float(np.linalg.norm(np.asarray(got, np.float64) - want.astype(np.float64)))
    if not away <= distance:  # NaN is not near
        return f"{name} must be no farther than {distance:.3g} from where it began. Got {away:.3g}"
    return None


def measured(
    name: str, got: Any, want: Any, *, measure: str, low: float, high: float
) -> str | None:
    """Accept trials of a random transform of which a measure lies in [low, high].

    `got` is what `augmentation_trials.try_transform` returned, `measure` one of its MEASURES.
    """
    from .augmentation_trials import MEASURES, SIZE

    trouble = not_numbers(name, got)
    if not trouble and (np.ndim(got) != 3 or np.shape(got)[1:] != (3, 2 * SIZE)):
        trouble = f"{name}: the trials could not be read"
    return trouble or between(name, MEASURES[measure](np.asarray(got)), want, low=low, high=high)


def stated(name: str, got: Any, want: Any) -> str | None:
    """Accept a number that is `want`, or NaN: it is not stated, and others have to judge."""
    trouble = not_numbers(name, got) or wrong_shape(name, got, np.shape(want), squeeze=False)
    if trouble:
        return trouble
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    if (np.isnan(got) | np.isclose(got, want)).all():
        return None
    return f"{name} must be {want}. Got {got}"


def holds(name: str, got: Any, want: Any) -> str | None:
    """Accept what is true; the name is the sentence that is told otherwise."""
    true = isinstance(got, bool | np.bool_ | np.ndarray) and np.ndim(got) == 0 and bool(got)
    return None if true else name


def untouched(changed: Sequence[int], names: Sequence[str]) -> str:
    """Return a sentence when one of the call's first arrays, named in order, was changed; or ""."""
    found = [names[i] for i in changed if i < len(names)]
    return f"the caller's {', '.join(found)} was changed: work on a copy" if found else ""


COMPARATORS: dict[str, Callable[..., str | None]] = {
    "close": close,
    "words_until_end": words_until_end,
    "between": between,
    "dropped_out": dropped_out,
    "distributed": distributed,
    "uniform": uniform,
    "number": number,
    "one_of": one_of,
    "highest": highest,
    "near": near,
    "measured": measured,
    "stated": stated,
    "holds": holds,
}


def not_numbers(name: str, got: Any) -> str | None:
    """Return a sentence when `got` is no array of real numbers."""
    if got is None:
        return f"{name} must be an array of numbers. Got None"
    if (
        isinstance(got, np.ndarray | np.generic | int | float)
        and np.asarray(got).dtype.kind in "fiub"
    ):
        return None
    if isinstance(got, np.ndarray):
        return f"{name} must hold real numbers. Got dtype {got.dtype}"
    # A thing that stayed with the student's code is told by what it is there.
    kind = getattr(got, "type_name", type(got).__name__)
    return f"{name} must be an array of numbers. Got {kind}"


def wrong_shape(name: str, got: Any, shape: tuple[int, ...], squeeze: bool) -> str | None:
    """Return a sentence when `got` has another shape; with `squeeze` axes of length 1 are free."""
    seen = np.shape(got)
    if seen == shape:
        return None
    if squeeze and tuple(n for n in seen if n != 1) == tuple(n for n in shape if n != 1):
        return None
    return f"{name} must have shape {shape}. Got {seen}"


def wrong_kind(name: str, got: Any, kind: str) -> str | None:
    """Return a sentence when the dtype of `got` is of another kind than "f", "i" or "b"."""
    seen = np.asarray(got).dtype
    if seen.kind == kind or (kind == "i" and seen.kind == "u"):
        return None
    return f"{name} must be {KIND_NAMES[kind]}. Got dtype {seen}"


def _how_far(error: np.ndarray, scale: float, rtol: float) -> str:
    relative = error.max() / scale if scale > 0 else error.max()
    place = np.unravel_index(int(error.argmax()), error.shape)
    where = f" at [{', '.join(str(int(i)) for i in place)}]" if error.ndim else ""
    share = float((error > rtol * scale).mean())
    return (
        f"relative error {relative:.2g}{where} ({rtol:.0e} allowed), "
        f"{share:.0%} of the entries are off"
    )

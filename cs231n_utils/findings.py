"""What a check found in one answer: right, or how it is off, where, and in which pattern.

The sentence is the comparator's (`cs231n_utils.compare`), so that `check` and the judge speak with
one voice. Here stands what a panel can show beside it: the entry that is farthest off, what was
expected there, and which entries are wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import compare, patterns

RIGHT = "right"
# What is wrong, in the order in which it should be mended: a wrong shape makes values meaningless.
UNWRITTEN, MISSING, EARLIER, RAISED = "unwritten", "missing", "earlier", "raised"
FORM, SHAPE, DTYPE, FINITE, VALUES, OTHER = "form", "shape", "dtype", "finite", "values", "other"
ORDER = (MISSING, UNWRITTEN, EARLIER, RAISED, FORM, SHAPE, DTYPE, FINITE, VALUES, OTHER, RIGHT)

# Comparators that want one shape: where in `want` it is.
SHAPED = {
    "close": lambda want: want.shape,
    "dropped_out": lambda want: want.shape,
    "near": lambda want: want.shape,
    "words_until_end": lambda want: want.shape,
    "one_of": lambda want: want.shape[1:],
}

ADVICE = {
    UNWRITTEN: "Write it in its cell, run that cell, then run this check again.",
    MISSING: "Run its cell, then this check again.",
    EARLIER: "Make that check pass first; this one may then pass by itself.",
    FORM: "Compare your return line with the last lines of the docstring.",
    DTYPE: "Find the line where the type changes: an integer array stays one until it is divided, "
    "and a comparison gives booleans.",
    FINITE: "Look for a division by zero, the logarithm of zero, or an exponential of a large "
    "number, and print what goes into it.",
}
RAISED_ADVICE = {
    "ValueError": "Print the shapes of what meets on that line, and write beside each what its "
    "axes stand for.",
    "RuntimeError": "Print the shapes and the dtypes of what meets on that line.",
    "IndexError": "Print the index and the shape of what it goes into.",
    "TypeError": "Print the types of what meets on that line.",
    "AttributeError": "Print the type of what stands before the dot.",
    "KeyError": "Print the keys that there are.",
    "NameError": "Is it spelled as where it was defined, and was that cell run?",
    "UnboundLocalError": "Is there a way to that line on which the name is never given a value?",
}


@dataclass
class Finding:
    """One thing that was compared; `trouble` is a sentence, empty when it is right.

    `wrong` marks the entries that are too far off, and `error` says how far each is, relative to
    the largest expected entry; both have the shape of `want` and are None where nothing can be
    compared entry by entry.
    """

    name: str
    kind: str = RIGHT
    trouble: str = ""
    advice: str = ""
    got: Any = None
    want: np.ndarray | None = None
    error: np.ndarray | None = None
    wrong: np.ndarray | None = None
    unit: str = "entries"

    @property
    def right(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.trouble

    @property
    def waits(self) -> bool:
        """Whether there is nothing to examine yet."""
        return self.kind in (UNWRITTEN, MISSING, EARLIER)

    @property
    def largest(self) -> float | None:
        """The largest error, relative to the largest expected entry."""
        if self.error is None or not self.error.size:
            return None
        return float(self.error.max())

    @property
    def place(self) -> tuple[int, ...]:
        """The index of the largest error."""
        worst = int(np.argmax(self.error))
        return tuple(int(i) for i in np.unravel_index(worst, self.error.shape))

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape of what was expected."""
        return None if self.want is None else self.want.shape


def compared(expectation: Mapping[str, Any], got: Any) -> Finding:
    """Compare one answer as a transcript's expectation says, and describe a difference."""
    name, comparator = expectation["name"], expectation["comparator"]
    want, options = np.asarray(expectation["want"]), expectation["options"]
    if isinstance(got, dict):
        trouble = f"{name} must be an array. Got {got.get('type', 'dict')}"
        return Finding(name, FORM, trouble, ADVICE[FORM])
    trouble = compare.COMPARATORS[comparator](name, got, want, **options)
    found = Finding(name, trouble=trouble or "")
    if trouble:
        found.kind = _kind(comparator, got, want, options)
        found.advice = ADVICE.get(found.kind, "")
    if found.kind == SHAPE:
        found.advice = patterns.shapes(np.shape(got), SHAPED[comparator](want))
    elif found.kind in (RIGHT, FINITE, VALUES) and comparator in ("close", "one_of"):
        _measure(found, np.asarray(got), want, comparator, options)
    elif found.kind in (RIGHT, VALUES) and comparator == "words_until_end":
        _measure_words(found, np.asarray(got), want, options["end"])
    return found


def _kind(comparator: str, got: Any, want: np.ndarray, options: Mapping[str, Any]) -> str:
    """Say which of the comparators' questions failed; they are asked in this order."""
    if compare.not_numbers("", got):
        return FORM
    if comparator in SHAPED:
        shape = SHAPED[comparator](want)
        if compare.wrong_shape("", got, shape, bool(options.get("squeeze"))):
            return SHAPE
    if comparator in ("close", "one_of", "near", "words_until_end"):
        usual = "i" if comparator == "words_until_end" else "f"
        if compare.wrong_kind("", got, options.get("kind", usual)):
            return DTYPE
    if comparator in ("close", "one_of") and not np.isfinite(np.asarray(got)).all():
        return FINITE
    return VALUES if comparator in ("close", "one_of", "words_until_end") else OTHER


def _measure(
    found: Finding,
    got: np.ndarray,
    want: np.ndarray,
    comparator: str,
    options: Mapping[str, Any],
) -> None:
    if comparator == "one_of":
        away = [compare.relative_error(got, each) for each in want]
        want = want[int(np.argmin(np.nan_to_num(away, nan=np.inf)))]
    got = got.reshape(want.shape)
    found.got, found.want = got, want
    numbers, wanted = got.astype(np.float64), want.astype(np.float64)
    largest = float(np.abs(wanted).max(initial=0.0))
    scale = largest or 1.0
    with np.errstate(all="ignore"):
        away = np.abs(numbers - wanted)
        away = np.where(away <= options.get("atol", 1e-12), 0.0, away)
        found.error = np.where(np.isfinite(away), away / scale, np.inf)
    room = options.get("atol", 1e-12) + options.get("rtol", 1e-5) * largest
    found.wrong = found.error * scale > room
    if found.kind == VALUES:
        found.advice = patterns.values(numbers, wanted, found.wrong)


def _measure_words(found: Finding, got: np.ndarray, want: np.ndarray, end: int) -> None:
    found.got, found.want, found.unit = got, want, "words"
    ends = want == end
    counts = np.cumsum(ends, axis=1) - ends == 0  # up to and including the first end
    found.wrong = counts & (got != want)
    found.error = found.wrong.astype(np.float64)
    if found.kind == VALUES:
        first = int(np.flatnonzero(found.wrong.any(axis=0))[0])
        found.advice = (
            f"The first difference of all is at word {first}. What does your function know at "
            "that step, and which word did it read last?"
        )

"""What a wrong answer answered, in a few numbers: enough to see that two students did the same.

A fingerprint holds, for each case and call, the error or some sums over each array that came back.
Two of them can be compared when they were made with one seed, on the same inputs. No answer and no
input can be rebuilt from one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cs231n_utils import transcripts

from .student import Call

MOST_ARRAYS = 60
"""Of one answer: a network has a gradient for each parameter, and the first ones tell enough."""
UNWRITTEN = ("NotImplementedError", "MissingFunction", "NotAllowed")


def fingerprint(logs: Sequence[Sequence[Call]]) -> list[Any] | None:
    """Return the fingerprint of an answer from the log of each case; None when there is none.

    An answer that is not written yet has none: it is no mistake that people share.
    """
    calls = [call for log in logs for call in log if call.request["op"] in ("call", "gradients")]
    if not calls or any(call.error in UNWRITTEN for call in calls):
        return None
    found: list[Any] = []
    for call in calls:
        items = [*call.items, *(call.gradients or [])]
        if len(found) + len(items) > MOST_ARRAYS:
            break
        found.append({"error": call.error} if call.error else {"changed": bool(call.changed)})
        found += [_rounded(transcripts.fingerprint(_data(item))) for item in items]
    return found


def same(known: Any, seen: Any) -> bool:
    """Return whether two fingerprints, made with one seed, are of the same answers."""
    return transcripts.same_prints(known, seen)


def _data(item: Any) -> Any:
    """What stayed with the student's code is one thing, whatever its number there."""
    return {"kept": True} if hasattr(item, "origin") else item


def _rounded(value: Any) -> Any:
    """Nine digits are far below what counts as the same, and half the bytes."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value

"""Carried errors: an answer that stands on the student's own earlier function is judged by it.

A correct backward of a wrong forward is a correct backward. So, where a forward is wrong, its
backward is held against the numeric gradient of the student's own forward; and where an earlier
function is wrong, a later one may agree with what it would give with that function inside. In
return the earlier function has to be a serious attempt: one that returns zeros, or does not look
at its arguments, carries nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from cs231n_utils import compare

from .errors import CallTimeout, StudentRaised, Wrong
from .judge import expect, expect_unchanged
from .remembered import remembered
from .student import Function, Student

# Central differences in float64: the error is about h^2 + 1e-16 / h, 1e-9 or so at this step.
STEP = 1e-5
NUMERIC_RTOL = 1e-5
SECONDS_AT_ONCE, MOST_AT_ONCE = 0.5, 256
"""Of calls in one request: their time, which is well below the limit of one call, and number."""


@remembered
def value_of(reference: Callable[..., Any], *args: Any) -> Any:
    """Return what a reference written in torch gives for NumPy arguments: an array, or a tuple."""
    out = reference(*(_tensor(value) for value in args))
    if isinstance(out, tuple):
        return tuple(each.detach().numpy() for each in out)
    return out.detach().numpy()


@remembered
def gradients_of(
    reference: Callable[..., Any], args: Sequence[Any], douts: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """Return the gradients of sum(dout * out), over all outputs, for the float arguments."""
    tensors = [_tensor(value) for value in args]
    inputs = [t.requires_grad_(True) for t in tensors if t.is_floating_point()]
    outs = _tuple(reference(*tensors))
    weights = [torch.from_numpy(dout) for dout in douts]
    return [g.numpy() for g in torch.autograd.grad(outs, inputs, weights)]


def numeric_gradients(
    outputs: Callable[[int, np.ndarray], Sequence[np.ndarray]],
    args: Sequence[np.ndarray],
    douts: Sequence[np.ndarray],
) -> list[np.ndarray]:
    """Return the gradients of sum(dout * out), over all outputs, by central differences.

    Only floating point arguments have one. `outputs` takes the position of an argument and a stack
    of versions of it, and returns the outputs for each, stacked: (versions, *shape of the dout).
    """
    gradients = []
    for position, value in enumerate(args):
        if np.asarray(value).dtype.kind != "f":
            continue
        moved = np.repeat(value[None], 2 * value.size, axis=0)
        for number, place in enumerate(np.ndindex(value.shape)):
            moved[2 * number][place] += STEP
            moved[2 * number + 1][place] -= STEP
        weighted = np.zeros(len(moved))
        for dout, out in zip(douts, outputs(position, moved), strict=True):
            weighted += (dout * out).reshape(len(moved), -1).sum(axis=1)
        differences = weighted[0::2] - weighted[1::2]
        gradients.append((differences / (2 * STEP)).reshape(value.shape).astype(value.dtype))
    return gradients


def outputs_of(
    student: Student, function: Function, args: Sequence[np.ndarray], count: int
) -> Callable[[int, np.ndarray], list[np.ndarray]]:
    """Return what `numeric_gradients` asks: the student's function, called for many versions in one
    request, but for no more than a part of a call's time.
    """
    at_once = 1

    def outputs(position: int, versions: np.ndarray) -> list[np.ndarray]:
        nonlocal at_once
        pieces, done = [], 0
        while done < len(versions):
            piece = versions[done : done + at_once]
            began = time.perf_counter()
            pieces.append(student.outputs(function, args, position, piece, count))
            seconds = (time.perf_counter() - began) / len(piece)
            done += len(piece)
            at_once = int(min(max(SECONDS_AT_ONCE / seconds, 1), MOST_AT_ONCE))
        return [np.concatenate(column) for column in zip(*pieces, strict=True)]

    return outputs


def expect_backward(
    student: Student,
    forward: Function,
    backward: Function,
    args: Sequence[np.ndarray],
    names: str,
    reference: Callable[..., torch.Tensor],
    rng: np.random.Generator,
    *,
    untouched: str = "",
) -> None:
    """Expect the gradients `names` of the student's backward, through the student's own forward.

    The forward returns its outputs and then a cache; the backward takes a gradient for each output
    and then the cache. The backward is called once for its forward: a cache may be used up by it.
    With `untouched`, the upstream gradient of that name must come back as it was.
    """
    wants = _tuple(value_of(reference, *args))
    *outs, cache = forward(*args)
    pairs = list(zip(outs, wants, strict=True))
    trouble = next(filter(None, (compare.close(forward.name, *pair) for pair in pairs)), None)
    if trouble and not all(_can_be_differentiated(*pair) for pair in pairs):
        raise Wrong(f"{backward.name} is judged through your {forward.name}: {trouble}")
    douts = [rng.standard_normal(want.shape) for want in wants]
    answer = backward(*douts, cache)
    if untouched:
        expect_unchanged(student, untouched)
    gradients = answer if isinstance(answer, tuple) else (answer,)
    if not trouble:
        wanted = gradients_of(reference, args, douts)
    else:
        outputs = outputs_of(student, forward, args, len(wants))
        wanted = numeric_gradients(outputs, args, douts)
        _insist_on_a_serious_forward(forward.name, wanted)
    for name, got, want in zip(names.split(", "), gradients, wanted, strict=True):
        if trouble and not want.any():
            continue  # the own forward leaves this argument out: nothing to hold the answer to
        expect(name, got, want, rtol=NUMERIC_RTOL, atol=1e-8 if trouble else 1e-12)


def own_version(
    student: Student, name: str, reference: Callable[..., Any], args: Sequence[Any]
) -> Callable[..., Any] | None:
    """Return the student's own function when it is a serious attempt and wrong, else None.

    It is tried on `args`; the returned callable gives its outputs without the cache, in the form of
    the reference's: an array, or a tuple. A function that is missing or raises carries nothing:
    what stands on it is judged by the truth.
    """
    function = getattr(student, name)

    def outputs(*args: Any) -> tuple[Any, ...]:
        answer = function(*args)
        return answer[:-1] if isinstance(answer, tuple) else (answer,)

    try:
        wants, outs = _tuple(reference(*args)), outputs(*args)
        pairs = list(zip(outs, wants, strict=True))
        if not any(compare.close(name, *pair) for pair in pairs):
            return None
        if not all(_can_be_differentiated(*pair) for pair in pairs):
            return None
        # Serious: each floating point argument but one at most makes a difference.
        moved = [i for i, a in enumerate(args) if np.asarray(a).dtype.kind == "f"]
        ignored = sum(
            _alike(outputs(*args[:i], args[i] + 0.1, *args[i + 1 :]), outs) for i in moved
        )
    except (Wrong, StudentRaised, CallTimeout):
        return None
    if ignored > 1 or ignored == len(moved):
        return None
    return outputs if len(wants) > 1 else lambda *args: outputs(*args)[0]


def expect_or_carried(
    name: str, got: Any, want: np.ndarray, carried: Callable[[], Any], **options: Any
) -> bool:
    """Expect `want`, or else what `carried()` gives, where it gives something.

    `carried` computes the answer with the student's own wrong function inside; it returns None
    when there is no such function.
    """
    comparator = compare.COMPARATORS[options.get("comparator", "close")]
    rest = {key: value for key, value in options.items() if key != "comparator"}
    if comparator(name, got, want, **rest):
        try:
            other = carried()
        except (Wrong, StudentRaised, CallTimeout):
            other = None
        if other is not None and not comparator(name, got, other, **rest):
            return expect(name, got, other, **options)
    return expect(name, got, want, **options)


def _can_be_differentiated(out: Any, want: np.ndarray) -> bool:
    return (
        isinstance(out, np.ndarray)
        and out.shape == want.shape
        and out.dtype == np.float64
        and bool(np.isfinite(out).all())
    )


def _alike(some: Sequence[Any], others: Sequence[Any]) -> bool:
    return all(
        np.shape(a) == np.shape(b) and np.allclose(a, b) for a, b in zip(some, others, strict=True)
    )


def _insist_on_a_serious_forward(name: str, gradients: Sequence[np.ndarray]) -> None:
    ignored = sum(not gradient.any() for gradient in gradients)
    if ignored > 1 or ignored == len(gradients):
        raise Wrong(f"your {name} does not look at its arguments yet: begin there")


def _tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _tensor(value: Any) -> torch.Tensor:
    return torch.from_numpy(np.array(value))

"""Losses and their gradients in float32, and the student's own parts for carried errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from autograder.errors import CallTimeout, StudentRaised, Wrong
from autograder.judge import expect, expect_true
from autograder.modules import expect_quietly
from autograder.student import Function, Student, tensor

# Float32 all the way: sums of some hundred squares leave 1e-6, every known mistake 1e-2 or more.
RTOL = 1e-4

Place = int | tuple[int, ...]


def draw(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Return standard normal float32 numbers."""
    return rng.standard_normal(shape).astype(np.float32)


def draw_weight(rng: np.random.Generator) -> float:
    """Return a weight that is neither 0 nor 1, and far from its own square."""
    return float(rng.uniform(2, 4))


# ------------------------------------------------------------------ references
def squares(weight: float, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return the weighted sum of squared differences."""
    return weight * torch.sum((a - b) ** 2)


def gram(features: torch.Tensor, normalize: bool = True) -> torch.Tensor:
    """Return the products of all pairs of channels, added up over the places."""
    total = torch.einsum("nchw,ndhw->ncd", features, features)
    return total / features[0].numel() if normalize else total


def style(feats, layers, targets, weights, gram: Callable = gram) -> torch.Tensor:
    """Return the weighted squared distances of the layers' Gram matrices."""
    pairs = zip(layers, targets, weights, strict=True)
    return sum(squares(w, gram(feats[layer]), target) for layer, target, w in pairs)


def variation(img: torch.Tensor, weight: float) -> torch.Tensor:
    """Return the weighted squared differences of neighbouring pixels."""
    return weight * sum(torch.sum(torch.diff(img, dim=dim) ** 2) for dim in (2, 3))


# ------------------------------------------------------------------ what is expected
def expect_loss(
    student: Student,
    function: Function,
    args: Sequence[Any],
    wrt: Sequence[Place],
    names: Sequence[str],
    reference: Callable[..., torch.Tensor],
    rng: np.random.Generator,
    *,
    carried: Callable[[], Callable[..., torch.Tensor]] | None = None,
    what: str = "loss",
    squeeze: bool = True,
) -> None:
    """Expect what the function returns, and its gradients for the arrays at the places `wrt`.

    `args` holds arrays where the function gets tensors. `reference` is called with the same
    arguments as tensors. `carried` returns a reference with the student's own parts inside; where
    the answer agrees with that one and not with ours, it counts as right.
    """
    want, wanted, weights = _differentiate(reference, args, wrt, rng)
    got, gradients = student.gradients(function, sent(args), cotangent=weights, wrt=wrt)
    if carried is not None and not expect_quietly_squeezed(got, want):
        other = _with_own_parts(carried, args, wrt, weights)
        if other is not None and expect_quietly_squeezed(got, other[0]):
            want, wanted = other
    expect(what, got, want.detach().numpy(), rtol=RTOL, squeeze=squeeze)
    for name, gradient, right in zip(names, gradients, wanted, strict=True):
        if gradient is None:
            expect_true(not right.any(), f"no gradient reaches {name}")
        else:
            expect(f"the gradient of {name}", gradient, right.numpy(), rtol=RTOL, atol=1e-6)


def expect_quietly_squeezed(got: Any, want: torch.Tensor) -> bool:
    """Return whether they are close, axes of length one apart, without a word to anybody."""
    if not isinstance(got, np.ndarray) or got.size != want.numel():
        return False
    return expect_quietly(got.reshape(tuple(want.shape)), want, RTOL)


def sent(value: Any) -> Any:
    """Return the arguments as they are sent: arrays as tensors, also inside lists."""
    if isinstance(value, np.ndarray):
        return tensor(value)
    return [sent(item) for item in value] if isinstance(value, list | tuple) else value


def _tensors(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    return [_tensors(item) for item in value] if isinstance(value, list | tuple) else value


def _at(args: Any, place: Place) -> Any:
    for step in (place,) if isinstance(place, int) else place:
        args = args[step]
    return args


def _differentiate(reference, args, wrt, rng=None, weights=None):
    tensors = _tensors(args)
    inputs = [_at(tensors, place).requires_grad_(True) for place in wrt]
    out = reference(*tensors)
    if weights is None:
        weights = rng.uniform(0.5, 1.5, tuple(out.shape)).astype(np.float32)
    cotangent = torch.from_numpy(np.array(weights))
    found = torch.autograd.grad(out, inputs, cotangent, allow_unused=True)
    pairs = zip(found, inputs, strict=True)
    gradients = [torch.zeros_like(x) if g is None else g for g, x in pairs]
    return out, gradients, weights


def _with_own_parts(carried, args, wrt, weights):
    try:
        want, wanted, _ = _differentiate(carried(), args, wrt, weights=weights)
    except (Wrong, StudentRaised, CallTimeout, RuntimeError, ValueError):
        return None
    finite = all(bool(torch.isfinite(value).all()) for value in (want, *wanted))
    return (want, wanted) if finite else None


# ------------------------------------------------------------------ the student's own parts
def own(
    student: Student, name: str, *wrt: Place, serious: bool = True
) -> Callable[..., torch.Tensor]:
    """Return the student's function as one of tensors that torch can differentiate.

    Forward and backward are both the student's. Where `serious` attempts are asked for, a function
    that does not depend on its arguments at the places `wrt` raises Wrong when it is
    differentiated.
    """

    def function(*args: Any) -> torch.Tensor:
        inputs = [_at(args, place) for place in wrt]
        return _Own.apply(student, name, args, wrt, serious, *inputs)

    return function


class _Own(torch.autograd.Function):
    @staticmethod
    def forward(ctx, student, name, args, wrt, serious, *inputs):
        ctx.student, ctx.name, ctx.args = student, name, args
        ctx.wrt, ctx.serious, ctx.inputs = wrt, serious, inputs
        out = getattr(student, name)(*_arrays(args))
        if not isinstance(out, np.ndarray) or out.dtype.kind != "f":
            raise Wrong(f"{name} must return one tensor of floats")
        return torch.from_numpy(np.array(out))

    @staticmethod
    def backward(ctx, cotangent):
        function = getattr(ctx.student, ctx.name)
        with torch.enable_grad():  # where the student's code is ours, it runs in this very process
            _, found = ctx.student.gradients(
                function, _arrays(ctx.args), cotangent=cotangent.numpy(), wrt=ctx.wrt
            )
        if ctx.serious and not all(g is not None and g.any() for g in found):
            raise Wrong(f"{ctx.name} does not look at its arguments yet")
        pairs = zip(found, ctx.inputs, strict=True)
        gradients = [torch.zeros_like(x) if g is None else torch.tensor(g) for g, x in pairs]
        return None, None, None, None, None, *gradients


def _arrays(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return tensor(value.detach().numpy())
    return [_arrays(item) for item in value] if isinstance(value, list | tuple) else value

"""Examine modules: outputs and gradients in evaluation mode, with parameters that we know."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from cs231n_utils import compare

from .errors import CallTimeout, StudentRaised, Wrong
from .judge import expect, expect_true
from .student import Kept, Student, tensor


def expect_module(
    student: Student,
    module: Kept,
    params: Mapping[str, torch.Tensor],
    inputs: Sequence[Any],
    wrt: Sequence[int],
    reference: Callable[..., torch.Tensor],
    tensors: Sequence[torch.Tensor],
    rng: np.random.Generator,
    *,
    rtol: float,
    kwargs: Mapping[str, Any] | None = None,
    carried: Callable[[], torch.Tensor | None] = lambda: None,
) -> None:
    """Expect the module's output, and its gradients for the inputs `wrt` and every parameter.

    `inputs` are what the module is called with; `reference(params, *tensors)` is what it should
    give. Where the output is not that but what `carried()` gives (the reference with the student's
    own, wrong part inside), the output counts as right and the gradients are not judged: they go
    through that part.
    """
    params = {name: params[name].clone().requires_grad_(True) for name in sorted(params)}
    tensors = [t.clone().requires_grad_(t.is_floating_point()) for t in tensors]
    want = reference(params, *tensors)
    weights = torch.from_numpy(rng.standard_normal(tuple(want.shape)).astype(np.float32))
    out, gradients = student.gradients(
        module.itself, inputs, cotangent=weights.numpy(), wrt=wrt, module=module, kwargs=kwargs
    )
    if not expect_quietly(out, want, rtol):
        other = carried()
        if other is not None and expect_quietly(out, other, rtol):
            expect("out", out, other.detach().numpy(), rtol=rtol)
            return
    expect("out", out, want.detach().numpy(), rtol=rtol)
    floats = [t for t in tensors if t.requires_grad]
    wanted = torch.autograd.grad(want, [*floats, *params.values()], weights, allow_unused=True)
    names = [f"input {i}" for i in range(len(floats))] + list(params)
    leaves = [*floats, *params.values()]
    for name, got, grad, leaf in zip(names, gradients, wanted, leaves, strict=True):
        grad = torch.zeros_like(leaf) if grad is None else grad
        if got is None:
            expect_true(not grad.any(), f"no gradient reaches {name}")
            continue
        # Some gradients are zero but for rounding (a key's bias moves all scores of a row alike).
        expect(f"the gradient of {name}", got, grad.numpy(), rtol=10 * rtol, atol=rtol)


def expect_quietly(got: Any, want: torch.Tensor, rtol: float) -> bool:
    """Return whether they are close, without a word to anybody."""
    return compare.close("out", got, want.detach().numpy(), rtol=rtol) is None


class OwnModule:
    """One of the student's own modules, loaded with known parameters, in evaluation mode.

    For carried errors: called with tensors, it answers with a tensor.
    """

    def __init__(
        self, student: Student, name: str, params: Mapping[str, torch.Tensor], *args: Any, **kw: Any
    ) -> None:
        self._module = getattr(student, name)(*args, **kw)
        if params:
            student.load(self._module, {k: v.detach().numpy() for k, v in params.items()})
        self._module.eval()

    def __call__(self, *inputs: torch.Tensor, **named: torch.Tensor | None) -> torch.Tensor:
        sent = [tensor(value.detach().numpy()) for value in inputs]
        also = {k: None if v is None else tensor(v.numpy()) for k, v in named.items()}
        out = self._module(*sent, **also)
        if not isinstance(out, np.ndarray) or out.dtype.kind != "f":
            raise Wrong("a module must return one tensor of floats")
        return torch.from_numpy(np.array(out))


def tried(compute: Callable[[], torch.Tensor]) -> Callable[[], torch.Tensor | None]:
    """Return `compute` so that it gives None where the student's own part does not do its work.

    A part whose answer is not finite, or the same everywhere, is no serious attempt.
    """

    def attempt() -> torch.Tensor | None:
        try:
            out = compute()
        except (Wrong, StudentRaised, CallTimeout, RuntimeError, ValueError):
            return None
        return out if bool(torch.isfinite(out).all()) and float(out.std()) > 1e-3 else None

    return attempt

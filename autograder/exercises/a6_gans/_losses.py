"""Losses of scores: values, gradients, shapes and extreme scores, for all exercises on losses."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from autograder.carried import expect_or_carried
from autograder.errors import Wrong
from autograder.judge import expect, expect_true, expect_unchanged
from autograder.student import Student, tensor
from cs231n_utils import compare

# Float32, and a mean over a dozen scores.
RTOL = 1e-5

Loss = Callable[..., torch.Tensor]


def bce(scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the binary cross-entropy of scores, by PyTorch's own."""
    return torch.nn.functional.binary_cross_entropy_with_logits(scores, targets)


def draw_scores(rng: np.random.Generator, shape: tuple[int, ...], extreme: float = 0) -> np.ndarray:
    """Return float32 scores of both signs, none of them zero; `extreme` ones are about that."""
    signs = np.where(np.arange(np.prod(shape)) % 2, 1.0, -1.0).reshape(shape)
    rng.shuffle(signs)
    sizes = rng.uniform(0.1, 3, shape) if not extreme else extreme * rng.uniform(0.8, 1.2, shape)
    return (signs * sizes).astype(np.float32)


def expect_loss(
    student: Student,
    name: str,
    args: Sequence[np.ndarray],
    names: str,
    reference: Loss,
    *,
    wrt: int | None = None,
    own: Loss | None = None,
) -> None:
    """Expect the loss `name(*args)` and its gradients for the first `wrt` (all) arguments.

    `own` is the reference with the student's own, wrong part inside: a loss that is what it gives
    counts as right, and its gradients, which go through that part, are not judged.
    """
    wrt = len(args) if wrt is None else wrt
    function = getattr(student, name)
    loss, gradients = student.gradients(
        function, [tensor(a) for a in args], cotangent=np.ones((), np.float32), wrt=range(wrt)
    )
    expect_unchanged(student, *names.split(", "))
    tensors = [torch.from_numpy(np.array(a)) for a in args]
    leaves = [t.requires_grad_(True) for t in tensors[:wrt]]
    want = reference(*tensors)
    value = want.detach().numpy()
    options = {"rtol": RTOL, "squeeze": True}
    if own is not None and compare.close("the loss", loss, value, **options):
        carried = [t.detach() for t in tensors]
        expect_or_carried("the loss", loss, value, lambda: own(*carried).numpy(), **options)
        return
    expect("the loss", loss, value, **options)
    wanted = torch.autograd.grad(want, leaves)
    for label, got, grad in zip(names.split(", "), gradients, wanted, strict=False):
        if expect_true(got is not None, f"no gradient reaches {label}"):
            expect(f"the gradient of {label}", got, grad.numpy(), rtol=10 * RTOL)


def own_bce(student: Student) -> Loss:
    """Return the student's own bce_loss, for carried errors; one that ignores its arguments raises.

    It is only asked for where an answer is not right already.
    """

    def value(scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        first, other = (
            student.bce_loss(tensor(s.numpy()), tensor(t.numpy()))
            for s, t in ((scores, targets), (scores + 0.5, targets))
        )
        numbers = [np.asarray(v) for v in (first, other)]
        if any(v.dtype.kind != "f" or v.size != 1 or not np.isfinite(v).all() for v in numbers):
            raise Wrong("bce_loss must return one number")
        if np.isclose(*(v.reshape(()) for v in numbers)):
            raise Wrong("bce_loss does not look at its scores yet")
        return torch.from_numpy(numbers[0].reshape(()).copy())

    return value

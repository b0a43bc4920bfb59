"""Batches, calls and the loss itself: shared by the a7 exercises.

The loss of SimCLR can be written in many ways. The judge's is the shortest: a cross-entropy for
every view, in which all other views are the classes and its partner is the right one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from autograder.carried import own_version
from autograder.judge import expect, expect_true
from autograder.student import Function, Student, named, tensor
from cs231n_utils import compare

# Single precision: two products, an exponential of up to 10 and a logarithm leave 1e-6 or so.
RTOL = 1e-4
# A single pair has a loss of zero, and so have its gradients: what is left is rounding.
ATOL = 5e-6

ON_CPU = "cs231n_utils.simclr_trials.on_cpu"


def on_cpu(student: Student, name: str) -> Function:
    """Return the student's function, to be called with itself as the first argument.

    The handout's functions say device="cuda" where they are told nothing else. They are called as
    on a computer without one.
    """
    return Function(student, {"public": ON_CPU, "name": name}, name)


def call(student: Student, name: str, *args: Any, **kwargs: Any) -> Any:
    """Call the student's function of that name."""
    return on_cpu(student, name)(named(name), *args, **kwargs)


def draw_batch(rng: np.random.Generator, N: int, D: int) -> tuple[np.ndarray, np.ndarray]:
    """Return out_left and out_right, (N, D) of float32: pairs that resemble each other.

    Their lengths differ by an order of magnitude, so that a missing division shows.
    """
    common = rng.standard_normal((N, D))

    def view() -> np.ndarray:
        lengths = np.exp(rng.uniform(-1.2, 1.2, (N, 1)))
        return (lengths * (common + 0.9 * rng.standard_normal((N, D)))).astype(np.float32)

    return view(), view()


def cosines(out: torch.Tensor) -> torch.Tensor:
    """Return the similarities of all rows, (M, D) -> (M, M)."""
    unit = F.normalize(out, dim=1)
    return unit @ unit.T


def loss_of_similarities(
    matrix: torch.Tensor, tau: float, positives: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the loss of a matrix of similarities (2N, 2N): row k and row k + N are partners.

    `positives` (2N,), if given, are the similarities of partners in place of the matrix's own.
    """
    M = len(matrix)
    partner = (torch.arange(M) + M // 2) % M
    itself = torch.eye(M, dtype=torch.bool)
    others = (matrix / tau).masked_fill(itself, -torch.inf).logsumexp(dim=1)
    if positives is None:
        positives = matrix[torch.arange(M), partner]
    return (others - positives / tau).mean()


def loss_of(left: torch.Tensor, right: torch.Tensor, tau: float) -> torch.Tensor:
    """Return the loss of a batch of pairs."""
    return loss_of_similarities(cosines(torch.cat([left, right])), tau)


def doubles(*arrays: np.ndarray) -> list[torch.Tensor]:
    """Return arrays as tensors in double precision, ready for gradients."""
    return [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in arrays]


class Sending:
    """The student as `own_version` calls it, with arrays sent as tensors.

    Answers of as many numbers as `shape` holds are brought into that form.
    """

    def __init__(self, student: Student, shape: tuple[int, ...]) -> None:
        self._student, self._shape = student, shape

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def send(*args: np.ndarray) -> Any:
            out = call(self._student, name, *(tensor(a) for a in args))
            if isinstance(out, np.ndarray) and out.size == np.prod(self._shape):
                return out.reshape(self._shape)
            return out

        return send


def own(
    student: Student, name: str, reference: Callable[..., np.ndarray], *args: np.ndarray
) -> Callable[..., Any] | None:
    """Return the student's own earlier function where it is wrong and serious, else None."""
    shape = np.shape(reference(*args))
    return own_version(Sending(student, shape), name, reference, args)  # type: ignore[arg-type]


def expect_loss(
    student: Student,
    name: str,
    batch: tuple[np.ndarray, np.ndarray],
    tau: float,
    carried: Callable[[], Iterator[torch.Tensor]],
) -> None:
    """Expect the value of a loss.

    `carried` yields what the value would be with the student's own, wrong parts inside; one of
    these is right as well.
    """
    loss = call(student, name, *(tensor(a) for a in batch), tau)
    want = _wanted(loss, loss_of(*doubles(*batch), tau), carried)
    expect("loss", loss, want.item(), rtol=RTOL, atol=ATOL, squeeze=True)


def expect_gradients(
    student: Student,
    name: str,
    batch: tuple[np.ndarray, np.ndarray],
    tau: float,
    carried: Callable[[], Iterator[torch.Tensor]],
) -> None:
    """Expect that gradients flow through a loss, back to both halves of the batch.

    Where the value is one that `carried` yields, the gradients go through a wrong part and are not
    judged. (Who writes into the caller's batch is stopped here: PyTorch lets nobody write into a
    tensor that wants gradients.)
    """
    sent = [named(name), *(tensor(a) for a in batch), tau]
    loss, gradients = student.gradients(
        on_cpu(student, name), sent, cotangent=np.array(1.0), wrt=[1, 2]
    )
    tensors = doubles(*batch)
    true = loss_of(*tensors, tau)
    want = _wanted(loss, true, carried)
    expect("loss", loss, want.item(), rtol=RTOL, atol=ATOL, squeeze=True)
    if want is not true:
        return
    wanted = torch.autograd.grad(true, tensors)
    for side, got, grad in zip(("out_left", "out_right"), gradients, wanted, strict=True):
        if expect_true(got is not None, f"no gradient reaches {side}"):
            expect(f"the gradient of {side}", got, grad.numpy(), rtol=10 * RTOL, atol=ATOL)


def _wanted(
    loss: Any, true: torch.Tensor, carried: Callable[[], Iterator[torch.Tensor]]
) -> torch.Tensor:
    """Return the first of the right values that the loss is, or the true one."""

    def is_it(value: torch.Tensor) -> bool:
        return not compare.close("loss", loss, value.item(), rtol=RTOL, atol=ATOL, squeeze=True)

    if is_it(true):
        return true
    return next(filter(is_it, carried()), true)

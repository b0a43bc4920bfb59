"""How similar are all views of a batch to each other: one matrix."""

import numpy as np
import torch

from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.judge import expect, expect_true, expect_unchanged
from autograder.student import named, tensor

from ._shared import RTOL, call, cosines, doubles, draw_batch, on_cpu

UNIT = "unit = out / out.norm(dim=1, keepdim=True)"
MATRIX = "sim_matrix = unit @ unit.T"

exercise = Exercise(
    points=4,
    returns={"compute_sim_matrix": "sim_matrix"},
    mistakes=[
        Mistake(
            "the products are not divided by the lengths",
            swap=(UNIT, "unit = out"),
            hint="A view's similarity to itself is 1. What stands on your diagonal?",
        ),
        Mistake(
            "columns are normalised",
            swap=(UNIT, "unit = out / out.norm(dim=0, keepdim=True)"),
            hint="A vector is a row. Over which axis do you add up the squares?",
        ),
        Mistake(
            "divided by the length of the whole batch",
            swap=(UNIT, "unit = out / out.norm()"),
            hint="A view's similarity to itself is 1. What stands on your diagonal?",
        ),
        Mistake(
            "the lengths have lost their axis",
            swap=(UNIT, "unit = out / out.norm(dim=1)"),
            hint="(2N, D) divided by (2N,): which axis of the one meets which of the other?",
        ),
        Mistake(
            "only one of the two lengths",
            swap=(MATRIX, "sim_matrix = unit @ out.T"),
            hint="The matrix must be the same when rows and columns are exchanged. Is yours?",
        ),
        Mistake(
            "columns are compared with columns",
            swap=(MATRIX, "sim_matrix = unit.T @ unit"),
            hint="There are 2N views. What shape has your matrix when 2N is not D?",
        ),
        Mistake(
            "the caller's batch is made shorter",
            swap=(UNIT, "out /= out.norm(dim=1, keepdim=True)\n    unit = out"),
            hint="What is out after the call? Does backward() run through your line?",
        ),
        Mistake(
            "cut off from its inputs",
            swap=(UNIT, "unit = (out / out.norm(dim=1, keepdim=True)).detach()"),
            hint="The values are right. Can a gradient flow back to out?",
        ),
        Mistake(
            "the diagonal is emptied",
            swap=(
                MATRIX,
                "sim_matrix = unit @ unit.T\n"
                "    sim_matrix = sim_matrix - torch.diag(sim_matrix.diag())",
            ),
            hint="How similar is a view to itself? Leaving it out is the loss's business.",
        ),
    ],
    equivalents=[
        Equivalent("the library's normalisation", swap=(UNIT, "unit = F.normalize(out, dim=1)")),
        Equivalent(
            "the lengths afterwards",
            swap=(
                MATRIX,
                "length = out.norm(dim=1)\n"
                "    sim_matrix = out @ out.T / torch.outer(length, length)",
            ),
        ),
        Equivalent(
            "the library's similarity",
            swap=(MATRIX, "sim_matrix = F.cosine_similarity(out[:, None], out[None], dim=2)"),
        ),
        Equivalent(
            "row after row",
            swap=(MATRIX, "sim_matrix = torch.stack([(unit * row).sum(dim=1) for row in unit])"),
        ),
        Equivalent(
            "entry after entry, in single precision",
            swap=(
                MATRIX,
                "sim_matrix = torch.zeros(len(out), len(out))\n"
                "    for i in range(len(out)):\n"
                "        for j in range(len(out)):\n"
                "            sim_matrix[i, j] = sim(out[i], out[j])",
            ),
        ),
    ],
)


def reference(out: np.ndarray) -> np.ndarray:
    """The cosines of all rows, (2N, 2N)."""
    return cosines(*doubles(out)).detach().numpy()


@exercise.case("a batch of views", public=True, N=3, D=5)
@exercise.case("as many views as dimensions", public=True, N=3, D=6)
@exercise.case("a single pair", N=1, D=4)
@exercise.case("more views than dimensions, in double precision", N=5, D=3, kind=np.float64)
def examine(student, rng, N, D, kind=np.float32):
    out = np.concatenate(draw_batch(rng, N, D)).astype(kind)
    matrix = call(student, "compute_sim_matrix", tensor(out))
    expect("sim_matrix", matrix, reference(out), rtol=RTOL)


@exercise.case("the batch is left as it was", public=True, N=2, D=5)
def examine_untouched(student, rng, N, D):
    out = np.concatenate(draw_batch(rng, N, D))
    matrix = call(student, "compute_sim_matrix", tensor(out))
    expect_unchanged(student, "out")
    expect("sim_matrix", matrix, reference(out), rtol=RTOL)


@exercise.case("gradients flow through it", public=True, N=2, D=6)
def examine_gradients(student, rng, N, D):
    out = np.concatenate(draw_batch(rng, N, D))
    weights = rng.standard_normal((2 * N, 2 * N))
    sent = [named("compute_sim_matrix"), tensor(out)]
    matrix, (gradient,) = student.gradients(
        on_cpu(student, "compute_sim_matrix"), sent, cotangent=weights, wrt=[1]
    )
    expect("sim_matrix", matrix, reference(out), rtol=RTOL)
    (double,) = doubles(out)
    (wanted,) = torch.autograd.grad(cosines(double), double, torch.from_numpy(weights))
    if expect_true(gradient is not None, "no gradient reaches out"):
        expect("the gradient of out", gradient, wanted.numpy(), rtol=10 * RTOL, atol=1e-5)

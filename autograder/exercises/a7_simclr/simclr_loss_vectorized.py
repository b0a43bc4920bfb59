"""SimCLR's loss of a batch, all pairs at once."""

from collections.abc import Iterator

import numpy as np
import torch

from autograder.exercise import Equivalent, Exercise, Mistake

from ._shared import (
    cosines,
    draw_batch,
    expect_gradients,
    expect_loss,
    loss_of_similarities,
    own,
)
from .compute_sim_matrix import reference as matrix_of
from .sim_positive_pairs import reference as pairs_of

EXPONENTIAL = "exponential = torch.exp(sim_matrix / tau)"
MASK = "itself = torch.eye(2 * N, dtype=torch.bool, device=device)"
DENOMINATOR = "denominator = exponential.masked_fill(itself, 0).sum(dim=1, keepdim=True)"
POSITIVES = "positives = sim_positive_pairs(out_left, out_right).repeat(2, 1)"
NUMERATOR = "numerator = torch.exp(positives / tau)"
SHAPE = "  # (2N, 1)"  # stands behind both lines in the solution
SPLITS = "the mean of a quotient's logarithm is a difference of two means"
LOSS = "loss = -torch.log(numerator / denominator).mean()"

exercise = Exercise(
    points=7,
    needs=["sim_positive_pairs", "compute_sim_matrix"],
    returns={"simclr_loss_vectorized": "loss"},
    harmless={
        f"{line}{SHAPE} -> {line.replace(old, new)}{SHAPE}": why
        for line, old, new, why in (
            (DENOMINATOR, "dim=1", "dim= 0", f"the matrix is symmetric, and {SPLITS}"),
            (DENOMINATOR, "keepdim=True", "keepdim=False", SPLITS),
            (
                POSITIVES,
                "repeat(2, 1)",
                "repeat(2, 2)",
                "the mean of two equal columns is the same",
            ),
        )
    },
    mistakes=[
        Mistake(
            "the diagonal stays",
            swap=("exponential.masked_fill(itself, 0)", "exponential"),
            hint="Which of the 2N views does the sum in the text leave out?",
        ),
        Mistake(
            "the diagonal is emptied before the exponential",
            swap=(
                EXPONENTIAL,
                EXPONENTIAL.replace(
                    "sim_matrix", "sim_matrix.masked_fill(torch.eye(2 * N) > 0, 0)"
                ),
            ),
            more=(("exponential.masked_fill(itself, 0)", "exponential"),),
            hint="What is exp(0)? Does a similarity of 0 leave a view out of the sum?",
        ),
        Mistake(
            "the positive pairs are taken out of the denominator",
            swap=(MASK, MASK + "\n    itself = itself | itself.roll(N, dims=0)"),
            hint="Which of the 2N views does the sum in the text leave out, and which not?",
        ),
        Mistake(
            "the mask is upside down",
            swap=("masked_fill(itself, 0)", "masked_fill(~itself, 0)"),
            hint="What is left of a row of exponential behind your mask?",
        ),
        Mistake(
            "tau acts on the numerator only",
            swap=(EXPONENTIAL, "exponential = torch.exp(sim_matrix)"),
            hint="Try tau = 5. In how many places stands tau in the text?",
        ),
        Mistake(
            "tau acts on the denominator only",
            swap=(NUMERATOR, "numerator = torch.exp(positives)"),
            hint="Try tau = 5. In how many places stands tau in the text?",
        ),
        Mistake(
            "tau divides the exponentials",
            swap=(EXPONENTIAL, "exponential = torch.exp(sim_matrix) / tau"),
            more=((NUMERATOR, "numerator = torch.exp(positives) / tau"),),
            hint="Try two values of tau. Does your loss change at all?",
        ),
        Mistake(
            "tau multiplies",
            swap=(EXPONENTIAL, EXPONENTIAL.replace("/", "*")),
            more=((NUMERATOR, NUMERATOR.replace("/", "*")),),
            hint="Should a small tau make differences larger, or smaller?",
        ),
        Mistake(
            "a sum for the mean",
            swap=(LOSS, LOSS.replace("mean", "sum")),
            hint="Does your loss grow with the batch?",
        ),
        Mistake(
            "divided by N",
            swap=(LOSS, "loss = -torch.log(numerator / denominator).sum() / N"),
            hint="Over how many terms is the mean taken?",
        ),
        Mistake(
            "the logarithm of the mean",
            swap=(LOSS, "loss = -torch.log((numerator / denominator).mean())"),
            hint="A mean of logarithms is not the logarithm of a mean. Which stands in the text?",
        ),
        Mistake(
            "the sign is lost",
            swap=(LOSS, LOSS.replace("-torch", "torch")),
            hint="Can the logarithm of a share be positive? Can a loss of this kind be negative?",
        ),
        Mistake(
            "one half of the terms",
            swap=(LOSS, "loss = -torch.log(numerator[:N] / denominator[:N]).mean()"),
            hint="Each pair adds two terms: l(k, k+N), and the other way round.",
        ),
        Mistake(
            "the denominators are one sum",
            swap=(DENOMINATOR, "denominator = exponential.masked_fill(itself, 0).sum()"),
            hint="Each of the 2N views has a denominator of its own. How many have you?",
        ),
        Mistake(
            "NumPy inside",
            swap=(
                LOSS,
                "loss = torch.tensor(-np.log((numerator / denominator).detach().numpy()).mean())",
            ),
            hint="The value is right. Which line cuts it off from out_left and out_right?",
        ),
        Mistake(
            "a plain number",
            swap=(LOSS, LOSS.replace(".mean()", ".mean().item()")),
            hint="The value is right. Can a gradient flow back through your loss?",
            like="NumPy inside",
        ),
        Mistake(
            "positives without the exponential",
            swap=(NUMERATOR, "numerator = positives / tau"),
            hint="Numerator and denominator are made of the same kind of numbers. Are yours?",
        ),
    ],
    equivalents=[
        Equivalent(
            "denominators without their axis: the mean is the same",
            swap=(DENOMINATOR, DENOMINATOR.replace(", keepdim=True", "")),
        ),
        Equivalent(
            "logarithm of a sum of exponentials",
            swap=(
                LOSS,
                "scores = (sim_matrix / tau).masked_fill(itself, -torch.inf)\n"
                "    loss = (scores.logsumexp(dim=1, keepdim=True) - positives / tau).mean()",
            ),
        ),
        Equivalent(
            "a cross-entropy",
            swap=(
                LOSS,
                "scores = (sim_matrix / tau).masked_fill(itself, -1e9)\n"
                "    partners = (torch.arange(2 * N) + N) % (2 * N)\n"
                "    loss = F.cross_entropy(scores, partners)",
            ),
        ),
        Equivalent(
            "positives from the matrix",
            swap=(
                POSITIVES,
                "positives = torch.cat([sim_matrix.diagonal(N), sim_matrix.diagonal(-N)])[:, None]",
            ),
        ),
        Equivalent(
            "the diagonal is cut out",
            swap=(
                DENOMINATOR,
                "denominator = exponential.masked_select(~itself).view(2 * N, -1).sum(1)[:, None]",
            ),
        ),
        Equivalent(
            "the diagonal is taken off",
            swap=(
                DENOMINATOR,
                "denominator = (exponential.sum(dim=1) - exponential.diag())[:, None]",
            ),
        ),
        Equivalent(
            "the mask in single precision",
            swap=(
                DENOMINATOR,
                "denominator = (exponential * (1 - itself.float())).sum(dim=1, keepdim=True)",
            ),
        ),
        Equivalent("a loss of shape (1,)", swap=(LOSS, LOSS.replace("mean()", "mean(dim=0)"))),
        Equivalent("the GPU unless told otherwise", swap=('device="cpu"', 'device="cuda"')),
        Equivalent(
            "no device at all",
            swap=(', device="cpu"', ""),
            more=((", device=device", ""),),
        ),
        Equivalent(
            "no helper but the library",
            swap=(
                POSITIVES,
                "positives = F.cosine_similarity(out_left, out_right, dim=1).repeat(2)[:, None]",
            ),
        ),
    ],
)


@exercise.case("a batch of pairs", public=True, N=3, D=5, tau=0.5)
@exercise.case("a low temperature, more pairs than dimensions", public=True, N=4, D=3, tau=0.1)
@exercise.case("a high temperature", public=True, N=2, D=6, tau=5.0)
@exercise.case("a single pair", N=1, D=4, tau=0.5)
@exercise.case("as many views as dimensions", N=3, D=6, tau=1.3)
@exercise.case("a large batch", N=33, D=16, tau=0.1)
def examine(student, rng, N, D, tau):
    batch = draw_batch(rng, N, D)
    carried = lambda: with_own_parts(student, batch, tau)  # noqa: E731
    expect_loss(student, "simclr_loss_vectorized", batch, tau, carried)


@exercise.case("gradients flow through it", public=True, N=3, D=4, tau=0.5)
@exercise.case("gradients at a low temperature", N=2, D=5, tau=0.1)
def examine_gradients(student, rng, N, D, tau):
    batch = draw_batch(rng, N, D)
    carried = lambda: with_own_parts(student, batch, tau)  # noqa: E731
    expect_gradients(student, "simclr_loss_vectorized", batch, tau, carried)


def with_own_parts(student, batch, tau) -> Iterator[torch.Tensor]:
    """Yield the loss with the student's own, wrong matrix or pairs inside, in each combination."""
    left, right = (a.astype(np.float64) for a in batch)
    out = np.concatenate([left, right])
    matrices, positives = [cosines(torch.from_numpy(out))], [pairs_of(left, right)]
    if (matrix := own(student, "compute_sim_matrix", matrix_of, out)) is not None:
        matrices.append(torch.from_numpy(np.array(matrix(out))))
    if (pairs := own(student, "sim_positive_pairs", pairs_of, left, right)) is not None:
        positives.append(np.array(pairs(left, right)))
    for each in matrices:
        yield loss_of_similarities(each, tau)
        for pair in positives:
            twice = torch.from_numpy(pair).reshape(-1).repeat(2)
            yield loss_of_similarities(each, tau, twice)

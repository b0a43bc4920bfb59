"""SimCLR's loss of a batch, one pair after another."""

from collections.abc import Iterator

import numpy as np
import torch

from autograder.exercise import Equivalent, Exercise, Mistake

from ._shared import draw_batch, expect_gradients, expect_loss, loss_of_similarities, own
from .sim import reference as sim_of

NUMERATOR = "numerator = torch.exp(sim(out[i], out[j]) / tau)"
OTHERS = "others = [torch.exp(sim(out[i], out[m]) / tau) for m in range(2 * N) if m != i]"
TOTAL = "total_loss = total_loss - torch.log(numerator / sum(others))"
BOTH = "for i, j in ((k, k + N), (k + N, k)):"
MEAN = "total_loss = total_loss / (2 * N)"

exercise = Exercise(
    points=6,
    needs=["sim"],
    returns={"simclr_loss_naive": "total_loss"},
    harmless={
        f"{BOTH} -> {BOTH.replace('k + N', 'k - N', 1)}": "row k - N from the end is row k + N",
        f"{OTHERS} -> {OTHERS.replace('!=', 'is not')}": (
            "in CPython, numbers up to 256 are one object; with 257 views, loops take seconds"
        ),
    },
    mistakes=[
        Mistake(
            "the view itself stays in the denominator",
            swap=(" if m != i]", "]"),
            hint="Which of the 2N views does the sum in the text leave out?",
        ),
        Mistake(
            "the positive pair is taken out of the denominator",
            swap=("if m != i]", "if m not in (i, j)]"),
            hint="Which of the 2N views does the sum in the text leave out, and which not?",
        ),
        Mistake(
            "the second term leaves out the wrong view",
            swap=("if m != i]", "if m != k]"),
            hint="In l(k+N, k), the sum leaves out one view. Which is it there?",
        ),
        Mistake(
            "tau acts on the numerator only",
            swap=(OTHERS, OTHERS.replace(" / tau", "")),
            hint="Try tau = 5. In how many places stands tau in the text?",
        ),
        Mistake(
            "tau divides the exponentials",
            swap=(NUMERATOR, NUMERATOR.replace(" / tau)", ") / tau")),
            more=((OTHERS, OTHERS.replace(" / tau)", ") / tau")),),
            hint="Try two values of tau. Does your loss change at all?",
        ),
        Mistake(
            "tau multiplies",
            swap=(NUMERATOR, NUMERATOR.replace("/ tau", "* tau")),
            more=((OTHERS, OTHERS.replace("/ tau", "* tau")),),
            hint="Should a small tau make differences larger, or smaller?",
        ),
        Mistake(
            "tau is left out",
            swap=(NUMERATOR, NUMERATOR.replace(" / tau", "")),
            more=((OTHERS, OTHERS.replace(" / tau", "")),),
            hint="Try two values of tau. Does your loss change at all?",
            like="tau divides the exponentials",
        ),
        Mistake(
            "only the first of the two terms",
            swap=(BOTH, "for i, j in [(k, k + N)]:"),
            hint="Each pair adds two terms: l(k, k+N), and the other way round.",
        ),
        Mistake(
            "the first term twice",
            swap=(BOTH, "for i, j in ((k, k + N), (k, k + N)):"),
            hint="l(k, k+N) and l(k+N, k) have the same numerator. And the same denominator?",
        ),
        Mistake(
            "divided by N",
            swap=(MEAN, "total_loss = total_loss / N"),
            hint="Over how many terms is the mean taken?",
        ),
        Mistake(
            "not divided at all",
            swap=(MEAN, "pass"),
            hint="Over how many terms is the mean taken?",
        ),
        Mistake(
            "the sign is lost",
            swap=(TOTAL, TOTAL.replace("loss - ", "loss + ")),
            hint="Can the logarithm of a share be positive? Can a loss of this kind be negative?",
        ),
        Mistake(
            "no logarithm",
            swap=(TOTAL, "total_loss = total_loss - numerator / sum(others)"),
            hint="Which function is applied to the quotient in the text?",
        ),
        Mistake(
            "one logarithm of the mean",
            swap=(TOTAL, "total_loss = total_loss + numerator / sum(others)"),
            more=((MEAN, "total_loss = -torch.log(total_loss / (2 * N))"),),
            hint="A mean of logarithms is not the logarithm of a mean. Which stands in the text?",
        ),
        Mistake(
            "the exponential is forgotten",
            swap=(OTHERS, OTHERS.replace("torch.exp(", "(")),
            hint="What is summed in the denominator: similarities, or their exponentials?",
        ),
        Mistake(
            "a plain number",
            swap=(
                TOTAL,
                TOTAL.replace(
                    "torch.log(numerator / sum(others))",
                    "torch.log(numerator / sum(others)).item()",
                ),
            ),
            hint="The values are right. Can a gradient flow back through your loss?",
        ),
    ],
    equivalents=[
        Equivalent(
            "a difference of logarithms",
            swap=(TOTAL, "total_loss += sum(others).log() - sim(out[i], out[j]) / tau"),
        ),
        Equivalent(
            "a loss of shape (1,)",
            swap=(MEAN, "total_loss = (total_loss / (2 * N)).reshape(1)"),
        ),
        Equivalent(
            "everything, less the view itself",
            swap=(
                OTHERS,
                "others = [torch.exp(sim(out[i], z) / tau) for z in out]\n"
                "            others.append(-torch.exp(sim(out[i], out[i]) / tau))",
            ),
        ),
        Equivalent(
            "a softmax over all the others",
            swap=(
                TOTAL,
                "scores = [sim(out[i], out[m]) / tau for m in range(2 * N) if m != i]\n"
                "            right = j if j < i else j - 1\n"
                "            total_loss = total_loss - torch.stack(scores).log_softmax(0)[right]",
            ),
        ),
    ],
)


@exercise.case("a batch of pairs", public=True, N=3, D=5, tau=0.5)
@exercise.case("a low temperature, more pairs than dimensions", public=True, N=4, D=3, tau=0.1)
@exercise.case("a high temperature", public=True, N=2, D=6, tau=5.0)
@exercise.case("a single pair", N=1, D=4, tau=0.5)
@exercise.case("as many views as dimensions", N=3, D=6, tau=1.3)
def examine(student, rng, N, D, tau):
    batch = draw_batch(rng, N, D)
    carried = lambda: with_own_sim(student, batch, tau)  # noqa: E731
    expect_loss(student, "simclr_loss_naive", batch, tau, carried)


@exercise.case("gradients flow through it", public=True, N=2, D=5, tau=0.5)
def examine_gradients(student, rng, N, D, tau):
    batch = draw_batch(rng, N, D)
    carried = lambda: with_own_sim(student, batch, tau)  # noqa: E731
    expect_gradients(student, "simclr_loss_naive", batch, tau, carried)


def with_own_sim(student, batch, tau) -> Iterator[torch.Tensor]:
    """Yield the loss with the student's own, wrong sim inside."""
    out = np.concatenate(batch).astype(np.float64)
    similar = own(student, "sim", sim_of, out[0], out[-1])
    if similar is not None:
        places = range(len(out))
        matrix = [[float(similar(out[i], out[j])) for j in places] for i in places]
        yield loss_of_similarities(torch.tensor(matrix, dtype=torch.float64), tau)

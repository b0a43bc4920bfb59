"""Binary cross-entropy of scores, without overflow."""

import numpy as np

from autograder.exercise import Equivalent, Exercise, Mistake

from ._losses import bce, draw_scores, expect_loss

EACH = "each = input.clamp(min=0) - input * target + torch.log1p(torch.exp(-input.abs()))"
MEAN = "loss = each.mean()"
P = "p = torch.sigmoid(input)\n    "

exercise = Exercise(
    points=4,
    mistakes=[
        Mistake(
            "the logarithm of a sigmoid",
            swap=(EACH, P + "each = -(target * torch.log(p) + (1 - target) * torch.log(1 - p))"),
            hint="It is right for small scores. What is log(sigmoid(s)) for s = -1000?",
        ),
        Mistake(
            "a small number inside the logarithm",
            swap=(
                EACH,
                P + "each = -(target * torch.log(p + 1e-8) "
                "+ (1 - target) * torch.log(1 - p + 1e-8))",
            ),
            hint="It is finite now. But what is your loss for a score of -1000 and a target of 1, "
            "and what should it be?",
        ),
        Mistake(
            "the loss is cut off at 100",
            swap=(
                EACH,
                "each = nn.functional.binary_cross_entropy("
                'torch.sigmoid(input), target, reduction="none")',
            ),
            hint="It is finite. But what is your loss for a score of -1000 and a target of 1, "
            "and what should it be?",
        ),
        Mistake(
            "overflow for large scores",
            swap=(EACH, "each = torch.log(1 + torch.exp(input)) - input * target"),
            hint="It is right for small scores. What is exp(1000) in float32?",
        ),
        Mistake(
            "the absolute value is left out",
            swap=(EACH, EACH.replace("-input.abs()", "-input")),
            hint="It is right for positive scores. What do you raise e to for negative ones?",
        ),
        Mistake(
            "the sum",
            swap=(MEAN, "loss = each.sum()"),
            hint="Does your loss grow with the number of scores?",
        ),
        Mistake(
            "one loss for each score",
            swap=(MEAN, "loss = each"),
            hint="How many numbers does it return?",
        ),
        Mistake(
            "targets exchanged",
            swap=(EACH, EACH.replace("input * target", "input * (1 - target)")),
            hint="A target of 1 and a large positive score agree. Is your loss small then?",
        ),
        Mistake(
            "the opposite sign",
            swap=(MEAN, "loss = -each.mean()"),
            hint="Can a cross-entropy be negative?",
        ),
        Mistake(
            "a sigmoid first",
            swap=(EACH, "input = torch.sigmoid(input)\n    " + EACH),
            hint="Scores come as they are. How often do you make probabilities of them?",
        ),
    ],
    equivalents=[
        Equivalent(
            "PyTorch's own",
            swap=(EACH, "loss = nn.functional.binary_cross_entropy_with_logits(input, target)"),
            more=((MEAN, "pass"),),
        ),
        Equivalent(
            "PyTorch's module",
            swap=(EACH, "loss = nn.BCEWithLogitsLoss()(input, target)"),
            more=((MEAN, "loss = loss.reshape(1)"),),
        ),
        Equivalent(
            "softplus", swap=(EACH, "each = nn.functional.softplus(input) - input * target")
        ),
        Equivalent(
            "the logarithm of the sigmoid in one step",
            swap=(
                EACH,
                "log = nn.functional.logsigmoid\n"
                "    each = -(target * log(input) + (1 - target) * log(-input))",
            ),
        ),
        Equivalent(
            "the maximum taken out of a sum of exponentials",
            swap=(
                EACH,
                "each = torch.logaddexp(torch.zeros_like(input), input) - input * target",
            ),
        ),
        Equivalent(
            "one plus the exponential",
            swap=(EACH, EACH.replace("torch.log1p(", "torch.log(1 + ")),
        ),
        Equivalent("in double precision", swap=(MEAN, "loss = each.double().mean()")),
    ],
)


@exercise.case("value and gradient", public=True, shape=(7,))
@exercise.case("one column of scores", public=True, shape=(6, 1))
@exercise.case("a single score", shape=(1,))
@exercise.case(
    "scores that are very sure, rightly and wrongly", public=True, extreme=1000, shape=(8,)
)
@exercise.case("scores that are rather sure", extreme=40, shape=(8, 1))
def examine(student, rng, shape, extreme=0):
    scores = draw_scores(rng, shape, extreme)
    targets = (np.arange(scores.size) % 4 < 2).reshape(shape).astype(np.float32)
    if scores.size == 1:
        targets[:] = rng.integers(2)
    rng.shuffle(targets)
    if extreme:  # both targets for both signs
        scores = np.abs(scores) * np.where(np.arange(scores.size) % 2, 1, -1).reshape(shape)
        targets = (np.arange(scores.size) % 4 < 2).reshape(shape)
    args = scores.astype(np.float32), targets.astype(np.float32)
    expect_loss(student, "bce_loss", args, "input, target", bce, wrt=1)

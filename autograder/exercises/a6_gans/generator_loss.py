"""The generator's loss: made up images should be taken for real."""

import torch

from autograder.exercise import Equivalent, Exercise, Mistake

from ._losses import bce, draw_scores, expect_loss, own_bce

LOSS = "loss = bce_loss(logits_fake, torch.ones_like(logits_fake))"

exercise = Exercise(
    points=3,
    needs=["bce_loss"],
    mistakes=[
        Mistake(
            "the loss that saturates",
            swap=(LOSS, "loss = -bce_loss(logits_fake, torch.zeros_like(logits_fake))"),
            hint="What is the gradient of your loss for an image that the discriminator is sure "
            "is made up?",
        ),
        Mistake(
            "the discriminator's wish",
            swap=(LOSS, LOSS.replace("ones", "zeros")),
            hint="Which score would the generator like its images to get?",
        ),
        Mistake(
            "the opposite sign",
            swap=(LOSS, LOSS.replace("= bce", "= -bce")),
            hint="The loss is made smaller in training. What happens to the scores then?",
        ),
        Mistake(
            "a sigmoid first",
            swap=(LOSS, LOSS.replace("loss(logits_fake", "loss(torch.sigmoid(logits_fake)")),
            hint="bce_loss takes scores as they are. How small can your loss become, at best?",
        ),
        Mistake(
            "scores must be a column",
            swap=(LOSS, f"N, _ = logits_fake.shape\n    {LOSS}"),
            hint="Scores may have the shape (N,), too. Try torch.randn(5).",
        ),
        Mistake(
            "the sum",
            swap=(LOSS, f"{LOSS} * logits_fake.numel()"),
            hint="Does your loss grow with the number of images?",
        ),
        Mistake(
            "no gradient",
            swap=(LOSS, LOSS.replace("loss(logits_fake", "loss(logits_fake.detach()")),
            hint="The value is right. How would the generator hear of it?",
        ),
    ],
    equivalents=[
        Equivalent(
            "PyTorch's own",
            swap=(
                LOSS,
                "loss = nn.BCEWithLogitsLoss()(logits_fake, torch.ones(logits_fake.size()))",
            ),
        ),
        Equivalent(
            "by softplus", swap=(LOSS, "loss = nn.functional.softplus(-logits_fake).mean()")
        ),
        Equivalent("of shape (1,)", swap=(LOSS, f"{LOSS}.reshape(1)")),
    ],
)


def _reference(fake, bce=bce):
    return bce(fake, torch.ones_like(fake))


@exercise.case("value and gradient", public=True, shape=(7,))
@exercise.case("one column of scores", public=True, shape=(6, 1))
@exercise.case("a single image, one number", shape=(1,))
@exercise.case("a single image, one column", shape=(1, 1))
@exercise.case("a discriminator that is very sure", extreme=500, shape=(8, 1))
def examine(student, rng, shape, extreme=0):
    own = own_bce(student)
    expect_loss(
        student,
        "generator_loss",
        [draw_scores(rng, shape, extreme)],
        "logits_fake",
        _reference,
        own=lambda scores: _reference(scores, bce=own),
    )

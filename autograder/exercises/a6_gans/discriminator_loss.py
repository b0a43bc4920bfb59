"""The discriminator's loss: real images are real, made up ones are not."""

import torch

from autograder.exercise import Equivalent, Exercise, Mistake

from ._losses import bce, draw_scores, expect_loss, own_bce

REAL = "real = bce_loss(logits_real, torch.ones_like(logits_real))"
FAKE = "fake = bce_loss(logits_fake, torch.zeros_like(logits_fake))"
SUM = "loss = real + fake"

exercise = Exercise(
    points=3,
    needs=["bce_loss"],
    mistakes=[
        Mistake(
            "targets exchanged",
            swap=(REAL, REAL.replace("ones", "zeros")),
            more=((FAKE, FAKE.replace("zeros", "ones")),),
            hint="Which target stands for real? Is the loss small when real images score high?",
        ),
        Mistake(
            "everything is real",
            swap=(FAKE, FAKE.replace("zeros", "ones")),
            hint="Which scores should the discriminator give to made up images?",
        ),
        Mistake(
            "only the real images",
            swap=(SUM, "loss = real"),
            hint="Does the loss change when the scores of made up images change?",
        ),
        Mistake(
            "only the made up images",
            swap=(SUM, "loss = fake"),
            hint="Does the loss change when the scores of real images change?",
        ),
        Mistake(
            "the mean of both",
            swap=(SUM, "loss = (real + fake) / 2"),
            hint="Read the equation again: what stands before the two means?",
        ),
        Mistake(
            "the difference of both",
            swap=(SUM, "loss = real - fake"),
            hint="The discriminator wants both of its answers to be right.",
        ),
        Mistake(
            "a sigmoid first",
            swap=(REAL, REAL.replace("loss(logits_real", "loss(torch.sigmoid(logits_real)")),
            more=((FAKE, FAKE.replace("loss(logits_fake", "loss(torch.sigmoid(logits_fake)")),),
            hint="bce_loss takes scores as they are. How small can your loss become, at best?",
        ),
        Mistake(
            "scores must be a column",
            swap=(REAL, f"N, _ = logits_real.shape\n    {REAL}"),
            hint="Scores may have the shape (N,), too. Try torch.randn(5).",
        ),
        Mistake(
            "made up images are left alone",
            swap=(FAKE, FAKE.replace("loss(logits_fake", "loss(logits_fake.detach()")),
            hint="The value is right. Through which scores does a gradient flow?",
        ),
    ],
    equivalents=[
        Equivalent(
            "PyTorch's own, with targets made from the size",
            swap=(
                REAL,
                "bce = nn.BCEWithLogitsLoss()\n"
                "    real = bce(logits_real, torch.ones(logits_real.size()))",
            ),
            more=((FAKE, "fake = bce(logits_fake, torch.zeros(logits_fake.size()))"),),
        ),
        Equivalent(
            "by softplus",
            swap=(REAL, "real = nn.functional.softplus(-logits_real).mean()"),
            more=((FAKE, "fake = nn.functional.softplus(logits_fake).mean()"),),
        ),
        Equivalent(
            "a row of targets beside a column of scores",
            swap=(REAL, "real = bce_loss(logits_real, torch.ones(len(logits_real)))"),
            more=((FAKE, "fake = bce_loss(logits_fake, torch.zeros(len(logits_fake)))"),),
        ),
        Equivalent("of shape (1,)", swap=(SUM, "loss = (real + fake).reshape(1)")),
        Equivalent(
            "both at once",
            swap=(REAL, "scores = torch.cat([logits_real, logits_fake])"),
            more=(
                (FAKE, "targets = torch.cat([logits_real * 0 + 1, logits_fake * 0]).detach()"),
                (SUM, "loss = 2 * bce_loss(scores, targets)"),
            ),
        ),
    ],
)


def _reference(real, fake, bce=bce):
    return bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))


@exercise.case("value and gradients", public=True, shape=(7,))
@exercise.case("one column of scores", public=True, shape=(6, 1))
@exercise.case("a single image, one number", shape=(1,))
@exercise.case("a single image, one column", shape=(1, 1))
@exercise.case("a discriminator that is very sure", extreme=500, shape=(8, 1))
def examine(student, rng, shape, extreme=0):
    args = [draw_scores(rng, shape, extreme) for _ in range(2)]
    own = own_bce(student)
    expect_loss(
        student,
        "discriminator_loss",
        args,
        "logits_real, logits_fake",
        _reference,
        own=lambda *scores: _reference(*scores, bce=own),
    )

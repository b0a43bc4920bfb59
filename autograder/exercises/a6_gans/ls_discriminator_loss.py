"""The discriminator's loss by least squares."""

from autograder.exercise import Equivalent, Exercise, Mistake

from ._losses import draw_scores, expect_loss

REAL = "real = 0.5 * ((scores_real - 1) ** 2).mean()"
FAKE = "fake = 0.5 * (scores_fake**2).mean()"
SUM = "loss = real + fake"

exercise = Exercise(
    points=3,
    mistakes=[
        Mistake(
            "targets exchanged",
            swap=(REAL, REAL.replace("scores_real - 1", "scores_real")),
            more=((FAKE, FAKE.replace("scores_fake**2", "(scores_fake - 1) ** 2")),),
            hint="Which score should a real image get?",
        ),
        Mistake(
            "no halves",
            swap=(REAL, REAL.replace("0.5 * ", "")),
            more=((FAKE, FAKE.replace("0.5 * ", "")),),
            hint="Read the equation again: what stands before the two means?",
        ),
        Mistake(
            "a half is missing for the made up images",
            swap=(FAKE, FAKE.replace("0.5 * ", "")),
            hint="Read the equation again: what stands before the two means?",
        ),
        Mistake(
            "sums in place of means",
            swap=(REAL, REAL.replace("mean", "sum")),
            more=((FAKE, FAKE.replace("mean", "sum")),),
            hint="Does your loss grow with the number of images?",
        ),
        Mistake(
            "the square of the mean",
            swap=(REAL, "real = 0.5 * (scores_real - 1).mean() ** 2"),
            more=((FAKE, "fake = 0.5 * scores_fake.mean() ** 2"),),
            hint="Scores of 0 and 2 for two real images: is your loss zero?",
        ),
        Mistake(
            "a sigmoid first",
            swap=(REAL, REAL.replace("scores_real", "scores_real.sigmoid()")),
            more=((FAKE, FAKE.replace("scores_fake", "scores_fake.sigmoid()")),),
            hint="Here a score is compared with 1 and 0 as it is.",
        ),
        Mistake(
            "absolute values",
            swap=(REAL, "real = 0.5 * (scores_real - 1).abs().mean()"),
            more=((FAKE, "fake = 0.5 * scores_fake.abs().mean()"),),
            hint="A score that is twice as far off: how many times as much does it cost?",
        ),
        Mistake(
            "targets of 1 and -1",
            swap=(FAKE, FAKE.replace("scores_fake**2", "(scores_fake + 1) ** 2")),
            hint="Which score should a made up image get?",
        ),
        Mistake(
            "only the real images",
            swap=(SUM, "loss = real"),
            hint="Does the loss change when the scores of made up images change?",
        ),
        Mistake(
            "scores must be a column",
            swap=(REAL, f"N, _ = scores_real.shape\n    {REAL}"),
            hint="Scores may have the shape (N,), too. Try torch.randn(5).",
        ),
    ],
    equivalents=[
        Equivalent(
            "PyTorch's mean squared error",
            swap=(
                REAL,
                "mse = nn.MSELoss()\n    real = mse(scores_real, torch.ones_like(scores_real)) / 2",
            ),
            more=((FAKE, "fake = mse(scores_fake, torch.zeros_like(scores_fake)) / 2"),),
        ),
        Equivalent(
            "a row of targets beside a column of scores",
            swap=(REAL, "real = 0.5 * ((scores_real - torch.ones(len(scores_real))) ** 2).mean()"),
        ),
        Equivalent(
            "by powers and sizes",
            swap=(REAL, "real = (scores_real - 1).pow(2).sum() / (2 * scores_real.numel())"),
        ),
        Equivalent("of shape (1,)", swap=(SUM, "loss = (real + fake).view(1)")),
    ],
)


def _reference(real, fake):
    return (real - 1).square().mean() / 2 + fake.square().mean() / 2


@exercise.case("value and gradients", public=True, shape=(7,))
@exercise.case("one column of scores", public=True, shape=(6, 1))
@exercise.case("a single image, one number", shape=(1,))
@exercise.case("a single image, one column", shape=(1, 1))
def examine(student, rng, shape):
    args = [draw_scores(rng, shape) for _ in range(2)]
    names = "scores_real, scores_fake"
    expect_loss(student, "ls_discriminator_loss", args, names, _reference)

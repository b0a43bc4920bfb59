"""The generator's loss by least squares."""

from autograder.exercise import Equivalent, Exercise, Mistake

from ._losses import draw_scores, expect_loss

LOSS = "loss = 0.5 * ((scores_fake - 1) ** 2).mean()"

exercise = Exercise(
    points=2,
    mistakes=[
        Mistake(
            "the discriminator's wish",
            swap=(LOSS, LOSS.replace("(scores_fake - 1)", "scores_fake")),
            hint="Which score would the generator like its images to get?",
        ),
        Mistake(
            "no half",
            swap=(LOSS, LOSS.replace("0.5 * ", "")),
            hint="Read the equation again: what stands before the mean?",
        ),
        Mistake(
            "the opposite sign",
            swap=(LOSS, LOSS.replace("= 0.5", "= -0.5")),
            hint="The loss is made smaller in training. What happens to the scores then?",
        ),
        Mistake(
            "the sum",
            swap=(LOSS, LOSS.replace("mean", "sum")),
            hint="Does your loss grow with the number of images?",
        ),
        Mistake(
            "the square of the mean",
            swap=(LOSS, "loss = 0.5 * (scores_fake - 1).mean() ** 2"),
            hint="Scores of 0 and 2 for two images: is your loss zero?",
        ),
        Mistake(
            "a sigmoid first",
            swap=(LOSS, LOSS.replace("scores_fake", "scores_fake.sigmoid()")),
            hint="Here a score is compared with 1 as it is.",
        ),
        Mistake(
            "scores must be a column",
            swap=(LOSS, f"N, _ = scores_fake.shape\n    {LOSS}"),
            hint="Scores may have the shape (N,), too. Try torch.randn(5).",
        ),
        Mistake(
            "no gradient",
            swap=(LOSS, LOSS.replace("scores_fake", "scores_fake.detach()")),
            hint="The value is right. How would the generator hear of it?",
        ),
    ],
    equivalents=[
        Equivalent(
            "PyTorch's mean squared error",
            swap=(
                LOSS,
                "loss = 0.5 * nn.functional.mse_loss(scores_fake, torch.ones_like(scores_fake))",
            ),
        ),
        Equivalent(
            "by powers and sizes",
            swap=(LOSS, "loss = (scores_fake - 1).pow(2).sum() / (2 * scores_fake.numel())"),
        ),
        Equivalent("of shape (1,)", swap=(LOSS, f"{LOSS}.view(1)")),
    ],
)


def _reference(fake):
    return (fake - 1).square().mean() / 2


@exercise.case("value and gradient", public=True, shape=(7,))
@exercise.case("one column of scores", public=True, shape=(6, 1))
@exercise.case("a single image, one number", shape=(1,))
@exercise.case("a single image, one column", shape=(1, 1))
def examine(student, rng, shape):
    args = [draw_scores(rng, shape)]
    expect_loss(student, "ls_generator_loss", args, "scores_fake", _reference)

"""The content loss: how far features are from those of the content picture."""

from autograder.exercise import Equivalent, Exercise, Mistake

from ._style import draw, draw_weight, expect_loss, squares

DIFFERENCE = "difference = content_current - content_original"
LOSS = "loss = content_weight * (difference**2).sum()"

exercise = Exercise(
    points=3,
    returns={"content_loss": "loss"},
    mistakes=[
        Mistake(
            "a mean in place of a sum",
            swap=(".sum()", ".mean()"),
            hint="Features twice as wide: does the loss grow, or stay?",
        ),
        Mistake(
            "absolute values in place of squares",
            swap=("(difference**2)", "difference.abs()"),
            hint="Double the difference. By what factor does the loss grow?",
        ),
        Mistake(
            "the weight is squared",
            swap=(LOSS, "loss = ((content_weight * difference) ** 2).sum()"),
            hint="Double the weight. By what factor does the loss grow?",
        ),
        Mistake(
            "the weight is left out",
            swap=("content_weight * ", ""),
            hint="Call it with a weight of 0.",
        ),
        Mistake(
            "the root of the sum",
            swap=("(difference**2).sum()", "torch.norm(difference)"),
            hint="Double the difference. By what factor does the loss grow?",
        ),
        Mistake(
            "half of it",
            swap=("content_weight * ", "0.5 * content_weight * "),
            hint="Some papers have a factor in front of the sum. Is there one in the text here?",
        ),
        Mistake(
            "the sum is squared",
            swap=("(difference**2).sum()", "difference.sum() ** 2"),
            hint="Can two different feature maps have a loss of 0? What is squared?",
        ),
        Mistake(
            "the squares are subtracted",
            swap=("(difference**2).sum()", "(content_current**2 - content_original**2).sum()"),
            hint="Can the loss be negative?",
        ),
        Mistake(
            "cut off from the picture",
            swap=(DIFFERENCE, "difference = content_current.detach() - content_original"),
            more=((".sum()", ".sum() + 0 * content_current.sum()"),),
            hint="The value is right. What is its gradient with respect to content_current?",
        ),
    ],
    equivalents=[
        Equivalent(
            "PyTorch's own squared error",
            swap=(
                LOSS,
                "loss = content_weight * torch.nn.functional.mse_loss("
                'content_current, content_original, reduction="sum")',
            ),
        ),
        Equivalent(
            "the square of a norm",
            swap=("(difference**2).sum()", "torch.linalg.vector_norm(difference) ** 2"),
        ),
        Equivalent(
            "a product with itself",
            swap=("(difference**2).sum()", "(difference.flatten() @ difference.flatten())"),
        ),
        Equivalent(
            "matrices of channels and places",
            swap=(
                DIFFERENCE,
                "_, C, H, W = content_current.shape\n"
                "    difference = content_current.view(C, H * W) - content_original.view(C, -1)",
            ),
        ),
        Equivalent(
            "a loop over channels",
            swap=(
                LOSS,
                "loss = torch.zeros(1)\n"
                "    for channel in difference[0]:\n"
                "        loss += content_weight * torch.sum(channel.pow(2))",
            ),
        ),
        Equivalent(
            "the other way round",
            swap=(DIFFERENCE, "difference = content_original - content_current"),
        ),
        Equivalent(
            "einsum",
            swap=("(difference**2).sum()", 'torch.einsum("nchw,nchw->", difference, difference)'),
        ),
    ],
)


@exercise.case("value and gradient", public=True, C=3, H=5, W=4)
@exercise.case("more channels than places", C=7, H=2, W=3)
@exercise.case("a single channel", C=1, H=4, W=3)
@exercise.case("a whole number as weight", C=4, H=3, W=5, weight=6)
def examine(student, rng, C, H, W, weight=None):
    weight = draw_weight(rng) if weight is None else weight
    current, original = draw(rng, 1, C, H, W), draw(rng, 1, C, H, W)
    expect_loss(
        student,
        student.content_loss,
        (weight, current, original),
        [1],
        ["content_current"],
        squares,
        rng,
    )

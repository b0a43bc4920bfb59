"""The total variation: how much neighbouring pixels differ."""

from autograder.exercise import Equivalent, Exercise, Mistake

from ._style import draw, draw_weight, expect_loss, variation

DOWN = "down = img[:, :, 1:, :] - img[:, :, :-1, :]"
RIGHT = "right = img[:, :, :, 1:] - img[:, :, :, :-1]"
LOSS = "loss = tv_weight * ((down**2).sum() + (right**2).sum())"

exercise = Exercise(
    points=5,
    returns={"tv_loss": "loss"},
    mistakes=[
        Mistake(
            "absolute values in place of squares",
            swap=("(down**2).sum() + (right**2).sum()", "down.abs().sum() + right.abs().sum()"),
            hint="Double all pixels. By what factor does the loss grow?",
        ),
        Mistake(
            "the picture is closed to a ring",
            swap=(DOWN, "down = img - torch.roll(img, 1, dims=2)"),
            more=((RIGHT, "right = img - torch.roll(img, 1, dims=3)"),),
            hint="Are the first and the last row neighbours? How many pairs of rows are there?",
        ),
        Mistake(
            "the last row and column are left out",
            swap=(DOWN, "down = img[:, :, 1:, :-1] - img[:, :, :-1, :-1]"),
            more=((RIGHT, "right = img[:, :, :-1, 1:] - img[:, :, :-1, :-1]"),),
            hint="How many pairs are there in the last row? Count those that you add up.",
        ),
        Mistake(
            "a mean in place of a sum",
            swap=("(down**2).sum() + (right**2).sum()", "(down**2).mean() + (right**2).mean()"),
            hint="A picture twice as wide: does the loss grow, or stay?",
        ),
        Mistake(
            "the weight is squared",
            swap=(
                LOSS,
                "loss = ((tv_weight * down) ** 2).sum() + ((tv_weight * right) ** 2).sum()",
            ),
            hint="Double the weight. By what factor does the loss grow?",
        ),
        Mistake(
            "the weight acts on one of the two sums",
            swap=(LOSS, "loss = tv_weight * (down**2).sum() + (right**2).sum()"),
            hint="Call it with a weight of 0.",
        ),
        Mistake(
            "the weight is left out",
            swap=("tv_weight * ", ""),
            hint="Call it with a weight of 0.",
        ),
        Mistake(
            "only neighbours below each other",
            swap=("((down**2).sum() + (right**2).sum())", "(down**2).sum()"),
            hint="Try a picture of vertical stripes.",
        ),
        Mistake(
            "only neighbours beside each other",
            swap=("((down**2).sum() + (right**2).sum())", "(right**2).sum()"),
            hint="Try a picture of horizontal stripes.",
        ),
        Mistake(
            "each pair is counted twice",
            swap=("tv_weight * ", "2 * tv_weight * "),
            hint="Work it out by hand for a picture of two pixels.",
        ),
        Mistake(
            "channels count as neighbours",
            swap=(
                LOSS,
                "across = img[:, 1:] - img[:, :-1]\n"
                "    loss = tv_weight * ((down**2).sum() + (right**2).sum() + (across**2).sum())",
            ),
            hint="A picture of one colour everywhere: is its loss 0?",
        ),
        Mistake(
            "only the first channel",
            swap=(DOWN, "img = img[:, :1]\n    " + DOWN),
            hint="Change the blue channel. Does the loss change?",
        ),
        Mistake(
            "the two differences are added before they are squared",
            swap=(LOSS, "loss = tv_weight * ((down[..., :-1] + right[:, :, :-1]) ** 2).sum()"),
            hint="Can the two differences of a pixel cancel each other?",
        ),
        Mistake(
            "the length of both differences, pixel by pixel",
            swap=(
                LOSS,
                "loss = tv_weight * (down[..., :-1]**2 + right[:, :, :-1]**2).sqrt().sum()",
            ),
            hint="Double all pixels. By what factor does the loss grow?",
        ),
        Mistake(
            "neighbours two steps apart",
            swap=(DOWN, "down = img[:, :, 2:, :] - img[:, :, :-2, :]"),
            more=((RIGHT, "right = img[:, :, :, 2:] - img[:, :, :, :-2]"),),
            hint="Which pixels lie next to each other?",
        ),
        Mistake(
            "the same neighbour on both sides",
            swap=(RIGHT, "right = img[:, :, 1:, :] - img[:, :, :-1, :]"),
            hint="Which axis counts rows, and which columns?",
        ),
    ],
    equivalents=[
        Equivalent(
            "diff",
            swap=(DOWN, "down = torch.diff(img, dim=2)"),
            more=((RIGHT, "right = img.diff(dim=-1)"),),
        ),
        Equivalent(
            "narrow",
            swap=(
                DOWN,
                "down = img.narrow(2, 1, img.size(2) - 1) - img.narrow(2, 0, img.size(2) - 1)",
            ),
        ),
        Equivalent(
            "rolled, without the row that comes round",
            swap=(DOWN, "down = (img - torch.roll(img, 1, dims=2))[:, :, 1:]"),
        ),
        Equivalent(
            "padded with the border itself",
            swap=(
                RIGHT,
                'padded = torch.nn.functional.pad(img, (0, 1, 0, 0), mode="replicate")\n'
                "    right = padded[..., 1:] - img",
            ),
        ),
        Equivalent(
            "a convolution",
            swap=(
                RIGHT,
                "kernel = torch.tensor([[[[-1.0, 1.0]]]]).repeat(3, 1, 1, 1)\n"
                "    right = torch.nn.functional.conv2d(img, kernel, groups=3)",
            ),
        ),
        Equivalent(
            "PyTorch's own squared error",
            swap=(
                LOSS,
                "mse = torch.nn.functional.mse_loss\n"
                '    loss = tv_weight * mse(img[..., 1:], img[..., :-1], reduction="sum")\n'
                "    loss = loss + tv_weight * (down**2).sum()",
            ),
        ),
        Equivalent(
            "a loop over the rows",
            swap=(
                DOWN,
                "rows = range(img.shape[2] - 1)\n"
                "    down = torch.stack([img[0, :, i + 1] - img[0, :, i] for i in rows])",
            ),
        ),
        Equivalent(
            "powers of absolute values",
            swap=("(down**2).sum()", "torch.pow(torch.abs(down), 2).sum()"),
        ),
        Equivalent(
            "the differences the other way round",
            swap=(DOWN, "down = img[:, :, :-1] - img[:, :, 1:]"),
        ),
        Equivalent(
            "a tensor of one number",
            swap=("tv_weight * ", "torch.ones(1) * tv_weight * "),
        ),
    ],
)


@exercise.case("value and gradient", public=True, H=4, W=6)
@exercise.case("a tall picture", H=9, W=3)
@exercise.case("a square picture", H=5, W=5)
@exercise.case("a whole number as weight", H=3, W=4, weight=7)
def examine(student, rng, H, W, weight=None):
    weight = draw_weight(rng) if weight is None else weight
    expect_loss(
        student, student.tv_loss, (draw(rng, 1, 3, H, W), weight), [0], ["img"], variation, rng
    )

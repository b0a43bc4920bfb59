"""Feature inversion: the loss of a picture that is to have given features, and be smooth."""

import numpy as np
import torch

from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.judge import expect, expect_true
from autograder.student import tensor

from ._networks import RTOL, build, draw, draw_parameters, send

MISSED = "missed = ((network(img) - target) ** 2).sum() / (target**2).sum()"
DOWN = "down = img[:, :, 1:, :] - img[:, :, :-1, :]"
RIGHT = "right = img[:, :, :, 1:] - img[:, :, :, :-1]"
LOSS = "loss = missed + tv_weight * ((down**2).sum() + (right**2).sum())"

exercise = Exercise(
    points=4,
    returns={"inversion_loss": "loss"},
    mistakes=[
        Mistake(
            "not divided by the size of the target",
            swap=(MISSED, "missed = ((network(img) - target) ** 2).sum()"),
            hint="Of a picture whose features are all 0, what should the first term be?",
        ),
        Mistake(
            "the mean of the squared differences",
            swap=(MISSED, "missed = ((network(img) - target) ** 2).mean()"),
            hint="Of a picture whose features are all 0, what should the first term be?",
        ),
        Mistake(
            "the length of the target is not squared",
            swap=(MISSED, MISSED.replace("(target**2).sum()", "target.norm()")),
            hint="Double target and features. How should the first term change?",
        ),
        Mistake(
            "a length, not its square",
            swap=(MISSED, "missed = (network(img) - target).norm() / target.norm()"),
            hint="Is it the squared length that is asked for, or the length?",
        ),
        Mistake(
            "divided by the features of the picture",
            swap=(MISSED, MISSED.replace("(target**2)", "(network(img) ** 2)")),
            hint="What is the loss measured by: what is wanted, or what is there?",
        ),
        Mistake(
            "absolute differences",
            swap=(
                LOSS,
                LOSS.replace("(down**2)", "down.abs()").replace("(right**2)", "right.abs()"),
            ),
            hint="The differences are squared.",
        ),
        Mistake(
            "the picture is rolled round",
            swap=(DOWN, "down = img - img.roll(1, dims=2)"),
            more=((RIGHT, "right = img - img.roll(1, dims=3)"),),
            hint="Which pixel lies below one of the last row?",
        ),
        Mistake(
            "both differences are cropped",
            swap=(DOWN, DOWN.replace(", :]", ", :-1]")),
            more=((RIGHT, RIGHT.replace(":, :, :,", ":, :, :-1,")),),
            hint="How many pairs of neighbours are there in the last column, one above the other?",
        ),
        Mistake(
            "rows only",
            swap=(LOSS, "loss = missed + tv_weight * (down**2).sum()"),
            hint="How rough is a picture of vertical stripes?",
        ),
        Mistake(
            "the mean of the squared differences of pixels",
            swap=(
                LOSS,
                LOSS.replace("(down**2).sum()", "(down**2).mean()").replace(
                    "(right**2).sum()", "(right**2).mean()"
                ),
            ),
            hint="TV is a sum over all the pixels, not a mean.",
        ),
        Mistake(
            "the weight is squared with the differences",
            swap=(
                LOSS,
                "loss = missed + ((tv_weight * down) ** 2).sum() "
                "+ ((tv_weight * right) ** 2).sum()",
            ),
            hint="Double tv_weight. Does the second term double?",
        ),
        Mistake(
            "the roughness has no weight",
            swap=(LOSS, LOSS.replace("tv_weight * ", "")),
            hint="Double tv_weight. Does the second term double?",
        ),
        Mistake(
            "the roughness is rewarded",
            swap=(LOSS, LOSS.replace("missed +", "missed -")),
            hint="The loss is made small. Should a rough picture have a small one?",
        ),
        Mistake(
            "the roughness does not reach the gradient",
            swap=(
                LOSS,
                LOSS.replace(".sum() + (right**2).sum())", ".sum() + (right**2).sum()).item()"),
            ),
            hint="Is the value right, and the gradient not? What does a plain number know of img?",
        ),
        Mistake(
            "the network's part does not reach the gradient",
            swap=(MISSED, MISSED.replace("network(img)", "network(img).detach()")),
            hint="Is the value right, and the gradient not?",
        ),
    ],
    equivalents=[
        Equivalent(
            "norms, squared",
            swap=(MISSED, "missed = (network(img) - target).norm() ** 2 / target.norm() ** 2"),
        ),
        Equivalent(
            "a ratio of means",
            swap=(MISSED, "missed = F.mse_loss(network(img), target) / (target**2).mean()"),
        ),
        Equivalent(
            "diff",
            swap=(DOWN, "down = img.diff(dim=2)"),
            more=((RIGHT, "right = img.diff(dim=-1)"),),
        ),
        Equivalent("the other way round", swap=(RIGHT, "right = img[..., :-1] - img[..., 1:]")),
        Equivalent("a loss of shape (1,)", swap=(LOSS, f"{LOSS}\n    loss = loss.reshape(1)")),
        Equivalent(
            "loops",
            swap=(
                DOWN,
                "down = torch.stack([img[:, :, i + 1] - img[:, :, i] "
                "for i in range(img.shape[2] - 1)])",
            ),
        ),
    ],
)


@exercise.case("a picture of noise", public=True, H=7, W=9, tv_weight=0.02)
@exercise.case("no weight on the roughness", public=True, H=8, W=6, tv_weight=0.0)
@exercise.case("mostly roughness", public=True, H=5, W=8, tv_weight=3.0)
@exercise.case("two rows of pixels", H=2, W=9, tv_weight=0.5, thin=True)
@exercise.case("features that are large", H=6, W=7, tv_weight=0.01, scale=20.0)
def examine(student, rng, H, W, tv_weight, scale=1.0, thin=False):
    layers = [
        ("Conv2d", (3, 5, 1 if thin else 3, 1, 0 if thin else 1)),
        ("Tanh", ()),
        ("Conv2d", (5, 4, 1 if thin else 3)),
    ]
    here = build(layers)
    draw_parameters(here, rng)
    with torch.no_grad():
        for p in here[-1].parameters():
            p.copy_((scale * p).float().double())
    network = send(student, here, layers)
    x, other = draw(rng, 1, 3, H, W), draw(rng, 1, 3, H, W)
    target = network.scores(other).astype(np.float32)
    loss, gradients = student.gradients(
        student.inversion_loss,
        [tensor(x), tensor(target), network.there, tv_weight],
        cotangent=np.ones((), np.float32),
        wrt=[0],
    )
    img = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    want = reference(here, img, torch.from_numpy(target).double(), tv_weight)
    (wanted,) = torch.autograd.grad(want, img)
    expect("loss", loss, want.item(), squeeze=True, rtol=RTOL)
    if expect_true(gradients[0] is not None, "no gradient reaches img"):
        expect("the gradient of img", gradients[0], wanted.numpy(), rtol=RTOL)


def reference(network, img, target, tv_weight):
    """The loss, with the differences taken by convolutions of kernel (1, -1)."""
    missed = (network(img) - target).square().sum() / target.square().sum()
    pairs = (img.diff(dim=axis) for axis in (2, 3))
    return missed + tv_weight * sum(pair.square().sum() for pair in pairs)

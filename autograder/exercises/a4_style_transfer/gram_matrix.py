"""The Gram matrix: which channels of a feature map speak at the same places."""

from autograder.exercise import Equivalent, Exercise, Mistake

from ._style import draw, expect_loss, gram

FLAT = "flat = features.reshape(N, C, H * W)"
GRAM = "gram = flat @ flat.transpose(1, 2)"
SCALED = "gram = gram / (C * H * W)"

exercise = Exercise(
    points=6,
    returns={"gram_matrix": "gram"},
    mistakes=[
        Mistake(
            "not divided",
            swap=(SCALED, "pass"),
            hint="normalize=True is the default. Is the default different from normalize=False?",
        ),
        Mistake(
            "divided by the number of places only",
            swap=("(C * H * W)", "(H * W)"),
            hint="How many numbers does the feature map of one picture hold?",
        ),
        Mistake(
            "divided by the size of the whole batch",
            swap=("(C * H * W)", "(N * C * H * W)"),
            hint="Does one picture's Gram matrix change when another picture joins the batch?",
        ),
        Mistake(
            "divided by the number of channels only",
            swap=("(C * H * W)", "C"),
            hint="How many numbers does the feature map of one picture hold?",
        ),
        Mistake(
            "always divided",
            swap=("if normalize:", "if True:"),
            hint="What should normalize=False do?",
        ),
        Mistake(
            "divided when it should not be",
            swap=("if normalize:", "if not normalize:"),
            hint="Which of normalize=True and normalize=False divides?",
        ),
        Mistake(
            "the pictures of a batch are mixed",
            swap=(FLAT, "flat = features.reshape(C, -1)"),
            more=((GRAM, "gram = flat @ flat.T"),),
            hint="Two pictures go in. How many matrices come out?",
        ),
        Mistake(
            "the pictures of a batch are added up",
            swap=(GRAM, "gram = (flat @ flat.transpose(1, 2)).sum(dim=0, keepdim=True)"),
            hint="Two pictures go in. How many matrices come out?",
        ),
        Mistake(
            "channels of different pictures are compared",
            swap=(FLAT, "flat = features.reshape(N * C, H * W)"),
            more=((GRAM, "gram = flat @ flat.T"),),
            hint="Two pictures go in. How many matrices come out, and of which size?",
        ),
        Mistake(
            "only the first picture",
            swap=(GRAM, "gram = (flat[:1] @ flat[:1].transpose(1, 2)).repeat(N, 1, 1)"),
            hint="Change the second picture. Does its Gram matrix change?",
        ),
        Mistake(
            "places in place of channels",
            swap=(GRAM, "gram = flat.transpose(1, 2) @ flat"),
            hint="Which axis must disappear in the product: channels or places?",
        ),
        Mistake(
            "channels and places are mixed up",
            swap=(FLAT, "flat = features.reshape(N, H * W, C).transpose(1, 2)"),
            hint="reshape keeps the order of the numbers in memory. Is a row of yours a channel?",
        ),
        Mistake(
            "the means are subtracted",
            swap=(
                FLAT,
                "flat = features.reshape(N, C, -1)\n"
                "    flat = flat - flat.mean(dim=2, keepdim=True)",
            ),
            hint="The equation multiplies the features as they are.",
        ),
        Mistake(
            "only the squares of each channel",
            swap=(GRAM, "gram = torch.diag_embed((flat**2).sum(dim=2))"),
            hint="What stands beside the diagonal?",
        ),
    ],
    equivalents=[
        Equivalent("bmm", swap=(GRAM, "gram = torch.bmm(flat, flat.permute(0, 2, 1))")),
        Equivalent(
            "einsum", swap=(GRAM, 'gram = torch.einsum("nchw,ndhw->ncd", features, features)')
        ),
        Equivalent(
            "a loop over the pictures",
            swap=(GRAM, "gram = torch.stack([torch.mm(f, f.t()) for f in flat])"),
        ),
        Equivalent(
            "filled picture by picture",
            swap=(
                GRAM,
                "gram = torch.zeros(N, C, C)\n"
                "    for n in range(N):\n"
                "        gram[n] = torch.mm(flat[n], flat[n].t())",
            ),
        ),
        Equivalent(
            "filled entry by entry",
            swap=(
                GRAM,
                "gram = torch.zeros((N, C, C), dtype=features.dtype)\n"
                "    for i in range(C):\n"
                "        for j in range(C):\n"
                "            gram[:, i, j] = (features[:, i] * features[:, j]).sum(dim=(1, 2))",
            ),
        ),
        Equivalent("divided in place", swap=(SCALED, "gram /= float(H * W * C)")),
        Equivalent("divided step by step", swap=(SCALED, "gram = gram.div(C).div(H).div(W)")),
        Equivalent(
            "divided by what one picture holds", swap=(SCALED, "gram = gram / features[0].numel()")
        ),
        Equivalent(
            "divided beforehand",
            swap=(
                FLAT,
                "flat = features.reshape(N, C, -1) / ((C * H * W) ** 0.5 if normalize else 1)",
            ),
            more=((SCALED, "pass"),),
        ),
        Equivalent(
            "broadcast over pairs of channels",
            swap=(GRAM, "gram = (flat[:, :, None] * flat[:, None]).sum(dim=-1)"),
        ),
    ],
)


@exercise.case("a batch of three", public=True, N=3, C=4, H=5, W=2)
@exercise.case("not normalized", public=True, N=2, C=3, H=4, W=5, normalize=False)
@exercise.case("as many pictures as channels", N=3, C=3, H=2, W=4)
def examine(student, rng, N, C, H, W, normalize=None):
    args = [draw(rng, N, C, H, W)] + ([] if normalize is None else [normalize])
    expect_loss(
        student, student.gram_matrix, args, [0], ["features"], gram, rng, what="gram", squeeze=False
    )


# A matrix without the axis of the batch is right for one picture, and fails the others.
@exercise.case("a single picture", public=True, C=5, H=3, W=4)
@exercise.case("a single picture, more channels than places", C=8, H=2, W=3, normalize=True)
def examine_one(student, rng, C, H, W, normalize=None):
    args = [draw(rng, 1, C, H, W)] + ([] if normalize is None else [normalize])
    expect_loss(student, student.gram_matrix, args, [0], ["features"], gram, rng, what="gram")

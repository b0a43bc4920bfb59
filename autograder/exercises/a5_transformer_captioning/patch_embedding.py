"""An image as a sequence: square patches, each made into a vector."""

from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.modules import expect_module
from autograder.student import tensor

from ._modules import RTOL, as_tensors, draw, linear, linear_layer, load_random, patches

CUT = "patches = x.reshape(N, C, H // p, p, W // p, p)"
ORDER = "patches = patches.permute(0, 2, 4, 1, 3, 5)"
FLAT = "patches = patches.reshape(N, self.num_patches, self.patch_dim)"

exercise = Exercise(
    points=4,
    mistakes=[
        Mistake(
            "channels come last in a patch",
            swap=(ORDER, ORDER.replace("1, 3, 5", "3, 5, 1")),
            hint="In which order do the numbers of a patch stand: channel, row, column?",
        ),
        Mistake(
            "patches are counted column by column",
            swap=(ORDER, ORDER.replace("0, 2, 4", "0, 4, 2")),
            hint="Which patch is the second: the one on the right, or the one below?",
        ),
        Mistake(
            "patches stand on their side",
            swap=(ORDER, ORDER.replace("1, 3, 5", "1, 5, 3")),
            hint="Within a patch, rows come before columns.",
        ),
        Mistake(
            "numbers are cut in the order of memory",
            swap=(ORDER, "pass"),
            hint="reshape keeps the order of the numbers. Are the first of them a square?",
        ),
        Mistake(
            "every so-manieth row and column is taken",
            swap=(
                CUT,
                "patches = x.reshape(N, C, p, H // p, p, W // p).transpose(2, 3).transpose(4, 5)",
            ),
            hint="A patch is made of neighbouring rows and columns.",
        ),
        Mistake(
            "no projection",
            swap=("out = self.proj(patches)", "out = patches"),
            hint="How long must the vector of a patch be?",
        ),
    ],
    equivalents=[
        Equivalent(
            "cut with unfold",
            swap=(CUT, "patches = nn.functional.unfold(x, p, stride=p).transpose(1, 2)"),
            more=((ORDER, "pass"),),
        ),
        Equivalent(
            "a loop over the patches",
            swap=(
                CUT,
                "patches = torch.stack([x[:, :, i : i + p, j : j + p] "
                "for i in range(0, H, p) for j in range(0, W, p)], dim=1)",
            ),
            more=((ORDER, "pass"),),
        ),
    ],
)


@exercise.case("patches of two by two", public=True, N=3, C=3, size=8, p=2, E=5)
@exercise.case("two channels, two by two patches of two by two", N=2, C=2, size=4, p=2, E=6)
@exercise.case("one image, one patch", N=1, C=3, size=4, p=4, E=5)
@exercise.case("patches of one pixel, one channel", N=2, C=1, size=3, p=1, E=4)
def examine(student, rng, N, C, size, p, E):
    module = student.PatchEmbedding(size, p, in_channels=C, embed_dim=E)
    params = load_random(student, module, rng, linear("proj", E, C * p * p))
    x = draw(rng, N, C, size, size)

    def reference(params, x):
        return linear_layer(params, "proj", patches(x, p))

    expect_module(
        student, module, params, [tensor(x)], [0], reference, as_tensors(x), rng, rtol=RTOL
    )

"""A dataset that shows every picture twice, in two random views."""

import numpy as np

from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.judge import expect
from autograder.student import Function, named

TRIALS = "cs231n_utils.simclr_trials"
ITEM = "CIFAR10Pair[index]"
LEFT = "x_i = self.transform(img)"
RIGHT = "x_j = self.transform(img)"

exercise = Exercise(
    points=2,
    returns={"CIFAR10Pair[index]": "x_i, x_j, target"},
    mistakes=[
        Mistake(
            "the same view twice",
            swap=(RIGHT, "x_j = x_i"),
            hint="How often is the transform called? Two calls give two views.",
        ),
        Mistake(
            "a view of the view",
            swap=(RIGHT, "x_j = self.transform(x_i)"),
            hint="Both views are made from the picture itself. From what is your second made?",
        ),
        Mistake(
            "one view only",
            swap=(RIGHT, "x_j = img"),
            hint="Both views are random. What is your second one?",
        ),
    ],
    equivalents=[
        Equivalent(
            "in one line",
            swap=(LEFT, "x_i, x_j = [self.transform(img) for _ in range(2)]"),
            more=(("            " + RIGHT, ""),),
        ),
        Equivalent(
            "the second view first",
            swap=(f"{LEFT}\n            {RIGHT}", f"{RIGHT}\n            {LEFT}"),
        ),
    ],
)


@exercise.case("two views of the picture, and its label", public=True, N=4, index=2)
@exercise.case("a single picture", N=1, index=0)
@exercise.case("another picture of many", N=9, index=7)
def examine(student, rng, N, index):
    images = rng.integers(0, 256, (N, 6, 5, 3), dtype=np.uint8)
    targets = rng.permutation(N + 10)[:N].tolist()
    transform = student.public(f"{TRIALS}.CountingTransform")
    dataset = student.public(
        f"{TRIALS}.make_dataset", named("CIFAR10Pair"), images, targets, transform
    )
    item = Function(student, {"public": f"{TRIALS}.take_pair", "name": ITEM}, ITEM)
    # The transform adds the number of the call, so that the views differ; their order is free.
    first, second, target = item(dataset, index)
    pixels = images[index].transpose(2, 0, 1) / 1000
    expect("one view", first, pixels + 1)
    expect("the other view", second, pixels + 2)
    expect("target", target, targets[index], kind="i", squeeze=True)

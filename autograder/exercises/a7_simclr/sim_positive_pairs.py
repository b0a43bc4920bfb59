"""How similar are the two views of each picture, for all pictures at once."""

import numpy as np

from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.judge import expect, expect_unchanged
from autograder.student import tensor

from ._shared import RTOL, call, draw_batch

LEFT = "left = out_left / out_left.norm(dim=1, keepdim=True)"
RIGHT = "right = out_right / out_right.norm(dim=1, keepdim=True)"
PAIRS = "pos_pairs = (left * right).sum(dim=1, keepdim=True)"

exercise = Exercise(
    points=2,
    returns={"sim_positive_pairs": "pos_pairs"},
    mistakes=[
        Mistake(
            "the products are not divided by the lengths",
            swap=(LEFT, "left = out_left"),
            more=((RIGHT, "right = out_right"),),
            hint="Make a row twice as long. The angle stays. Does your result?",
        ),
        Mistake(
            "divided by the length of the whole batch",
            swap=(LEFT, "left = out_left / out_left.norm()"),
            more=((RIGHT, "right = out_right / out_right.norm()"),),
            hint="Each row has a length of its own. Over which axis do you add up the squares?",
        ),
        Mistake(
            "columns are normalised",
            swap=(LEFT, LEFT.replace("dim=1", "dim=0")),
            more=((RIGHT, RIGHT.replace("dim=1", "dim=0")),),
            hint="A vector is a row. Over which axis do you add up the squares?",
        ),
        Mistake(
            "the sum runs over the batch",
            swap=(PAIRS, "pos_pairs = (left * right).sum(dim=0)[:, None]"),
            hint="One number for each picture, (N, 1). How many have you when N is not D?",
        ),
        Mistake(
            "all pairs, not only the positive ones",
            swap=(PAIRS, "pos_pairs = left @ right.T"),
            hint="Row k of the left belongs to row k of the right, and to no other.",
        ),
        Mistake(
            "a row of numbers, not a column",
            swap=(PAIRS, "pos_pairs = (left * right).sum(dim=1)"),
            hint="The values are right. The text asks for shape (N, 1). What is yours?",
        ),
        Mistake(
            "the caller's rows are made shorter",
            swap=(LEFT, "out_left /= out_left.norm(dim=1, keepdim=True)\n    left = out_left"),
            more=(
                (RIGHT, "out_right /= out_right.norm(dim=1, keepdim=True)\n    right = out_right"),
            ),
            hint="What is out_left after the call? In which line do you write into it?",
        ),
    ],
    equivalents=[
        Equivalent(
            "the library's function",
            swap=(PAIRS, "pos_pairs = F.cosine_similarity(out_left, out_right)[:, None]"),
        ),
        Equivalent(
            "the diagonal of all pairs",
            swap=(PAIRS, "pos_pairs = (left @ right.T).diag()[:, None]"),
        ),
        Equivalent(
            "one pair after another",
            swap=(
                PAIRS,
                "pos_pairs = torch.stack([l @ r for l, r in zip(left, right)]).view(-1, 1)",
            ),
        ),
        Equivalent(
            "a product of matrices for each pair",
            swap=(PAIRS, "pos_pairs = torch.bmm(left[:, None], right[:, :, None])[:, :, 0]"),
        ),
    ],
)


def reference(out_left: np.ndarray, out_right: np.ndarray) -> np.ndarray:
    """The cosines of corresponding rows, (N, 1)."""
    lengths = np.linalg.norm(out_left, axis=1) * np.linalg.norm(out_right, axis=1)
    return ((out_left * out_right).sum(axis=1) / lengths)[:, None]


@exercise.case("a batch of pairs", public=True, N=4, D=6)
@exercise.case("as many pairs as dimensions", public=True, N=5, D=5)
@exercise.case("a single pair", N=1, D=7)
@exercise.case("more pairs than dimensions, in double precision", N=9, D=3, kind=np.float64)
def examine(student, rng, N, D, kind=np.float32):
    batch = [a.astype(kind) for a in draw_batch(rng, N, D)]
    pairs = call(student, "sim_positive_pairs", *map(tensor, batch))
    # The shape is a case of its own: right numbers in a row are worth most of the points.
    expect("pos_pairs", pairs, reference(*batch), rtol=RTOL, atol=1e-6, squeeze=True)


@exercise.case("both halves of the batch are left as they were", public=True, N=4, D=3)
def examine_untouched(student, rng, N, D):
    batch = draw_batch(rng, N, D)
    pairs = call(student, "sim_positive_pairs", *map(tensor, batch))
    expect_unchanged(student, "out_left", "out_right")
    expect("pos_pairs", pairs, reference(*batch), rtol=RTOL, atol=1e-6, squeeze=True)


@exercise.case("the result is a column", public=True, N=3, D=5)
def examine_shape(student, rng, N, D):
    batch = draw_batch(rng, N, D)
    pairs = call(student, "sim_positive_pairs", *map(tensor, batch))
    expect("pos_pairs", pairs, reference(*batch), rtol=RTOL, atol=1e-6)

"""Nearest neighbours: the pictures whose features are most alike."""

import numpy as np

from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.judge import expect
from autograder.student import tensor

from ._networks import draw

DIFFERENCES = "differences = queries[:, None, :] - features[None, :, :]  # (M, N, D)"
DISTANCES = "distances = (differences**2).sum(dim=2)  # squared: the order is the same"
ORDER = "neighbours = distances.argsort(dim=1)[:, :k]"

exercise = Exercise(
    points=3,
    returns={"nearest_neighbours": "neighbours"},
    mistakes=[
        Mistake(
            "the farthest",
            swap=(ORDER, "neighbours = distances.argsort(dim=1, descending=True)[:, :k]"),
            hint="A query that stands among the features: is it its own first neighbour?",
        ),
        Mistake(
            "the nearest come last",
            swap=(ORDER, f"{ORDER}.flip(1)"),
            hint="A query that stands among the features: is it its own first neighbour?",
        ),
        Mistake(
            "absolute differences",
            swap=(DISTANCES, "distances = differences.abs().sum(dim=2)"),
            hint="Euclidean distance: the root of the sum of the squares.",
        ),
        Mistake(
            "differences with their sign",
            swap=(DISTANCES, "distances = differences.sum(dim=2)"),
            hint="May +1 in one feature and -1 in another cancel?",
        ),
        Mistake(
            "products",
            swap=(DISTANCES, "distances = -queries @ features.T"),
            hint="Is the product with a long vector large because it is near?",
        ),
        Mistake(
            "angles",
            swap=(
                DISTANCES,
                "distances = -F.cosine_similarity(queries[:, None], features[None], dim=2)",
            ),
            hint="Is a vector of the same direction and twice the length at distance 0?",
        ),
        Mistake(
            "the features' neighbours among the queries",
            swap=(ORDER, "neighbours = distances.argsort(dim=0)[:k].T"),
            hint="Whose neighbours are they? A row of your answer belongs to a query.",
        ),
        Mistake(
            "distances are returned",
            swap=(ORDER, "neighbours = distances.sort(dim=1)[0][:, :k]"),
            hint="Are the rows of the neighbours asked for, or how far away they are?",
        ),
        Mistake(
            "the first neighbour is left out",
            swap=(ORDER, "neighbours = distances.argsort(dim=1)[:, 1 : k + 1]"),
            hint="The queries need not stand among the features. Who is nearest then?",
        ),
    ],
    equivalents=[
        Equivalent("torch.cdist", swap=(DISTANCES, "distances = torch.cdist(queries, features)")),
        Equivalent(
            "topk",
            swap=(ORDER, "neighbours = torch.topk(distances, k, largest=False)[1]"),
        ),
        Equivalent(
            "squares and products",
            swap=(
                DISTANCES,
                "distances = (queries**2).sum(1)[:, None] + (features**2).sum(1) "
                "- 2 * queries @ features.T",
            ),
        ),
        Equivalent(
            "a loop over the queries",
            swap=(
                ORDER,
                "neighbours = torch.stack("
                "[(features - q).norm(dim=1).argsort()[:k] for q in queries])",
            ),
        ),
        Equivalent("NumPy at the end", swap=(ORDER, f"{ORDER}.numpy()")),
        Equivalent("32 bits", swap=(ORDER, f"{ORDER}.int()")),
    ],
)


@exercise.case("queries and features differ", public=True, M=4, N=9, D=6, k=3)
@exercise.case("one query, one neighbour", public=True, M=1, N=7, D=5, k=1)
@exercise.case("as many neighbours as features", M=3, N=5, D=4, k=5)
@exercise.case("queries that stand among the features", public=True, M=3, N=8, D=5, k=4,
               among=True)  # fmt: skip
@exercise.case("as many queries as features and numbers", M=6, N=6, D=6, k=2)
@exercise.case("far from the origin", M=5, N=12, D=7, k=4, offset=3.0)
def examine(student, rng, M, N, D, k, among=False, offset=0.0):
    while True:  # until no two neighbours are equally far, but for rounding
        features = draw(rng, N, D) * np.float32(2) + np.float32(offset)
        queries = draw(rng, M, D) * np.float32(2) + np.float32(offset)
        if among:
            queries = features[rng.permutation(N)[:M]]
        away = np.linalg.norm(queries[:, None].astype(float) - features[None], axis=2)
        if np.diff(np.sort(away, axis=1), axis=1).min() > 1e-3:
            break
    neighbours = student.nearest_neighbours(tensor(queries), tensor(features), k)
    expect("neighbours", neighbours, np.argsort(away, axis=1)[:, :k], kind="i")

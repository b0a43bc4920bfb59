"""Occlusion: cover a place, and see how much the score drops."""

import numpy as np
import torch

from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.judge import expect, expect_unchanged
from autograder.student import tensor

from ._networks import RTOL, convolutional_layers, draw, draw_network, linear_layers, send

COPIES = "covered = X.repeat(columns, 1, 1, 1)  # one row of squares at a time"
CORNER = "top, left = i * stride, j * stride"
COVER = "covered[j, :, top : top + size, left : left + size] = fill"
DROP = "drops[i] = model(X)[0, y] - model(covered)[:, y]"
LOOP = f"""for i in range(rows):
            {COPIES}
            for j in range(columns):
                {CORNER}
                {COVER}
            {DROP}"""


def one_by_one(copy: str, score: str = "model(covered)[0, y]") -> str:
    """Return the loop as most people write it: one covered picture after another."""
    return f"""full = model(X)[0, y].item()
        for i in range(rows):
            for j in range(columns):
                covered = {copy}
                {CORNER}
                covered[:, :, top : top + size, left : left + size] = fill
                drops[i, j] = full - {score}"""


exercise = Exercise(
    points=4,
    harmless={f"{DROP} -> {DROP.replace('X)[0', 'X)[ -1')}": "the first picture is also the last"},
    mistakes=[
        Mistake(
            "the score itself, not its drop",
            swap=(DROP, "drops[i] = model(covered)[:, y]"),
            hint="Where nothing happens when it is covered, what should your map say?",
        ),
        Mistake(
            "the sign is turned round",
            swap=(DROP, "drops[i] = model(covered)[:, y] - model(X)[0, y]"),
            hint="Covering what matters lowers the score. Is that a positive drop?",
        ),
        Mistake(
            "the drop of the probability",
            swap=(
                DROP,
                "drops[i] = model(X).softmax(1)[0, y] - model(covered).softmax(1)[:, y]",
            ),
            hint="Is it the score that drops, or its share of the softmax?",
        ),
        Mistake(
            "the drop of the highest score",
            swap=(DROP, "drops[i] = model(X).max() - model(covered).amax(dim=1)"),
            hint="Does your map change with y?",
        ),
        Mistake(
            "squares stay covered",
            swap=(LOOP, one_by_one("X if i == j == 0 else covered")),
            more=(("with torch.no_grad():", "X = X.clone()\n    with torch.no_grad():"),),
            hint="When the second place is covered, is the first one visible again?",
        ),
        Mistake(
            "the caller's picture is covered",
            swap=(LOOP, one_by_one("X")),
            hint="Compare X before and after the call.",
        ),
        Mistake(
            "rows and columns are swapped",
            swap=(CORNER, "top, left = j * stride, i * stride"),
            hint="Which way does the square move when j grows: down, or to the right?",
        ),
        Mistake(
            "the square moves pixel by pixel",
            swap=(CORNER, "top, left = i, j"),
            hint="How far apart are neighbouring squares?",
        ),
        Mistake(
            "the square moves by its own side",
            swap=(CORNER, "top, left = i * size, j * size"),
            hint="How far apart are neighbouring squares?",
        ),
        Mistake(
            "the square lies around its corner",
            swap=(
                COVER,
                "covered[j, :, max(top - size // 2, 0) : top + size // 2, "
                "max(left - size // 2, 0) : left + size // 2] = fill",
            ),
            hint="Is (i * stride, j * stride) the square's corner, or its middle?",
        ),
        Mistake(
            "fill is ignored",
            swap=("left + size] = fill", "left + size] = 0"),
            hint="Call it with another fill. Does the map change?",
        ),
        Mistake(
            "one channel is covered",
            swap=(COVER, COVER.replace("j, :,", "j, 0,")),
            hint="How many channels does the square cover?",
        ),
        Mistake(
            "squares hang over the edge",
            swap=(
                "with torch.no_grad():",
                "rows, columns = -(-H // stride), -(-W // stride)\n"
                "    drops = torch.zeros(rows, columns)\n"
                "    with torch.no_grad():",
            ),
            hint="How many squares fit side by side, if the last must not hang over the edge?",
        ),
    ],
    equivalents=[
        Equivalent("one picture after another", swap=(LOOP, one_by_one("X.clone()"))),
        Equivalent(
            "one picture after another, as numbers",
            swap=(LOOP, one_by_one("X.clone()", "model(covered)[0, y].item()")),
        ),
        Equivalent(
            "covered, and put back",
            swap=(
                LOOP,
                f"""picture = X.clone()
        for i in range(rows):
            for j in range(columns):
                {CORNER}
                place = picture[:, :, top : top + size, left : left + size]
                before = place.clone()
                place[...] = fill
                drops[i, j] = (model(X) - model(picture))[0, y]
                place[...] = before""",
            ),
        ),
        Equivalent(
            "masks, all at once",
            swap=(
                LOOP,
                """masks = torch.ones(rows * columns, 1, H, W)
        for n in range(rows * columns):
            i, j = n // columns * stride, n % columns * stride
            masks[n, :, i : i + size, j : j + size] = 0
        scores = model(X * masks + fill * (1 - masks))[:, y]
        drops = (model(X)[0, y] - scores).reshape(rows, columns)""",
            ),
        ),
        Equivalent("NumPy at the end", swap=(DROP, f"{DROP}\n        drops = drops.numpy()")),
    ],
)


@exercise.case("rows and columns differ", public=True,
               H=11, W=14, K=5, size=4, stride=3)  # fmt: skip
@exercise.case("squares that do not overlap, filled with a colour", public=True,
               H=10, W=8, K=4, size=2, stride=3, fill=1.5)  # fmt: skip
@exercise.case("a square with an odd side, moved by one pixel", H=7, W=8, K=3, size=5, stride=1,
               fill=-0.7)  # fmt: skip
@exercise.case("a single place: the whole picture is covered", H=7, W=7, K=6, size=7, stride=2)
@exercise.case("a linear network", H=9, W=6, K=4, size=3, stride=2, fill=0.4, linear=True)
def examine(student, rng, H, W, K, size, stride, fill=0.0, linear=False):
    layers = linear_layers(H, W, K) if linear else convolutional_layers(K)
    here = draw_network(rng, layers)
    network = send(student, here, layers)
    x, y = draw(rng, 1, 3, H, W), int(rng.integers(K))
    drops = student.occlusion_map(tensor(x), y, network.there, size, stride, fill)
    expect_unchanged(student, "X")
    want = [
        [network.scores(x)[0, y] - network.scores(cover(x, i, j, size, fill))[0, y] for j in across]
        for across in [range(0, W - size + 1, stride)]
        for i in range(0, H - size + 1, stride)
    ]
    # A small drop is the difference of two scores: its rounding is theirs.
    room = RTOL * float(np.abs(network.scores(x)).max())
    expect("drops", drops, np.array(want), rtol=RTOL, atol=room)


def cover(x, top, left, size, fill):
    """Return a copy of the picture with one square covered."""
    inside = torch.zeros(x.shape, dtype=torch.bool)
    inside[..., top : top + size, left : left + size] = True
    return np.where(inside.numpy(), np.float32(fill), x)

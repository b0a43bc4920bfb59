"""Guided backpropagation: a ReLU that hands back positive gradients only."""

from itertools import pairwise

import numpy as np
import torch

from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.judge import expect, expect_true
from autograder.student import named, tensor

from ._networks import RTOL, build, draw, draw_parameters, send

OUT = "out = x.clamp(min=0)"
SAVE = "ctx.save_for_backward(x)"
BACK = "dx = dout * (x > 0) * (dout > 0)"

exercise = Exercise(
    points=4,
    harmless={
        f"{BACK} -> {BACK.replace('x >', 'x >=')}": "where x is exactly 0, either will do",
        f"{BACK} -> {BACK.replace('dout >', 'dout >=')}": "a gradient of 0 stays 0 either way",
    },
    mistakes=[
        Mistake(
            "an ordinary ReLU",
            swap=(BACK, "dx = dout * (x > 0)"),
            hint="Which gradients should not go back, although x was positive?",
        ),
        Mistake(
            "only the gradient is looked at",
            swap=(BACK, "dx = dout * (dout > 0)"),
            hint="Where the ReLU let nothing through on the way up, what may come back?",
        ),
        Mistake(
            "negative gradients are handed back",
            swap=(BACK, "dx = dout * (x > 0) * (dout < 0)"),
            hint="Guided backpropagation follows what raises the score.",
        ),
        Mistake(
            "the absolute gradient",
            swap=(BACK, "dx = dout.abs() * (x > 0)"),
            hint="A negative gradient is not turned round. What becomes of it?",
        ),
        Mistake(
            "the mask for the gradient",
            swap=(BACK, "dx = ((x > 0) & (dout > 0)).to(dout.dtype)"),
            hint="How large is the gradient that goes back?",
        ),
        Mistake(
            "the gradient is multiplied by x",
            swap=(BACK, "dx = dout.clamp(min=0) * x.clamp(min=0)"),
            hint="What is the slope of a ReLU at x = 3?",
        ),
        Mistake(
            "negative inputs pass, positive ones do not",
            swap=(BACK, "dx = dout * (x < 0) * (dout > 0)"),
            hint="Where the ReLU let nothing through on the way up, what may come back?",
        ),
        Mistake(
            "the forward pass is no ReLU",
            swap=(OUT, "out = x.clone()"),
            hint="What does guided_relu give for a negative number?",
        ),
        Mistake(
            "the forward pass gives the mask",
            swap=(OUT, "out = (x > 0).to(x.dtype)"),
            hint="What does guided_relu give for 3?",
        ),
    ],
    equivalents=[
        Equivalent("two clamps", swap=(BACK, "dx = dout.clamp(min=0)\n        dx[x <= 0] = 0")),
        Equivalent(
            "torch.where",
            swap=(BACK, "dx = torch.where((x > 0) & (dout > 0), dout, torch.zeros_like(dout))"),
        ),
        Equivalent("the output is saved", swap=(SAVE, "ctx.save_for_backward(x.clamp(min=0))")),
        Equivalent(
            "the mask is kept, not saved",
            swap=(SAVE, "ctx.mask = (x > 0).to(x.dtype)"),
            more=(
                ("(x,) = ctx.saved_tensors", "mask = ctx.mask"),
                (BACK, "dx = dout.clamp(min=0) * mask"),
            ),
        ),
        Equivalent(
            "PyTorch's own ReLU",
            swap=(BACK, "dx = torch.relu(dout) * torch.sign(torch.relu(x))"),
            more=((OUT, "out = F.relu(x)"),),
        ),
    ],
)


@exercise.case("features of several pictures", public=True, shape=(3, 4, 5, 6))
@exercise.case("a single number of each sign", public=True, shape=(2, 2), signs=True)
@exercise.case("features of one picture, in double precision", shape=(1, 7, 4, 3), dtype="f8")
@exercise.case("a row of features, with gradients that are large", shape=(1, 40), scale=50.0)
def examine(student, rng, shape, dtype="f4", signs=False, scale=1.0):
    x = np.abs(rng.standard_normal(shape)) + 0.1
    dout = scale * (np.abs(rng.standard_normal(shape)) + 0.1)
    if signs:  # each pair of signs once
        x, dout = x * [[1, 1], [-1, -1]], dout * [[1, -1], [1, -1]]
    else:
        x, dout = (v * rng.choice([-1, 1], shape) for v in (x, dout))
    x, dout = x.astype(dtype), dout.astype(dtype)
    out, gradients = student.gradients(student.guided_relu, [tensor(x)], cotangent=dout, wrt=[0])
    expect("out", out, np.maximum(x, 0), rtol=1e-6)
    if expect_true(gradients[0] is not None, "no gradient reaches x"):
        expect("dx", gradients[0], np.where((x > 0) & (dout > 0), dout, 0), rtol=1e-6)


@exercise.case("in a network, one after another", public=True, N=3, sizes=(6, 5, 4, 2))
def examine_network(student, rng, N, sizes):
    """What one of them hands back meets the next one's own rule."""
    layers = []
    for into, out in pairwise(sizes):
        layers += [("Linear", (into, out)), ("ReLU", ())]
    here = build(layers)
    draw_parameters(here, rng)
    there = send(student, here, layers).there
    guided = student.public("cs231n_utils.visualization.replace_relus", there, named("guided_relu"))
    x, dout = draw(rng, N, sizes[0]), draw(rng, N, sizes[-1])
    out, gradients = student.gradients(guided.itself, [tensor(x)], cotangent=dout, wrt=[0])
    inputs, now = [], torch.from_numpy(x).double()
    with torch.no_grad():
        for layer in here:
            inputs.append(now)
            now = layer(now)
        back = torch.from_numpy(dout).double()
        for layer, value in zip(reversed(here), reversed(inputs), strict=True):
            if isinstance(layer, torch.nn.Linear):
                back = back @ layer.weight
            else:
                back = torch.where(value > 0, back.clamp(min=0), 0)
    expect("out", out, now.numpy(), rtol=RTOL)
    if expect_true(gradients[0] is not None, "no gradient reaches x"):
        expect("the gradient of x", gradients[0], back.numpy(), rtol=RTOL, atol=1e-6)

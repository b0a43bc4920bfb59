"""Fooling images: a small change, and the network sees another class."""

import numpy as np
import torch

from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.judge import expect, expect_true, expect_unchanged
from autograder.student import tensor
from cs231n_utils import compare

from ._fooling import place, room
from ._networks import build, convolutional_layers, draw, draw_network, linear_layers, send

STOP = "if scores.argmax() == target_y:\n            break"
GRADIENT = "(g,) = torch.autograd.grad(scores[0, target_y], X_fooling)"
STEP = "X_fooling += learning_rate * g / g.norm()"
COPY = "X_fooling = X.detach().clone().requires_grad_()"
LOOP = "for _ in range(100):"

exercise = Exercise(
    points=6,
    harmless={
        f"{LOOP} -> for _ in range( 101):": "a fooled network ends the loop long before",
        f"{LOOP} -> for _ in range( 99):": "a fooled network ends the loop long before",
        f"{GRADIENT} -> {GRADIENT.replace('[0', '[ -1')}": "the first picture is also the last",
        f"{STEP} -> {STEP.replace('* g', '% g')}": "each value still goes where its gradient "
        "points, and no farther than the gradient is long: the network is fooled nearby as well",
        "break -> continue": "once the network is fooled, no step is taken any more",
    },
    mistakes=[
        Mistake(
            "it never stops",
            swap=(STOP, "pass"),
            hint="How far has the picture moved? Once the network is fooled, there is no reason "
            "to go on.",
        ),
        Mistake(
            "the step is not normalised",
            swap=(STEP, "X_fooling += learning_rate * g"),
            hint="How long is one of your steps? The text says how long it should be, however "
            "large or small the gradient is.",
        ),
        Mistake(
            "the step is divided by the square of the length",
            swap=(STEP, STEP.replace("g.norm()", "g.norm() ** 2")),
            hint="How long is g / ||g||, and how long is one of your steps?",
        ),
        Mistake(
            "the step is divided by the sum of the absolute values",
            swap=(STEP, STEP.replace("g.norm()", "g.abs().sum()")),
            hint="||g|| is the length of g: the root of the sum of the squares.",
        ),
        Mistake(
            "the step is divided by the largest entry",
            swap=(STEP, STEP.replace("g.norm()", "g.abs().max()")),
            hint="||g|| is the length of g: the root of the sum of the squares.",
        ),
        Mistake(
            "it walks downhill",
            swap=(STEP, STEP.replace("+=", "-=")),
            hint="Print the target's score at every step. Does it rise?",
        ),
        Mistake(
            "the caller's picture is changed",
            swap=(COPY, "X_fooling = X.requires_grad_()"),
            hint="Compare X before and after the call. What does the plot of the difference show?",
        ),
        Mistake(
            "gradients pile up from step to step",
            swap=(GRADIENT, "scores[0, target_y].backward()\n        g = X_fooling.grad"),
            hint="A step follows the gradient at the picture as it is now. What is in "
            "X_fooling.grad after two steps?",
        ),
        Mistake(
            "one gradient for all the steps",
            swap=(
                GRADIENT,
                "(g,) = torch.autograd.grad(model(X.detach().requires_grad_())[0, target_y], X) "
                "if False else torch.autograd.grad(model(Y := X.detach().clone()"
                ".requires_grad_())[0, target_y], Y)",
            ),
            hint="A step follows the gradient at the picture as it is now, not where it began.",
        ),
        Mistake(
            "a single step",
            swap=("range(100)", "range(1)"),
            hint="What does the network say about your picture after the last step?",
        ),
        Mistake(
            "the score of the class that is seen now",
            swap=(GRADIENT, GRADIENT.replace("scores[0, target_y]", "scores.max()")),
            hint="Print the target's score at every step. Does it rise?",
        ),
        Mistake(
            "the scores of all the classes",
            swap=(GRADIENT, GRADIENT.replace("scores[0, target_y]", "scores.sum()")),
            hint="Which class does your gradient speak for?",
        ),
        Mistake(
            "it stops when the target is not seen",
            swap=(STOP, STOP.replace("==", "!=")),
            hint="When does your loop end: when the network is fooled, or when it is not yet?",
        ),
    ],
    equivalents=[
        Equivalent(
            "backward, and the gradient is cleared",
            swap=(
                GRADIENT,
                "scores[0, target_y].backward()\n"
                "        g = X_fooling.grad.clone()\n        X_fooling.grad.zero_()",
            ),
        ),
        Equivalent(
            "it stops after the step",
            swap=(STOP, "pass"),
            more=(
                (
                    STEP,
                    f"{STEP}\n            if model(X_fooling).argmax() == target_y:\n"
                    "                break",
                ),
            ),
        ),
        Equivalent(
            "it looks at the scores before the last step, and takes that step",
            swap=(STOP, "pass"),
            more=((STEP, f"{STEP}\n        if scores.argmax() == target_y:\n            break"),),
        ),
        Equivalent(
            "ascent on the margin",
            swap=(GRADIENT, GRADIENT.replace("target_y]", "target_y] - scores.max()")),
        ),
        Equivalent(
            "descent on the cross-entropy loss",
            swap=(
                GRADIENT,
                "(g,) = torch.autograd.grad(-F.cross_entropy(scores, torch.tensor([target_y])), "
                "X_fooling)",
            ),
        ),
        Equivalent(
            "written into data",
            swap=(STEP, STEP.replace("X_fooling +=", "X_fooling.data +=")),
        ),
        Equivalent(
            "a new tensor at every step",
            swap=(
                f"with torch.no_grad():\n            {STEP}",
                "X_fooling = (X_fooling + g / torch.linalg.vector_norm(g)).detach()"
                ".requires_grad_()",
            ),
        ),
        Equivalent(
            "as long as it takes",
            swap=(
                f"for _ in range(100):\n        scores = model(X_fooling)\n        {STOP}",
                "while (scores := model(X_fooling)).argmax() != target_y:\n        pass",
            ),
        ),
    ],
)


@exercise.case("a picture with many pixels", public=True, H=40, W=36, K=6, steps=(4, 7))
@exercise.case("gradients that are very small", public=True, H=9, W=7, K=5, scale=1e-3)
@exercise.case("gradients that are large", public=True, H=8, W=10, K=4, scale=30.0)
@exercise.case("a linear network", H=6, W=5, K=7, linear=True)
def examine(student, rng, H, W, K, scale=1.0, linear=False, steps=(3, 20)):
    layers = linear_layers(H, W, K) if linear else convolutional_layers(K)
    allowed = None
    while allowed is None:  # until there is a way to the target, neither trivial nor long
        here = draw_network(rng, layers, scale=scale, bias=0.3 * scale)
        x = draw(rng, 1, 3, H, W)
        scores = here(torch.tensor(x, dtype=torch.float64))
        target = int(scores.argmin())
        place(here, x, target, steps[0] + 2)
        allowed = room(here, x, target, steps)
    fooled(student, send(student, here, layers), x, target, allowed)


@exercise.case("a picture that is of the class already", public=True, H=6, W=9, K=5)
def examine_done(student, rng, H, W, K):
    layers = convolutional_layers(K)
    while True:  # a class that is seen without doubt, and stays so after a step
        here = draw_network(rng, layers)
        x = draw(rng, 1, 3, H, W)
        two = torch.sort(here(torch.tensor(x, dtype=torch.float64))[0]).values[-2:]
        if two[1] - two[0] > 0.3:
            break
    target = int(here(torch.tensor(x, dtype=torch.float64)).argmax())
    fooled(student, send(student, here, layers), x, target, 2.0)


@exercise.case("the way turns: each step follows a gradient of its own", public=True, H=4, W=6)
def examine_turn(student, rng, H, W, steep=30.0, gentle=0.02, K=3):
    """One direction helps greatly and is soon used up, the other helps a little and goes on.

    Two units look at the picture along two directions at right angles. The first is a steep tanh,
    the second as good as linear; the target needs both.
    """
    layers = [("Flatten", ()), ("Linear", (3 * H * W, 2)), ("Tanh", ()), ("Linear", (2, K))]
    target = int(rng.integers(K))
    x = draw(rng, 1, 3, H, W)
    directions, _ = np.linalg.qr(rng.standard_normal((3 * H * W, 2)))
    at = x.reshape(-1).astype(np.float64) @ directions
    here = build(layers)
    with torch.no_grad():
        for p in here.parameters():
            p.zero_()
        here[1].weight.copy_(torch.from_numpy((directions * [steep, gentle]).T))
        here[1].bias.copy_(torch.from_numpy(-at * [steep, gentle] - [0.6, 0.0]))
        here[3].weight[target] = torch.tensor([10.0, 1 / gentle])
        # Eight more than the first unit alone can bring.
        here[3].bias.copy_(18.0 + torch.from_numpy(rng.uniform(-0.3, 0.3, K)))
        here[3].bias[target] = 0.0
        for p in here.parameters():
            p.copy_(p.float().double())
    fooled(student, send(student, here, layers), x, target, room(here, x, target))


def fooled(student, network, x, target, allowed):
    """Expect a picture that the judge's own network takes for the target, and not far from x."""
    X_fooling = student.make_fooling_image(tensor(x), target, network.there)
    expect_unchanged(student, "X")
    if not expect("X_fooling", X_fooling, x, comparator="near", distance=allowed):
        return
    # For `check`, which has no network but the one over there. What counts is the judge's own.
    scores = network.there(student.again(X_fooling))
    expect("the scores of X_fooling", scores, np.array([target]), comparator="highest")
    trouble = compare.highest("the scores of X_fooling", network.scores(X_fooling), [target])
    expect_true(not trouble, trouble or "")

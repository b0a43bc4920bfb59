"""One step of class visualization: a picture moves towards a class."""

from dataclasses import replace

import numpy as np
import torch

from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.judge import expect
from autograder.student import tensor

from ._networks import RTOL, convolutional_layers, draw, draw_network, linear_layers, send

SCORE = "model(img)[0, target_y]"
PENALTY = "- l2_reg * (img**2).sum()"
GRADIENT = "(g,) = torch.autograd.grad(objective, img)"
STEP = "img += learning_rate * g / g.norm()"


def as_it_is(mistake: Mistake) -> Mistake:
    """Return the same mistake of somebody who does not normalise the gradient, as is right, too."""
    return replace(
        mistake,
        name=f"{mistake.name} (the gradient as it is)",
        more=(*mistake.more, (" / g.norm()", "")),
    )


WRONG_SIGN = Mistake(
    "the penalty has the wrong sign",
    swap=(PENALTY, PENALTY.replace("-", "+")),
    hint="With a large l2_reg, should the picture grow or shrink?",
)
UNFELT = Mistake(
    "the penalty does not reach the gradient",
    swap=(PENALTY, "- l2_reg * (img.data**2).sum()"),
    hint="Does your step change with l2_reg? What does a gradient know of img.data, or of a plain "
    "number?",
)
EVERY_CLASS = Mistake(
    "every class at once",
    swap=(SCORE, "model(img).sum()"),
    hint="Does your step change with target_y?",
)
PILES_UP = Mistake(
    "gradients pile up from call to call",
    swap=(GRADIENT, "objective.backward()\n    g = img.grad"),
    hint="Call it twice. The second step is off. What is in img.grad when it begins?",
)

exercise = Exercise(
    points=6,
    harmless={
        f"objective = {SCORE} {PENALTY} -> objective = {SCORE.replace('[0', '[ -1')} {PENALTY}": (
            "the first picture is also the last"
        )
    },
    mistakes=[
        WRONG_SIGN,
        as_it_is(WRONG_SIGN),
        UNFELT,
        as_it_is(UNFELT),
        Mistake(
            "no penalty",
            swap=(f" {PENALTY}", ""),
            hint="Does your step change with l2_reg?",
            like=UNFELT.name,
        ),
        Mistake(
            "the length is not squared",
            swap=(PENALTY, "- l2_reg * img.norm()"),
            hint="||I||^2 is the sum of the squares. What is its gradient, at one pixel?",
        ),
        Mistake(
            "the penalty's gradient lacks its factor",
            swap=(PENALTY, "- l2_reg * (img**2).sum() / 2"),
            hint="What is the derivative of I^2?",
        ),
        Mistake(
            "the mean of the squares",
            swap=(PENALTY, "- l2_reg * (img**2).mean()"),
            hint="Is the penalty a sum over all the numbers of the picture, or their mean?",
        ),
        Mistake(
            "the score is penalised, not the picture",
            swap=(PENALTY, "- l2_reg * model(img)[0, target_y] ** 2"),
            more=((" / g.norm()", ""),),
            hint="||I||^2: what is I?",
        ),
        Mistake(
            "the learning rate is ignored",
            swap=(STEP, "img += g"),
            hint="Double the learning rate. Does the picture move twice as far?",
        ),
        Mistake(
            "the learning rate is ignored, and the gradient normalised",
            swap=(STEP, "img += g / g.norm()"),
            hint="Double the learning rate. Does the picture move twice as far?",
        ),
        EVERY_CLASS,
        as_it_is(EVERY_CLASS),
        Mistake(
            "it walks downhill",
            swap=(STEP, STEP.replace("+=", "-=")),
            hint="Does the class's score rise after a small step?",
        ),
        PILES_UP,
        as_it_is(PILES_UP),
        Mistake(
            "the gradient is never cleared: the brackets are missing",
            swap=(GRADIENT, "objective.backward()\n    g = img.grad"),
            more=((STEP, f"{STEP}\n    img.grad.zero_"),),
            hint="Without brackets a function is only named, not called.",
            like=PILES_UP.name,
        ),
        Mistake(
            "the step is divided by the square of the length",
            swap=(STEP, STEP.replace("g.norm()", "g.norm() ** 2")),
            hint="How long is g / ||g||, and how long is one of your steps?",
        ),
        Mistake(
            "the cross-entropy loss instead of the score",
            swap=(SCORE, "-F.cross_entropy(model(img), torch.tensor([target_y]))"),
            hint="s_y is the score itself. What do the other classes' scores do to your step?",
        ),
        Mistake(
            "the picture is not changed in place",
            swap=(STEP, STEP.replace("img +=", "img = img +")),
            hint="The caller looks at the tensor that was handed in. Is it still what it was?",
        ),
    ],
    equivalents=[
        Equivalent("the gradient as it is", swap=(" / g.norm()", "")),
        Equivalent(
            "backward, and the gradient is cleared",
            swap=(GRADIENT, "objective.backward()\n    g = img.grad.clone()\n    img.grad.zero_()"),
        ),
        Equivalent(
            "backward, and the gradient is dropped at the end",
            swap=(GRADIENT, "objective.backward()\n    g = img.grad"),
            more=((STEP, f"{STEP}\n    img.grad = None"),),
        ),
        Equivalent("written into data", swap=(STEP, STEP.replace("img +=", "img.data +="))),
        Equivalent(
            "a loss that falls",
            swap=(GRADIENT, "(g,) = torch.autograd.grad(-objective, img)"),
            more=((STEP, STEP.replace("+=", "-=")),),
        ),
        Equivalent(
            "the penalty's gradient by hand",
            swap=(f" {PENALTY}", ""),
            more=((GRADIENT, f"{GRADIENT}\n    g = g - 2 * l2_reg * img.detach()"),),
        ),
        Equivalent("the norm, squared", swap=(PENALTY, "- l2_reg * torch.norm(img) ** 2")),
        Equivalent(
            "a number that keeps it from dividing by zero",
            swap=("/ g.norm()", "/ (g.norm() + 1e-8)"),
        ),
        Equivalent("it returns the picture", swap=(STEP, f"{STEP}\n    return img")),
    ],
)


@exercise.case("one step", public=True, H=7, W=9, K=5, l2_reg=0.04, rate=6.0)
@exercise.case("two steps in a row", public=True, steps=2, H=6, W=8, K=4, l2_reg=0.02, rate=4.0)
@exercise.case("a large penalty: the picture fades", public=True,
               H=8, W=6, K=6, l2_reg=0.3, rate=0.7)  # fmt: skip
@exercise.case("no penalty", H=9, W=7, K=7, l2_reg=0.0, rate=5.0)
@exercise.case("three small steps of a linear network", steps=3, H=5, W=4, K=3, l2_reg=0.3,
               rate=1.5, linear=True)  # fmt: skip
def examine(student, rng, H, W, K, l2_reg, rate, steps=1, linear=False):
    layers = linear_layers(H, W, K) if linear else convolutional_layers(K)
    here = draw_network(rng, layers)
    network = send(student, here, layers)
    x, target = draw(rng, 1, 3, H, W), int(rng.integers(K))
    img = student.keep(tensor(x))
    img.requires_grad_()
    # What they return is nobody's business.
    for _ in range(steps):
        student.class_visualization_update_step(img, network.there, target, l2_reg, rate)
    wants = [ascend(network, x, target, l2_reg, rate, steps, unit) for unit in (True, False)]
    expect("img", student.fetch(img), np.stack(wants), comparator="one_of", rtol=RTOL)


def ascend(network, x, target, l2_reg, rate, steps, unit):
    """Return the picture after some steps, along the gradient or (unit) along its direction."""
    img = torch.tensor(x, dtype=torch.float64)
    for _ in range(steps):
        g = torch.from_numpy(network.gradient(img.numpy(), [target])) - 2 * l2_reg * img
        img = img + rate * (g / g.norm() if unit else g)
    return img.numpy()

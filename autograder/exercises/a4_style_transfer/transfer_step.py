"""One step of painting: the pixels move against the gradient, and stay colours."""

import numpy as np
import torch
from torch.nn import functional as F

from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.judge import expect
from autograder.student import named, public, tensor

ZERO = "optimizer.zero_grad()"
COST = "loss = loss_fn(img)"
BACKWARD = "loss.backward()"
STEP = "optimizer.step()"
CLAMP = "with torch.no_grad():\n        img.clamp_(low, high)"
RESULT = "loss = loss.item()"

exercise = Exercise(
    points=5,
    mistakes=[
        Mistake(
            "the gradient is never cleared",
            swap=(ZERO, "pass"),
            hint="backward adds to img.grad. What stands in it when the second step begins?",
        ),
        Mistake(
            "the gradient is cleared before it is used",
            swap=(BACKWARD, "loss.backward()\n    optimizer.zero_grad()"),
            hint="Does the picture move at all? What stands in img.grad when the step is made?",
        ),
        Mistake(
            "the step comes before the gradient",
            swap=(BACKWARD, "optimizer.step()"),
            more=((CLAMP, "loss.backward()\n    " + CLAMP),),
            like="the gradient is cleared before it is used",
            hint="Does the picture move at all? What stands in img.grad when the step is made?",
        ),
        Mistake(
            "uphill",
            swap=(BACKWARD, "(-loss).backward()"),
            hint="Does the loss fall from step to step?",
        ),
        Mistake(
            "pixels may leave their limits",
            swap=(CLAMP, "pass"),
            hint="Is there a colour brighter than white?",
        ),
        Mistake(
            "the limited picture is thrown away",
            swap=(CLAMP, "with torch.no_grad():\n        img.clamp(low, high)"),
            like="pixels may leave their limits",
            hint="clamp returns a new tensor. Where does yours go?",
        ),
        Mistake(
            "the limited picture is a new one",
            swap=(CLAMP, "img = img.detach().clamp(low, high)"),
            like="pixels may leave their limits",
            hint="The caller, and the optimizer, still hold the old tensor.",
        ),
        Mistake(
            "the limits come before the step",
            swap=(STEP, "pass"),
            more=((CLAMP, CLAMP + "\n    optimizer.step()"),),
            hint="After your function has returned: are the pixels within their limits?",
        ),
        Mistake(
            "one pair of limits for all channels",
            swap=("clamp_(low, high)", "clamp_(low.min(), high.max())"),
            hint="low and high have shape (1, 3, 1, 1). Does each channel have limits of its own?",
        ),
        Mistake(
            "only one of the limits",
            swap=("clamp_(low, high)", "clamp_(min=low)"),
            hint="Is there a colour brighter than white?",
        ),
        Mistake(
            "the loss after the step is returned",
            swap=(RESULT, "loss = loss_fn(img).item()"),
            hint="Which picture is the returned loss of: the one that came in, or the new one?",
        ),
        Mistake(
            "nothing is returned",
            swap=(RESULT, "loss = None"),
            hint="What should the function return?",
        ),
    ],
    equivalents=[
        Equivalent(
            "cleared at the end",
            swap=(ZERO, "pass"),
            more=((STEP, "optimizer.step()\n    optimizer.zero_grad()"),),
        ),
        Equivalent("cleared by hand", swap=(ZERO, "img.grad = None")),
        Equivalent(
            "filled with zeros", swap=(ZERO, "if img.grad is not None:\n        img.grad.zero_()")
        ),
        Equivalent(
            "the gradient put there",
            swap=(BACKWARD, "(img.grad,) = torch.autograd.grad(loss, img)"),
        ),
        Equivalent("limited through data", swap=(CLAMP, "img.data.clamp_(low, high)")),
        Equivalent("new data", swap=(CLAMP, "img.data = torch.clamp(img.data, low, high)")),
        Equivalent(
            "copied",
            swap=(
                CLAMP,
                "with torch.no_grad():\n"
                "        img.copy_(torch.minimum(torch.maximum(img, low), high))",
            ),
        ),
        Equivalent(
            "channel by channel",
            swap=(
                CLAMP,
                "for c in range(3):\n"
                "        img.data[:, c].clamp_(low[0, c].item(), high[0, c].item())",
            ),
        ),
        Equivalent("the loss as a tensor", swap=(RESULT, "pass")),
        Equivalent("the loss as a tensor without gradient", swap=(RESULT, "loss = loss.detach()")),
    ],
)


def small_loss(student, rng, H, W, hidden=5):
    """Make a loss of a picture over there; return it and the same function here."""
    first = rng.standard_normal((hidden, 3 * H * W)) / (3 * H * W) ** 0.5
    first, second = (first, rng.standard_normal(hidden)), (rng.standard_normal((1, hidden)), [0.5])
    layers = []
    for weight, bias in (first, second):
        double = public("torch.float64")
        layer = student.public("torch.nn.Linear", *weight.shape[::-1], dtype=double)
        student.load(layer, {"weight": weight, "bias": np.array(bias)})
        layers.append(layer)
    tanh, flatten = student.public("torch.nn.Tanh"), student.public("torch.nn.Flatten", 0)
    loss_fn = student.public("torch.nn.Sequential", flatten, layers[0], tanh, layers[1])

    def loss(img):
        (w1, b1), (w2, b2) = ([torch.tensor(a) for a in pair] for pair in (first, second))
        seen = torch.tanh(F.linear(img.flatten(), w1, b1))
        return F.linear(seen, w2, b2.to(w2.dtype)).sum()

    return loss_fn, loss


def painted(img, loss, momentum, learning_rate, low, high, steps):
    """Return the pictures after each step, and the losses before each."""
    img = torch.from_numpy(img.copy()).requires_grad_(True)
    low, high = torch.from_numpy(low), torch.from_numpy(high)
    pictures, losses, speed = [], [], 0
    for _ in range(steps):
        cost = loss(img)
        speed = momentum * speed + torch.autograd.grad(cost, img)[0]
        moved = img.detach() - learning_rate * speed
        img = torch.minimum(torch.maximum(moved, low), high).requires_grad_(True)
        pictures.append(img.detach().numpy().copy())
        losses.append(cost.item())
    return np.stack(pictures), np.array(losses)


@exercise.case("one step of plain descent", public=True, steps=1)
@exercise.case("several steps of plain descent", steps=4)
@exercise.case("several steps with momentum", public=True, steps=3, momentum=0.6)
@exercise.case("pixels at their limits", public=True, steps=3, room=0.7, learning_rate=0.9)
@exercise.case("the loss before each step", public=True, steps=3, told=True)
def examine(student, rng, steps, momentum=0.0, H=3, W=4, room=9.0, learning_rate=0.3, told=False):
    loss_fn, loss = small_loss(student, rng, H, W)
    spread = rng.uniform(0.6, 1.4, (2, 1, 3, 1, 1))
    low, high = -room * spread[0], room * spread[1]
    img = np.clip(rng.standard_normal((1, 3, H, W)), low, high)
    pictures, losses = student.public(
        "cs231n_utils.style_transfer.take_steps",
        named("transfer_step"),
        tensor(img),
        loss_fn,
        steps,
        learning_rate,
        tensor(low),
        tensor(high),
        momentum=momentum,
    )
    wanted_pictures, wanted_losses = painted(img, loss, momentum, learning_rate, low, high, steps)
    if told:
        expect("the loss before each step", losses, wanted_losses)
    else:
        expect("the picture after each step", pictures, wanted_pictures)

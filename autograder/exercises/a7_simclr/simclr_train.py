"""One epoch of training: two views through the network, the loss, a step of the optimizer."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from autograder.errors import CallTimeout, StudentRaised, Wrong
from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.judge import expect
from autograder.student import named, tensor
from cs231n_utils import compare

from ._shared import call, doubles, loss_of, on_cpu

TWO_OUTPUTS = "cs231n_utils.simclr_trials.TwoOutputs"
RATE = 0.5
# Single precision through a few steps of training; the mistakes are off by 1e-2 and more.
RTOL = 1e-3

Step = Callable[[torch.Tensor, torch.Tensor], tuple[float, list[torch.Tensor]]]

LEFT = "_, out_left = model(x_i)"
RIGHT = "_, out_right = model(x_j)"
LOSS = "loss = simclr_loss_vectorized(out_left, out_right, temperature, device=device)"
ZERO = "train_optimizer.zero_grad()"
BACKWARD = "loss.backward()"
STEP = "train_optimizer.step()"

exercise = Exercise(
    points=4,
    needs=["simclr_loss_vectorized"],
    returns={"train": "the average loss"},
    mistakes=[
        Mistake(
            "the loss of the features",
            swap=(LEFT, "out_left, _ = model(x_i)"),
            more=((RIGHT, "out_right, _ = model(x_j)"),),
            hint="The network returns two things. Which of them is the head's output?",
        ),
        Mistake(
            "the same view twice",
            swap=(RIGHT, "_, out_right = model(x_i)"),
            hint="Which two tensors does the loader bring? Does the network see both?",
        ),
        Mistake(
            "gradients are cleared before the step",
            swap=(ZERO, "pass"),
            more=((BACKWARD, f"{BACKWARD}\n        {ZERO}"),),
            hint="No parameter changes. What is in its grad when the step is made, if it is made?",
        ),
        Mistake(
            "gradients are never cleared",
            swap=(ZERO, "pass"),
            hint="backward adds to what is in grad already. What is there in the second minibatch?",
        ),
        Mistake(
            "the step comes before the gradients",
            swap=(ZERO, f"{STEP}\n        {ZERO}"),
            more=((f"{BACKWARD}\n        {STEP}", BACKWARD),),
            hint="What is in the parameters' grad when the optimizer makes its step?",
        ),
        Mistake(
            "no step",
            swap=(f"{BACKWARD}\n        {STEP}", BACKWARD),
            hint="Compare a parameter before and after. Who changes it?",
            like="gradients are cleared before the step",
        ),
        Mistake(
            "no gradients",
            swap=(f"{BACKWARD}\n        {STEP}", STEP),
            hint="Compare a parameter before and after. Where do its gradients come from?",
            like="gradients are cleared before the step",
        ),
        Mistake(
            "the temperature is not passed on",
            swap=(LOSS, LOSS.replace("temperature", "0.5")),
            hint="Train with another temperature. Does the loss change?",
        ),
        Mistake(
            "one side is cut off",
            swap=(RIGHT, "with torch.no_grad():\n            _, out_right = model(x_j)"),
            hint="The gradient flows back through both views. Does it in yours?",
        ),
    ],
    equivalents=[
        Equivalent(
            "gradients are cleared after the step",
            swap=(ZERO, "pass"),
            more=((STEP, f"{STEP}\n        {ZERO}"),),
        ),
        Equivalent(
            "the second output by its place",
            swap=(LEFT, "out_left = model(x_i)[1]"),
            more=((RIGHT, "out_right = model(x_j)[1]"),),
        ),
        Equivalent(
            "both views in one batch",
            swap=(LEFT, "out_left, out_right = model(torch.cat([x_i, x_j]))[1].chunk(2)"),
            more=((f"        {RIGHT}\n", ""),),
        ),
        Equivalent("the right view first", swap=("(out_left, out_right,", "(out_right, out_left,")),
        Equivalent("gradients cleared by the model", swap=(ZERO, "model.zero_grad()")),
        Equivalent("the loss on its own device", swap=(", device=device)", ")")),
    ],
)


@exercise.case("three minibatches", public=True, N=4, batches=3, tau=0.5)
@exercise.case("another temperature", public=True, N=3, batches=2, tau=0.2)
@exercise.case("a single minibatch", N=5, batches=1, tau=1.0)
def examine(student, rng, N, batches, tau, inputs=12, features=7, outputs=6):
    model = student.public(TWO_OUTPUTS, inputs, features, outputs)
    params = {
        "encoder.weight": rng.standard_normal((features, inputs)) / 3,
        "encoder.bias": rng.standard_normal(features) / 3,
        "head.weight": rng.standard_normal((outputs, features)),
        "head.bias": rng.standard_normal(outputs) / 3,
    }
    params = {name: value.astype(np.float32) for name, value in params.items()}
    student.load(model, params)
    shape = (batches, 2, N, 3, inputs // 3, 1)
    views = rng.standard_normal((batches, 1, *shape[2:])) + 0.7 * rng.standard_normal(shape)
    views = views.astype(np.float32)
    loader = [[tensor(x_i), tensor(x_j), tensor(rng.integers(10, size=N))] for x_i, x_j in views]
    optimizer = student.public("torch.optim.SGD", model.parameters(), lr=RATE)

    told = dict(batch_size=N, temperature=tau, device="cpu")
    loss = call(student, "train", model, loader, optimizer, 1, 2, **told)
    # Sorted by name: encoder.bias, encoder.weight, head.bias, head.weight.
    after = student.public("cs231n_utils.simclr_trials.all_parameters", model)

    want_loss, want = trained(params, views, lambda *out: true_step(*out, tau))
    if compare.close("loss", loss, want_loss, rtol=RTOL, squeeze=True) or compare.close(
        "parameters", after, want, rtol=RTOL
    ):
        own = with_own_loss(student, params, views, tau)
        if own is not None:
            want_loss, want = own
    expect("the average loss", loss, want_loss, rtol=RTOL, squeeze=True)
    expect("the parameters after the epoch", after, want, rtol=RTOL)


def trained(params: dict[str, np.ndarray], views: np.ndarray, step: Step) -> tuple[Any, Any]:
    """Return the average loss and all parameters after an epoch of plain gradient descent.

    `step` returns, for both halves of a minibatch's outputs, the loss and its gradients.
    """
    names = sorted(params)
    tensors = dict(zip(names, doubles(*(params[name] for name in names)), strict=True))
    losses = []
    for pair in torch.from_numpy(views.astype(np.float64)):
        outs = []
        for x in pair:
            feature = torch.tanh(
                x.flatten(1) @ tensors["encoder.weight"].T + tensors["encoder.bias"]
            )
            outs.append(
                F.normalize(feature @ tensors["head.weight"].T + tensors["head.bias"], dim=1)
            )
        loss, weights = step(*outs)
        gradients = torch.autograd.grad(outs, [tensors[name] for name in names], weights)
        with torch.no_grad():
            for name, gradient in zip(names, gradients, strict=True):
                tensors[name] -= RATE * gradient
        losses.append(loss)
    flat = torch.cat([tensors[name].detach().flatten() for name in names])
    return np.mean(losses), flat.numpy()


def true_step(left: torch.Tensor, right: torch.Tensor, tau: float) -> tuple[float, Any]:
    """Return the loss and its gradients."""
    halves = doubles(left.detach().numpy(), right.detach().numpy())
    loss = loss_of(*halves, tau)
    return loss.item(), torch.autograd.grad(loss, halves)


def with_own_loss(student, params, views, tau) -> tuple[Any, Any] | None:
    """Return what training gives with the student's own loss, None where that does not work."""

    def step(left: torch.Tensor, right: torch.Tensor) -> tuple[float, Any]:
        halves = [tensor(half.detach().numpy().astype(np.float32)) for half in (left, right)]
        loss, gradients = student.gradients(
            on_cpu(student, "simclr_loss_vectorized"),
            [named("simclr_loss_vectorized"), *halves, tau],
            cotangent=np.array(1.0),
            wrt=[1, 2],
        )
        if any(g is None or not np.any(g) or not np.isfinite(g).all() for g in gradients):
            raise Wrong("the loss does not look at its arguments yet")
        return float(np.reshape(loss, ())), [
            torch.from_numpy(g.astype(np.float64)) for g in gradients
        ]

    try:
        return trained(params, views, step)
    except (Wrong, StudentRaised, CallTimeout, ValueError, RuntimeError):
        return None

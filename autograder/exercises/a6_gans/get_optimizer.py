"""The optimizer: Adam with a short memory."""

import numpy as np

from autograder.errors import Wrong
from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.judge import expect
from autograder.student import Kept

ADAM = "optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, betas=(0.5, 0.999))"
LR, BETAS, EPS = 1e-3, (0.5, 0.999), 1e-8


def _with(old: str, new: str) -> tuple[str, str]:
    return ADAM, ADAM.replace(old, new)


exercise = Exercise(
    points=3,
    mistakes=[
        Mistake(
            "the default betas",
            swap=_with(", betas=(0.5, 0.999)", ""),
            hint="Print optimizer.param_groups. Which betas does it hold?",
        ),
        Mistake(
            "a second beta of 0.99",
            swap=_with("0.999", "0.99"),
            hint="Print optimizer.param_groups. Which betas does it hold?",
        ),
        Mistake(
            "the betas exchanged",
            swap=_with("(0.5, 0.999)", "(0.999, 0.5)"),
            hint="Print optimizer.param_groups. Which of the betas comes first?",
        ),
        Mistake(
            "a first beta of 0.9",
            swap=_with("0.5, 0.999", "0.9, 0.99"),
            hint="Print optimizer.param_groups. Which betas does it hold?",
        ),
        Mistake(
            "another learning rate",
            swap=_with("1e-3", "2e-4"),
            hint="Print optimizer.param_groups. Which learning rate does it hold?",
        ),
        Mistake(
            "ten times the learning rate",
            swap=_with("1e-3", "1e-2"),
            hint="Print optimizer.param_groups. Which learning rate does it hold?",
        ),
        Mistake(
            "weights shrink",
            swap=_with("Adam(", "AdamW("),
            hint="What does your optimizer do to a weight whose gradient is always zero?",
        ),
        Mistake(
            "weight decay",
            swap=_with("lr=1e-3", "lr=1e-3, weight_decay=1e-2"),
            hint="What does your optimizer do to a weight whose gradient is always zero?",
        ),
        Mistake(
            "plain gradient descent",
            swap=_with(
                "Adam(model.parameters(), lr=1e-3, betas=(0.5, 0.999))",
                "SGD(model.parameters(), lr=1e-3)",
            ),
            hint="Which optimizer does the text ask for?",
        ),
        Mistake(
            "RMSprop",
            swap=_with(
                "Adam(model.parameters(), lr=1e-3, betas=(0.5, 0.999))",
                "RMSprop(model.parameters(), lr=1e-3)",
            ),
            hint="Which optimizer does the text ask for?",
        ),
        Mistake(
            "some parameters stay as they are",
            swap=_with("model.parameters()", "[p for p in model.parameters() if p.dim() > 1]"),
            hint="How many parameters does the optimizer hold, and how many has the model?",
        ),
    ],
    equivalents=[
        Equivalent(
            "a list of parameters", swap=_with("model.parameters()", "[*model.parameters()]")
        ),
        Equivalent(
            "several groups",
            swap=_with("model.parameters()", '[{"params": [p]} for p in model.parameters()]'),
        ),
        Equivalent("a fused step", swap=_with("lr=1e-3", "lr=1e-3, fused=True")),
        Equivalent("betas in a list", swap=_with("(0.5, 0.999)", "[0.5, 0.999]")),
        Equivalent(
            "only the parameters that are trained",
            swap=_with(
                "model.parameters()", "filter(lambda p: p.requires_grad, model.parameters())"
            ),
        ),
    ],
)


def _adam(weights: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Return weights after Adam's steps, as Kingma and Ba (2015) write them."""
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    for step, gradient in enumerate(gradients, start=1):
        first = BETAS[0] * first + (1 - BETAS[0]) * gradient
        second = BETAS[1] * second + (1 - BETAS[1]) * gradient**2
        size = np.sqrt(second / (1 - BETAS[1] ** step)) + EPS
        weights = weights - LR * first / (1 - BETAS[0] ** step) / size
    return weights


@exercise.case("its settings", public=True)
def examine_settings(student, rng):
    optimizer = _make(student, student.public("torch.nn.Linear", 3, 2))
    settings = student.public("cs231n_utils.gans.settings_of", optimizer)
    wanted = {"the learning rate": LR, "beta1": BETAS[0], "beta2": BETAS[1], "weight decay": 0.0}
    for (name, want), got in zip(wanted.items(), settings, strict=True):
        expect(name, got, want, comparator="between", low=0.999999 * want, high=1.000001 * want)


@exercise.case("what its steps do", public=True, steps=4)
@exercise.case("its first step", public=True, steps=1)
@exercise.case("many steps", steps=12)
def examine_steps(student, rng, steps):
    # In double precision a parameter near 1 shows what a step does to its ninth digit.
    model = student.public("torch.nn.Linear", 3, 2).double()
    weights = {"weight": rng.uniform(1, 2, (2, 3)), "bias": rng.uniform(1, 2, 2)}
    student.load(model, weights)
    optimizer = _make(student, model)
    sizes = 10.0 ** rng.integers(-1, 2, (steps, 8))
    gradients = sizes * rng.uniform(0.5, 1.5, (steps, 8)) * rng.choice([-1, 1], (steps, 8))
    moved = student.public("cs231n_utils.gans.follow", optimizer, model, gradients)
    before = np.concatenate([weights["weight"].ravel(), weights["bias"]])
    # A step is 1e-3 of a weight; rounding in the step, in whichever order, is 1e-15.
    expect("the parameters", moved, _adam(before, gradients), rtol=1e-9)


def _make(student, model):
    optimizer = student.get_optimizer(model)
    if not isinstance(optimizer, Kept):
        raise Wrong("get_optimizer must return an optimizer, one of torch.optim")
    return optimizer

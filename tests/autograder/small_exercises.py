"""Small exercises of the kinds that later notebooks need, each with its solution cell.

They prove the format: a torch loss with gradients, one of a list of tensors, a module whose
parameters the judge loads, a function that is given a model, a random transform that is judged by
its statistics, random numbers that must come again with the same seed, and a tensor that is changed
in place.
"""

from __future__ import annotations

import numpy as np
import torch

from autograder.errors import Wrong
from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.judge import expect, expect_true
from autograder.student import generator, tensor

SETUP = "import numpy as np\nimport torch\nfrom torch import nn\n"

# ---------------------------------------------------------------- a torch loss with gradients
FOCAL = """
def focal_loss(logits, labels, gamma):
    log_p = torch.log_softmax(logits, dim=1).gather(1, labels[:, None]).squeeze(1)
    return (-((1 - log_p.exp()) ** gamma) * log_p).mean()
"""

focal_loss = Exercise(
    points=3,
    returns={"focal_loss": "loss"},
    mistakes=[
        Mistake("a sum for a mean", (".mean()", ".sum()"), hint="Does it grow with the batch?"),
        Mistake(
            "cut off from its inputs",
            ("torch.log_softmax(logits, dim=1)", "torch.log_softmax(logits.detach(), dim=1)"),
            hint="Does a gradient reach the logits?",
        ),
        Mistake("no weight", ("(1 - log_p.exp()) ** gamma", "1"), hint="What is gamma for?"),
    ],
    equivalents=[
        Equivalent(
            "softmax first", ("torch.log_softmax(logits, dim=1)", "torch.softmax(logits, 1).log()")
        )
    ],
)


@focal_loss.case("value and gradient", public=True, N=5, C=4)
@focal_loss.case("a batch of one", N=1, C=3)
def examine_focal(student, rng, N, C):
    logits, labels = rng.standard_normal((N, C)), rng.integers(C, size=N)
    gamma, weight = 1.5, np.array(1.7)
    loss, grads = student.gradients(
        student.focal_loss, (tensor(logits), tensor(labels), gamma), cotangent=weight, wrt=[0]
    )
    t = torch.tensor(logits, requires_grad=True)
    p = torch.softmax(t, 1)[torch.arange(N), torch.tensor(labels)]
    want = (-((1 - p) ** gamma) * p.log()).mean()
    want.backward(torch.tensor(float(weight), dtype=want.dtype))
    expect("loss", loss, want.item(), squeeze=True)
    if not expect_true(grads[0] is not None, "no gradient reaches the logits"):
        return
    expect("the gradient of the logits", grads[0], t.grad.numpy())


# ---------------------------------------------------------------- a module that the judge loads
MLP = """
class Gate(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.a = nn.Linear(size, size)
        self.b = nn.Linear(size, size)

    def forward(self, x):
        return torch.sigmoid(self.a(x)) * torch.tanh(self.b(x))
"""

gate = Exercise(
    points=2,
    returns={"Gate": "module"},
    mistakes=[
        Mistake(
            "gates swapped",
            (
                "torch.sigmoid(self.a(x)) * torch.tanh(self.b(x))",
                "torch.sigmoid(self.b(x)) * torch.tanh(self.a(x))",
            ),
            hint="Which of the two is the gate?",
        ),
        Mistake(
            "no bias",
            ("self.a = nn.Linear(size, size)", "self.a = nn.Linear(size, size, bias=False)"),
            hint="Print the names of the parameters.",
        ),
    ],
    equivalents=[
        Equivalent(
            "in another order",
            (
                "torch.sigmoid(self.a(x)) * torch.tanh(self.b(x))",
                "torch.tanh(self.b(x)) * self.a(x).sigmoid()",
            ),
        )
    ],
)


@gate.case("forward, and the gradient of every parameter", public=True, N=3, size=4)
def examine_gate(student, rng, N, size):
    module = student.Gate(size)
    names = ["a.bias", "a.weight", "b.bias", "b.weight"]
    seen = sorted(student.state(module)["parameters"])
    if seen != sorted(names):
        raise Wrong(f"the parameters must be {sorted(names)}. Got {seen}")
    shapes = [(size,), (size, size)] * 2
    params = {n: rng.standard_normal(s).astype("f4") for n, s in zip(names, shapes, strict=True)}
    student.load(module, params)
    x = rng.standard_normal((N, size)).astype("f4")
    weight = rng.standard_normal((N, size)).astype("f4")
    out, grads = student.gradients(
        module.itself, (tensor(x),), cotangent=weight, wrt=[0], module=module
    )
    t = {n: torch.tensor(p, requires_grad=True) for n, p in params.items()}
    xt = torch.tensor(x, requires_grad=True)
    a = xt @ t["a.weight"].T + t["a.bias"]
    b = xt @ t["b.weight"].T + t["b.bias"]
    want = torch.sigmoid(a) * torch.tanh(b)
    wanted = torch.autograd.grad(want, [xt, *t.values()], torch.tensor(weight))
    expect("out", out, want.detach().numpy(), rtol=1e-4)
    for name, got, grad in zip(["x", *names], grads, wanted, strict=True):
        expect(f"d/d {name}", got, grad.numpy(), rtol=1e-4)


# ---------------------------------------------------------------- a function that gets a model
SALIENCY = """
def saliency(X, y, model):
    X = X.clone().requires_grad_(True)
    scores = model(X)
    picked = scores[torch.arange(len(y)), y]
    (dX,) = torch.autograd.grad(picked.sum(), X)
    return dX.abs().amax(dim=1)
"""

saliency = Exercise(
    points=2,
    returns={"saliency": "maps"},
    mistakes=[
        Mistake("signed", (".abs()", ""), hint="Can a saliency be negative?"),
        Mistake(
            "the sum over channels", ("amax(dim=1)", "sum(dim=1)"), hint="The largest, not all."
        ),
        Mistake(
            "the batch's mean",
            ("picked.sum()", "picked.mean()"),
            hint="Does a map change when another image joins the batch?",
        ),
    ],
    equivalents=[Equivalent("max in another word", ("amax(dim=1)", "max(dim=1).values"))],
)


@saliency.case("a linear network, known in closed form", public=True, N=2)
@saliency.case("a batch of one", N=1)
def examine_saliency(student, rng, N, C=3, H=4, W=5, classes=3):
    weights = rng.standard_normal((classes, C * H * W)).astype("f4")
    layer = student.public("torch.nn.Linear", C * H * W, classes, bias=False)
    student.load(layer, {"weight": weights})
    model = student.public("torch.nn.Sequential", student.public("torch.nn.Flatten"), layer)
    X, y = rng.standard_normal((N, C, H, W)).astype("f4"), rng.integers(classes, size=N)
    maps = student.saliency(tensor(X), tensor(y), model)
    expect("maps", maps, np.abs(weights[y].reshape(N, C, H, W)).max(axis=1))


# ---------------------------------------------------------------- a loss of a list of tensors
DISTANCES = """
def distances(maps, targets):
    return sum(((a - b) ** 2).sum() for a, b in zip(maps, targets))
"""

distances = Exercise(
    points=2,
    returns={"distances": "loss"},
    mistakes=[
        Mistake("signed", ("((a - b) ** 2)", "(a - b)"), hint="Can a distance be negative?"),
        Mistake(
            "the first map is cut off",
            ("zip(maps, targets)", "zip([maps[0].detach(), *maps[1:]], targets)"),
            hint="Does a gradient reach every map?",
        ),
    ],
)


@distances.case("maps of two sizes", public=True)
def examine_distances(student, rng):
    maps, targets = ([rng.standard_normal((n, 3)) for n in (2, 4)] for _ in range(2))
    args = [[tensor(m) for m in maps], [tensor(t) for t in targets]]
    loss, grads = student.gradients(
        student.distances, args, cotangent=np.array(0.5), wrt=[(0, 0), (0, 1)]
    )
    pairs = list(zip(maps, targets, strict=True))
    expect("loss", loss, sum(((a - b) ** 2).sum() for a, b in pairs))
    for name, grad, (a, b) in zip(("first", "second"), grads, pairs, strict=True):
        if expect_true(grad is not None, f"no gradient reaches the {name} map"):
            expect(f"the gradient of the {name} map", grad, a - b)


# ---------------------------------------------------------------- a random transform
FLIP = """
def jitter(x, p, generator):
    keep = torch.rand(x.shape, generator=generator) >= p
    return x * keep / (1 - p)
"""

jitter = Exercise(
    points=2,
    returns={"jitter": "out"},
    mistakes=[
        Mistake("not scaled up", (" / (1 - p)", ""), hint="What is the mean of the output?"),
        Mistake("p is what is kept", (">= p", "< p"), hint="For p = 0.2, how many are zero?"),
    ],
    equivalents=[
        Equivalent(
            "drawn from a Bernoulli",
            (
                "torch.rand(x.shape, generator=generator) >= p",
                "torch.bernoulli(torch.full(x.shape, 1 - p), generator=generator)",
            ),
        )
    ],
)


@jitter.case("how many are kept, and what they become", p=0.2)
@jitter.case("another rate", p=0.7)
def examine_jitter(student, rng, p):
    out = student.jitter(tensor(np.ones((100, 100), "f4")), p, generator(rng.integers(1 << 30)))
    # 10,000 draws: the share kept has a standard deviation below 0.005; six of them are allowed,
    # so that a right answer fails once in five hundred million times.
    expect(
        "the share that is kept",
        float((out != 0).mean()),
        1 - p,
        comparator="between",
        low=1 - p - 0.03,
        high=1 - p + 0.03,
    )
    expect("the mean", out.mean(), 1.0, comparator="between", low=1 - 0.1, high=1 + 0.1)
    expect(
        "what is kept",
        out[out != 0].astype(float),
        np.full((out != 0).sum(), 1 / (1 - p)),
        rtol=1e-4,
    )


@jitter.case("nothing is dropped at p = 0", public=True)
def examine_nothing_dropped(student, rng):
    x = rng.standard_normal((3, 4)).astype("f4")
    expect("out", student.jitter(tensor(x), 0.0, generator(1)), x)


# ---------------------------------------------------------------- random numbers with a seed
DICE = """
def draw(size, seed):
    torch.manual_seed(seed)
    return 2 * torch.rand(size) - 1
"""

dice = Exercise(
    points=2,
    returns={"draw": "numbers"},
    mistakes=[
        Mistake("between 0 and 1", ("2 * torch.rand(size) - 1", "torch.rand(size)"), hint="Both?"),
        Mistake(
            "the seed is left out",
            ("torch.manual_seed(seed)", "torch.manual_seed(5 + int(torch.rand(1) * 1000))"),
            hint="Draw twice.",
        ),
    ],
    equivalents=[
        Equivalent(
            "another stream of random numbers",
            ("2 * torch.rand(size) - 1", "1 - 2 * torch.rand(size + 3)[3:]"),
        )
    ],
)


@dice.case("one seed, the same numbers", public=True, size=50)
def examine_dice(student, rng, size):
    student.public("torch.manual_seed", int(rng.integers(1000)))
    first, second = (student.draw(size, 3) for _ in range(2))
    for numbers in (first, second):
        expect("numbers", numbers, [-1, 1], comparator="uniform", shape=[size])
    change = student.public("torch.sub", student.again(first), student.again(second))
    expect("what changes when drawn again", change, np.zeros(size))


# ---------------------------------------------------------------- a tensor changed in place
DESCEND = """
def descend(x, rate):
    loss = (x ** 3).sum()
    (g,) = torch.autograd.grad(loss, x)
    with torch.no_grad():
        x -= rate * g
"""

descend = Exercise(
    points=2,
    mistakes=[
        Mistake("not in place", ("x -= rate * g", "x = x - rate * g"), hint="Who sees it?"),
        Mistake(
            "gradients pile up",
            ("(g,) = torch.autograd.grad(loss, x)", "loss.backward()\n    g = x.grad"),
            hint="Call it twice.",
        ),
    ],
    equivalents=[
        Equivalent("along the gradient's direction", ("rate * g", "rate * g / g.norm()")),
    ],
)


@descend.case("two calls on one tensor", public=True, rate=0.1)
def examine_descend(student, rng, rate):
    x = rng.standard_normal((4, 5))
    kept = student.keep(tensor(x))
    kept.requires_grad_()
    student.descend(kept, rate)
    student.descend(kept, rate)
    wants = []
    for unit in (False, True):
        want = x.copy()
        for _ in range(2):
            g = 3 * want**2
            want -= rate * (g / np.linalg.norm(g) if unit else g)
        wants.append(want)
    expect("x", student.fetch(kept), np.stack(wants), comparator="one_of", rtol=1e-7)


EXERCISES = {
    "focal_loss": (focal_loss, FOCAL),
    "gate": (gate, MLP),
    "saliency": (saliency, SALIENCY),
    "distances": (distances, DISTANCES),
    "jitter": (jitter, FLIP),
    "dice": (dice, DICE),
    "descend": (descend, DESCEND),
}
for _name, (_exercise, _) in EXERCISES.items():
    _exercise.name, _exercise.assignment, _exercise.title = _name, "small", _name

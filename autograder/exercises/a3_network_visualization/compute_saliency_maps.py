"""Saliency maps: which pixels move the score of a picture's class."""

import numpy as np

from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.judge import expect, expect_unchanged
from autograder.student import tensor

from ._networks import RTOL, convolutional_layers, draw, draw_network, linear_layers, send

TOTAL = "total = scores.gather(1, y.view(-1, 1)).sum()"
GRADIENT = "(gradient,) = torch.autograd.grad(total, X)"
MAP = "saliency = gradient.abs().amax(dim=1)"

exercise = Exercise(
    points=6,
    mistakes=[
        Mistake(
            "the gradient of the cross-entropy loss",
            swap=(TOTAL, 'total = F.cross_entropy(scores, y, reduction="sum")'),
            hint="Where the network is sure, is your map nearly black? Of what do you take the "
            "gradient: of a loss, or of the score itself?",
        ),
        Mistake(
            "the gradient of the mean cross-entropy loss",
            swap=(TOTAL, "total = F.cross_entropy(scores, y)"),
            hint="Where the network is sure, is your map nearly black? Of what do you take the "
            "gradient: of a loss, or of the score itself?",
        ),
        Mistake(
            "the softmax is taken twice",
            swap=(TOTAL, "total = F.cross_entropy(scores.softmax(dim=1), y)"),
            hint="Does the map need a softmax, or a loss? It asks about the score itself.",
        ),
        Mistake(
            "the gradient of the probability",
            swap=(TOTAL, "total = scores.softmax(dim=1).gather(1, y.view(-1, 1)).sum()"),
            hint="Raise all the scores by the same amount. Should a map of one score care about "
            "the other classes?",
        ),
        Mistake(
            "the logarithm of the score",
            swap=(TOTAL, "total = -scores.gather(1, y.view(-1, 1)).log().sum()"),
            hint="A score may be negative. What does your map hold then?",
        ),
        Mistake(
            "the class is used as a number",
            swap=(TOTAL, "total = ((scores.gather(1, y.view(-1, 1)).squeeze(1) - y) ** 2).sum()"),
            hint="y[n] says which score to look at. Is class 4 twice as much as class 2?",
        ),
        Mistake(
            "channels are added up",
            swap=(MAP, "saliency = gradient.abs().sum(dim=1)"),
            hint="Three channels become one number for each pixel. Which one?",
        ),
        Mistake(
            "channels are averaged",
            swap=(MAP, "saliency = gradient.abs().mean(dim=1)"),
            hint="Three channels become one number for each pixel. Which one?",
        ),
        Mistake(
            "the largest gradient, with its sign",
            swap=(MAP, "saliency = gradient.amax(dim=1)"),
            hint="Can your map hold negative numbers? A pixel that lowers the score matters, too.",
        ),
        Mistake(
            "the absolute value comes after the maximum",
            swap=(MAP, "saliency = gradient.amax(dim=1).abs()"),
            hint="Take a pixel with the gradients (0.1, 0, -5). What does your map say?",
        ),
        Mistake(
            "the mean over the batch",
            swap=(TOTAL, TOTAL.replace(".sum()", ".mean()")),
            hint="Does a picture's map depend on how many others are in the batch?",
        ),
        Mistake(
            "every picture is asked for everybody's class",
            swap=(TOTAL, "total = scores[:, y].sum()"),
            hint="What is the shape of scores[:, y]? Each picture has one class of its own.",
        ),
        Mistake(
            "the scores of all the classes",
            swap=(TOTAL, "total = scores.sum()"),
            hint="Does your map change with y?",
        ),
        Mistake(
            "the class that scores highest",
            swap=(TOTAL, "total = scores.amax(dim=1).sum()"),
            hint="Does your map change with y? The network may take the picture for another class.",
        ),
        Mistake(
            "a single picture loses its axis",
            swap=(MAP, MAP + ".squeeze()"),
            hint="Call it with one picture. What is the shape of the map?",
        ),
        Mistake(
            "gradients pile up in X",
            swap=(GRADIENT, "total.backward()\n    gradient = X.grad"),
            hint="Call it twice with the same X. backward() adds to what is in X.grad already.",
        ),
    ],
    equivalents=[
        Equivalent(
            "backward, after clearing what is there",
            swap=(GRADIENT, "X.grad = None\n    total.backward()\n    gradient = X.grad"),
        ),
        Equivalent(
            "backward, and cleared afterwards",
            swap=(
                GRADIENT,
                "total.backward()\n    gradient = X.grad.clone()\n    X.grad.zero_()",
            ),
        ),
        Equivalent(
            "a gradient for each score",
            swap=(TOTAL, "total = scores.gather(1, y.view(-1, 1)).squeeze(1)"),
            more=((GRADIENT, "(gradient,) = torch.autograd.grad(total, X, torch.ones(len(y)))"),),
        ),
        Equivalent(
            "indexed by rows and classes",
            swap=(TOTAL, "total = scores[torch.arange(len(y)), y].sum()"),
        ),
        Equivalent("the sign does not matter", swap=(TOTAL, TOTAL.replace("scores.", "-scores."))),
        Equivalent(
            "a copy of X",
            swap=(
                "scores = model(X)",
                "X = X.detach().clone().requires_grad_()\n    scores = model(X)",
            ),
        ),
        Equivalent(
            "one picture after another",
            swap=(
                MAP,
                "saliency = torch.stack([torch.autograd.grad(model(X[i : i + 1])[0, y[i]], X)[0][i]"
                ".abs().max(dim=0)[0] for i in range(len(y))])",
            ),
        ),
        Equivalent("NumPy at the end", swap=(MAP, "saliency = gradient.numpy().__abs__().max(1)")),
    ],
)


@exercise.case("a batch of pictures", public=True, N=4, H=8, W=11, K=5)
@exercise.case("a single picture", public=True, N=1, H=9, W=7, K=6)
@exercise.case("as many pictures as classes", N=4, H=7, W=10, K=4)
@exercise.case("a network that is sure, with scores far from zero", public=True,
               N=3, H=8, W=7, K=5, scale=3.0, bias=40.0)  # fmt: skip
def examine(student, rng, N, H, W, K, **spread):
    network = send(student, *_drawn(rng, convolutional_layers(K), **spread))
    x, y = draw(rng, N, 3, H, W), _classes(rng, N, K)
    saliency = student.compute_saliency_maps(tensor(x), tensor(y), network.there)
    expect_unchanged(student, "X")
    expect("saliency", saliency, np.abs(network.gradient(x, y)).max(axis=1), rtol=RTOL)


@exercise.case("a linear network: its saliency is its weights", N=3, H=5, W=4, K=7)
def examine_linear(student, rng, N, H, W, K):
    network = send(student, *_drawn(rng, linear_layers(H, W, K)))
    x, y = draw(rng, N, 3, H, W), _classes(rng, N, K)
    saliency = student.compute_saliency_maps(tensor(x), tensor(y), network.there)
    weights = network.here[1].weight.detach().numpy()[y].reshape(N, 3, H, W)
    expect("saliency", saliency, np.abs(weights).max(axis=1), rtol=RTOL)


@exercise.case("a second call with the same X", public=True, N=2, H=6, W=7, K=5)
def examine_twice(student, rng, N, H, W, K):
    network = send(student, *_drawn(rng, convolutional_layers(K)))
    x, y = draw(rng, N, 3, H, W), _classes(rng, N, K)
    want = np.abs(network.gradient(x, y)).max(axis=1)
    X = student.keep(tensor(x))
    for call in ("first", "second"):
        saliency = student.compute_saliency_maps(X, tensor(y), network.there)
        expect(f"the {call} call's saliency", saliency, want, rtol=RTOL)


@exercise.case("an X that wants gradients already", weight=0.5, N=3, H=7, W=6, K=4)
def examine_ready(student, rng, N, H, W, K):
    network = send(student, *_drawn(rng, convolutional_layers(K)))
    x, y = draw(rng, N, 3, H, W), _classes(rng, N, K)
    X = student.keep(tensor(x))
    X.requires_grad_()
    saliency = student.compute_saliency_maps(X, tensor(y), network.there)
    expect("saliency", saliency, np.abs(network.gradient(x, y)).max(axis=1), rtol=RTOL)


def _drawn(rng, layers, **spread):
    return draw_network(rng, layers, **spread), layers


def _classes(rng, N, K):
    """Draw classes: not all alike, and none of them 0 twice."""
    y = rng.permutation(K)[:N] if N <= K else rng.integers(K, size=N)
    return y.astype(np.int64)

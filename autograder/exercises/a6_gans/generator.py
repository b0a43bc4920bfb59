"""The generator: three linear layers that make images of noise."""

import torch

from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.judge import expect

from . import _networks as networks

FIRST = "nn.Linear(noise_dim, 1024),\n        nn.ReLU(),"
SECOND = "nn.Linear(1024, 1024),\n        nn.ReLU(),"
TANH = "nn.Tanh(),"

exercise = Exercise(
    points=3,
    mistakes=[
        Mistake(
            "LeakyReLU in place of ReLU",
            swap=(FIRST, FIRST.replace("ReLU()", "LeakyReLU(0.01)")),
            more=((SECOND, SECOND.replace("ReLU()", "LeakyReLU(0.01)")),),
            hint="What is left of a negative number after your activation?",
        ),
        Mistake(
            "no activation after the first layer",
            swap=(FIRST, "nn.Linear(noise_dim, 1024),"),
            hint="Two linear layers with nothing in between are one linear layer.",
        ),
        Mistake(
            "no activation after the second layer",
            swap=(SECOND, "nn.Linear(1024, 1024),"),
            hint="Two linear layers with nothing in between are one linear layer.",
        ),
        Mistake(
            "no tanh at the end",
            swap=(TANH, ""),
            hint="Between which bounds do the pixels of your images lie?",
        ),
        Mistake(
            "a sigmoid at the end",
            swap=(TANH, "nn.Sigmoid(),"),
            hint="Black is -1. What is your darkest pixel?",
        ),
        Mistake(
            "ReLU before tanh",
            swap=(TANH, f"nn.ReLU(),\n        {TANH}"),
            hint="Black is -1. What is your darkest pixel?",
        ),
        Mistake(
            "the size of the noise is fixed",
            swap=("nn.Linear(noise_dim, 1024)", "nn.Linear(96, 1024)"),
            hint="Does generator(4) take noise with four numbers for each image?",
        ),
        Mistake(
            "a layer is missing",
            swap=(SECOND, ""),
            hint="Count the linear layers in the table.",
        ),
        Mistake(
            "smaller layers",
            swap=("nn.Linear(1024, 784)", "nn.Linear(512, 784)"),
            more=((SECOND, SECOND.replace("1024, 1024", "1024, 512")),),
            hint="Compare the sizes of the layers with the table.",
        ),
    ],
    equivalents=[
        Equivalent("in place", swap=(FIRST, FIRST.replace("ReLU()", "ReLU(True)"))),
        Equivalent("pictures", swap=(TANH, f"{TANH}\n        nn.Unflatten(1, (1, 28, 28)),")),
        Equivalent(
            "parts within parts",
            swap=(FIRST, f"nn.Sequential({FIRST[:-1]}),"),
        ),
        Equivalent("lazy layers", swap=("nn.Linear(noise_dim, 1024)", "nn.LazyLinear(1024)")),
    ],
)


@exercise.case("a batch of images", public=True, N=5, dim=4, want=1858320)
@exercise.case("a single image, from other noise", N=1, dim=7, want=1861392)
def examine(student, rng, N, dim, want):
    network = networks.build(student, "generator", dim)
    seed = int(rng.integers(1 << 30))
    networks.set_parameters(student, network, seed, inputs=dim, want=want)
    for _ in range(2):
        noise = networks.draw_noise(rng, N, dim)
        got = networks.pictures(student, network, noise)
        images = networks.generator(torch.from_numpy(noise), seed)
        expect("the images", got, images.numpy(), rtol=networks.RTOL)


@exercise.case("noise of 96 numbers, unless told otherwise", weight=0.5, want=1952528)
def examine_default(student, rng, want):
    network = networks.build(student, "generator")
    networks.set_parameters(student, network, int(rng.integers(1 << 30)), inputs=96, want=want)

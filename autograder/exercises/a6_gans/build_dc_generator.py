"""A generator with transposed convolutions."""

import torch

from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.judge import expect

from . import _networks as networks

RELU = "nn.ReLU(),\n        "
NORM1 = "nn.BatchNorm1d(1024),"
NORM2 = "nn.BatchNorm1d(7 * 7 * 128),"
NORM3 = "nn.BatchNorm2d(64),"
NORMS = (NORM1, NORM2, NORM3)
IMAGE = "nn.Unflatten(1, (128, 7, 7)),"
UP1 = "nn.ConvTranspose2d(128, 64, kernel_size=4, stride=2, padding=1),"
UP2 = "nn.ConvTranspose2d(64, 1, kernel_size=4, stride=2, padding=1),"
TANH = "nn.Tanh(),"
ROWS = "nn.Flatten(),"


def _norms(before: str, after: str) -> dict:
    """Put this in front of each norm, in place of the ReLU, and that behind it."""
    first, *more = [(RELU + norm, before + norm + after) for norm in NORMS]
    return {"swap": first, "more": tuple(more)}


exercise = Exercise(
    points=5,
    mistakes=[
        Mistake(
            "batch norm before ReLU",
            **_norms("", "\n        nn.ReLU(),"),
            hint="What comes first in the table: ReLU, or batch norm?",
        ),
        Mistake(
            "batch norm before ReLU, of the pictures only",
            swap=(RELU + NORM3, f"{NORM3}\n        nn.ReLU(),"),
            hint="What comes first in the table: ReLU, or batch norm?",
        ),
        Mistake(
            "LeakyReLU in place of ReLU",
            **_norms("nn.LeakyReLU(0.01),\n        ", ""),
            hint="What is left of a negative number after your activation?",
        ),
        Mistake(
            "no ReLU after the first layer",
            swap=(RELU + NORM1, NORM1),
            hint="Go through the table line by line, and compare it with print(your network).",
        ),
        Mistake(
            "no ReLU after the second layer",
            swap=(RELU + NORM2, NORM2),
            hint="Go through the table line by line, and compare it with print(your network).",
        ),
        Mistake(
            "no ReLU between the transposed convolutions",
            swap=(RELU + NORM3, NORM3),
            hint="Go through the table line by line, and compare it with print(your network).",
        ),
        Mistake(
            "no batch norm",
            swap=(NORM1, ""),
            more=((NORM2, ""), (NORM3, "")),
            hint="Count the parameters. Which layers of the table have you left out?",
        ),
        Mistake(
            "batch norm that learns nothing",
            swap=(NORM1, NORM1.replace("1024", "1024, affine=False")),
            more=(
                (NORM2, NORM2.replace("128)", "128, affine=False)")),
                (NORM3, NORM3.replace("64", "64, affine=False")),
            ),
            hint="Count the parameters. Batch norm has a scale and a shift for each channel.",
        ),
        Mistake(
            "batch norm without a memory",
            swap=(NORM1, NORM1.replace("1024", "1024, track_running_stats=False")),
            more=(
                (NORM2, NORM2.replace("128)", "128, track_running_stats=False)")),
                (NORM3, NORM3.replace("64", "64, track_running_stats=False")),
            ),
            hint="In evaluation mode, does an image depend on the others of its batch?",
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
            "channels come last",
            swap=(IMAGE, f"{IMAGE.replace('128, 7, 7', '7, 7, 128')}\n        Channels(),"),
            more=(
                (
                    "model = nn.Sequential(",
                    "class Channels(nn.Module):\n"
                    "        def forward(self, x):\n"
                    "            return x.permute(0, 3, 1, 2)\n\n"
                    "    model = nn.Sequential(",
                ),
            ),
            hint="After Unflatten, which axis counts the 128 channels?",
        ),
        Mistake(
            "a batch of 128, whatever comes",
            swap=(IMAGE, "Unflatten(128, 128, 7, 7),"),
            hint="Does your network make three images of three rows of noise?",
        ),
        Mistake(
            "the size of the noise is fixed",
            swap=("nn.Linear(noise_dim, 1024)", "nn.Linear(96, 1024)"),
            hint="Does build_dc_generator(4) take noise with four numbers for each image?",
        ),
    ],
    equivalents=[
        Equivalent("the given parts", swap=(IMAGE, "Unflatten(-1, 128, 7, 7),")),
        Equivalent("pictures", swap=(ROWS, "")),
        Equivalent("in place", swap=(RELU + NORM3, f"nn.ReLU(inplace=True),\n        {NORM3}")),
        Equivalent(
            "a lazy norm",
            swap=(NORM1, "nn.LazyBatchNorm1d(),"),
        ),
        Equivalent("positions for names", swap=(UP1, "nn.ConvTranspose2d(128, 64, 4, 2, 1),")),
    ],
)


@exercise.case("a batch in training, then another in evaluation", public=True, dim=4, N=3, M=2)
@exercise.case("a larger batch in training, then a single image", dim=9, N=5, M=1)
def examine(student, rng, dim, N, M):
    network = networks.build(student, "build_dc_generator", dim)
    seed = int(rng.integers(1 << 30))
    want = 6580801 + 1024 * (dim - 4)
    networks.set_parameters(student, network, seed, inputs=dim, want=want)
    norm = networks.Norms(seed)
    for training, number in ((True, N), (False, M)):
        norm.training = training
        if not training:
            network.eval()
        noise = networks.draw_noise(rng, number, dim)
        got = networks.pictures(student, network, noise)
        images = networks.dc_generator(torch.from_numpy(noise), seed, norm)
        label = f"the images in {'training' if training else 'evaluation'}"
        expect(label, got, images.numpy(), rtol=networks.RTOL)

"""A discriminator with convolutions."""

from autograder.exercise import Equivalent, Exercise, Mistake

from . import _networks as networks

START = "nn.Unflatten(1, (1, 28, 28)),"
CONV1 = "nn.Conv2d(1, 32, kernel_size=5, stride=1),\n        nn.LeakyReLU(0.01),"
CONV2 = "nn.Conv2d(32, 64, kernel_size=5, stride=1),\n        nn.LeakyReLU(0.01),"
POOL1 = f"{CONV1}\n        nn.MaxPool2d(kernel_size=2, stride=2),"
POOL2 = f"{CONV2}\n        nn.MaxPool2d(kernel_size=2, stride=2),"
DENSE = "nn.Linear(4 * 4 * 64, 4 * 4 * 64),\n        nn.LeakyReLU(0.01),"
LAST = "nn.Linear(4 * 4 * 64, 1),"
ALL = (CONV1, CONV2, DENSE)


def _everywhere(old: str, new: str) -> dict:
    first, *more = [(part, part.replace(old, new)) for part in ALL]
    return {"swap": first, "more": tuple(more)}


def _without_activation(part: str) -> tuple[str, str]:
    return part, part.replace("\n        nn.LeakyReLU(0.01),", "")


exercise = Exercise(
    points=4,
    mistakes=[
        Mistake(
            "a slope of 0.2",
            **_everywhere("0.01", "0.2"),
            hint="What is left of a negative number after your LeakyReLU?",
        ),
        Mistake(
            "ReLU in place of LeakyReLU",
            **_everywhere("LeakyReLU(0.01)", "ReLU()"),
            hint="What is left of a negative number after your activation?",
        ),
        Mistake(
            "no activation after the first convolution",
            swap=_without_activation(CONV1),
            hint="Go through the table line by line, and compare it with print(your network).",
        ),
        Mistake(
            "no activation after the second convolution",
            swap=_without_activation(CONV2),
            hint="Go through the table line by line, and compare it with print(your network).",
        ),
        Mistake(
            "no activation between the linear layers",
            swap=_without_activation(DENSE),
            hint="Two linear layers with nothing in between are one linear layer.",
        ),
        Mistake(
            "a sigmoid at the end",
            swap=(LAST, f"{LAST}\n        nn.Sigmoid(),"),
            hint="A score may be any number. Between which bounds do yours lie?",
        ),
        Mistake(
            "an activation at the end",
            swap=(LAST, f"{LAST}\n        nn.LeakyReLU(0.01),"),
            hint="A score may be any number, and negative ones mean something. Look at yours.",
        ),
        Mistake(
            "the mean in place of the maximum",
            swap=(POOL1, POOL1.replace("MaxPool", "AvgPool")),
            more=((POOL2, POOL2.replace("MaxPool", "AvgPool")),),
            hint="Of four neighbouring numbers, which one should be left after the pooling?",
        ),
        Mistake(
            "a stride in place of the pooling",
            swap=(POOL1, CONV1.replace("stride=1", "stride=2")),
            more=((POOL2, CONV2.replace("stride=1", "stride=2")),),
            hint="Of four neighbouring numbers, which one should be left after the pooling?",
        ),
        Mistake(
            "filters of 3 by 3",
            swap=(CONV1, CONV1.replace("size=5", "size=3")),
            more=(
                (CONV2, CONV2.replace("size=5, stride=1", "size=3, stride=1, padding=1")),
                (DENSE, DENSE.replace("(4 * 4 * 64", "(6 * 6 * 64")),
            ),
            hint="Count the parameters of the convolutions: how large is one filter?",
        ),
        Mistake(
            "a batch of 128, whatever comes",
            swap=(START, "Unflatten(128, 1, 28, 28),"),
            hint="Does your network take a single image?",
        ),
        Mistake(
            "it lives on the graphics card",
            swap=(f"{LAST}\n    )", f"{LAST}\n    ).cuda()"),
            hint="On which device are the images? Leave it to others where the network runs.",
        ),
    ],
    equivalents=[
        Equivalent("the default slope", **_everywhere("0.01", "")),
        Equivalent("the given parts", swap=(START, "Unflatten(batch_size, 1, 28, 28),")),
        Equivalent("any number of images", swap=(START, "Unflatten(C=1, H=28, W=28),")),
        Equivalent("images that come as pictures", swap=(START, "")),
        Equivalent(
            "the pooling first, which changes nothing",
            swap=(
                POOL1,
                "nn.Conv2d(1, 32, 5),\n        nn.MaxPool2d(2),\n        nn.LeakyReLU(0.01),",
            ),
        ),
        Equivalent("a row of scores", swap=(LAST, f"{LAST}\n        nn.Flatten(0),")),
        Equivalent(
            "lazy layers", swap=(DENSE, DENSE.replace("Linear(4 * 4 * 64, ", "LazyLinear("))
        ),
    ],
)


@exercise.case("a batch of images", public=True, N=3)
@exercise.case("a single image", N=1)
def examine(student, rng, N):
    network = networks.build(student, "build_dc_classifier", N)
    networks.expect_scores(
        student, network, rng, N, inputs=784, want=1102721, reference=networks.dc_classifier
    )

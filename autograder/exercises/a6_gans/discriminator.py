"""The discriminator: three linear layers that score images."""

from autograder.exercise import Equivalent, Exercise, Mistake

from . import _networks as networks

FIRST = "nn.Linear(784, 256),\n        nn.LeakyReLU(0.01),"
SECOND = "nn.Linear(256, 256),\n        nn.LeakyReLU(0.01),"
LAST = "nn.Linear(256, 1),"
START = "model = nn.Sequential(\n        nn.Flatten(),"

exercise = Exercise(
    points=3,
    mistakes=[
        Mistake(
            "a slope of 0.2",
            swap=(FIRST, FIRST.replace("0.01", "0.2")),
            more=((SECOND, SECOND.replace("0.01", "0.2")),),
            hint="What is left of a negative number after your LeakyReLU?",
        ),
        Mistake(
            "a slope of 0.1",
            swap=(FIRST, FIRST.replace("0.01", "0.1")),
            more=((SECOND, SECOND.replace("0.01", "0.1")),),
            hint="What is left of a negative number after your LeakyReLU?",
        ),
        Mistake(
            "ReLU in place of LeakyReLU",
            swap=(FIRST, FIRST.replace("LeakyReLU(0.01)", "ReLU()")),
            more=((SECOND, SECOND.replace("LeakyReLU(0.01)", "ReLU()")),),
            hint="What is left of a negative number after your activation?",
        ),
        Mistake(
            "no activation after the first layer",
            swap=(FIRST, "nn.Linear(784, 256),"),
            hint="Two linear layers with nothing in between are one linear layer.",
        ),
        Mistake(
            "no activation after the second layer",
            swap=(SECOND, "nn.Linear(256, 256),"),
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
            "tanh at the end",
            swap=(LAST, f"{LAST}\n        nn.Tanh(),"),
            hint="A score may be any number. Between which bounds do yours lie?",
        ),
        Mistake(
            "a layer is missing",
            swap=(SECOND, ""),
            hint="Count the linear layers in the table.",
        ),
        Mistake(
            "scores for two classes",
            swap=(LAST, LAST.replace("1)", "2)")),
            hint="How many scores does an image get?",
        ),
        Mistake(
            "no biases",
            swap=(FIRST, FIRST.replace("256)", "256, bias=False)")),
            hint="A linear layer adds something to the product: count the parameters.",
        ),
        Mistake(
            "dropout between the layers",
            swap=(FIRST, f"{FIRST}\n        nn.Dropout(0.3),"),
            hint="Score the same images twice. Are the scores the same?",
        ),
    ],
    equivalents=[
        Equivalent("the default slope", swap=(FIRST, FIRST.replace("0.01", ""))),
        Equivalent(
            "in place", swap=(FIRST, FIRST.replace("0.01", "negative_slope=0.01, inplace=True"))
        ),
        Equivalent("images that come as rows", swap=(START, "model = nn.Sequential(")),
        Equivalent("flattened by the given part", swap=("nn.Flatten()", "Flatten()"), more=()),
        Equivalent("a row of scores", swap=(LAST, f"{LAST}\n        nn.Flatten(0),")),
        Equivalent("lazy layers", swap=("nn.Linear(784, 256)", "nn.LazyLinear(256)")),
        Equivalent(
            "a class, with its layers in another order",
            swap=(
                START,
                "class Scores(nn.Module):\n"
                "        def __init__(self):\n"
                "            super().__init__()\n"
                "            self.last, self.middle = nn.Linear(256, 1), nn.Linear(256, 256)\n"
                "            self.first = nn.Linear(784, 256)\n"
                "        def forward(self, x):\n"
                "            x = nn.functional.leaky_relu(self.first(x.view(x.size(0), -1)))\n"
                "            return self.last(nn.functional.leaky_relu(self.middle(x)))\n"
                "    return Scores()\n"
                f"    {START}",
            ),
        ),
    ],
)


@exercise.case("a batch of images", public=True, N=5)
@exercise.case("a single image", N=1)
def examine(student, rng, N):
    network = networks.build(student, "discriminator")
    networks.expect_scores(
        student, network, rng, N, inputs=784, want=267009, reference=networks.discriminator
    )

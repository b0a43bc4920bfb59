"""Receptive fields: which pixels a unit of a convolutional network can see."""

from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.judge import expect

SIZE = "size += (kernel - 1) * step"
START = "start -= padding * step"
STEP = "step *= stride"
BEGIN = "size, step, start = 1, 1, 0"

exercise = Exercise(
    points=3,
    returns={"receptive_field": "size, step, start"},
    mistakes=[
        Mistake(
            "the step is updated too early",
            swap=(
                f"{SIZE}\n        {START}\n        {STEP}",
                f"{STEP}\n        {SIZE}\n        {START}",
            ),
            hint="Two neighbouring inputs of a layer: how many pixels apart are they? Has this "
            "layer's stride a part in that?",
        ),
        Mistake(
            "the whole kernel is added",
            swap=(SIZE, "size += kernel * step"),
            hint="A kernel of 1 sees no more than the layer below it. Does yours?",
        ),
        Mistake(
            "strides do not count for the size",
            swap=(SIZE, "size += kernel - 1"),
            hint="After a stride of 2, how many pixels does the next kernel of 3 reach across?",
        ),
        Mistake(
            "kernels are multiplied",
            swap=(SIZE, "size *= kernel"),
            hint="Two kernels of 3 on top of each other: draw which pixels they see. Nine?",
        ),
        Mistake(
            "padding is counted in pixels",
            swap=(START, "start -= padding"),
            hint="One unit of padding of a later layer: how many pixels is that?",
        ),
        Mistake(
            "padding moves the window inwards",
            swap=(START, "start += padding * step"),
            hint="With padding, does the first window begin inside the picture, or outside of it?",
        ),
        Mistake(
            "padding is ignored",
            swap=(START, "pass"),
            hint="Where does the first window begin when there is padding?",
        ),
        Mistake(
            "padding makes the window larger",
            swap=(START, "start -= padding * step\n        size += 2 * padding * step"),
            hint="A kernel of 3 sees three numbers, padded or not.",
        ),
        Mistake(
            "strides are added up",
            swap=(STEP, "step += stride - 1"),
            hint="Two strides of 3, one after the other: how many pixels do neighbours lie apart?",
        ),
        Mistake(
            "the last stride alone",
            swap=(STEP, "step = stride"),
            hint="Two strides of 3, one after the other: how many pixels do neighbours lie apart?",
        ),
        Mistake(
            "layers are read from the top down",
            swap=("in layers:", "in reversed(layers):"),
            hint="With which layer does the list begin?",
        ),
    ],
    equivalents=[
        Equivalent(
            "windows followed from the top down",
            swap=(
                BEGIN,
                "low, high, next_low = 0, 0, 1\n"
                "    for kernel, stride, padding in reversed(layers):\n"
                "        low, high = low * stride - padding, high * stride - padding + kernel - 1\n"
                "        next_low = next_low * stride - padding\n"
                "    return high - low + 1, next_low - low, low\n"
                "    size, step, start = 1, 1, 0",
            ),
        ),
        Equivalent(
            "a list is returned, and layers are numbered",
            swap=(
                "for kernel, stride, padding in layers:",
                "for n in range(len(layers)):\n        kernel, stride, padding = layers[n]",
            ),
            more=(("return size, step, start", "return [size, step, start]"),),
        ),
    ],
)

FIXED = {
    "one layer": [(5, 3, 2)],
    "two layers with strides": [(3, 2, 1), (5, 3, 2)],
    "a network as in the notebook": [(3, 2, 0), (3, 2, 0), (1, 1, 0), (3, 1, 1), (3, 2, 0)],
}


@exercise.case("one layer", public=True, layers=FIXED["one layer"])
@exercise.case("no layer at all", layers=[])
@exercise.case("two layers with strides", public=True, layers=FIXED["two layers with strides"])
@exercise.case("a network with pooling", public=True,
               layers=FIXED["a network as in the notebook"])  # fmt: skip
@exercise.case("any layers", weight=2.0, depth=6)
def examine(student, rng, layers=None, depth=0):
    if layers is None:
        layers = [(int(rng.integers(1, 8)), int(rng.integers(1, 4)), int(rng.integers(0, 4)))
                  for _ in range(depth)]  # fmt: skip
        layers[-2:] = [(4, 2, 1), (3, 3, 2)]  # so that every number of a layer matters
    answer = student.receptive_field(layers)
    for name, got, want in zip(("size", "step", "start"), answer, window(layers), strict=True):
        expect(name, got, want, comparator="number")


def window(layers):
    """Return what the first unit sees, and how far on the next one sees, by following both down.

    The inputs of unit u are the units u * stride - padding to that + kernel - 1 of the layer below.
    """
    low = high = 0
    other = 1
    for kernel, stride, padding in reversed(layers):
        low, high = low * stride - padding, high * stride - padding + kernel - 1
        other = other * stride - padding
    return high - low + 1, other - low, low

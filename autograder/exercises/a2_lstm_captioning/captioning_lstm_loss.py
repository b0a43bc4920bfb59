"""The captioning loss with an LSTM: image and words in, a number and every gradient out."""

from autograder.exercise import Exercise

from .._captioning_loss import examine_loss, fixed_input, random_input
from .._captioning_mistakes import LOSS_EQUIVALENTS, LOSS_MISTAKES
from .._numpy import NUMPY_ONLY, TORCH
from ._lstm import RETURNS, sequence

exercise = Exercise(
    points=5,
    forbids=NUMPY_ONLY,
    shortcuts=[TORCH],
    returns=RETURNS,
    needs=["lstm_forward", "lstm_backward"],
    mistakes=LOSS_MISTAKES,
    equivalents=LOSS_EQUIVALENTS,
)


@exercise.case("the loss on captions of different lengths", draw=random_input, look_at="loss")
@exercise.case("every parameter's gradient", public=True, weight=2, draw=random_input)
@exercise.case("the handout's fixed input", public=True, draw=fixed_input, between=(-0.5, 1.7))
@exercise.case("a single image", draw=random_input, N=1, T=4)
@exercise.case(
    "D equals H and N equals T, so mixed-up axes still fit", draw=random_input, N=4, T=4, F=5, H=5
)
def examine(student, rng, draw, look_at="everything", **shape):
    examine_loss(student, sequence, "lstm", draw(rng, blocks=4, **shape), look_at)

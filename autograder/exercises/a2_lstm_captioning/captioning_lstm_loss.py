"""The captioning loss with an LSTM: image and words in, a number and every gradient out."""

from autograder.exercise import Equivalent, Exercise, Mistake

from .._captioning_loss import examine_loss, fixed_input, random_input
from ._lstm import RETURNS, sequence

MASK = "mask = captions_out != self._null"
SOFTMAX = "loss, dscores = temporal_softmax_loss(scores, captions_out, mask)"
H0 = "h0, h0_cache = affine_forward(features, W_proj, b_proj)"
PROJ_GRADS = '_, grads["W_proj"], grads["b_proj"] = affine_backward(dh0, h0_cache)'

exercise = Exercise(
    points=5,
    returns=RETURNS,
    needs=["lstm_forward", "lstm_backward"],
    mistakes=[
        Mistake(
            "the mask looks at the words that go in",
            swap=(MASK, "mask = captions_in != self._null"),
            hint="The last word that counts is <END>. Is it a word read or a word predicted?",
        ),
        Mistake(
            "padding is counted",
            swap=(MASK, "mask = np.ones_like(captions_out, dtype=bool)"),
            hint="Should the model be praised for predicting <NULL> after <END>?",
        ),
        Mistake(
            "the loss is averaged over the words",
            swap=(
                SOFTMAX,
                SOFTMAX + "\n    words = mask.sum() / len(mask)"
                "\n    loss, dscores = loss / words, dscores / words",
            ),
            hint="Loss and gradients agree, both too small. Sum over time, mean over the batch.",
        ),
        Mistake(
            "the gradient of the scores is not masked",
            swap=(
                SOFTMAX,
                SOFTMAX + "\n    _, dscores = temporal_softmax_loss("
                "scores, captions_out, np.ones_like(mask))",
            ),
            hint="The loss is right. Which scores must get no gradient at all?",
        ),
        Mistake(
            "the image's projection gets no gradient",
            swap=(PROJ_GRADS, "pass"),
            hint="Compare the keys of grads with the keys of self.params.",
        ),
        Mistake(
            "h0 goes through a tanh",
            swap=(H0, H0 + "\n    h0 = np.tanh(h0)"),
            hint="h0 is an affine function of the features, and nothing more.",
        ),
        Mistake(
            "h0 goes through a ReLU",
            swap=(H0, H0 + "\n    h0 = np.maximum(h0, 0)"),
            hint="h0 is an affine function of the features, and nothing more.",
        ),
        Mistake(
            "the image is left out",
            swap=(H0, H0 + "\n    h0 = np.zeros_like(h0)"),
            hint="Change the features. Does your loss change?",
        ),
    ],
    equivalents=[
        Equivalent(
            "the projection written out",
            swap=(
                PROJ_GRADS,
                'grads["W_proj"], grads["b_proj"] = features.T @ dh0, dh0.sum(axis=0)',
            ),
        ),
        Equivalent(
            "the loss as an array of one number",
            swap=(SOFTMAX, SOFTMAX + "\n    loss = np.array([loss])"),
        ),
    ],
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

"""The captioning loss: image and words in, a number and every parameter's gradient out."""

from autograder.exercise import Equivalent, Exercise, Mistake

from .._captioning_loss import examine_loss, fixed_input, random_input
from ._draw import RETURNS, sequence

MASK = "mask = captions_out != self._null"
SOFTMAX = "loss, dscores = temporal_softmax_loss(scores, captions_out, mask)"
H0 = "h0, h0_cache = affine_forward(features, W_proj, b_proj)"
PROJ_GRADS = '_, grads["W_proj"], grads["b_proj"] = affine_backward(dh0, h0_cache)'

OWN_SOFTMAX = """exps = np.exp(scores - {shift})
    probs = exps / exps.sum(axis=2, keepdims=True)
    one_hot = np.eye(scores.shape[2])[captions_out]
    with np.errstate(all="ignore"):
        loss = -np.sum(mask * np.log((probs * one_hot).sum(axis=2))) / len(scores)
    dscores = (probs - one_hot) * mask[:, :, None] / len(scores)"""

# Not a mistake here: mask * log(p) with p = 0 at a padded place, which gives nan. The handout's own
# temporal_softmax_loss does that, and it is given code: nobody pays for it.

exercise = Exercise(
    points=7,
    returns=RETURNS,
    needs=["rnn_forward", "rnn_backward", "word_embedding_forward", "word_embedding_backward"],
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
            "the loss is averaged over all places",
            swap=(
                SOFTMAX,
                SOFTMAX + "\n    loss, dscores = loss / mask.shape[1], dscores / mask.shape[1]",
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
            "one maximum is subtracted from all scores",
            swap=(SOFTMAX, OWN_SOFTMAX.format(shift="np.max(scores)")),
            hint="A row whose scores are all far below the batch's largest becomes log 0.",
        ),
        Mistake(
            "the maximum lost its axis",
            swap=(SOFTMAX, OWN_SOFTMAX.format(shift="scores.max(axis=2).reshape(-1)")),
            hint="Each row has its own maximum. With which axis is yours lined up?",
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
            "the word to predict is the word just read",
            swap=("captions_out = captions[:, 1:]", "captions_out = captions[:, :-1]"),
            hint="Having read <START>, which word should the model say?",
        ),
        Mistake(
            "the image is left out",
            swap=(H0, H0 + "\n    h0 = np.zeros_like(h0)"),
            hint="Change the features. Does your loss change?",
        ),
    ],
    equivalents=[
        Equivalent(
            "a softmax of one's own",
            swap=(SOFTMAX, OWN_SOFTMAX.format(shift="scores.max(axis=2, keepdims=True)")),
        ),
        Equivalent(
            "the loss as an array of one number",
            swap=(SOFTMAX, SOFTMAX + "\n    loss = np.array([loss])"),
        ),
        Equivalent(
            "the projection written out",
            swap=(
                PROJ_GRADS,
                'grads["W_proj"], grads["b_proj"] = features.T @ dh0, dh0.sum(axis=0)',
            ),
        ),
        Equivalent(
            "words embedded by hand",
            swap=(
                "x, x_cache = word_embedding_forward(captions_in, W_embed)",
                "x = W_embed[captions_in]\n"
                "    _, x_cache = word_embedding_forward(captions_in, W_embed)",
            ),
        ),
    ],
)


@exercise.case("the loss on captions of different lengths", draw=random_input, look_at="loss")
@exercise.case("every parameter's gradient", public=True, weight=2, draw=random_input)
@exercise.case("the handout's fixed input", public=True, draw=fixed_input)
@exercise.case("a single image", draw=random_input, N=1, T=4)
@exercise.case(
    "rows of scores far apart from each other", public=True, draw=random_input, offset=1000.0
)
@exercise.case("N times T equals V, so a lost axis still fits", draw=random_input, N=2, T=4, V=8)
def examine(student, rng, draw, look_at="everything", **shape):
    examine_loss(student, sequence, "rnn", draw(rng, **shape), look_at)

"""The captioning loss: image and words in, a number and every parameter's gradient out."""

from autograder.exercise import Equivalent, Exercise, Mistake

from .._captioning_loss import examine_loss, fixed_input, random_input
from .._captioning_mistakes import LOSS_EQUIVALENTS, LOSS_MISTAKES, SOFTMAX
from .._numpy import NUMPY_ONLY, TORCH
from ._draw import RETURNS, sequence

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
    forbids=NUMPY_ONLY,
    shortcuts=[TORCH],
    returns=RETURNS,
    needs=["rnn_forward", "rnn_backward", "word_embedding_forward", "word_embedding_backward"],
    mistakes=[
        *LOSS_MISTAKES,
        Mistake(
            "the loss is averaged over all places",
            swap=(
                SOFTMAX,
                SOFTMAX + "\n    loss, dscores = loss / mask.shape[1], dscores / mask.shape[1]",
            ),
            hint="Loss and gradients agree, both too small. Sum over time, mean over the batch.",
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
            "the word to predict is the word just read",
            swap=("captions_out = captions[:, 1:]", "captions_out = captions[:, :-1]"),
            hint="Having read <START>, which word should the model say?",
        ),
    ],
    equivalents=[
        *LOSS_EQUIVALENTS,
        Equivalent(
            "a softmax of one's own",
            swap=(SOFTMAX, OWN_SOFTMAX.format(shift="scores.max(axis=2, keepdims=True)")),
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

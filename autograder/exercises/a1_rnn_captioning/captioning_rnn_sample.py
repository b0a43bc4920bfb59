"""Writing a caption: at each step the most probable word, which is then read."""

from autograder.carried import expect_or_carried, own_version, value_of
from autograder.exercise import Equivalent, Exercise, Mistake

from .._captioning import (
    END,
    NULL,
    build,
    draw_params,
    first_inputs,
    reference_sample,
    vocabulary,
)
from .._captioning_mistakes import CHOOSE, FIRST_STATE, SAMPLE_EQUIVALENTS, SAMPLE_MISTAKES
from .._numpy import NUMPY_ONLY, TORCH
from ._draw import RETURNS, step

STEP = "h, _ = rnn_step_forward(x, h, Wx, Wh, b)"

exercise = Exercise(
    points=5,
    forbids=NUMPY_ONLY,
    shortcuts=[TORCH],
    returns=RETURNS,
    needs=["rnn_step_forward"],
    mistakes=[
        *SAMPLE_MISTAKES,
        Mistake(
            "the step has no tanh",
            swap=(STEP, "h = x @ Wx + h @ Wh + b"),
            hint="Sampling must take the very step that training took. Which of yours is it?",
        ),
        Mistake(
            "the hidden state is not carried on",
            swap=(STEP, "next_h, _ = rnn_step_forward(x, h, Wx, Wh, b)"),
            more=(("affine_forward(h, W_vocab", "affine_forward(next_h, W_vocab"),),
            hint="The first word is right, later ones are not. What does step 1 start from?",
        ),
        Mistake(
            "h0 goes through a tanh",
            swap=(FIRST_STATE, FIRST_STATE + "\n    h = np.tanh(h)"),
            hint="h0 is an affine function of the features, here as in the loss.",
        ),
        Mistake(
            "the least probable word is chosen",
            swap=("scores.argmax(axis=1)", "scores.argmin(axis=1)"),
            hint="A high score means a probable word.",
        ),
    ],
    equivalents=[
        *SAMPLE_EQUIVALENTS,
        Equivalent("the step written out", swap=(STEP, "h = np.tanh(x @ Wx + h @ Wh + b)")),
        Equivalent(
            "the sequence functions, one step long",
            swap=(STEP, "h = rnn_forward(x[:, None], h, Wx, Wh, b)[0][:, 0]"),
        ),
        Equivalent(
            "probabilities in place of scores",
            swap=(CHOOSE, "word = np.exp(scores - scores.max()).argmax(axis=1)"),
        ),
    ],
)


@exercise.case("several images", public=True, N=4, F=5, E=3, H=7, V=11, length=8)
@exercise.case("a single image", N=1, F=4, E=6, H=5, V=12, length=10)
@exercise.case("N equals V, so the wrong axis still fits", N=9, F=4, E=3, H=6, V=9, length=6)
@exercise.case("captions that end early", N=6, F=5, E=4, H=8, V=7, length=12, end_bias=1.5)
@exercise.case("one word only", N=5, F=4, E=3, H=6, V=10, length=1)
@exercise.case("thirty words, when no length is given", N=3, F=4, E=5, H=6, V=10, length=None)
def examine(student, rng, N, F, E, H, V, length, end_bias=0.0):
    params = draw_params(rng, F, E, H, V, sharpness=2.0)
    params["W_embed"] *= 3  # a word that is read must matter, or reading the wrong one would not
    params["b_vocab"][END] += end_bias
    params["b_vocab"][NULL] -= 1.0
    features = 2 * rng.standard_normal((N, F))
    model = build(student, vocabulary(V), F, E, H, params)
    if length is None:
        captions = model.sample(features)
    else:
        captions = model.sample(features, max_length=length)

    def sampled_with(one_step):
        return reference_sample(
            features, params, length or 30, lambda x, state, *w: (one_step(x, state[0], *w),)
        )

    def carried():
        weights = (params[name] for name in ("Wx", "Wh", "b"))
        args = (*first_inputs(features, params), *weights)
        own = own_version(student, "rnn_step_forward", true_step, args)
        return own and sampled_with(own)

    want = sampled_with(true_step)
    expect_or_carried("captions", captions, want, carried, comparator="words_until_end", end=END)


def true_step(*args):
    """The reference step on NumPy arrays."""
    return value_of(step, *args)

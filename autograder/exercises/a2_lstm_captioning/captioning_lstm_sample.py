"""Writing a caption with an LSTM: hidden state and memory go from word to word."""

import numpy as np

from autograder.carried import expect_or_carried, own_version, value_of
from autograder.exercise import Exercise, Mistake

from .._captioning import (
    END,
    NULL,
    build,
    draw_params,
    first_inputs,
    reference_sample,
    vocabulary,
)
from .._captioning_mistakes import SAMPLE_EQUIVALENTS, SAMPLE_MISTAKES
from .._numpy import NUMPY_ONLY, TORCH
from ._lstm import RETURNS, step

EMPTY = "c = np.zeros_like(h)"
STEP = "h, c, _ = lstm_step_forward(x, h, c, Wx, Wh, b)"

exercise = Exercise(
    points=4,
    forbids=NUMPY_ONLY,
    shortcuts=[TORCH],
    returns=RETURNS,
    needs=["lstm_step_forward"],
    mistakes=[
        *SAMPLE_MISTAKES,
        Mistake(
            "the memory is emptied at every step",
            swap=(STEP, STEP.replace("(x, h, c,", "(x, h, np.zeros_like(h),")),
            hint="The first word is right, later ones are not. What is in the memory at step 1?",
        ),
        Mistake(
            "the memory begins with the hidden state",
            swap=(EMPTY, "c = h.copy()"),
            hint="What is in the memory before the first word, in the loss?",
        ),
        Mistake(
            "the memory has the width of a word's vector",
            swap=(EMPTY, "c = np.zeros((N, W_embed.shape[1]))"),
            hint="The memory is as wide as the hidden state. What is the shape of yours?",
        ),
        Mistake(
            "the hidden state is not carried on",
            swap=(STEP, "next_h, c, _ = lstm_step_forward(x, h, c, Wx, Wh, b)"),
            more=(("affine_forward(h, W_vocab", "affine_forward(next_h, W_vocab"),),
            hint="The first word is right, later ones are not. What does step 1 start from?",
        ),
    ],
    equivalents=SAMPLE_EQUIVALENTS,
)


@exercise.case("several images", public=True, N=4, F=5, E=3, H=7, V=11, length=8)
@exercise.case("a single image", N=1, F=4, E=6, H=5, V=12, length=10)
@exercise.case(
    "N equals V, so the wrong axis still fits", public=True, N=9, F=4, E=3, H=6, V=9, length=6
)
@exercise.case(
    "E equals H, so a memory of the wrong width still fits",
    public=True,
    N=5,
    F=4,
    E=6,
    H=6,
    V=9,
    length=8,
)
@exercise.case("captions that end early", N=6, F=5, E=4, H=8, V=7, length=12, end_bias=1.5)
@exercise.case("thirty words, when no length is given", N=3, F=4, E=5, H=6, V=10, length=None)
def examine(student, rng, N, F, E, H, V, length, end_bias=0.0):
    # A hidden state of an LSTM is small: sharper scores than the RNN's, so that words differ.
    params = draw_params(rng, F, E, H, V, sharpness=8.0, blocks=4)
    params["W_embed"] *= 3
    params["b_vocab"] /= 8
    params["b_vocab"][END] += end_bias
    params["b_vocab"][NULL] -= 1.0
    features = 2 * rng.standard_normal((N, F))
    model = build(student, vocabulary(V), F, E, H, params, cell_type="lstm")
    if length is None:
        captions = model.sample(features)
    else:
        captions = model.sample(features, max_length=length)

    def sampled_with(one_step):
        return reference_sample(
            features, params, length or 30, lambda x, state, *w: one_step(x, *state, *w)
        )

    def carried():
        x, h0 = first_inputs(features, params)
        weights = (params[name] for name in ("Wx", "Wh", "b"))
        args = (x, h0, np.ones_like(h0), *weights)
        own = own_version(student, "lstm_step_forward", true_step, args)
        return own and sampled_with(own)

    want = sampled_with(true_step)
    expect_or_carried("captions", captions, want, carried, comparator="words_until_end", end=END)


def true_step(*args):
    """The reference step on NumPy arrays."""
    return value_of(step, *args)

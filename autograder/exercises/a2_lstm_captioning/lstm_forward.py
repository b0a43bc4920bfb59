"""All hidden states of a sequence, with a memory that begins empty."""

import numpy as np

from autograder.carried import expect_or_carried, own_version, value_of
from autograder.exercise import Equivalent, Exercise, Mistake

from .._numpy import NUMPY_ONLY, TORCH
from ._lstm import RETURNS, SEQUENCE, draw_sequence, step
from ._lstm import sequence as reference

EMPTY = "prev_h, prev_c = h0, np.zeros_like(h0)"
STEP = "prev_h, prev_c, step_cache = lstm_step_forward(x[:, t], prev_h, prev_c, Wx, Wh, b)"

exercise = Exercise(
    points=4,
    forbids=NUMPY_ONLY,
    shortcuts=[TORCH],
    returns=RETURNS,
    needs=["lstm_step_forward"],
    mistakes=[
        Mistake(
            "the memory is not carried on",
            swap=(STEP, STEP.replace("prev_h, prev_c, step_cache", "prev_h, _, step_cache")),
            hint="h[:, 0] is right, the rest is not. Which memory does step 1 begin with?",
        ),
        Mistake(
            "the memory begins with h0",
            swap=(EMPTY, "prev_h, prev_c = h0, h0"),
            hint="Already h[:, 0] is off. What is in the memory before the first step?",
        ),
        Mistake(
            "h0 is ignored",
            swap=(EMPTY, "prev_h, prev_c = np.zeros_like(h0), np.zeros_like(h0)"),
            hint="Already h[:, 0] is off. The image reaches the caption through h0 alone.",
        ),
        Mistake(
            "every step starts from h0",
            swap=(STEP, STEP.replace("prev_h, prev_c, step_cache", "next_h, prev_c, step_cache")),
            more=(("h[:, t] = prev_h", "h[:, t] = next_h"),),
            hint="h[:, 0] is right, the rest is not. Which hidden state does step 1 start from?",
        ),
        Mistake(
            "the sequence is read backwards",
            swap=("for t in range(T):", "for t in reversed(range(T)):"),
            hint="Change the last input. Which hidden states change, and which should?",
        ),
        Mistake(
            "the memory is returned in place of the hidden state",
            swap=("h[:, t] = prev_h", "h[:, t] = prev_c"),
            hint="An entry of h above 1 in size? A hidden state cannot have one.",
        ),
    ],
    equivalents=[
        Equivalent("hidden states kept in float32", swap=("dtype=h0.dtype", "dtype=np.float32")),
        Equivalent(
            "an empty memory made from its shape",
            swap=(EMPTY, "prev_h, prev_c = h0, np.zeros((N, H))"),
        ),
    ],
)


@exercise.case("a batch of sequences, all dimensions different", public=True, **SEQUENCE)
@exercise.case("a single sequence", N=1, T=5, D=3, H=4)
@exercise.case("one step only", N=4, T=1, D=3, H=5)
@exercise.case("N equals T equals D equals H, so mixed-up axes still fit", N=4, T=4, D=4, H=4)
@exercise.case("a long sequence", N=2, T=40, D=3, H=5)
def examine(student, rng, N, T, D, H):
    args = draw_sequence(rng, N, T, D, H)
    h, _ = student.lstm_forward(*args)
    expect_or_carried("h", h, value_of(reference, *args), lambda: with_own_step(student, *args))


def with_own_step(student, x, h0, Wx, Wh, b):
    """Return the hidden states that the student's own, wrong step leads to; None if it is right."""
    own = own_version(
        student,
        "lstm_step_forward",
        lambda *a: value_of(step, *a),
        (x[:, 0], h0, np.ones_like(h0), Wx, Wh, b),
    )
    if own is None:
        return None
    h, c, states = h0, np.zeros_like(h0), []
    for t in range(x.shape[1]):
        h, c = own(x[:, t], h, c, Wx, Wh, b)
        states.append(h)
    return np.stack(states, axis=1)

"""All hidden states of a sequence: the step, applied T times."""

import numpy as np

from autograder.carried import expect_or_carried, own_version, value_of
from autograder.exercise import Equivalent, Exercise, Mistake

from .._numpy import NUMPY_ONLY, TORCH
from ._draw import RETURNS, SEQUENCE, draw_sequence, step
from ._draw import sequence as reference

BUFFER = "h = np.zeros((N, T, H), dtype=h0.dtype)"

exercise = Exercise(
    points=4,
    forbids=NUMPY_ONLY,
    shortcuts=[TORCH],
    returns=RETURNS,
    needs=["rnn_step_forward"],
    mistakes=[
        Mistake(
            "every step starts from h0",
            swap=("prev_h = next_h", "prev_h = h0"),
            hint="h[:, 0] is right, the rest is not. Which state does step 1 start from?",
        ),
        Mistake(
            "h0 is ignored",
            swap=("prev_h = h0", "prev_h = np.zeros_like(h0)"),
            hint="Already h[:, 0] is off. The image reaches the caption through h0 alone.",
        ),
        Mistake(
            "the sequence is read backwards",
            swap=("for t in range(T):", "for t in reversed(range(T)):"),
            hint="Change the last input. Which hidden states change, and which should?",
        ),
        Mistake(
            "states are stored one step late",
            swap=("h[:, t] = next_h", "h[:, t] = prev_h"),
            hint="h[:, 0] should already have seen x[:, 0]. Is yours equal to h0?",
        ),
        Mistake(
            "hidden states are stored as integers",
            swap=(BUFFER, "h = np.zeros((N, T, H), dtype=int)"),
            hint="Print h.dtype. What does an integer array do with 0.7?",
        ),
        Mistake(
            "the same input at every step",
            swap=("rnn_step_forward(x[:, t], prev_h", "rnn_step_forward(x[:, 0], prev_h"),
            hint="h[:, 0] is right, the rest is not. Which slice of x belongs to step t?",
        ),
    ],
    equivalents=[
        Equivalent("hidden states kept in float32", swap=("dtype=h0.dtype", "dtype=np.float32")),
        Equivalent(
            "time comes first and is moved back at the end",
            swap=(BUFFER, "h = np.zeros((T, N, H)).transpose(1, 0, 2)"),
        ),
        Equivalent(
            "the step written out",
            swap=(
                "next_h, step_cache = rnn_step_forward(x[:, t], prev_h, Wx, Wh, b)",
                "next_h = np.tanh(x[:, t] @ Wx + prev_h @ Wh + b)\n"
                "        step_cache = (x[:, t], prev_h, Wx, Wh, next_h)",
            ),
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
    h, _ = student.rnn_forward(*args)
    expect_or_carried("h", h, value_of(reference, *args), lambda: with_own_step(student, *args))


def with_own_step(student, x, h0, Wx, Wh, b):
    """Return the hidden states that the student's own, wrong step leads to; None if it is right."""
    own = own_version(
        student, "rnn_step_forward", lambda *a: value_of(step, *a), (x[:, 0], h0, Wx, Wh, b)
    )
    if own is None:
        return None
    h, states = h0, []
    for t in range(x.shape[1]):
        h = own(x[:, t], h, Wx, Wh, b)
        states.append(h)
    return np.stack(states, axis=1)

"""Backpropagation through time for an LSTM: hidden state and memory both flow back."""

from autograder.carried import expect_backward
from autograder.exercise import Equivalent, Exercise, Mistake

from .._numpy import NUMPY_ONLY, TORCH
from ._lstm import RETURNS, SEQUENCE, draw_sequence
from ._lstm import sequence as reference

CACHE = "x0, _, _, Wx, Wh, *_ = cache[0]  # the weights are the same in every step's cache"
INTO_STEP = "dnext_h = dh[:, t] + dprev_h"
STEP = "dx[:, t], dprev_h, dprev_c, dWx_t, dWh_t, db_t = step"

exercise = Exercise(
    points=6,
    forbids=NUMPY_ONLY,
    shortcuts=[TORCH],
    returns=RETURNS,
    needs=["lstm_forward", "lstm_step_backward"],
    harmless={
        CACHE + " -> " + CACHE.replace("[0]", "[ -1]"): "every step's cache holds the same weights"
    },
    mistakes=[
        Mistake(
            "the memory's gradient is dropped between the steps",
            swap=(STEP, STEP.replace("dprev_c", "_")),
            hint="The last step is right. What flows back along the memory into earlier ones?",
        ),
        Mistake(
            "the hidden state's gradient is dropped between the steps",
            swap=(INTO_STEP, "dnext_h = dh[:, t]"),
            hint="The last step is right. In how many places is h_t used?",
        ),
        Mistake(
            "only the last step's dh is used",
            swap=(INTO_STEP, "dnext_h = dprev_h + (dh[:, t] if t == T - 1 else 0)"),
            hint="Every h[:, t] is an output, with a gradient of its own in dh.",
        ),
        Mistake(
            "the weights' gradients are overwritten",
            swap=("dWx += dWx_t", "dWx = dWx_t"),
            more=(("dWh += dWh_t", "dWh = dWh_t"), ("db += db_t", "db = db_t")),
            hint="dx is right. One Wx serves all T steps: what happens to its T gradients?",
        ),
        Mistake(
            "time runs forwards",
            swap=("for t in reversed(range(T)):", "for t in range(T):"),
            hint="Which step's gradient do you know first, and which one needs it?",
        ),
        Mistake(
            "db has a row for each example",
            swap=("db = np.zeros(4 * H, ", "db = np.zeros((N, 4 * H), "),
            hint="All rows of your db are equal. What is the shape of b?",
        ),
        Mistake(
            "dh0 is the gradient of the memory",
            swap=("dh0 = dprev_h", "dh0 = dprev_c"),
            hint="Two gradients arrive before the first step. Which one belongs to h0?",
        ),
    ],
    equivalents=[
        Equivalent("the sum in another order", swap=(INTO_STEP, "dnext_h = dprev_h + dh[:, t]")),
        Equivalent(
            "the weights' gradients added out of place", swap=("dWx += dWx_t", "dWx = dWx + dWx_t")
        ),
    ],
)


@exercise.case("a batch of sequences, all dimensions different", public=True, weight=2, **SEQUENCE)
@exercise.case("a single sequence", N=1, T=5, D=3, H=4)
@exercise.case("one step only", N=4, T=1, D=3, H=5)
@exercise.case("N equals T equals D equals H, so mixed-up axes still fit", N=4, T=4, D=4, H=4)
@exercise.case("a long sequence", N=2, T=15, D=3, H=4)
def examine(student, rng, N, T, D, H):
    expect_backward(
        student,
        student.lstm_forward,
        student.lstm_backward,
        draw_sequence(rng, N, T, D, H),
        RETURNS["lstm_backward"],
        reference,
        rng,
    )

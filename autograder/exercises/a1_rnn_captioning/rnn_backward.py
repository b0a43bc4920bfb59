"""Backpropagation through time: the gradients of a whole sequence."""

from autograder.carried import expect_backward
from autograder.exercise import Equivalent, Exercise, Mistake

from .._numpy import NUMPY_ONLY, TORCH
from ._draw import RETURNS, SEQUENCE, draw_sequence
from ._draw import sequence as reference

CACHE = "x0, _, Wx, Wh, _ = cache[0]  # the weights are the same in every step's cache"
INTO_STEP = "dnext_h = dh[:, t] + dprev_h"

exercise = Exercise(
    points=6,
    forbids=NUMPY_ONLY,
    shortcuts=[TORCH],
    returns=RETURNS,
    needs=["rnn_forward", "rnn_step_backward"],
    harmless={
        CACHE + " -> " + CACHE.replace("[0]", "[ -1]"): "every step's cache holds the same weights"
    },
    mistakes=[
        Mistake(
            "db has a row for each example",
            swap=("db = np.zeros(H, ", "db = np.zeros((N, H), "),
            hint="All rows of your db are equal. What is the shape of b?",
        ),
        Mistake(
            "db keeps an axis too many",
            swap=("db = np.zeros(H, ", "db = np.zeros((1, H), "),
            hint="A gradient has the shape of what it belongs to. What is the shape of b?",
        ),
        Mistake(
            "the gradient from the next step is dropped",
            swap=(INTO_STEP, "dnext_h = dh[:, t]"),
            hint="The last step is right, earlier ones are not. In how many places is h_t used?",
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
            "the caller's dh is changed",
            swap=(INTO_STEP, "dh[:, t] += dprev_h\n        dnext_h = dh[:, t]"),
            hint="Your gradients are right. Compare dh before and after the call.",
        ),
        Mistake(
            "dx is stored as integers",
            swap=("dx = np.zeros((N, T, D), dtype=dh.dtype)", "dx = np.zeros((N, T, D), int)"),
            hint="Print dx.dtype. What does an integer array do with 0.7?",
        ),
        Mistake(
            "dh0 is the gradient at the first hidden state",
            swap=("dh0 = dprev_h", "dh0 = dnext_h"),
            hint="h0 comes before the first step: has your dh0 been through that step?",
        ),
    ],
    equivalents=[
        Equivalent(
            "the sum in another order",
            swap=(INTO_STEP, "dnext_h = dprev_h + dh[:, t].copy()"),
        ),
        Equivalent(
            "the weights' gradients added out of place",
            swap=("dWx += dWx_t", "dWx = dWx + dWx_t"),
        ),
        Equivalent(
            "a bias buffer of the cached weights' kind", swap=("np.zeros(H, ", "np.zeros((H,), ")
        ),
    ],
)


@exercise.case("a batch of sequences, all dimensions different", public=True, weight=2, **SEQUENCE)
@exercise.case("a single sequence", N=1, T=5, D=3, H=4)
@exercise.case("one step only", N=4, T=1, D=3, H=5)
@exercise.case("N equals T equals D equals H, so mixed-up axes still fit", N=4, T=4, D=4, H=4)
@exercise.case("the caller's dh is left as it was", public=True, untouched="dh", N=2, T=3, D=4, H=5)
def examine(student, rng, N, T, D, H, untouched=""):
    expect_backward(
        student,
        student.rnn_forward,
        student.rnn_backward,
        draw_sequence(rng, N, T, D, H),
        RETURNS["rnn_backward"],
        reference,
        rng,
        untouched=untouched,
    )

"""The gradients of one RNN time step, for each of its five inputs."""

from autograder.carried import expect_backward
from autograder.exercise import Equivalent, Exercise, Mistake

from .._numpy import NUMPY_ONLY, TORCH
from ._draw import RETURNS, STEP, draw_step
from ._draw import step as reference

DA = "da = dnext_h * (1 - next_h**2)"

exercise = Exercise(
    points=5,
    forbids=NUMPY_ONLY,
    shortcuts=[TORCH],
    returns=RETURNS,
    needs=["rnn_step_forward"],
    mistakes=[
        Mistake(
            "the square stands around 1 - next_h",
            swap=("(1 - next_h**2)", "(1 - next_h) ** 2"),
            hint="Write down the derivative of tanh in terms of tanh. What exactly is squared?",
        ),
        Mistake(
            "the derivative of a sigmoid",
            swap=("(1 - next_h**2)", "(next_h * (1 - next_h))"),
            hint="next_h (1 - next_h) is the derivative of another function. Which one is yours?",
        ),
        Mistake(
            "tanh is taken of next_h again",
            swap=("(1 - next_h**2)", "(1 - np.tanh(next_h) ** 2)"),
            hint="Your cache holds next_h, which has been through tanh already.",
        ),
        Mistake(
            "the derivative of tanh is left out",
            swap=(DA, "da = dnext_h"),
            hint="Between next_h and the sum inside it stands tanh. Where is it in your gradient?",
        ),
        Mistake(
            "dprev_h is multiplied by Wh, not by its transpose",
            swap=("dprev_h = da @ Wh.T", "dprev_h = da @ Wh"),
            hint="Only dprev_h is off. Wh is square: both ways multiply, one of them is right.",
        ),
        Mistake(
            "db is averaged over the batch",
            swap=("db = da.sum(axis=0)", "db = da.mean(axis=0)"),
            hint="Compare db for a batch of one and for the same example twice.",
        ),
        Mistake(
            "db is not summed over the batch",
            swap=("db = da.sum(axis=0)", "db = da"),
            hint="A gradient has the shape of what it belongs to. What is the shape of b?",
        ),
        Mistake(
            "db keeps an axis too many",
            swap=("db = da.sum(axis=0)", "db = da.sum(axis=0, keepdims=True)"),
            hint="A gradient has the shape of what it belongs to. What is the shape of b?",
        ),
        Mistake(
            "dWh is made from next_h",
            swap=("dWh = prev_h.T @ da", "dWh = next_h.T @ da"),
            hint="Which of the two hidden states was multiplied by Wh in the forward pass?",
        ),
        Mistake(
            "gradients of the weights are averaged over the batch",
            swap=("dWx = x.T @ da", "dWx = x.T @ da / len(x)"),
            more=(("dWh = prev_h.T @ da", "dWh = prev_h.T @ da / len(x)"),),
            hint="Does dnext_h already hold the batch's average? Then what is left to divide by?",
        ),
    ],
    equivalents=[
        Equivalent(
            "the derivative written as a product",
            swap=("(1 - next_h**2)", "((1 - next_h) * (1 + next_h))"),
        ),
        Equivalent(
            "sums written with einsum",
            swap=("dWx = x.T @ da", "dWx = np.einsum('nd,nh->dh', x, da)"),
        ),
        Equivalent(
            "the caller's array is overwritten", swap=(DA, "dnext_h *= 1 - next_h**2; da = dnext_h")
        ),
    ],
)


@exercise.case("a batch, all dimensions different", public=True, weight=2, **STEP)
@exercise.case("a single example", N=1, D=3, H=5)
@exercise.case("D equals H, so a transposed weight still multiplies", N=4, D=5, H=5)
@exercise.case("N equals H, so an unsummed bias still broadcasts", N=4, D=3, H=4)
def examine(student, rng, N, D, H):
    expect_backward(
        student,
        student.rnn_step_forward,
        student.rnn_step_backward,
        draw_step(rng, N, D, H),
        RETURNS["rnn_step_backward"],
        reference,
        rng,
    )

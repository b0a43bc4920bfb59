"""The gradients of one LSTM step, in three stages: output, memory cell, gates."""

from autograder.carried import expect_backward
from autograder.exercise import Equivalent, Exercise, Mistake

from .._numpy import NUMPY_ONLY, TORCH
from ._lstm import RETURNS, STEP, draw_step
from ._lstm import step as reference

DC = "dc = dnext_c + dnext_h * o * (1 - tanh_c**2)"
DA = "da = np.hstack([dai, daf, dao, dag])"
DPREV_C = "dprev_c = dc * f"
DB = "db = da.sum(axis=0)"

exercise = Exercise(
    points=8,
    forbids=NUMPY_ONLY,
    shortcuts=[TORCH],
    returns=RETURNS,
    needs=["lstm_step_forward"],
    mistakes=[
        Mistake(
            "the memory's own gradient is ignored",
            swap=(DC, "dc = dnext_h * o * (1 - tanh_c**2)"),
            hint="next_c is an output too. Where does dnext_c enter?",
        ),
        Mistake(
            "the way from the output to the memory is ignored",
            swap=(DC, "dc = dnext_c * 1"),
            hint="next_h is made from next_c. What does dnext_h say about next_c?",
        ),
        Mistake(
            "dprev_c comes from dnext_c alone",
            swap=(DPREV_C, "dprev_c = dnext_c * f"),
            hint="Only dprev_c is off. Which gradient had arrived at the memory by then?",
        ),
        Mistake(
            "dprev_c is not weighed by the forget gate",
            swap=(DPREV_C, "dprev_c = dc * 1"),
            hint="Only dprev_c is off. What was prev_c multiplied by?",
        ),
        Mistake(
            "the gates' gradients are in the order of PyTorch",
            swap=(DA, "da = np.hstack([dai, daf, dag, dao])"),
            hint="In which order did the forward pass cut a into four?",
        ),
        Mistake(
            "input and forget gate are exchanged",
            swap=(DA, "da = np.hstack([daf, dai, dao, dag])"),
            hint="In which order did the forward pass cut a into four?",
        ),
        Mistake(
            "db is not summed over the batch",
            swap=(DB, "db = da * 1"),
            hint="A gradient has the shape of what it belongs to. What is the shape of b?",
        ),
        Mistake(
            "db is averaged over the batch",
            swap=(DB, "db = da.mean(axis=0)"),
            hint="Compare db for a batch of one and for the same example twice.",
        ),
        Mistake(
            "the candidate has a sigmoid's derivative",
            swap=("dag = dg * (1 - g**2)", "dag = dg * g * (1 - g)"),
            hint="Three of the four are sigmoids. Which one is not?",
        ),
        Mistake(
            "a gate has tanh's derivative",
            swap=("dao = do * o * (1 - o)", "dao = do * (1 - o**2)"),
            hint="The output gate is a sigmoid. What is its derivative, in terms of o?",
        ),
        Mistake(
            "the derivative of the output's tanh is left out",
            swap=(DC, "dc = dnext_c + dnext_h * o"),
            hint="Between next_c and next_h stands a tanh. Where is it in your gradient?",
        ),
        Mistake(
            "the input gate's gradient takes the wrong partner",
            swap=("di = dc * g", "di = dc * prev_c"),
            hint="What was the input gate multiplied by in the memory cell?",
        ),
    ],
    equivalents=[
        Equivalent(
            "the caller's gradient is added to in place",
            swap=(DC, "dnext_c += dnext_h * o * (1 - tanh_c**2)\n    dc = dnext_c"),
        ),
        Equivalent(
            "the derivative written as a product",
            swap=("dag = dg * (1 - g**2)", "dag = dg * (1 - g) * (1 + g)"),
        ),
        Equivalent(
            "gates joined with concatenate",
            swap=(DA, "da = np.concatenate((dai, daf, dao, dag), axis=-1)"),
        ),
    ],
)


@exercise.case("a batch, all dimensions different", public=True, weight=2, **STEP)
@exercise.case("a single example", N=1, D=3, H=5)
@exercise.case("D equals H, so a transposed weight would still fit", N=4, D=5, H=5)
@exercise.case("N equals 4 H, so an unsummed bias still broadcasts", N=8, D=3, H=2)
def examine(student, rng, N, D, H):
    expect_backward(
        student,
        student.lstm_step_forward,
        student.lstm_step_backward,
        draw_step(rng, N, D, H),
        RETURNS["lstm_step_backward"],
        reference,
        rng,
    )

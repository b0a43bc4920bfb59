"""One time step of an LSTM: three gates and a candidate move the memory cell."""

from autograder.carried import value_of
from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.judge import expect

from .._numpy import NUMPY_ONLY, TORCH
from ._lstm import RETURNS, STEP, draw_step
from ._lstm import step as reference

SPLIT = "ai, af, ao, ag = np.split(a, 4, axis=1)"
CELL = "next_c = f * prev_c + i * g"

exercise = Exercise(
    points=5,
    forbids=NUMPY_ONLY,
    shortcuts=[TORCH],
    returns=RETURNS,
    mistakes=[
        Mistake(
            "the gates are in the order of PyTorch",
            swap=(SPLIT, "ai, af, ag, ao = np.split(a, 4, axis=1)"),
            hint="In which order do the four blocks stand in Wx here? Read the text once more.",
        ),
        Mistake(
            "input and forget gate are exchanged",
            swap=(SPLIT, "af, ai, ao, ag = np.split(a, 4, axis=1)"),
            hint="Which gate weighs the old memory, and which block of a is it?",
        ),
        Mistake(
            "the output is not taken through tanh",
            swap=("next_h = o * np.tanh(next_c)", "next_h = o * next_c"),
            hint="next_c is right. What stands between the memory and the hidden state?",
        ),
        Mistake(
            "the candidate is left out",
            swap=(CELL, "next_c = f * prev_c + i"),
            hint="What does the input gate let in? Where is it in your memory cell?",
        ),
        Mistake(
            "the old memory is left out",
            swap=(CELL, "next_c = i * g"),
            hint="Change prev_c and run the step again. Does next_c change?",
        ),
        Mistake(
            "the candidate is a sigmoid",
            swap=("g = np.tanh(ag)", "g = sigmoid(ag)"),
            hint="Can your cell take something away from the memory? Which range has g?",
        ),
        Mistake(
            "the bias is left out",
            swap=("a = x @ Wx + prev_h @ Wh + b", "a = x @ Wx + prev_h @ Wh"),
            hint="With x, prev_h and prev_c all zero, what should next_c be, and what is yours?",
        ),
        Mistake(
            "the forget gate is reversed",
            swap=(CELL, "next_c = (1 - f) * prev_c + i * g"),
            hint="When the forget gate is 1, is the memory kept or lost?",
        ),
        Mistake(
            "a is not told how to split",
            swap=(SPLIT, "ai, af, ao, ag = np.hsplit(a)"),
            hint="Into how many equal pieces is a to be cut, and along which axis?",
        ),
        Mistake(
            "the gates are cut in single columns",
            swap=(SPLIT, "ai, af, ao, ag = (a[:, k::4] for k in range(4))"),
            hint="Each gate is a block of H neighbouring columns of a.",
        ),
    ],
    equivalents=[
        Equivalent(
            "slices in place of a split",
            swap=(
                SPLIT,
                "H = prev_h.shape[1]\n"
                "    ai, af = a[:, :H], a[:, H : 2 * H]\n"
                "    ao, ag = a[:, 2 * H : 3 * H], a[:, 3 * H :]",
            ),
        ),
        Equivalent(
            "the caller's memory is overwritten",
            swap=(CELL, "prev_c *= f; next_c = prev_c + i * g"),
        ),
        Equivalent("a sigmoid of one's own", swap=("sigmoid(ao)", "1 / (1 + np.exp(-ao))")),
        Equivalent(
            "hidden states in float32",
            swap=("next_h = o * np.tanh(next_c)", "next_h = (o * np.tanh(next_c)).astype('f4')"),
        ),
    ],
)


@exercise.case("a batch, all dimensions different", public=True, **STEP)
@exercise.case("a single example", N=1, D=3, H=5)
@exercise.case("D equals H, so a transposed weight would still fit", N=4, D=5, H=5)
@exercise.case("four examples, so that the batch could be taken for the gates", N=4, D=3, H=4)
def examine(student, rng, N, D, H):
    args = draw_step(rng, N, D, H)
    next_h, next_c, _ = student.lstm_step_forward(*args)
    want_h, want_c = value_of(reference, *args)
    expect("next_h", next_h, want_h)
    expect("next_c", next_c, want_c)

"""One time step of a vanilla RNN: next_h = tanh(x Wx + prev_h Wh + b)."""

from autograder.carried import value_of
from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.judge import expect

from .._numpy import NUMPY_ONLY, TORCH
from ._draw import RETURNS, STEP, draw_step
from ._draw import step as reference

exercise = Exercise(
    points=4,
    forbids=NUMPY_ONLY,
    shortcuts=[TORCH],
    returns=RETURNS,
    mistakes=[
        Mistake(
            "tanh is left out",
            swap=("next_h = np.tanh(a)", "next_h = a"),
            hint="Print the largest entry of next_h. Which range must a hidden state lie in?",
        ),
        Mistake(
            "the bias is left out",
            swap=("prev_h @ Wh + b", "prev_h @ Wh"),
            hint="With x and prev_h all zero, what should next_h be, and what is yours?",
        ),
        Mistake(
            "Wh is transposed",
            swap=("prev_h @ Wh", "prev_h @ Wh.T"),
            hint="Wh is square, so its transpose fits too. Which index of Wh meets prev_h?",
        ),
        Mistake(
            "the hidden state does not take part",
            swap=(" + prev_h @ Wh", ""),
            hint="Change prev_h and run the step again. Does next_h change?",
        ),
        Mistake(
            "a sigmoid in place of tanh",
            swap=("np.tanh(a)", "1 / (1 + np.exp(-a))"),
            hint="Which values can your next_h take? Can it be negative?",
        ),
        Mistake(
            "tanh is taken twice",
            swap=("np.tanh(a)", "np.tanh(np.tanh(a))"),
            hint="How large is the largest next_h for a very large x? It should come close to 1.",
        ),
    ],
    equivalents=[
        Equivalent(
            "the weights stacked in one product",
            swap=(
                "a = x @ Wx + prev_h @ Wh + b",
                "a = np.hstack([x, prev_h]) @ np.vstack([Wx, Wh]) + b",
            ),
        ),
        Equivalent("hidden states in float32", swap=("np.tanh(a)", "np.tanh(a).astype('f4')")),
        Equivalent(
            "tanh written with exponentials",
            swap=("np.tanh(a)", "2 / (1 + np.exp(-2 * a)) - 1"),
        ),
    ],
)


@exercise.case("a batch, all dimensions different", public=True, **STEP)
@exercise.case("a single example", N=1, D=3, H=5)
@exercise.case("D equals H, so a transposed weight still multiplies", N=4, D=5, H=5)
@exercise.case("large inputs, where tanh is nearly flat", N=3, D=4, H=6, scale=10.0)
def examine(student, rng, N, D, H, scale=1.0):
    x, *rest = draw_step(rng, N, D, H)
    next_h, _ = student.rnn_step_forward(scale * x, *rest)
    expect("next_h", next_h, value_of(reference, scale * x, *rest))

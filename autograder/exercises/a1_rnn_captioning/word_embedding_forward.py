"""Looking up one vector for each word."""

from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.judge import expect

from .._numpy import NUMPY_ONLY, TORCH
from ._draw import RETURNS

exercise = Exercise(
    points=2,
    forbids=(*NUMPY_ONLY, "cs231n_utils.embedding"),
    shortcuts=[TORCH],
    returns=RETURNS,
    mistakes=[
        Mistake(
            "words are counted from one",
            swap=("out = W[x]", "out = W[x - 1]"),
            hint="Which row of W belongs to the word with index 0?",
        ),
        Mistake(
            "numbers are taken in place of rows",
            swap=("out = W[x]", "out = np.take(W, x)"),
            hint="out must have shape (N, T, D): a whole row of W for each word.",
        ),
        Mistake(
            "columns are taken in place of rows",
            swap=("out = W[x]", "out = W.T[x % W.shape[1]]"),
            hint="W has shape (V, D). Which axis counts the words?",
        ),
        Mistake(
            "batch and time change places",
            swap=("out = W[x]", "out = W[x].swapaxes(0, 1)"),
            hint="out[n, t] must be the vector of word x[n, t]. Try one n and t by hand.",
        ),
    ],
    equivalents=[
        Equivalent(
            "a product with one-hot rows", swap=("out = W[x]", "out = np.eye(len(W))[x] @ W")
        ),
        Equivalent(
            "a loop over the words",
            swap=(
                "out = W[x]",
                "out = np.zeros((*x.shape, W.shape[1]))\n"
                "    for place in np.ndindex(x.shape):\n"
                "        out[place] = W[x[place]]",
            ),
        ),
        Equivalent("take along the rows", swap=("out = W[x]", "out = np.take(W, x, axis=0)")),
    ],
)


@exercise.case("sentences of different words", public=True, N=3, T=4, V=7, D=5)
@exercise.case("a single word", N=1, T=1, V=5, D=3)
@exercise.case("N equals T, so that mixed-up axes still fit", N=4, T=4, V=6, D=3)
@exercise.case("the first and the last word of the vocabulary", N=2, T=3, V=2, D=4)
def examine(student, rng, N, T, V, D):
    x, W = rng.integers(V, size=(N, T)), rng.standard_normal((V, D))
    out, _ = student.word_embedding_forward(x, W)
    expect("out", out, reference(x, W))


def reference(x, W):
    """One row of W for each word, written as the loop that it is."""
    return [[W[word] for word in sentence] for sentence in x]

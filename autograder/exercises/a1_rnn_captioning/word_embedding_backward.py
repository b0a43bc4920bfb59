"""The gradient of the word vectors: each row gathers from every place where its word stood."""

from autograder.carried import expect_backward
from autograder.exercise import Equivalent, Exercise, Mistake

from .._numpy import NUMPY_ONLY, TORCH
from ._draw import RETURNS

ADD = "np.add.at(dW, x, dout)"
BUFFER = "dW = np.zeros(W_shape, dtype=dout.dtype)"

exercise = Exercise(
    points=3,
    forbids=(*NUMPY_ONLY, "cs231n_utils.embedding"),
    shortcuts=[TORCH],
    returns=RETURNS,
    needs=["word_embedding_forward"],
    mistakes=[
        Mistake(
            "a repeated word keeps one gradient only",
            swap=(ADD, "dW[x] += dout"),
            hint="Try x = [[1, 1]] with dout all ones: what should dW[1] be? Read on np.add.at.",
        ),
        Mistake(
            "a repeated word keeps its last gradient",
            swap=(ADD, "dW[x] = dout"),
            # On a buffer of zeros this is the same as +=, which writes each row once.
            like="a repeated word keeps one gradient only",
            hint="Try x = [[1, 1]] with two different rows in dout. What happens to the first?",
        ),
        Mistake(
            "the vocabulary ends at the largest word seen",
            swap=(BUFFER, "dW = np.zeros((x.max() + 1, W_shape[1]), dtype=dout.dtype)"),
            hint="A batch need not hold the last word. Where else can you learn how large V is?",
        ),
        Mistake(
            "dW is stored as integers",
            swap=(BUFFER, "dW = np.zeros(W_shape, dtype=x.dtype)"),
            hint="Print dW.dtype. Words are integers, gradients are not.",
        ),
        Mistake(
            "the cache is not unpacked",
            swap=("x, W_shape = cache", "# x, W_shape = cache"),
            hint="The function may use its arguments only. Restart the kernel and run it again.",
        ),
        Mistake(
            "the gradient is averaged over the batch",
            swap=(ADD, ADD + "\n    dW /= len(x)"),
            hint="dout already belongs to the whole batch's loss. What is left to divide by?",
        ),
    ],
    equivalents=[
        Equivalent(
            "a product with one-hot rows",
            swap=(
                ADD,
                "dW += np.eye(len(dW))[x.reshape(-1)].T @ dout.reshape(-1, dout.shape[-1])",
            ),
        ),
        Equivalent(
            "a loop over the words",
            swap=(ADD, "for place in np.ndindex(x.shape):\n        dW[x[place]] += dout[place]"),
        ),
    ],
)


@exercise.case("words that stand several times", public=True, N=3, T=6, V=5, D=4)
@exercise.case("the last word is absent", public=True, N=2, T=3, V=9, D=4, used=4)
@exercise.case("one word, said many times", N=4, T=5, V=6, D=3, used=1)
@exercise.case("a single word", N=1, T=1, V=4, D=3)
def examine(student, rng, N, T, V, D, used=None):
    x, W = rng.integers(used or V, size=(N, T)), rng.standard_normal((V, D))
    expect_backward(
        student,
        student.word_embedding_forward,
        student.word_embedding_backward,
        (x, W),
        "dW",
        reference,
        rng,
    )


def reference(x, W):
    """Look the words up, in torch."""
    return W[x]

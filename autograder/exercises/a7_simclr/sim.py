"""How similar are two vectors: the cosine of the angle between them."""

import numpy as np

from autograder.errors import StudentRaised
from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.judge import expect, expect_true, expect_unchanged
from autograder.student import named, tensor

from ._shared import call, on_cpu

SIM = "norm_dot_product = (z_i @ z_j) / (z_i.norm() * z_j.norm())"

exercise = Exercise(
    points=2,
    returns={"sim": "norm_dot_product"},
    mistakes=[
        Mistake(
            "the product is not divided by the lengths",
            swap=(SIM, "norm_dot_product = z_i @ z_j"),
            hint="Make z_i twice as long. The angle stays. Does your result?",
        ),
        Mistake(
            "divided by one length only",
            swap=(" / (z_i.norm() * z_j.norm())", " / z_i.norm()"),
            hint="Make z_j twice as long. The angle stays. Does your result?",
        ),
        Mistake(
            "divided by the squares of the lengths",
            swap=("(z_i.norm() * z_j.norm())", "((z_i**2).sum() * (z_j**2).sum())"),
            hint="A vector's similarity to itself is 1. What is yours?",
        ),
        Mistake(
            "divided by the sum of the lengths",
            swap=("z_i.norm() * z_j.norm()", "z_i.norm() + z_j.norm()"),
            hint="A vector's similarity to itself is 1. What is yours?",
        ),
        Mistake(
            "lengths are sums of sizes",
            swap=(
                "(z_i.norm() * z_j.norm())",
                "(z_i.abs().sum() * z_j.abs().sum())",
            ),
            hint="How long is the vector (3, 4)?",
        ),
        Mistake(
            "the sign is lost",
            swap=("(z_i @ z_j)", "(z_i @ z_j).abs()"),
            hint="How similar are a vector and its opposite?",
        ),
        Mistake(
            "a plain number",
            swap=(SIM, SIM.replace("= (", "= ((").replace("norm())", "norm())).item()")),
            hint="The values are right. Can a gradient flow back through your result?",
        ),
        Mistake(
            "the caller's vectors are made shorter",
            swap=(
                SIM,
                "z_i /= z_i.norm()\n    z_j /= z_j.norm()\n    norm_dot_product = z_i @ z_j",
            ),
            hint="What are z_i and z_j after the call? In which lines do you write into them?",
        ),
    ],
    equivalents=[
        Equivalent(
            "the library's function",
            swap=(SIM, "norm_dot_product = F.cosine_similarity(z_i, z_j, dim=0)"),
        ),
        Equivalent(
            "normalised first",
            swap=(SIM, "norm_dot_product = F.normalize(z_i, dim=-1) @ F.normalize(z_j, dim=-1)"),
        ),
        Equivalent(
            "one number in a row",
            swap=(SIM, "norm_dot_product = F.cosine_similarity(z_i[None], z_j[None])"),
        ),
        Equivalent(
            "a matrix of one number",
            swap=(SIM, "norm_dot_product = F.normalize(z_i[None]) @ F.normalize(z_j[None]).T"),
        ),
    ],
)


def reference(z_i: np.ndarray, z_j: np.ndarray) -> np.ndarray:
    """The cosine of the angle between two vectors (D,)."""
    return np.asarray(z_i @ z_j / np.sqrt((z_i @ z_i) * (z_j @ z_j)))


@exercise.case("two vectors of different lengths", public=True, D=5)
@exercise.case("many dimensions", D=64)
@exercise.case("a vector and nearly its opposite", public=True, D=6, turn=-1)
def examine(student, rng, D, turn=0):
    z_i = 3 * rng.standard_normal(D)
    z_j = 0.4 * rng.standard_normal(D) + turn * z_i
    # Both precisions, as both are asked for in practice.
    for kind, rtol in ((np.float64, 1e-5), (np.float32, 1e-4)):
        pair = z_i.astype(kind), z_j.astype(kind)
        out = rows_or_vectors(lambda *sent: call(student, "sim", *map(tensor, sent)), *pair)
        expect("norm_dot_product", out, reference(z_i, z_j), rtol=rtol, atol=1e-6, squeeze=True)


@exercise.case("both vectors are left as they were", public=True, D=4)
def examine_untouched(student, rng, D):
    pair = 2 * rng.standard_normal((2, D))
    out = rows_or_vectors(lambda *sent: call(student, "sim", *map(tensor, sent)), *pair)
    expect_unchanged(student, "z_i", "z_j")
    expect("norm_dot_product", out, reference(*pair), squeeze=True)


@exercise.case("gradients flow through it", public=True, D=7)
def examine_gradients(student, rng, D):
    z_i, z_j = 2 * rng.standard_normal(D), rng.standard_normal(D)

    def ask(*sent):
        args = [named("sim"), *map(tensor, sent)]
        return student.gradients(on_cpu(student, "sim"), args, cotangent=np.array(1.0), wrt=[1, 2])

    out, gradients = rows_or_vectors(ask, z_i, z_j)
    want = reference(z_i, z_j)
    expect("norm_dot_product", out, want, squeeze=True)
    lengths = np.linalg.norm(z_i), np.linalg.norm(z_j)
    for name, got, own, other, length in (
        ("z_i", gradients[0], z_i / lengths[0], z_j / lengths[1], lengths[0]),
        ("z_j", gradients[1], z_j / lengths[1], z_i / lengths[0], lengths[1]),
    ):
        if expect_true(got is not None, f"no gradient reaches {name}"):
            expect(f"the gradient of {name}", got, (other - want * own) / length, squeeze=True)


def rows_or_vectors(ask, z_i, z_j):
    """Return what `ask` gives for two vectors, or else for two rows (1, D).

    The handout speaks of rows and passes vectors: whoever took it at its word is right, too.
    """
    try:
        return ask(z_i, z_j)
    except StudentRaised as error:
        if error.missing:
            raise
        try:
            return ask(z_i[None], z_j[None])
        except StudentRaised:
            raise error from None

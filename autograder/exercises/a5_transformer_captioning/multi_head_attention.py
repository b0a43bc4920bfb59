"""Attention with several heads: who looks at whom, and what is seen there."""

import torch

from autograder.exercise import Equivalent, Exercise, Mistake, Shortcut
from autograder.judge import expect
from autograder.modules import expect_module
from autograder.student import tensor

from ._modules import (
    RTOL,
    as_tensors,
    attention,
    attention_shapes,
    draw,
    draw_mask,
    linear_layer,
    load_random,
)

Q = "q = self.query(query).view(N, S, self.n_head, self.head_dim).transpose(1, 2)"
K = "k = self.key(key).view(N, T, self.n_head, self.head_dim).transpose(1, 2)"
V = "v = self.value(value).view(N, T, self.n_head, self.head_dim).transpose(1, 2)"
SCORES = "scores = q @ k.transpose(2, 3) / math.sqrt(self.head_dim)"
FILL = 'scores = scores.masked_fill(attn_mask == 0, float("-inf"))'
WEIGHTS = "weights = self.attn_drop(torch.softmax(scores, dim=-1))"
SEEN = "seen = weights @ v"
OUT = "output = self.proj(seen.transpose(1, 2).reshape(N, S, E))"


def without_transpose(line: str) -> str:
    """Cut the vectors into heads, and mix heads up with places."""
    return (
        line.replace(", self.n_head, self.head_dim).transpose(1, 2)", ", -1)")
        .replace(".view(N, S, -1)", ".view(N, self.n_head, S, self.head_dim)")
        .replace(".view(N, T, -1)", ".view(N, self.n_head, T, self.head_dim)")
    )


def scattered(line: str) -> str:
    """Give each head every n-th number of the vectors, not a slice of neighbours."""
    return line.replace(
        "self.n_head, self.head_dim).transpose(1, 2)",
        "self.head_dim, self.n_head).permute(0, 3, 1, 2)",
    )


exercise = Exercise(
    points=8,
    forbids=(
        "torch.nn.MultiheadAttention",
        "torch.nn.functional.scaled_dot_product_attention",
        "torch.nn.functional.multi_head_attention_forward",
        "torch.nn.Transformer*",
    ),
    shortcuts=[
        Shortcut(
            "torch's own attention",
            swap=(SEEN, "seen = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask)"),
        )
    ],
    harmless={f"{FILL} -> {FILL.replace('==', '<=')}": "a mask holds False and True, 0 and 1 only"},
    mistakes=[
        Mistake(
            "the mask is read the other way round",
            swap=("attn_mask == 0", "attn_mask != 0"),
            hint="Does True in the mask mean look here, or do not look here?",
        ),
        Mistake(
            "the mask comes after the softmax",
            swap=(
                WEIGHTS,
                "weights = self.attn_drop(torch.softmax(scores, dim=-1))\n"
                "        if attn_mask is not None:\n"
                "            weights = weights.masked_fill(attn_mask == 0, 0.0)",
            ),
            more=((FILL, "pass"),),
            hint="Add up the weights of one row. What should the sum be?",
        ),
        Mistake(
            "masked scores are set to zero",
            swap=('float("-inf")', "0.0"),
            hint="What is exp(0)? How much weight has a score of zero?",
        ),
        Mistake(
            "the masked scores are thrown away",
            swap=(FILL, FILL.replace("scores = ", "")),
            hint="masked_fill returns a new tensor. Where does yours go?",
        ),
        Mistake(
            "the mask is transposed",
            swap=("attn_mask == 0", "attn_mask.T == 0"),
            hint="The mask has a row for each place that looks. Try one that is not symmetric.",
        ),
        Mistake(
            "the softmax runs over the places that look",
            swap=("dim=-1", "dim=-2"),
            hint="For one place that looks, the weights must add up to one. Over which axis?",
        ),
        Mistake(
            "the softmax runs over the heads",
            swap=("dim=-1", "dim=1"),
            hint="For one place that looks, the weights must add up to one. Over which axis?",
        ),
        Mistake(
            "the value is made from the key",
            swap=(V, V.replace("self.value(value)", "self.value(key)")),
            hint="Call it with a value that is not the key. Does the value matter?",
        ),
        Mistake(
            "the key is made from the query",
            swap=(K, "k = self.key(query).view(N, S, self.n_head, self.head_dim).transpose(1, 2)"),
            hint="Let key and query have different lengths.",
        ),
        Mistake(
            "heads and places are mixed up when cut",
            swap=(Q, without_transpose(Q)),
            more=((K, without_transpose(K)), (V, without_transpose(V))),
            hint="view only relabels numbers in their order. Which axis has to move?",
        ),
        Mistake(
            "heads and places are mixed up when joined",
            swap=(OUT, OUT.replace("seen.transpose(1, 2).reshape", "seen.reshape")),
            hint="Before the heads are joined, they must stand beside each other again.",
        ),
        Mistake(
            "each head gets every so-manieth number",
            swap=(Q, scattered(Q)),
            more=((K, scattered(K)), (V, scattered(V))),
            hint="A head has a slice of neighbouring numbers: (heads, size), not (size, heads).",
        ),
        Mistake(
            "no output projection",
            swap=(OUT, OUT.replace("self.proj(", "(")),
            hint="Change the weights of proj. Does the output change?",
        ),
        Mistake(
            "scores are not scaled",
            swap=(SCORES, "scores = q @ k.transpose(2, 3)"),
            hint="How large do scores get when a head has many numbers?",
        ),
        Mistake(
            "scores are scaled by the whole width",
            swap=("math.sqrt(self.head_dim)", "math.sqrt(E)"),
            hint="Over how many numbers does one head's product add up?",
        ),
        Mistake(
            "no dropout",
            swap=(WEIGHTS, "weights = torch.softmax(scores, dim=-1)"),
            hint="It is right when evaluated. In training, do two calls differ?",
        ),
        Mistake(
            "dropout on what is seen",
            swap=(WEIGHTS, "weights = torch.softmax(scores, dim=-1)"),
            more=((SEEN, "seen = self.attn_drop(weights @ v)"),),
            hint="It is right when evaluated. In training, what is dropped: numbers, or looks?",
        ),
        Mistake(
            "dropout on the scores",
            swap=(WEIGHTS, "weights = torch.softmax(self.attn_drop(scores), dim=-1)"),
            hint="It is right when evaluated. A dropped score of zero is still looked at.",
        ),
        Mistake(
            "dropout that never stops",
            swap=(
                WEIGHTS,
                "weights = nn.functional.dropout(torch.softmax(scores, dim=-1), self.attn_drop.p)",
            ),
            hint="Evaluate the same input twice. nn.functional.dropout does not know the mode.",
        ),
    ],
    equivalents=[
        Equivalent("a very negative number for minus infinity", swap=('float("-inf")', "-1e9")),
        Equivalent(
            "the smallest float for minus infinity",
            swap=('float("-inf")', "torch.finfo(scores.dtype).min"),
        ),
        Equivalent(
            "the scores are filled in place",
            swap=(FILL, 'scores.masked_fill_(attn_mask == 0, float("-inf"))'),
        ),
        Equivalent(
            "sums written with einsum",
            swap=(SEEN, 'seen = torch.einsum("nhst,nhtd->nhsd", weights, v)'),
        ),
        Equivalent(
            "the query is scaled",
            swap=(SCORES, "scores = (q / math.sqrt(self.head_dim)) @ k.transpose(-2, -1)"),
        ),
        Equivalent(
            "a softmax written out",
            swap=(
                WEIGHTS,
                "exps = (scores - scores.amax(dim=-1, keepdim=True)).exp()\n"
                "        weights = self.attn_drop(exps / exps.sum(dim=-1, keepdim=True))",
            ),
        ),
    ],
)


@exercise.case("key and value differ, and are longer than the query", public=True, N=3, S=4, T=5)
@exercise.case("a mask that is not symmetric", public=True, N=2, S=5, T=5, masked=True)
@exercise.case("a mask that is not square", N=3, S=3, T=6, masked=True)
@exercise.case("a single sequence of a single place", N=1, S=1, T=4)
@exercise.case("as many heads as places", public=True, N=2, S=3, T=3, E=6, heads=3)
def examine(student, rng, N, S, T, E=8, heads=2, masked=False):
    module = student.MultiHeadAttention(E, heads, dropout=0.3)
    params = load_random(student, module, rng, attention_shapes(E))
    module.eval()
    sent = [draw(rng, N, S, E), draw(rng, N, T, E), draw(rng, N, T, E)]
    mask = draw_mask(rng, S, T) if masked else None

    def reference(params, query, key, value):
        seen = None if mask is None else torch.from_numpy(mask)
        return attention(params, query, key, value, heads, seen)

    expect_module(
        student,
        module,
        params,
        [tensor(a) for a in sent],
        [0, 1, 2],
        reference,
        as_tensors(*sent),
        rng,
        rtol=RTOL,
        kwargs={} if mask is None else {"attn_mask": tensor(mask)},
    )


@exercise.case("dropout of the weights, in training", public=True, p=0.4)
def examine_dropout(student, rng, p, draws=2000, S=2, T=4, E=4, heads=2):
    student.public("torch.manual_seed", int(rng.integers(1 << 30)))  # to repeat a result only
    module = student.MultiHeadAttention(E, heads, dropout=p)
    params = load_random(student, module, rng, attention_shapes(E))
    one = [draw(rng, 1, S, E), draw(rng, 1, T, E), draw(rng, 1, T, E)]
    out = module(*(tensor(a.repeat(draws, axis=0)) for a in one))
    want = simulate(params, as_tensors(*one), heads, p)
    expect("out", out, want, comparator="distributed", draws=draws)


def simulate(params, inputs, heads, p):
    """Return mean and spread of attention with dropped weights, (2, S, E), in closed form.

    A weight w becomes w / (1 - p) with probability 1 - p, else 0: its mean is w, its variance
    w^2 p / (1 - p), and weights are dropped independently.
    """
    query, key, value = inputs
    q, k, v = (
        linear_layer(params, n, x)[0] for n, x in (("query", query), ("key", key), ("value", value))
    )
    size = q.shape[-1] // heads
    W = params["proj.weight"]
    mean, variance = params["proj.bias"].expand(q.shape[0], -1).clone(), 0
    for h in range(heads):
        part = slice(h * size, (h + 1) * size)
        w = torch.softmax(q[:, part] @ k[:, part].T / size**0.5, dim=1)
        seen = v[:, part] @ W[:, part].T  # what looking at each place adds to the output
        mean = mean + w @ seen
        variance = variance + (w**2 * p / (1 - p)) @ seen**2
    return torch.stack([mean, variance**0.5]).numpy()

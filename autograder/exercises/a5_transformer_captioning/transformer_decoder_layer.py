"""One decoder layer: after looking at themselves, the words look at the memory."""

import torch

from autograder.exercise import Equivalent, Exercise, Mistake, Shortcut
from autograder.judge import expect
from autograder.modules import expect_module, tried
from autograder.student import tensor

from ._modules import (
    RTOL,
    as_tensors,
    decoder_layer,
    decoder_shapes,
    draw,
    draw_mask,
    load_random,
    own_attention,
)

CROSS = "tgt = self.cross_attn(query=tgt, key=memory, value=memory)"
NORM_CROSS = "tgt = self.norm_cross(shortcut + self.dropout_cross(tgt))"
NORM_FFN = "tgt = self.norm_ffn(shortcut + self.dropout_ffn(tgt))"

exercise = Exercise(
    points=5,
    forbids=("torch.nn.Transformer*", "torch.nn.MultiheadAttention"),
    shortcuts=[
        Shortcut(
            "torch's own layer",
            swap=(
                "self.self_attn = MultiHeadAttention(input_dim, num_heads, dropout)",
                "self.self_attn = nn.TransformerDecoderLayer(input_dim, num_heads).self_attn",
            ),
        )
    ],
    needs=["multi_head_attention"],
    mistakes=[
        Mistake(
            "the words look at themselves again",
            swap=(CROSS, "tgt = self.cross_attn(query=tgt, key=tgt, value=tgt)"),
            hint="Change the memory. Does the output change?",
        ),
        Mistake(
            "the memory looks at the words",
            swap=(CROSS, "tgt = self.cross_attn(query=memory, key=tgt, value=tgt)"),
            hint="Which of the two sequences asks? The output is as long as that one.",
        ),
        Mistake(
            "norm before the sum, after cross-attention",
            swap=(NORM_CROSS, "tgt = shortcut + self.norm_cross(self.dropout_cross(tgt))"),
            hint="Compare with the self-attention above: what is normalised there?",
        ),
        Mistake(
            "norm before the sum, after the feed-forward network",
            swap=(NORM_FFN, "tgt = shortcut + self.norm_ffn(self.dropout_ffn(tgt))"),
            hint="Compare with the self-attention above: what is normalised there?",
        ),
        Mistake(
            "no shortcut around cross-attention",
            swap=(NORM_CROSS, "tgt = self.norm_cross(self.dropout_cross(tgt))"),
            hint="What went into cross-attention is added to what came out of it.",
        ),
        Mistake(
            "no shortcut around the feed-forward network",
            swap=(NORM_FFN, "tgt = self.norm_ffn(self.dropout_ffn(tgt))"),
            hint="What went into the feed-forward network is added to what came out of it.",
        ),
        Mistake(
            "the norm of the self-attention is used again",
            swap=(NORM_CROSS, NORM_CROSS.replace("norm_cross", "norm_self")),
            hint="Each part has a norm of its own. Which one gets no gradient?",
        ),
        Mistake(
            "the self-attention is used again",
            swap=(CROSS, CROSS.replace("cross_attn", "self_attn")),
            hint="Which attention gets no gradient?",
        ),
        Mistake(
            "the mask of the words is laid on the memory",
            swap=(
                CROSS,
                "tgt = self.cross_attn(query=tgt, key=memory, value=memory, attn_mask=tgt_mask)",
            ),
            hint="May the first word look at only a part of the image?",
        ),
        Mistake(
            "cross-attention starts from the unnormalised words",
            swap=(
                CROSS,
                "tgt = self.cross_attn(query=tgt - self.norm_self.bias, key=memory, value=memory)",
            ),
            hint="What comes out of norm_self goes into cross-attention as it is.",
        ),
        Mistake(
            "no dropout after cross-attention",
            swap=("shortcut + self.dropout_cross(tgt)", "shortcut + tgt"),
            hint="It is right when evaluated. Which dropout is never used?",
        ),
        Mistake(
            "no dropout after the feed-forward network",
            swap=("shortcut + self.dropout_ffn(tgt)", "shortcut + tgt"),
            hint="It is right when evaluated. Which dropout is never used?",
        ),
    ],
    equivalents=[
        Equivalent(
            "positional arguments", swap=(CROSS, "tgt = self.cross_attn(tgt, memory, memory, None)")
        ),
        Equivalent(
            "the sum in another order",
            swap=(NORM_FFN, "tgt = self.norm_ffn(self.dropout_ffn(tgt) + shortcut)"),
        ),
    ],
)


@exercise.case("words and memory of different lengths", public=True, N=3, T=4, S=5)
@exercise.case("with a mask over the words", N=2, T=5, S=3, masked=True)
@exercise.case("as many words as places in the memory", public=True, N=2, T=4, S=4, masked=True)
@exercise.case("a single image, a memory of one place", N=1, T=3, S=1)
def examine(student, rng, N, T, S, E=8, heads=2, hidden=12, masked=False):
    module = student.TransformerDecoderLayer(E, heads, dim_feedforward=hidden, dropout=0.2)
    params = load_random(student, module, rng, decoder_shapes(E, hidden))
    module.eval()
    tgt, memory = draw(rng, N, T, E), draw(rng, N, S, E)
    mask = draw_mask(rng, T, T) if masked else None
    seen = None if mask is None else torch.from_numpy(mask)

    def reference(params, tgt, memory, **own):
        return decoder_layer(params, tgt, memory, heads, seen, **own)

    expect_module(
        student,
        module,
        params,
        [tensor(tgt), tensor(memory)],
        [0, 1],
        reference,
        as_tensors(tgt, memory),
        rng,
        rtol=RTOL,
        kwargs={} if mask is None else {"tgt_mask": tensor(mask)},
        carried=tried(
            lambda: reference(params, *as_tensors(tgt, memory), attend=own_attention(student))
        ),
    )


@exercise.case("every dropout is in its place", public=True)
def examine_dropout(student, rng, N=2, T=4, S=3, E=8, heads=2, hidden=12):
    # With everything dropped nothing is random: only the shortcuts and norms are left.
    module = student.TransformerDecoderLayer(E, heads, dim_feedforward=hidden, dropout=1.0)
    params = load_random(student, module, rng, decoder_shapes(E, hidden))
    tgt, memory = draw(rng, N, T, E), draw(rng, N, S, E)
    out = module(tensor(tgt), tensor(memory))
    want = torch.from_numpy(tgt)
    for name in ("norm_self", "norm_cross", "norm_ffn"):
        weights = params[f"{name}.weight"], params[f"{name}.bias"]
        want = torch.nn.functional.layer_norm(want, (E,), *weights)
    expect("out, with everything dropped", out, want.numpy(), rtol=RTOL)

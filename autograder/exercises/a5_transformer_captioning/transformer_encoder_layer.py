"""One encoder layer: the places of a sequence look at each other."""

import torch

from autograder.exercise import Equivalent, Exercise, Mistake, Shortcut
from autograder.judge import expect
from autograder.modules import expect_module, tried
from autograder.student import tensor

from ._modules import (
    RTOL,
    as_tensors,
    draw,
    draw_mask,
    encoder_layer,
    encoder_shapes,
    load_random,
    own_attention,
)

ATTEND = "src = self.self_attn(query=src, key=src, value=src, attn_mask=src_mask)"
NORM_SELF = "src = self.norm_self(shortcut + self.dropout_self(src))"
NORM_FFN = "src = self.norm_ffn(shortcut + self.dropout_ffn(src))"

exercise = Exercise(
    points=3,
    forbids=("torch.nn.Transformer*", "torch.nn.MultiheadAttention"),
    shortcuts=[
        Shortcut(
            "torch's own layer",
            swap=(
                "self.self_attn = MultiHeadAttention(input_dim, num_heads, dropout)",
                "self.self_attn = nn.TransformerEncoderLayer(input_dim, num_heads).self_attn",
            ),
        )
    ],
    needs=["multi_head_attention"],
    mistakes=[
        Mistake(
            "the mask is not passed on",
            swap=(ATTEND, ATTEND.replace(", attn_mask=src_mask", "")),
            hint="Call it with a mask and without. Does the output differ?",
        ),
        Mistake(
            "norm before the sum, after self-attention",
            swap=(NORM_SELF, "src = shortcut + self.norm_self(self.dropout_self(src))"),
            hint="Compare with the decoder layer: what is normalised there?",
        ),
        Mistake(
            "norm before the sum, after the feed-forward network",
            swap=(NORM_FFN, "src = shortcut + self.norm_ffn(self.dropout_ffn(src))"),
            hint="Compare with the decoder layer: what is normalised there?",
        ),
        Mistake(
            "no shortcut around self-attention",
            swap=(NORM_SELF, "src = self.norm_self(self.dropout_self(src))"),
            hint="What went into self-attention is added to what came out of it.",
        ),
        Mistake(
            "no shortcut around the feed-forward network",
            swap=(NORM_FFN, "src = self.norm_ffn(self.dropout_ffn(src))"),
            hint="What went into the feed-forward network is added to what came out of it.",
        ),
        Mistake(
            "one norm for both parts",
            swap=(NORM_FFN, NORM_FFN.replace("norm_ffn", "norm_self")),
            hint="Each part has a norm of its own. Which one gets no gradient?",
        ),
        Mistake(
            "no dropout after self-attention",
            swap=("shortcut + self.dropout_self(src)", "shortcut + src"),
            hint="It is right when evaluated. Which dropout is never used?",
        ),
        Mistake(
            "no dropout after the feed-forward network",
            swap=("shortcut + self.dropout_ffn(src)", "shortcut + src"),
            hint="It is right when evaluated. Which dropout is never used?",
        ),
    ],
    equivalents=[
        Equivalent(
            "positional arguments", swap=(ATTEND, "src = self.self_attn(src, src, src, src_mask)")
        ),
        Equivalent(
            "the sum in another order",
            swap=(NORM_FFN, "src = self.norm_ffn(self.dropout_ffn(src) + shortcut)"),
        ),
    ],
)


@exercise.case("a batch of sequences", public=True, N=3, S=5)
@exercise.case("with a mask", public=True, N=2, S=4, masked=True)
@exercise.case("a single sequence", N=1, S=3)
def examine(student, rng, N, S, E=8, heads=2, hidden=12, masked=False):
    module = student.TransformerEncoderLayer(E, heads, dim_feedforward=hidden, dropout=0.2)
    params = load_random(student, module, rng, encoder_shapes(E, hidden))
    module.eval()
    src = draw(rng, N, S, E)
    mask = draw_mask(rng, S, S) if masked else None
    seen = None if mask is None else torch.from_numpy(mask)

    def reference(params, src, **own):
        return encoder_layer(params, src, heads, seen, **own)

    expect_module(
        student,
        module,
        params,
        [tensor(src)],
        [0],
        reference,
        as_tensors(src),
        rng,
        rtol=RTOL,
        kwargs={} if mask is None else {"src_mask": tensor(mask)},
        carried=tried(lambda: reference(params, *as_tensors(src), attend=own_attention(student))),
    )


@exercise.case("every dropout is in its place", public=True)
def examine_dropout(student, rng, N=2, S=4, E=8, heads=2, hidden=12):
    # With everything dropped nothing is random: only the shortcuts and norms are left.
    module = student.TransformerEncoderLayer(E, heads, dim_feedforward=hidden, dropout=1.0)
    params = load_random(student, module, rng, encoder_shapes(E, hidden))
    src = draw(rng, N, S, E)
    out = module(tensor(src))
    want = torch.from_numpy(src)
    for name in ("norm_self", "norm_ffn"):
        weights = params[f"{name}.weight"], params[f"{name}.bias"]
        want = torch.nn.functional.layer_norm(want, (E,), *weights)
    expect("out, with everything dropped", out, want.numpy(), rtol=RTOL)

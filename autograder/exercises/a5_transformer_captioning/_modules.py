"""Modules with known parameters, and what they should compute: shared by the a5 exercises.

The judge draws every parameter, at the scale of a trained network, and loads it by name into the
student's module; the references below compute with the same numbers. A reference takes the parts
that an earlier exercise asks for (`attend`, `encode`) as arguments, so that a later one can be
judged with the student's own, wrong part inside.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from autograder.errors import Wrong
from autograder.modules import OwnModule

Params = Mapping[str, torch.Tensor]

# Float32 all the way: a softmax and two products leave 1e-6, every known mistake 1e-2 or more.
RTOL = 1e-4


def load_random(student, module, rng: np.random.Generator, shapes: Mapping[str, tuple[int, ...]]):
    """Give the module random parameters of these names and shapes; return them as tensors."""
    seen = {name: tuple(np.shape(p)) for name, p in student.state(module)["parameters"].items()}
    wrong = sorted(name for name in {*seen, *shapes} if seen.get(name) != shapes.get(name))
    if wrong:
        name = wrong[0]
        want, got = shapes.get(name, "no such parameter"), seen.get(name, "no such parameter")
        raise Wrong(f"the parameter {name} must have shape {want}. Got {got}")
    params = {name: _draw(rng, name, shape) for name, shape in shapes.items()}
    student.load(module, params)
    return {name: torch.from_numpy(p) for name, p in params.items()}


def _draw(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
    if "norm" in name:  # a LayerNorm: scales around one, so that a norm too many shows
        value = rng.standard_normal(shape) / 3 + (1 if name.endswith("weight") else 0)
    elif len(shape) == 2:
        value = rng.standard_normal(shape) * 1.5 / np.sqrt(shape[1])
    else:
        value = rng.standard_normal(shape) / 2
    return value.astype(np.float32)


def linear(name: str, out: int, into: int) -> dict[str, tuple[int, ...]]:
    """Return the parameters of a linear layer."""
    return {f"{name}.weight": (out, into), f"{name}.bias": (out,)}


def prefixed(prefix: str, shapes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same names inside a part called `prefix`."""
    return {f"{prefix}.{name}": shape for name, shape in shapes.items()}


def inside(params: Params, prefix: str) -> dict[str, torch.Tensor]:
    """Return the parameters of the part called `prefix`, by their names in it."""
    start = f"{prefix}."
    return {k.removeprefix(start): v for k, v in params.items() if k.startswith(start)}


# ------------------------------------------------------------------ shapes of the parts
def attention_shapes(E: int) -> dict[str, tuple[int, ...]]:
    """Return the parameters of a MultiHeadAttention."""
    return {
        k: v for name in ("key", "query", "value", "proj") for k, v in linear(name, E, E).items()
    }


def ffn_shapes(E: int, hidden: int) -> dict[str, tuple[int, ...]]:
    """Return the parameters of the given FeedForwardNetwork."""
    return {**linear("fc1", hidden, E), **linear("fc2", E, hidden)}


def norm_shapes(*names: str, E: int) -> dict[str, tuple[int, ...]]:
    """Return the parameters of LayerNorms."""
    return {f"{name}.{part}": (E,) for name in names for part in ("weight", "bias")}


def decoder_shapes(E: int, hidden: int) -> dict[str, tuple[int, ...]]:
    """Return the parameters of a TransformerDecoderLayer."""
    return {
        **prefixed("self_attn", attention_shapes(E)),
        **prefixed("cross_attn", attention_shapes(E)),
        **prefixed("ffn", ffn_shapes(E, hidden)),
        **norm_shapes("norm_self", "norm_cross", "norm_ffn", E=E),
    }


def encoder_shapes(E: int, hidden: int) -> dict[str, tuple[int, ...]]:
    """Return the parameters of a TransformerEncoderLayer."""
    return {
        **prefixed("self_attn", attention_shapes(E)),
        **prefixed("ffn", ffn_shapes(E, hidden)),
        **norm_shapes("norm_self", "norm_ffn", E=E),
    }


# ------------------------------------------------------------------ references
def encoding(length: int, E: int) -> torch.Tensor:
    """Return the positional encoding, (length, E), entry by entry as the paper writes it."""
    table = [
        [
            math.sin(s / 10000 ** (j / E)) if j % 2 == 0 else math.cos(s / 10000 ** ((j - 1) / E))
            for j in range(E)
        ]
        for s in range(length)
    ]
    return torch.tensor(table, dtype=torch.float32)


def attention(params: Params, query, key, value, heads: int, mask=None):
    """Multi-head attention, by PyTorch's own function for one head at a time."""
    q, k, v = (_linear(params, n, x) for n, x in (("query", query), ("key", key), ("value", value)))
    size = q.shape[-1] // heads
    parts = [
        F.scaled_dot_product_attention(q_h, k_h, v_h, attn_mask=mask)
        for q_h, k_h, v_h in zip(
            q.split(size, -1), k.split(size, -1), v.split(size, -1), strict=True
        )
    ]
    return _linear(params, "proj", torch.cat(parts, dim=-1))


def decoder_layer(params: Params, tgt, memory, heads: int, mask=None, attend: Callable = attention):
    """One post-norm decoder layer."""
    seen = attend(inside(params, "self_attn"), tgt, tgt, tgt, heads, mask)
    tgt = _norm(params, "norm_self", tgt + seen)
    seen = attend(inside(params, "cross_attn"), tgt, memory, memory, heads)
    tgt = _norm(params, "norm_cross", tgt + seen)
    return _norm(params, "norm_ffn", tgt + _ffn(inside(params, "ffn"), tgt))


def encoder_layer(params: Params, src, heads: int, mask=None, attend: Callable = attention):
    """One post-norm encoder layer."""
    seen = attend(inside(params, "self_attn"), src, src, src, heads, mask)
    src = _norm(params, "norm_self", src + seen)
    return _norm(params, "norm_ffn", src + _ffn(inside(params, "ffn"), src))


def patches(images: torch.Tensor, size: int) -> torch.Tensor:
    """Return the patches of images, row by row, each flattened as (channel, row, column)."""
    return F.unfold(images, size, stride=size).transpose(1, 2)


def _linear(params: Params, name: str, x):
    return F.linear(x, params[f"{name}.weight"], params[f"{name}.bias"])


def _norm(params: Params, name: str, x):
    return F.layer_norm(x, x.shape[-1:], params[f"{name}.weight"], params[f"{name}.bias"])


def _ffn(params: Params, x):
    return _linear(params, "fc2", F.gelu(_linear(params, "fc1", x)))


def linear_layer(params: Params, name: str, x):
    """Apply the linear layer of that name."""
    return _linear(params, name, x)


def own_attention(student) -> Callable:
    """Return `attend` through the student's own MultiHeadAttention, for carried errors."""

    def attend(params: Params, query, key, value, heads: int, mask=None):
        own = OwnModule(student, "MultiHeadAttention", params, query.shape[-1], heads)
        return own(query, key, value, attn_mask=mask)

    return attend


def as_tensors(*arrays: np.ndarray) -> list[torch.Tensor]:
    """Return torch's view of the arrays that are sent."""
    return [torch.from_numpy(np.array(a)) for a in arrays]


def draw(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Return standard normal float32 numbers."""
    return rng.standard_normal(shape).astype(np.float32)


def draw_mask(rng: np.random.Generator, S: int, T: int) -> np.ndarray:
    """Return a random mask (S, T), neither symmetric nor closed for a whole row."""
    mask = rng.random((S, T)) < 0.5
    mask[np.arange(S), rng.integers(T, size=S)] = True
    mask[0, -1], mask[-1, 0] = True, False
    mask[-1, 1:] |= ~mask[-1, 1:].any()
    return mask

"""Scores for the next word at every place of a caption, none of which sees what comes after it."""

import numpy as np
import torch

from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.judge import expect, expect_true
from autograder.modules import OwnModule, expect_module, tried
from autograder.student import tensor

from .._captioning import NULL, vocabulary
from ._modules import (
    RTOL,
    as_tensors,
    decoder_layer,
    decoder_shapes,
    draw,
    encoding,
    inside,
    linear,
    linear_layer,
    load_random,
    prefixed,
)

HIDDEN = 2048  # the decoder layer's own default, as the handout leaves it

CAUSAL = "causal = torch.tril(torch.ones(T, T, dtype=torch.bool, device=captions.device))"
MEMORY = "memory = self.visual_projection(features).unsqueeze(1)"
WORDS = "words = self.positional_encoding(self.embedding(captions))"
STACK = "hidden = self.transformer(words, memory, tgt_mask=causal)"
SCORES = "scores = self.output(hidden)"

exercise = Exercise(
    points=6,
    needs=["positional_encoding", "transformer_decoder_layer"],
    mistakes=[
        Mistake(
            "no mask",
            swap=(STACK, "hidden = self.transformer(words, memory)"),
            hint="Change the last word. May the scores at the first place change?",
        ),
        Mistake(
            "the mask lets words look ahead",
            swap=(CAUSAL, CAUSAL.replace("tril", "triu")),
            hint="Which words may the last place look at, and which the first?",
        ),
        Mistake(
            "the mask is reversed",
            swap=(CAUSAL, CAUSAL.replace("causal = ", "causal = ~")),
            hint="Does True in the mask mean look here, or do not look here?",
        ),
        Mistake(
            "words are counted twice",
            swap=(
                WORDS,
                "words = self.embedding(captions)\n"
                "        words = words + self.positional_encoding(words)",
            ),
            hint="Your positional encoding adds the positions to its input already.",
        ),
        Mistake(
            "words have no positions",
            swap=(WORDS, "words = self.embedding(captions)"),
            hint="Exchange two earlier words. Do the scores after them change?",
        ),
        Mistake(
            "the words are their own memory",
            swap=(STACK, "hidden = self.transformer(words, words, tgt_mask=causal)"),
            hint="Change the features. Do the scores change?",
        ),
        Mistake(
            "logarithms of probabilities are returned",
            swap=(SCORES, "scores = torch.log_softmax(self.output(hidden), dim=-1)"),
            hint="The loss takes the softmax itself. What does it expect from you?",
        ),
        Mistake(
            "the image is no sequence",
            swap=(MEMORY, "memory = self.visual_projection(features)"),
            hint="Attention wants a memory of shape (N, places, W). How many places are there?",
        ),
    ],
    equivalents=[
        Equivalent(
            "a mask made with triu",
            swap=(
                CAUSAL,
                "causal = torch.triu(torch.ones(T, T, device=captions.device), diagonal=1) == 0",
            ),
        ),
        Equivalent(
            "the memory by indexing",
            swap=(MEMORY, "memory = self.visual_projection(features)[:, None, :]"),
        ),
        Equivalent("the mask as ones and zeros", swap=("dtype=torch.bool, ", "")),
    ],
)


def shapes(D, W, V, layers):
    """Return the parameters of a CaptioningTransformer."""
    found = {
        **linear("visual_projection", W, D),
        "embedding.weight": (V, W),
        **linear("output", V, W),
    }
    for layer in range(layers):
        found |= prefixed(f"transformer.layers.{layer}", decoder_shapes(W, HIDDEN))
    return found


def build(student, rng, D, W, V, heads, layers):
    """Make the student's model with random parameters, in evaluation mode."""
    model = student.CaptioningTransformer(
        vocabulary(V), input_dim=D, wordvec_dim=W, num_heads=heads, num_layers=layers, max_length=20
    )
    params = load_random(student, model, rng, shapes(D, W, V, layers))
    model.eval()
    return model, params


def scores_of(params, features, captions, heads, layers, positions=None, decode=None):
    """The reference, with the student's own parts in place of ours where they are given."""
    memory = linear_layer(params, "visual_projection", features)[:, None]
    words = torch.nn.functional.embedding(captions, params["embedding.weight"], padding_idx=NULL)
    T = captions.shape[1]
    x = words + encoding(T, words.shape[2]) if positions is None else positions(words)
    causal = torch.ones(T, T, dtype=torch.bool).tril()
    for layer in range(layers):
        part = inside(params, f"transformer.layers.{layer}")
        if decode is None:
            x = decoder_layer(part, x, memory, heads, causal)
        else:
            x = decode(part)(x, memory, tgt_mask=causal)
    return linear_layer(params, "output", x)


@exercise.case("captions of several words", public=True, N=3, T=5)
@exercise.case("a single image", N=1, T=6)
@exercise.case("as many images as words", N=4, T=4)
@exercise.case("one word only", N=3, T=1)
def examine(student, rng, N, T, D=5, W=8, V=9, heads=2, layers=2):
    model, params = build(student, rng, D, W, V, heads, layers)
    features, captions = draw(rng, N, D), rng.integers(V, size=(N, T))

    def reference(params, features, captions, **own):
        return scores_of(params, features, captions, heads, layers, **own)

    def own_parts():
        return reference(
            params,
            *as_tensors(features, captions),
            positions=OwnModule(student, "PositionalEncoding", {}, W, max_len=20),
            decode=lambda part: OwnModule(student, "TransformerDecoderLayer", part, W, heads),
        )

    expect_module(
        student,
        model,
        params,
        [tensor(features), tensor(captions)],
        [0],
        reference,
        as_tensors(features, captions),
        rng,
        rtol=RTOL,
        carried=tried(own_parts),
    )


@exercise.case("no place sees the words after it")
def examine_causality(student, rng, N=3, T=6, D=5, W=8, V=9, heads=2, layers=2):
    model, _ = build(student, rng, D, W, V, heads, layers)
    features, captions = draw(rng, N, D), rng.integers(V, size=(N, T))
    before = model(tensor(features), tensor(captions))
    expect("the scores", before, np.asarray(before), rtol=RTOL)
    expect_true(np.shape(before) == (N, T, V), f"scores must have shape {(N, T, V)}")
    for t in range(1, T):
        changed = captions.copy()
        changed[:, t:] = (changed[:, t:] + 1 + rng.integers(V - 1)) % V
        after = model(tensor(features), tensor(changed))
        expect(f"the scores before word {t}, when later words change", after[:, :t], before[:, :t])
        moved = np.abs(after[:, t] - before[:, t]).max() > 1e-6
        expect_true(moved, f"the scores at word {t} must change with that word")

"""Classifying an image by its patches."""

from autograder.exercise import Equivalent, Exercise, Mistake
from autograder.modules import OwnModule, expect_module, tried
from autograder.student import tensor

from ._modules import (
    RTOL,
    as_tensors,
    draw,
    encoder_layer,
    encoder_shapes,
    encoding,
    inside,
    linear,
    linear_layer,
    load_random,
    patches,
    prefixed,
)

PATCHES = "patches = self.positional_encoding(self.patch_embed(x))"
HEAD = "logits = self.head(encoded.mean(dim=1))"

exercise = Exercise(
    points=4,
    needs=["patch_embedding", "positional_encoding", "transformer_encoder_layer"],
    mistakes=[
        Mistake(
            "the first patch decides",
            swap=(HEAD, "logits = self.head(encoded[:, 0])"),
            hint="Change the last patch alone. How much does the result change?",
        ),
        Mistake(
            "the mean runs over the numbers of a patch",
            swap=(HEAD, "logits = self.head(encoded.mean(dim=2))"),
            hint="encoded has shape (N, patches, embed_dim). Which axis counts the patches?",
        ),
        Mistake(
            "patches have no positions",
            swap=(PATCHES, "patches = self.patch_embed(x)"),
            hint="Exchange two patches of the image. May the logits stay the same?",
        ),
        Mistake(
            "the patches are added up",
            swap=(HEAD, "logits = self.head(encoded.sum(dim=1))"),
            hint="Mean or sum: which does the text ask for?",
        ),
        Mistake(
            "the largest value of all patches decides",
            swap=(HEAD, "logits = self.head(encoded.amax(dim=1))"),
            hint="Mean or maximum: which does the text ask for?",
        ),
        Mistake(
            "probabilities are returned",
            swap=(HEAD, "logits = torch.softmax(self.head(encoded.mean(dim=1)), dim=1)"),
            hint="The loss takes the softmax itself. What does it expect from you?",
        ),
        Mistake(
            "the encoder is left out",
            swap=("encoded = self.transformer(patches)", "encoded = patches"),
            hint="Which parameters get no gradient?",
        ),
    ],
    equivalents=[
        Equivalent(
            "the mean of the logits", swap=(HEAD, "logits = self.head(encoded).mean(dim=1)")
        ),
    ],
)


def shapes(C, p, E, hidden, classes, layers):
    """Return the parameters of a VisionTransformer."""
    found = {**prefixed("patch_embed", linear("proj", E, C * p * p)), **linear("head", classes, E)}
    for layer in range(layers):
        found |= prefixed(f"transformer.layers.{layer}", encoder_shapes(E, hidden))
    return found


def logits_of(params, x, p, heads, layers, cut=None, positions=None, encode=None):
    """The reference, with the student's own parts in place of ours where they are given."""
    if cut is None:
        tokens = linear_layer(params, "patch_embed.proj", patches(x, p))
    else:
        tokens = cut(inside(params, "patch_embed"))(x)
    S, E = tokens.shape[1:]
    tokens = tokens + encoding(S, E) if positions is None else positions(tokens)
    for layer in range(layers):
        part = inside(params, f"transformer.layers.{layer}")
        tokens = encoder_layer(part, tokens, heads) if encode is None else encode(part)(tokens)
    return linear_layer(params, "head", tokens.mean(dim=1))


@exercise.case("a batch of images", public=True, N=3)
@exercise.case("a single image", N=1)
@exercise.case("as many patches as numbers in a vector", N=2, size=4, p=2, E=4)
def examine(student, rng, N, C=2, size=6, p=2, E=8, heads=2, hidden=10, classes=5, layers=2):
    model = student.VisionTransformer(
        img_size=size,
        patch_size=p,
        in_channels=C,
        embed_dim=E,
        num_layers=layers,
        num_heads=heads,
        dim_feedforward=hidden,
        num_classes=classes,
        dropout=0.1,
    )
    params = load_random(student, model, rng, shapes(C, p, E, hidden, classes, layers))
    model.eval()
    x = draw(rng, N, C, size, size)

    def reference(params, x, **own):
        return logits_of(params, x, p, heads, layers, **own)

    def own_parts():
        return reference(
            params,
            *as_tensors(x),
            cut=lambda part: OwnModule(
                student, "PatchEmbedding", part, size, p, in_channels=C, embed_dim=E
            ),
            positions=OwnModule(student, "PositionalEncoding", {}, E),
            encode=lambda part: OwnModule(
                student, "TransformerEncoderLayer", part, E, heads, dim_feedforward=hidden
            ),
        )

    expect_module(
        student,
        model,
        params,
        [tensor(x)],
        [0],
        reference,
        as_tensors(x),
        rng,
        rtol=RTOL,
        carried=tried(own_parts),
    )

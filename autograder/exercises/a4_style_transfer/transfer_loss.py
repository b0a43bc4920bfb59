"""The whole objective of style transfer: what a picture costs."""

from functools import partial

import numpy as np
import torch
from torch.nn import functional as F

from autograder.exercise import Equivalent, Exercise, Mistake

from ._style import draw, draw_weight, expect_loss, gram, own, squares, style, variation

FEATS = "feats = extract_features(img, cnn)"
CONTENT = "content = content_loss(content_weight, feats[content_layer], content_target)"
STYLE = "style = style_loss(feats, style_layers, style_targets, style_weights)"
LOSS = "loss = content + style + tv_loss(img, tv_weight)"

exercise = Exercise(
    points=6,
    returns={"transfer_loss": "loss"},
    needs=["content_loss", "style_loss", "tv_loss"],
    mistakes=[
        Mistake(
            "no total variation",
            swap=(LOSS, "loss = content + style"),
            hint="Three losses are added up. Which one does tv_weight belong to?",
        ),
        Mistake(
            "no content",
            swap=(LOSS, "loss = style + tv_loss(img, tv_weight)"),
            hint="Change content_target. Does the loss change?",
        ),
        Mistake(
            "no style",
            swap=(LOSS, "loss = content + tv_loss(img, tv_weight)"),
            hint="Change style_targets. Does the loss change?",
        ),
        Mistake(
            "the content is weighted twice",
            swap=(LOSS, "loss = content_weight * content + style + tv_loss(img, tv_weight)"),
            hint="What does your content_loss do with its weight?",
        ),
        Mistake(
            "the total variation is weighted twice",
            swap=(LOSS, "loss = content + style + tv_weight * tv_loss(img, tv_weight)"),
            hint="What does your tv_loss do with its weight?",
        ),
        Mistake(
            "the mean of the three",
            swap=(LOSS, "loss = (content + style + tv_loss(img, tv_weight)) / 3"),
            hint="They are added up, each with its own weight.",
        ),
        Mistake(
            "cut off from the picture",
            swap=(FEATS, "feats = extract_features(img.detach(), cnn)"),
            hint="The value is right. Which of the three losses sends a gradient to img?",
        ),
        Mistake(
            "features without a gradient",
            swap=(FEATS, "with torch.no_grad():\n        feats = extract_features(img, cnn)"),
            like="cut off from the picture",
            hint="The value is right. Which of the three losses sends a gradient to img?",
        ),
        Mistake(
            "the content is compared in the last layer",
            swap=("feats[content_layer]", "feats[-1]"),
            hint="Of which layer is content_target?",
        ),
        Mistake(
            "the content is counted from one",
            swap=("feats[content_layer]", "feats[content_layer - 1]"),
            hint="extract_features counts the layers from 0. Of which layer is content_target?",
        ),
        Mistake(
            "the smoothness of features",
            swap=("tv_loss(img, tv_weight)", "tv_loss(feats[0], tv_weight)"),
            hint="What should be smooth in the end: the picture, or its features?",
        ),
        Mistake(
            "content and style are multiplied",
            swap=(LOSS, "loss = content * style + tv_loss(img, tv_weight)"),
            hint="Set one weight to 0. Does the loss of the other stay?",
        ),
    ],
    equivalents=[
        Equivalent(
            "added one after another",
            swap=(
                LOSS,
                "loss = content\n    loss += style\n    loss += tv_loss(img, tv_weight)",
            ),
        ),
        Equivalent(
            "arguments by name",
            swap=(
                CONTENT,
                "content = content_loss(content_current=feats[content_layer], "
                "content_original=content_target, content_weight=content_weight)",
            ),
        ),
        Equivalent(
            "its own walk through the network",
            swap=(
                FEATS,
                "feats, x = [], img\n"
                "    for module in cnn:\n"
                "        x = module(x)\n"
                "        feats.append(x)",
            ),
        ),
        Equivalent(
            "a sum of a list", swap=(LOSS, "loss = sum([tv_loss(img, tv_weight), style, content])")
        ),
    ],
)

# A small network: convolutions (out, in, size, stride), a ReLU after each but the last.
CONVOLUTIONS = [(4, 3, 3, 1), (5, 4, 3, 2), (6, 5, 2, 1)]


def small_network(student, rng):
    """Build the network over there; return its handle and the same network as a function here."""
    layers, weights = [], []
    for out, into, size, stride in CONVOLUTIONS:
        layer = student.public("torch.nn.Conv2d", into, out, size, stride=stride)
        weight = draw(rng, out, into, size, size) / np.float32(np.sqrt(into * size * size))
        bias = draw(rng, out) / np.float32(2)
        student.load(layer, {"weight": weight, "bias": bias})
        layers += [layer, student.public("torch.nn.ReLU")]
        weights.append((torch.from_numpy(weight), torch.from_numpy(bias), stride))

    def features(x):
        found = []
        for weight, bias, stride in weights:
            found.append(F.conv2d(x, weight, bias, stride=stride))
            found.append(x := F.relu(found[-1]))
        return found[:-1]

    return student.public("torch.nn.Sequential", *layers[:-1]), features


@exercise.case("a picture between two others", public=True, H=9, W=12)
@exercise.case("a tall picture, other layers", H=13, W=8, content_layer=2, style_layers=(1, 4))
@exercise.case("style only: a texture", public=True, H=8, W=11, content=False)
@exercise.case("content only: an inversion", H=11, W=8, style_on=False)
def examine(
    student, rng, H, W, content_layer=3, style_layers=(0, 2, 3), content=True, style_on=True
):
    cnn, features = small_network(student, rng)
    img, content_img, style_img = (draw(rng, 1, 3, H, W) for _ in range(3))
    target = features(torch.from_numpy(content_img))[content_layer]
    grams = [gram(features(torch.from_numpy(style_img))[layer]) for layer in style_layers]
    args = (
        img,
        cnn,
        content_layer,
        target.numpy(),
        draw_weight(rng) if content else 0.0,
        list(style_layers),
        [g.numpy() for g in grams],
        [20 * draw_weight(rng) if style_on else 0.0 for _ in style_layers],
        draw_weight(rng) / 4,
    )

    def reference(
        img,
        cnn,
        content_layer,
        content_target,
        content_weight,
        style_layers,
        style_targets,
        style_weights,
        tv_weight,
        parts=(squares, style, variation),
    ):
        of_content, of_style, of_pixels = parts
        feats = features(img)
        return (
            of_content(content_weight, feats[content_layer], content_target).reshape(())
            + of_style(feats, style_layers, style_targets, style_weights).reshape(())
            + of_pixels(img, tv_weight).reshape(())
        )

    def with_own_parts():
        of_style = [(0, layer) for layer in style_layers]
        parts = (
            own(student, "content_loss", 1, serious=content),
            own(student, "style_loss", *of_style, serious=style_on),
            own(student, "tv_loss", 0),
        )
        return partial(reference, parts=parts)

    expect_loss(
        student, student.transfer_loss, args, [0], ["img"], reference, rng, carried=with_own_parts
    )

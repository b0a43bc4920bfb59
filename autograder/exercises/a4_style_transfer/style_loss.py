"""The style loss: how far the Gram matrices of several layers are from those of the style."""

from autograder.exercise import Equivalent, Exercise, Mistake

from ._style import draw, draw_weight, expect_loss, own, style

LOOP = "for layer, target, weight in zip(style_layers, style_targets, style_weights, strict=True):"
DIFFERENCE = "difference = gram_matrix(feats[layer]) - target"
ADD = "loss = loss + weight * (difference**2).sum()"

exercise = Exercise(
    points=6,
    returns={"style_loss": "loss"},
    needs=["gram_matrix"],
    harmless={
        f"{LOOP} -> {LOOP.replace('True', 'False')}": "there are as many targets and weights as "
        "layers, so nothing is left over"
    },
    mistakes=[
        Mistake(
            "a mean in place of a sum",
            swap=(".sum()", ".mean()"),
            hint="Is the number of channels divided by anywhere in the equation?",
        ),
        Mistake(
            "absolute values in place of squares",
            swap=("(difference**2)", "difference.abs()"),
            hint="Double the difference. By what factor does the loss grow?",
        ),
        Mistake(
            "the weight is squared",
            swap=(ADD, "loss = loss + ((weight * difference) ** 2).sum()"),
            hint="Double a weight. By what factor does its layer's loss grow?",
        ),
        Mistake(
            "the weight is multiplied with the Gram matrix",
            swap=(DIFFERENCE, "difference = weight * gram_matrix(feats[layer]) - target"),
            more=((ADD, "loss = loss + (difference**2).sum()"),),
            hint="With the style picture's own features, is your loss 0?",
        ),
        Mistake(
            "the weights are left out",
            swap=(ADD, "loss = loss + (difference**2).sum()"),
            hint="Call it with weights of 0.",
        ),
        Mistake(
            "targets are looked up by the layer's number",
            swap=(DIFFERENCE, "difference = gram_matrix(feats[layer]) - style_targets[layer]"),
            hint="How many targets are there, and how many feature maps?",
        ),
        Mistake(
            "feature maps are counted like the targets",
            swap=(
                LOOP,
                "for layer, (target, weight) in enumerate(zip(style_targets, style_weights)):",
            ),
            hint="feats holds all layers of the network. Which of them are asked for?",
        ),
        Mistake(
            "all layers are compared with the first target",
            swap=(DIFFERENCE, "difference = gram_matrix(feats[layer]) - style_targets[0]"),
            hint="Each layer has its own target.",
        ),
        Mistake(
            "all layers have the first weight",
            swap=(ADD, "loss = loss + style_weights[0] * (difference**2).sum()"),
            hint="Each layer has its own weight.",
        ),
        Mistake(
            "only the last layer",
            swap=(ADD, "loss = weight * (difference**2).sum()"),
            hint="What happens to the first layer's loss when the loop comes round again?",
        ),
        Mistake(
            "only the first layer",
            swap=(ADD, ADD + "\n        break"),
            hint="How often does the body of your loop run?",
        ),
        Mistake(
            "the target is made of the current picture",
            swap=(DIFFERENCE, "difference = gram_matrix(feats[layer]) - gram_matrix(feats[layer])"),
            hint="Is the loss ever different from 0? What are style_targets for?",
        ),
        Mistake(
            "Gram matrices are not normalized",
            swap=("gram_matrix(feats[layer])", "gram_matrix(feats[layer], normalize=False)"),
            hint="The targets were made by gram_matrix as it is called by default.",
        ),
        Mistake(
            "the root of the sum",
            swap=("(difference**2).sum()", "torch.norm(difference)"),
            hint="Double the difference. By what factor does the loss grow?",
        ),
        Mistake(
            "the mean over the layers",
            swap=(ADD, "loss = loss + weight * (difference**2).sum() / len(style_layers)"),
            hint="Ask for one layer, then for the same layer twice. What should happen?",
        ),
        Mistake(
            "divided as in the paper",
            swap=(ADD, "loss = loss + weight * (difference**2).sum() / (4 * len(target[0]) ** 2)"),
            hint="Some papers have a factor in front of the sum. Is there one in the text here?",
        ),
        Mistake(
            "cut off from the picture",
            swap=(
                "gram_matrix(feats[layer])",
                "(gram_matrix(feats[layer].detach()) + 0 * feats[layer].sum())",
            ),
            hint="The value is right. What is its gradient with respect to feats?",
        ),
    ],
    equivalents=[
        Equivalent(
            "counted by position",
            swap=(
                LOOP,
                "for i in range(len(style_layers)):\n"
                "        layer, weight = style_layers[i], style_weights[i]\n"
                "        target = style_targets[i]",
            ),
        ),
        Equivalent(
            "enumerate",
            swap=(
                LOOP,
                "for i, layer in enumerate(style_layers):\n"
                "        target, weight = style_targets[i], style_weights[i]",
            ),
        ),
        Equivalent(
            "starting from a tensor of one number", swap=("loss = 0.0", "loss = torch.zeros(1)")
        ),
        Equivalent(
            "added in place",
            swap=("loss = 0.0", "loss = torch.tensor(0.0)"),
            more=((ADD, "loss += weight * torch.sum(torch.pow(difference, 2))"),),
        ),
        Equivalent(
            "PyTorch's own squared error",
            swap=(
                ADD,
                "loss = loss + weight * torch.nn.functional.mse_loss("
                'gram_matrix(feats[layer]), target, reduction="sum")',
            ),
        ),
        Equivalent(
            "a sum of a list",
            swap=(
                LOOP,
                "parts = []\n"
                "    for layer, target, weight in zip(style_layers, style_targets, style_weights):",
            ),
            more=(
                (ADD, "parts.append(weight * difference.square().sum())\n    loss = sum(parts)"),
            ),
        ),
        Equivalent(
            "its own Gram matrix",
            swap=(
                DIFFERENCE,
                "flat = feats[layer].flatten(2)\n"
                "        difference = flat @ flat.mT / feats[layer].numel() - target",
            ),
        ),
        Equivalent(
            "content_loss once more",
            swap=(ADD, "loss = loss + content_loss(weight, gram_matrix(feats[layer]), target)"),
        ),
    ],
)


# The layers of a small network: (C, H, W), no two sizes the same.
MAPS = [(3, 6, 5), (4, 5, 4), (5, 3, 4), (6, 2, 3), (2, 3, 2)]


@exercise.case("three of five layers", public=True, layers=[1, 2, 4])
@exercise.case("a single layer", public=True, layers=[3])
@exercise.case("the first two layers", layers=[0, 1])
@exercise.case("all layers, whole numbers as weights", layers=[0, 1, 2, 3, 4], whole=True)
def examine(student, rng, layers, whole=False):
    feats = [draw(rng, 1, *shape) for shape in MAPS]
    targets = [draw(rng, 1, MAPS[i][0], MAPS[i][0]) for i in layers]
    targets = [(t + t.transpose(0, 2, 1)) / 4 for t in targets]
    if whole:
        weights = [int(w) for w in rng.permutation(range(2, 2 + len(layers)))]
    else:
        weights = [draw_weight(rng) for _ in layers]

    def with_own_gram():
        gram = own(student, "gram_matrix", 0)
        return lambda *args: style(*args, gram=gram)

    expect_loss(
        student,
        student.style_loss,
        (feats, layers, targets, weights),
        [(0, i) for i in layers],
        [f"feats[{i}]" for i in layers],
        style,
        rng,
        carried=with_own_gram,
    )

"""Train the classifier that the chapters on visualization and style look into; write its weights.

    python datasets/train_scene_classifier.py --seed 0
    python datasets/train_scene_classifier.py --seed 1

One thread, which computes for about 6 minutes for each seed. The pictures are drawn once and seen
several times, and differently each time. The first ones have plain backgrounds, and moving,
recolouring and noise come in little by little: a beginner who meets all difficulties at once learns
next to nothing.

Training uses batch normalisation, which is folded into the convolutions before the weights are
stored: the stored network is convolutions, ReLU and pooling, the same in training and in use.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval
from tqdm import tqdm

from cs231n_utils.data.classifier_network import SceneClassifier
from cs231n_utils.data.picture_classes import CLASS_NAMES, NUM_SHAPES, Pictures, draw_pictures
from cs231n_utils.pretrained import (
    Classifier,
    classifier_card,
    read_weights,
    scene_classifier,
    scene_weights,
    share_inside,
)

TRAIN_SEED = 231_000  # the pictures' seed is TRAIN_SEED + the network's; students use small ones
TEST_SEED = 232_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=15360)
    parser.add_argument("--plain-pictures", type=int, default=9216)
    parser.add_argument("--epochs", type=int, default=4, help="over the pictures")
    parser.add_argument("--plain-epochs", type=int, default=2, help="before, over the plain ones")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--noise", type=float, default=0.4, help="largest noise, in deviations")
    parser.add_argument("--polish-pictures", type=int, default=8192)
    parser.add_argument("--polish-rate", type=float, default=1e-3, help="learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trained", type=Path, help="only polish these weights, already trained")
    parser.add_argument("--out", type=Path, help="default: where load_classifier reads it")
    options = parser.parse_args()
    out = options.out or scene_weights(options.seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    start = time.perf_counter()
    seed = TRAIN_SEED + options.seed
    if not options.trained:
        torch.manual_seed(options.seed)
        plain = draw_pictures(options.plain_pictures, seed=seed, split="train", plain=True)
        courses = [mostly_shapes(plain)] * options.plain_epochs
        pictures = draw_pictures(options.pictures, seed=seed, split="train")
        courses += [mostly_shapes(pictures)] * options.epochs
        network = with_batch_norm(SceneClassifier(len(CLASS_NAMES)))
        train(network, courses, options.batch_size, options.learning_rate, options.noise)
        save_file(stored(without_batch_norm(network.eval())), out)
    # From here on as stored, so that polishing alone, later, gives the same.
    network = scene_classifier(read_weights(options.trained or out)).model
    torch.manual_seed(options.seed + 100)
    pictures = draw_pictures(options.polish_pictures, seed=seed + 100, split="train")
    polish(network, pictures, options.batch_size, options.polish_rate, options.noise)
    minutes = (time.perf_counter() - start) / 60
    weights = stored(network)
    save_file(weights, out)
    card = {
        "script": "datasets/train_scene_classifier.py",
        "seed": options.seed,
        **{
            name: value
            for name, value in vars(options).items()
            if name not in ("out", "seed", "trained")
        },
        "minutes": round(minutes + trained_minutes(options.trained), 1),
        "torch": torch.__version__,
        **measured(scene_classifier(read_weights(out))),
    }
    print(json.dumps(card, indent=2))
    save_file(weights, out, metadata={"card": json.dumps(card)})


def trained_minutes(path: Path | None) -> float:
    """Return how long the training took whose weights are polished, as their card says."""
    return classifier_card(path)["minutes"] if path else 0.0


def mostly_shapes(pictures: Pictures) -> Pictures:
    """Leave two thirds of the pieces of photographs out: they are learned in no time."""
    third = np.arange(len(pictures)) % 3 == 0
    return pictures.take(np.flatnonzero((pictures.labels < NUM_SHAPES) | third))


def train(
    network: nn.Module,
    courses: list[Pictures],
    batch_size: int,
    learning_rate: float,
    noise: float,
) -> None:
    """Train in place, on one course of pictures after the other."""
    steps = sum(len(course) // batch_size for course in courses)
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=learning_rate, total_steps=steps, pct_start=0.1
    )
    network.train()
    with tqdm(total=steps, unit="batch", mininterval=5) as progress:
        for pictures in courses:
            images, masks, labels = as_tensors(pictures)
            losses, right = [], []
            for rows in torch.randperm(len(images)).split(batch_size):
                if len(rows) < batch_size:
                    continue
                level = min(1, 2 * progress.n / steps)
                x, inside = varied(
                    images[rows].float() / 127.5 - 1, masks[rows].float(), level, level * noise
                )
                loss, scores = lesson(network, x, inside, labels[rows])
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                nn.utils.clip_grad_norm_(network.parameters(), 5.0)
                optimizer.step()
                schedule.step()
                progress.update()
                losses.append(loss.item())
                shape = labels[rows] < NUM_SHAPES
                right.append((scores.argmax(1) == labels[rows])[shape].float().mean().item())
            progress.write(f"loss {np.mean(losses):.3f}, shapes named {np.nanmean(right):.3f}")


def as_tensors(pictures: Pictures) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return images (N, 3, H, W) uint8, masks (N, 1, H, W) and labels (N,)."""
    images = torch.from_numpy(pictures.images).permute(0, 3, 1, 2)
    return images, torch.from_numpy(pictures.masks)[:, None], torch.from_numpy(pictures.labels)


def polish(
    network: SceneClassifier,
    pictures: Pictures,
    batch_size: int,
    learning_rate: float,
    noise: float,
) -> None:
    """Train the plain network a little more, so that what moves its scores lies on the object.

    The gradient of a score says which pixels matter. Here it is part of the loss: of all that
    matters to a shape's score, as much as possible should lie inside of the mask ("right for the
    right reasons", Ross et al., 2017).
    """
    steps = len(pictures) // batch_size
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    network.train().requires_grad_()
    images, masks, labels = as_tensors(pictures)
    with tqdm(total=steps, unit="batch", mininterval=5) as progress:
        for rows in torch.randperm(len(images))[: steps * batch_size].split(batch_size):
            x, inside = varied(images[rows].float() / 127.5 - 1, masks[rows].float(), 1.0, noise)
            x.requires_grad_()
            loss, scores = lesson(network, x, inside, labels[rows])
            chosen = scores.gather(1, labels[rows, None]).sum()
            (gradient,) = torch.autograd.grad(chosen, x, create_graph=True)
            matters = gradient.abs().sum(dim=1, keepdim=True)
            share = (matters * inside).sum(dim=(1, 2, 3)) / matters.sum(dim=(1, 2, 3))
            shape = labels[rows] < NUM_SHAPES
            outside = -share[shape].clamp(min=1e-6).log().mean()
            optimizer.zero_grad(set_to_none=True)
            (loss + 2 * outside).backward()
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            schedule.step()
            progress.update()
            progress.set_postfix(inside=f"{share[shape].mean().item():.3f}", refresh=False)


def lesson(
    network: nn.Module, x: torch.Tensor, inside: torch.Tensor, labels: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the loss of one batch, and the scores.

    Beside the scores of whole pictures, those of single places are taught, with the masks inside
    (N, 1, H, W): on the object they should name it, and beside it they should name nothing.
    """
    places = network.classifier[0](network.features(x))
    scores = places.mean(dim=(2, 3))
    share = functional.adaptive_avg_pool2d(inside, places.shape[2:])[:, 0]
    logs = places.log_softmax(dim=1)
    named = -logs.gather(1, labels[:, None, None, None].expand(-1, 1, *places.shape[2:]))[:, 0]
    on, beside = (share > 0.4).float(), (share < 0.02).float()
    each = (named * on).sum(dim=(1, 2)) / on.sum(dim=(1, 2)).clamp(min=1)
    flat = -logs.mean(dim=1) - np.log(logs.shape[1])
    loss = functional.cross_entropy(scores, labels, label_smoothing=0.05)
    return loss + each.mean() + (flat * beside).mean(), scores


def varied(
    images: torch.Tensor, masks: torch.Tensor, level: float, noise: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return images (N, 3, H, W) in [-1, 1] moved, recoloured and noisy, in the network's units.

    The masks (N, 1, H, W) move along. level: 0 leaves the images alone, at 1 they change most.
    """
    num = len(images)
    # Moved: turned, scaled and shifted a little, and mirrored.
    angle = 0.2 * level * (2 * torch.rand(num) - 1)
    scale = 1 + level * (0.25 * torch.rand(num) - 0.1)
    mirror = torch.where(torch.rand(num) < 0.5, -1.0, 1.0)
    shift = 0.08 * level * (2 * torch.rand(2, num) - 1)
    cos, sin = angle.cos() / scale, angle.sin() / scale
    turn = torch.stack([cos * mirror, -sin, shift[0], sin * mirror, cos, shift[1]], dim=1)
    grid = functional.affine_grid(turn.view(num, 2, 3), list(images.shape), align_corners=False)
    moved = functional.grid_sample(
        torch.cat([images, masks], dim=1), grid, align_corners=False, padding_mode="reflection"
    )
    images, masks = moved[:, :3], moved[:, 3:]
    # Recoloured: channels swapped, mixed towards grey, brighter or darker, steeper or flatter.
    mix = torch.stack([torch.eye(3)[torch.randperm(3)] for _ in range(num)])
    keep = torch.rand(num, 1, 1) >= 0.5 * level
    mix = torch.where(keep, torch.eye(3), mix)
    grey = torch.rand(num, 1, 1) * (torch.rand(num, 1, 1) < 0.5 * level)
    mix = (1 - grey) * mix + grey / 3
    gain = 1 + level * (0.6 * torch.rand(num, 3, 1) - 0.4)
    offset = level * 0.4 * (torch.rand(num, 3, 1) - 0.5)
    images = (torch.bmm(mix, images.flatten(2)) * gain + offset).clamp(-1, 1).view_as(images)
    # In deviations: a deviation is a quarter of the range from black to white.
    return 2 * images + torch.randn_like(images) * (noise * torch.rand(num, 1, 1, 1)), masks


def with_batch_norm(network: nn.Module) -> nn.Module:
    """Put batch normalisation behind every convolution of the features."""
    for name, layer in list(network.features.named_modules()):
        if isinstance(layer, nn.Conv2d):
            parent, _, last = name.rpartition(".")
            normalised = nn.Sequential(layer, nn.BatchNorm2d(layer.out_channels))
            setattr(network.features.get_submodule(parent), last, normalised)
    return network


def without_batch_norm(network: nn.Module) -> SceneClassifier:
    """Return the plain network that computes what `network` does in evaluation."""
    weights = network.classifier.state_dict(prefix="classifier.")
    for name, layer in network.features.named_modules():
        if isinstance(layer, nn.Sequential) and name:
            weights |= fuse_conv_bn_eval(*layer).state_dict(prefix=f"features.{name}.")
    plain = SceneClassifier(len(CLASS_NAMES))
    plain.load_state_dict({name: weight.detach() for name, weight in weights.items()})
    return plain


def stored(network: nn.Module) -> dict[str, torch.Tensor]:
    """Return the weights as they are stored, in half precision."""
    return {name: weight.half().contiguous() for name, weight in network.state_dict().items()}


def measured(classifier: Classifier, num: int = 3000) -> dict[str, float]:
    """Return accuracy and saliency on unseen pictures, cut from places not trained on."""
    pictures = draw_pictures(num, seed=TEST_SEED, split="val")
    right = np.concatenate(
        [
            classifier.scores(part).argmax(1)
            for part in np.array_split(pictures.images, max(1, num // 100))
        ]
    )
    right = right == pictures.labels
    shape = pictures.labels < NUM_SHAPES
    shown = pictures.take(np.flatnonzero(shape)[:500])
    share, chance = share_inside(saliency(classifier, shown), shown.masks)
    return {
        "accuracy": round(float(right.mean()), 4),
        "shapes": round(float(right[shape].mean()), 4),
        "photographs": round(float(right[~shape].mean()), 4),
        "saliency_share": round(float(share.mean()), 4),
        "saliency_chance": round(float(chance.mean()), 4),
    }


def saliency(classifier: Classifier, pictures: Pictures) -> np.ndarray:
    """Return how much each pixel (N, H, W) matters to the score of the picture's label."""
    x = classifier.preprocess(pictures.images).requires_grad_()
    scores = classifier.model(x).gather(1, torch.from_numpy(pictures.labels)[:, None])
    (gradient,) = torch.autograd.grad(scores.sum(), x)
    return gradient.abs().amax(dim=1).numpy()


if __name__ == "__main__":
    main()

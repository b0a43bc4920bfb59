"""Trained classifiers to look into, and pictures to show them.

    classifier = load_classifier("scenes")  # comes with the course: 18 classes, 64 x 64 pixels
    classifier = load_classifier("squeezenet")  # SqueezeNet 1.1: 1000 classes, downloaded once
    pictures = load_pictures("scenes", num=25)
    scores = classifier.model(classifier.preprocess(pictures.images))  # (N, K)

How the course's own network was made: datasets/README.md and datasets/train_scene_classifier.py.
torch is imported by the functions that need it, so that importing this module stays quick.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cs231n_utils.data.coco import WrongLayout
from cs231n_utils.data.download import fetch
from cs231n_utils.data.picture_classes import CLASS_NAMES, Pictures, draw_pictures
from cs231n_utils.data.registry import DOWNLOADS

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = [
    "Classifier",
    "Pictures",
    "WrongWeights",
    "load_classifier",
    "load_pictures",
    "share_inside",
]

SEEDS = (0, 1)  # the course's networks: of the same kind, trained from different beginnings
SCENES_MEAN, SCENES_STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class WrongWeights(ValueError):
    """A file does not hold exactly the weights of the network that they are for."""


@dataclass(frozen=True)
class Classifier:
    """A trained classifier, ready to be looked into.

    model: nn.Module in evaluation mode whose parameters need no gradients. It takes normalised
    pictures (N, 3, H, W), sides of 64 or more, and returns scores (N, K). model.features is an
    nn.Sequential: convolutions, ReLU, pooling and Fire modules, none of which works in place.
    class_names: K names. image_size: the side of the pictures that it was trained on.
    mean, std: of the three channels, on a scale from 0 to 1.
    """

    name: str
    model: nn.Module
    class_names: tuple[str, ...]
    image_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def preprocess(self, images: np.ndarray) -> Tensor:
        """Return images, uint8 (N, H, W, 3) or (H, W, 3), as normalised float32 (N, 3, H, W)."""
        import torch

        images = np.asarray(images)
        if images.ndim not in (3, 4) or images.shape[-1] != 3 or images.dtype != np.uint8:
            raise ValueError(
                "images must be uint8 of shape (N, H, W, 3) or (H, W, 3). "
                f"Got {images.dtype} of shape {images.shape}"
            )
        x = torch.tensor(images.reshape(-1, *images.shape[-3:])).permute(0, 3, 1, 2)
        mean, std = torch.tensor(self.mean), torch.tensor(self.std)
        return ((x / 255 - mean.view(3, 1, 1)) / std.view(3, 1, 1)).contiguous()

    def deprocess(self, x: Tensor) -> np.ndarray:
        """Return normalised pictures (N, 3, H, W) as uint8 (N, H, W, 3); one alone stays alone.

        What lies outside black and white is cut off.
        """
        import torch

        if x.ndim not in (3, 4) or x.shape[-3] != 3:
            raise ValueError(f"x must have shape (N, 3, H, W) or (3, H, W). Got {tuple(x.shape)}")
        x = x.detach().cpu().float()
        mean, std = torch.tensor(self.mean), torch.tensor(self.std)
        x = (x * std.view(3, 1, 1) + mean.view(3, 1, 1)) * 255
        return x.round().clamp(0, 255).to(torch.uint8).movedim(-3, -1).contiguous().numpy()

    def scores(self, images: np.ndarray) -> np.ndarray:
        """Return the scores (N, K) of images, uint8 (N, H, W, 3)."""
        import torch

        with torch.no_grad():
            return self.model(self.preprocess(images)).numpy()


def load_classifier(
    name: str = "scenes", *, seed: int = 0, root: str | Path | None = None
) -> Classifier:
    """Return a trained classifier.

    name: "scenes", which comes with the course, or "squeezenet", fetched once (5 MB).
    seed: 0 or 1, which of the course's two networks ("scenes" only).
    root: where downloads are kept, see cs231n_utils.data.download.

    Raises ValueError for an unknown name or seed, WrongWeights for weights that do not fit exactly,
    and what fetch() raises.
    """
    if name == "scenes":
        if seed not in SEEDS:
            raise ValueError(f"seed must be one of {', '.join(map(str, SEEDS))}. Got {seed!r}")
        return scene_classifier(read_weights(scene_weights(seed)))
    if name == "squeezenet":
        if seed != 0:
            raise ValueError(f'"squeezenet" was trained once: seed must be 0. Got {seed!r}')
        return _squeezenet(fetch(DOWNLOADS["squeezenet"], root))
    raise ValueError(f'name must be "scenes" or "squeezenet". Got {name!r}')


def load_pictures(
    name: str = "scenes", *, num: int = 25, seed: int = 0, root: str | Path | None = None
) -> Pictures:
    """Return the first `num` pictures to show a classifier; it has not seen any of them.

    name: "scenes", drawn on the spot from the seed, with masks; or "imagenet-val-25", the course's
    25 photographs of 224 x 224 pixels from ImageNet's validation set, fetched once (4 MB), for
    "squeezenet". The seed means nothing for these.

    Raises ValueError for an unknown name or more pictures than there are, WrongLayout for a file
    that holds something else, and what fetch() raises.
    """
    if name == "scenes":
        return draw_pictures(num, seed=seed, split="val")
    if name == "imagenet-val-25":
        pictures = _imagenet_pictures(fetch(DOWNLOADS[name], root))
        if not 0 <= num <= len(pictures):
            raise ValueError(f"num must be 0 to {len(pictures)}. Got {num}")
        return pictures.take(slice(num))
    raise ValueError(f'name must be "scenes" or "imagenet-val-25". Got {name!r}')


def share_inside(maps: np.ndarray, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how much of each map lies inside its mask, and how much would by chance.

    maps: numbers of 0 or more (N, H, W), saliency for example. masks: bool (N, H, W).
    Returns two arrays (N,) of shares, 0 to 1; chance is the mask's share of the area. A map of
    zeros has the share 0.
    """
    maps, masks = np.asarray(maps, dtype=np.float64), np.asarray(masks, dtype=bool)
    if maps.ndim != 3 or maps.shape != masks.shape:
        raise ValueError(
            f"maps and masks must have the same shape (N, H, W). Got {maps.shape}, {masks.shape}"
        )
    if (maps < 0).any():
        raise ValueError(f"maps must hold numbers of 0 or more. Got {maps.min()}")
    total = maps.sum(axis=(1, 2))
    inside = (maps * masks).sum(axis=(1, 2))
    share = np.divide(inside, total, out=np.zeros_like(total), where=total > 0)
    return share, masks.mean(axis=(1, 2))


def scene_weights(seed: int) -> Path:
    """Return where the course keeps the weights of its network `seed`."""
    return Path(__file__).parent / "data" / f"scene_classifier_{seed}.safetensors"


def classifier_card(path: str | Path) -> dict:
    """Return what was recorded with the weights: seed, pictures, accuracy on unseen ones."""
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        return json.loads(file.metadata()["card"])


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the weights in a safetensors file, in single precision."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise FileNotFoundError(f"The weights of the classifier are not there. Got {path}")
    try:
        return {name: weight.float() for name, weight in load_file(path).items()}
    except SafetensorError as error:
        raise WrongWeights(f"{path} is not a safetensors file: {error}") from None


def scene_classifier(weights: Mapping[str, Tensor]) -> Classifier:
    """Return the course's network with these weights."""
    from cs231n_utils.data.classifier_network import SceneClassifier

    model = _with_weights(SceneClassifier(len(CLASS_NAMES)), weights, "the course's classifier")
    return Classifier("scenes", model, CLASS_NAMES, 64, SCENES_MEAN, SCENES_STD)


def _with_weights(model: nn.Module, weights: Mapping[str, Tensor], what: str) -> nn.Module:
    """Put weights into a model: all of them, each in its place, or WrongWeights."""
    expected = model.state_dict()
    wrong = {
        "Missing": sorted(expected.keys() - weights.keys()),
        "Unexpected": sorted(weights.keys() - expected.keys()),
        "Of another shape": sorted(
            f"{name} {tuple(weights[name].shape)}, not {tuple(expected[name].shape)}"
            for name in expected.keys() & weights.keys()
            if weights[name].shape != expected[name].shape
        ),
    }
    if any(wrong.values()):
        lists = ". ".join(f"{kind}: {', '.join(names)}" for kind, names in wrong.items() if names)
        raise WrongWeights(f"The weights must be exactly those of {what}. {lists}")
    model.load_state_dict(weights, strict=True)
    return model.eval().requires_grad_(False)


def _squeezenet(path: Path) -> Classifier:
    """Return torchvision's SqueezeNet 1.1 with the weights in a checkpoint file."""
    import pickle

    import torch

    from cs231n_utils.vision import import_torchvision

    models = import_torchvision().models
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise WrongWeights(
            f"{path} is not a checkpoint of weights ({str(error).splitlines()[0]})"
        ) from None
    if not isinstance(weights, Mapping):
        raise WrongWeights(f"{path} must hold weights by their names. Got {type(weights).__name__}")
    model = _with_weights(models.squeezenet1_1(weights=None), weights, "SqueezeNet 1.1")
    for layer in model.modules():
        if isinstance(layer, torch.nn.ReLU):
            layer.inplace = False  # so that what a layer returned stays as it was
    return Classifier("squeezenet", model, _imagenet_names(), 224, IMAGENET_MEAN, IMAGENET_STD)


def _imagenet_names() -> tuple[str, ...]:
    """Return the names of ImageNet's 1000 classes."""
    from cs231n_utils.vision import import_torchvision

    models = import_torchvision().models
    return tuple(models.SqueezeNet1_1_Weights.IMAGENET1K_V1.meta["categories"])


def _imagenet_pictures(folder: Path) -> Pictures:
    """Return the pictures in an unpacked imagenet_val_25.npz: X uint8 (N, 224, 224, 3), y (N,).

    The archive's label_map is a pickle, and stays unread: a pickle from elsewhere can run any code.
    """
    class_names = _imagenet_names()
    arrays = {}
    for name in ("X", "y"):
        try:
            arrays[name] = np.load(folder / f"{name}.npy", allow_pickle=False)
        except ValueError as error:
            raise WrongLayout(f"{folder / name}.npy must hold plain numbers ({error})") from None
    images, labels = arrays["X"], arrays["y"]
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (224, 224, 3):
        raise WrongLayout(
            f"In {folder}, X must be uint8 of shape (N, 224, 224, 3). "
            f"Got {images.dtype} of shape {images.shape}"
        )
    if labels.dtype.kind not in "iu" or labels.shape != images.shape[:1]:
        raise WrongLayout(
            f"In {folder}, y must hold one whole number for each picture, {len(images)}. "
            f"Got {labels.dtype} of shape {labels.shape}"
        )
    if not ((labels >= 0) & (labels < len(class_names))).all():
        raise WrongLayout(
            f"In {folder}, y must lie between 0 and {len(class_names) - 1}. "
            f"Got {labels.min()} to {labels.max()}"
        )
    return Pictures(images, labels.astype(np.int64), class_names)

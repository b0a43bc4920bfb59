"""SimCLR's networks: encoders for small pictures, the heads behind them, and their files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

HEADS = ("none", "linear", "mlp", "mlp_bn")
ENCODERS = ("small", "resnet18")
TRAINED = Path(__file__).parent / "data" / "simclr_small.safetensors"


def small_encoder(width: int = 16) -> nn.Sequential:
    """Return a small network from pictures (N, 3, 32, 32) to features (N, 4 * width).

    Four convolutions, of which three halve the picture: quick enough for one thread of a CPU.
    """

    def layer(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
        convolution = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        return [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]

    return nn.Sequential(
        *layer(3, width, 2),
        *layer(width, 2 * width, 2),
        *layer(2 * width, 2 * width, 1),
        *layer(2 * width, 4 * width, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


def resnet18_encoder() -> nn.Module:
    """Return ResNet-18 for pictures of 32 x 32 pixels, with random weights: 512 features.

    As in SimCLR's paper for CIFAR-10: the first convolution is a small one that keeps the size, and
    nothing is pooled behind it.
    """
    from cs231n_utils.vision import import_torchvision

    network = import_torchvision().models.resnet18(weights=None)
    network.conv1 = nn.Conv2d(3, 64, kernel_size=3, stride=1, padding=1, bias=False)
    network.maxpool = nn.Identity()
    network.fc = nn.Identity()
    return network


def count_features(encoder: nn.Module) -> int:
    """Return how many features an encoder has."""
    encoder.eval()
    device = next(encoder.parameters()).device
    with torch.no_grad():
        return encoder(torch.zeros(1, 3, 32, 32, device=device)).shape[1]


def projection_head(kind: str, features: int, out_dim: int) -> nn.Module:
    """Return what stands between the features and the loss: one of HEADS.

    "none": nothing, so the loss sees the features. "linear": one layer. "mlp": a hidden layer as
    wide as the features, with a ReLU. "mlp_bn": the same with BatchNorm before the ReLU.
    """
    if kind == "none":
        return nn.Identity()
    if kind == "linear":
        return nn.Linear(features, out_dim)
    if kind == "mlp":
        return nn.Sequential(nn.Linear(features, features), nn.ReLU(), nn.Linear(features, out_dim))
    if kind == "mlp_bn":
        return nn.Sequential(
            nn.Linear(features, features, bias=False),
            nn.BatchNorm1d(features),
            nn.ReLU(),
            nn.Linear(features, out_dim),
        )
    raise ValueError(f"the head must be one of {', '.join(HEADS)}. Got {kind!r}")


class SimCLRModel(nn.Module):
    """An encoder and a projection head; the head is thrown away after the training.

    model(x (N, 3, 32, 32)) returns two tensors whose rows have length 1: the features (N, D), and
    what the loss sees (N, out_dim). `model.encoder` and `model.head` are the two parts.
    """

    def __init__(self, encoder: nn.Module, head: str = "mlp_bn", out_dim: int = 128) -> None:
        """Put `head`, one of HEADS, behind an encoder."""
        super().__init__()
        self.encoder = encoder
        self.head = projection_head(head, count_features(encoder), out_dim)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the normalised features and the normalised projections of pictures."""
        feature = self.encoder(x)
        return F.normalize(feature), F.normalize(self.head(feature))


def make_model(
    encoder: str = "small", head: str = "mlp_bn", *, out_dim: int = 128, seed: int = 0
) -> SimCLRModel:
    """Return a model with random weights from the seed; encoder: "small" or "resnet18"."""
    if encoder not in ENCODERS:
        raise ValueError(f"the encoder must be one of {', '.join(ENCODERS)}. Got {encoder!r}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = small_encoder() if encoder == "small" else resnet18_encoder()
        return SimCLRModel(network, head, out_dim)


def save_checkpoint(model: nn.Module, path: str | Path, about: Mapping | None = None) -> None:
    """Write a model's parameters and buffers to a safetensors file; about: notes, as JSON."""
    from safetensors.torch import save_file

    Path(path).parent.mkdir(parents=True, exist_ok=True)
    weights = {name: part.cpu().contiguous() for name, part in model.state_dict().items()}
    save_file(weights, path, metadata={"about": json.dumps(dict(about or {}))})


def read_checkpoint(path: str | Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a safetensors file by their names in the model that was saved."""
    from safetensors.torch import load_file

    return load_file(path)


def load_trained() -> SimCLRModel:
    """Return the network that comes with the course; `datasets/train_simclr.py` trained it."""
    model = make_model()
    model.load_state_dict(read_checkpoint(TRAINED))
    return model.eval()

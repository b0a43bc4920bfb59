"""Small stand-ins with which `check` and the judge try the parts of the SimCLR chapter.

A dataset without files, a transform that counts its calls, a network of two outputs that has seen
no training: enough to see what a part does with them.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from types import FunctionType
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


def on_cpu(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function where no GPU is: what says device="cuda" unless told otherwise means the CPU.

    This holds for the function and for the functions that stand beside it in its notebook, and only
    for as long as the call takes. Meanwhile tqdm draws no progress bars there.
    """
    names = getattr(function, "__globals__", {})
    functions = {id(f): f for f in [function, *names.values()] if isinstance(f, FunctionType)}
    bars = {n: v for n, v in names.items() if isinstance(v, type) and v.__name__.startswith("tqdm")}
    with contextlib.ExitStack() as stack:
        for each in functions.values():
            stack.enter_context(_without_gpu(each))
        stack.callback(names.update, bars)
        names.update({name: functools.partial(bar, disable=True) for name, bar in bars.items()})
        return function(*args, **kwargs)


@contextlib.contextmanager
def _without_gpu(function: FunctionType) -> Iterator[None]:
    positional, by_name = function.__defaults__, function.__kwdefaults__
    try:
        if positional:
            function.__defaults__ = tuple(map(_cpu_for_cuda, positional))
        if by_name:
            function.__kwdefaults__ = {k: _cpu_for_cuda(v) for k, v in by_name.items()}
        yield
    finally:
        function.__defaults__, function.__kwdefaults__ = positional, by_name


def _cpu_for_cuda(value: Any) -> Any:
    if isinstance(value, str | torch.device) and str(value).startswith("cuda"):
        return "cpu"
    return value


def refuses(function: Callable[..., Any], *args: Any) -> bool:
    """Say whether a function raises an exception for these arguments.

    A function that is not written yet, or called with the wrong number of arguments, has not
    refused anything: its exception goes on.
    """
    with contextlib.suppress(ValueError):  # a callable without a signature
        inspect.signature(function).bind(*args)
    try:
        function(*args)
    except (NotImplementedError, NameError):
        raise
    except Exception:
        return True
    return False


def make_dataset(
    dataset: type, images: np.ndarray, targets: Sequence[int], transform: Callable[..., Any]
) -> Any:
    """Return a dataset of this class that holds these images, whatever its __init__ asks for.

    The images (N, H, W, 3) of uint8 stand in `data`, as in torchvision's CIFAR10.
    """
    made = dataset.__new__(dataset)
    made.data, made.targets = images, list(targets)
    made.transform, made.target_transform = transform, None
    made.train = True
    return made


def take_pair(dataset: Any, index: int) -> tuple[torch.Tensor, torch.Tensor, Any]:
    """Return the two views and the target of dataset[index]; of the views, the lower one first.

    Raises:
        TypeError: it is not two tensors and a target.
    """
    item = dataset[index]
    if not isinstance(item, tuple | list) or len(item) != 3:
        count = f"{len(item)} values" if isinstance(item, tuple | list) else type(item).__name__
        raise TypeError(f"__getitem__ must return x_i, x_j, target. Got {count}")
    for name, view in zip(("x_i", "x_j"), item, strict=False):
        if not isinstance(view, torch.Tensor):
            raise TypeError(f"{name} must be what the transform returns. Got {type(view).__name__}")
    first, second = sorted(item[:2], key=lambda view: float(view.mean()))
    return first, second, item[2]


class CountingTransform:
    """Turns an image into a tensor (3, H, W) of its pixels / 1000, plus the number of the call."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, image: Any) -> torch.Tensor:
        self.calls += 1
        pixels = np.asarray(image)
        if pixels.dtype != np.uint8:
            raise ValueError(f"the transform wants a picture, not its view. Got {type(image)}")
        return torch.from_numpy(pixels / 1000 + self.calls).permute(2, 0, 1).float()


class TwoOutputs(nn.Module):
    """A small network that returns (feature, out) as SimCLR's does: (N, F) and (N, D), of length 1.

    Example:
        feature, out = TwoOutputs(inputs=48, features=7, outputs=5)(images)
    """

    def __init__(self, inputs: int, features: int, outputs: int) -> None:
        super().__init__()
        self.encoder = nn.Linear(inputs, features)
        self.head = nn.Linear(features, outputs)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        feature = torch.tanh(self.encoder(x.flatten(1)))
        return F.normalize(feature, dim=-1), F.normalize(self.head(feature), dim=-1)


def small_encoder(channels: int) -> nn.Sequential:
    """Return a convolution and a batch normalisation: 7 named tensors, each time the same."""
    layers = {"conv": nn.Conv2d(3, channels, 3), "norm": nn.BatchNorm2d(channels), "act": nn.ReLU()}
    encoder = nn.Sequential(OrderedDict(layers)).eval()
    with torch.no_grad():
        for number, parameter in enumerate(encoder.parameters(), start=1):
            parameter.copy_(torch.sin(number * torch.arange(parameter.numel())).view_as(parameter))
    return encoder


def shift_parameters(module: nn.Module) -> None:
    """Add 1 to every parameter and every buffer, in place, as training changes them."""
    with torch.no_grad():
        for each in module.state_dict().values():
            each.add_(1)


def all_parameters(module: nn.Module) -> torch.Tensor:
    """Return a module's parameters in one row, in the order of their names."""
    named = dict(module.named_parameters())
    return torch.cat([named[name].detach().flatten() for name in sorted(named)])


def keep(values: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the very dictionary: a way to hand the same one to several calls."""
    return values

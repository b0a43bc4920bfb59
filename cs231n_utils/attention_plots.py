"""Pictures of transformers: positions, who looks at whom, and what moves when a word changes.

Every function draws into the `ax` (or `fig`) it is given, or into a new one, and returns it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import nn

from cs231n_utils.plots import BLUE, COLOURS, GREY, INK


@contextlib.contextmanager
def record_attention(model: nn.Module) -> Iterator[dict[str, np.ndarray]]:
    """Keep the attention weights of everything that runs inside the `with` block.

    A hook listens at every `attn_drop` of the model, where the weights pass through.

    Yields:
        A dictionary that fills up: the name of each attention layer and its weights of the last
        call, shape (N, heads, S, T).

    Example:
        with record_attention(model) as weights, torch.no_grad():
            model(features, captions)
        weights["transformer.layers.0.self_attn"]
    """
    weights: dict[str, np.ndarray] = {}
    hooks = []

    def listen(name: str, layer: nn.Module) -> None:
        def keep(_: nn.Module, __: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
            weights[name] = output.detach().cpu().numpy()

        hooks.append(layer.register_forward_hook(keep))

    for name, layer in model.named_modules():
        if name.rpartition(".")[2] == "attn_drop":
            listen(name.rpartition(".")[0], layer)
    try:
        yield weights
    finally:
        for hook in hooks:
            hook.remove()


def plot_positions(pe: np.ndarray, fig: Figure | None = None) -> Figure:
    """Show a table of positions (S, D) as a picture, and four of its columns as curves."""
    fig = plt.figure(figsize=(9.5, 3.3), layout="constrained") if fig is None else fig
    left, right = fig.subplots(1, 2)
    image = left.imshow(pe, aspect="auto", cmap="RdBu_r", vmin=-1, vmax=1)
    left.set(xlabel="column", ylabel="position", title="the table pe")
    fig.colorbar(image, ax=left)
    columns = [c for c in (0, 1, 8, 20) if c < pe.shape[1]]
    for column, colour in zip(columns, COLOURS, strict=False):
        right.plot(pe[:, column], color=colour, label=f"column {column}")
    right.set(xlabel="position", title="some of its columns", ylim=(-1.15, 1.75))
    right.legend(frameon=False, ncols=2, loc="upper center")
    right.spines[["top", "right"]].set_visible(False)
    return fig


def plot_changes(
    changes: Mapping[str, np.ndarray],
    words: Sequence[str],
    ax: Axes | None = None,
    ylabel: str = "",
) -> Axes:
    """Plot one bar for each word and each entry of changes (arrays of shape (T,))."""
    ax = plt.subplots(figsize=(8, 2.6), layout="constrained")[1] if ax is None else ax
    places = np.arange(len(words))
    width = 0.8 / len(changes)
    for i, (label, values) in enumerate(changes.items()):
        left = places - 0.4 + width * (i + 0.5)
        ax.bar(left, values, width * 0.92, color=COLOURS[i % len(COLOURS)], label=label)
    ax.set_xticks(places, words)
    ax.set(ylabel=ylabel)
    ax.margins(y=0.3)
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False, ncols=len(changes), loc="upper left")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def plot_grids(
    grids: Mapping[str, np.ndarray],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    xlabel: str = "",
    ylabel: str = "",
    fig: Figure | None = None,
) -> Figure:
    """Show tables of numbers of 0 or more side by side, the darker the larger.

    Arguments:
        grids: a title and a table (len(rows), len(columns)) for each picture.
        rows, columns: what stands beside them.
        xlabel, ylabel: what the columns and the rows are.
        fig: where to draw; a new figure without it.
    """
    side = 0.27 * len(columns) + 0.3
    if fig is None:
        size = (max(side, 2.2) * len(grids) + 1.2, 0.27 * len(rows) + 1.4)
        fig = plt.figure(figsize=size, layout="constrained")
    axes = fig.subplots(1, len(grids), sharey=True, squeeze=False)[0]
    for ax, (title, grid) in zip(axes, grids.items(), strict=True):
        if np.shape(grid) != (len(rows), len(columns)):
            raise ValueError(
                f"each table must have shape {(len(rows), len(columns))}. Got {np.shape(grid)}"
            )
        ax.imshow(grid, cmap="Blues", vmin=0, aspect="auto")
        ax.set_title(title, fontsize=10, color=INK)
        ax.set_xticks(range(len(columns)), columns, rotation=60, ha="right", fontsize=9)
        ax.set_yticks(range(len(rows)), rows, fontsize=9)
        ax.tick_params(length=0)
        ax.set_xlabel(xlabel, color=GREY)
        ax.set_xticks(np.arange(len(columns) - 1) + 0.5, minor=True)
        ax.set_yticks(np.arange(len(rows) - 1) + 0.5, minor=True)
        ax.grid(which="minor", color="white", linewidth=1.5)
        ax.tick_params(which="minor", length=0)
        ax.spines[:].set_visible(False)
    axes[0].set_ylabel(ylabel, color=GREY)
    return fig


def show_patches(image: np.ndarray, patch_size: int, fig: Figure | None = None) -> Figure:
    """Show an image (H, W, 3), and beside it its patches, moved apart."""
    rows, columns = image.shape[0] // patch_size, image.shape[1] // patch_size
    fig = plt.figure(figsize=(6.4, 3.1)) if fig is None else fig
    left, right = fig.subplots(1, 2)
    gap = max(patch_size // 4, 1)
    apart = np.full(
        (rows * (patch_size + gap) - gap, columns * (patch_size + gap) - gap, 3), 255, image.dtype
    )
    for i in range(rows):
        for j in range(columns):
            top, side = i * (patch_size + gap), j * (patch_size + gap)
            apart[top : top + patch_size, side : side + patch_size] = image[
                i * patch_size : (i + 1) * patch_size, j * patch_size : (j + 1) * patch_size
            ]
    for ax, picture, title in (
        (left, image, "the image"),
        (right, apart, f"its {rows * columns} patches"),
    ):
        ax.imshow(picture, interpolation="nearest")
        ax.set_title(title, fontsize=10, color=INK)
        ax.set_axis_off()
    return fig


def show_attention_on_images(
    images: np.ndarray,
    maps: np.ndarray,
    titles: Sequence[str] | None = None,
    fig: Figure | None = None,
) -> Figure:
    """Show images, and below each the same image, bright where the attention is.

    Arguments:
        images: uint8, shape (k, H, W, 3).
        maps: attention to each patch, shape (k, patches); the patches are counted row by row
            and make a square.
        titles: k strings.
        fig: where to draw; a new figure without it.
    """
    side = round(maps.shape[1] ** 0.5)
    if side * side != maps.shape[1] or len(maps) != len(images):
        raise ValueError(
            "maps must have shape (images, rows x columns) with as many rows as columns. "
            f"Got {maps.shape} for {len(images)} images"
        )
    fig = plt.figure(figsize=(1.5 * len(images), 3.5)) if fig is None else fig
    axes = fig.subplots(2, len(images), squeeze=False, gridspec_kw={"wspace": 0.06, "hspace": 0.06})
    for i, (image, weights) in enumerate(zip(images, maps, strict=True)):
        grid = weights.reshape(side, side) / weights.max()
        size = image.shape[0] // side
        light = np.kron(grid, np.ones((size, size)))[..., None]
        axes[0, i].imshow(image, interpolation="lanczos")
        axes[1, i].imshow((image * (0.12 + 0.88 * light)).astype(np.uint8))
        if titles is not None:
            axes[0, i].set_title(titles[i], fontsize=9, color=INK)
        for ax in axes[:, i]:
            ax.set_axis_off()
    return fig


def plot_accuracies(
    accuracies: Mapping[str, Mapping[str, float]], chance: float, ax: Axes | None = None
) -> Axes:
    """Plot groups of bars, accuracies between 0 and 1, and a line at what guessing would give.

    Arguments:
        accuracies: for each label (one colour) the accuracy in each group.
        chance: the accuracy of guessing.
        ax: where to draw; a new figure without it.
    """
    ax = plt.subplots(figsize=(7, 2.8), layout="constrained")[1] if ax is None else ax
    groups = list(next(iter(accuracies.values())))
    width = 0.7 / len(accuracies)
    for i, (label, values) in enumerate(accuracies.items()):
        left = np.arange(len(groups)) - 0.35 + width * (i + 0.5)
        colour = COLOURS[i] if i else BLUE
        bars = ax.bar(left, [values[g] for g in groups], width * 0.94, color=colour, label=label)
        ax.bar_label(bars, fmt="{:.0%}", padding=2, color=INK, fontsize=9)
    ax.axhline(chance, color=GREY, linestyle="--", linewidth=1, label="by chance")
    ax.set_xticks(range(len(groups)), groups)
    ax.set(ylabel="accuracy", ylim=(0, 1.35), yticks=[0, 0.5, 1])
    ax.legend(frameon=False, ncols=3, loc="upper right")
    ax.spines[["top", "right"]].set_visible(False)
    return ax

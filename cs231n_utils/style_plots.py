"""The pictures of the style transfer chapter: pictures side by side, tables of them, curves.

Every function draws into the `ax` (or `fig`) it is given, or into a new one, and returns it.
Pictures are uint8 (H, W, 3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from cs231n_utils.plots import COLOURS, GREY, INK


def show_pictures(
    pictures: Mapping[str, np.ndarray],
    *,
    columns: int = 6,
    side: float = 1.75,
    fig: Figure | None = None,
) -> Figure:
    """Show pictures side by side, each under its title.

    Arguments:
        pictures: a title and a picture for each.
        columns: how many stand in a row.
        side: of a picture, in inches.
        fig: where to draw; a new figure without it.
    """
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    if fig is None:
        size = (side * columns, (side + 0.28) * rows)
        fig = plt.figure(figsize=size, layout="constrained")
    axes = fig.subplots(rows, columns, squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, (title, picture) in zip(axes.flat, pictures.items(), strict=False):
        ax.imshow(picture, interpolation="lanczos")
        ax.set_title(title, fontsize=9.5, color=INK)
    return fig


def show_table(
    table: Sequence[Sequence[np.ndarray]],
    left: Mapping[str, np.ndarray] | Sequence[str],
    top: Mapping[str, np.ndarray] | Sequence[str],
    *,
    side: float = 1.7,
    fig: Figure | None = None,
) -> Figure:
    """Show a table of pictures, with a picture or only a title at each row and column.

    Arguments:
        table: table[r][c] is the picture in row r and column c.
        left, top: what rows and columns are: titles, or titles and their pictures.
        side: of a picture, in inches.
        fig: where to draw; a new figure without it.
    """
    if len(table) != len(left) or any(len(row) != len(top) for row in table):
        raise ValueError(
            f"table must have {len(left)} rows of {len(top)} pictures. "
            f"Got {[len(row) for row in table]}"
        )
    above, beside = isinstance(top, Mapping), isinstance(left, Mapping)
    rows, columns = len(left) + above, len(top) + beside
    if fig is None:
        fig = plt.figure(figsize=(side * columns + 0.3, side * rows + 0.3), layout="constrained")
    axes = fig.subplots(rows, columns, squeeze=False)
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    for c, title in enumerate(top):
        axes[0, c + beside].set_title(title, fontsize=9.5, color=INK)
        if above:
            axes[0, c + beside].imshow(top[title], interpolation="lanczos")
    for r, title in enumerate(left):
        axes[r + above, 0].set_ylabel(title, fontsize=9.5, color=INK)
        if beside:
            axes[r + above, 0].imshow(left[title], interpolation="lanczos")
        for c, picture in enumerate(table[r]):
            axes[r + above, c + beside].imshow(picture, interpolation="lanczos")
    return fig


def show_channels(
    features: Mapping[str, torch.Tensor], *, channels: int = 6, fig: Figure | None = None
) -> Figure:
    """Show the channels of feature maps that vary most from place to place, bright where high.

    Arguments:
        features: a title and features (1, C, H, W) for each row.
        channels: how many of them.
        fig: where to draw; a new figure without it.
    """
    if fig is None:
        size = (1.45 * channels + 0.4, 1.5 * len(features))
        fig = plt.figure(figsize=size, layout="constrained")
    axes = fig.subplots(len(features), channels, squeeze=False)
    for row, (title, maps) in zip(axes, features.items(), strict=True):
        maps = maps.detach().cpu()[0]
        chosen = maps.flatten(1).std(dim=1).argsort(descending=True)[:channels].tolist()
        for ax in row:
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
        for ax, channel in zip(row, sorted(chosen), strict=False):
            ax.imshow(maps[channel].numpy(), cmap="magma", interpolation="nearest")
            ax.set_title(f"channel {channel}", fontsize=8, color=GREY)
        row[0].set_ylabel(title, fontsize=9.5, color=INK)
    return fig


def show_grams(grams: Mapping[str, torch.Tensor], fig: Figure | None = None) -> Figure:
    """Show Gram matrices (C, C) side by side, on one scale, the darker the larger.

    The scale is one of square roots, so that small entries show too; negative ones are white.
    """
    if fig is None:
        fig = plt.figure(figsize=(2.3 * len(grams) + 0.6, 2.7), layout="constrained")
    axes = fig.subplots(1, len(grams), squeeze=False)[0]
    matrices = {title: gram.detach().cpu().numpy() for title, gram in grams.items()}
    scale = PowerNorm(0.5, vmin=0, vmax=max(matrix.max() for matrix in matrices.values()))
    for ax, (title, matrix) in zip(axes, matrices.items(), strict=True):
        image = ax.imshow(matrix.clip(min=0), cmap="Blues", norm=scale)
        ax.set_title(title, fontsize=9.5, color=INK)
        ax.set(xticks=[], yticks=[])
        ax.set_xlabel("channel", fontsize=8.5, color=GREY)
    axes[0].set_ylabel("channel", fontsize=8.5, color=GREY)
    fig.colorbar(image, ax=list(axes), shrink=0.85)
    return fig


def show_distances(
    distances: np.ndarray, pictures: Mapping[str, np.ndarray], fig: Figure | None = None
) -> Figure:
    """Show how far pictures are from each other, as a table with the pictures at its sides.

    Arguments:
        distances: of every pair, shape (k, k); in a row, the smallest of others is framed.
        pictures: k titles and pictures.
        fig: where to draw; a new figure without it.
    """
    k = len(pictures)
    if np.shape(distances) != (k, k):
        raise ValueError(f"distances must have shape {(k, k)}. Got {np.shape(distances)}")
    if fig is None:
        fig = plt.figure(figsize=(0.86 * (k + 1) + 1.2, 0.86 * (k + 1)))
    grid = fig.add_gridspec(2, 2, width_ratios=(1, k), height_ratios=(1, k), wspace=0, hspace=0)
    ax = fig.add_subplot(grid[1, 1])
    others = np.where(np.eye(k, dtype=bool), np.nan, distances)
    ax.imshow(np.log10(others), cmap="Blues_r", aspect="auto")
    dark = np.sqrt(np.nanmin(others) * np.nanmax(others))
    for r in range(k):
        for c in range(k):
            if r != c:
                text = f"{distances[r, c]:.2g}"
                colour = "white" if others[r, c] < dark else INK
                ax.text(c, r, text, ha="center", va="center", fontsize=8, color=colour)
        near = int(np.nanargmin(others[r]))
        frame = plt.Rectangle((near - 0.46, r - 0.46), 0.92, 0.92, fill=False)
        frame.set(edgecolor=COLOURS[1], linewidth=2)
        ax.add_patch(frame)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    for place, along in ((grid[0, 1], 1), (grid[1, 0], 0)):
        strip = fig.add_subplot(place)
        small = [picture[::2, ::2] for picture in pictures.values()]
        edged = [np.pad(p, ((3, 3), (3, 3), (0, 0)), constant_values=255) for p in small]
        strip.imshow(np.concatenate(edged, axis=along), aspect="auto", interpolation="lanczos")
        strip.set_axis_off()
    return fig


def plot_parts(
    parts: Mapping[str, Sequence[float]], steps: Sequence[int], ax: Axes | None = None
) -> Axes:
    """Plot the parts of a loss over the steps, on a logarithmic scale.

    Arguments:
        parts: a label and the values at the steps for each curve; a value of 0 leaves a gap.
        steps: where they were measured.
        ax: where to draw; a new figure without it.
    """
    ax = plt.subplots(figsize=(7.5, 3.2), layout="constrained")[1] if ax is None else ax
    for (label, values), colour in zip(parts.items(), COLOURS, strict=False):
        values = np.array(values, dtype=float)
        values[values <= 0] = np.nan
        ax.semilogy(steps, values, color=colour, label=label, marker="o", markersize=3)
    ax.set(xlabel="step", ylabel="loss")
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return ax

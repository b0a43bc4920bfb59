"""Pictures of the chapter on looking into networks: maps below images, fooled images, points.

Every function draws into the `ax` (or `fig`) it is given, or into a new one, and returns it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cs231n_utils.plots import BLUE, GREY, INK, ORANGE


def show_images(
    images: Sequence[np.ndarray],
    titles: Sequence[str] | None = None,
    *,
    columns: int = 9,
    size: float = 1.2,
    fig: Figure | None = None,
) -> Figure:
    """Show images, each (H, W, 3), in rows of `columns`, with titles above them."""
    rows = -(-len(images) // columns)
    if fig is None:
        fig = plt.figure(
            figsize=(size * columns, (size + (0.27 if titles else 0.06)) * rows),
            layout="constrained",
        )
    for ax in (axes := fig.subplots(rows, columns, squeeze=False)).flat:
        ax.set_axis_off()
    for i, (ax, image) in enumerate(zip(axes.flat, images, strict=False)):
        ax.imshow(image, interpolation="nearest")
        if titles is not None:
            ax.set_title(titles[i], fontsize=8.5, color=INK, pad=3)
    return fig


def show_maps(
    images: np.ndarray,
    maps: Mapping[str, np.ndarray],
    titles: Sequence[str] | None = None,
    *,
    overlay: bool = False,
    fig: Figure | None = None,
) -> Figure:
    """Show images, and below them a row for each kind of map.

    Arguments:
        images: uint8, shape (k, H, W, 3).
        maps: a label for each kind, and k maps: (k, h, w) of numbers, where bright is large and
            what is below 0 is black; or (k, H, W, 3), shown as they are.
        titles: k strings.
        overlay: whether the image shines through behind the maps of numbers.
        fig: where to draw; a new figure without it.

    Raises:
        ValueError: when there is not one map of each kind for each image.
    """
    k = len(images)
    for label, values in maps.items():
        if len(values) != k:
            raise ValueError(
                f"{label!r} must have a map for each of the {k} images. Got {len(values)}"
            )
    rows = 1 + len(maps)
    if fig is None:
        fig = plt.figure(figsize=(1.3 * k, 1.3 * rows + 0.3), layout="constrained")
    axes = fig.subplots(rows, k, squeeze=False)
    H, W = images.shape[1:3]
    for column in range(k):
        axes[0, column].imshow(images[column], interpolation="nearest")
        if titles is not None:
            axes[0, column].set_title(titles[column], fontsize=9, color=INK)
        for ax, values in zip(axes[1:, column], maps.values(), strict=True):
            one = values[column]
            if one.ndim == 3:
                ax.imshow(one, interpolation="nearest")
                continue
            top = max(float(np.max(one)), 1e-12)
            whole = dict(extent=(0, W, H, 0), interpolation="nearest")
            if overlay:
                ax.imshow(images[column].mean(axis=2), cmap="gray", vmin=0, vmax=255, **whole)
                whole["alpha"] = 0.72
            ax.imshow(one, cmap="inferno", vmin=0, vmax=top, **whole)
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    for ax, label in zip(axes[:, 0], ["", *maps], strict=True):
        ax.set_ylabel(label, color=INK, fontsize=9)
    return fig


def show_fooling(
    before: np.ndarray,
    after: np.ndarray,
    titles: tuple[str, str],
    *,
    magnify: int = 10,
    fig: Figure | None = None,
) -> Figure:
    """Show an image (H, W, 3) before and after, their difference, and the difference magnified."""
    fig = plt.figure(figsize=(8.2, 2.5), layout="constrained") if fig is None else fig
    difference = after.astype(float) - before.astype(float)
    panels = (
        (titles[0], before),
        (titles[1], after),
        ("the difference", _around_grey(difference)),
        (f"{magnify} times the difference", _around_grey(magnify * difference)),
    )
    for ax, (title, image) in zip(fig.subplots(1, 4), panels, strict=True):
        ax.imshow(image, interpolation="nearest")
        ax.set_title(title, fontsize=10, color=INK)
        ax.set_axis_off()
    return fig


def _around_grey(difference: np.ndarray) -> np.ndarray:
    """Return a difference as an image: no difference is grey."""
    return np.clip(128 + difference, 0, 255).astype(np.uint8)


def plot_shares(
    shares: Mapping[str, np.ndarray], chance: np.ndarray, ax: Axes | None = None
) -> Axes:
    """Plot for each kind of map how its shares spread: a box from quarter to quarter, the middle
    and the mean, and a line at the mean of what chance would give.

    Arguments:
        shares: for each label an array (N,) of numbers from 0 to 1.
        chance: the same by chance, (N,).
        ax: where to draw; a new figure without it.
    """
    if ax is None:
        ax = plt.subplots(figsize=(7, 0.55 * len(shares) + 1.1), layout="constrained")[1]
    for row, values in enumerate(shares.values()):
        low, first, middle, third, high = np.percentile(values, [5, 25, 50, 75, 95])
        ax.plot([low, high], [row, row], color=GREY, linewidth=1.2, zorder=1)
        ax.barh(row, third - first, 0.5, left=first, color=BLUE, alpha=0.35, zorder=2)
        ax.plot([middle] * 2, [row - 0.25, row + 0.25], color=BLUE, linewidth=2, zorder=3)
        ax.plot(values.mean(), row, "o", color=INK, markersize=5, zorder=4)
        ax.annotate(
            f"{values.mean():.0%}",
            (values.mean(), row + 0.27),
            ha="center",
            va="top",
            fontsize=9,
            color=INK,
            xytext=(0, -1),
            textcoords="offset points",
        )
    ax.axvline(chance.mean(), color=ORANGE, linestyle="--", linewidth=1.3)
    ax.annotate(
        f"by chance {chance.mean():.0%}",
        (chance.mean(), -0.45),
        color=ORANGE,
        fontsize=9,
        ha="left",
        xytext=(4, 0),
        textcoords="offset points",
        va="bottom",
    )
    ax.set_yticks(range(len(shares)), list(shares))
    ax.set(ylim=(len(shares) - 0.35, -0.75), xlim=(0, 1), xlabel="share of the map on the object")
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def plot_table(
    table: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    label: str = "",
    xlabel: str = "",
    ylabel: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Show a table of numbers (len(rows), len(columns)) in colours; NaN stays white."""
    if np.shape(table) != (len(rows), len(columns)):
        raise ValueError(
            f"table must have shape {(len(rows), len(columns))}. Got {np.shape(table)}"
        )
    if ax is None:
        size = (0.3 * len(columns) + 2.6, 0.3 * len(rows) + 1.2)
        ax = plt.subplots(figsize=size, layout="constrained")[1]
    image = ax.imshow(table, cmap="Blues", vmin=0)
    ax.set_xticks(range(len(columns)), columns, rotation=60, ha="right", fontsize=9)
    ax.set_yticks(range(len(rows)), rows, fontsize=9)
    ax.tick_params(length=0)
    ax.set_xlabel(xlabel, color=GREY)
    ax.set_ylabel(ylabel, color=GREY)
    ax.spines[:].set_visible(False)
    ax.figure.colorbar(image, ax=ax, label=label, shrink=0.8)
    return ax


def plot_points(
    places: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str],
    ax: Axes | None = None,
    title: str = "",
    legend: bool = True,
) -> Axes:
    """Plot points (N, 2), with a colour and a mark for each class."""
    ax = plt.subplots(figsize=(6.5, 4.2), layout="constrained")[1] if ax is None else ax
    colours = plt.get_cmap("tab10").colors
    for number, label in enumerate(np.unique(labels)):
        chosen = places[labels == label]
        ax.scatter(
            chosen[:, 0],
            chosen[:, 1],
            s=16,
            color=colours[number % len(colours)],
            marker="os^"[number // len(colours) % 3],
            linewidth=0,
            alpha=0.85,
            label=class_names[label],
        )
    ax.set(xticks=[], yticks=[], title=title)
    ax.spines[:].set_color("#d5dade")
    if legend:
        ax.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax

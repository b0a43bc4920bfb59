"""Pictures of learning without labels: views, similarities, neighbours, maps of features.

Every function draws into the `ax` (or `fig`) it is given, or into a new one, and returns it. Images
are uint8, (H, W, 3); views are normalised tensors, (3, H, W).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

from cs231n_utils.augment import MEAN, STD
from cs231n_utils.plots import BLUE, COLOURS, GREEN, GREY, INK, ORANGE

RED = COLOURS[4]


def as_image(view: torch.Tensor | np.ndarray) -> np.ndarray:
    """Undo the normalisation of a view, (3, H, W) -> (H, W, 3) between 0 and 1."""
    pixels = np.asarray(view).transpose(1, 2, 0) * np.array(STD) + np.array(MEAN)
    return np.clip(pixels, 0, 1)


def show_pictures(
    images: Sequence[np.ndarray],
    titles: Sequence[str],
    columns: int = 10,
    fig: Figure | None = None,
) -> Figure:
    """Show images (k, H, W, 3) in rows, with a title above each column."""
    rows = -(-len(images) // columns)
    fig = _figure(fig, (0.98 * columns, 0.98 * rows + 0.25))
    axes = fig.subplots(rows, columns, squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    for place, image in enumerate(images):
        ax = axes.flat[place]
        ax.imshow(image, interpolation="nearest")
        if place < columns:
            ax.set_title(titles[place], fontsize=9.5, color=INK)
    return fig


def show_views(
    images: np.ndarray, views: Sequence[Sequence[torch.Tensor]], fig: Figure | None = None
) -> Figure:
    """Show each image (H, W, 3) at the left of a row of its views (3, H, W)."""
    columns = len(views[0])
    fig = _figure(fig, (0.95 * (columns + 1.3), 0.95 * len(images) + 0.25))
    widths = [1, 0.12] + [1] * columns
    axes = fig.subplots(len(images), columns + 2, squeeze=False, width_ratios=widths)
    for ax in axes.flat:
        ax.set_axis_off()
    for row, image in enumerate(images):
        axes[row, 0].imshow(image)
        for column, view in enumerate(views[row]):
            axes[row, column + 2].imshow(as_image(view))
    axes[0, 0].set_title("picture", fontsize=9.5, color=INK)
    axes[0, 2].set_title("views of it", fontsize=9.5, color=INK, loc="left")
    return fig


def draw_simclr(image: np.ndarray, views: Sequence[torch.Tensor], ax: Axes | None = None) -> Axes:
    """Draw what SimCLR does with one image (H, W, 3) and two views of it."""
    ax = plt.subplots(figsize=(9.5, 3.2), layout="constrained")[1] if ax is None else ax
    ax.set(xlim=(0, 10.4), ylim=(-1.75, 1.75), aspect="equal")
    ax.set_axis_off()

    def picture(pixels: np.ndarray, x: float, y: float, half: float) -> None:
        ax.imshow(pixels, extent=(x - half, x + half, y - half, y + half), zorder=2)

    def box(x: float, y: float, text: str, colour: str) -> None:
        ax.add_patch(
            Rectangle((x - 0.62, y - 0.36), 1.24, 0.72, facecolor=colour + "22", edgecolor=colour)
        )
        ax.text(x, y, text, ha="center", va="center", color=INK, fontsize=10.5)

    def arrow(start: tuple[float, float], end: tuple[float, float], style: str = "-|>") -> None:
        ax.add_patch(
            FancyArrowPatch(start, end, arrowstyle=style, mutation_scale=12, color=GREY, zorder=3)
        )

    picture(image, 0.85, 0, 0.8)
    for y, view, index in ((0.95, views[0], "i"), (-0.95, views[1], "j")):
        arrow((1.72, 0.35 * np.sign(y)), (2.5, y))
        picture(as_image(view), 3.25, y, 0.68)
        for x, text, colour in ((5.05, "encoder", BLUE), (6.95, "head", ORANGE)):
            box(x, y, text, colour)
        arrow((4.0, y), (4.4, y))
        arrow((5.7, y), (6.3, y))
        arrow((7.6, y), (8.1, y))
        ax.text(6.0, y + 0.18, "feature", ha="center", color=GREY, fontsize=8.5)
        ax.text(8.35, y, f"$z_{index}$", ha="center", va="center", color=INK, fontsize=13)
    for x in (5.05, 6.95):
        ax.text(x, 0, "the same", ha="center", va="center", color=GREY, fontsize=8.5)
    arrow((8.35, 0.65), (8.35, -0.65), "<|-|>")
    ax.text(8.6, 0, "closer to each other\nthan to all other $z$", va="center", color=INK)
    ax.set(xlim=(0, 10.4), ylim=(-1.75, 1.75))
    return ax


def plot_similarities(matrices: Mapping[str, np.ndarray], fig: Figure | None = None) -> Figure:
    """Show matrices of similarities (2N, 2N) side by side; frames stand around partners."""
    fig = _figure(fig, (4.1 * len(matrices) + 0.7, 3.9))
    axes = fig.subplots(1, len(matrices), squeeze=False)[0]
    for ax, (title, matrix) in zip(axes, matrices.items(), strict=True):
        shown = ax.imshow(matrix, cmap="RdBu_r", vmin=-1, vmax=1)
        M = len(matrix)
        for i in range(M):
            j = (i + M // 2) % M
            corner = (j - 0.5, i - 0.5)
            ax.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=INK, linewidth=1.3))
        ax.axhline(M / 2 - 0.5, color="white", linewidth=1.5)
        ax.axvline(M / 2 - 0.5, color="white", linewidth=1.5)
        places, names = [(M / 2 - 1) / 2, (3 * M / 2 - 1) / 2], ["left views", "right views"]
        ax.set_xticks(places, names)
        ax.set_yticks(places, names, rotation=90, va="center")
        ax.tick_params(length=0)
        ax.set_title(title, fontsize=11, color=INK)
    fig.colorbar(shown, ax=list(axes), label="similarity", shrink=0.85)
    return fig


def plot_shares(weights: Mapping[str, np.ndarray], ax: Axes | None = None) -> Axes:
    """Plot what share of the loss's push each other view gets, the most similar one first.

    weights: for each label (a temperature) the shares, (M,), of which the sum is 1.
    """
    ax = plt.subplots(figsize=(7, 2.9), layout="constrained")[1] if ax is None else ax
    for (label, shares), colour in zip(weights.items(), (ORANGE, BLUE, GREEN), strict=False):
        ranks = np.arange(1, len(shares) + 1)
        ax.plot(ranks, np.sort(shares)[::-1], marker="o", markersize=3, color=colour, label=label)
    ax.set(
        xlabel="the other views, the most similar one first",
        ylabel="share of the denominator",
        yscale="log",
        ylim=(1e-4, 2),
    )
    ax.axhline(1 / len(shares), color=GREY, linewidth=1, linestyle="--", label="equal shares")
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def nearest(features: np.ndarray, queries: Sequence[int], k: int) -> np.ndarray:
    """Return for each query the k rows of features (N, D) most similar to its own, (q, k)."""
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    similar = unit[list(queries)] @ unit.T
    similar[np.arange(len(queries)), list(queries)] = -np.inf
    return np.argsort(-similar, axis=1)[:, :k]


def show_neighbours(
    images: np.ndarray,
    labels: np.ndarray,
    queries: Sequence[int],
    neighbours: Mapping[str, np.ndarray],
    fig: Figure | None = None,
) -> Figure:
    """Show queries at the left of their neighbours, with a frame: the same class or another.

    neighbours: for each title the rows of the neighbours, (q, k).
    """
    columns = [found.shape[1] for found in neighbours.values()]
    widths = [1] + [w for k in columns for w in [0.25] + [1] * k]
    fig = _figure(fig, (0.8 * sum(widths) + 0.2, 0.82 * len(queries) + 0.35))
    axes = fig.subplots(len(queries), len(widths), squeeze=False, width_ratios=widths)
    for ax in axes.flat:
        ax.set_axis_off()
    for row, query in enumerate(queries):
        axes[row, 0].imshow(images[query])
        column = 1
        for found in neighbours.values():
            for place, other in enumerate(found[row], start=column + 1):
                same = labels[other] == labels[query]
                ax = axes[row, place]
                ax.imshow(images[other])
                side = len(images[other])
                frame = Rectangle((-0.5, -0.5), side, side, fill=False, linewidth=4)
                frame.set_edgecolor(GREEN if same else RED)
                ax.add_patch(frame)
            column += found.shape[1] + 1
    axes[0, 0].set_title("picture", fontsize=9.5, color=INK)
    column = 2
    for title, found in neighbours.items():
        axes[0, column].set_title(title, fontsize=9.5, color=INK, loc="left")
        column += found.shape[1] + 1
    return fig


def plot_maps(
    maps: Mapping[str, np.ndarray],
    labels: np.ndarray,
    class_names: Sequence[str],
    fig: Figure | None = None,
) -> Figure:
    """Plot maps side by side, points (N, 2) each, in one colour for each class."""
    fig = _figure(fig, (4.3 * len(maps) + 1.3, 4.1))
    axes = fig.subplots(1, len(maps), squeeze=False)[0]
    colours = plt.get_cmap("tab10")
    for ax, (title, points) in zip(axes, maps.items(), strict=True):
        for label, name in enumerate(class_names):
            mine = points[labels == label]
            ax.scatter(*mine.T, s=11, color=colours(label % 10), label=name, linewidths=0)
        ax.set(xticks=[], yticks=[])
        ax.set_title(title, fontsize=11, color=INK)
        for side in ax.spines.values():
            side.set_color("#d5dade")
    axes[-1].legend(
        frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5), markerscale=2, fontsize=9
    )
    return fig


def _figure(fig: Figure | None, size: tuple[float, float]) -> Figure:
    return plt.figure(figsize=size, layout="constrained") if fig is None else fig

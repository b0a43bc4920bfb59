"""Pictures of the chapter on GANs: digits in rows, losses, distances, and two diagrams.

Every function draws into the `ax` (or `fig`) it is given, or into a new one, and returns it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from cs231n_utils.gans import SIDE
from cs231n_utils.plots import BLUE, COLOURS, GREEN, GREY, INK, ORANGE, PURPLE

if TYPE_CHECKING:
    from cs231n_utils.gan_training import GanRun


def tile(images: np.ndarray, columns: int, gap: int = 2) -> np.ndarray:
    """Return images (k, 784) as one picture, row by row, with white lines between them."""
    rows = -(-len(images) // columns)
    picture = np.ones((rows * (SIDE + gap) - gap, columns * (SIDE + gap) - gap))
    for i, image in enumerate(np.clip(images, 0, 1)):
        row, column = divmod(i, columns)
        top, left = row * (SIDE + gap), column * (SIDE + gap)
        picture[top : top + SIDE, left : left + SIDE] = image.reshape(SIDE, SIDE)
    return picture


def show_digits(
    images: np.ndarray, *, columns: int = 16, title: str = "", ax: Axes | None = None
) -> Axes:
    """Show images (k, 784), pixels from 0 (black) to 1 (white), `columns` in each row."""
    rows = -(-len(images) // columns)
    if ax is None:
        size = (0.58 * columns, 0.58 * rows + (0.35 if title else 0))
        ax = plt.subplots(figsize=size, layout="constrained")[1]
    ax.imshow(tile(images, columns), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.set_title(title, fontsize=10, color=INK, loc="left")
    ax.set_axis_off()
    return ax


def show_rows(rows: Mapping[str, np.ndarray], ax: Axes | None = None) -> Axes:
    """Show images (k, 784) in rows, each with its name on the left."""
    columns = max(len(images) for images in rows.values())
    if ax is None:
        size = (0.55 * columns + 1.3, 0.58 * len(rows))
        ax = plt.subplots(figsize=size, layout="constrained")[1]
    blank = np.ones((columns, SIDE * SIDE))
    filled = [np.concatenate([images, blank])[:columns] for images in rows.values()]
    ax.imshow(
        tile(np.concatenate(filled), columns), cmap="gray", vmin=0, vmax=1, interpolation="nearest"
    )
    middle = (SIDE + 2) * np.arange(len(rows)) + SIDE / 2
    ax.set_yticks(middle, list(rows), color=INK)
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


def show_snapshots(run: GanRun, number: int = 16, ax: Axes | None = None) -> Axes:
    """Show what a GAN made of the same noise again and again, from early to late."""
    return show_rows(
        {f"step {step}": images[:number] for step, images in run.snapshots.items()}, ax
    )


def plot_game(run: GanRun, ax: Axes | None = None, window: int = 20) -> Axes:
    """Plot the losses of both players, smoothed over the last `window` steps."""
    ax = plt.subplots(figsize=(7, 2.6), layout="constrained")[1] if ax is None else ax
    for label, losses, colour in (
        ("discriminator", run.d_losses, BLUE),
        ("generator", run.g_losses, ORANGE),
    ):
        steps = np.arange(1, len(losses) + 1)
        ax.plot(steps, losses, color=colour, alpha=0.2, linewidth=0.7)
        sums = np.cumsum(np.concatenate([[0.0], losses]))
        first = np.maximum(steps - window, 0)
        ax.plot(steps, (sums[steps] - sums[first]) / (steps - first), color=colour, label=label)
    highest = np.quantile([*run.d_losses, *run.g_losses], 0.98)
    ax.set(xlabel="step", ylabel="loss", title=run.name, ylim=(0, 1.25 * highest))
    ax.legend(frameon=False, ncols=2, loc="upper right")
    return _tidy(ax)


def plot_curves(
    curves: Mapping[str, np.ndarray], x: np.ndarray, *, xlabel: str, ylabel: str, ax=None
) -> Axes:
    """Plot one line for each entry of curves, all over the same x."""
    ax = plt.subplots(figsize=(6.5, 2.8), layout="constrained")[1] if ax is None else ax
    for i, (label, values) in enumerate(curves.items()):
        style = {"color": COLOURS[i], "linewidth": 2.6 - 1.2 * (i > 0)}
        ax.plot(x, values, label=label, **style)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    # Above the axes: curves may go anywhere inside.
    ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0)
    return _tidy(ax)


def plot_noise(noise: np.ndarray, ax: Axes | None = None) -> Axes:
    """Plot how often the noise falls where, and the density that it should have."""
    ax = plt.subplots(figsize=(6, 2.2), layout="constrained")[1] if ax is None else ax
    bins = np.linspace(-1.5, 1.5, 61)
    ax.hist(noise.ravel(), bins=bins, density=True, color=BLUE, alpha=0.75, label="your noise")
    ax.plot([-1.5, -1, -1, 1, 1, 1.5], [0, 0, 0.5, 0.5, 0, 0], color=INK, label="uniform")
    ax.set(xlabel="noise", ylabel="density", ylim=(0, 0.75))
    ax.legend(frameon=False, ncols=2, loc="upper center")
    return _tidy(ax)


def plot_distances(distances: Mapping[str, float], floor: float, ax: Axes | None = None) -> Axes:
    """Plot one bar for each distance, and a line at that of real digits from other real ones."""
    if ax is None:
        ax = plt.subplots(figsize=(7, 0.5 * len(distances) + 0.9), layout="constrained")[1]
    bars = ax.barh(list(distances), list(distances.values()), color=BLUE, height=0.6)
    ax.bar_label(bars, fmt="%.0f", padding=4, color=INK)
    ax.axvline(floor, color=ORANGE, linestyle="--", linewidth=1.2, label="half of the real digits")
    ax.invert_yaxis()
    ax.set(xlabel="distance from real digits", xlim=(0, 1.15 * max(distances.values())))
    ax.tick_params(axis="y", length=0)
    ax.legend(frameon=False, loc="lower right")
    return _tidy(ax)


def plot_paths(
    paths: Mapping[str, np.ndarray], value: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> Figure:
    """Draw paths (k, 2) of two players over the game's value, side by side."""
    fig, axes = plt.subplots(1, len(paths), figsize=(4 * len(paths), 3.6), layout="constrained")
    reach = 1.15 * max(np.abs(path).max() for path in paths.values())
    grid = np.linspace(-reach, reach, 101)
    for ax, (title, path) in zip(np.atleast_1d(axes), paths.items(), strict=True):
        ax.contourf(grid, grid, value(grid[None, :], grid[:, None]), 14, cmap="RdBu_r", alpha=0.35)
        ax.plot(path[:, 0], path[:, 1], color=INK, linewidth=1, marker="o", markersize=2.5)
        ax.plot(*path[0], marker="o", color=GREEN, markersize=8)
        ax.plot(0, 0, marker="+", color=ORANGE, markersize=12, markeredgewidth=2)
        ax.set(title=title, xlabel="x, wants it small", ylabel="y, wants it large", aspect="equal")
    return fig


def draw_gan(ax: Axes | None = None) -> Axes:
    """Draw the two networks and what goes into and comes out of them."""
    ax = plt.subplots(figsize=(9.2, 2.7), layout="constrained")[1] if ax is None else ax
    boxes = {
        "noise": (0.5, 0.5, "noise\n(N, 96)", GREY),
        "G": (2.5, 0.5, "generator\nG", ORANGE),
        "fake": (4.5, 0.5, "made up images\n(N, 784)", PURPLE),
        "real": (4.5, 1.9, "real images\n(N, 784)", GREEN),
        "D": (6.7, 1.2, "discriminator\nD", BLUE),
        "score": (8.7, 1.2, "scores\n(N, 1)", GREY),
    }
    for x, y, text, colour in boxes.values():
        ax.add_patch(
            FancyBboxPatch(
                (x - 0.7, y - 0.36),
                1.4,
                0.72,
                boxstyle="round,pad=0.03,rounding_size=0.08",
                facecolor=colour + "22",
                edgecolor=colour,
                linewidth=1.3,
            )
        )
        ax.text(x, y, text, ha="center", va="center", color=INK, fontsize=10)
    for one, other in (("noise", "G"), ("G", "fake"), ("fake", "D"), ("real", "D"), ("D", "score")):
        start, end = boxes[one], boxes[other]
        ax.annotate(
            "",
            (end[0] - 0.76, end[1] + 0.18 * np.sign(start[1] - end[1])),
            (start[0] + 0.76, start[1]),
            arrowprops={"arrowstyle": "-|>", "color": GREY, "linewidth": 1.3},
        )
    ax.text(8.7, 0.55, "high: real\nlow: made up", ha="center", va="center", color=GREY, fontsize=9)
    ax.set(xlim=(-0.35, 9.55), ylim=(0, 2.45))
    ax.set_axis_off()
    return ax


def name_rows(runs: Sequence[GanRun], number: int = 16) -> dict[str, np.ndarray]:
    """Return images of fresh noise of each GAN by its name, for `show_rows`."""
    return {run.name: run.images(number) for run in runs}


def _tidy(ax: Axes) -> Axes:
    ax.spines[["top", "right"]].set_visible(False)
    return ax

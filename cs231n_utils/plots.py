"""The pictures of the captioning chapters: captions beside images, curves, diagrams.

Every function draws into the `ax` (or `fig`) it is given, or into a new one, and returns it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

INK = "#22303c"
GREY = "#8a949e"
BLUE = "#2a6f97"
ORANGE = "#d9792b"
GREEN = "#3c8d5a"
PURPLE = "#7b5ea7"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, "#b8474f", "#7a7a52")


def show_captions(
    images: np.ndarray,
    captions: Sequence[str],
    references: Sequence[str] | None = None,
    *,
    columns: int = 2,
    title: str | None = None,
    fig: Figure | None = None,
) -> Figure:
    """Show every image with its caption beside it.

    Arguments:
        images: uint8, shape (k, H, W, 3).
        captions: k strings.
        references: k strings, what a person (or the data set) says; shown below, in grey.
        columns: how many images stand side by side.
        title: written above all of them.
        fig: where to draw; a new figure without it.

    Raises:
        ValueError: when there is not one caption (and one reference) for each image.
    """
    for name, texts in (("captions", captions), ("references", references)):
        if texts is not None and len(texts) != len(images):
            raise ValueError(
                f"{name} must have one entry for each of the {len(images)} images. Got {len(texts)}"
            )
    rows = -(-len(images) // columns)
    if fig is None:
        fig = plt.figure(figsize=(5.2 * columns, 1.55 * rows + (0.45 if title else 0)))
    axes = fig.subplots(
        rows,
        2 * columns,
        squeeze=False,
        gridspec_kw={"width_ratios": [1, 2.3] * columns, "wspace": 0.06, "hspace": 0.12},
    )
    for ax in axes.flat:
        ax.set_axis_off()
    for i, (image, caption) in enumerate(zip(images, captions, strict=True)):
        row, column = divmod(i, columns)
        axes[row, 2 * column].imshow(image, interpolation="lanczos")
        beside = axes[row, 2 * column + 1]
        lines = textwrap.wrap(caption or "(no words)", 34)
        beside.text(0, 0.97, "\n".join(lines), va="top", color=INK, fontsize=10.5)
        if references is not None:
            below = "\n".join(textwrap.wrap(references[i], 40))
            top = 0.97 - 0.165 * len(lines) - 0.08
            beside.text(0, top, below, va="top", color=GREY, fontsize=9, style="italic")
    if title:
        fig.suptitle(title, x=0.125, y=0.89 + 0.35 / fig.get_figheight(), ha="left", color=INK)
    return fig


def plot_loss(
    loss_history: Sequence[float],
    ax: Axes | None = None,
    *,
    window: int = 50,
    label: str | None = None,
    colour: str = BLUE,
) -> Axes:
    """Plot the loss of every minibatch, and its mean over the last `window` of them."""
    ax = _axes(ax, (7, 3))
    losses = np.asarray(loss_history, dtype=float)
    steps = np.arange(1, len(losses) + 1)
    ax.plot(steps, losses, color=colour, alpha=0.3, linewidth=0.8)
    # The first means are over what there is: 1, 2, ..., window minibatches.
    sums = np.cumsum(np.concatenate([[0.0], losses]))
    first = np.maximum(steps - window, 0)
    ax.plot(steps, (sums[steps] - sums[first]) / (steps - first), color=colour, label=label)
    ax.set(xlabel="minibatch", ylabel="loss", ylim=(0, None))
    if label:
        ax.legend(frameon=False)
    return _tidy(ax)


def plot_gradient_norms(norms: Mapping[str, np.ndarray], ax: Axes | None = None) -> Axes:
    """Plot how large a gradient is at each time step, one line for each entry of norms.

    Arguments:
        norms: for each label an array of shape (T,), the norm at time step 1 to T.
        ax: where to draw; a new figure without it.
    """
    ax = _axes(ax, (7, 3.2))
    for (label, values), colour in zip(norms.items(), COLOURS, strict=False):
        steps = np.arange(1, len(values) + 1)
        ax.semilogy(steps, values, marker="o", markersize=3.5, color=colour, label=label)
    ax.set(xlabel="time step t", ylabel="norm of the gradient")
    ax.legend(frameon=False)
    return _tidy(ax)


def plot_scores(scores: Mapping[str, float], ax: Axes | None = None, *, xlabel: str = "") -> Axes:
    """Plot one bar for each score, with its value written at its end."""
    ax = _axes(ax, (7, 0.5 * len(scores) + 0.7))
    labels, values = list(scores), list(scores.values())
    # The first bar, what the plot is about, is the only coloured one.
    bars = ax.barh(labels, values, color=[BLUE] + ["#c3cbd2"] * (len(values) - 1), height=0.62)
    ax.bar_label(bars, fmt="%.3f", padding=4, color=INK)
    ax.invert_yaxis()
    ax.set(xlabel=xlabel, xlim=(0, max([*values, 1e-9]) * 1.15))
    ax.tick_params(axis="y", length=0)
    return _tidy(ax)


def plot_word_vectors(
    vectors: np.ndarray,
    word_to_idx: Mapping[str, int],
    groups: Mapping[str, Sequence[str]],
    ax: Axes | None = None,
) -> Axes:
    """Plot word vectors in the two directions in which they differ most (PCA).

    Arguments:
        vectors: one row for each word of the vocabulary, shape (V, W).
        word_to_idx: the row of each word.
        groups: names of groups and their words, one colour for each group; words that
            are not in the vocabulary are left out.
        ax: where to draw; a new figure without it.
    """
    ax = _axes(ax, (7.5, 5))
    groups = {name: [w for w in words if w in word_to_idx] for name, words in groups.items()}
    words = [word for members in groups.values() for word in members]
    chosen = vectors[[word_to_idx[word] for word in words]]
    centred = chosen - chosen.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    places = dict(zip(words, centred @ directions[:2].T, strict=True))
    for (name, members), colour in zip(groups.items(), COLOURS, strict=False):
        if not members:
            continue
        xy = np.array([places[word] for word in members])
        ax.scatter(xy[:, 0], xy[:, 1], s=18, color=colour, label=name)
        for word, place in zip(members, xy, strict=True):
            ax.annotate(
                word, place, xytext=(4, 3), textcoords="offset points", color=colour, fontsize=9
            )
    ax.set(xticks=[], yticks=[], xlabel="first principal direction", ylabel="second")
    ax.margins(x=0.12)
    ax.legend(frameon=False)
    return _tidy(ax)


def draw_unrolled_rnn(words: Sequence[str], ax: Axes | None = None) -> Axes:
    """Draw the captioning network unrolled in time, reading and predicting the given words.

    Arguments:
        words: a caption without special words; the network reads "<START>" and the words
            and predicts the words and "<END>".
        ax: where to draw; a new figure without it.
    """
    T = len(words) + 1
    ax = _axes(ax, (1.6 * (T + 1.2), 3.9))
    read, predicted = ["<START>", *words], [*words, "<END>"]

    _box(ax, 0, -1.3, "image\nfeatures", GREEN)
    _box(ax, 0, 0, "h0", BLUE)
    _arrow(ax, (0, -1.02), (0, -0.28), "W_proj")
    for t in range(1, T + 1):
        _box(ax, t, -1.3, f"x{t}", ORANGE)
        _box(ax, t, 0, f"h{t}", BLUE)
        _box(ax, t, 1.3, f"scores {t}", PURPLE)
        _arrow(ax, (t, -1.02), (t, -0.28), "Wx")
        _arrow(ax, (t, 0.28), (t, 1.02), "W_vocab")
        _arrow(ax, (t - 0.62, 0), (t - 0.38, 0), "Wh", above=True)
        _arrow(ax, (t, -1.95), (t, -1.58), "W_embed")
        ax.text(t, -2.12, read[t - 1], ha="center", va="center", color=INK, fontsize=10)
        ax.text(t, 1.88, predicted[t - 1], ha="center", va="center", color=INK, fontsize=10)
    for y, text in ((-2.12, "it reads"), (1.88, "it should predict")):
        ax.text(-0.38, y, text, ha="left", va="center", color=GREY, fontsize=10, style="italic")
    ax.set(xlim=(-0.5, T + 0.5), ylim=(-2.4, 2.15))
    ax.set_axis_off()
    return ax


def _box(ax: Axes, x: float, y: float, text: str, colour: str) -> None:
    ax.add_patch(
        FancyBboxPatch(
            (x - 0.34, y - 0.24),
            0.68,
            0.48,
            boxstyle="round,pad=0.03,rounding_size=0.06",
            facecolor=colour + "22",
            edgecolor=colour,
            linewidth=1.3,
        )
    )
    ax.text(x, y, text, ha="center", va="center", color=INK, fontsize=10)


def _arrow(
    ax: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    label: str,
    above: bool = False,
) -> None:
    ax.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": GREY, "linewidth": 1.2})
    x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    if above:
        ax.text(x, y + 0.16, label, ha="center", va="bottom", color=GREY, fontsize=8)
    else:
        ax.text(x + 0.05, y, label, ha="left", va="center", color=GREY, fontsize=8)


def _axes(ax: Axes | None, figsize: tuple[float, float]) -> Axes:
    return plt.subplots(figsize=figsize, layout="constrained")[1] if ax is None else ax


def _tidy(ax: Axes) -> Axes:
    ax.spines[["top", "right"]].set_visible(False)
    return ax

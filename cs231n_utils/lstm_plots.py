"""The picture of the LSTM chapter: one time step as a diagram."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyBboxPatch, Rectangle

from cs231n_utils.plots import BLUE, GREEN, GREY, INK, ORANGE, PURPLE

_MEMORY_Y, _GATE_Y, _SUM_Y = 3.3, 0.9, -0.5
_GATES = {
    "f": (1.2, "forget gate\nf = sigmoid(af)", ORANGE),
    "i": (2.95, "input gate\ni = sigmoid(ai)", GREEN),
    "g": (4.7, "candidate\ng = tanh(ag)", PURPLE),
    "o": (6.45, "output gate\no = sigmoid(ao)", BLUE),
}


def draw_lstm_cell(ax: Axes | None = None, *, stages: bool = False) -> Axes:
    """Draw one time step of an LSTM: the memory on top, the gates that act on it below.

    Arguments:
        ax: where to draw; a new figure without it.
        stages: whether to shade the three stages of the backward pass.
    """
    if ax is None:
        ax = plt.subplots(figsize=(9.2, 5.1), layout="constrained")[1]
    if stages:
        _shade(ax, (0.3, -1.25), (7.3, 1.4), "stage 3: the gates")
        _shade(ax, (0.3, 1.65), (4.95, 4.05), "stage 2: the memory cell", top=True)
        _shade(ax, (7.45, 0.1), (8.75, 2.75), "stage 1:\nthe output")

    # The memory runs along the top; two small operations are all that it meets.
    times_f, plus, fork = (1.2, _MEMORY_Y), (3.825, _MEMORY_Y), (8.1, _MEMORY_Y)
    times_ig, times_o = (3.825, 2.2), (8.1, _GATE_Y)
    _line(ax, [(-0.4, _MEMORY_Y), times_f], end=0.17, width=3, colour=INK)
    _line(ax, [times_f, plus], start=0.17, end=0.17, width=3, colour=INK)
    _line(ax, [plus, (9.4, _MEMORY_Y)], start=0.17, width=3, colour=INK)
    _label(ax, (-0.5, _MEMORY_Y), "prev_c", ha="right")
    _label(ax, (9.5, _MEMORY_Y), "next_c", ha="left")

    # The sums below, and the gates that are made from them.
    _box(ax, (3.825, _SUM_Y), 6.8, "a = x Wx + prev_h Wh + b, cut into ai, af, ao, ag", GREY)
    _line(ax, [(-0.4, _SUM_Y), (0.42, _SUM_Y)])
    _label(ax, (-0.5, _SUM_Y), "prev_h", ha="right")
    _line(ax, [(3.825, -1.45), (3.825, _SUM_Y - 0.3)])
    _label(ax, (3.825, -1.62), "x", ha="center")
    for x, text, colour in _GATES.values():
        _box(ax, (x, _GATE_Y), 1.5, text, colour)
        _line(ax, [(x, _SUM_Y + 0.3), (x, _GATE_Y - 0.3)])

    # From the gates up to where each of them acts.
    _line(ax, [(1.2, _GATE_Y + 0.3), times_f], end=0.17, colour=ORANGE)
    _line(ax, [(2.95, _GATE_Y + 0.3), (2.95, 2.2), times_ig], end=0.17, colour=GREEN)
    _line(ax, [(4.7, _GATE_Y + 0.3), (4.7, 2.2), times_ig], end=0.17, colour=PURPLE)
    _line(ax, [times_ig, plus], start=0.17, end=0.17)
    _line(ax, [(7.2, _GATE_Y), times_o], end=0.17, colour=BLUE)
    _line(ax, [fork, times_o], end=0.17)
    _box(ax, (8.1, 2.3), 0.9, "tanh", GREY, height=0.46)
    ax.add_patch(Circle(fork, 0.06, color=INK, zorder=4))
    _line(ax, [times_o, (9.4, _GATE_Y)], start=0.17)
    _label(ax, (9.5, _GATE_Y), "next_h", ha="left")
    for place, sign in (
        (times_f, r"$\times$"),
        (plus, "+"),
        (times_ig, r"$\times$"),
        (times_o, r"$\times$"),
    ):
        ax.add_patch(Circle(place, 0.17, facecolor="white", edgecolor=INK, linewidth=1.3, zorder=5))
        ax.text(*place, sign, ha="center", va="center_baseline", color=INK, fontsize=13, zorder=6)

    ax.set(xlim=(-1.3, 10.3), ylim=(-1.8, 4.1), aspect="equal")
    ax.set_axis_off()
    return ax


def _shade(
    ax: Axes, low: tuple[float, float], high: tuple[float, float], text: str, top: bool = False
) -> None:
    width, height = high[0] - low[0], high[1] - low[1]
    ax.add_patch(Rectangle(low, width, height, facecolor="#f3ead9", edgecolor="none", zorder=0))
    place = (low[0] + 0.1, high[1] - 0.1 if top else low[1] + 0.1)
    above = "top" if top else "bottom"
    ax.text(*place, text, ha="left", va=above, color=INK, fontsize=9.5, style="italic")


def _box(
    ax: Axes,
    centre: tuple[float, float],
    width: float,
    text: str,
    colour: str,
    height: float = 0.6,
) -> None:
    ax.add_patch(
        FancyBboxPatch(
            (centre[0] - width / 2, centre[1] - height / 2),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.08",
            facecolor="white",
            edgecolor=colour,
            linewidth=1.4,
            zorder=3,
        )
    )
    ax.text(*centre, text, ha="center", va="center", color=INK, fontsize=9.5, zorder=4)


def _line(
    ax: Axes,
    points: Sequence[tuple[float, float]],
    *,
    start: float = 0.0,
    end: float = 0.0,
    width: float = 1.3,
    colour: str = GREY,
) -> None:
    """Draw an arrow along points, leaving a gap at its start and its end."""
    path = np.array(points, dtype=float)
    path[0] += start * _direction(path[0], path[1])
    path[-1] -= end * _direction(path[-2], path[-1])
    ax.plot(path[:-1, 0], path[:-1, 1], color=colour, linewidth=width, zorder=2)
    style = {"arrowstyle": "-|>", "color": colour, "linewidth": width, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", path[-1], path[-2], arrowprops=style, zorder=2)


def _direction(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    return (end - start) / np.linalg.norm(end - start)


def _label(ax: Axes, place: tuple[float, float], text: str, ha: str) -> None:
    ax.text(*place, text, ha=ha, va="center", color=INK, fontsize=11)

"""The study of SimCLR's settings as a table and as a plot."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cs231n_utils.simclr_study import SWEEPS, Result, Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHIPPED = Path(__file__).parent / "data" / "simclr_study.json"
"""Our own study of the painted pictures, with the chapter's solution."""
TITLES = {"temperature": "temperature", "batch_size": "batch size", "head": "projection head"}


def load_study(path: str | Path = SHIPPED) -> list[Result]:
    """Return the results of a study from its study.json; without a path, those of our own."""
    entries = json.loads(Path(path).read_text(encoding="utf-8"))
    return [Result(**{**entry, "run": Run(**entry["run"])}) for entry in entries]


def sweep(results: Sequence[Result], name: str) -> dict[object, list[Result]]:
    """Return the results in which only `name`, one of SWEEPS, is not the default, by its value."""
    usual = Run()
    found: dict[object, list[Result]] = {}
    for value in SWEEPS[name]:
        wanted = replace(usual, **{name: value})
        runs = [result for result in results if replace(result.run, seed=0) == wanted]
        if runs:
            found[value] = runs
    return found


def rows(results: Sequence[Result]) -> list[dict[str, object]]:
    """Return one row for each setting: what was changed, accuracy in percent, seeds, seconds."""
    table = []
    for name in SWEEPS:
        for value, runs in sweep(results, name).items():
            shares = [100 * result.accuracy for result in runs]
            table.append(
                {
                    "changed": TITLES[name],
                    "value": value,
                    "accuracy": round(float(np.mean(shares)), 1),
                    "lowest": round(float(np.min(shares)), 1),
                    "highest": round(float(np.max(shares)), 1),
                    "seeds": len(runs),
                    "seconds": round(float(np.mean([result.seconds for result in runs]))),
                }
            )
    return table


def study_table(results: Sequence[Result]) -> str:
    """Return the study as a Markdown table; the default setting is printed bold."""
    lines = [
        "| changed | value | linear probe, % | lowest to highest |",
        "|---|---|---|---|",
    ]
    usual = asdict(Run())
    names = {title: name for name, title in TITLES.items()}
    for row in rows(results):
        value = row["value"]
        if value == usual[names[row["changed"]]]:
            value = f"**{value}**"
        spread = f"{row['lowest']} to {row['highest']} ({row['seeds']} seeds)"
        if np.isnan(row["accuracy"]):
            row["accuracy"], spread = "", "the loss did not stay finite"
        cells = [row["changed"], value, row["accuracy"], spread]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def plot_study(results: Sequence[Result]) -> Figure:
    """Draw the linear probe's accuracy in each sweep: a dot for every seed, a line of the means."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(SWEEPS), figsize=(10, 3), sharey=True, layout="constrained")
    usual = asdict(Run())
    for ax, name in zip(axes, SWEEPS, strict=True):
        found = sweep(results, name)
        for place, (value, runs) in enumerate(found.items()):
            colour = "tab:orange" if value == usual[name] else "tab:blue"
            shares = [100 * result.accuracy for result in runs]
            ax.plot([place] * len(runs), shares, "o", color=colour, markersize=5, alpha=0.8)
        means = [100 * np.mean([result.accuracy for result in runs]) for runs in found.values()]
        ax.plot(means, color="tab:blue", alpha=0.5, zorder=0)
        ax.set_xticks(range(len(found)), [str(value) for value in found])
        ax.set_xlabel(TITLES[name])
        ax.set_xlim(-0.5, len(found) - 0.5)
        ax.grid(axis="y", alpha=0.3)
    axes[0].set_ylabel("linear probe, % right")
    return figure


def save_report(results: Sequence[Result], folder: Path) -> None:
    """Write table.md, table.csv, study.json and study.png into a folder."""
    from matplotlib import pyplot as plt

    text = study_table(results)
    (folder / "table.md").write_text(text + "\n", encoding="utf-8")
    with open(folder / "table.csv", "w", newline="", encoding="utf-8") as file:
        table = rows(results)
        writer = csv.DictWriter(file, fieldnames=list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    entries = ",\n".join(json.dumps(asdict(result)) for result in results)
    (folder / "study.json").write_text(f"[\n{entries}\n]\n", encoding="utf-8")
    figure = plot_study(results)
    figure.savefig(folder / "study.png", dpi=80)
    plt.close(figure)

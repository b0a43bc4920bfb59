"""The gradebook as a table in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.gradebook import Row
from autograder.wording import number

SPELLED = {"rnn": "RNN", "lstm": "LSTM", "gans": "GANs", "simclr": "SimCLR"}


def heading(assignment: str) -> str:
    """An assignment as a heading: `a1_rnn_captioning` is `A1 RNN captioning`."""
    head, *rest = assignment.split("_")
    if not rest:
        return assignment
    return " ".join([head.upper(), *(SPELLED.get(word, word) for word in rest)])


WIDE = 150
"""Columns from which the exercises' names fit above their marks, and a note behind them."""


def print_gradebook(rows: Sequence[Row], console: Console | None = None) -> None:
    """Print one table for each assignment, and below it what there is to say about submissions."""
    console = console or Console()
    wide = console.width >= WIDE
    for assignment in dict.fromkeys(row.assignment for row in rows):
        part = [row for row in rows if row.assignment == assignment]
        console.print(gradebook_table(assignment, part, wide=wide))
        if not wide:
            for place, (name, value) in enumerate(_exercises(part).items(), start=1):
                console.print(f"{place:>2}  {name} ({number(value)} points)", highlight=False)
        for row in part:
            remark = _remark(row)
            for note in [*row.notes, *([remark] if remark and not wide else [])]:
                console.print(Text.assemble((f"{row.student}: ", "bold"), note))


def gradebook_table(assignment: str, rows: Sequence[Row], *, wide: bool = True) -> Table:
    """Return students x exercises: marks, totals, what is left to mark by hand, seconds.

    A table that is not `wide` numbers the exercises and has no notes: it fits 80 columns.
    """
    exercises = _exercises(rows)
    table = Table(title=assignment, title_justify="left", title_style="bold")
    table.add_column("student", no_wrap=True)
    for place, (name, value) in enumerate(exercises.items(), start=1):
        # One word on a line keeps nine exercises beside each other.
        heading = f"{name.replace('_', chr(10))}\n/{number(value)}" if wide else str(place)
        table.add_column(heading, justify="right")
    table.add_column(f"total\n/{number(sum(exercises.values()))}", justify="right", style="bold")
    table.add_column("by\nhand", justify="right")
    table.add_column("sec-\nonds" if not wide else "seconds", justify="right")
    if wide:
        table.add_column("note")
    for row in rows:
        marks = [_mark(row.points.get(name), value) for name, value in exercises.items()]
        cells = [row.student, *marks, number(row.total), str(len(row.needs_manual) or "")]
        cells.append(f"{row.seconds:.1f}")
        table.add_row(*cells, *([_short_note(row)] if wide else []))
    return table


def _exercises(rows: Sequence[Row]) -> dict[str, float]:
    return {name: value for row in rows for name, value in row.max_points.items()}


def _mark(points: float | None, maximum: float) -> Text:
    if points is None:
        return Text("-", style="dim")
    style = "green" if points >= maximum else "red" if points <= 0 else "yellow"
    return Text(number(points), style=style)


def _short_note(row: Row) -> Text:
    if row.error:
        return Text("not graded", style="bold red")
    told = [f"{len(row.notes)} below"] if row.notes else []
    if row.sandbox == "none":
        told.append("no sandbox")
    return Text(", ".join([*told, *filter(None, [_remark(row)])]))


def _remark(row: Row) -> str:
    """The known mistakes, else the first thing that went wrong where no note tells it."""
    if row.mistakes:
        return "; ".join(said["mistake"] for said in row.mistakes.values())
    if row.notes:
        return ""
    return "".join(f"{name.replace('_', ' ')}: {why}" for name, why in first_trouble(row).items())


def first_trouble(row: Row) -> dict[str, str]:
    """The first exercise, in the notebook's order, that lost points, and why, cut to one line."""
    for name, said in row.judged.items():
        why = said.get("error") or next(
            (case["message"] for case in said["cases"] if not case["passed"]), ""
        )
        if why:
            return {name: why if len(why) <= 80 else why[:77] + "..."}
    return {}

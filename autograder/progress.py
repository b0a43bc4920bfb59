"""How far a run is: a bar for a person, plain lines for a log, JSON for a program."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import asdict
from typing import Any, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress

from autograder.gradebook import Row

SHOWN = 4
"""Students named beside the bar."""
LINE_SECONDS = 10.0
"""Without a terminal: at most one line in this time."""
SLOWEST = 5


class Progress:
    """Tell nothing; what the others refine. Use it as a context manager."""

    def __init__(self, total: int = 0) -> None:
        self.total = total
        self.done = self.unchanged = 0
        self.began = time.monotonic()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def working(self, tasks: Sequence[tuple[Future, Any]]) -> None:
        """What is with the workers now; called about twice a second."""

    def ended(self, row: Row) -> None:
        """A submission is done."""
        self.done += 1
        self.unchanged += row.unchanged

    @property
    def rate(self) -> float:
        """Submissions graded in a second."""
        return (self.done - self.unchanged) / max(time.monotonic() - self.began, 1e-3)


class Bar(Progress):
    """A bar with rate and time left, and whom each worker is on."""

    def __init__(self, total: int, console: Console) -> None:
        super().__init__(total)
        self._bar = RichProgress(
            TextColumn("grading"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[on]}", markup=False, style="dim"),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("grading", total=total, rate="", on="")

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def working(self, tasks: Sequence[tuple[Future, Any]]) -> None:
        """Show who is being graded, and for how long."""
        self._bar.update(self._task, on=on_whom(tasks), rate=f"{self.rate:.1f}/s")

    def ended(self, row: Row) -> None:
        """Move on."""
        super().ended(row)
        self._bar.advance(self._task)


class Lines(Progress):
    """A line now and then, for a log."""

    def __init__(self, total: int, console: Console) -> None:
        super().__init__(total)
        self._console = console
        self._last = self.began

    def ended(self, row: Row) -> None:
        """Say how far it is, if it was not said just now."""
        super().ended(row)
        now = time.monotonic()
        if now - self._last < LINE_SECONDS:
            return
        self._last = now
        left = (self.total - self.done) / max(self.done / (now - self.began), 1e-6)
        self._console.print(
            f"graded {self.done} of {self.total}, {self.rate:.1f}/s, about {_clock(left)} left",
            highlight=False,
        )


class Json(Progress):
    """One object a line: each submission's row when it is done, and a last one with the totals."""

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        super().__init__(total)
        self._stream = stream or sys.stdout

    def ended(self, row: Row) -> None:
        """Print the row."""
        super().ended(row)
        entry = asdict(row)
        del entry["log"]
        self._print({"type": "submission", **entry})

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._print(
            {
                "type": "end",
                "submissions": self.total,
                "done": self.done,
                "unchanged": self.unchanged,
                "seconds": round(time.monotonic() - self.began, 3),
                "interrupted": kind is not None,
            }
        )

    def _print(self, content: dict[str, Any]) -> None:
        print(json.dumps(content, ensure_ascii=False), file=self._stream, flush=True)


def on_whom(tasks: Sequence[tuple[Future, Any]]) -> str:
    """Name the students that workers are on, the longest first."""
    now = time.perf_counter()
    running = [task for future, task in tasks if future.running()] or [task for _, task in tasks]
    running.sort(key=lambda task: task.sent)
    named = [
        f"{task.student} {now - task.sent:.0f} s" if now - task.sent > 2 else task.student
        for task in running[:SHOWN]
    ]
    more = len(running) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def slowest(rows: Sequence[Row]) -> str:
    """Name the slowest submissions of a larger class; nothing where they are not news."""
    graded = [row for row in rows if not row.unchanged]
    if len(graded) <= 2 * SLOWEST:
        return ""
    top = sorted(graded, key=lambda row: -row.seconds)[:SLOWEST]
    return "slowest: " + ", ".join(f"{row.student} {row.seconds:.1f} s" for row in top)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"

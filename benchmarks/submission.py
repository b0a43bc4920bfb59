"""Where one submission's milliseconds go: a new process for each, and one forked from a server.

    python benchmarks/submission.py [--assignment a1_rnn_captioning] [--rounds 10] [--json]
    python benchmarks/submission.py --profile wrong     # Python's own profile of the grader's side

Three notebooks are graded by `grade_notebook`, by turns, so that a busy machine slows all alike:
our solution (right), a known mistake in every exercise (wrong), one in every second (mixed). The
table holds medians of wall time, each step without the steps inside it; the last lines are the
grader's own processor time and that of the students' processes and what starts them.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import functools
import json
import os
import pstats
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import nbformat  # noqa: E402

from autograder import grading, judge  # noqa: E402
from autograder.course import Assignment, find_assignment  # noqa: E402
from autograder.grading import grade_notebook  # noqa: E402
from autograder.mistakes import MistakeBank, edited  # noqa: E402
from autograder.sandbox import Preloaded, Session  # noqa: E402
from autograder.sandbox.starter import start_plain  # noqa: E402

SEED = 231
KINDS = ("right", "wrong", "mixed")
STEPS = {
    "start": [(grading, "start_session")],
    "cells": [(Session, "run_cell")],
    "marks": [(Session, "mark"), (Session, "recall")],
    "calls": [(Session, "request")],
    "judge": [(grading, "judge"), (judge, "examine_case")],
    "known mistakes": [(MistakeBank, "recognise")],
    "forbidden names": [(grading, "forbidden_name")],
    "end": [(Session, "close")],
}


class Stopwatch:
    """Adds up the seconds of functions, each without those of others that it calls."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inner: list[float] = []

    def timed(self, step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, with its time added to the step's."""

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            self._inner.append(0.0)
            try:
                return function(*args, **kwargs)
            finally:
                whole = time.perf_counter() - began
                own = whole - self._inner.pop()
                self.seconds[step] = self.seconds.get(step, 0.0) + own
                if self._inner:
                    self._inner[-1] += whole

        return wrapper

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Time STEPS meanwhile."""
        with contextlib.ExitStack() as undo:
            for step, places in STEPS.items():
                for owner, name in places:
                    function = getattr(owner, name)
                    undo.callback(setattr, owner, name, function)
                    setattr(owner, name, self.timed(step, function))
            yield


def notebooks(assignment: Assignment) -> dict[str, nbformat.NotebookNode]:
    """Return a submission of each kind."""
    made = {}
    for kind in KINDS:
        every = {"right": 0, "wrong": 1, "mixed": 2}[kind]
        cells = assignment.solution_cells()
        for number, exercise in enumerate(assignment.exercises.values()):
            if every and number % every == 0 and exercise.mistakes:
                cells = edited(cells, exercise, exercise.mistakes[0])
        made[kind] = nbformat.from_dict(assignment.solution)
        for cell in made[kind].cells:
            cell.source = cells.get(cell.id, cell.source)
    return made


def measure(assignment: Assignment, rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    """Return {"plain" and "forked": {kind: {step: milliseconds, median of the rounds}}}."""
    bank, made = MistakeBank(assignment), notebooks(assignment)
    taken: dict[str, dict[str, list[dict[str, float]]]] = {}
    with Preloaded(modules=assignment.imports()) as server:
        ways = {"plain": start_plain, "forked": server.start}
        for turn in range(rounds + 1):
            for kind, notebook in made.items():
                for way, starter in ways.items():
                    row = once(notebook, assignment, bank, starter)
                    if turn:  # the first warms up
                        taken.setdefault(way, {}).setdefault(kind, []).append(row)
        if server.why_not:
            print(f"forked is plain here: {server.why_not}", file=sys.stderr)
    return {
        way: {
            kind: {
                step: round(1000 * statistics.median(row.get(step, 0.0) for row in rows), 1)
                for step in ("all", *STEPS, "other", "grader's processor")
            }
            for kind, rows in kinds.items()
        }
        for way, kinds in taken.items()
    }


def once(
    notebook: nbformat.NotebookNode, assignment: Assignment, bank: MistakeBank, starter: Any
) -> dict[str, float]:
    """Grade one notebook; return seconds by step."""
    watch = Stopwatch()
    before = resource.getrusage(resource.RUSAGE_SELF)
    with watch.watching():
        began = time.perf_counter()
        grade_notebook(notebook, assignment, seed=SEED, bank=bank, starter=starter)
        whole = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    other = whole - sum(watch.seconds.values())
    return watch.seconds | {"all": whole, "other": other, "grader's processor": used}


def profile(assignment: Assignment, kind: str, rounds: int) -> None:
    """Print which of the grader's functions take the time of one kind of submission."""
    bank, notebook = MistakeBank(assignment), notebooks(assignment)[kind]
    with Preloaded(modules=assignment.imports()) as server:
        profiler = cProfile.Profile()
        for turn in range(rounds + 1):
            if turn:
                profiler.enable()
            grade_notebook(notebook, assignment, seed=SEED, bank=bank, starter=server.start)
            profiler.disable()
    print(f"{rounds} submissions")
    pstats.Stats(profiler).sort_stats("cumulative").print_stats(60)


def table(result: dict[str, dict[str, dict[str, float]]]) -> str:
    """Return the measurements as a table."""
    columns = [(way, kind) for kind in KINDS for way in result]
    lines = ["ms, medians".ljust(20) + "".join(f"{way + ' ' + kind:>15}" for way, kind in columns)]
    for step in result["plain"]["right"]:
        row = "".join(f"{result[way][kind][step]:15.1f}" for way, kind in columns)
        lines.append(step.ljust(20) + row)
    return "\n".join(lines)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--assignment", default="a1_rnn_captioning")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--profile", choices=KINDS)
    options = parser.parse_args()
    assignment = find_assignment(options.assignment, ROOT)
    if options.profile:
        profile(assignment, options.profile, options.rounds)
        return
    result = measure(assignment, options.rounds)
    print(json.dumps(result) if options.json else table(result))


if __name__ == "__main__":
    main()

"""What the wall costs an honest submission: the same notebook with all layers and with none.

    python benchmarks/wall.py [--rounds 20] [--assignment a1_rnn_captioning]

Both ways are measured in one run, by turns, so that a busy machine slows both alike: start of the
student's process, the cells, an examination of each exercise, the end. What both share (starting
Python, importing what a notebook needs) cancels; the difference is what namespaces, mounts, another
user, a control group, limits, Landlock and seccomp cost together. Without `--assignment` it is a
notebook of three small exercises, which shows a difference of milliseconds best.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import nbformat  # noqa: E402

from autograder.course import Assignment, find_assignment  # noqa: E402
from autograder.grading import grade_notebook  # noqa: E402
from autograder.mistakes import MistakeBank  # noqa: E402
from autograder.sandbox import Limits, UnsafeSandbox  # noqa: E402
from tests.submissions import small_course as tiny  # noqa: E402

ALLOWED_MS = 20.0
WARM_UP = 2


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--assignment", help="a notebook of the course, with its solution")
    options = parser.parse_args()
    warnings.simplefilter("ignore", UnsafeSandbox)
    with tempfile.TemporaryDirectory() as folder:
        if options.assignment:
            assignment = find_assignment(options.assignment, ROOT)
            notebook = nbformat.read(assignment.solution_path, as_version=4)
        else:
            root = Path(folder) / "course"
            tiny.make_course(root)
            assignment = Assignment(tiny.SLUG, root, tiny.make_exercises())
            notebook = tiny.notebook()
        seconds = measure(assignment, notebook, options.rounds)
    report(seconds, options.rounds)


def measure(
    assignment: Assignment, notebook: nbformat.NotebookNode, rounds: int
) -> dict[str, list[float]]:
    """Return the seconds of each round, with the wall and without it, in turns."""
    seconds: dict[str, list[float]] = {"none": [], "bwrap": []}
    bank = MistakeBank(assignment)
    full = sum(exercise.points for exercise in assignment.exercises.values())
    for turn in range(rounds + WARM_UP):
        order = list(seconds.items())
        for backend, spent in order if turn % 2 else reversed(order):
            began = time.perf_counter()
            graded = grade_notebook(
                notebook, assignment, seed=turn, limits=Limits(), backend=backend, bank=bank
            )
            took = time.perf_counter() - began
            points = sum(verdict.points for verdict in graded.verdicts.values())
            if points != full:
                raise SystemExit(f"a right notebook must have {full} points. Got {points}")
            if turn >= WARM_UP:
                spent.append(took)
    return seconds


def report(seconds: dict[str, list[float]], rounds: int) -> None:
    """Print medians, and the median of the differences."""
    print(f"{rounds} rounds, median (fastest), milliseconds for one submission")
    for backend, spent in seconds.items():
        print(f"  {backend:6} {1000 * statistics.median(spent):8.1f} ({1000 * min(spent):.1f})")
    pairs = [w - o for w, o in zip(seconds["bwrap"], seconds["none"], strict=True)]
    cost, fastest = statistics.median(pairs), min(seconds["bwrap"]) - min(seconds["none"])
    print(
        f"  all layers together: {1000 * cost:.1f} ({1000 * fastest:.1f}); at most {ALLOWED_MS:g}"
    )


if __name__ == "__main__":
    main()

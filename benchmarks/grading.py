"""Seconds for each submission: this grader, stock nbgrader, otter-grader, and the floor below them.

    python benchmarks/grading.py                 # a table
    python benchmarks/grading.py --json          # the same as one object
    python benchmarks/grading.py --profile       # also where a submission's milliseconds go

Every contender grades submissions of a1 (right, wrong in known ways, and unfilled, in turn) and is
timed from the start of its command to its end, start-up included; they take turns, `--rounds`
times, and the median counts. Feedback is a command of its own elsewhere, and so it is left aside
here (`grade --marks-only`), and told in a line of its own. The others get an easier notebook:
without training and plots, and with the public checks as their tests. benchmarks/README.md says
more, and keeps the last table.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
from baselines import floor, make_otter, make_stock, otter_run
from nbgrader.utils import is_solution
from rich.console import Console

from autograder import classroom, demo
from autograder.course import CONFIG, Assignment, course_root, find_assignment

SLUG = demo.SLUG
NAMES = {
    "ours_2_jobs": "this grader, 2 jobs",
    "ours_1_job": "this grader, 1 job",
    "nbgrader_serial": "nbgrader autograde",
    "nbgrader_2_processes": "nbgrader autograde, 2 processes, immediate shutdown",
    "otter": "otter run",
    "floor": "floor: cells and judged calls, forked, no sandbox",
    "ours_2_jobs_feedback": "this grader, 2 jobs, with feedback pages and the class report",
}
TURNS = (
    "right",
    {"rnn_step_forward": "the bias is left out"},
    "right",
    {"word_embedding_backward": "a repeated word keeps one gradient only"},
    "right",
    {"captioning_rnn_loss": "padding is counted", "captioning_rnn_sample": "it begins with NULL"},
    "right",
    "unfilled",
)
"""What students hand in, in turn."""


def hand_in(assignment: Assignment, number: int) -> nbformat.NotebookNode:
    """Return the notebook of student `number`: no two have the same text."""
    turn = TURNS[number // 2 % len(TURNS)]  # each half of the class gets the same mix
    notebook = demo.hand_out(assignment, filled=turn != "unfilled")
    if isinstance(turn, dict):
        demo.make_mistakes(**turn)(notebook, assignment)
    for cell in notebook.cells:
        if is_solution(cell) and cell.cell_type == "code":
            cell.source += f"\n# student {number}"
    return notebook


def make_class(root: Path, count: int) -> list[Path]:
    """Release a1 in a new course folder and let `count` students hand in."""
    home = course_root()
    root.mkdir(parents=True)
    shutil.copy(home / CONFIG, root)
    shutil.copytree(home / "solutions" / SLUG, root / "solutions" / SLUG)
    classroom.make_release(root, SLUG)
    assignment = find_assignment(SLUG, root)
    paths = []
    for number in range(count):
        folder = root / "submitted" / f"s{number % 2}-{number:04}" / SLUG
        folder.mkdir(parents=True)
        paths.append(folder / assignment.release_path.name)
        nbformat.write(hand_in(assignment, number), paths[-1])
    return paths


def environment() -> dict[str, str]:
    """One thread for each process, and this repository's packages."""
    threads = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    return os.environ | threads | {"PYTHONPATH": str(course_root())}


LOOK_SECONDS = 5.0
"""Between two looks at the memory, each of which takes a tenth of a second of a core's time."""


class Memory:
    """The most memory that this process's descendants shared out among them (PSS), in MiB."""

    def __enter__(self) -> Memory:
        self.peak, self._over = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self.peak = max(self.peak, sum(map(_share, descendants(os.getpid()))))


def descendants(parent: int) -> list[int]:
    """Return the processes below one."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                after = (entry / "stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(after[1]), []).append(int(entry.name))
            except OSError:
                continue
    found, queue = [], [parent]
    while queue:
        queue += (new := children.get(queue.pop(), []))
        found += new
    return found


def _share(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0.0


def run(*command: str, cwd: Path) -> None:
    """Run a command to its end; its words are shown when it fails."""
    done = subprocess.run(
        command, cwd=cwd, env=environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")


def ours(root: Path, jobs: int, *more: str) -> None:
    """Grade the class by our command."""
    command = ("-m", "autograder", "grade", SLUG, "--force", "--json", "--jobs", str(jobs))
    run(sys.executable, *command, *more, cwd=root)


def nbgrader(root: Path, *more: str) -> None:
    """Grade by nbgrader's command."""
    run(sys.executable, "-m", "nbgrader", "autograde", SLUG, "--force", *more, cwd=root)


def nbgrader_in_two(root: Path) -> None:
    """Grade by two of nbgrader's commands at the same time, half of the class each."""
    more = ("--Execute.shutdown_kernel=immediate",)
    halves = [
        threading.Thread(target=nbgrader, args=(root, f"--student=s{half}*", *more))
        for half in range(2)
    ]
    for thread in halves:
        thread.start()
    for thread in halves:
        thread.join()


def measure(options: argparse.Namespace, folder: Path) -> dict:
    """Run all contenders in turns; return seconds for each submission, and what else is told."""
    count, few = options.submissions, options.baselines
    make_class(folder / "ours", count)
    stock = make_stock(folder / "stock", few, hand_in)
    otter, why_not = make_otter(folder / "otter", folder / "stock", options.otter)
    contenders: dict[str, tuple[int, Callable[[], None]]] = {
        "ours_2_jobs": (count, lambda: ours(folder / "ours", 2, "--marks-only")),
        "nbgrader_serial": (few, lambda: nbgrader(stock)),
        "ours_1_job": (count, lambda: ours(folder / "ours", 1, "--marks-only")),
        "nbgrader_2_processes": (few, lambda: nbgrader_in_two(stock)),
    }
    contenders["ours_2_jobs_feedback"] = (count, lambda: ours(folder / "ours", 2))
    if otter is not None:
        contenders["otter"] = (few, lambda: otter_run(otter, folder / "otter"))
    times: dict[str, list[float]] = {name: [] for name in NAMES}
    memory: dict[str, float] = {}
    for _ in range(options.rounds):
        for name, (graded, work) in contenders.items():
            with Memory() as watched:
                began = time.perf_counter()
                work()
                times[name].append((time.perf_counter() - began) / graded)
            memory[name] = max(memory.get(name, 0.0), watched.peak)
        times["floor"].append(floor(folder / "ours", SLUG, min(few, count)))
    result: dict = {
        name: round(statistics.median(found), 4) if found else None for name, found in times.items()
    }
    result |= {"submissions": count, "baseline_submissions": few, "rounds": options.rounds}
    result["peak_mib"] = {name: round(peak) for name, peak in memory.items()}
    if why_not:
        result["otter_missing"] = why_not
    if options.profile:
        result["profile_ms"] = profile(folder / "ours")
    return result


def profile(root: Path) -> dict[str, float]:
    """Grade the class once more, in one worker; return a submission's median milliseconds by step.

    `way` is waiting for a worker and the way there and back.
    """
    settings = classroom.Options(jobs=1, force=True)
    console = Console(file=sys.stderr)
    rows = classroom.grade_class([SLUG], options=settings, root=root, console=console)
    steps = dict.fromkeys(step for row in rows for step in row.spent)
    return {
        step: round(1000 * statistics.median(row.spent.get(step, 0.0) for row in rows), 1)
        for step in steps
    }


def table(result: dict) -> str:
    """The result as a table for people."""
    lines = [
        "| | seconds a submission | times ours, 2 jobs | peak memory, MiB |",
        "|---|---|---|---|",
    ]
    for name, told in NAMES.items():
        seconds = result[name]
        if seconds is None:
            lines.append(f"| {told} | not run: {result['otter_missing']} | | |")
            continue
        ratio = seconds / result["ours_2_jobs"]
        memory = result["peak_mib"].get(name, "")
        lines.append(f"| {told} | {seconds:.3f} | {ratio:.2f} | {memory} |")
    two, one = result["ours_2_jobs"], result["ours_1_job"]
    lines.append(
        f"\n{result['submissions']} submissions for this grader, {result['baseline_submissions']} "
        f"for the others, median of {result['rounds']} rounds. One job is "
        f"{result['nbgrader_serial'] / one:.1f} times as quick as nbgrader, and two are "
        f"{result['nbgrader_serial'] / two:.1f} times. The floor is {two / result['floor']:.1f}, "
        f"{one / result['floor']:.1f} times as quick as two jobs and one."
    )
    for step, spent in result.get("profile_ms", {}).items():
        lines.append(f"{step:>16} {spent:8.1f} ms")
    return "\n".join(lines)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--submissions", type=int, default=200)
    parser.add_argument("--baselines", type=int, default=8, help="submissions for the others")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--otter", type=Path, help="a virtual environment with otter-grader")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        result = measure(options, Path(folder).resolve())
    print(json.dumps(result) if options.json else table(result))


if __name__ == "__main__":
    main()

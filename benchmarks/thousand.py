"""A large class in one run: is the memory flat, is anything left over, does the cost stay?

    python benchmarks/thousand.py                      # 1,000 submissions of a1, 2 jobs
    python benchmarks/thousand.py --submissions 200

Prints one JSON object: the memory of all processes (PSS, MiB) from 50 submissions to the end, what
a submission costs after the first 50 and at the end (a tenth of the class each: seconds in a worker
and its writing, and processor seconds of all processes), the gradebook's rows, and what was left:
processes, descriptors of this process, files in the folder for temporary files. `yardstick` is the
processor time of one piece of work that is always the same, over the same submissions: a machine is
not equally quick all the time. `end_to_begin` is the cost at the end to that after the first 50, on
a straight line through the whole run, so that a slow moment at either end says little: in seconds,
in yardsticks, and in processor seconds and yardsticks.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from multiprocessing import resource_tracker
from pathlib import Path

import numpy as np
from grading import SLUG, _share, descendants, make_class
from nbgrader.api import Gradebook

from autograder import classroom
from autograder.gradebook import Row
from autograder.progress import Progress
from autograder.workers import prepare_workers

WARM = 50
"""Submissions after which every known mistake has been met."""
LOOK = 10
"""Submissions between two looks, each of which takes some hundredths of a second."""
OWN = ("resource_tracker", "multiprocessing.forkserver")
"""Python's own processes, one of each: they end with their parent."""


class Watch(Progress):
    """Note the memory and the processor time of all processes after each ten submissions."""

    def __init__(self, total: int) -> None:
        super().__init__(total)
        self.memory: dict[int, float] = {}
        self.used: dict[int, float] = {}
        self.yardsticks: dict[int, float] = {}
        self.rows: list[Row] = []

    def ended(self, row: Row) -> None:
        """Count, and look."""
        super().ended(row)
        self.rows.append(row)
        if self.done % LOOK == 0:
            processes = [os.getpid(), *descendants(os.getpid())]
            self.memory[self.done] = sum(map(_share, processes))
            self.used[self.done] = sum(map(processor_seconds, processes))
            self.yardsticks[self.done] = yardstick()

    def seconds(self, begin: int, end: int) -> float:
        """A submission's mean seconds, from one number of submissions to another."""
        return round(statistics.mean(row.seconds for row in self.rows[begin:end]), 3)

    def processor(self, begin: int, end: int) -> float:
        """A submission's mean processor seconds, of all processes."""
        return round((self.used[end] - self.used[begin]) / (end - begin), 3)

    def yardstick(self, begin: int, end: int) -> float:
        """The yardstick's median, over the same submissions."""
        looked = [seconds for done, seconds in self.yardsticks.items() if begin <= done <= end]
        return round(statistics.median(looked), 5)

    def end_to_begin(self) -> dict[str, float]:
        """What a submission costs at the end to what it costs when all is warm."""
        looks = [done for done in self.used if done >= WARM]
        used = np.diff([self.used[done] for done in looks])
        seconds = line(range(WARM, len(self.rows)), [row.seconds for row in self.rows[WARM:]])
        yardsticks = line(looks, [self.yardsticks[done] for done in looks])
        return {
            "seconds": round(seconds, 3),
            "seconds_in_yardsticks": round(seconds / yardsticks, 3),
            "processor_seconds_in_yardsticks": round(line(looks[1:], used) / yardsticks, 3),
        }


def line(places: Sequence[int], values: Sequence[float]) -> float:
    """Return the last value to the first, on the straight line that fits the values best."""
    slope, begin = np.polyfit(places, values, 1)
    return float((begin + slope * places[-1]) / (begin + slope * places[0]))


def yardstick() -> float:
    """Return the processor seconds of some work like ours: Python objects, text, and arrays.

    Without a look for garbage, which takes the longer the more this process has kept.
    """
    gc.disable()
    began = time.process_time()
    square = np.linspace(0, 1, 100 * 100).reshape(100, 100)
    for number in range(30):
        told = json.dumps([{"cell": n, "source": f"x = {n + number}"} for n in range(100)])
        square = np.tanh(square @ square / len(json.loads(told)))
    used = time.process_time() - began
    gc.enable()
    return used


def processor_seconds(pid: int) -> float:
    """The processor time that a process has used, with its children that have ended."""
    try:
        after = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, after[11:15])) / os.sysconf("SC_CLK_TCK")


def left_processes() -> list[str]:
    """Return the command lines of what still runs below this process."""
    found = []
    for pid in descendants(os.getpid()):
        told = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
        if not any(name in told for name in OWN):
            found.append(told.strip())
    return found


def main() -> None:
    """Grade, and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--submissions", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    count = options.submissions
    if count < 2 * WARM:
        parser.error(f"--submissions must be at least {2 * WARM}. Got {count}")
    with tempfile.TemporaryDirectory(prefix="thousand-") as folder:
        root = Path(folder).resolve() / "course"
        make_class(root, count)
        resource_tracker.ensure_running()  # Python's own, once for a process, as is the next one:
        prepare_workers()  # neither is what a run leaves
        before = set(os.listdir(tempfile.gettempdir()))
        descriptors = len(os.listdir("/proc/self/fd"))
        watch = Watch(count)
        classroom.make_progress = lambda *_: watch
        began = time.perf_counter()
        rows = classroom.grade_class(root=root, options=classroom.Options(jobs=options.jobs))
        seconds = time.perf_counter() - began
        with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
            entered = len(gradebook.assignment_submissions(SLUG))
        end = count // LOOK * LOOK
        tenth = max(count // 10 // LOOK, 1) * LOOK
        looked = {WARM, *list(watch.memory)[:: max(len(watch.memory) // 10, 1)], end}
        parts = {"after_the_first": (WARM, WARM + tenth), "at_the_end": (end - tenth, end)}
        result = {
            "submissions": count,
            "jobs": options.jobs,
            "seconds_of_the_run": round(seconds, 1),
            "errors": sum(row.error is not None for row in rows),
            "in_gradebook": entered,
            "memory_mib": {str(done): round(watch.memory[done]) for done in sorted(looked)},
            "seconds": {name: watch.seconds(*part) for name, part in parts.items()},
            "processor_seconds": {name: watch.processor(*part) for name, part in parts.items()},
            "yardstick": {name: watch.yardstick(*part) for name, part in parts.items()},
            "end_to_begin": watch.end_to_begin(),
            "left_processes": left_processes(),
            "left_descriptors": len(os.listdir("/proc/self/fd")) - descriptors,
            "left_temporary_files": sorted(set(os.listdir(tempfile.gettempdir())) - before),
        }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()

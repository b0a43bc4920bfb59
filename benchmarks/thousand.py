"""A large class in one run: is the memory flat, is anything left over, does the cost stay?

    python benchmarks/thousand.py                      # 1,000 submissions of a1, 2 jobs
    python benchmarks/thousand.py --submissions 200

Prints one JSON object: the memory of all processes (PSS, MiB) from 50 submissions to the end, a
submission's mean seconds in a worker over the first and the last tenth, the gradebook's rows, and
what was left: processes, descriptors of this process, files in the folder for temporary files.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from multiprocessing import resource_tracker
from pathlib import Path

from grading import SLUG, _share, descendants, make_class
from nbgrader.api import Gradebook

from autograder import classroom
from autograder.gradebook import Row
from autograder.progress import Progress

WARM = 50
OWN = ("resource_tracker", "multiprocessing.forkserver")
"""Python's own processes, one of each: they end with their parent."""


class Watch(Progress):
    """Note the memory of all processes after each ten submissions."""

    def __init__(self, total: int) -> None:
        super().__init__(total)
        self.memory: dict[int, float] = {}
        self.rows: list[Row] = []

    def ended(self, row: Row) -> None:
        """Count, and look."""
        super().ended(row)
        self.rows.append(row)
        if self.done % 10 == 0:
            mine = _share(os.getpid())
            self.memory[self.done] = mine + sum(map(_share, descendants(os.getpid())))


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
    with tempfile.TemporaryDirectory(prefix="thousand-") as folder:
        root = Path(folder).resolve() / "course"
        make_class(root, count)
        before = set(os.listdir(tempfile.gettempdir()))
        resource_tracker.ensure_running()  # Python's own, once for a process: not what a run leaves
        descriptors = len(os.listdir("/proc/self/fd"))
        watch = Watch(count)
        classroom.make_progress = lambda *_: watch
        began = time.perf_counter()
        rows = classroom.grade_class(root=root, options=classroom.Options(jobs=options.jobs))
        seconds = time.perf_counter() - began
        with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
            entered = len(gradebook.assignment_submissions(SLUG))
        graded = [row.seconds for row in watch.rows]
        tenth = max(count // 10, 8)
        warm = min(watch.memory, key=lambda done: abs(done - WARM))
        looked = {warm, *list(watch.memory)[:: max(len(watch.memory) // 10, 1)], max(watch.memory)}
        result = {
            "submissions": count,
            "jobs": options.jobs,
            "seconds": round(seconds, 1),
            "errors": sum(row.error is not None for row in rows),
            "in_gradebook": entered,
            "memory_mib": {str(done): round(watch.memory[done]) for done in sorted(looked)},
            "first_tenth_seconds": round(statistics.mean(graded[8 : 8 + tenth]), 3),
            "last_tenth_seconds": round(statistics.mean(graded[-tenth:]), 3),
            "left_processes": left_processes(),
            "left_descriptors": len(os.listdir("/proc/self/fd")) - descriptors,
            "left_temporary_files": sorted(set(os.listdir(tempfile.gettempdir())) - before),
        }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()

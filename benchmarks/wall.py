"""What the wall costs an honest submission: the same notebook with all layers and with none.

    python benchmarks/wall.py [--rounds 20]

Both ways are measured in one run, by turns, so that a busy machine slows both alike: start of the
student's process, the cells, an examination of three small exercises, the end. What both share
(starting Python, importing NumPy and IPython) cancels; the difference is what namespaces, mounts,
another user, limits, Landlock and seccomp cost together.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from autograder.grading import grade_notebook  # noqa: E402
from autograder.mistakes import MistakeBank  # noqa: E402
from autograder.sandbox import Limits, UnsafeSandbox  # noqa: E402
from tests.submissions import small_course as tiny  # noqa: E402

ALLOWED_MS = 20.0


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    warnings.simplefilter("ignore", UnsafeSandbox)
    assignment = tiny.Assignment(tiny.SLUG, ROOT, tiny.make_exercises())
    bank = MistakeBank(assignment)
    seconds: dict[str, list[float]] = {"none": [], "bwrap": []}
    for turn in range(rounds + 2):
        for backend, spent in seconds.items():
            began = time.perf_counter()
            graded = grade_notebook(
                tiny.notebook(), assignment, seed=turn, limits=Limits(), backend=backend, bank=bank
            )
            assert sum(v.points for v in graded.verdicts.values()) == 7, graded.notes
            if turn >= 2:  # the first two warm the caches
                spent.append(time.perf_counter() - began)
    pairs = [w - o for w, o in zip(seconds["bwrap"], seconds["none"], strict=True)]
    print(f"{rounds} rounds, median (fastest), milliseconds for one submission")
    for backend, spent in seconds.items():
        print(f"  {backend:6} {1000 * statistics.median(spent):8.1f} ({1000 * min(spent):.1f})")
    cost = 1000 * statistics.median(pairs)
    print(f"  all layers together: {cost:.1f} (allowed: {ALLOWED_MS:g})")


if __name__ == "__main__":
    main()

"""The grader's own memory while it works: this process and all that it starts, but no sandbox."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

SECONDS = 0.2


class Watch:
    """Samples, in a thread of its own, the peaks of the grader's processes; `peak` in bytes is the
    largest sum. What is inside a sandbox has another pid namespace, and limits of its own.
    """

    def __init__(self) -> None:
        self.peak = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(SECONDS):
            self.peak = max(self.peak, grader_memory())


def grader_memory() -> int:
    """Return the sum of the peaks of this process's memory and of those below it, in bytes."""
    waiting, total, home = [os.getpid()], 0, namespace(os.getpid())
    while waiting:
        pid = waiting.pop()
        if home is None or namespace(pid) != home:
            continue
        with contextlib.suppress(OSError):
            total += peak_of(pid)
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
    return total


def peak_of(pid: int) -> int:
    """Return the most memory that a process has had, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10
    return 0


def namespace(pid: int) -> str | None:
    """Return which processes this one sees; None where that is not ours to know."""
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return None

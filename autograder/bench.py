"""What a process that grades keeps between submissions: parsed notebooks, the known mistakes'
answers, and a server that starts students' processes.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from nbformat import NotebookNode

if TYPE_CHECKING:
    from autograder.course import Assignment
    from autograder.mistakes import MistakeBank
    from autograder.submission import Material

KEPT = 4
"""Assignments whose material is kept; a class is graded one assignment after the other."""


class Bench:
    """The tools of one process. Use it through `bench()`, by one submission at a time."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], Any] = {}
        self._open = ExitStack()
        self._starters: dict[str, Callable[..., Any] | None] = {}

    def release(self, material: Material) -> NotebookNode:
        """Return the released notebook; not to be changed."""
        return self.kept("release", material, lambda: nbformat.reads(material.release, 4))

    def assignment(self, material: Material) -> Assignment:
        """Return the assignment, with its exercises from this process's `autograder`."""
        return self.kept("assignment", material, lambda: sent_assignment(material))

    def bank(self, material: Material) -> MistakeBank | None:
        """Return the answers of the known mistakes, worked out once in this process."""

        def make() -> MistakeBank:
            from autograder.mistakes import MistakeBank

            return MistakeBank(self.assignment(material))

        return self.kept("bank", material, make)

    def starter(self, backend: str) -> Callable[..., Any] | None:
        """Return what starts a student's process quickly; None where only the plain start works."""
        if backend not in self._starters:
            self._starters[backend] = self._preloaded(backend)
        return self._starters[backend]

    def close(self) -> None:
        """End what was started."""
        self._made.clear()
        self._starters.clear()
        self._open.close()

    def _preloaded(self, backend: str) -> Callable[..., Any] | None:
        from autograder.sandbox import Preloaded

        return self._open.enter_context(Preloaded(backend=backend)).start

    def kept(self, kind: str, material: Material, make: Callable[[], Any]) -> Any:
        """Return what `make` makes for an assignment's material, made once."""
        key = kind, material.digest
        if key not in self._made:
            while len(self._made) >= 4 * KEPT:
                del self._made[next(iter(self._made))]
            self._made[key] = make()
        return self._made[key]


def sent_assignment(material: Material) -> Assignment:
    """Make an Assignment whose solution was sent along: here may be no course folder."""
    from autograder import exercises
    from autograder.course import Assignment
    from autograder.exercise import load_exercises

    package = f"{exercises.__name__}.{material.slug}"
    assignment = Assignment(material.slug, Path(), load_exercises(package))
    # The place of a cached_property's value.
    assignment.__dict__["solution"] = nbformat.reads(material.solution, 4)
    return assignment


_bench: Bench | None = None
_lock = threading.RLock()


@contextmanager
def bench() -> Iterator[Bench]:
    """Lend the process's tools, to one thread at a time."""
    global _bench
    with _lock:
        if _bench is None:
            _bench = Bench()
            atexit.register(close_bench)
        yield _bench


def close_bench() -> None:
    """End the process's tools; the next `bench()` makes new ones."""
    global _bench
    with _lock:
        if _bench is not None:
            _bench.close()
            _bench = None

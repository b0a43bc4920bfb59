"""What a process that grades keeps between submissions: parsed notebooks, the known mistakes'
answers, and a server that starts students' processes.
"""

from __future__ import annotations

import atexit
import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from nbformat import NotebookNode

if TYPE_CHECKING:
    from autograder.course import Assignment
    from autograder.mistakes import MistakeBank
    from autograder.sandbox import Preloaded
    from autograder.sandbox.starter import Starter
    from autograder.submission import Material

MOST_THINGS = 20
"""Kept: of some four assignments. A class is graded one assignment after the other."""
SERVERS = 2
"""At once: where one assignment ends and the next begins, both are graded for a while."""


class Bench:
    """The tools of one process. Use it through `bench()`, by one submission at a time."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], Any] = {}
        self._servers: dict[tuple[str, tuple[str, ...]], Preloaded] = {}

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

    def starter(self, material: Material, backend: str) -> Starter:
        """Return what starts a student's process quickly.

        Behind it is a server that has imported what this assignment's solution does, and no more:
        without PyTorch, where an assignment does not need it, it is there four times as soon, and
        half as long in forking.
        """
        from autograder.sandbox import Preloaded

        key = backend, self.kept("modules", material, lambda: modules_of(material))
        if key not in self._servers:
            while len(self._servers) >= SERVERS:
                self._servers.pop(next(iter(self._servers))).close()
            self._servers[key] = Preloaded(backend=backend, modules=key[1]).__enter__()
        return self._servers[key].start

    def close(self) -> None:
        """End what was started."""
        self._made.clear()
        for server in self._servers.values():
            server.close()
        self._servers.clear()

    def kept(self, kind: str, material: Material, make: Callable[[], Any]) -> Any:
        """Return what `make` makes for an assignment's material, made once."""
        key = kind, material.digest
        if key not in self._made:
            while len(self._made) >= MOST_THINGS:
                del self._made[next(iter(self._made))]
                gc.unfreeze()
            self._made[key] = make()
            gc.freeze()  # it stays: to look through it for garbage costs more than what is found
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


def modules_of(material: Material) -> tuple[str, ...]:
    """Return the modules that an assignment's solution imports; no exercise has to be loaded."""
    from autograder.course import imported_modules

    return tuple(imported_modules(nbformat.reads(material.solution, 4)))


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

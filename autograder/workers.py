"""Where submissions are graded: executors with the interface of concurrent.futures.

`LocalWorkers` is the default: processes of this machine, each with its own tools
(autograder.bench). Each has a pool of its own, so that one which dies takes nothing along but what
it was doing, and it is known what that was.
"""

from __future__ import annotations

import atexit
import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing.context import BaseContext
from queue import SimpleQueue
from typing import Any

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
FORKS = sys.platform == "linux"
"""Whether workers are forked from a process that has imported everything. Elsewhere system
libraries do not survive that, and each worker imports for itself.
"""


class WorkerDied(RuntimeError):
    """The process that was grading ended; the submission may be graded elsewhere."""


class LocalWorkers(Executor):
    """`jobs` processes of this machine. A task whose process dies fails with WorkerDied.

    They are started when the first task reaches them, and never by forking this process: it may
    have threads. Another one, which has none, imports what they need, and they are its forks.

    While there are cores enough, each stays on one of its own, with all that it starts: it and the
    student's process take turns, and to wake a process on another core takes longer than most of
    what they ask each other.
    """

    def __init__(self, jobs: int) -> None:
        if jobs < 1:
            raise ValueError(f"jobs must be at least 1. Got {jobs}")
        self.jobs = jobs
        self._pools: SimpleQueue[ProcessPoolExecutor] = SimpleQueue()
        self._open: dict[ProcessPoolExecutor, int | None] = {}  # with the core it stays on
        self._closed = False
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(jobs, thread_name_prefix="grading")
        cores = available_cores()
        for number in range(jobs):
            self._pools.put(self._new_pool(cores[number] if jobs <= len(cores) else None))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """Run `fn` in one of the processes."""
        return self._threads.submit(self._run, fn, args, kwargs)

    def processes(self) -> list[int]:
        """The process ids of the workers that run."""
        with self._lock:
            return [pid for pool in self._open for pid in (pool._processes or {})]

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes; those that are grading are killed if `cancel_futures`."""
        with self._lock:
            self._closed = True
            pools = list(self._open)
        if cancel_futures:
            for pid in self.processes():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)
        for pool in pools:
            pool.shutdown(wait=wait, cancel_futures=cancel_futures)

    def _run(self, fn: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> Any:
        pool = self._pools.get()
        try:
            return pool.submit(fn, *args, **kwargs).result()
        except BrokenProcessPool:
            pool = self._replaced(pool)
            raise WorkerDied("the process that was grading ended") from None
        finally:
            self._pools.put(pool)

    def _new_pool(self, core: int | None) -> ProcessPoolExecutor:
        pool = ProcessPoolExecutor(
            1,
            mp_context=prepare_workers(),
            initializer=begin_worker,
            initargs=(core, dict(os.environ)),
        )
        self._open[pool] = core
        return pool

    def _replaced(self, pool: ProcessPoolExecutor) -> ProcessPoolExecutor:
        pool.shutdown(wait=True)
        with self._lock:
            core = self._open.pop(pool)
            return pool if self._closed else self._new_pool(core)


def available_cores() -> list[int]:
    """The cores that this process may use, by number; none where the system does not tell."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def prepare_workers() -> BaseContext:
    """Let the process that workers are forked from begin to import, while others work."""
    if not FORKS:
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver  # not every system has it

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["autograder.worker_modules"])
    forkserver.ensure_running()  # Python's own, once for a process; it ends with it
    return context


def one_thread() -> None:
    """Bound the threads of numerical libraries, where nobody has: one is quicker here."""
    for name in THREAD_VARIABLES:
        os.environ.setdefault(name, "1")


def without_grammars() -> None:
    """Spare a process that grades a second: jsonschema compiles a grammar of internationalized
    addresses as it is imported, where that package is installed, and nothing of ours has any.
    """
    sys.modules.setdefault("rfc3987_syntax", None)


def begin_worker(core: int | None = None, environment: Mapping[str, str] | None = None) -> None:
    """What a worker process does first; with `core`, it and what it starts stay on that one.

    `environment` is that of the process that began the run; the one that forks is older.
    """
    without_grammars()
    if environment is not None:
        os.environ.clear()
        os.environ.update(environment)
    one_thread()
    atexit.register(gc.freeze)  # to collect before the end takes a second, and frees nothing
    if core is not None:
        os.sched_setaffinity(0, {core})
    # Ctrl-C goes to the whole group; the process that began the run decides what ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    """End this process when its parent has ended, however that happened."""
    parent.join()
    os._exit(1)


class Inline(Executor):
    """No other process: a task runs when it is submitted. For tests and for looking closely."""

    jobs = 1

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """Run `fn` now."""
        future: Future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@contextmanager
def open_workers(jobs: int | None, submissions: int) -> Iterator[Executor]:
    """Open local workers: as many as the machine has cores, but none without work."""
    cores = len(available_cores()) or os.cpu_count() or 1
    workers = LocalWorkers(max(1, min(jobs or cores, submissions)))
    finished = False
    try:
        yield workers
        finished = True
    finally:
        workers.shutdown(wait=True, cancel_futures=not finished)

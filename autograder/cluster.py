"""Grade on a Dask cluster: its own executor, after a look at whether its workers are ours.

The workers must have this version of the course installed, and a sandbox. They need no course
folder, no gradebook and no network but the scheduler's: what they grade is sent to them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from typing import Any

from autograder.bench import close_bench
from autograder.unchanged import grader_digest

CONNECT_SECONDS = 20
ALLOWED_DEATHS = 1
"""Workers that may die over a task before the cluster gives it up at the next death."""


class ClusterUnusable(RuntimeError):
    """There is no cluster to grade on; the message says what to do."""


class ClusterWorkers(Executor):
    """A cluster's executor, and how many tasks it can do at a time (`jobs`)."""

    def __init__(self, executor: Executor, jobs: int) -> None:
        self._executor, self.jobs = executor, jobs

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """Run `fn` on a worker."""
        return self._executor.submit(fn, *args, **kwargs)


@contextmanager
def open_cluster(address: str) -> Iterator[ClusterWorkers]:
    """Connect to the scheduler at `address`; raises ClusterUnusable."""
    try:
        from distributed import Client
    except ImportError:
        raise ClusterUnusable(
            "grading on a cluster needs dask.distributed: pip install 'cs231n-course[cluster]'"
        ) from None
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ClusterUnusable(
            f"no Dask scheduler answers at {address}: start one with `dask scheduler`, and workers "
            f"with `dask worker {address} --nthreads 1`. ({error})"
        ) from None
    with client:
        threads = client.nthreads()
        if not threads:
            raise ClusterUnusable(
                f"the scheduler at {address} has no workers: start some with "
                f"`dask worker {address} --nthreads 1 --nworkers 4`"
            )
        _same_grader(client)
        client.run_on_scheduler(_allow_deaths, ALLOWED_DEATHS)
        try:
            yield ClusterWorkers(client.get_executor(pure=False), len(threads))
        finally:
            with suppress(Exception):  # a cluster that is gone has no tools left either
                client.run(close_bench)


def _same_grader(client: Any) -> None:
    """Raise ClusterUnusable if a worker would mark by other code than ours."""
    for worker, digest in client.run(grader_digest).items():
        if digest != grader_digest():
            raise ClusterUnusable(
                f"the worker at {worker} has another version of the course, or of numpy, torch or "
                "nbgrader: install the same on all machines"
            )


def _allow_deaths(count: int, dask_scheduler: Any = None) -> None:
    dask_scheduler.allowed_failures = count

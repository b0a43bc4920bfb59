"""What workers are given in tests: functions that another process can import."""

import os
import signal
import sys
import threading
import time

from autograder.workers import LocalWorkers


def where(value):
    """Return the value, and the process that it was made in."""
    return value, os.getpid()


def die():
    """End the process as the kernel does when memory is out."""
    os.kill(os.getpid(), signal.SIGKILL)


def raise_key_error():
    """Fail without harm."""
    raise KeyError("mine")


def threads():
    """How many threads numerical libraries may start here."""
    return os.environ["OMP_NUM_THREADS"]


def cores():
    """The cores that this worker may use."""
    return os.sched_getaffinity(0)


def imported():
    """Whether this process had PyTorch and the grader from its beginning, and its threads."""
    return "torch" in sys.modules, "autograder.submission" in sys.modules, threading.active_count()


def variable(name):
    """An environment variable of this process."""
    return os.environ.get(name)


if __name__ == "__main__":
    # Print the workers' process ids, and work for ever.
    with LocalWorkers(2) as workers:
        for _ in range(2):
            workers.submit(time.sleep, 600)
        while len(workers.processes()) < 2:
            time.sleep(0.05)
        print(*workers.processes(), flush=True)
        sys.stdin.read()

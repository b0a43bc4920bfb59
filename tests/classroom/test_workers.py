"""Worker processes: what they do, and what is left when one of them, or their parent, dies."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from pathlib import Path

import pytest
import tasks

from autograder import schedule
from autograder.gradebook import Row
from autograder.progress import Lines, on_whom, slowest
from autograder.workers import FORKS, LocalWorkers, WorkerDied, available_cores


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_a_dead_worker_costs_its_own_task_and_another_takes_its_place():
    with LocalWorkers(2) as workers:
        first, dead = workers.submit(tasks.where, 1), workers.submit(tasks.die)
        value, process = first.result()
        assert value == 1
        assert process != os.getpid()
        with pytest.raises(WorkerDied):
            dead.result()
        later = [workers.submit(tasks.where, number) for number in range(4)]
        assert [future.result()[0] for future in later] == [0, 1, 2, 3]
        with pytest.raises(KeyError, match="mine"):
            workers.submit(tasks.raise_key_error).result()
        assert workers.submit(tasks.threads).result() == "1"
        pids = workers.processes()
        assert len(pids) == 2
    wait_until(lambda: not any(map(alive, pids)))


@pytest.mark.skipif(not available_cores(), reason="this system does not tell a process's cores")
def test_a_worker_stays_on_a_core_of_its_own_while_there_are_enough_also_after_another_died():
    with LocalWorkers(1) as workers:
        assert workers.submit(tasks.cores).result() == {available_cores()[0]}
        with pytest.raises(WorkerDied):
            workers.submit(tasks.die).result()
        assert workers.submit(tasks.cores).result() == {available_cores()[0]}
    with LocalWorkers(len(available_cores()) + 1) as workers:
        assert workers.submit(tasks.cores).result() == set(available_cores())


@pytest.mark.skipif(not FORKS, reason="workers are not forked here")
def test_a_worker_begins_with_everything_imported_and_with_this_process_as_it_is_now(monkeypatch):
    monkeypatch.setenv("CS231N_SAID_LATELY", "yes")
    with LocalWorkers(1) as workers:
        has_torch, has_grader, count = workers.submit(tasks.imported).result()
        assert has_torch
        assert has_grader
        # The task's own, the one that watches the parent, and the pool's that sends results.
        assert count <= 3
        assert workers.submit(tasks.variable, "CS231N_SAID_LATELY").result() == "yes"
        assert workers.submit(tasks.threads).result() == "1"


@pytest.mark.skipif(not FORKS, reason="workers are not forked here")
def test_when_the_process_that_forks_dies_its_workers_do_too_and_others_take_their_place():
    with LocalWorkers(1) as workers:
        parent, (_, worker) = (
            workers.submit(os.getppid).result(),
            workers.submit(tasks.where, 1).result(),
        )
        os.kill(parent, signal.SIGKILL)
        wait_until(lambda: not alive(worker))
        with pytest.raises(WorkerDied):
            workers.submit(tasks.where, 2).result()
        value, other = workers.submit(tasks.where, 3).result()
        assert value == 3
        assert other != worker


def test_workers_that_are_busy_are_killed_when_the_run_is_given_up():
    workers = LocalWorkers(1)
    workers.submit(time.sleep, 600)
    wait_until(lambda: workers.processes())
    pids = workers.processes()
    workers.shutdown(cancel_futures=True)
    wait_until(lambda: not any(map(alive, pids)))


def test_no_worker_outlives_a_parent_that_is_killed(repository):
    environment = os.environ | {"PYTHONPATH": str(repository)}
    with subprocess.Popen(
        [sys.executable, tasks.__file__],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        assert all(map(alive, pids))
        # They watch their parent as soon as they have begun.
        time.sleep(1)
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: not any(map(alive, pids)))


@pytest.mark.parametrize("jobs", [0, -1])
def test_there_must_be_a_worker(jobs):
    with pytest.raises(ValueError, match="at least 1"):
        LocalWorkers(jobs)


# ---------------------------------------------------------------- what a run tells
def test_plain_lines_say_how_far_it_is_and_how_long_it_will_take(monkeypatch):
    told = []

    class Told:
        def print(self, text, **_):
            told.append(text)

    now = [0.0]
    monkeypatch.setattr("autograder.progress.time.monotonic", lambda: now[0])
    lines = Lines(4, Told())
    for second in (2.0, 12.0, 13.0):
        now[0] = second
        lines.ended(Row("a1", "ada"))
    assert told == ["graded 2 of 4, 0.2/s, about 12 s left"]


def test_the_bar_names_whom_workers_are_on_the_longest_first(monkeypatch):
    monkeypatch.setattr("autograder.progress.time.perf_counter", lambda: 10.0)
    running = []
    for name, sent in (("ada", 9.5), ("ben", 3.0)):
        future = Future()
        future.set_running_or_notify_cancel()
        running.append((future, schedule.Task(None, name, sent=sent)))
    queued = (Future(), schedule.Task(None, "cid", sent=9.9))
    assert on_whom([*running, queued]) == "ben 7 s, ada"


def test_the_slowest_of_a_larger_class_are_named():
    rows = [Row("a1", f"s{number}", seconds=float(number)) for number in range(12)]
    assert slowest(rows) == "slowest: s11 11.0 s, s10 10.0 s, s9 9.0 s, s8 8.0 s, s7 7.0 s"
    assert slowest(rows[:10]) == ""

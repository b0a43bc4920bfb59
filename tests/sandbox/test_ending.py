"""When a submission ends, however it ends, nothing of it runs on."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from autograder.sandbox import cgroups, mounts

SECONDS = 30.0  # far more than it takes, on a busy machine too


def descendants(pid):
    """The process and all that it started, with their start times: a number may be given again."""
    found = {pid: started_at(pid)}
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found |= descendants(int(child))
    return found


def started_at(pid):
    """When a process started; None when it has gone or is only waited for."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return None if after_name[0] in "ZX" else after_name[19]


def alive(tree):
    return [pid for pid, start in tree.items() if start and started_at(pid) == start]


def wait_until_gone(tree):
    deadline = time.monotonic() + SECONDS
    while alive(tree) and time.monotonic() < deadline:
        time.sleep(0.02)
    return alive(tree)


STUBBORN = """
import signal, threading, time
for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
def go_on():
    while True:
        try:
            time.sleep(0.01)
        except BaseException:
            pass
for _ in range(8):
    threading.Thread(target=go_on).start()
"""


def test_threads_that_ignore_everything_end_with_their_session(fresh):
    session = fresh()
    assert session.run_cell(STUBBORN).status == "ok"
    tree = descendants(session._child._process.pid)
    assert len(tree) >= 3  # bwrap, the first process inside, the student's
    student = max(tree)
    assert len(list(Path(f"/proc/{student}/task").iterdir())) >= 9
    session.close()
    assert alive(tree) == []  # at once: close() returns when they are gone


GRADER = """
import json, sys, time
from autograder.sandbox import start_session
session = start_session(backend="bwrap")
assert session.run_cell({cell!r}).status == "ok"
folders = [str(folder) for folder in session._child._group.folders]
print(json.dumps([session._child._process.pid, folders]), flush=True)
{then}
"""
AS_IT_IS_KILLED = {
    "while it waits": "time.sleep(600)",
    "in the middle of a cell": "session.run_cell('while True: pass', timeout=600)",
}


@pytest.mark.parametrize("moment", AS_IT_IS_KILLED)
def test_a_killed_grader_takes_its_students_with_it(wall, moment):
    code = GRADER.format(cell=STUBBORN, then=AS_IT_IS_KILLED[moment])
    grader = subprocess.Popen(
        [sys.executable, "-c", code], cwd=mounts.GRADER.parent, stdout=subprocess.PIPE, text=True
    )
    with grader:
        pid, folders = json.loads(grader.stdout.readline())
        time.sleep(0.2)
        tree = descendants(pid)
        assert len(alive(tree)) >= 3
        os.kill(grader.pid, signal.SIGKILL)
    assert wait_until_gone(tree) == []
    cgroups._sweep.cache_clear()
    for folder in map(Path, folders):  # what a killed grader leaves, the next one removes
        cgroups._sweep(folder.parent)
        assert not folder.exists()


def test_an_ordinary_user_that_is_killed_takes_its_students_with_it(wall, as_user):
    """The inner code prints what is left of the sandbox once its own grader has been killed."""
    inner = textwrap.dedent(GRADER).format(cell=STUBBORN, then=AS_IT_IS_KILLED["while it waits"])
    code = f"""
    import json, os, signal, subprocess, sys, time
    sys.path.insert(0, {str(Path(__file__).parent)!r})
    from test_ending import alive, descendants, wait_until_gone
    grader = subprocess.Popen([sys.executable, "-c", {inner!r}], stdout=subprocess.PIPE, text=True)
    tree = descendants(json.loads(grader.stdout.readline())[0])
    before = len(alive(tree))
    os.kill(grader.pid, signal.SIGKILL)
    print(json.dumps([before, wait_until_gone(tree)]))
    """
    ran = as_user(code)
    assert ran.returncode == 0, ran.stderr
    before, after = json.loads(ran.stdout.splitlines()[-1])
    assert before >= 3
    assert after == []

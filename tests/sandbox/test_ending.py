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
from autograder.sandbox.preloaded import Forked, process_id

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


def processes(session):
    """The processes of one session, with their start times."""
    child = session._child
    if isinstance(child, Forked):  # the first process of its place, and the student's
        return {pid: started_at(pid) for pid in (process_id(child._first), child.pid)}
    return descendants(child._process.pid)  # bwrap too


def test_threads_that_ignore_everything_end_with_their_session(fresh):
    session = fresh()
    assert session.run_cell(STUBBORN).status == "ok"
    tree = processes(session)
    assert len(alive(tree)) >= 2
    threads = [len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in tree]
    assert max(threads) >= 9
    session.close()
    assert session.dead == "closed"
    assert alive(tree) == []  # at once: close() returns when they are gone


def test_nothing_is_left_when_the_student_ends_the_process(fresh):
    session = fresh()
    tree = processes(session)
    assert session.run_cell("import os\nos._exit(3)").status == "dead"
    assert "exit code 3" in session.dead
    assert alive(tree) == []


GRADER = """
import json, sys, time
from autograder.sandbox import Preloaded, start_session
{start}
assert session.run_cell({cell!r}).status == "ok"
folders = [str(folder) for folder in session._child._group.folders]
print(json.dumps([process.pid, folders]), flush=True)
{then}
"""
STARTS = {
    "plain": 'session = start_session(backend="bwrap")\nprocess = session._child._process',
    "forked": """server = Preloaded(modules=[])
session = start_session(backend="bwrap", starter=server.start)
assert not server.why_not, server.why_not
process = server._server._process""",
}
AS_IT_IS_KILLED = {
    "while it waits": "time.sleep(600)",
    "in the middle of a cell": "session.run_cell('while True: pass', timeout=600)",
}


@pytest.mark.parametrize("moment", AS_IT_IS_KILLED)
@pytest.mark.parametrize("start", STARTS)
def test_a_killed_grader_takes_its_students_with_it(wall, moment, start):
    code = GRADER.format(start=STARTS[start], cell=STUBBORN, then=AS_IT_IS_KILLED[moment])
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


@pytest.mark.parametrize("start", STARTS)
def test_an_ordinary_user_that_is_killed_takes_its_students_with_it(wall, as_user, start):
    """The inner code prints what is left of the sandbox once its own grader has been killed."""
    inner = textwrap.dedent(GRADER).format(
        start=STARTS[start], cell=STUBBORN, then=AS_IT_IS_KILLED["while it waits"]
    )
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

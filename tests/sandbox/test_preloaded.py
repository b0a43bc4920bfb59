"""The fork server: nothing passes from one session to the next, and it may be lost at any time.

What holds for every student's process is in the other files, for both ways to start one.
"""

import contextlib
import json
import logging
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autograder.sandbox import Limits, Preloaded, ServerLost, SessionDead, start_session
from autograder.sandbox.inside import forks, linux
from autograder.sandbox.preloaded import Forked, process_id
from autograder.sandbox.starter import Child


@pytest.fixture(scope="module")
def small(wall):
    """A server that has imported little: it starts, and forks, in less time."""
    with Preloaded(modules=["numpy"]) as server:
        yield server


@pytest.fixture
def own(wall):
    """A server that a test may break."""
    with Preloaded(modules=[]) as server:
        yield server


def begin(server, **limits):
    session = start_session(Limits(**limits), backend="bwrap", starter=server.start)
    if server.why_not:
        session.close()
        pytest.skip(f"no fork server on this machine: {server.why_not}")
    assert isinstance(session._child, Forked)
    return session


def value(session, source):
    """The value that a cell prints as JSON."""
    result = session.run_cell(f"import json\n{source}")
    assert result.status == "ok", result.outputs
    return json.loads("".join(o["text"] for o in result.outputs if o["output_type"] == "stream"))


def all_of(server):
    """The ids here of all processes of a server and of its sessions."""
    found, waiting = [], [server._server._process.pid]
    while waiting:
        found.append(waiting.pop())
        with contextlib.suppress(OSError):  # it has ended meanwhile
            for task in Path(f"/proc/{found[-1]}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
    return [pid for pid in found if is_alive(pid)]


def of_server(server):
    """The id here of the server's own process: inside, it is the second one."""
    (pid,) = [pid for pid in all_of(server) if status(pid, "NSpid")[1:] == ["2"]]
    return pid


def status(pid, name):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.split()[1:] for line in lines if line.startswith(name))


def is_alive(pid):
    try:
        return status(pid, "State")[0] not in "ZX"
    except OSError:
        return False


def memory(pid):
    """Resident memory in KiB."""
    return int(status(pid, "VmRSS")[0])


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


# ---------------------------------------------------------------- nothing is inherited
def test_everything_is_imported_already(servers):
    with start_session(backend="bwrap", starter=servers.start) as session:
        wanted = "torch numpy.fft matplotlib.pyplot torchvision.transforms cs231n_utils.layers"
        source = f"import sys\nprint(json.dumps([m in sys.modules for m in {wanted.split()}]))"
        assert value(session, source) == [True] * 5
        steps = """
import torch, time
t = time.perf_counter()
layer = torch.nn.Linear(3, 3)
optimizer = torch.optim.Adam(layer.parameters())
layer(torch.ones(2, 3)).sum().backward()
optimizer.step()
before = set(sys.modules)
optimizer.step()
print(json.dumps(["torch._dynamo" in sys.modules, len(set(sys.modules) - before)]))
"""
        assert value(session, steps) == [True, 0]


def test_no_two_sessions_draw_the_same_numbers(servers):
    source = """
import random, tempfile, numpy as np, torch
print(json.dumps([random.random(), np.random.rand(), torch.rand(1).item(),
                  np.random.default_rng().random(), tempfile.mktemp()]))
"""
    drawn = []
    for _ in range(3):
        with start_session(backend="bwrap", starter=servers.start) as session:
            drawn.append(value(session, source))
    for three in zip(*drawn, strict=True):
        assert len(set(three)) == 3


def test_everything_else_is_as_in_a_new_process(small):
    source = """
import os, signal, sys
signals = {s.name: str(signal.getsignal(s)) for s in signal.Signals if s is not signal.SIGINT}
print(json.dumps([
    dict(os.environ), os.getcwd(), os.umask(0), signals, sys.stdin.read(),
    sys.path, sys.flags.safe_path, sys.argv[1:], __name__,
    sorted(globals()), get_ipython().execution_count, In, Out, [_, __, ___],
    [(top, sorted(inner)) for top, inner, _ in sorted(os.walk("/tmp/home"))],
]))
"""
    with start_session(backend="bwrap") as plain, begin(small) as forked:
        for new, old in zip(value(forked, source), value(plain, source), strict=True):
            assert new == old
        for cell in ("1 / 0", "6 * 7", "_, __, In, Out", "print('a')", "%who", "display(1)"):
            assert forked.run_cell(cell).outputs == plain.run_cell(cell).outputs


def test_no_name_and_no_file_of_another_submission_is_there(small):
    leave = """
import os, sys, numpy as np
np.left_behind = marker = 8313
sys.path.insert(0, "/job")
os.environ["LEFT_BEHIND"] = "8313"
for folder in ("/tmp", "/job", "/dev/shm", "/tmp/home"):
    open(folder + "/left-8313", "w").close()
os.environ["HOME"] = "/job"
print("[]")
"""
    look = """
import os, sys, numpy as np
files = [f for folder in ("/tmp", "/job", "/dev/shm", "/tmp/home") for f in os.listdir(folder)]
print(json.dumps([hasattr(np, "left_behind"), "marker" in globals(), "/job" == sys.path[0],
                  "LEFT_BEHIND" in os.environ, any("8313" in f for f in files)]))
"""
    with begin(small) as first:
        value(first, leave)
        with begin(small) as beside:  # while the other is still there
            assert value(beside, look) == [False] * 5
    with begin(small) as after:
        assert value(after, look) == [False] * 5


def test_two_sessions_at_a_time_do_not_see_each_other(small):
    source = """
import os
def namespaces():
    return {name: os.readlink("/proc/self/ns/" + name) for name in os.listdir("/proc/self/ns")}
kinds = [os.readlink("/proc/self/fd/" + n) for n in os.listdir("/proc/self/fd")[:-1]]
print(json.dumps([namespaces(), kinds, sorted(p for p in os.listdir("/proc") if p.isdigit())]))
"""
    with begin(small) as one, begin(small) as other:
        (spaces, kinds, seen), (others, other_kinds, _) = value(one, source), value(other, source)
        assert seen == ["1", "2"]
        for name in ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup"):
            assert spaces[name] != others[name] != os.readlink(f"/proc/self/ns/{name}")
        sockets = [
            [kind for kind in each if kind.startswith("socket")] for each in (kinds, other_kinds)
        ]
        assert len(sockets[0]) == len(sockets[1]) == 1
        assert sockets[0] != sockets[1]


def test_the_server_is_not_in_reach_of_a_students_frames(small):
    """The walk up the stack ends at our runner, and no object in memory is the server's."""
    source = """
import gc, sys
frame, names = sys._getframe(), []
while frame:
    names += [type(value).__name__ for value in frame.f_locals.values()]
    frame = frame.f_back
gc.unfreeze()
names += [type(each).__name__ for each in gc.get_objects()]
print(json.dumps([name for name in ("Server", "Maker") if name in names]))
"""
    with begin(small) as session:
        assert value(session, source) == []


def test_the_first_process_of_a_place_holds_nothing_and_tells_nothing(small):
    with begin(small) as session:
        first = process_id(session._child._first)
        if os.geteuid() == 0:  # to anybody else, its descriptors are closed from outside, too
            held = os.listdir(f"/proc/{first}/fd")
            assert {os.readlink(f"/proc/{first}/fd/{number}") for number in held} <= {
                "/dev/null",
                "anon_inode:[pidfd]",
                os.readlink(f"/proc/{of_server(small)}/fd/2"),
            }
        source = """
import os
told = []
for name in ("environ", "maps", "fd", "root", "mem"):
    try:
        path = "/proc/1/" + name
        told.append(os.listdir(path) if name in ("fd", "root") else open(path, "rb").read(1) != b"")
    except OSError:
        pass
try:
    os.kill(1, 9)
except OSError:
    pass
print(json.dumps(told))
"""
        assert value(session, source) == []


# ---------------------------------------------------------------- many, and for long
def settled(pid):
    """Return how many descriptors a process keeps: it opens a few while it makes the next place."""
    counts = []
    for _ in range(20):
        counts.append(descriptors(pid))
        time.sleep(0.02)
    return min(counts)


def test_two_hundred_sessions_leave_nothing(small):
    with begin(small):
        pass
    server = of_server(small)
    seen = []
    for number in range(200):
        with begin(small) as session:
            assert value(session, "x = [0] * 100_000\nprint(len(x))") == 100_000
        if number in (49, 199):
            seen.append((memory(server), settled(server), settled(os.getpid())))
    (memory_before, *before), (memory_after, *after) = seen
    assert after == before
    assert memory_after - memory_before < 1024  # KiB
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    assert len(children) <= 1  # the one that makes places
    assert small.started == 1


def test_threads_share_one_server(small):
    def one(number):
        with begin(small) as session:
            return value(session, f"print({number} ** 2)")

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(one, range(24))) == [n**2 for n in range(24)]
    assert small.started == 1


def test_a_server_outlives_the_thread_that_started_it(own):
    own.close()
    thread = threading.Thread(target=lambda: begin(own).close())
    thread.start()
    thread.join()
    time.sleep(0.1)
    with begin(own) as session:
        assert value(session, "print(1)") == 1
    assert own.started == 2


# ---------------------------------------------------------------- losses
def test_a_killed_child_is_one_dead_session(small):
    with begin(small) as session, begin(small) as other:
        os.kill(session._child.pid, signal.SIGKILL)
        assert session.run_cell("1").status == "dead"
        assert "it was killed" in session.dead
        assert other.run_cell("1").status == "ok"
    with begin(small) as next_one:
        assert next_one.run_cell("1").status == "ok"


def test_a_server_that_was_killed_is_started_again(own):
    with begin(own) as session:
        tree = all_of(own)
        os.kill(of_server(own), signal.SIGKILL)
        with pytest.raises(ServerLost):  # not SessionDead: the student's code is not to blame
            session.run_cell("import time; time.sleep(60)")
        with pytest.raises(SessionDead):
            session.request({}, [])
    deadline = time.monotonic() + 20
    while any(map(is_alive, tree)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(tree) >= 6  # bwrap twice, the server, the maker of places, two places, the student
    assert not any(map(is_alive, tree))
    with begin(own) as session:
        assert session.run_cell("1").status == "ok"
    assert own.started == 2
    assert own.why_not == ""


def test_a_server_that_does_not_answer_is_started_again(own, monkeypatch):
    from autograder.sandbox import preloaded

    begin(own).close()
    monkeypatch.setattr(preloaded, "FORK_SECONDS", 0.5)
    os.kill(of_server(own), signal.SIGSTOP)
    with begin(own) as session:
        assert session.run_cell("1").status == "ok"
    assert own.started == 2


def test_what_is_hidden_later_takes_a_new_server(own, tmp_path):
    folder = Path(pytest.__file__).parent
    source = f"import os\nprint(json.dumps(len(os.listdir({str(folder)!r}))))"
    with begin(own) as session:
        assert value(session, source) > 0
    with start_session(backend="bwrap", hidden=[folder], starter=own.start) as session:
        assert value(session, source) == 0
    assert own.started == 2


# ---------------------------------------------------------------- where it cannot run
GRADER = """
import logging, time
from autograder.sandbox import Preloaded, StartFailed, start_session
logging.basicConfig()
answers = []
with Preloaded(modules=[]) as server:
    while len(answers) < 2:
        try:
            with start_session(backend="bwrap", starter=server.start) as session:
                answers.append(session.run_cell("6 * 7").outputs[0]["data"]["text/plain"])
        except StartFailed:  # a namespace is counted for a moment after its last process
            assert server.why_not
            time.sleep(0.1)
    print(*answers, server.why_not)
"""


def test_where_namespaces_may_not_nest_it_says_so_once_and_grades(wall, as_user):
    """In a user namespace that allows two more: bwrap's own, and no place in the server's."""
    two_more = "echo 2 >/proc/sys/user/max_user_namespaces && exec setpriv --ambient-caps=-all"
    two_more += ' --inh-caps=-all -- "$@"'
    around = "unshare --user --map-user=1000 --map-group=1000 --keep-caps sh -c".split()
    ran = as_user(GRADER, before=[*around, two_more, "sh"])
    if "unrecognized option" in ran.stderr:
        pytest.skip("this machine's unshare cannot keep rights over its namespace")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("42 42 ")
    assert "namespace" in ran.stdout or "unshare" in ran.stdout
    assert ran.stderr.count("no fork server can run here") == 1


def test_an_ordinary_user_has_one_too(wall, as_user):
    ran = as_user(GRADER)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "42 42 \n"


def test_with_another_wall_sessions_begin_as_ever(tmp_path):
    with Preloaded(backend="none") as server, pytest.warns(UserWarning, match="all your rights"):
        session = start_session(backend="none", starter=server.start)
    with session:
        assert type(session._child) is Child
        assert session.run_cell("1").status == "ok"
    assert server.started == 0
    assert "needs bubblewrap" in server.why_not


def test_a_server_with_a_second_thread_does_not_fork():
    server = forks.Server.__new__(forks.Server)
    server._assert_one_thread() if linux.count_threads() == 1 else None
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    with pytest.raises(RuntimeError, match="must have one thread"):
        server._assert_one_thread()
    stop.set()
    thread.join()


def test_a_server_that_cannot_start_is_told_with_its_reason(wall, monkeypatch, caplog):
    from autograder.sandbox import preloaded

    monkeypatch.setattr(preloaded, "SERVER_ARGUMENTS", ("-c", "raise SystemExit('no such luck')"))
    caplog.set_level(logging.WARNING)
    with Preloaded(modules=[]) as server:
        for _ in range(2):
            with start_session(backend="bwrap", starter=server.start) as session:
                assert type(session._child) is Child
    assert "no such luck" in server.why_not
    assert [r.message for r in caplog.records if "no such luck" in r.message] == [
        caplog.messages[0]
    ]

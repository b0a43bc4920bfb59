"""Sessions behind the real wall. Without a working sandbox these tests are skipped, and say so."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest
from for_all_users import USER, where_all_may_run_it

from autograder.sandbox import Limits, NoSandbox, Preloaded, Session, mounts, start_session
from autograder.sandbox.backends import choose_backend
from autograder.sandbox.inside.wire import Stream
from autograder.sandbox.starter import start_plain

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def wall():
    try:
        return choose_backend("bwrap")
    except NoSandbox as error:
        pytest.skip(f"no sandbox on this machine: {error}")


@pytest.fixture
def as_user(tmp_path):
    """Run Python code as an ordinary user: as_user(code, before=[...]) -> CompletedProcess.

    For root that is another user, who is shown the interpreter even where it lies in root's home.
    """

    def run(code, before=()):
        command = [*before, sys.executable, "-c", textwrap.dedent(code)]
        if os.geteuid() == 0:
            if not shutil.which("unshare"):
                pytest.skip("unshare (util-linux) is not installed")
            command = where_all_may_run_it([*USER, *command])
        with tempfile.TemporaryDirectory() as home:
            os.chmod(home, 0o777)
            return subprocess.run(
                command,
                cwd=mounts.GRADER.parent,
                capture_output=True,
                text=True,
                check=False,
                env={**os.environ, "KEEP": str(tmp_path / "keep"), "HOME": home},
            )

    return run


class Servers:
    """Fork servers, kept for the tests that follow: one that has imported everything, and small
    ones for tests that show a sandbox something else.
    """

    def __init__(self):
        self.kept = {}

    def start(self, backend, limits, hidden):
        shown = (Path.cwd(), tuple(hidden))
        if shown not in self.kept:
            self.kept[shown] = Preloaded(modules=[] if self.kept else None)
        child = self.kept[shown].start(backend, limits, hidden)
        if self.kept[shown].why_not:
            child.end()
            pytest.skip(f"no fork server on this machine: {self.kept[shown].why_not}")
        return child


@pytest.fixture(scope="session")
def servers(wall):
    several = Servers()
    yield several
    for one in several.kept.values():
        one.close()


@pytest.fixture(scope="session", params=["plain", "forked"])
def starter(request):
    """Both ways to start a student's process: what holds for one holds for the other."""
    if request.param == "plain":
        return start_plain
    return request.getfixturevalue("servers").start


@pytest.fixture(scope="module")
def session(wall, starter):
    """One session for a module's harmless cells."""
    files = {"data/words.txt": b"one two"}
    with start_session(backend="bwrap", files=files, starter=starter) as one:
        yield one


@pytest.fixture
def fresh(wall, starter):
    """Start sessions of a test's own: fresh(limit=...)."""
    started = []

    def start(files=None, hidden=(), **limits):
        one = start_session(
            Limits(**limits), backend="bwrap", files=files, hidden=hidden, starter=starter
        )
        started.append(one)
        return one

    yield start
    for one in started:
        one.close()


class FakeChild:
    """Stands where a student's process stands, so that a test can say anything in its name."""

    def __init__(self):
        self.sock, self.peer = socket.socketpair()
        self.ended = False

    def reason(self):
        return "the student's process ended itself (exit code 0)"

    def complaint(self):
        return ""

    def end(self):
        self.ended = True
        self.sock.close()


@pytest.fixture
def fake():
    """Return (start, stream, raw): start(**limits) gives a Session whose peer is the test."""
    child = FakeChild()
    stream = Stream(child.peer)
    started = []

    def start(**limits):
        stream.send({"t": "ready", "id": 0, "layers": {}})
        limits = {"cell_seconds": 2.0, "call_seconds": 2.0, "grace_seconds": 0.2} | limits
        started.append(Session(child, Limits(**limits), "fake"))
        return started[-1]

    yield start, stream, child.peer
    for one in started:
        one.close()
    child.sock.close()
    child.peer.close()

"""Sessions behind the real wall. Without a working sandbox these tests are skipped, and say so."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap

import pytest

from autograder.sandbox import Limits, NoSandbox, Session, mounts, start_session
from autograder.sandbox.backends import choose_backend
from autograder.sandbox.inside.wire import Stream

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def wall():
    try:
        return choose_backend("bwrap")
    except NoSandbox as error:
        pytest.skip(f"no sandbox on this machine: {error}")


AS_ORDINARY_USER = """
set -e
prefix="$1"; top="/$(echo "$prefix" | cut -d/ -f2)"; shift
if ! setpriv --reuid=1234 --regid=1234 --clear-groups test -x "$prefix/bin"; then
    mkdir -p "$KEEP" && mount --bind "$prefix" "$KEEP"
    mount -t tmpfs -o mode=755 none "$top" && mkdir -p "$prefix" && mount --move "$KEEP" "$prefix"
fi
exec setpriv --reuid=1234 --regid=1234 --clear-groups "$@"
"""


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
            around = ["unshare", "--mount", "bash", "-c", AS_ORDINARY_USER, "bash", sys.base_prefix]
            command = [*around, *command]
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


@pytest.fixture(scope="module")
def session(wall):
    """One session for a module's harmless cells."""
    with start_session(backend="bwrap", files={"data/words.txt": b"one two"}) as one:
        yield one


@pytest.fixture
def fresh(wall):
    """Start sessions of a test's own: fresh(limit=...)."""
    started = []

    def start(files=None, hidden=(), **limits):
        one = start_session(Limits(**limits), backend="bwrap", files=files, hidden=hidden)
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

"""Sessions behind the real wall. Without a working sandbox these tests are skipped, and say so."""

import os
import socket

import pytest

from autograder.sandbox import Limits, NoSandbox, Session, start_session
from autograder.sandbox.backends import choose_backend
from autograder.sandbox.inside.wire import Stream

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def wall():
    try:
        return choose_backend("bwrap")
    except NoSandbox as error:
        pytest.skip(f"no sandbox on this machine: {error}")


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

"""Start students' processes by forking one that has imported everything already.

    with Preloaded() as server:
        with start_session(starter=server.start) as session:
            ...

A new process spends more than a second on imports; a forked one begins where they end. It is behind
the same walls as one from `start_plain`, in namespaces of its own, and inherits nothing but the
imported modules. The server itself is a program of its own, started by exec, and so it does not
matter how many threads the grader has.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import mounts
from .backend import FONTS, IPYTHON, JOB, Backend
from .backends import choose_backend
from .bubblewrap import Bubblewrap, inside_fresh
from .cgroups import Group, new_group
from .errors import NoSandbox, ServerLost, StartFailed
from .limits import Limits
from .starter import (
    CLOSED,
    END_SECONDS,
    Child,
    Tree,
    launch,
    open_first_process,
    start_plain,
    tell_death,
)

SERVER_ARGUMENTS = ("-s", "-P", "-m", "sandbox_inside.forks")
READY_SECONDS = 120.0
FORK_SECONDS = 40.0
TRIES = 2
PROFILE = ("log", "pid", "security", "startup")
"""Folders that IPython makes when it begins, which it does in the server."""

log = logging.getLogger(__name__)


class CannotFork(NoSandbox):
    """The server cannot run on this machine, or not fork; the message is the reason."""


class Preloaded:
    """A fork server for one grader; `start` is a Starter. Threads may share it.

    It is started when it is entered or first used, and again when its process has died. Where it
    cannot run, sessions begin as `start_plain` begins them; `why_not` then says why ("" else), and
    so does the log, once.

    limits, hidden: those of most sessions. modules: what the notebooks import; None for all that
    the course uses. The fewer there are, the cheaper is each fork.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        backend: str = "auto",
        *,
        hidden: Sequence[Path] = (),
        modules: Sequence[str] | None = None,
    ) -> None:
        self.why_not = ""
        self.started = 0  # how often
        self._limits = limits or Limits()
        self._backend = backend
        self._hidden = hidden
        self._modules = None if modules is None else list(modules)
        self._server: _Server | None = None
        self._lock = threading.Lock()
        self._owner = os.getpid()

    def __enter__(self) -> Preloaded:
        with contextlib.suppress(NoSandbox):  # whoever starts a session is told
            backend = choose_backend(self._backend)
            if isinstance(backend, Bubblewrap):
                with self._telling(), self._lock:
                    self._begin(backend, self._hidden)
            else:
                self.why_not = f"it needs bubblewrap; the sandbox here is {backend.name}"
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the server, and with it every session that was started by it."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._server is not None:
            self._server.end()
            self._server = None

    def start(self, backend: Backend, limits: Limits, hidden: Sequence[Path]) -> Child:
        """Start one session's process. A Starter: see starter.py."""
        if not isinstance(backend, Bubblewrap) or os.getpid() != self._owner:
            return start_plain(backend, limits, hidden)
        with self._telling():
            return self._fork(backend, limits, hidden)
        return start_plain(backend, limits, hidden)

    def _fork(self, backend: Bubblewrap, limits: Limits, hidden: Sequence[Path]) -> Child:
        for attempt in range(TRIES):
            with self._lock:
                if self.why_not:
                    raise CannotFork(self.why_not)
                server = self._begin(backend, hidden)
            try:
                server.wait_until_ready()
                return server.fork(limits)
            except ServerLost:
                with self._lock:
                    if self._server is server:
                        self._server = None
                        server.end()
                if attempt == TRIES - 1:
                    raise CannotFork("it ended as soon as it was used, and again") from None
        raise AssertionError

    def _begin(self, backend: Bubblewrap, hidden: Sequence[Path]) -> _Server:
        """Return the running server; a new one where it has ended, or shows what is hidden now."""
        about = (Path.cwd(), tuple(hidden))
        if self._server is not None and (self._server.about != about or self._server.has_ended()):
            self._end()
        if self._server is None:
            self._server = _Server(backend, self._limits, hidden, about, self._modules)
            self.started += 1
        return self._server

    @contextlib.contextmanager
    def _telling(self) -> Any:
        """Remember why no process can be forked, and say so the first time."""
        try:
            yield
        except (CannotFork, StartFailed) as error:
            with self._lock:
                self._end()
                first, self.why_not = not self.why_not, self.why_not or str(error)
            if first:
                log.warning(
                    "Every submission is started from nothing, which takes a second or more each: "
                    "no fork server can run here (%s).",
                    self.why_not,
                )


class _Server(Tree):
    """The server's processes, and the socket that it listens to."""

    def __init__(
        self,
        backend: Bubblewrap,
        limits: Limits,
        hidden: Sequence[Path],
        about: tuple[Path, tuple[Path, ...]],
        modules: list[str] | None,
    ) -> None:
        self.about = about
        self._kept = inside_fresh(mounts.plan_mounts(hidden))
        self._ready = threading.Lock(), []
        around = new_group(limits)
        # Where a running process can be put into a group, each session has its own. Elsewhere one
        # is around the server and all its sessions.
        self._groups_of_sessions = bool(around.folders)
        if around.folders:
            around.remove()
            around = Group()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        info_reader, info_writer = os.pipe()
        grader = os.pidfd_open(os.getpid())
        try:
            wrapped = backend.wrap(SERVER_ARGUMENTS, limits, hidden, info_writer, forks=True)
            self._config = wrapped.config
            config = {
                "control": theirs.fileno(),
                "grader": grader,
                "modules": modules,
                "place": self._place(limits),
            }
            process = launch(wrapped, around, config, [theirs.fileno(), grader, info_writer])
            os.close(info_writer)
            info_writer = -1
            super().__init__(process, open_first_process(info_reader, READY_SECONDS), around)
        finally:
            theirs.close()
            os.close(info_reader)
            os.close(grader)
            if info_writer >= 0:
                os.close(info_writer)

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def wait_until_ready(self) -> None:
        """Wait until it has imported everything. Raises CannotFork, ServerLost."""
        lock, said = self._ready
        with lock:
            if not said:
                said.append(self._hear_first())
        if "error" in said[0]:
            raise CannotFork(said[0]["error"])

    def _hear_first(self) -> dict[str, Any]:
        self._control.settimeout(READY_SECONDS)
        try:
            message = self._control.recv(1 << 16)
        except TimeoutError:
            return {"error": f"it was not ready after {READY_SECONDS:g} seconds"}
        except OSError:
            message = b""
        if not message:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_SECONDS)
            return {"error": f"it did not start. It said: {self.complaint() or 'nothing'}"}
        return json.loads(message)

    def _place(self, limits: Limits) -> dict[str, Any]:
        """What is asked of a session's place: see inside/spaces.py."""
        tmp, shared = limits.tmp_bytes, limits.shared_memory_bytes
        return {
            "folders": {"/tmp": tmp, JOB: tmp, "/dev/shm": shared},
            "inodes": limits.inodes,
            "made": [FONTS, *(f"{IPYTHON}/profile_default/{name}" for name in PROFILE)],
            "kept": self._kept,
        }

    def fork(self, limits: Limits) -> Child:
        """Return a new student's process. Raises ServerLost, CannotFork."""
        request = {
            "config": self._config | {"rlimits": limits.rlimits()},
            "place": self._place(limits),
        }
        with contextlib.ExitStack() as undo:
            ours, theirs = socket.socketpair()
            undo.callback(ours.close)
            hear, told = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            undo.callback(hear.close)
            group = new_group(limits) if self._groups_of_sessions else Group()
            undo.callback(group.remove)
            with theirs, told:
                try:
                    message = json.dumps(request).encode()
                    socket.send_fds(self._control, [message], [theirs.fileno(), told.fileno()])
                except OSError:
                    raise ServerLost from None
            first, process = _hear_of_fork(hear)
            child = Forked(ours, hear, first, group)
            undo.pop_all()
        # Before a word is said to it: nothing that a student's code does is outside.
        try:
            child.pid = process_id(process)
            if child.pid is not None:
                group.take(child.pid)
        except ProcessLookupError:
            pass
        except OSError as error:
            child.end()
            raise CannotFork(f"it cannot be put into a control group: {error}") from None
        finally:
            os.close(process)
        return child

    def end(self) -> None:
        super().end()
        self._control.close()


class Forked(Child):
    """One forked process. The server tells on `hear` how it ended.

    pid: its id here, None when it ended at once.
    """

    pid: int | None = None

    def __init__(self, sock: socket.socket, hear: socket.socket, first: int, group: Group) -> None:
        self.sock = sock
        self._hear = hear
        self._first = first
        self._group = group
        self._ended = False
        self._said: dict[str, Any] = {}

    def reason(self) -> str:
        """Say why the process ended by itself. Raises ServerLost when its server did."""
        self._listen()
        if self._said.get("lost"):
            raise ServerLost
        if "code" not in self._said:
            return CLOSED
        return tell_death(self._said["code"], -self._said["code"], self._group)

    def complaint(self) -> str:
        """Return why it could not be confined."""
        self._listen()
        return self._said.get("complaint", "")

    def _listen(self) -> None:
        deadline = time.monotonic() + self.patience
        while not {"code", "lost"} & self._said.keys():
            self._hear.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                message = self._hear.recv(1 << 16)
            except TimeoutError:
                return
            except OSError:
                message = b""
            self._said |= json.loads(message) if message else {"lost": True}

    def end(self) -> None:
        """Kill every process inside and wait until they are gone."""
        if self._ended:
            return
        self._ended = True
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._first, signal.SIGKILL)
        poll = select.poll()
        poll.register(self._first, select.POLLIN)
        poll.poll(END_SECONDS * 1000)
        os.close(self._first)
        self._hear.close()
        self._group.remove()
        self.sock.close()


def _hear_of_fork(hear: socket.socket) -> tuple[int, int]:
    """Return pidfds of the first process of the new place and of the student's."""
    deadline = time.monotonic() + FORK_SECONDS
    while True:
        hear.settimeout(max(deadline - time.monotonic(), 0.001))
        try:
            message, descriptors, _, _ = socket.recv_fds(hear, 1 << 16, 2)
        except OSError:
            raise ServerLost from None
        if len(descriptors) == 2:
            return descriptors[0], descriptors[1]
        if not message:
            raise ServerLost
        said = json.loads(message)
        if "error" in said:
            raise CannotFork(said["error"])


def process_id(pidfd: int) -> int | None:
    """Return the id of a process in our own namespace; None when it has gone."""
    with open(f"/proc/self/fdinfo/{pidfd}") as about:
        found = re.search(r"^Pid:\s*(\d+)", about.read(), re.MULTILINE)
    return int(found.group(1)) if found else None

"""Start a student's process behind a wall, and end it with everything that it started."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .backend import Backend, Wrapped
from .cgroups import Group, new_group
from .errors import StartFailed
from .limits import Limits

END_SECONDS = 5.0
PYTHON_ARGUMENTS = ("-s", "-P", "-m", "sandbox_inside")

EXIT_REASONS = {
    signal.SIGKILL: "it was killed, most likely for its processor time or its memory",
    signal.SIGXCPU: "it used more processor time than it may",
    signal.SIGXFSZ: "it wrote a larger file than it may",
    signal.SIGSEGV: "it crashed (segmentation fault)",
    signal.SIGABRT: "it aborted",
}

CLOSED = "the student's process closed its stream"


def tell_death(code: int, number: int, group: Group) -> str:
    """Say why a process ended, by its exit code and the number of the signal that killed it (0 or
    less for none).
    """
    if number == signal.SIGKILL and group.ran_out_of_memory():
        return "the student's process ended: it used more memory than it may"
    for which, sentence in EXIT_REASONS.items():
        if number == which:
            return f"the student's process ended: {sentence}"
    return f"the student's process ended itself (exit code {code})"


class Tree:
    """All processes of one sandbox: why they ended, and the power to end them.

    `first` is a pidfd of the first process inside, whose end is the end of all of them; None where
    the command's own process group has to do.
    """

    patience = 1.0
    """Seconds between the end of the stream and that of the command."""

    def __init__(
        self,
        process: subprocess.Popen,
        first: int | None,
        group: Group | None = None,
        clean_up: Callable[[], None] = lambda: None,
    ):
        self._process = process
        self._first = first
        self._group = group or Group()
        self._clean_up = clean_up
        self._ended = False

    def reason(self) -> str:
        """Say why the process ended by itself. Waits a moment for it."""
        try:
            code = self._process.wait(self.patience)
        except subprocess.TimeoutExpired:
            return CLOSED
        return tell_death(code, -code if code < 0 else code - 128, self._group)

    def end(self) -> None:
        """Kill every process inside and wait until they are gone."""
        if self._ended:
            return
        self._ended = True
        if self._first is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._first, signal.SIGKILL)
            # The kernel lets the first process of a pid namespace go only after all the others have
            # gone.
            poll = select.poll()
            poll.register(self._first, select.POLLIN)
            poll.poll(END_SECONDS * 1000)
            os.close(self._first)
        else:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        try:
            self._process.wait(0.2 if self._first is not None else END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(END_SECONDS)
        if self._process.stderr:
            self._process.stderr.close()
        self._clean_up()
        self._group.remove()

    def complaint(self) -> str:
        """Return what the sandbox program or a runner that did not come up wrote to stderr."""
        stderr = self._process.stderr
        if stderr is None or stderr.closed:
            return ""
        os.set_blocking(stderr.fileno(), False)
        return (stderr.read(65536) or b"").decode("utf-8", "replace").strip()[-4000:]


class Child(Tree):
    """One student's process, with the grader's end of its stream."""

    def __init__(
        self,
        sock: socket.socket,
        process: subprocess.Popen,
        first: int | None,
        group: Group | None = None,
        clean_up: Callable[[], None] = lambda: None,
    ):
        super().__init__(process, first, group, clean_up)
        self.sock = sock

    def end(self) -> None:
        """Kill every process inside and wait until they are gone."""
        super().end()
        self.sock.close()


Starter = Callable[[Backend, Limits, Sequence[Path]], Child]


def start_plain(backend: Backend, limits: Limits, hidden: Sequence[Path]) -> Child:
    """Start one new process for one session.

    A fork of a process that has imported everything already can take this function's place.
    """
    ours, theirs = socket.socketpair()
    info_reader, info_writer = os.pipe()
    undo = contextlib.ExitStack()
    undo.callback(ours.close)
    try:
        wrapped = backend.wrap(PYTHON_ARGUMENTS, limits, hidden, info_writer)
        undo.callback(wrapped.clean_up)
        group = new_group(limits) if wrapped.needs_group else Group()
        undo.callback(group.remove)
        process = start_runner(wrapped, group, theirs.fileno(), info_writer)
        os.close(info_writer)
        info_writer = -1
        first = None
        if wrapped.info_pipe:
            first = open_first_process(info_reader, limits.start_seconds)
    except BaseException:
        undo.close()
        raise
    finally:
        theirs.close()
        os.close(info_reader)
        if info_writer >= 0:
            os.close(info_writer)
    child = Child(ours, process, first, group, wrapped.clean_up)
    if wrapped.stdio:
        child.patience = 10.0  # it has a container to take away first
    if wrapped.info_pipe and first is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1.0)
        complaint = child.complaint()
        child.end()
        raise StartFailed(
            f"The sandbox did not start. Nothing was graded. It said: {complaint or 'nothing'}"
        )
    return child


def start_runner(wrapped: Wrapped, group: Group, stream: int, info: int) -> subprocess.Popen:
    """Start the runner; where `wrapped.stdio`, its stream is its standard input and output."""
    if wrapped.stdio:
        return launch(wrapped, group, {"stdio": True}, stdio=stream)
    given = [stream, info] if wrapped.info_pipe else [stream]
    return launch(wrapped, group, {"fd": stream}, given)


def launch(
    wrapped: Wrapped,
    group: Group,
    about: dict[str, Any],
    descriptors: Sequence[int] = (),
    stdio: int = subprocess.DEVNULL,
) -> subprocess.Popen:
    """Start the command with its config and `about`, and nothing of ours but `descriptors`."""
    return subprocess.Popen(
        [*group.prefix, *wrapped.command, json.dumps(wrapped.config | about)],
        pass_fds=descriptors,
        stdin=stdio,
        stdout=stdio,
        stderr=subprocess.PIPE,
        env={"PATH": os.environ.get("PATH", os.defpath)} | wrapped.environment | group.environment,
        cwd=wrapped.folder,
        start_new_session=True,
        bufsize=0,
    )


def open_first_process(info_reader: int, timeout: float) -> int | None:
    """Read bwrap's report and return a pidfd of the first process inside; None when it did not get
    that far.
    """
    deadline = time.monotonic() + timeout
    report = b""
    os.set_blocking(info_reader, False)
    poll = select.poll()
    poll.register(info_reader, select.POLLIN)
    while time.monotonic() < deadline:
        poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
        try:
            piece = os.read(info_reader, 4096)
        except BlockingIOError:
            continue
        report += piece
        if not piece or b"}" in report:
            break
    try:
        return os.pidfd_open(json.loads(report)["child-pid"])
    except (ValueError, KeyError, ProcessLookupError):
        return None

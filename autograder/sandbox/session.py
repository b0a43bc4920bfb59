"""Talk with one student's process. Nothing that it says is believed; whatever it does ends this
session at worst.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from .backends import choose_backend
from .errors import CallRefused, CallTimeout, ServerLost, SessionDead, StartFailed, WireError
from .inside.wire import Closed, DeadlinePassed, Stream
from .limits import Limits
from .outputs import OutputCollector, error_output
from .starter import Child, Starter, start_plain

OUTPUT_KINDS = ("stream", "display", "error", "clear")
MAX_NOISE = 10_000  # frames of finished cells that are skipped while something else is waited for
FLOODED = "the student's process flooded its stream with output"


@dataclass(frozen=True)
class CellResult:
    """What became of one cell.

    status: "ok"; "error" (it raised); "timeout" and "flooded" (it was stopped: `Session.dead` tells
    whether the process lived through that); "dead" (the process ended, or said something
    malformed).
    """

    status: str
    outputs: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0


class _Interrupted(Exception):
    """The work was stopped on our wish; the session may have ended over it."""


class Session:
    """One student's process, and a context manager that ends it.

    Use it in the thread that started it: the kernel ends the sandbox when that thread ends.

    dead: None, or the reason why the process is gone. backend_name: which wall it is behind.
    layers: what the process says about the walls inside, before any student code ran.
    """

    def __init__(self, child: Child, limits: Limits, backend_name: str):
        self.limits = limits
        self.backend_name = backend_name
        self.dead: str | None = None
        self.layers: dict[str, Any] = {}
        self._child = child
        self._stream = Stream(child.sock)
        self._spent = 0.0  # seconds of the submission's budget
        self._cells = 0
        self._output_bytes = 0  # all output, read or not
        self._greet()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process and all that it started. Returns when they are gone."""
        self._end("closed")

    # -- what the grader asks for
    def run_cell(self, source: str, timeout: float | None = None) -> CellResult:
        """Run one cell for `timeout` seconds at most (default: the limit for a cell). Never raises
        for what the cell does.
        """
        started = time.monotonic()
        collector = OutputCollector(self.limits.output_bytes)
        timeout = self.limits.cell_seconds if timeout is None else timeout
        content = np.frombuffer(source.encode("utf-8", "replace"), np.uint8)
        try:
            answer, _ = self._ask({"t": "cell"}, [content], timeout, "done", collector)
            status = "ok" if answer.get("status") == "ok" else "error"
        except _Interrupted as stop:
            status = "flooded" if collector.received > self.limits.flood_bytes else "timeout"
            names = {"flooded": "TooMuchOutput", "timeout": "CellTimeout"}
            collector.drop_interrupt()
            collector.outputs.append(error_output(names[status], str(stop)))
        except WireError as error:
            status = "error"
            collector.outputs.append(error_output("CellTooLarge", str(error)))
        except SessionDead as death:
            status = "dead"
            collector.outputs.append(error_output("ProcessDied", str(death)))
        self._cells += 1
        for output in collector.outputs:
            if output["output_type"] == "execute_result":
                output["execution_count"] = self._cells
        return CellResult(status, collector.outputs, time.monotonic() - started)

    def request(
        self,
        header: dict[str, Any],
        arrays: Sequence[np.ndarray] = (),
        timeout: float | None = None,
    ) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Send one call and return the header and arrays of its reply.

        Raises CallTimeout, CallRefused (no answer that can travel), SessionDead, and WireError when
        the call itself is too large to send.
        """
        timeout = self.limits.call_seconds if timeout is None else timeout
        frame = {"t": "request", "body": header}
        try:
            answer, reply_arrays = self._ask(frame, list(arrays), timeout, "reply", None)
        except _Interrupted as stop:
            raise CallTimeout(str(stop)) from None
        if answer["t"] == "refused":
            raise CallRefused(str(answer.get("reason"))[:1000])
        if type(answer.get("body")) is not dict:
            raise self._break("a reply must have a body")
        return answer["body"], reply_arrays

    def reset(self) -> None:
        """Give the cells a fresh namespace. For our own code: what a student did to the process
        stays done.
        """
        self._simple({"t": "reset"}, [])

    def mark(self, name: str) -> None:
        """Remember under `name` what the cells so far have defined."""
        self._simple({"t": "mark", "name": name}, [])

    def recall(self, name: str) -> None:
        """Go back to the names, and what they were bound to, at the mark `name`."""
        self._simple({"t": "recall", "name": name}, [])

    def put_file(self, name: str, content: bytes) -> None:
        """Write one file into the process's working folder. Raises ValueError for a name that leads
        elsewhere.
        """
        check_file_name(name)
        self._simple({"t": "file", "name": name}, [np.frombuffer(content, np.uint8)])

    # -- one question, one answer
    def _simple(self, header: dict[str, Any], arrays: list[np.ndarray]) -> None:
        try:
            answer, _ = self._ask(header, arrays, self.limits.start_seconds, "done", None)
        except _Interrupted as stop:
            raise CallTimeout(str(stop)) from None
        if answer.get("status") != "ok":
            raise CallRefused(f"the student's process could not do this: {header['t']}")

    def _ask(
        self,
        header: dict[str, Any],
        arrays: list[np.ndarray],
        timeout: float,
        expected: str,
        collector: OutputCollector | None,
    ) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Send one frame and return the one that answers it. The submission pays the time."""
        if self.dead:
            raise SessionDead(self.dead)
        left = self.limits.submission_seconds - self._spent
        if left <= 0:
            raise self._end(f"the submission used its {self.limits.submission_seconds:g} seconds")
        # An id that cannot be guessed: an answer to it was given after the question.
        number = secrets.randbits(52) + 1
        started = time.monotonic()
        try:
            deadline = started + min(timeout, left)
            late = f"no answer after {timeout:g} seconds"
            if left < timeout:
                late = f"the submission used its {self.limits.submission_seconds:g} seconds"
            try:
                self._send({**header, "id": number}, arrays, deadline)
                return self._wait_for(number, expected, deadline, collector)
            except DeadlinePassed:
                raise self._interrupt(number, expected, late, collector) from None
        finally:
            self._spent += time.monotonic() - started

    def _send(self, header: dict[str, Any], arrays: list[np.ndarray], deadline: float) -> None:
        try:
            self._stream.send(header, arrays, deadline)
        except Closed:
            raise self._end(self._reason()) from None

    def _recv(self, deadline: float) -> tuple[dict[str, Any], list[np.ndarray]]:
        try:
            return self._stream.recv(deadline)
        except Closed:
            raise self._end(self._reason()) from None
        except WireError as error:
            raise self._break(str(error)) from None

    def _wait_for(
        self,
        number: int,
        expected: str,
        deadline: float,
        collector: OutputCollector | None,
        *,
        stopping: bool = False,
    ) -> tuple[dict[str, Any], list[np.ndarray]]:
        noise = 0
        while True:
            header, arrays = self._recv(deadline)
            kind, about = header["t"], header.get("id", 0)
            if kind in OUTPUT_KINDS:
                self._output_bytes += sum(array.nbytes for array in arrays)
                if self._output_bytes > self.limits.submission_flood_bytes and not stopping:
                    raise self._end(FLOODED)
                if about == number and collector is not None:
                    self._collect(collector, header, arrays)
                    if collector.received > self.limits.flood_bytes and not stopping:
                        reason = f"more than {self.limits.flood_bytes} bytes of output"
                        raise self._interrupt(number, expected, reason, collector)
                    if not stopping:
                        continue
                # Printed by a call, or by a thread of an earlier cell: nobody reads it, but it must
                # not go on for ever.
                noise += 1
                if not stopping and noise > MAX_NOISE:
                    raise self._end(FLOODED)
                if stopping and time.monotonic() > deadline:
                    raise DeadlinePassed
            elif about == number and (
                kind == expected or (kind == "refused" and expected == "reply")
            ):
                return header, arrays
            else:
                raise self._break("an answer that was not asked for")

    def _collect(
        self, collector: OutputCollector, header: dict[str, Any], arrays: list[np.ndarray]
    ) -> None:
        try:
            collector.add(header, arrays)
        except WireError as error:
            raise self._break(str(error)) from None

    def _interrupt(
        self, number: int, expected: str, reason: str, collector: OutputCollector | None
    ) -> _Interrupted:
        """Interrupt the work on `number`, and after the grace period end the process.

        Returns the exception to raise.
        """
        deadline = time.monotonic() + self.limits.grace_seconds
        try:
            self._send({"t": "interrupt", "id": number}, [], deadline)
            self._wait_for(number, expected, deadline, collector, stopping=True)
        except DeadlinePassed:
            self._end(f"{reason}, and it did not stop when interrupted")
        except SessionDead:
            pass
        return _Interrupted(reason)

    def _greet(self) -> None:
        try:
            header, _ = self._stream.recv(time.monotonic() + self.limits.start_seconds)
        except DeadlinePassed:
            reason = f"no greeting after {self.limits.start_seconds:g} seconds"
        except Closed:
            reason = self._reason()
        except WireError as error:
            reason = str(error)
        else:
            if header["t"] == "ready" and type(header.get("layers")) is dict:
                self.layers = header["layers"]
                return
            reason = "a frame that is not a greeting"
        complaint = self._child.complaint()
        self._end(reason)
        raise StartFailed(
            f"The student's process did not start: {reason}. Nothing was graded. "
            f"It said:\n{complaint}"
        )

    # -- the end
    def _break(self, rule: str) -> SessionDead:
        return self._end(f"the student's process broke the rules of its stream: {rule}")

    def _reason(self) -> str:
        """Return why the process has ended. Raises ServerLost when it was not the process."""
        try:
            return self._child.reason()
        except ServerLost as error:
            self._end(str(error))
            raise

    def _end(self, reason: str) -> SessionDead:
        """End the process for `reason`, once; return the exception that says so."""
        if self.dead is None:
            self.dead = reason
            self._child.end()
        return SessionDead(self.dead)


def check_file_name(name: str) -> None:
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\0" in name or "\\" in name:
        raise ValueError(f"a file's name must be relative and stay in its folder. Got {name!r}")
    if any(len(part.encode("utf-8", "replace")) > 255 for part in parts) or not name.isprintable():
        raise ValueError(
            f"a file's name must be printable, with parts of 255 bytes at most. Got {name[:300]!r}"
        )


def start_session(
    limits: Limits | None = None,
    backend: str = "auto",
    files: Mapping[str, bytes] | None = None,
    *,
    hidden: Sequence[Path] = (),
    starter: Starter = start_plain,
) -> Session:
    """Start a process for one student's code.

    backend: "auto" (the first that works here), "bwrap", "podman", "docker", or "none" (no wall:
    warns). files: name -> content, the only files in its working folder. hidden: folders that it
    must not see even if a mounted folder holds them; the grader, its repository and the course
    around the working folder always are. Raises NoSandbox when nothing works here, StartFailed when
    the process does not come up, ValueError for a file's name that leads elsewhere.
    """
    limits = limits or Limits()
    files = files or {}
    for name in files:
        check_file_name(name)
    chosen = choose_backend(backend)
    session = Session(starter(chosen, limits, hidden), limits, chosen.name)
    try:
        for name, content in files.items():
            session.put_file(name, content)
    except BaseException:
        session.close()
        raise
    return session

"""The student's process: cells, outputs and calls share one stream with the grader.

One thread reads frames, so that an interrupt overtakes a running cell; the main thread works them
off one by one and answers each with exactly one frame of the same id: "done" for a cell, a file, a
mark or a reset, "reply" or "refused" for a request.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from . import wire
from .confine import confine
from .folders import copy_in
from .outputs import Descriptors, TextOutput
from .pipes import open_stream
from .rights import give_up_rights

MAX_ANSWER = wire.MAX_PAYLOAD


class Runner:
    """Serves one stream until it ends. `layers` says which walls hold; the greeting carries it."""

    def __init__(self, stream: wire.Stream, layers: dict[str, Any], job: Path):
        from .shell import make_shell

        self.stream = stream
        self.layers = layers
        self.job = job
        self.current = 0  # id of the frame being worked on, or worked on last: outputs carry it
        self.interruptible = 0  # id of the frame whose work may be interrupted now, else 0
        self.wanted = 0  # id of the frame that the grader wants to stop
        self._sending = 0
        self._lock = threading.RLock()
        self._todo: queue.SimpleQueue = queue.SimpleQueue()
        self.stdout, self.stderr = TextOutput(self.emit, "stdout"), TextOutput(self.emit, "stderr")
        self.shell = make_shell(self.emit, self.flush)
        self.calls: Any = None
        self.marks: dict[str, dict[str, Any]] = {}  # the names that there were, by mark

    # -- sending
    def emit(self, header: dict[str, Any], arrays: list[np.ndarray]) -> None:
        """Send one frame whole: an interrupt that comes meanwhile is raised afterwards."""
        main = threading.current_thread() is threading.main_thread()
        if main:
            self._sending += 1
        try:
            with self._lock:
                self.stream.send({"id": self.current, **header}, arrays)
        finally:
            if main:
                self._sending -= 1
        if main and not self._sending:
            self._raise_if_wanted()

    def flush(self) -> None:
        self.stdout.flush()
        self.stderr.flush()

    # -- interrupts
    def _on_interrupt(self, *_: Any) -> None:
        if not self._sending:
            self._raise_if_wanted()

    def _raise_if_wanted(self) -> None:
        # Runs in the main thread only, as signal handlers do, so nothing changes between the test
        # and the raise.
        if self.interruptible and self.wanted == self.interruptible:
            self.wanted = 0
            raise KeyboardInterrupt

    def _read(self) -> None:
        main = threading.main_thread().ident
        try:
            while True:
                header, arrays = self.stream.recv()
                if header["t"] == "interrupt":
                    self.wanted = header["id"]
                    signal.pthread_kill(main, signal.SIGINT)
                else:
                    self._todo.put((header, arrays))
        finally:
            os._exit(0)  # the grader has gone, or nothing can be read any more: no more work

    # -- work
    def serve(self) -> None:
        descriptors = Descriptors(self.stdout, self.stderr)
        sys.stdout, sys.stderr = self.stdout, self.stderr
        sys.stdin = open(os.devnull)  # noqa: SIM115  (for the life of the process)
        signal.signal(signal.SIGINT, self._on_interrupt)
        descriptors.start()
        threading.Thread(target=self._read, daemon=True, name="sandbox-reader").start()
        self.emit({"t": "ready", "id": 0, "layers": self.layers}, [])
        while True:
            header, arrays = self._todo.get()
            self.current = header["id"]
            answer, answer_arrays = self._work(header, arrays)
            self.interruptible = 0
            descriptors.drain()
            self.flush()
            try:
                self.emit(answer, answer_arrays)
            except (wire.WireError, ValueError, TypeError, AttributeError) as error:
                # An honest but huge answer must not look like an attack, nor end the session.
                self.emit(
                    {"t": "refused", "reason": f"the answer cannot travel: {error}"[:1000]}, []
                )

    def _work(
        self, header: dict[str, Any], arrays: list[np.ndarray]
    ) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Do what one frame asks and return the answer. Never raises."""
        kind = header["t"]
        try:
            self.interruptible = header["id"]
            self._raise_if_wanted()  # the interrupt may have come before the work began
            try:
                if kind == "cell":
                    result = self.shell.run_cell(
                        arrays[0].tobytes().decode("utf-8"), store_history=True
                    )
                    return {"t": "done", "status": "ok" if result.success else "error"}, []
                if kind == "request":
                    reply, reply_arrays = self._call(header["body"], arrays)
                    return {"t": "reply", "body": reply}, reply_arrays
            finally:
                self.interruptible = 0
            if kind == "file":
                self._put_file(header["name"], arrays[0])
            elif kind == "reset":
                self._reset()
            elif kind == "mark":
                self.marks[header["name"]] = dict(self.shell.user_ns)
            elif kind == "recall":
                self._recall(header["name"])
            return {"t": "done", "status": "ok"}, []
        except KeyboardInterrupt:
            if kind == "request":
                return {"t": "refused", "reason": "interrupted"}, []
            return {"t": "done", "status": "error"}, []
        except BaseException as error:
            if kind == "request":
                return {"t": "refused", "reason": f"{type(error).__name__}: {error}"[:1000]}, []
            return {"t": "done", "status": "error"}, []

    def _call(
        self, body: dict[str, Any], arrays: list[np.ndarray]
    ) -> tuple[dict[str, Any], list[np.ndarray]]:
        if self.calls is None:
            from .calls import Calls

            self.calls = Calls(self.shell.user_ns)
        return self.calls.handle(body, arrays)

    def _reset(self) -> None:
        self.shell.reset(new_session=True)
        self.calls = None

    def _recall(self, name: str) -> None:
        # In place: functions look their globals up in this very dict.
        names = self.marks[name]
        self.shell.user_ns.clear()
        self.shell.user_ns.update(names)

    def _put_file(self, name: str, content: np.ndarray) -> None:
        path = self.job / PurePosixPath(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.tobytes())


def main(config_text: str) -> None:
    """Confine this process, then serve its stream. `config_text` is JSON, made by a backend."""
    config = json.loads(config_text)
    give_up_rights(config)
    # Everything that is needed is imported before the walls close: some modules look for programs
    # when imported.
    from . import shell  # noqa: F401

    # Last: a student's helper module can be imported, a student's numpy.py is not taken for ours.
    sys.path.append(config["job"])
    copy_in(config.get("copies", []))
    serve(config, confine(config))


def serve(config: dict[str, Any], layers: dict[str, Any]) -> None:
    """Serve the stream that `config` names, in a process that is confined already."""
    del sys.argv[1:]  # a notebook's process has none
    stream = open_stream(config, max_payload=MAX_ANSWER)
    Runner(stream, layers, Path(config["job"])).serve()

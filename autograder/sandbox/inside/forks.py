"""The fork server: `python -m sandbox_inside.forks CONFIG`.

It imports once what notebooks import (preload.py), and then becomes the student's process of one
session after another, by forking: each in a fresh place of its own (spaces.py), and confined there
as any student's process is. The server runs no student's code, and what it is told comes from the
grader alone. It has one thread, because a fork copies no other.

It is inside the sandbox already: what students' processes must not see, it does not see either.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from . import linux, preload, rights
from .confine import confine
from .spaces import Maker, Place

MAX_MESSAGE = 1 << 16
SETTLE_SECONDS = 5.0


class Server:
    """Forks for one grader, and ends with it."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.control = socket.socket(fileno=config["control"])
        self.grader: int = config["grader"]  # tells when the grader has ended
        self.running: dict[int, tuple[int, Place]] = {}  # by id: the socket to tell, the place
        linux.leave_for_new(linux.CLONE_NEWUSER)  # its own: so it has rights over places in it
        self.maker = Maker()  # before the imports: it stays small
        self.maker.order(config["place"])
        self.environment = dict(os.environ)

    def prepare(self, modules: Sequence[str] | None) -> None:
        """Import, and make sure that forking is safe."""
        preload.warm_up(modules)
        os.environ.clear()
        os.environ.update(self.environment)
        deadline = time.monotonic() + SETTLE_SECONDS
        while linux.count_threads() > 1 and time.monotonic() < deadline:
            time.sleep(0.01)  # a timer of Matplotlib's, when it had to look for fonts
        self._assert_one_thread()
        gc.collect()
        gc.freeze()
        gc.disable()

    def _assert_one_thread(self) -> None:
        threads = linux.count_threads()
        if threads != 1:
            raise RuntimeError(f"the fork server must have one thread. It has {threads}")

    def serve(self) -> Student | None:
        """Fork for each request, and say how each process ended.

        Returns None when the grader has ended, and in a forked process who it is to become: back
        there, nothing of the server is in reach of a student's code.
        """
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        poll = select.poll()
        for descriptor in (self.control.fileno(), self.grader, reader):
            poll.register(descriptor, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if reader in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(reader, 4096)
                self._tell_the_ends()
            if self.grader in ready:
                return None
            if self.control.fileno() in ready:
                message, descriptors, _, _ = socket.recv_fds(self.control, MAX_MESSAGE, 2)
                if not message:
                    return None
                if student := self._fork(json.loads(message), *descriptors):
                    return student

    def _tell_the_ends(self) -> None:
        for pid in list(self.running):
            ended, status, used = os.wait4(pid, os.WNOHANG)
            if ended:
                told, place = self.running.pop(pid)
                seconds = round(used.ru_utime + used.ru_stime, 3)
                _tell(told, {"code": os.waitstatus_to_exitcode(status), "seconds": seconds})
                os.close(told)
                place.end()

    def _fork(self, request: dict[str, Any], stream: int, told: int) -> Student | None:
        """Start one session's process; only there is something returned."""
        place = None
        try:
            place = self.maker.take(request["place"])
            self._assert_one_thread()
            place.adopt_children()
            pid = os.fork()
        except Exception as error:
            _tell(told, {"error": f"{type(error).__name__}: {error}"})
            if place:
                place.end()
            os.close(told)
            os.close(stream)
            return None
        if not pid:
            return Student(request["config"], stream, told, place)
        process = os.pidfd_open(pid)
        _tell(told, {}, [place.first, process])
        os.close(process)
        os.close(stream)
        place.leave_to_itself()
        self.running[pid] = told, place
        return None


def _tell(told: int, what: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
    """Say something to the grader on one session's socket."""
    sock = socket.socket(fileno=told)
    with contextlib.suppress(OSError):  # nobody listens any more
        socket.send_fds(sock, [json.dumps(what).encode()], descriptors)
    sock.detach()


@dataclass
class Student:
    """A forked process, before it is confined. stream, told: sockets to the grader, the second for
    what goes wrong until the first is served.
    """

    config: dict[str, Any]
    stream: int
    told: int
    place: Place

    def become(self) -> NoReturn:
        """Take nothing along, close the walls, and serve the stream."""
        try:
            from . import runner  # with all that it imports, it is there already

            layers = self._close_the_walls()
        except BaseException:
            _tell(self.told, {"complaint": traceback.format_exc()[-4000:]})
            os._exit(1)
        try:
            os.close(self.told)
            runner.serve(self.config | {"fd": self.stream}, layers)
        finally:
            os._exit(1)

    def _close_the_walls(self) -> dict[str, Any]:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(nothing, number)
        spaces = self.place.spaces.values()
        linux.close_all_but({0, 1, 2, self.stream, self.told, *spaces})
        self.place.enter()
        self.place.leave_to_itself()
        os.chdir(self.config["job"])
        rights.drop_bounding_set()
        rights.drop_capabilities()
        rights.set_dumpable(True)
        preload.forget()
        gc.enable()
        sys.path.append(self.config["job"])
        return confine(self.config)


def serve_grader(config: dict[str, Any]) -> Student | None:
    """Be the server until the grader ends; in a forked process, return who it is to become."""
    started = time.monotonic()
    try:
        rights.give_up_rights(config)
        server = Server(config)
        server.prepare(config["modules"])
    except Exception as error:
        _tell(config["control"], {"error": f"{type(error).__name__}: {error}"})
        return None
    _tell(config["control"], {"seconds": round(time.monotonic() - started, 3)})
    student = server.serve()
    if student:
        server.control.detach()  # in the forked process they are closed by number
        server.maker.detach()
    return student


def main(config_text: str) -> None:
    """Serve one grader. `config_text` is JSON: see `Server` and autograder/sandbox/preloaded.py."""
    student = serve_grader(json.loads(config_text))
    if student:
        student.become()


if __name__ == "__main__":
    main(sys.argv[1])
    os._exit(0)

"""Stands between a program that runs notebooks and a kernel that is not trusted.

`python relay.py <CONFIG` passes Jupyter's five channels on in both directions. What a kernel may
say is bounded, as nothing behind it is: nbclient keeps every output that arrives, of any size. It
is a process of its own with little memory, because even one message of endless parts would be
collected in whoever receives it. It ends, and with it the kernel, when the kernel breaks a bound
that no notebook does.
"""

from __future__ import annotations

import ctypes
import hashlib
import hmac
import json
import os
import resource
import signal
import stat
import sys
import time
import uuid
from typing import Any

import zmq

MEMORY = 768 << 20  # the relay's own
MAX_PART = 64 << 20  # bytes of one part of a message
WAITING = 8  # messages that wait in one direction
ANSWERS = 1000  # messages that are no output, for one of the client's
ANSWER_BYTES = 16 << 20  # of them together
KEPT_OUTPUTS = 2000  # for one cell
OUTPUT_COST = 1024  # bytes that an output counts at least
INTERRUPTS = 5  # of the client's, to one cell: nbclient would go on with them for ever
PATIENCE = 16  # an interrupt takes a while to stop what is on its way already
# A client waits for these; all other messages are outputs, and may be cut.
AWAITED = ("status", "execute_input", "error", "iopub_welcome")
SMALL = 64 << 10  # bytes of one of them
# Kinds of sockets: towards the client, towards the kernel.
CHANNELS = {
    "shell": (zmq.ROUTER, zmq.DEALER),
    "control": (zmq.ROUTER, zmq.DEALER),
    "stdin": (zmq.ROUTER, zmq.DEALER),
    "hb": (zmq.ROUTER, zmq.DEALER),
    "iopub": (zmq.XPUB, zmq.XSUB),
}
DELIMITER = b"<IDS|MSG>"
PR_SET_PDEATHSIG = 1


class BoundBroken(Exception):
    """The kernel said more than any notebook does."""


class Relay:
    """Passes messages on until it is killed or a bound is broken.

    config: "front" and "back", paths that a channel's port follows; "ports" {channel: int}; "key";
    "output_bytes" of one cell that are passed on; "flood_bytes" after which it is interrupted.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.key = config["key"].encode()
        self.context = zmq.Context()
        self.context.setsockopt(zmq.LINGER, 0)
        self.front = {name: self._socket(kinds[0]) for name, kinds in CHANNELS.items()}
        self.back: dict[str, zmq.Socket] = {}
        self.front["iopub"].setsockopt(zmq.XPUB_VERBOSE, 1)
        # What has passed the bound must arrive: a client waits for "idle".
        self.front["iopub"].setsockopt(zmq.SNDHWM, 0)
        self.ended: dict[zmq.Socket, str] = {}  # tells that the kernel's end of a channel is gone
        for name, socket in self.front.items():
            socket.bind(f"ipc://{config['front']}-{config['ports'][name]}")
        self.interrupts = 0
        self._begin()

    def _socket(self, kind: int) -> zmq.Socket:
        socket = self.context.socket(kind)
        socket.setsockopt(zmq.MAXMSGSIZE, MAX_PART)
        socket.setsockopt(zmq.RCVHWM, WAITING)
        return socket

    def _begin(self) -> None:
        """The client asks for something: what the kernel says is counted from here."""
        self.output_bytes = self.outputs = self.answer_bytes = self.answers = 0
        self.cut = self.interrupted = False

    # -- one message at a time
    def run(self) -> None:
        """Raises BoundBroken, or runs for ever."""
        poller = zmq.Poller()
        while len(self.back) < len(CHANNELS):
            for name in CHANNELS.keys() - self.back.keys():
                self._connect(name)
            time.sleep(0.01)
        names = {}
        for name in CHANNELS:
            for side in (self.front, self.back):
                poller.register(side[name], zmq.POLLIN)
                names[side[name]] = name
        for monitor in self.ended:
            poller.register(monitor, zmq.POLLIN)
        while True:
            for socket, _ in poller.poll():
                if socket in self.ended:
                    # A part that is too large does this too, and zmq does not connect again. A
                    # kernel that was told to end has a moment to do so by itself.
                    time.sleep(1.0)
                    most = f"{MAX_PART >> 20} MiB"
                    raise BoundBroken(f"the kernel hung up, or sent more than {most} at once")
                name = names[socket]
                parts = socket.recv_multipart()
                if socket is self.front[name]:
                    if name in ("shell", "control"):
                        self._begin()
                        self._count_interrupt(name, parts)
                    self.back[name].send_multipart(parts)
                elif name == "iopub":
                    self._publish(parts)
                else:
                    self._reply(name, parts)

    def _connect(self, name: str) -> None:
        """Connect to the kernel's socket once it is there. The student could put a link in its
        place, to any socket of ours; so it is opened first, and not followed.
        """
        path = f"{self.config['back']}-{self.config['ports'][name]}"
        try:
            descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            raise BoundBroken(f"the kernel's {name} is not a socket")
        socket = self._socket(CHANNELS[name][1])
        self.ended[socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)] = name
        socket.connect(f"ipc:///proc/self/fd/{descriptor}")
        self.back[name] = socket

    def _count_interrupt(self, name: str, parts: list[bytes]) -> None:
        if name == "shell":
            self.interrupts = 0  # the cell before has ended
        elif _about(parts)[0] == "interrupt_request":
            self.interrupts += 1
            if self.interrupts > INTERRUPTS:
                raise BoundBroken("the kernel does not stop when it is interrupted")

    def _reply(self, name: str, parts: list[bytes]) -> None:
        self._count_answer(parts)
        self.front[name].send_multipart(parts)

    def _count_answer(self, parts: list[bytes]) -> None:
        self.answers += 1
        self.answer_bytes += sum(map(len, parts))
        if self.answers > ANSWERS or self.answer_bytes > ANSWER_BYTES:
            raise BoundBroken("the kernel gave endless answers to one question")

    # -- outputs
    def _publish(self, parts: list[bytes]) -> None:
        size = sum(map(len, parts))
        kind, parent = _about(parts)
        if kind in AWAITED and size <= SMALL:
            self._count_answer(parts)
            self.front["iopub"].send_multipart(parts)
            return
        self.outputs += 1
        self.output_bytes += max(size, OUTPUT_COST)
        if self.output_bytes > PATIENCE * self.config["flood_bytes"]:
            raise BoundBroken("the kernel does not stop flooding its output")
        if self.output_bytes <= self.config["output_bytes"] and self.outputs <= KEPT_OUTPUTS:
            self.front["iopub"].send_multipart(parts)
        elif not self.cut:
            self.cut = True
            said = {"name": "stderr", "text": "\n[the rest of this cell's output was cut]\n"}
            self.front["iopub"].send_multipart([b"", *self._message("stream", said, parent)])
        if self.output_bytes > self.config["flood_bytes"] and not self.interrupted:
            self.interrupted = True
            self.back["control"].send_multipart(self._message("interrupt_request", {}, b"{}"))

    def _message(self, kind: str, content: dict[str, Any], parent: bytes) -> list[bytes]:
        """A message of our own, signed as both sides expect it."""
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": kind,
            "session": "relay",
            "username": "relay",
            "version": "5.3",
            "date": time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime()),
        }
        parts = [json.dumps(header).encode(), parent, b"{}", json.dumps(content).encode()]
        signature = hmac.new(self.key, digestmod=hashlib.sha256)
        for part in parts:
            signature.update(part)
        return [DELIMITER, signature.hexdigest().encode(), *parts]


def _about(parts: list[bytes]) -> tuple[str, bytes]:
    """Return a message's type and its parent's header as it came; nothing known is "" and {}."""
    try:
        header, parent = parts[parts.index(DELIMITER) + 2 :][:2]
        if len(header) > SMALL or len(parent) > SMALL:
            return "", b"{}"
        return str(json.loads(header)["msg_type"]), parent
    except (ValueError, KeyError, TypeError, RecursionError):
        return "", b"{}"


def main(config_text: str) -> None:
    """Pass messages on until the process that started us ends, or a bound is broken."""
    config = json.loads(config_text)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != config["parent"]:
        return
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    try:
        Relay(config).run()
    except BoundBroken as error:
        print(error, file=sys.stderr)
        os._exit(1)


if __name__ == "__main__":
    main(sys.stdin.read())

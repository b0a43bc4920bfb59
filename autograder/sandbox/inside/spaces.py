"""Make a place for one session: namespaces of its own, with empty folders of its own in memory.

A small process does this for the fork server (see forks.py), which has grown too large to be forked
more often than once for a session. The first process of a place does nothing: it is what the grader
kills to end the session, and what the kernel ends everything else in the place with.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import stat
from typing import Any

from . import linux, rights

# Entered in this order: the first gives the rights that the others take.
KINDS = {
    "user": linux.CLONE_NEWUSER,
    "mnt": linux.CLONE_NEWNS,
    "net": linux.CLONE_NEWNET,
    "ipc": linux.CLONE_NEWIPC,
    "uts": linux.CLONE_NEWUTS,
    "cgroup": linux.CLONE_NEWCGROUP,
    "pid": linux.CLONE_NEWPID,
}


class Place:
    """Descriptors of one place: its first process, and its namespaces by kind."""

    def __init__(self, descriptors: list[int]) -> None:
        self.first, *spaces = descriptors
        self.spaces = dict(zip(KINDS, spaces, strict=True))

    def adopt_children(self) -> None:
        """Let the next child of this process begin its life there."""
        linux.setns(self.spaces["pid"], KINDS["pid"])

    def enter(self) -> None:
        """Enter everything else, which takes one thread. For good."""
        for name, descriptor in self.spaces.items():
            if name != "pid":
                linux.setns(descriptor, KINDS[name])

    def leave_to_itself(self) -> None:
        """Close the namespaces' descriptors; they live on with the processes in them."""
        while self.spaces:
            os.close(self.spaces.popitem()[1])

    def end(self) -> None:
        """Kill what is there. The kernel takes the place away."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.first, signal.SIGKILL)
        os.close(self.first)
        self.leave_to_itself()


class Maker:
    """The process that makes places, seen from the fork server; one place is made ahead."""

    SECONDS = 30.0

    def __init__(self) -> None:
        self._sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        server = os.pidfd_open(os.getpid())
        if not os.fork():
            try:
                linux.close_all_but({0, 1, 2, theirs.fileno(), server})
                serve(theirs, server)
            finally:
                os._exit(1)
        os.close(server)
        theirs.close()
        self._sock.settimeout(self.SECONDS)
        self._ordered: str | None = None

    def order(self, wanted: dict[str, Any]) -> None:
        """Have a place made; `take` it later."""
        self._ordered = json.dumps(wanted)
        self._sock.send(self._ordered.encode())

    def take(self, wanted: dict[str, Any]) -> Place:
        """Return a place like `wanted`, and have the next one made. Raises OSError."""
        while self._ordered != json.dumps(wanted):
            if self._ordered is not None:
                self._receive().end()
            self.order(wanted)
        self._ordered = None
        place = self._receive()
        self.order(wanted)
        return place

    def detach(self) -> None:
        """Forget the process, which belongs to another."""
        self._sock.detach()

    def _receive(self) -> Place:
        message, descriptors, _, _ = socket.recv_fds(self._sock, 65536, len(KINDS) + 1)
        said = json.loads(message or '{"error": "the process that makes namespaces has ended"}')
        if "error" in said:
            raise OSError(said["error"])
        return Place(descriptors)


# ------------------------------------------------------------------ in the small process
def serve(sock: socket.socket, server: int) -> None:
    """Make one place for each message, until the server, of which `server` is a pidfd, has gone."""
    while message := sock.recv(65536):
        child = os.fork()
        if not child:
            try:
                make_place(sock, json.loads(message), server)
            except Exception as error:
                sock.send(json.dumps({"error": str(error)}).encode())
            finally:
                os._exit(0)
        os.waitpid(child, 0)


def make_place(sock: socket.socket, wanted: dict[str, Any], server: int) -> None:
    """Make one place and send its descriptors. In its first process this ends with the server.

    wanted: "folders" {path: bytes} that are to be empty and in memory; "inodes" in each of them;
    "kept", paths in them that are to be seen all the same; "made", folders to make in them.
    """
    flags = 0
    for flag in KINDS.values():
        flags |= flag
    linux.leave_for_new(flags)
    if os.fork():
        return
    # From here on in the first process of the new place.
    empty_folders(wanted)
    # Its numbers of processes are the new ones; the old /proc tells of others' processes.
    linux.mount("proc", "/proc", "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
    descriptors = [os.pidfd_open(os.getpid())]
    descriptors += [os.open(f"/proc/self/ns/{name}", os.O_RDONLY) for name in KINDS]
    rights.drop_bounding_set()
    rights.drop_capabilities()
    rights.set_dumpable(False)
    socket.send_fds(sock, [b"{}"], descriptors)
    linux.close_all_but({0, 1, 2, server})
    poll = select.poll()
    poll.register(server, select.POLLIN)
    poll.poll()


def empty_folders(wanted: dict[str, Any]) -> None:
    """Cover the folders by empty ones, with what is to be seen in them."""
    linux.mount("none", "/", "", linux.MS_REC | linux.MS_PRIVATE)
    kept = [(path, os.open(path, os.O_PATH)) for path in wanted["kept"]]
    for path, size in wanted["folders"].items():
        options = f"size={size},nr_inodes={wanted['inodes']},mode=1777"
        linux.mount("tmpfs", path, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, options)
    for path in wanted["made"]:
        os.makedirs(path, exist_ok=True)
    for path, descriptor in kept:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            os.makedirs(path, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
        source = f"/proc/self/fd/{descriptor}"
        linux.mount(source, path, "", linux.MS_BIND | linux.MS_REC)
        os.close(descriptor)

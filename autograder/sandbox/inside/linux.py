"""System calls that Python 3.11 has no names for."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Container

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS = 0x00020000, 0x02000000, 0x04000000
CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID = 0x08000000, 0x10000000, 0x20000000
CLONE_NEWNET = 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND = 2, 4, 8, 4096
MS_REC, MS_PRIVATE = 1 << 14, 1 << 18

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def setns(descriptor: int, kind: int) -> None:
    """Enter a namespace; into one of process ids, only later children enter."""
    _call("setns", descriptor, kind)


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    try:
        _call(
            "mount",
            source.encode(),
            target.encode(),
            kind.encode() or None,
            ctypes.c_ulong(flags),
            options.encode() or None,
        )
    except OSError as error:
        raise OSError(error.errno, f"mount on {target}: {os.strerror(error.errno)}") from None


def leave_for_new(flags: int) -> None:
    """Leave the namespaces of these kinds, users' among them, for new ones, with every right over
    them; be in there whom one is outside, and nobody else.
    """
    user, group = os.geteuid(), os.getegid()  # they are nobody's in the new one at first
    _call("unshare", flags | CLONE_NEWUSER)
    for name, text in (
        ("uid_map", f"{user} {user} 1"),
        ("setgroups", "deny"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def close_all_but(kept: Container[int]) -> None:
    """Close every descriptor that is not in `kept`."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in kept:
            with contextlib.suppress(OSError):  # the one that the folder was read by is gone
                os.close(int(name))


def count_threads() -> int:
    """Return how many threads this process has, whoever started them."""
    return len(os.listdir("/proc/self/task"))

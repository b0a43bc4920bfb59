"""Landlock through its three system calls: which files a process may open. See landlock(7).

A second layer under the mounts: it also holds where a mount was forgotten. It binds the calling
thread and what that thread starts later, so it is called while there is one thread.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same numbers on every architecture
CREATE_RULESET_VERSION = 1
RULE_PATH_BENEATH = 1
PR_SET_NO_NEW_PRIVS = 38

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
TRUNCATE, IOCTL_DEV = 1 << 14, 1 << 15
READ = EXECUTE | READ_FILE | READ_DIR
ON_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
# How many kinds of access each version of the interface knows: 13 bits in the first, ...
FILE_ACCESS_BITS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
TCP_BIND_AND_CONNECT = 3  # version 4
ABSTRACT_SOCKETS_AND_SIGNALS = 3  # version 6: neither leaves this domain


def _call(number: int, *arguments: object) -> int:
    result = ctypes.CDLL(None, use_errno=True).syscall(number, *arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"landlock: {os.strerror(code)}")
    return result


def version() -> int:
    """Return the version of the kernel's Landlock, 0 when it has none."""
    try:
        return _call(CREATE_RULESET, None, 0, CREATE_RULESET_VERSION)
    except OSError:
        return 0


def restrict(readable: Iterable[str], writable: Iterable[str], *, sockets: bool = False) -> int:
    """Let this process read under `readable`, and write under `writable` only. With `sockets` it
    may use TCP, where its network namespace has any.

    Returns the version used, 0 for none.
    """
    supported = version()
    if not supported:
        return 0
    everything = (1 << FILE_ACCESS_BITS[min(supported, 5)]) - 1
    attributes = struct.pack(
        "<QQQ",
        everything,
        TCP_BIND_AND_CONNECT if supported >= 4 and not sockets else 0,
        ABSTRACT_SOCKETS_AND_SIGNALS if supported >= 6 else 0,
    )
    size = 8 if supported < 4 else 16 if supported < 6 else 24
    ruleset = _call(CREATE_RULESET, attributes[:size], size, 0)
    try:
        for path in readable:
            _allow(ruleset, path, READ & everything)
        for path in writable:
            _allow(ruleset, path, everything)
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        _call(RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return supported


def _allow(ruleset: int, path: str, access: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            access &= ON_A_FILE
        _call(ADD_RULE, ruleset, RULE_PATH_BENEATH, struct.pack("<Qi", access, descriptor), 0)
    finally:
        os.close(descriptor)

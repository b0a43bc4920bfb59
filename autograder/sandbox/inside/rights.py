"""Give up, at once and for ever, the rights that bubblewrap leaves to the first program inside.

Two things need a right there: bounding the number of files in folders that are in memory (bwrap
bounds their bytes only, and each file costs the kernel memory), and becoming another user where
root grades. This is the first that a student's process does, before it imports what notebooks use,
and long before it sees a line of a student's. It imports the standard library only. See
capabilities(7), prctl(2).
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from typing import Any

MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 2, 4, 8, 32
PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 4, 24, 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
CAPABILITY_VERSION_3 = 0x20080522
LAST_CAPABILITY = 63  # of all that the interface has room for

libc = ctypes.CDLL(None, use_errno=True)


class RightsLeft(RuntimeError):
    """The process can do more than it should when a student's code comes."""


def give_up_rights(config: dict[str, Any]) -> None:
    """Do what `config["rights"]` says: {"inodes": int, "folders": [path], "uid": int or None,
    "proc": whether to mount /proc}.

    Without that key, nothing: a container's process never had a right. Raises OSError.
    """
    rights = config.get("rights")
    if rights is None:
        return
    if rights.get("proc"):
        flags = MS_NOSUID | MS_NODEV | MS_NOEXEC
        if libc.mount(b"proc", b"/proc", b"proc", flags, None):
            _fail("mounting /proc")
    options = f"nr_inodes={rights['inodes']}".encode()
    for folder in rights["folders"]:
        flags = MS_REMOUNT | MS_NOSUID | MS_NODEV
        if libc.mount(b"tmpfs", folder.encode(), b"tmpfs", flags, options):
            _fail(f"bounding the files in {folder}")
    uid = rights["uid"]
    if uid is not None:
        drop_bounding_set()
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    drop_capabilities()
    if uid is not None:
        # Another user's process is closed to itself (/proc/self) until its next program, and there
        # is none.
        set_dumpable(True)
    assert_no_rights()


def assert_no_rights(status: str = "/proc/self/status") -> None:
    """Raise RightsLeft if this process has a capability, or may get one from a program."""
    with open(status) as file:
        found = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    left = [name for name in ("CapInh", "CapPrm", "CapEff", "CapAmb") if int(found[name], 16)]
    if left or found["NoNewPrivs"] != "1":
        raise RightsLeft(
            "a student's process must have no capabilities and no way to new ones. "
            f"Got {', '.join(left) or 'none'}, NoNewPrivs {found['NoNewPrivs']}"
        )


def drop_bounding_set() -> None:
    """Let no program that is started later have a capability. It takes one to do this."""
    for capability in range(LAST_CAPABILITY + 1):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # refused beyond the kernel's last


def drop_capabilities() -> None:
    """Give up every capability, and every way to a new one."""
    if libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0):
        _fail("giving up ambient capabilities")
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    if libc.capset(header, nothing):
        _fail("giving up capabilities")
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        _fail("setting no_new_privs")


def set_dumpable(dumpable: bool) -> None:
    """Say whether processes of the same user, itself too, may look into this one."""
    if libc.prctl(PR_SET_DUMPABLE, int(dumpable), 0, 0, 0):
        _fail("setting who may look into this process")


def _fail(what: str) -> None:
    code = ctypes.get_errno()
    raise OSError(code, f"{what}: {os.strerror(code)}")


if __name__ == "__main__":
    give_up_rights(json.loads(sys.argv[1]))  # to find out whether it works on this machine

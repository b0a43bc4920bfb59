"""Linux namespaces and an allow-list of mounts, by the program `bwrap`."""

from __future__ import annotations

import functools
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import mounts
from .backend import DEVICES, FONTS, HOME, JOB, STUDENT_UIDS, Wrapped, environment
from .limits import Limits

NOBODY = 65534
FRESH = ("/tmp", JOB, "/dev/shm")
"""Folders that are empty when a session begins, and in memory."""


class Bubblewrap:
    """Namespaces and an allow-list of mounts by `bwrap`, for root and for an ordinary user."""

    name = "bwrap"

    def why_not(self) -> str:
        program = shutil.which("bwrap")
        if not program:
            return "bwrap is not installed"
        return _try_bubblewrap(program)

    def wrap(
        self,
        arguments: Sequence[str],
        limits: Limits,
        hidden: Sequence[Path],
        info_fd: int,
        *,
        shown: Sequence[mounts.Mount] = (),
        uid: int | None = None,
        forks: bool = False,
    ) -> Wrapped:
        """Wrap `python ARGUMENTS`. `shown` comes beside what every session sees; `uid` is the user
        inside when root grades, else drawn for each session. With `forks` it is the fork server,
        which makes places of its own inside, and ends itself when the grader has.
        """
        plan = [*mounts.plan_mounts(hidden), *shown]
        config = {
            "rights": _rights(limits, uid, own_proc=_mounts_proc(forks)),
            "walls": True,
            "rlimits": limits.rlimits(),
            "readable": [
                *_targets(plan, writable=False),
                "/proc",
                *(f"/dev/{name}" for name in DEVICES),
            ],
            "writable": [*_targets(plan, writable=True), "/tmp", JOB, "/dev/shm", "/dev/null"],
            "job": JOB,
        }
        command = _bubblewrap(shutil.which("bwrap") or "bwrap", limits, plan, forks=forks)
        at = command.index("--")
        command[at:at] = ["--info-fd", str(info_fd)]
        return Wrapped([*command, sys.executable, *arguments], config=config, info_pipe=True)


def _targets(plan: Sequence[mounts.Mount], *, writable: bool) -> list[str]:
    return [str(mount.target) for mount in plan if mount.source and mount.writable == writable]


def inside_fresh(plan: Sequence[mounts.Mount]) -> list[str]:
    """Return what is mounted in a folder of FRESH, each without what is mounted in it again."""
    found: list[Path] = []
    for path in (
        *(mount.target for mount in plan),
        *(Path(FONTS, f.name) for f in mounts.font_lists()),
    ):
        in_fresh = any(path.is_relative_to(folder) for folder in FRESH)
        if in_fresh and not any(path.is_relative_to(around) for around in found):
            found.append(path)
    return [str(path) for path in found]


def draw_uid() -> int:
    """Return a user that nobody is, for one session."""
    return random.SystemRandom().choice(STUDENT_UIDS)


@functools.cache
def _try_bubblewrap(program: str) -> str:
    """Run it: being installed says little, containers and AppArmor often refuse the namespaces."""
    limits = Limits()
    command = [*_bubblewrap(program, limits, mounts.plan_mounts()), sys.executable, "-I", "-S"]
    command.append(str(mounts.PUBLIC / "sandbox_inside" / "rights.py"))
    command.append(json.dumps({"rights": _rights(limits)}))
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if not ran.returncode:
        return ""
    said = f"bwrap does not work here: {ran.stderr.strip() or ran.returncode}"
    return "\n        ".join([said, *namespace_advice()])


def namespace_advice(settings: Path = Path("/proc/sys")) -> list[str]:
    """Say which of this machine's settings refuse user namespaces, and how to allow them."""
    advice = []
    if _setting(settings / "kernel/apparmor_restrict_unprivileged_userns") == "1":
        advice.append(
            "AppArmor refuses the namespaces (Ubuntu 23.10 and later). Allow them to bubblewrap "
            "alone, with the profile in docs/sandbox.md: sudo tools/allow_bubblewrap.sh"
        )
    if _setting(settings / "kernel/unprivileged_userns_clone") == "0":
        advice.append(
            "The kernel refuses the namespaces: sudo sysctl kernel.unprivileged_userns_clone=1"
        )
    if _setting(settings / "user/max_user_namespaces") == "0":
        advice.append("No namespaces are left: sudo sysctl user.max_user_namespaces=15000")
    if not advice:
        advice.append(
            "In a container, whoever starts it must allow user namespaces; in a pod, "
            "see docs/sandbox.md"
        )
    return advice


def _setting(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _mounts_proc(forks: bool) -> bool:
    """Return whether the program inside is to mount /proc. Where root starts it, bwrap covers parts
    of its own, and the kernel then refuses another /proc to the places that a fork server makes.
    """
    return forks and os.geteuid() == 0


def _rights(limits: Limits, uid: int | None = None, *, own_proc: bool = False) -> dict[str, Any]:
    """Return what the first program inside is to do with its rights (see inside/rights.py).

    Under root that is a real user id, one for each session: "nobody" of a user namespace would be
    root outside, and processes are counted by user, so one student's must not count as another's.
    """
    return {
        "inodes": limits.inodes,
        "folders": list(FRESH),
        "proc": own_proc,
        "uid": (uid or draw_uid()) if os.geteuid() == 0 else None,
    }


def _bubblewrap(
    program: str, limits: Limits, plan: Sequence[mounts.Mount], *, forks: bool = False
) -> list[str]:
    """Return the command that the student's program is appended to; it must give up its rights."""
    command = [program, "--new-session", "--clearenv", "--hostname", "sandbox"]
    if not forks:  # the "parent" is the thread that starts it, and a server outlives that
        command.append("--die-with-parent")
    command += [f"--unshare-{space}" for space in ("pid", "net", "ipc", "uts", "cgroup-try")]
    if os.geteuid() == 0:
        capabilities = ("SYS_ADMIN", "SETUID", "SETGID", "SETPCAP")
        command += ["--cap-drop", "ALL"]
    else:
        capabilities = ("SYS_ADMIN",)
        command += ["--unshare-user", "--uid", str(NOBODY), "--gid", str(NOBODY)]
    for capability in capabilities:
        command += ["--cap-add", f"CAP_{capability}"]
    command += _file_system(limits, plan, own_proc=_mounts_proc(forks))
    for name, value in environment(HOME, FONTS, str(mounts.PUBLIC)).items():
        command += ["--setenv", name, value]
    return [*command, "--chdir", JOB, "--"]


def _file_system(
    limits: Limits, plan: Sequence[mounts.Mount], *, own_proc: bool = False
) -> list[str]:
    """Return the options that build the file system a student's process sees; with `own_proc`, for
    a program that mounts /proc itself.
    """
    options: list[str] = []
    made = {Path("/")}

    def folder(path: Path, mode: str = "0755") -> None:
        # Every parent is made by hand: bwrap's own have mode 0700, which shuts another user out.
        if path not in made:
            folder(path.parent)
            made.add(path)
            options.extend(["--perms", mode, "--dir", str(path)])

    def memory(path: str, size: int, mode: str = "1777") -> None:
        made.add(Path(path))
        options.extend(["--size", str(size), "--perms", mode, "--tmpfs", path])

    for link, says in mounts.system_links():
        options += ["--symlink", says, str(link)]
    options += ["--dir" if own_proc else "--proc", "/proc"]
    # Not --dev: it brings terminals, and a second user namespace for them.
    folder(Path("/dev"))
    for name in DEVICES:
        options += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    options += ["--symlink", "/proc/self/fd", "/dev/fd"]
    memory("/dev/shm", limits.shared_memory_bytes)
    memory("/tmp", limits.tmp_bytes)
    memory(JOB, limits.tmp_bytes)
    folder(Path(HOME), "1777")
    folder(Path(FONTS), "1777")
    for font_list in mounts.font_lists():
        options += ["--ro-bind-try", str(font_list), f"{FONTS}/{font_list.name}"]
    planned = {mount.target: mount for mount in plan}
    for mount in plan:
        around = next((planned[path] for path in mount.target.parents if path in planned), None)
        if around is None or around.source is None:  # else the folder is there, and read-only
            folder(mount.target.parent)
        if mount.source:
            bind = "--bind" if mount.writable else "--ro-bind"
            options += [bind, str(mount.source), str(mount.target)]
        else:
            memory(str(mount.target), 4096, "0755")
    for path in (*(str(mount.target) for mount in plan if not mount.source), "/"):
        options += ["--remount-ro", path]
    return options

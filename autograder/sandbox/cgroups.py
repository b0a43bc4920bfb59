"""Control groups: bound the resident memory and the tasks of a whole session, where one may.

A limit of setrlimit(2) counts one process's addresses. A control group counts what really lies in
memory, of every kind (files in /tmp and shared maps too), for all processes of a session together,
and says afterwards whether somebody was killed for it. See cgroups(7). Three ways, the first that
works:

    v1        root, where each controller has a file system of its own
    v2        root without systemd, or a unit with `Delegate=yes` that the grader is alone in
    systemd   anybody on an ordinary Linux machine, through systemd-run

Without any of them the limits of each process still hold, and a line in the log says so once.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .limits import Limits

PREFIX = "cs231n-"
LEAF = "grader"
LAUNCHERS = 8
"""Tasks beside the student's own: bwrap, the first process inside, what they start on the way."""
REMOVE_SECONDS = 2.0
PROBE_SECONDS = 20.0
CONTROLLERS = ("memory", "pids")
# A process enters by writing itself into the group: nothing that it starts is ever outside.
ENTER = 'for f; do shift; [ "$f" = -- ] && break; echo 0 >"$f" || exit 125; done; exec "$@"'

log = logging.getLogger(__name__)


class NoGroup(OSError):
    """No control group can be made here; the message is the reason."""


@dataclass
class Group:
    """One session's bounds. `prefix` stands before the command that is to run in them."""

    prefix: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()

    def take(self, pid: int) -> None:
        """Take in a process that runs already, with what it does from now on."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(pid))

    def ran_out_of_memory(self) -> bool:
        """Return whether the kernel has killed somebody in this group for its memory."""
        for name in ("memory.events", "memory.oom_control"):
            for folder in self.folders:
                with contextlib.suppress(OSError):
                    for line in (folder / name).read_text().splitlines():
                        if line.startswith("oom_kill ") and int(line.split()[1]):
                            return True
        return False

    def remove(self) -> None:
        """Remove it, and kill whoever is left in it."""
        for folder in self.folders:
            deadline = time.monotonic() + REMOVE_SECONDS
            while not _remove(folder) and time.monotonic() < deadline:
                for pid in _processes(folder):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                time.sleep(0.005)


def new_group(limits: Limits) -> Group:
    """Return a group with these limits; where none can be had, one that bounds nothing."""
    way, why = find_way()
    if way is not None:
        try:
            return way(limits)
        except OSError as error:
            why = str(error)
    _tell_once(why)
    return Group()


@functools.cache
def _tell_once(why: str) -> None:
    log.warning(
        "Memory and tasks are bounded for each process of a submission, but not for all of them "
        "together: no control group can be made here (%s). docs/sandbox.md says how to have one.",
        why,
    )


Way = Callable[[Limits], Group]


@functools.cache
def find_way() -> tuple[Way | None, str]:
    """Return the way to make groups on this machine, tried once; or None, and why."""
    tried = []
    for way in (version_1, version_2, systemd):
        try:
            way(Limits()).remove()
            return way, ""
        except OSError as error:
            tried.append(f"{way.__name__.replace('_', ' ')}: {error}")
    return None, "; ".join(tried)


def version_1(limits: Limits) -> Group:
    """Make a group in each controller's own hierarchy, inside the group that we are in."""
    places = own_groups()
    missing = [name for name in CONTROLLERS if name not in places]
    if missing:
        raise NoGroup(f"no hierarchy for {' and '.join(missing)}")
    memory = str(limits.resident_memory)
    # In this order: the limit with swap may not be below the one without.
    settings = {"memory.limit_in_bytes": memory, "memory.memsw.limit_in_bytes": memory}
    parts = {
        "memory": (settings, ("memory.memsw.limit_in_bytes",)),
        "pids": ({"pids.max": str(limits.processes + LAUNCHERS)}, ()),
    }
    group = Group()
    try:
        for controller, (wanted, optional) in parts.items():
            folder = _make_folder(places[controller])
            group.folders += (folder,)
            _write(folder, wanted, optional)
    except OSError:
        group.remove()
        raise
    group.prefix = _entrance(group.folders)
    return group


def version_2(limits: Limits) -> Group:
    """Make a group inside our own in the one hierarchy of version 2."""
    folder = _make_folder(_place_of_version_2())
    group = Group(folders=(folder,))
    settings = {
        "memory.max": str(limits.resident_memory),
        "memory.swap.max": "0",
        "memory.oom.group": "1",
        "pids.max": str(limits.processes + LAUNCHERS),
    }
    try:
        _write(folder, settings, ("memory.swap.max", "memory.oom.group"))
    except OSError:
        group.remove()
        raise
    group.prefix = _entrance(group.folders)
    return group


@functools.cache
def _place_of_version_2() -> Path:
    place = own_groups().get("")
    if place is None:
        raise NoGroup("not mounted")
    return hand_down_controllers(place)


def hand_down_controllers(place: Path) -> Path:
    """Let groups inside `place`, the group of this process, have limits; return where to make them.

    Version 2 asks that no process is in `place` itself then; ours moves into a leaf of its own,
    others' are left where they are. Raises NoGroup.
    """
    if place.name == LEAF and _has_handed_down(place.parent):
        return place.parent  # another grader of this unit was here before
    there = (place / "cgroup.controllers").read_text().split()
    missing = [name for name in CONTROLLERS if name not in there]
    if missing:
        raise NoGroup(f"this session was not given the controllers {' and '.join(missing)}")
    if _has_handed_down(place):
        return place
    if (place / "cgroup.type").exists():  # only the true root has none, and may hold processes
        others = [pid for pid in _processes(place) if pid != os.getpid()]
        if others:
            raise NoGroup("other programs are in this session's group")
        leaf = place / LEAF
        leaf.mkdir(exist_ok=True)
        (leaf / "cgroup.procs").write_text(str(os.getpid()))
    (place / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in CONTROLLERS))
    return place


def _has_handed_down(place: Path) -> bool:
    return set(CONTROLLERS) <= set((place / "cgroup.subtree_control").read_text().split())


def systemd(limits: Limits) -> Group:
    """Let systemd make a scope around the command; it goes when the last process in it has."""
    program = shutil.which("systemd-run")
    if not program:
        raise NoGroup("systemd-run is not installed")
    options = [program, "--scope", "--quiet", "--collect"]
    if os.geteuid() != 0:
        options.append("--user")
    for name, value in (
        ("MemoryMax", limits.resident_memory),
        ("MemorySwapMax", 0),
        ("TasksMax", limits.processes + LAUNCHERS),
    ):
        options.append(f"--property={name}={value}")
    known = ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")
    environment = {name: os.environ[name] for name in known if name in os.environ}
    _try_systemd((*options, "--", "true"), tuple(sorted(environment.items())))
    return Group([*options, "--"], environment)


@functools.cache
def _try_systemd(command: tuple[str, ...], environment: tuple[tuple[str, str], ...]) -> None:
    """Run it: many containers have the program, and nobody who answers it."""
    try:
        ran = subprocess.run(
            command,
            env={"PATH": os.environ.get("PATH", os.defpath), **dict(environment)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PROBE_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise NoGroup("systemd-run does not answer") from None
    if ran.returncode:
        raise NoGroup(ran.stderr.strip() or f"systemd-run failed ({ran.returncode})")


# ------------------------------------------------------------- files under /sys/fs/cgroup
def own_groups(proc: Path = Path("/proc/self")) -> dict[str, Path]:
    """Return the folder of the group that this process is in, by controller; "" is version 2."""
    within = {}
    for line in (proc / "cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        within.update(dict.fromkeys(names.split(","), path))
    found = {}
    for line in (proc / "mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        root, mounted_at = before.split()[3:5]
        kind, _, options = after.split(" ", 2)
        names = [""] if kind == "cgroup2" else options.split(",") if kind == "cgroup" else []
        for name in names:
            path = Path(within.get(name, "/.."))
            if ".." not in path.parts and path.is_relative_to(root):
                found[name] = Path(mounted_at) / path.relative_to(root)
    return found


def _make_folder(parent: Path) -> Path:
    _sweep(parent)
    folder = parent / f"{PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
    folder.mkdir()
    return folder


@functools.cache
def _sweep(parent: Path) -> None:
    """Remove the groups of graders that were killed before they could."""
    for folder in parent.glob(PREFIX + "*"):
        pid = folder.name.removeprefix(PREFIX).split("-")[0]
        if pid.isdigit() and not _is_running(int(pid)):
            _remove(folder)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _remove(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        pass
    except OSError:
        return False
    return True


def _processes(folder: Path) -> list[int]:
    try:
        return [int(pid) for pid in (folder / "cgroup.procs").read_text().split()]
    except OSError:
        return []


def _write(folder: Path, settings: dict[str, str], optional: tuple[str, ...]) -> None:
    for name, value in settings.items():
        if name in optional and not (folder / name).exists():
            continue
        (folder / name).write_text(value)


def _entrance(folders: tuple[Path, ...]) -> list[str]:
    return ["/bin/sh", "-c", ENTER, "sh", *(str(f / "cgroup.procs") for f in folders), "--"]

"""The ways to keep a process apart. A backend turns a command into one that runs behind a wall.

Everything above it is the same for all of them. To add one (podman, docker), write a class with the
methods of `Backend` and name it in BACKENDS.
"""

from __future__ import annotations

import functools
import os
import random
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from . import mounts
from .errors import NoSandbox, UnsafeSandbox
from .limits import Limits

NOBODY = 65534
# systemd's range for services without an account: no person has one of these.
STUDENT_UIDS = range(61184, 65520)
HOME = "/tmp/home"
FONTS = HOME + "/matplotlib"
JOB = "/job"
DEVICES = ("null", "zero", "full", "random", "urandom")

ADVICE = """Install bubblewrap, which keeps students' code apart:
    Debian, Ubuntu   sudo apt install bubblewrap
    Fedora, RHEL     sudo dnf install bubblewrap
    Arch             sudo pacman -S bubblewrap
    openSUSE         sudo zypper install bubblewrap
    Alpine           sudo apk add bubblewrap
    macOS, Windows   it does not exist there: grade in a Linux machine, virtual or not
If it is installed and says "setting up uid map: Permission denied" (Ubuntu 24.04), its AppArmor
profile must allow user namespaces; if it says "No permissions to create new namespace" (in a
container), ask who runs the container to allow them.
Nothing was graded. To run students' code with all your rights instead, ask for the backend "none";
that is never a default."""


@dataclass
class Wrapped:
    """A command that runs behind a wall."""

    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    config: dict = field(default_factory=dict)
    """For the process inside: see inside/confine.py."""
    info_pipe: bool = False
    """The command reports the id of the first process inside as JSON to descriptor `info_fd`."""
    folder: Path | None = None
    """Where to start the command, when that matters."""
    clean_up: Callable[[], None] = lambda: None


class Backend(Protocol):
    name: str

    def why_not(self) -> str:
        """Return "" when this backend works here, else the reason why it does not."""

    def wrap(
        self, arguments: Sequence[str], limits: Limits, hidden: Sequence[Path], info_fd: int
    ) -> Wrapped:
        """Wrap `python ARGUMENTS`; `hidden` folders are shown to it in no case."""


def environment(home: str, fonts: str, path: str) -> dict[str, str]:
    """The whole environment of a student's process."""
    threads = dict.fromkeys(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
    )
    return threads | {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": home,
        "IPYTHONDIR": home + "/ipython",
        "MPLCONFIGDIR": fonts,
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONPATH": path,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONSAFEPATH": "1",
    }


class Bubblewrap:
    """Namespaces and an allow-list of mounts by `bwrap`, for root and for an ordinary user."""

    name = "bwrap"

    def why_not(self) -> str:
        program = shutil.which("bwrap")
        if not program:
            return "bwrap is not installed"
        if os.geteuid() == 0 and not shutil.which("setpriv"):
            return "setpriv (util-linux) is not installed; root needs it to give up its rights"
        return _try_bubblewrap(program)

    def wrap(
        self, arguments: Sequence[str], limits: Limits, hidden: Sequence[Path], info_fd: int
    ) -> Wrapped:
        plan = mounts.plan_mounts(hidden)
        shown = [str(mount.target) for mount in plan if mount.source]
        config = {
            "walls": True,
            "rlimits": limits.rlimits(),
            "readable": [*shown, "/proc", *(f"/dev/{name}" for name in DEVICES)],
            "writable": ["/tmp", JOB, "/dev/shm", "/dev/null"],
            "job": JOB,
        }
        command = _bubblewrap(shutil.which("bwrap") or "bwrap", limits, plan)
        at = command.index("--")
        command[at:at] = ["--info-fd", str(info_fd)]
        return Wrapped([*command, sys.executable, *arguments], config=config, info_pipe=True)


@functools.cache
def _try_bubblewrap(program: str) -> str:
    """Run it: being installed says little, containers and AppArmor often refuse the namespaces."""
    command = [*_bubblewrap(program, Limits(), mounts.plan_mounts()), "/usr/bin/env", "true"]
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if ran.returncode:
        return f"bwrap does not work here: {ran.stderr.strip() or ran.returncode}"
    return ""


def _bubblewrap(program: str, limits: Limits, plan: Sequence[mounts.Mount]) -> list[str]:
    """Return the command that the student's program is appended to."""
    command = [program, "--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox"]
    command += [f"--unshare-{space}" for space in ("pid", "net", "ipc", "uts", "cgroup-try")]
    give_up_root = []
    if os.geteuid() == 0:
        # With --unshare-user, "nobody" inside would be root outside. So a real user id, one for
        # each session: processes are counted by user, and one student's must not count as
        # another's.
        uid = random.SystemRandom().choice(STUDENT_UIDS)
        capabilities = ("SYS_ADMIN", "SETUID", "SETGID", "SETPCAP")
        command += ["--cap-drop", "ALL"]
        give_up_root = f"setpriv --reuid={uid} --regid={uid} --clear-groups --no-new-privs".split()
        give_up_root += "--bounding-set=-all --inh-caps=-all --ambient-caps=-all".split()
    else:
        capabilities = ("SYS_ADMIN",)
        command += ["--unshare-user", "--uid", str(NOBODY), "--gid", str(NOBODY)]
    for capability in capabilities:
        command += ["--cap-add", f"CAP_{capability}"]
    command += _file_system(limits, plan)
    for name, value in environment(HOME, FONTS, str(mounts.PUBLIC)).items():
        command += ["--setenv", name, value]
    launch = [sys.executable, "-I", "-S", str(mounts.PUBLIC / "sandbox_inside" / "launch.py")]
    launch += [str(limits.inodes), "/tmp", JOB, "/dev/shm", "--"]
    return [*command, "--chdir", JOB, "--", *launch, *give_up_root]


def _file_system(limits: Limits, plan: Sequence[mounts.Mount]) -> list[str]:
    """Return the options that build the file system a student's process sees."""
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
    options += ["--proc", "/proc"]
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
            options += ["--ro-bind", str(mount.source), str(mount.target)]
        else:
            memory(str(mount.target), 4096, "0755")
    for path in (*(str(mount.target) for mount in plan if not mount.source), "/"):
        options += ["--remount-ro", path]
    return options


class NoWall:
    """No wall at all: students' code runs as the person who grades. Only when asked for by name,
    and never quietly.
    """

    name = "none"

    def why_not(self) -> str:
        return ""

    def wrap(
        self, arguments: Sequence[str], limits: Limits, hidden: Sequence[Path], info_fd: int
    ) -> Wrapped:
        warnings.warn(
            'The backend "none" runs students\' code with all your rights: '
            "it can read, change and send whatever you can.",
            UnsafeSandbox,
            stacklevel=2,
        )
        folder = tempfile.TemporaryDirectory(prefix="no-sandbox-", ignore_cleanup_errors=True)
        root = Path(folder.name)
        for name in ("job", "home", "course"):
            (root / name).mkdir()
        for mount in mounts.public_mounts():
            (root / "course" / mount.target.name).symlink_to(mount.source)
        config = {
            "walls": False,
            "rlimits": limits.rlimits(count_processes=False),
            "job": str(root / "job"),
        }
        return Wrapped(
            [sys.executable, *arguments],
            environment(str(root / "home"), str(root / "home"), str(root / "course")),
            config,
            folder=root / "job",
            clean_up=folder.cleanup,
        )


BACKENDS: dict[str, type] = {"bwrap": Bubblewrap, "none": NoWall}
AUTOMATIC = ("bwrap",)


def choose_backend(name: str = "auto") -> Backend:
    """Return the backend called `name`, or for "auto" the first one that works here. Raises
    NoSandbox when none does.
    """
    if name != "auto" and name not in BACKENDS:
        raise NoSandbox(
            f"a sandbox's name must be auto or one of {', '.join(BACKENDS)}. Got {name!r}. "
            "Nothing was graded."
        )
    tried = []
    for candidate in AUTOMATIC if name == "auto" else (name,):
        backend = BACKENDS[candidate]()
        reason = backend.why_not()
        if not reason:
            return backend
        tried.append(f"    {candidate}: {reason}")
    raise NoSandbox("\n".join(["No sandbox works on this machine. Tried:", *tried, ADVICE]))

"""The ways to keep a process apart. A backend turns a command into one that runs it behind a wall; everything above it is the same.

To add one (podman, docker), write a class with the methods of `Backend` and name it in BACKENDS.
"""

from __future__ import annotations

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
STUDENT_UIDS = range(61184, 65520)  # systemd's range for services without an account: no person has one of these
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
If it is installed and says "setting up uid map: Permission denied" (Ubuntu 24.04), its AppArmor profile must allow user
namespaces; if it says "No permissions to create new namespace" (a container), ask who runs the container to allow them.
Nothing was graded. To run students' code with all your rights instead, ask for the backend "none"; that is never a default."""


@dataclass
class Wrapped:
    """A command that runs behind a wall."""

    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    config: dict = field(default_factory=dict)
    """For the process inside: see inside/confine.py."""
    info_pipe: bool = False
    """The command reports the id of the first process inside as JSON to descriptor `info_fd`."""
    clean_up: Callable[[], None] = lambda: None


class Backend(Protocol):
    name: str

    def why_not(self) -> str:
        """Return "" when this backend works here, else the reason why it does not."""

    def wrap(self, arguments: Sequence[str], limits: Limits, hidden: Sequence[Path], info_fd: int) -> Wrapped:
        """Wrap `python ARGUMENTS`; `hidden` folders are shown to it in no case."""


def environment(home: str, fonts: str, path: str) -> dict[str, str]:
    """The whole environment of a student's process."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
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

    def __init__(self) -> None:
        self._works: str | None = None  # the program that was found to work

    def why_not(self) -> str:
        program = shutil.which("bwrap")
        if not program:
            return "bwrap is not installed"
        if os.geteuid() == 0 and not shutil.which("setpriv"):
            return "setpriv (util-linux) is not installed; root needs it to give up its rights"
        if program == self._works:
            return ""
        # Being installed says little: containers and AppArmor often refuse the namespaces. So run it.
        command = self._command(program, Limits(), (), None) + ["/usr/bin/env", "true"]
        ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if ran.returncode:
            return f"bwrap does not work here: {ran.stderr.strip() or ran.returncode}"
        self._works = program
        return ""

    def wrap(self, arguments: Sequence[str], limits: Limits, hidden: Sequence[Path], info_fd: int) -> Wrapped:
        plan = mounts.plan_mounts(hidden)
        devices = [f"/dev/{name}" for name in DEVICES]
        config = {
            "walls": True,
            "rlimits": limits.rlimits(),
            "readable": [str(mount.target) for mount in plan if mount.source] + ["/proc", *devices],
            "writable": ["/tmp", JOB, "/dev/shm", "/dev/null"],
            "job": JOB,
        }
        command = self._command(shutil.which("bwrap") or "bwrap", limits, plan, info_fd)
        return Wrapped([*command, sys.executable, *arguments], config=config, info_pipe=True)

    def _command(self, program: str, limits: Limits, plan: Sequence[mounts.Mount], info_fd: int | None) -> list[str]:
        command = [program, "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
        command += ["--hostname", "sandbox", "--die-with-parent", "--new-session", "--clearenv"]
        if info_fd is not None:
            command += ["--info-fd", str(info_fd)]
        give_up_root: list[str] = []
        if os.geteuid() == 0:
            # With --unshare-user, "nobody" inside would be root outside. So a real user id, one for each session: limits on
            # processes are counted by user, and one student's processes must not count as another's.
            uid = random.SystemRandom().choice(STUDENT_UIDS)
            command += ["--cap-drop", "ALL"]
            for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"):
                command += ["--cap-add", capability]
            give_up_root = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs"]
            give_up_root += ["--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"]
        else:
            command += ["--unshare-user", "--uid", str(NOBODY), "--gid", str(NOBODY)]
        command += self._file_system(limits, plan or mounts.system_mounts())
        for name, value in environment(HOME, FONTS, str(mounts.PUBLIC)).items():
            command += ["--setenv", name, value]
        return [*command, "--chdir", JOB, "--", *give_up_root]

    def _file_system(self, limits: Limits, plan: Sequence[mounts.Mount]) -> list[str]:
        # Every parent is made by hand: bwrap's own have mode 0700, and nothing under them can be reached by another user.
        made = {Path("/")}
        options: list[str] = []

        def folder(path: Path, mode: str = "0755") -> None:
            if path not in made:
                folder(path.parent)
                made.add(path)
                options.extend(["--perms", mode, "--dir", str(path)])

        def memory(path: str, size: int) -> None:
            folder(Path(path).parent)
            made.add(Path(path))
            options.extend(["--size", str(size), "--perms", "1777", "--tmpfs", path])

        for link, says in mounts.system_links():
            options += ["--symlink", says, str(link)]
        made.add(Path("/proc"))
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
        masks = []
        for mount in plan:
            if not any(mount.target.is_relative_to(other.target) for other in plan if other is not mount and other.source):
                folder(mount.target.parent)
            if mount.source:
                options += ["--ro-bind", str(mount.source), str(mount.target)]
            else:
                options += ["--size", "4096", "--perms", "0755", "--tmpfs", str(mount.target)]
                masks.append(str(mount.target))
            made.add(mount.target)
        for path in (*masks, "/"):
            options += ["--remount-ro", path]
        return options


class NoWall:
    """No wall at all: students' code runs as the person who grades. Only when asked for by name, and never quietly."""

    name = "none"

    def why_not(self) -> str:
        return ""

    def wrap(self, arguments: Sequence[str], limits: Limits, hidden: Sequence[Path], info_fd: int) -> Wrapped:
        warnings.warn(
            'The backend "none" runs students\' code with all your rights: it can read, change and send whatever you can.',
            UnsafeSandbox,
            stacklevel=2,
        )
        folder = tempfile.TemporaryDirectory(prefix="no-sandbox-", ignore_cleanup_errors=True)
        root = Path(folder.name)
        (root / "job").mkdir()
        (root / "course").mkdir()
        for mount in mounts.public_mounts():
            (root / "course" / mount.target.name).symlink_to(mount.source)
        config = {"walls": False, "rlimits": limits.rlimits(count_processes=False), "job": str(root / "job")}
        return Wrapped(
            [sys.executable, *arguments],
            environment(str(root / "home"), str(root / "home"), str(root / "course")),
            config,
            clean_up=folder.cleanup,
        )


BACKENDS: dict[str, type] = {"bwrap": Bubblewrap, "none": NoWall}
AUTOMATIC = ("bwrap",)


def choose_backend(name: str = "auto") -> Backend:
    """Return the backend called `name`, or for "auto" the first one that works here. Raises NoSandbox when none does."""
    if name != "auto" and name not in BACKENDS:
        raise NoSandbox(f"a sandbox's name must be auto or one of {', '.join(BACKENDS)}. Got {name!r}. Nothing was graded.")
    tried = []
    for candidate in AUTOMATIC if name == "auto" else (name,):
        backend = BACKENDS[candidate]()
        reason = backend.why_not()
        if not reason:
            return backend
        tried.append(f"    {candidate}: {reason}")
    raise NoSandbox("\n".join(["No sandbox works on this machine. Tried:", *tried, ADVICE]))

"""Another user of this machine, with Landlock and seccomp: a wall for root in a container that
refuses namespaces, such as Gradescope's.

It is thinner than the others, and so never chosen by itself. The student's process is a user that
nobody is, without rights. It may open no socket, start no process, and reach no file of the course:
files that must stay hidden are closed to other users, or Landlock does not name them, and where
neither holds it refuses. It does see the names of other processes, and the files that Landlock lets
it read are the container's own. Where the kernel has no Landlock it may read and write whatever the
container lets everybody.
"""

from __future__ import annotations

import atexit
import functools
import os
import platform
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from . import mounts
from .backend import DEVICES, Wrapped, environment
from .bubblewrap import draw_uid
from .errors import NoSandbox
from .inside import landlock, seccomp
from .limits import Limits


class OtherUser:
    """Another user, Landlock and seccomp. It needs root, and no namespaces."""

    name = "user"

    def why_not(self) -> str:
        if os.geteuid():
            return "it needs root, to become another user"
        if platform.machine() not in seccomp.MACHINES:
            return f"it needs seccomp, whose filter is not made for {platform.machine()}"
        return _try_to_become() or _what_is_open(mounts.hidden_folders())

    def wrap(
        self, arguments: Sequence[str], limits: Limits, hidden: Sequence[Path], info_fd: int
    ) -> Wrapped:
        if told := _what_is_open((*mounts.hidden_folders(), *hidden)):
            raise NoSandbox(f"{told}. Nothing was graded.")
        uid = draw_uid()
        folder = tempfile.TemporaryDirectory(prefix="another-user-", ignore_cleanup_errors=True)
        root = Path(folder.name)
        root.chmod(0o711)
        job, home = root / "job", root / "home"
        fonts = home / "matplotlib"
        for path in (job, home, home / "tmp", fonts):
            path.mkdir(mode=0o700)
        for font_list in mounts.font_lists():
            shutil.copyfile(font_list, fonts / font_list.name)
        for path in (job, home, *home.rglob("*")):
            os.chown(path, uid, uid)
        config = {
            "rights": {"inodes": limits.inodes, "folders": [], "uid": uid, "proc": False},
            "walls": True,
            "rlimits": limits.rlimits(),
            "readable": [*_readable(hidden), *(f"/dev/{name}" for name in DEVICES)],
            "writable": [str(job), str(home), "/dev/null"],
            "job": str(job),
        }
        variables = environment(str(home), str(fonts), str(_public_half()))
        return Wrapped(
            [sys.executable, *arguments],
            variables | {"TMPDIR": str(home / "tmp")},
            config,
            folder=job,
            clean_up=folder.cleanup,
        )


def _readable(hidden: Sequence[Path] = ()) -> list[str]:
    secret = [Path(os.path.realpath(path)) for path in (*mounts.hidden_folders(), *hidden)]
    shown = [*mounts.system_mounts(), *mounts.interpreter_mounts(secret)]
    return [*(str(mount.source) for mount in shown), "/proc", str(_public_half())]


def _what_is_open(hidden: Iterable[Path]) -> str:
    """Say which hidden folder a student's process could read, "" for none."""
    readable = [Path(os.path.realpath(path)) for path in _readable()]
    for folder in hidden:
        path = Path(os.path.realpath(folder))
        named = any(path.is_relative_to(each) for each in readable)
        if (named or not landlock.version()) and others_may_read(path):
            why = "Landlock lets it be read" if named else "this kernel has no Landlock"
            return f"other users may read {path}, and {why}. Close it: chmod 700 {path}"
    return ""


def others_may_read(path: Path) -> bool:
    """Whether a user that nobody is may come into a folder."""
    try:
        return all(each.stat().st_mode & stat.S_IXOTH for each in (path, *path.parents))
    except FileNotFoundError:
        return False


@functools.cache
def _public_half() -> Path:
    """A copy, which every user may read, of what notebooks import."""
    root = Path(tempfile.mkdtemp(prefix="public-half-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    for mount in mounts.public_mounts():
        ignored = shutil.ignore_patterns("__pycache__", "cache")
        shutil.copytree(mount.source, root / mount.target.name, ignore=ignored)
    for path in (root, *root.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return root


@functools.cache
def _try_to_become() -> str:
    """Try it: a container may keep root from becoming somebody else, and the interpreter may lie in
    a folder of root's own.
    """
    uid = draw_uid()
    try:
        ran = subprocess.run(
            [sys.executable, "-s", "-P", "-c", "import copy, numpy"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd="/",
            env={"PATH": os.defpath},
            user=uid,
            group=uid,
            extra_groups=[],
        )
    except OSError as error:
        return f"another user cannot be, or not run {sys.executable}: {error}"
    if not ran.returncode:
        return ""
    said = (ran.stderr.strip() or str(ran.returncode)).splitlines()[-1][:300]
    return f"another user cannot use the interpreter {sys.executable}: {said}"

"""Which folders a student's process sees: the system, the interpreter, the course's public half.

An allow-list, never derived from `sys.path`, which may hold the course folder. What must stay
hidden is masked wherever a mounted folder would show it: the grader's package, the repository
around it, the course folder that is being graded.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import site
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PUBLIC = Path("/course")
INSIDE = Path(__file__).resolve().parent / "inside"
GRADER = Path(__file__).resolve().parents[1]
SYSTEM_LINKS = ("bin", "sbin", "lib", "lib32", "lib64")
SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/fonts", "/etc/localtime", "/etc/alternatives")
PREFIX_PARTS = ("bin", "lib", "lib64", "include", "share", "etc", "pyvenv.cfg")


@dataclass(frozen=True)
class Mount:
    """`source` seen at `target`, read-only unless `writable`; no `source` is an empty folder."""

    target: Path
    source: Path | None = None
    writable: bool = False


def plan_mounts(hidden: Iterable[Path] = ()) -> list[Mount]:
    """Return the mounts, outer folders before inner ones, with masks over what is hidden."""
    secret = [Path(os.path.realpath(path)) for path in (*hidden_folders(), *hidden)]
    shown = {
        mount.target: mount
        for mount in (*system_mounts(), *interpreter_mounts(secret), *public_mounts())
    }
    masks = {}
    for mount in shown.values():
        source = Path(os.path.realpath(mount.source))
        for path in secret:
            if path != source and path.is_relative_to(source):
                target = mount.target / path.relative_to(source)
                masks[target] = Mount(target)
    # What is shown on purpose stays shown: inside a masked folder it is mounted after the mask.
    return sorted((masks | shown).values(), key=lambda mount: len(mount.target.parts))


def hidden_folders() -> list[Path]:
    """The grader's package wherever it is, its repository, the course around the working folder."""
    installed = {Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")}
    installed |= {Path(path) for path in (*site.getsitepackages(), site.getusersitepackages())}
    folders = [GRADER]
    if GRADER.parent.name not in ("site-packages", "dist-packages"):
        folders.append(GRADER.parent)
    here = Path.cwd()
    folders += [path for path in (here, *here.parents) if (path / "nbgrader_config.py").is_file()]
    folders += [path / GRADER.name for path in installed if (path / GRADER.name).is_dir()]
    return folders


def system_mounts() -> list[Mount]:
    mounts = [Mount(Path("/usr"), Path("/usr"))]
    mounts += [
        Mount(Path("/", name), Path("/", name))
        for name in SYSTEM_LINKS
        if _is_real_folder(Path("/", name))
    ]
    return mounts + [Mount(Path(path), Path(path)) for path in SYSTEM_FILES if os.path.exists(path)]


def system_links() -> list[tuple[Path, str]]:
    """Return (link, what it says) for /bin and its like where they are links into /usr."""
    return [
        (path, os.readlink(path))
        for path in (Path("/", name) for name in SYSTEM_LINKS)
        if path.is_symlink()
    ]


def _is_real_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def interpreter_mounts(secret: list[Path]) -> list[Mount]:
    """The prefixes of the interpreter and the environment, each under all its names."""
    prefixes = {
        Path(prefix)
        for prefix in (sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix)
    }
    prefixes |= {Path(os.path.realpath(prefix)) for prefix in prefixes}
    mounts = []
    for prefix in sorted(prefixes):
        if prefix == Path("/"):
            continue  # /usr and /lib are there already
        if Path(os.path.realpath(prefix)) in secret:
            # The environment was made in the repository's own root: its parts only.
            mounts += [
                Mount(prefix / part, prefix / part)
                for part in PREFIX_PARTS
                if (prefix / part).exists()
            ]
        else:
            mounts.append(Mount(prefix, prefix))
    return mounts


def public_mounts() -> list[Mount]:
    """The runner, what notebooks import, and the data beside it."""
    mounts = [Mount(PUBLIC / "sandbox_inside", INSIDE)]
    utils = find_utils()
    if utils:
        mounts.append(Mount(PUBLIC / "cs231n_utils", utils))
        datasets = utils.parent / "datasets"
        if datasets.is_dir() and (datasets / "README.md").is_file():
            mounts.append(Mount(PUBLIC / "datasets", datasets))
    return mounts


def find_utils() -> Path | None:
    """Return the folder of `cs231n_utils`: as installed, or beside the grader's package."""
    found = importlib.util.find_spec("cs231n_utils")
    if found and found.origin:
        return Path(found.origin).resolve().parent
    beside = GRADER.parent / "cs231n_utils"
    return beside if (beside / "__init__.py").is_file() else None


@functools.lru_cache(maxsize=1)
def font_lists() -> list[Path]:
    """Return Matplotlib's lists of fonts of this user. When there is none yet, one is made (once;
    it takes seconds).
    """
    found = _find_font_lists()
    if not found and importlib.util.find_spec("matplotlib"):
        command = [sys.executable, "-c", "import matplotlib.font_manager"]
        subprocess.run(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=120
        )
        found = _find_font_lists()
    return found


def _find_font_lists() -> list[Path]:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "matplotlib")
    folder = Path(os.environ.get("MPLCONFIGDIR") or cache)
    return sorted(path for path in folder.glob("fontlist-v*.json") if path.is_file())

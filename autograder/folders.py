"""Folders of graded submissions: written beside their place, and put there when they are whole."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import find_all_files

from autograder.intake import IGNORED

UNFINISHED = ".unfinished-"
"""Folders that are being written; an interruption may leave one, which the next run removes."""


def lay_down(
    place: Path, files: Mapping[str, bytes], permissions: int, shared: bool = False
) -> Path:
    """Write files into a new folder beside `place`, as nbgrader leaves them; return the folder.

    `permissions` are nbgrader's: a decimal number that reads as octal. `shared` folders belong to a
    group.
    """
    unfinished = place.with_name(f"{UNFINISHED}{place.name}")
    remove(unfinished)
    unfinished.mkdir(parents=True, mode=0o755)
    for name, content in files.items():
        path = unfinished / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(int(str(permissions), 8))
    if shared:
        for folder in (unfinished, *(path for path in unfinished.rglob("*") if path.is_dir())):
            with contextlib.suppress(PermissionError):
                folder.chmod((folder.stat().st_mode | 0o2770) & 0o2777)
    return unfinished


def remove(folder: Path) -> None:
    """Remove a folder, if there is one."""
    if os.path.lexists(folder):
        shutil.rmtree(folder)


def swap(unfinished: Path, place: Path) -> None:
    """Put a finished folder into its place."""
    remove(place)
    os.replace(unfinished, place)


def beside_notebook(
    coursedir: CourseDirectory, slug: str, excluded: Collection[str]
) -> dict[str, bytes]:
    """Return the files of the solution's folder, which nbgrader lays over the student's."""
    source = coursedir.format_path(coursedir.source_directory, ".", slug)
    found = find_all_files(source, [*coursedir.ignore, "*.ipynb"])
    names = {os.path.relpath(path, source): path for path in found}
    return {
        Path(name).as_posix(): Path(path).read_bytes()
        for name, path in sorted(names.items())
        if name not in excluded
    }


def ignored(coursedir: CourseDirectory) -> list[str]:
    """What is left out of a submission without a word."""
    return [*IGNORED, *coursedir.ignore]

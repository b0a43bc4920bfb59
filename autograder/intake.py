"""Take a submission in: read the files of a student's folder, following no link.

This runs before nbgrader touches a submission. nbgrader (0.9.6) copies whatever lies in
`submitted/` with
`shutil.copy`, through links, so a link to the gradebook or to a neighbour's answers would be handed
to whoever planted it. Here every path is opened relative to its already open folder, with
O_NOFOLLOW, and only regular files that have one name are read, in bounded number, size and depth.
What was read is data (`Submission`): `autograder.arrange` finds the notebook in it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from autograder.notebook_file import NOTEBOOK_BYTES
from autograder.wording import few, shown

IGNORED = (
    ".ipynb_checkpoints",
    "__pycache__",
    "*.pyc",
    ".DS_Store",
    "__MACOSX",
    "feedback",
    ".git",
)
"""What editors and systems leave behind: left out without a word."""


@dataclass(frozen=True)
class IntakeLimits:
    """How much one submission may hold. What is beyond is left out, and said."""

    files: int = 200
    """Files that are taken. A course folder has about ten; a data set left inside by accident has
    thousands.
    """
    entries: int = 5000
    """Names looked at, so that a folder of a million empty files costs milliseconds."""
    file_bytes: int = 20 << 20
    total_bytes: int = 50 << 20
    notebook_bytes: int = NOTEBOOK_BYTES
    """An executed notebook full of pictures has about 3 MB."""
    depth: int = 6
    """Folders within folders."""
    name_bytes: int = 150


LIMITS = IntakeLimits()


@dataclass
class Submission:
    """What a student handed in: files by their path with slashes, and sentences on the rest."""

    files: dict[str, bytes]
    notes: list[str]


@dataclass
class _Reading:
    """What has been seen of one submission so far."""

    limits: IntakeLimits
    ignore: Sequence[str]
    files: dict[str, bytes] = field(default_factory=dict)
    bytes: int = 0
    entries: int = 0
    refused: dict[str, list[str]] = field(default_factory=dict)

    def refuse(self, why: str, name: str) -> None:
        self.refused.setdefault(why, []).append(shown(name))

    def sentences(self) -> list[str]:
        return [f"Left out: {few(names)}. {why}" for why, names in self.refused.items()]


def read_submission(
    submitted: Path,
    student: str,
    assignment: str,
    limits: IntakeLimits = LIMITS,
    ignore: Sequence[str] = IGNORED,
) -> Submission:
    """Read `submitted/<student>/<assignment>`, following no link.

    The notes hold one sentence for each kind of thing that was left out.
    """
    work = _Reading(limits, ignore)
    folder = os.open(submitted, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in (student, assignment):
            inner = _open_folder(name, folder)
            os.close(folder)
            folder = inner
        _read_folder(folder, Path(), work)
    except OSError as error:
        # The student's own folder is a link, not a folder at all, or may not be read: an empty
        # submission.
        what = "a link" if error.errno in (errno.ELOOP, errno.ENOTDIR) else "not readable"
        work.refuse(f"A submission must be a plain folder, and this is {what}.", assignment)
    finally:
        os.close(folder)
    return Submission(work.files, work.sentences())


def _open_folder(name: str, parent: int) -> int:
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)


def _read_folder(folder: int, relative: Path, work: _Reading) -> None:
    """Read the open folder's files: notebooks first, so that limits do not cost the answers."""
    folders: list[str] = []
    files: list[tuple[bool, str]] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            work.entries += 1
            if work.entries > work.limits.entries:
                work.refuse(
                    "There are too many files; what comes after this one was not looked at.",
                    entry.name,
                )
                break
            if any(fnmatch(entry.name, pattern) for pattern in work.ignore):
                continue
            if len(os.fsencode(entry.name)) > work.limits.name_bytes:
                work.refuse("The name is too long.", entry.name)
            elif not entry.name.isprintable() or "\\" in entry.name:
                work.refuse(
                    "The name has characters that do not belong into a file name.",
                    entry.name,
                )
            elif entry.is_dir(follow_symlinks=False) and entry.name.endswith(".ipynb"):
                work.refuse("A notebook is a file and not a folder.", entry.name)
            elif entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            else:
                files.append((not entry.name.endswith(".ipynb"), entry.name))
    for _, name in sorted(files):
        _read_file(folder, name, relative, work)
    for name in sorted(folders):
        if len(relative.parts) >= work.limits.depth:
            work.refuse("Too many folders within folders.", name)
            continue
        try:
            inner = _open_folder(name, folder)
        except OSError:
            work.refuse("Not a folder that can be read.", name)
            continue
        try:
            _read_folder(inner, relative / name, work)
        finally:
            os.close(inner)


def _read_file(folder: int, name: str, relative: Path, work: _Reading) -> None:
    """Read one regular file; refuse links, second names of other files, devices, pipes and what is
    too large.
    """
    limits = work.limits
    # Look before opening: opening a device or a pipe can have effects of its own.
    if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        work.refuse("Only plain files are taken, no links and no special files.", name)
        return
    try:
        source = os.open(
            name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder
        )
    except OSError:
        work.refuse("Not a file that can be read.", name)
        return
    try:
        # Ask again about what was opened: the name may point elsewhere by now.
        status = os.fstat(source)
        largest = limits.notebook_bytes if name.endswith(".ipynb") else limits.file_bytes
        if not stat.S_ISREG(status.st_mode):
            work.refuse(
                "Only plain files are taken, no links and no special files.",
                name,
            )
        elif status.st_nlink != 1:
            work.refuse("The file has a second name elsewhere (a hard link).", name)
        elif status.st_size > largest:
            work.refuse(f"Larger than {largest >> 20} MB.", name)
        elif len(work.files) >= limits.files:
            work.refuse(f"More than {limits.files} files were handed in.", name)
        elif work.bytes + status.st_size > limits.total_bytes:
            work.refuse(f"More than {limits.total_bytes >> 20} MB were handed in.", name)
        else:
            content = _read_bytes(source, status.st_size)
            work.files[(relative / name).as_posix()] = content
            work.bytes += len(content)
    finally:
        os.close(source)


def _read_bytes(source: int, size: int) -> bytes:
    """Read at most `size` bytes: a file that grows meanwhile does not fill the memory."""
    blocks = []
    while size and (block := os.read(source, min(size, 1 << 20))):
        blocks.append(block)
        size -= len(block)
    return b"".join(blocks)

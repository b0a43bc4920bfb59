"""Take a submission in: copy a student's folder, following no link, and keep what can be read as a
notebook.

This runs before nbgrader touches a submission. nbgrader (0.9.6) copies whatever lies in
`submitted/` with
`shutil.copy`, through links, so a link to the gradebook or to a neighbour's answers would be handed
to whoever planted it. Here every path is opened relative to its already open folder, with
O_NOFOLLOW, and only regular files that have one name are copied, in bounded number, size and depth.

Nothing in a submission stops the class: a notebook that is missing or cannot be read becomes the
unfilled notebook of the release (which earns 0 points), and a sentence for the student and the
teacher says so.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import parse_utc

from autograder.notebook_file import NOTEBOOK_BYTES, NotANotebook, read_notebook
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
    """Copied files. A course folder has about ten; a data set left inside by accident has
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


@dataclass
class _Copying:
    """What one copy has seen so far."""

    limits: IntakeLimits
    ignore: Sequence[str]
    files: list[Path] = field(default_factory=list)
    bytes: int = 0
    entries: int = 0
    refused: dict[str, list[str]] = field(default_factory=dict)

    def refuse(self, why: str, name: str) -> None:
        self.refused.setdefault(why, []).append(shown(name))

    def sentences(self) -> list[str]:
        return [f"Left out: {few(names)}. {why}" for why, names in self.refused.items()]


def copy_submission(
    submitted: Path,
    student: str,
    assignment: str,
    target: Path,
    limits: IntakeLimits = IntakeLimits(),
    ignore: Sequence[str] = IGNORED,
) -> tuple[list[Path], list[str]]:
    """Copy `submitted/<student>/<assignment>` into the new folder `target`, following no link.

    Returns the copied files (relative to `target`) and one sentence for each kind of thing that was
    left out.
    """
    work = _Copying(limits, ignore)
    target.mkdir(parents=True)
    folder = os.open(submitted, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in (student, assignment):
            inner = _open_folder(name, folder)
            os.close(folder)
            folder = inner
        _copy_folder(folder, target, Path(), work)
    except OSError as error:
        # The student's own folder is a link, not a folder at all, or may not be read: an empty
        # submission.
        what = "a link" if error.errno in (errno.ELOOP, errno.ENOTDIR) else "not readable"
        work.refuse(f"A submission must be a plain folder, and this is {what}.", assignment)
    finally:
        os.close(folder)
    return work.files, work.sentences()


def take_in(
    submitted: Path,
    student: str,
    assignment: str,
    target: Path,
    release: Mapping[str, NotebookNode],
    limits: IntakeLimits = IntakeLimits(),
    ignore: Sequence[str] = IGNORED,
) -> list[str]:
    """Copy a submission to `target` so that each notebook of the release is there and is a valid
    notebook.

    `release` maps a notebook's file name (`"rnn_captioning.ipynb"`) to the released, unfilled
    notebook. Returns the sentences for the student and the teacher; none means that everything was
    as it should be.
    """
    files, notes = copy_submission(submitted, student, assignment, target, limits, ignore)
    notes += _drop_bad_timestamp(target, files)
    for name, unfilled in release.items():
        found, said = _find_notebook(name, files, set(release))
        notes += said
        notebook = None
        if found is not None:
            try:
                notebook = read_notebook(target / found, limits.notebook_bytes)
            except NotANotebook as error:
                notes.append(f"{shown(str(found))} {error}, so it counts as not filled in.")
            (target / found).unlink()
            files.remove(found)
        nbformat.write(unfilled if notebook is None else notebook, target / name)
    # nbgrader converts every notebook that it finds, also one that the course does not know.
    others = [path for path in files if path.suffix == ".ipynb"]
    for other in others:
        (target / other).unlink()
    if others:
        notes.append(
            f"{few([shown(str(path)) for path in others])} was not marked, only {few([*release])}."
        )
    return notes


def _open_folder(name: str, parent: int) -> int:
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)


def _copy_folder(folder: int, target: Path, relative: Path, work: _Copying) -> None:
    """Copy the open folder's files into `target/relative`: notebooks first, so that limits do not
    cost the answers.
    """
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
        _copy_file(folder, name, target, relative, work)
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
            _copy_folder(inner, target, relative / name, work)
        finally:
            os.close(inner)


def _copy_file(folder: int, name: str, target: Path, relative: Path, work: _Copying) -> None:
    """Copy one regular file; refuse links, second names of other files, devices, pipes and what is
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
            (target / relative).mkdir(parents=True, exist_ok=True)
            _copy_bytes(source, target / relative / name, status.st_size)
            work.files.append(relative / name)
            work.bytes += status.st_size
    finally:
        os.close(source)


def _copy_bytes(source: int, target: Path, size: int) -> None:
    """Copy at most `size` bytes: a file that grows meanwhile does not fill the disk."""
    descriptor = os.open(
        target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644
    )
    with os.fdopen(descriptor, "wb") as out:
        while size and (block := os.read(source, min(size, 1 << 20))):
            out.write(block)
            size -= len(block)


def _find_notebook(
    name: str, files: Sequence[Path], expected: set[str]
) -> tuple[Path | None, list[str]]:
    """The submitted file that stands for the release's notebook `name`, and what there is to say
    about it.
    """
    if Path(name) in files:
        return Path(name), []
    others = [path for path in files if path.suffix == ".ipynb" and str(path) not in expected]
    # A notebook beside the expected place comes before one in a folder (a whole course folder,
    # zipped).
    others = [path for path in others if len(path.parts) == 1] or others
    if not others:
        return None, [f"{name} was not handed in, so it counts as not filled in."]
    if len(others) == 1:
        return others[0], [
            f"{name} was not handed in; {shown(str(others[0]))} was marked in its place."
        ]
    listed = few([shown(str(path)) for path in others])
    return None, [
        f"{name} was not handed in, and it is not clear which of {listed} stands for it, "
        "so it counts as not filled in."
    ]


def _drop_bad_timestamp(target: Path, files: list[Path]) -> list[str]:
    """nbgrader reads timestamp.txt of a submission and fails for a student if it is no date."""
    path = Path("timestamp.txt")
    if path not in files:
        return []
    try:
        text = (target / path).read_text(encoding="ascii")
        if len(text) > 100:
            raise ValueError("a date is shorter")
        if text.strip():
            parse_utc(text.strip())
        return []
    except Exception:  # dateutil raises many kinds, and none of them may cost the student the mark
        (target / path).unlink()
        files.remove(path)
        return ["timestamp.txt does not hold a date, so the time of handing in is not known."]

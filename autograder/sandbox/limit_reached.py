"""One exception for each limit that a notebook can come to, in plain words for people.

What a student's program does about a limit is its own business (Python raises MemoryError, OSError
and so on inside), and nothing that it says is believed for the mark. This is for the report: which
limit it was, so that an honest student is not left alone with `[Errno 28]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from .errors import SandboxError
from .limits import MIB, Limits


class LimitReached(SandboxError):
    """A cell came to a limit; the message says to which, as it follows the cell's name."""

    words: ClassVar[str] = ""
    """The message; numbers of `Limits` stand in it by name, sizes in MB."""
    fields: ClassVar[tuple[str, ...]] = ()
    """The names in `Limits` that it is about."""

    def __init__(self, limits: Limits) -> None:
        numbers = {
            name: f"{value >> 20:,}" if _is_size(name, value) else f"{value:g}"
            for name, value in vars(limits).items()
            if value is not None
        }
        super().__init__(self.words.format_map(numbers))


class CellTimeout(LimitReached):
    """One cell, or all of them, took too long."""

    words = (
        "ran for too long: a cell has {cell_seconds} seconds, a submission {submission_seconds} "
        "in all"
    )
    fields = ("cell_seconds", "submission_seconds")


class TooMuchOutput(LimitReached):
    """A cell printed without end."""

    words = "printed without end: more than {flood_bytes} MB"
    fields = ("flood_bytes", "submission_flood_bytes")


class TooMuchMemory(LimitReached):
    """An allocation was refused."""

    words = "asked for more memory than there is: a submission has {private_memory} MB"
    fields = ("private_memory", "address_space")


class TooManyThreads(LimitReached):
    """A thread could not be started."""

    words = "started more threads than it may: there are {processes} at a time"
    fields = ("processes",)


class NoOtherProcess(LimitReached):
    """A fork, a program or a socket was refused."""

    words = (
        "started another program or process, or asked for the network; while grading there is "
        "neither (a DataLoader wants num_workers=0)"
    )


class TooManyOpenFiles(LimitReached):
    """A descriptor was refused."""

    words = "opened more files than it may: {open_files} at a time"
    fields = ("open_files",)


class FileTooLarge(LimitReached):
    """A file could not grow."""

    words = "wrote a file that is larger than it may be: {file_size} MB"
    fields = ("file_size",)


class NoRoom(LimitReached):
    """A folder in memory is full, of bytes or of files."""

    words = (
        "filled the room that there is for files: {tmp_bytes} MB and {inodes} files in the working "
        "folder and in /tmp, {shared_memory_bytes} MB in /dev/shm"
    )
    fields = ("tmp_bytes", "inodes", "shared_memory_bytes")


# (the error's name or None for any, what its text holds): which limit that was.
SIGNS: tuple[tuple[str | None, str, type[LimitReached]], ...] = (
    ("CellTimeout", "", CellTimeout),
    ("TooMuchOutput", "", TooMuchOutput),
    ("MemoryError", "", TooMuchMemory),
    ("RuntimeError", "can't allocate memory", TooMuchMemory),
    ("RuntimeError", "can't start new thread", TooManyThreads),
    ("PermissionError", "[Errno 1] ", NoOtherProcess),
    (None, "[Errno 24] ", TooManyOpenFiles),
    (None, "[Errno 27] ", FileTooLarge),
    (None, "[Errno 28] ", NoRoom),
)


def limit_reached(error: Mapping[str, Any], limits: Limits) -> LimitReached | None:
    """Return the limit that an error output of a cell is about, None for any other error."""
    for name, text, reached in SIGNS:
        if name in (None, error["ename"]) and text in error["evalue"]:
            return reached(limits)
    return None


def _is_size(name: str, value: float) -> bool:
    return name.endswith(("_bytes", "_memory", "_size", "_space")) and value >= MIB

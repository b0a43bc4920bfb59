"""What a wall is to the rest: something that turns a command into one that runs behind it.

Everything above it is the same for all of them. To add one, write a class with the methods of
`Backend` and name it in backends.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from .limits import Limits

# systemd's range for services without an account: no person has one of these.
STUDENT_UIDS = range(61184, 65520)
HOME = "/tmp/home"
FONTS = HOME + "/matplotlib"
IPYTHON = HOME + "/ipython"
JOB = "/job"
DEVICES = ("null", "zero", "full", "random", "urandom")


@dataclass
class Wrapped:
    """A command that runs behind a wall."""

    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    config: dict = field(default_factory=dict)
    """For the process inside: see inside/confine.py."""
    stdio: bool = False
    """It speaks its stream over standard input and output, not over a descriptor that it is given:
    what a container, here or on another machine, can do.
    """
    needs_group: bool = True
    """It does not bound the memory of all its processes together by itself (see cgroups.py)."""
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

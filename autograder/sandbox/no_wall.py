"""No wall at all."""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

from . import mounts
from .backend import Wrapped, environment
from .errors import UnsafeSandbox
from .limits import Limits


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

"""Which processes there are."""

from __future__ import annotations

import contextlib
from pathlib import Path


def command_lines(parent: int | None = None) -> dict[int, str]:
    """Return the command lines of all processes (of those that `parent` started), by id."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                above = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
                if parent in (None, above):
                    line = (folder / "cmdline").read_bytes()
                    found[int(folder.name)] = line.replace(b"\0", b" ").decode("utf-8", "replace")
    return found

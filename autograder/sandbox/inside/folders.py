"""Bring files into folders that are in memory, before the walls close."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

CHUNK = 1 << 20


def copy_in(copies: Iterable[tuple[str, str]], limit: int = 1 << 30) -> None:
    """Copy the regular files under each `source` to `target`, which is made. Links are left out; so
    is what does not fit, there or into `limit` bytes: a folder may hold anything.
    """
    left = limit
    for source, target in copies:
        os.makedirs(target, exist_ok=True)
        for top, folders, names in os.walk(source):
            there = os.path.join(target, os.path.relpath(top, source))
            try:
                os.makedirs(there, exist_ok=True)
            except OSError:
                folders.clear()
                continue
            for name in names:
                left -= _copy(os.path.join(top, name), os.path.join(there, name), left)


def _copy(source: str, target: str, limit: int) -> int:
    """Copy one file if it is one and has `limit` bytes at most; return how many were written."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        reader = os.open(source, flags)
    except OSError:
        return 0
    written = 0
    try:
        about = os.fstat(reader)
        if not stat.S_ISREG(about.st_mode) or about.st_size > limit:
            return 0
        writer = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            while written < limit and (chunk := os.read(reader, min(CHUNK, limit - written))):
                while chunk:
                    sent = os.write(writer, chunk)
                    written, chunk = written + sent, chunk[sent:]
        finally:
            os.close(writer)
    except OSError:
        pass
    finally:
        os.close(reader)
    return written

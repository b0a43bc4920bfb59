"""Zip files of which the same content is the same bytes, whatever system writes them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The date of every entry: none earlier can be written."""
UNIX = 3


def write_zip(
    path: Path, files: Mapping[str, bytes], mode: Callable[[str], int] = lambda name: 0o644
) -> Path:
    """Write files by name, and return the path; `mode` says which rights a name has."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, date_time=EARLIEST)
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, UNIX
            entry.external_attr = mode(name) << 16
            archive.writestr(entry, content)
    return path


def regular_files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, sorted; no links, nothing hidden, nothing that is made."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        ours = not any(part.startswith((".", "__pycache__")) for part in parts)
        if ours and path.is_file() and not path.is_symlink():
            yield path

"""Unpack a ZIP archive that came from elsewhere: into its own folder, and nowhere else."""

from __future__ import annotations

import shutil
import stat
import tempfile
import zipfile
from collections.abc import Collection
from pathlib import Path, PurePosixPath

MAX_BYTES = 16 << 30  # unpacked: far above any dataset of the course


class UnsafeArchive(ValueError):
    """An archive wants to write outside its folder, to hold a link, or to fill the disk."""


class BrokenArchive(ValueError):
    """An archive cannot be read, or what should be inside is not."""


def unpack(archive: Path, folder: Path, members: Collection[str]) -> None:
    """Unpack `archive` to `folder`, which appears complete or not at all.

    A single outer folder inside the archive is dropped. members: files that must come out of it.
    Raises UnsafeArchive before anything is written, or BrokenArchive.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(archive) as opened:
            files = _files(opened)
            missing = sorted(set(members) - set(files))
            if missing:
                raise BrokenArchive(
                    f"{archive} must hold {', '.join(sorted(members))}. "
                    f"Missing: {', '.join(missing)}"
                )
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unpacking-") as draft:
                for name, info in files.items():
                    target = Path(draft, "files", name)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with opened.open(info) as source, open(target, "wb") as written:
                        shutil.copyfileobj(source, written, 1 << 20)  # checks the member's CRC
                if folder.exists():
                    shutil.rmtree(folder)  # left by an older, incomplete archive
                Path(draft, "files").rename(folder)
    except (zipfile.BadZipFile, EOFError) as error:
        raise BrokenArchive(
            f"{archive} is not a complete ZIP file ({error}). Delete it and fetch it again."
        ) from None


def _files(opened: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the regular files by their path inside the folder, refusing whatever is not safe."""
    infos = [info for info in opened.infolist() if not info.is_dir()]
    if sum(info.file_size for info in infos) > MAX_BYTES:
        raise UnsafeArchive(
            f"{opened.filename} must unpack to at most {MAX_BYTES} bytes. "
            f"Got {sum(info.file_size for info in infos)}"
        )
    paths = []
    for info in infos:
        path = PurePosixPath(info.filename)
        mode = info.external_attr >> 16
        odd = "\\" in info.filename or ":" in info.filename
        if path.is_absolute() or ".." in path.parts or not path.parts or odd:
            raise UnsafeArchive(
                f"{opened.filename} must hold paths inside its own folder. Got {info.filename!r}"
            )
        if mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode):
            raise UnsafeArchive(
                f"{opened.filename} must hold regular files only. Got {info.filename!r}"
            )
        paths.append(path)
    outer = {path.parts[0] for path in paths}
    if len(outer) == 1 and all(len(path.parts) > 1 for path in paths):
        paths = [PurePosixPath(*path.parts[1:]) for path in paths]
    return {str(path): info for path, info in zip(paths, infos, strict=True)}

"""Unpack a ZIP or tar.gz archive that came from elsewhere: into its own folder, nowhere else."""

from __future__ import annotations

import gzip
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

MAX_BYTES = 16 << 30  # unpacked: far above any dataset of the course
TAR_PADDING = 1 << 20  # bytes after a tar's last file: above any padding


class UnsafeArchive(ValueError):
    """An archive wants to write outside its folder, to hold a link, or to fill the disk."""


class BrokenArchive(ValueError):
    """An archive cannot be read, or what should be inside is not."""


@dataclass(frozen=True)
class _Member:
    """Something inside an archive that is no folder: its name, its bytes, and how to read it."""

    name: str
    size: int
    regular: bool
    open: Callable[[], IO[bytes]]


def unpack(archive: Path, folder: Path, members: Collection[str]) -> None:
    """Unpack `archive` to `folder`, which appears complete or not at all.

    A single outer folder inside the archive is dropped. members: files that must come out of it.
    The name of the archive says what it is: .tar.gz, or else ZIP.
    Raises UnsafeArchive before anything is written, or BrokenArchive.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _open(archive) as found:
            files = _files(archive, found)
            missing = sorted(set(members) - set(files))
            if missing:
                raise BrokenArchive(
                    f"{archive} must hold {', '.join(sorted(members))}. "
                    f"Missing: {', '.join(missing)}"
                )
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unpacking-") as draft:
                for name, member in files.items():
                    target = Path(draft, "files", name)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with member.open() as source, open(target, "wb") as written:
                        shutil.copyfileobj(source, written, 1 << 20)  # ZIP: checks the CRC
                if folder.exists():
                    shutil.rmtree(folder)  # left by an older, incomplete archive
                Path(draft, "files").rename(folder)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, gzip.BadGzipFile, EOFError) as error:
        kind = "tar.gz" if _is_tar(archive) else "ZIP"
        raise BrokenArchive(
            f"{archive} is not a complete {kind} file ({error}). Delete it and fetch it again."
        ) from None


def _is_tar(archive: Path) -> bool:
    return archive.name.endswith(".tar.gz")


@contextmanager
def _open(archive: Path) -> Iterator[Iterator[_Member]]:
    """Open an archive to look through what it holds, in the order in which it lies there."""
    if _is_tar(archive):
        with tarfile.open(archive, "r:gz") as tar:
            yield _tar_members(tar)
        return
    with zipfile.ZipFile(archive) as opened:
        yield (
            _Member(info.filename, info.file_size, _is_regular(info), partial(opened.open, info))
            for info in opened.infolist()
            if not info.is_dir()
        )


def _tar_members(tar: tarfile.TarFile) -> Iterator[_Member]:
    for info in tar:
        if not info.isdir():
            yield _Member(info.name, info.size, info.isreg(), partial(tar.extractfile, info))
    # Read on to the end, where the checksum of the whole is compared; only padding may come.
    if len(tar.fileobj.read(TAR_PADDING)) == TAR_PADDING:
        raise UnsafeArchive(f"{tar.name} must end with its last file")


def _is_regular(info: zipfile.ZipInfo) -> bool:
    """Say whether a ZIP's member is a file; one that was not packed on Unix does not say."""
    mode = info.external_attr >> 16
    return stat.S_ISREG(mode) or not stat.S_IFMT(mode)


def _files(archive: Path, found: Iterable[_Member]) -> dict[str, _Member]:
    """Return the regular files by their path inside the folder, refusing whatever is not safe."""
    members: list[_Member] = []
    paths, total = [], 0
    for member in found:
        total += member.size
        if total > MAX_BYTES:  # asked at every member: a list of them may itself be endless
            raise UnsafeArchive(
                f"{archive} must unpack to at most {MAX_BYTES} bytes. Got {total} or more"
            )
        path = PurePosixPath(member.name)
        odd = "\\" in member.name or ":" in member.name
        if path.is_absolute() or ".." in path.parts or not path.parts or odd:
            raise UnsafeArchive(
                f"{archive} must hold paths inside its own folder. Got {member.name!r}"
            )
        if not member.regular:
            raise UnsafeArchive(f"{archive} must hold regular files only. Got {member.name!r}")
        members.append(member)
        paths.append(path)
    outer = {path.parts[0] for path in paths}
    if len(outer) == 1 and all(len(path.parts) > 1 for path in paths):
        paths = [PurePosixPath(*path.parts[1:]) for path in paths]
    return {str(path): member for path, member in zip(paths, members, strict=True)}

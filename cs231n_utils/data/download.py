"""Fetch a large archive once: resumed after an interruption, checked, and unpacked safely.

pooch keeps the files; this module adds what a gigabyte over a slow line needs. To add a dataset,
add one entry to registry.py.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from requests import Response

FOLDER_VARIABLE = "CS231N_DATA"  # environment variable: where downloads are kept
ATTEMPTS = 4  # connections in one download, each going on where the last one broke off
TIMEOUT = (10, 60)  # seconds to connect, and to wait for more bytes
PIECE = 1 << 16  # bytes taken from the connection at once
TORCHVISION = "torchvision:"  # before the name of weights that torchvision publishes


class DownloadFailed(OSError):
    """The file could not be fetched: no network, no answer, or the line broke too often."""


class ChecksumMismatch(ValueError):
    """A complete file does not have the checksum that it should have."""


@dataclass(frozen=True)
class Download:
    """One file to download: an archive and what should be inside it, or a file used as it is.

    name: what load functions and the command line call it. url: where it is, or
    "torchvision:WEIGHTS" for weights whose address torchvision knows. file_name: its name.
    sha256: its published checksum, or as much of its beginning as is published, or None where
    nothing is. In any case the checksum of the first complete download is written beside it and
    holds from then on.
    about: size and content, for people.
    folder: what a ZIP or tar.gz archive unpacks to; None for a file that is used as it is.
    members: the files that must come out of the archive.
    """

    name: str
    url: str
    file_name: str
    sha256: str | None
    about: str
    folder: str | None = None
    members: tuple[str, ...] = ()


def address(download: Download) -> str:
    """Return where the file is; torchvision's weights are where torchvision says."""
    if not download.url.startswith(TORCHVISION):
        return download.url
    from cs231n_utils.vision import import_torchvision

    weights, _, version = download.url.removeprefix(TORCHVISION).partition(".")
    return getattr(getattr(import_torchvision().models, weights), version).url


def data_folder(root: str | Path | None = None) -> Path:
    """Return where downloads are kept: `root`, else $CS231N_DATA, else the user's cache folder."""
    import pooch

    chosen = root or os.environ.get(FOLDER_VARIABLE) or pooch.os_cache("cs231n")
    return Path(chosen).expanduser().resolve()


def find(download: Download, root: str | Path | None = None) -> Path | None:
    """Return the folder with the unpacked files (or the single file), or None if it is not here."""
    home = data_folder(root)
    if download.folder is None:
        path = home / download.file_name
        return path if path.is_file() else None
    folder = home / download.folder
    return folder if all((folder / name).is_file() for name in download.members) else None


def fetch(download: Download, root: str | Path | None = None, *, progress: bool = True) -> Path:
    """Return the folder with the unpacked files (or the single file), downloading what is missing.

    An archive that already lies in the data folder, put there by hand, is used as it is.
    Raises DownloadFailed, ChecksumMismatch, or what unpack() raises.
    """
    from cs231n_utils.data.archive import unpack

    found = find(download, root)
    if found is not None and download.folder is not None:
        return found
    home = data_folder(root)
    file = home / download.file_name
    if not file.exists():
        _get(download, home, progress)
    checksum = _check(download, file)
    if download.folder is not None:
        unpack(file, home / download.folder, download.members)
    # Recorded only now: a damaged archive would have been found out while it was unpacked.
    _write_whole(_record(file), f"{checksum}  {file.name}\n")
    return file if download.folder is None else home / download.folder


def _get(download: Download, home: Path, progress: bool) -> None:
    """Download the file into `home`."""
    import pooch

    home.mkdir(parents=True, exist_ok=True)
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("WARNING")  # its advice is for people who write registries
    try:
        # Without a hash here: a wrong one gets a message of our own, which says what to do.
        pooch.retrieve(
            address(download),
            known_hash=None,
            fname=download.file_name,
            path=home,
            downloader=_Resuming(home / f"{download.file_name}.partial", progress),
        )
    except DownloadFailed as error:
        raise DownloadFailed(
            f"{download.file_name} could not be fetched from {address(download)} ({error}). "
            f"With a network, fetch it with: python -m cs231n_utils.data fetch {download.name}\n"
            "What has arrived so far is kept, and the download goes on from there. "
            f"Or copy {download.file_name} from another computer into the folder {home}"
        ) from None
    finally:
        logger.setLevel(level)


def _record(file: Path) -> Path:
    return file.with_name(file.name + ".sha256")


def _check(download: Download, file: Path) -> str:
    """Return the file's checksum, compared with the published or else the recorded one."""
    import pooch

    found, record, published = pooch.file_hash(str(file)), _record(file), download.sha256 or ""
    whole = len(published) == 64  # then an older record means nothing
    recorded = record.read_text()[:64] if record.exists() and not whole else found
    if not found.startswith(published):
        rule = f"{'' if whole else 'beginning with '}{published}, as published"
        files = file.name
    elif found != recorded:
        rule = f"{recorded}, as the first download had (kept in {record.name})"
        files = f"{file.name} and {record.name}"
    else:
        return found
    raise ChecksumMismatch(
        f"{file} must have sha256 {rule}. Got {found}. The file is damaged, or it changed on the "
        f"server. Delete {files} and fetch again with: "
        f"python -m cs231n_utils.data fetch {download.name}"
    )


def _write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there as a whole or not at all."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    draft.write_text(text)
    os.replace(draft, path)


class _Resuming:
    """A downloader for pooch that keeps what has arrived and asks for the rest."""

    def __init__(self, partial: Path, progress: bool):
        self.partial = partial
        # Which version of the file the partial one is: the server sends the rest of the same only.
        self.version = partial.with_name(partial.name + ".version")
        self.progress = progress

    def __call__(self, url: str, output_file: str | Path, pooch: object) -> None:
        """Fetch `url` into `output_file`. Raises DownloadFailed; the partial file then stays."""
        from requests import RequestException

        cause: Exception | None = None
        for attempt in range(ATTEMPTS):
            time.sleep(min(0.2 * attempt, 2))
            before = self._have()
            try:
                if self._fetch_rest(url):
                    self.version.unlink(missing_ok=True)
                    os.replace(self.partial, output_file)
                    return
                cause = DownloadFailed(f"the connection broke off after {self._have()} bytes")
            except RequestException as error:
                cause = error
                if self._have() == before:
                    break  # nothing arrived: there is no network, or no such file
        raise DownloadFailed(_in_short(cause))

    def _have(self) -> int:
        return self.partial.stat().st_size if self.partial.exists() else 0

    def _fetch_rest(self, url: str) -> bool:
        """Ask for what is missing. Returns whether the file is complete now."""
        import requests

        have = self._have()
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
            if self.version.exists():
                headers["If-Range"] = self.version.read_text()
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            if response.status_code == 416:  # there is nothing after the bytes we have
                length = _number(r"bytes \*/(\d+)", response.headers.get("Content-Range"))
                if length == have:
                    return True
                self.partial.unlink()
                return False
            response.raise_for_status()
            start = _number(r"bytes (\d+)-", response.headers.get("Content-Range"))
            if response.status_code != 206 or start != have:
                have = 0  # the whole file comes: the server knows no ranges, or the file changed
            rest = _number(r"(\d+)", response.headers.get("Content-Length"))
            total = None if rest is None else have + rest
            version = response.headers.get("ETag") or response.headers.get("Last-Modified")
            if version and not version.startswith("W/"):
                _write_whole(self.version, version)
            else:
                self.version.unlink(missing_ok=True)
            self._write(response, have, total)
        return total is None or self._have() == total

    def _write(self, response: Response, have: int, total: int | None) -> None:
        from tqdm import tqdm

        with (
            open(self.partial, "ab" if have else "wb") as file,
            tqdm(
                total=total,
                initial=have,
                unit="B",
                unit_scale=True,
                desc=self.partial.stem,
                disable=not self.progress,
            ) as bar,
        ):
            # A body that ends early is kept as far as it came, not thrown away with an error;
            # whether it was complete is decided by _fetch_rest.
            response.raw.enforce_content_length = False
            for piece in response.iter_content(PIECE):
                file.write(piece)
                bar.update(len(piece))


def _number(pattern: str, header: str | None) -> int | None:
    found = re.match(pattern, header or "")
    return int(found.group(1)) if found else None


def _in_short(error: Exception | None) -> str:
    """Return an error's cause in a few words; requests' own texts run over many lines."""
    import requests

    if isinstance(error, requests.HTTPError):
        return f"the server answered {error.response.status_code}"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    if isinstance(error, requests.Timeout):
        return "the server did not answer in time"
    return str(error)

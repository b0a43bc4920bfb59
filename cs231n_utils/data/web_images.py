"""Pictures by their address, kept on disk once seen; grey where one cannot be had."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np

SIDE = 224  # pixels: pictures are cut to a square and shrunk, so that they form one array
TIMEOUT = (5, 15)  # seconds to connect, and to wait for more bytes
MAX_BYTES = 20 << 20  # of one picture file
GREY = 128


def fetch_images(urls: Sequence[str], folder: Path) -> np.ndarray:
    """Return the pictures at `urls`, uint8 (k, 224, 224, 3), from `folder` or from the network.

    A picture that cannot be had is plain grey. What is missing is said in one printed line.
    """
    import requests

    pictures = np.full((len(urls), SIDE, SIDE, 3), GREY, dtype=np.uint8)
    missing, offline = 0, False
    for picture, url in zip(pictures, urls, strict=True):
        kept = folder / (hashlib.sha256(url.encode()).hexdigest()[:32] + ".jpg")
        if not kept.is_file() and not offline:
            try:
                _fetch(url, kept)
            except (requests.ConnectionError, requests.Timeout):
                offline = True  # do not wait again for each of the others
            except (requests.RequestException, ValueError, OSError):
                pass  # this one is gone; others may be there
        if kept.is_file():
            picture[:] = _square(kept.read_bytes())
        else:
            missing += 1
    if missing:
        cause = "there is no network" if offline else "they are no longer there"
        print(f"{missing} of {len(urls)} pictures are shown in grey: {cause}.")
    return pictures


def _fetch(url: str, kept: Path) -> None:
    import requests

    if not url.startswith(("http://", "https://")):
        raise ValueError(f"An address must begin with http:// or https://. Got {url!r}")
    with requests.get(url, stream=True, timeout=TIMEOUT) as response:
        response.raise_for_status()
        content = b""
        for piece in response.iter_content(1 << 16):
            content += piece
            if len(content) > MAX_BYTES:
                raise ValueError(f"A picture must have at most {MAX_BYTES} bytes. Got more: {url}")
    _square(content)  # raises when it is not a picture, so that only pictures are kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    draft = kept.with_name(f"{kept.name}.{os.getpid()}.draft")
    draft.write_bytes(content)
    os.replace(draft, kept)


def _square(content: bytes) -> np.ndarray:
    """Decode a picture and cut its middle to (224, 224, 3)."""
    from PIL import Image, ImageOps

    with Image.open(BytesIO(content)) as opened:
        return np.asarray(ImageOps.fit(opened.convert("RGB"), (SIDE, SIDE)))

"""Handwritten digits of 28 by 28 pixels: scikit-learn's, enlarged (nothing to download), or MNIST.

data = load_digit_images()         # 1797 digits from the installed scikit-learn
data = load_digit_images("mnist")  # 60,000 digits, downloaded once (10 MB)
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cs231n_utils.data.archive import BrokenArchive
from cs231n_utils.data.captions import UnknownDataset

SIDE = 28
INNER = 20  # a digit fills so many of the 28 pixels, as in MNIST


@dataclass(frozen=True)
class DigitImages:
    """Images with pixels from 0 (paper) to 1 (ink), float32 (N, 784), and labels 0 to 9, (N,)."""

    name: str
    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)


def load_digit_images(
    name: str = "digits", *, split: str = "train", root: str | Path | None = None
) -> DigitImages:
    """Return handwritten digits.

    Arguments:
        name: "digits" for scikit-learn's, or "mnist".
        split: "train" or "test" of MNIST; scikit-learn's 1797 digits are all "train".
        root: where downloads are kept; default: $CS231N_DATA, or the user's cache folder.

    Raises:
        UnknownDataset, ValueError: for another name or split.
        DownloadFailed, ChecksumMismatch, BrokenArchive: when MNIST cannot be had.
    """
    if name not in ("digits", "mnist"):
        raise UnknownDataset(f'name must be "digits" or "mnist". Got {name!r}')
    splits = ("train",) if name == "digits" else ("train", "test")
    if split not in splits:
        raise ValueError(f"split of {name} must be one of {', '.join(splits)}. Got {split!r}")
    images, labels = _small_digits() if name == "digits" else _mnist(split, root)
    return DigitImages(name, images, labels)


def _small_digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    found = load_digits()
    return enlarge(found.images / 16).reshape(-1, SIDE * SIDE), found.target.astype(np.int64)


def enlarge(small: np.ndarray) -> np.ndarray:
    """Return digits (N, 8, 8), from 0 to 1, as smooth ones of the look of MNIST: (N, 28, 28).

    Cubic interpolation to 20 by 20 pixels, more contrast (ink is ink), and a margin.
    """
    weights = _cubic(small.shape[1], INNER)
    large = weights @ small @ weights.T
    steep = 1 / (1 + np.exp(-10 * (large - 0.45)))
    lowest, highest = (1 / (1 + np.exp(-10 * (ink - 0.45))) for ink in (0, 1))
    clear = np.clip((steep - lowest) / (highest - lowest), 0, 1)
    margin = (SIDE - INNER) // 2
    return np.pad(clear, ((0, 0), (margin, margin), (margin, margin))).astype(np.float32)


def _cubic(old: int, new: int) -> np.ndarray:
    """Return the matrix (new, old) of Keys' cubic interpolation (1981); the border is repeated."""
    places = (np.arange(new) + 0.5) * old / new - 0.5
    weights = np.zeros((new, old))
    first = np.floor(places).astype(int) - 1
    for k in range(4):
        far = np.abs(places - (first + k))
        near = 1.5 * far**3 - 2.5 * far**2 + 1
        wide = -0.5 * far**3 + 2.5 * far**2 - 4 * far + 2
        columns = np.clip(first + k, 0, old - 1)
        np.add.at(weights, (np.arange(new), columns), np.where(far <= 1, near, wide))
    return weights


# ------------------------------------------------------------------ MNIST
def _mnist(split: str, root: str | Path | None) -> tuple[np.ndarray, np.ndarray]:
    from cs231n_utils.data.download import fetch
    from cs231n_utils.data.registry import DOWNLOADS

    files = [fetch(DOWNLOADS[f"mnist-{split}-{what}"], root) for what in ("images", "labels")]
    images, labels = read_idx(files[0], ndim=3), read_idx(files[1], ndim=1)
    if images.shape != (len(labels), SIDE, SIDE) or labels.max(initial=0) > 9:
        raise BrokenArchive(
            f"{files[0].name} and {files[1].name} must hold images (N, {SIDE}, {SIDE}) and "
            f"N labels from 0 to 9. Got {images.shape} and {labels.shape}"
        )
    rows = images.reshape(len(images), -1).astype(np.float32)
    rows /= 255
    return rows, labels.astype(np.int64)


def read_idx(path: Path, ndim: int) -> np.ndarray:
    """Return the bytes of a compressed IDX file, the format of MNIST, with `ndim` axes.

    Raises:
        BrokenArchive: when the file is not complete, or of another kind.
    """
    try:
        with gzip.open(path, "rb") as file:
            head = file.read(4 + 4 * ndim)
            # Two zeros, 8 for bytes, the number of axes; then the length of each axis.
            if head[:4] != bytes([0, 0, 8, ndim]) or len(head) != 4 + 4 * ndim:
                raise BrokenArchive(
                    f"{path} must begin as an IDX file of bytes with {ndim} axes. Got {head[:4]!r}"
                )
            shape = tuple(int(n) for n in np.frombuffer(head, ">u4", offset=4))
            size = int(np.prod(shape, dtype=object))
            data = file.read(size + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BrokenArchive(
            f"{path} is not a complete gzip file ({error}). Delete it and fetch it again."
        ) from None
    if len(data) != size:
        raise BrokenArchive(f"{path} must hold {size} bytes for shape {shape}. Got {len(data)}")
    return np.frombuffer(data, np.uint8).reshape(shape)

"""CIFAR-10 from its published archive of plain bytes (the binary version: nothing is unpickled)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cs231n_utils.data.coco import WrongLayout
from cs231n_utils.data.download import fetch
from cs231n_utils.data.objects32 import ObjectData, ObjectSplit
from cs231n_utils.data.registry import DOWNLOADS

if TYPE_CHECKING:
    from cs231n_utils.data.download import Download

PIXELS = 3 * 32 * 32
RECORD = 1 + PIXELS  # a label, then 1024 reds, greens and blues, row by row
TRAIN_FILES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST_FILES = ("test_batch.bin",)
NUM_CLASSES = 10


def load_cifar10(
    root: str | Path | None = None,
    *,
    num_train: int | None = None,
    num_test: int | None = None,
    seed: int = 0,
    download: Download = DOWNLOADS["cifar10"],
) -> ObjectData:
    """Load CIFAR-10, downloading its archive (170 MB) the first time.

    num_train, num_test: None takes all 50,000 and 10,000 pictures; a number takes that many, chosen
    by the seed. root: where downloads are kept; see `data_folder`.
    Raises WrongLayout when a file is not what it should be, and what `fetch` raises.
    """
    folder = fetch(download, root)
    names = tuple((folder / "batches.meta.txt").read_text(encoding="utf-8").split())
    if len(names) != NUM_CLASSES:
        raise WrongLayout(
            f"{folder / 'batches.meta.txt'} must name {NUM_CLASSES} classes. Got {len(names)}"
        )
    splits = []
    for place, (files, num) in enumerate(((TRAIN_FILES, num_train), (TEST_FILES, num_test))):
        records = np.concatenate([_read(folder / file) for file in files])
        if num is not None:
            if num > len(records):
                raise ValueError(f"there are {len(records)} pictures to take. Got {num}")
            chosen = np.random.default_rng([seed, place]).permutation(len(records))[:num]
            records = records[np.sort(chosen)]
        images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        splits.append(
            ObjectSplit(np.ascontiguousarray(images), records[:, 0].astype(np.int64), names)
        )
    return ObjectData(*splits)


def _read(path: Path) -> np.ndarray:
    """Return the records of one file, uint8 (n, RECORD)."""
    content = np.fromfile(path, dtype=np.uint8)
    if not content.size or content.size % RECORD:
        raise WrongLayout(
            f"{path} must hold records of {RECORD} bytes. Got {content.size} bytes in all"
        )
    records = content.reshape(-1, RECORD)
    if records[:, 0].max() >= NUM_CLASSES:
        raise WrongLayout(
            f"In {path}, labels must lie between 0 and {NUM_CLASSES - 1}. Got {records[:, 0].max()}"
        )
    return records

"""COCO 2014 captions with VGG-16 features, as the course's archive holds them in HDF5 files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cs231n_utils.data.captions import SPECIAL_TOKENS, UNK, CaptionData, CaptionSplit
from cs231n_utils.data.download import fetch
from cs231n_utils.data.registry import DOWNLOADS

if TYPE_CHECKING:
    from cs231n_utils.data.download import Download

SLAB = 2048  # rows of features read at once


class WrongLayout(ValueError):
    """A file of the archive does not hold what the course's archive holds."""


def load_coco(
    *,
    num_train: int | None = None,
    num_val: int | None = None,
    seed: int = 0,
    pca: bool = True,
    root: str | Path | None = None,
    download: Download = DOWNLOADS["coco"],
) -> CaptionData:
    """Load COCO's captions, downloading the archive the first time. See `load_captions`.

    num_train, num_val: None takes all images; a number takes that many, chosen by the seed.
    Features are read from disk when first asked for, and only those of the images taken.
    Raises WrongLayout when a file does not fit the others, and what `fetch` raises.
    """
    folder = fetch(download, root)
    idx_to_word, word_to_idx = _vocabulary(folder / "coco2014_vocab.json")
    splits = {}
    feature_dim = 0
    for place, (name, num) in enumerate((("train", num_train), ("val", num_val))):
        features = folder / f"{name}2014_vgg16_fc7{'_pca' if pca else ''}.h5"
        num_images, feature_dim = _feature_shape(features)
        urls = _urls(folder / f"{name}2014_urls.txt", num_images)
        captions, image_of = _captions(folder, name, num_images, len(idx_to_word))
        if num is not None and num > num_images:
            raise ValueError(f"num_{name} must be at most {num_images}. Got {num}")
        chosen = np.arange(num_images)
        if num is not None:
            chosen = np.random.default_rng([seed, place]).permutation(num_images)[:num]
        splits[name] = _split(
            features, urls, captions, image_of, chosen, idx_to_word, folder.parent
        )
    return CaptionData(
        name="coco",
        word_to_idx=word_to_idx,
        idx_to_word=idx_to_word,
        feature_dim=feature_dim,
        **splits,
    )


def _split(
    features: Path,
    urls: list[str],
    captions: np.ndarray,
    image_of: np.ndarray,
    chosen: np.ndarray,
    idx_to_word: list[str],
    home: Path,
) -> CaptionSplit:
    from cs231n_utils.data.web_images import fetch_images

    row_of = np.full(len(urls), -1, dtype=np.int64)
    row_of[chosen] = np.arange(len(chosen))
    kept = row_of[image_of] >= 0
    captions = captions[kept]
    return CaptionSplit(
        num_images=len(chosen),
        features=lambda: read_rows(features, chosen),
        captions=captions,
        image_of=row_of[image_of[kept]],
        images=lambda rows: fetch_images(
            [urls[i] for i in chosen[rows]], folder=home / "coco_images"
        ),
        words=_wordings(captions, idx_to_word),
    )


def _wordings(captions: np.ndarray, idx_to_word: list[str]) -> Callable[[int], list[str]]:
    return lambda caption: [idx_to_word[word] for word in captions[caption] if word > UNK]


def read_rows(path: Path, rows: np.ndarray) -> np.ndarray:
    """Read `rows` of the dataset "features" in an HDF5 file: float32 (len(rows), D).

    HDF5 is slow at picking single rows and quick at reading neighbours, so this reads slabs.
    """
    import h5py

    order = np.argsort(rows, kind="stable")
    ascending = rows[order]
    with h5py.File(path) as file:
        features = file["features"]
        out = np.empty((len(rows), features.shape[1]), dtype=np.float32)
        for start in range(0, features.shape[0], SLAB):
            first, last = np.searchsorted(ascending, [start, start + SLAB])
            if first < last:
                low, high = ascending[first], ascending[last - 1] + 1
                out[order[first:last]] = features[low:high][ascending[first:last] - low]
    return out


def _vocabulary(path: Path) -> tuple[list[str], dict[str, int]]:
    words = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(words, dict) or not {"idx_to_word", "word_to_idx"} <= set(words):
        raise WrongLayout(f"{path} must hold idx_to_word and word_to_idx")
    idx_to_word, word_to_idx = words["idx_to_word"], words["word_to_idx"]
    if tuple(idx_to_word[:4]) != SPECIAL_TOKENS:
        raise WrongLayout(
            f"{path} must begin with the words {', '.join(SPECIAL_TOKENS)}. Got {idx_to_word[:4]}"
        )
    if word_to_idx != {word: index for index, word in enumerate(idx_to_word)}:
        raise WrongLayout(f"In {path}, word_to_idx must be the inverse of idx_to_word")
    return idx_to_word, word_to_idx


def _feature_shape(path: Path) -> tuple[int, int]:
    import h5py

    with h5py.File(path) as file:
        if "features" not in file or file["features"].ndim != 2:
            raise WrongLayout(f'{path} must hold "features" of shape (images, D)')
        return file["features"].shape


def _urls(path: Path, num_images: int) -> list[str]:
    urls = path.read_text(encoding="utf-8").split()
    if len(urls) != num_images:
        raise WrongLayout(
            f"{path} must hold one address for each image, {num_images}. Got {len(urls)}"
        )
    return urls


def _captions(
    folder: Path, name: str, num_images: int, num_words: int
) -> tuple[np.ndarray, np.ndarray]:
    import h5py

    path = folder / "coco2014_captions.h5"
    with h5py.File(path) as file:
        for key in (f"{name}_captions", f"{name}_image_idxs"):
            if key not in file:
                raise WrongLayout(f'{path} must hold "{key}"')
        captions = file[f"{name}_captions"][:].astype(np.int32)
        image_of = file[f"{name}_image_idxs"][:].astype(np.int64)
    if captions.ndim != 2 or image_of.shape != captions.shape[:1]:
        raise WrongLayout(
            f"In {path}, {name}_captions must have shape (M, T + 1) and {name}_image_idxs (M,). "
            f"Got {captions.shape} and {image_of.shape}"
        )
    for values, below, what in (
        (captions, num_words, f"{name}_captions"),
        (image_of, num_images, f"{name}_image_idxs"),
    ):
        if values.size and not (values.min() >= 0 and values.max() < below):
            raise WrongLayout(
                f"In {path}, {what} must lie between 0 and {below - 1}. "
                f"Got {values.min()} to {values.max()}"
            )
    return captions, image_of

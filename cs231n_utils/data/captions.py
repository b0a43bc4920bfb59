"""Captioned images as the captioning notebooks use them, whatever they were loaded from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SPECIAL_TOKENS = ("<NULL>", "<START>", "<END>", "<UNK>")
NULL, START, END, UNK = range(4)


class UnknownDataset(ValueError):
    """No data are known under the name that was asked for."""


class CaptionSplit:
    """One half (train or val) of a set of captioned images.

    features (images, D) float32: one row for each image. Computed or read when first asked for.
    captions (M, T + 1) int32: START, the words, END, then NULL to the row's end.
    image_of (M,) int64: the row of `features` that a caption describes.
    len(split) is the number of images.

    Whoever makes a split gives three functions: features() and images(rows), called when they are
    first needed, and words(caption), the words of one row of `captions`.
    """

    def __init__(
        self,
        *,
        num_images: int,
        features: Callable[[], np.ndarray],
        captions: np.ndarray,
        image_of: np.ndarray,
        images: Callable[[np.ndarray], np.ndarray],
        words: Callable[[int], list[str]],
    ):
        self.captions = captions
        self.image_of = image_of
        self._num_images = num_images
        self._make_features = features
        self._features: np.ndarray | None = None
        self._make_images = images
        self._words = words
        # The captions of image i are order[first[i]:first[i + 1]].
        self._order = np.argsort(image_of, kind="stable")
        self._first = np.searchsorted(image_of[self._order], np.arange(num_images + 1))

    def __len__(self) -> int:
        return self._num_images

    @property
    def features(self) -> np.ndarray:
        """The images' features, (images, D) float32."""
        if self._features is None:
            self._features = self._make_features()
        return self._features

    def images(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return the pictures of the images `rows`, uint8 (k, H, W, 3)."""
        return self._make_images(self._rows(rows))

    def references(self, row: int) -> list[list[str]]:
        """Return every caption of image `row` as a list of words, without any special token.

        Rare words, <UNK> in `captions`, are what the writer wrote where that is known (scenes),
        and left out where it is not (COCO).
        """
        (row,) = self._rows([row])
        chosen = self._order[self._first[row] : self._first[row + 1]]
        return [list(self._words(caption)) for caption in chosen]

    def minibatch(
        self, rng: np.random.Generator, batch_size: int = 100
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw captions, with replacement.

        Returns captions (batch_size, T + 1), features (batch_size, D) and the rows of the images
        that they describe, (batch_size,).
        """
        if batch_size < 1:
            raise ValueError(f"batch_size must be 1 or more. Got {batch_size}")
        chosen = rng.integers(len(self.captions), size=batch_size)
        rows = self.image_of[chosen]
        return self.captions[chosen], self.features[rows], rows

    def _rows(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        rows = np.asarray(rows, dtype=np.int64)
        if rows.ndim != 1:
            raise ValueError(f"rows must be a list of numbers. Got an array of shape {rows.shape}")
        outside = rows[(rows < 0) | (rows >= len(self))]
        if outside.size:
            raise IndexError(
                f"rows must be between 0 and {len(self) - 1}, one for each image. Got {outside[0]}"
            )
        return rows


@dataclass(frozen=True)
class CaptionData:
    """Captioned images for training and validation, with the vocabulary that their captions use."""

    name: str
    train: CaptionSplit
    val: CaptionSplit
    word_to_idx: dict[str, int]
    idx_to_word: list[str]
    feature_dim: int


def load_captions(
    name: str = "scenes",
    *,
    num_train: int | None = None,
    num_val: int | None = None,
    seed: int = 0,
    pca: bool = True,
    root: str | Path | None = None,
) -> CaptionData:
    """Load captioned images by name.

    name: "scenes" (made on the spot, no download) or "coco" (downloaded once, about a gigabyte).
    num_train, num_val: how many images; None takes what suits the dataset.
    seed: which scenes are drawn, or which of COCO's images are kept when fewer are asked for.
    pca: the shorter features (True) or the full ones.
    root: where downloads and computed features are kept; see `data_folder`.
    Raises UnknownDataset for another name.
    """
    for wanted, number in (("num_train", num_train), ("num_val", num_val)):
        if number is not None and number < 1:
            raise ValueError(f"{wanted} must be 1 or more. Got {number}")
    if name == "scenes":
        from cs231n_utils.data.scene_captions import load_scenes

        return load_scenes(num_train=num_train, num_val=num_val, seed=seed, pca=pca, root=root)
    if name == "coco":
        from cs231n_utils.data.coco import load_coco

        return load_coco(num_train=num_train, num_val=num_val, seed=seed, pca=pca, root=root)
    raise UnknownDataset(f'The name of a dataset must be "scenes" or "coco". Got {name!r}')


def encode_captions(
    captions: Sequence[Sequence[str]], word_to_idx: dict[str, int], max_words: int
) -> np.ndarray:
    """Turn captions into rows of numbers: START, the words, END, then NULL.

    captions: M lists of words. Words that are not in `word_to_idx` become <UNK>.
    Returns (M, max_words + 2) int32. Raises ValueError for a caption of more than max_words words.
    """
    rows = np.full((len(captions), max_words + 2), NULL, dtype=np.int32)
    rows[:, 0] = START
    for row, caption in zip(rows, captions, strict=True):
        if len(caption) > max_words:
            raise ValueError(
                f"A caption must have at most {max_words} words. Got {len(caption)}: "
                + " ".join(caption)
            )
        row[1 : len(caption) + 1] = [word_to_idx.get(word, UNK) for word in caption]
        row[len(caption) + 1] = END
    return rows

"""The scenes as captioned images: what `load_captions("scenes")` returns."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cs231n_utils.data.captions import SPECIAL_TOKENS, CaptionData, CaptionSplit, encode_captions
from cs231n_utils.data.download import data_folder
from cs231n_utils.data.scene_render import render_scenes
from cs231n_utils.data.scene_sentences import describe_scenes
from cs231n_utils.data.scene_words import MAX_WORDS, VOCABULARY
from cs231n_utils.data.scenes import SPLITS, sample_scenes

CAPTIONS_EACH = 5
NUM_TRAIN, NUM_VAL = 8000, 1000


def load_scenes(
    *,
    num_train: int | None = None,
    num_val: int | None = None,
    seed: int = 0,
    pca: bool = True,
    root: str | Path | None = None,
) -> CaptionData:
    """Draw scenes for training and validation and caption them. See `load_captions`.

    Features are computed when first asked for, by the small network of cs231n_utils/encoder.py, and
    kept in the data folder.
    """
    from cs231n_utils.data.feature_cache import cached_features
    from cs231n_utils.encoder import FEATURE_DIM, PCA_DIM

    idx_to_word = [*SPECIAL_TOKENS, *VOCABULARY]
    word_to_idx = {word: index for index, word in enumerate(idx_to_word)}

    def split(name: str, num: int) -> CaptionSplit:
        scenes = sample_scenes(num, seed=seed, split=name)

        def features() -> np.ndarray:
            from cs231n_utils.encoder import encode_images, load_encoder

            return encode_images(load_encoder(), render_scenes(scenes), pca=pca)

        folder = data_folder(root) / "scene_features"
        words = describe_scenes(scenes, seed=[seed, SPLITS[name]], captions_each=CAPTIONS_EACH)
        return CaptionSplit(
            num_images=num,
            features=lambda: cached_features(scenes, pca, folder, features),
            captions=encode_captions(words, word_to_idx, MAX_WORDS),
            image_of=np.repeat(np.arange(num, dtype=np.int64), CAPTIONS_EACH),
            images=lambda rows: render_scenes(scenes.take(rows)),
            words=lambda caption: words[caption],
        )

    return CaptionData(
        name="scenes",
        train=split("train", NUM_TRAIN if num_train is None else num_train),
        val=split("val", NUM_VAL if num_val is None else num_val),
        word_to_idx=word_to_idx,
        idx_to_word=idx_to_word,
        feature_dim=PCA_DIM if pca else FEATURE_DIM,
    )

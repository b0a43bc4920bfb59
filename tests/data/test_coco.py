"""COCO, with a tiny archive of the true layout."""

import json
import zipfile

import h5py
import numpy as np
import pytest

from cs231n_utils.data.captions import SPECIAL_TOKENS
from cs231n_utils.data.coco import WrongLayout, load_coco, read_rows
from cs231n_utils.data.registry import COCO_MEMBERS, DOWNLOADS

WORDS = [*SPECIAL_TOKENS, "a", "cat", "dog", "sits"]
IMAGES = {"train": 7, "val": 4}
EACH = 2  # captions of an image


def write_files(folder, **changes):
    """Write the archive's files. changes: other arrays for the captions file, by name."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    with h5py.File(folder / "coco2014_captions.h5", "w") as file:
        for split, num in IMAGES.items():
            captions = np.zeros((num * EACH, 17), dtype=np.int32)
            captions[:, :5] = [1, 4, 5, 3, 2]  # <START> a cat <UNK> <END>
            image_of = rng.permutation(np.repeat(np.arange(num), EACH))
            captions[:, 2] = 5 + image_of % 2
            file[f"{split}_captions"] = changes.get(f"{split}_captions", captions)
            file[f"{split}_image_idxs"] = changes.get(f"{split}_image_idxs", image_of)
    words = {"idx_to_word": WORDS, "word_to_idx": {word: i for i, word in enumerate(WORDS)}}
    (folder / "coco2014_vocab.json").write_text(json.dumps(words))
    for split, num in IMAGES.items():
        urls = [f"http://127.0.0.1:9/{split}{i}.jpg" for i in range(num)]
        (folder / f"{split}2014_urls.txt").write_text("\n".join(urls) + "\n")
        for suffix, dim in (("", 32), ("_pca", 6)):
            with h5py.File(folder / f"{split}2014_vgg16_fc7{suffix}.h5", "w") as file:
                rows = np.arange(num, dtype=np.float32)[:, None]
                file["features"] = rows * 100 + np.arange(dim, dtype=np.float32)


@pytest.fixture
def home(tmp_path):
    """A data folder in which the archive lies, as after copying it there by hand."""
    write_files(tmp_path / "made")
    home = tmp_path / "home"
    home.mkdir()
    with zipfile.ZipFile(home / "coco_captioning.zip", "w") as opened:
        for name in COCO_MEMBERS:
            opened.write(tmp_path / "made" / name, f"coco_captioning/{name}")
    return home


def test_coco_has_the_same_interface_as_the_scenes(home):
    data = load_coco(root=home)
    assert data.name == "coco"
    assert (len(data.train), len(data.val)) == (7, 4)
    assert data.idx_to_word == WORDS
    assert data.word_to_idx["dog"] == 6
    assert data.train.features.shape == (7, data.feature_dim) == (7, 6)
    assert data.train.features.dtype == np.float32
    assert data.train.captions.shape == (14, 17)
    assert data.train.captions.dtype == np.int32
    assert data.train.image_of.dtype == np.int64


def test_the_full_features_are_read_on_request(home):
    data = load_coco(root=home, pca=False)
    assert data.val.features.shape == (4, data.feature_dim) == (4, 32)


def test_fewer_images_keep_their_own_captions_and_features(home):
    data = load_coco(root=home, num_train=3, num_val=2, seed=5)
    assert len(data.train) == 3
    assert len(data.train.captions) == 3 * EACH
    for caption, row in zip(data.train.captions, data.train.image_of, strict=True):
        original = round(float(data.train.features[row, 0])) // 100
        assert caption[2] == 5 + original % 2
    assert len(load_coco(root=home, num_train=7).train) == 7


def test_another_seed_takes_other_images(home):
    taken = {
        tuple(load_coco(root=home, num_train=3, seed=s).train.features[:, 0]) for s in range(9)
    }
    assert len(taken) > 1
    again = load_coco(root=home, num_train=3, seed=2).train.features
    np.testing.assert_array_equal(again, load_coco(root=home, num_train=3, seed=2).train.features)


def test_references_have_no_special_tokens(home):
    data = load_coco(root=home)
    for row in range(4):
        animal = WORDS[5 + row % 2]
        assert data.val.references(row) == [["a", animal], ["a", animal]]


def test_rows_are_read_in_the_order_asked_for(tmp_path):
    values = np.random.default_rng(0).normal(size=(5000, 3)).astype(np.float32)
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["features"] = values
    rows = np.array([4999, 0, 2048, 2047, 17])
    np.testing.assert_array_equal(read_rows(tmp_path / "f.h5", rows), values[rows])


def test_more_images_than_there_are_is_refused(home):
    with pytest.raises(ValueError, match=r"num_val must be at most 4\. Got 5"):
        load_coco(root=home, num_val=5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_image_idxs": np.full(14, 7)}, "train_image_idxs must lie between 0 and 6"),
        ({"val_captions": np.full((8, 17), 8)}, "val_captions must lie between 0 and 7"),
        ({"val_captions": np.zeros((3, 17), int)}, r"Got \(3, 17\) and \(8,\)"),
    ],
)
def test_files_that_do_not_fit_together_are_refused(tmp_path, change, message):
    write_files(tmp_path / "coco_captioning", **change)
    with pytest.raises(WrongLayout, match=message):
        load_coco(root=tmp_path)


def test_a_vocabulary_with_other_special_tokens_is_refused(tmp_path):
    write_files(tmp_path / "coco_captioning")
    words = {"idx_to_word": ["a", "b", "c", "d"], "word_to_idx": {}}
    (tmp_path / "coco_captioning" / "coco2014_vocab.json").write_text(json.dumps(words))
    with pytest.raises(WrongLayout, match="<NULL>, <START>, <END>, <UNK>"):
        load_coco(root=tmp_path)


def test_offline_pictures_are_grey_and_said_so(home, capsys):
    images = load_coco(root=home).val.images([2, 0])
    assert images.shape == (2, 224, 224, 3)
    assert images.dtype == np.uint8
    assert (images == 128).all()
    assert "2 of 2 pictures are shown in grey: there is no network." in capsys.readouterr().out


def test_the_registered_archive_is_the_course_s_own():
    assert DOWNLOADS["coco"].url == "http://cs231n.stanford.edu/coco_captioning.zip"

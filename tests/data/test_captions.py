"""load_captions("scenes") and the interface that every set of captions has."""

import subprocess
import sys

import numpy as np
import pytest

from cs231n_utils import encoder
from cs231n_utils.data import UnknownDataset, feature_cache, load_captions
from cs231n_utils.data.captions import encode_captions
from cs231n_utils.data.feature_cache import features_key
from cs231n_utils.data.scene_words import RARE_WORDS
from cs231n_utils.data.scenes import sample_scenes


@pytest.fixture(autouse=True, scope="module")
def home(tmp_path_factory):
    """A data folder of our own: nothing is read from or left in the user's."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CS231N_DATA", str(home))
        yield home


@pytest.fixture(scope="module")
def data(home):
    return load_captions("scenes", num_train=120, num_val=40, seed=3)


def test_the_vocabulary_begins_with_the_special_tokens(data):
    assert data.idx_to_word[:4] == ["<NULL>", "<START>", "<END>", "<UNK>"]
    assert data.word_to_idx == {word: i for i, word in enumerate(data.idx_to_word)}


def test_the_vocabulary_does_not_depend_on_how_much_is_loaded(data):
    assert load_captions("scenes", num_train=1, num_val=1).idx_to_word == data.idx_to_word


def test_shapes_and_types(data):
    assert data.name == "scenes"
    for split, num in ((data.train, 120), (data.val, 40)):
        assert len(split) == num
        assert split.features.shape == (num, data.feature_dim)
        assert split.features.dtype == np.float32
        assert split.captions.shape == (num * 5, 17)
        assert split.captions.dtype == np.int32
        assert split.image_of.shape == (num * 5,)
        assert split.image_of.dtype == np.int64
        assert split.images([0, 5]).shape == (2, 64, 64, 3)


def test_a_caption_is_start_words_end_and_nulls(data):
    for row in data.train.captions:
        length = list(row).index(2)
        assert row[0] == 1
        assert (row[1:length] >= 3).all()
        assert (row[length + 1 :] == 0).all()


def test_rare_words_become_unk_and_references_keep_them():
    data = load_captions("scenes", num_train=400, num_val=1, seed=3)
    rare = {word for others in RARE_WORDS.values() for word in others}
    unknown = 0
    for row in range(400):
        rows = data.train.captions[data.train.image_of == row]
        for caption, words in zip(rows, data.train.references(row), strict=True):
            assert len(words) == list(caption).index(2) - 1
            for number, word in zip(caption[1:], words, strict=False):
                assert (number == 3) == (word in rare)
                assert number == 3 or data.idx_to_word[number] == word
                unknown += number == 3
    assert unknown > 30


def test_the_same_seed_loads_the_same(data):
    again = load_captions("scenes", num_train=120, num_val=40, seed=3)
    np.testing.assert_array_equal(again.train.captions, data.train.captions)
    np.testing.assert_array_equal(again.val.features, data.val.features)


def test_training_and_validation_are_different_scenes(data):
    assert (data.train.images(range(40)) != data.val.images(range(40))).any(axis=(1, 2, 3)).all()


def test_a_minibatch_pairs_captions_with_their_images(data):
    captions, features, rows = data.train.minibatch(np.random.default_rng(0), batch_size=32)
    assert captions.shape == (32, 17)
    np.testing.assert_array_equal(features, data.train.features[rows])
    for caption, row in zip(captions, rows, strict=True):
        own = data.train.captions[data.train.image_of == row]
        assert (own == caption).all(axis=1).any()


def test_minibatches_depend_on_the_generator_only(data):
    draws = [data.train.minibatch(np.random.default_rng(s), 16)[2].tolist() for s in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def test_the_full_features_are_longer():
    data = load_captions("scenes", num_train=2, num_val=1, pca=False)
    assert data.feature_dim == 256
    assert data.train.features.shape == (2, 256)


def test_loading_does_not_import_torch_until_features_are_asked_for():
    code = (
        "import sys; from cs231n_utils.data import load_captions\n"
        "data = load_captions('scenes', num_train=5, num_val=5)\n"
        "assert 'torch' not in sys.modules, 'torch was imported'\n"
        "assert data.train.features.shape == (5, data.feature_dim)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})


def load_two(root):
    return load_captions("scenes", num_train=2, num_val=1, root=root).train.features


def test_features_are_computed_once_and_then_read(tmp_path, monkeypatch):
    first = load_two(tmp_path)
    monkeypatch.setattr(encoder, "load_encoder", None)  # calling it would raise
    np.testing.assert_array_equal(load_two(tmp_path), first)
    with pytest.raises(TypeError):
        load_captions("scenes", num_train=3, num_val=1, root=tmp_path).train.features  # noqa: B018


def test_a_damaged_file_of_features_is_computed_again(tmp_path):
    first = load_two(tmp_path)
    (kept,) = (tmp_path / "scene_features").iterdir()
    kept.write_bytes(kept.read_bytes()[:50])
    np.testing.assert_allclose(load_two(tmp_path), first, atol=1e-5)


def test_a_folder_that_cannot_be_written_does_not_stop_loading(tmp_path):
    (tmp_path / "scene_features").write_text("a file where the folder should be")
    assert load_two(tmp_path).shape == (2, 128)


def test_what_features_depend_on_changes_their_key(tmp_path, monkeypatch):
    scenes = sample_scenes(4)
    keys = {features_key(scenes, pca=True), features_key(scenes, pca=False)}
    keys.add(features_key(sample_scenes(4, seed=1), pca=True))
    other = tmp_path / "other.safetensors"
    other.write_bytes(b"other weights")
    monkeypatch.setattr(feature_cache, "WEIGHTS", other)
    keys.add(features_key(scenes, pca=True))
    assert len(keys) == 4


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UnknownDataset, match=r'must be "scenes" or "coco"\. Got .flickr'):
        load_captions("flickr")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_train": 0}, "num_train must be 1 or more. Got 0"),
        ({"num_val": -3}, "num_val must be 1 or more. Got -3"),
    ],
)
def test_a_number_of_images_must_be_positive(arguments, message):
    with pytest.raises(ValueError, match=message):
        load_captions("scenes", **arguments)


def test_a_row_that_does_not_exist_is_refused(data):
    with pytest.raises(IndexError, match=r"between 0 and 39, one for each image\. Got 40"):
        data.val.images([0, 40])
    with pytest.raises(IndexError, match="Got -1"):
        data.val.references(-1)


def test_a_caption_that_is_too_long_is_refused():
    with pytest.raises(ValueError, match=r"at most 2 words\. Got 3: a b c"):
        encode_captions([["a", "b", "c"]], {}, 2)

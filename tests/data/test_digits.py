"""Digits of 28 by 28 pixels: enlarged ones, and MNIST from tiny archives of the true format."""

import gzip
import hashlib
from contextlib import ExitStack

import numpy as np
import pytest

from cs231n_utils.data import digits, registry
from cs231n_utils.data.__main__ import main
from cs231n_utils.data.archive import BrokenArchive
from cs231n_utils.data.captions import UnknownDataset
from cs231n_utils.data.digits import enlarge, load_digit_images, read_idx
from cs231n_utils.data.download import ChecksumMismatch, Download, DownloadFailed


def idx(array):
    """Return an array of bytes as a compressed IDX file."""
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return gzip.compress(head + array.astype(np.uint8).tobytes(), mtime=0)


def small_mnist(number=7):
    rng = np.random.default_rng(number)
    return rng.integers(256, size=(number, 28, 28)), rng.integers(10, size=number)


@pytest.fixture
def server(serving, monkeypatch):
    """Serve files in the place of MNIST's: server({name: bytes}, {name: checksum})."""
    with ExitStack() as stack:

        def serve(files, checksums=None):
            for name, content in files.items():
                file_name = registry.MNIST_FILES[name][0]
                checksum = (checksums or {}).get(name, hashlib.sha256(content).hexdigest())
                url = stack.enter_context(serving(content)).url
                download = Download(name, url, file_name, checksum, "tiny")
                monkeypatch.setitem(registry.DOWNLOADS, name, download)

        yield serve


def test_scikit_learns_digits_come_enlarged():
    data = load_digit_images()
    assert (data.name, len(data)) == ("digits", 1797)
    assert data.images.shape == (1797, 784)
    assert data.images.dtype == np.float32
    assert data.images.min() == 0
    assert data.images.max() == pytest.approx(1, abs=1e-3)
    assert sorted(set(data.labels)) == list(range(10))
    pictures = data.images.reshape(-1, 28, 28)
    assert not pictures[:, :4].any()  # the margin
    assert not pictures[:, :, -4:].any()


def test_an_enlarged_digit_keeps_its_place_and_its_shape():
    small = np.zeros((2, 8, 8))
    small[0, :, 2] = 1  # an upright line
    small[1, 5, :] = 1  # a lying one
    up, lying = enlarge(small)
    assert np.argmax(up[14]) in (4 + 6, 4 + 5)
    assert up[4:24, 10].min() > 0.9
    assert up[:, 18:].max() == 0
    np.testing.assert_allclose(lying[:, 14].argmax(), 4 + 13, atol=1)


def test_plain_paper_and_plain_ink_stay_plain():
    large = enlarge(np.stack([np.zeros((8, 8)), np.ones((8, 8))]))
    np.testing.assert_allclose(large[0], 0, atol=1e-6)
    np.testing.assert_allclose(large[1, 4:24, 4:24], 1, atol=1e-6)


def test_mnist_is_fetched_checked_and_read(server, tmp_path):
    images, labels = small_mnist()
    server({"mnist-train-images": idx(images), "mnist-train-labels": idx(labels)})
    data = load_digit_images("mnist", root=tmp_path / "home")
    assert data.name == "mnist"
    np.testing.assert_allclose(data.images, images.reshape(7, 784) / 255, rtol=1e-6)
    np.testing.assert_array_equal(data.labels, labels)
    again = load_digit_images("mnist", root=tmp_path / "home")
    np.testing.assert_array_equal(again.images, data.images)


def test_the_test_split_is_another_pair_of_files(server, tmp_path):
    images, labels = small_mnist(5)
    server({"mnist-test-images": idx(images), "mnist-test-labels": idx(labels)})
    data = load_digit_images("mnist", split="test", root=tmp_path / "home")
    np.testing.assert_array_equal(data.labels, labels)


def test_a_file_with_another_checksum_is_refused(server, tmp_path):
    images, labels = small_mnist()
    files = {"mnist-train-images": idx(images), "mnist-train-labels": idx(labels)}
    server(files, {"mnist-train-images": "0" * 64})
    with pytest.raises(ChecksumMismatch, match="fetch mnist-train-images"):
        load_digit_images("mnist", root=tmp_path / "home")


def test_offline_the_message_names_file_folder_and_command(monkeypatch, tmp_path):
    file_name, checksum, about = registry.MNIST_FILES["mnist-train-images"]
    nowhere = Download("mnist-train-images", "http://127.0.0.1:9/x.gz", file_name, checksum, about)
    monkeypatch.setitem(registry.DOWNLOADS, "mnist-train-images", nowhere)
    with pytest.raises(DownloadFailed) as told:
        load_digit_images("mnist", root=tmp_path / "home")
    for part in (file_name, str(tmp_path / "home"), "cs231n_utils.data fetch mnist-train-images"):
        assert part in str(told.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (idx(np.zeros(3, int)), "with 3 axes"),
        (b"no gzip at all", "not a complete gzip file"),
        (idx(np.zeros((2, 28, 28), int))[:-20], "not a complete gzip file"),
        (gzip.compress(b"\0\0\x08\x03" + np.array([2, 28, 28], ">u4").tobytes()), "Got 0"),
        (gzip.compress(b"\0\0\x08"), "with 3 axes"),
    ],
    ids=["one axis", "no gzip", "cut off", "no images in it", "cut off in its head"],
)
def test_a_file_that_is_no_stack_of_images_is_refused(tmp_path, content, said):
    (tmp_path / "x.gz").write_bytes(content)
    with pytest.raises(BrokenArchive, match=said):
        read_idx(tmp_path / "x.gz", ndim=3)


@pytest.mark.parametrize(
    "labels", [np.zeros(6, int), np.array([1, 2, 3, 4, 5, 6, 10])], ids=["too few", "no digit"]
)
def test_images_and_labels_that_do_not_fit_together_are_refused(server, tmp_path, labels):
    images, _ = small_mnist()
    server({"mnist-train-images": idx(images), "mnist-train-labels": idx(labels)})
    with pytest.raises(BrokenArchive, match="labels from 0 to 9"):
        load_digit_images("mnist", root=tmp_path / "home")


def test_other_names_and_splits_are_refused():
    with pytest.raises(UnknownDataset, match='"digits" or "mnist"'):
        load_digit_images("letters")
    with pytest.raises(ValueError, match="must be one of train"):
        load_digit_images("digits", split="test")


def test_the_command_lists_the_four_files(tmp_path, capsys):
    assert main(["--root", str(tmp_path), "list"]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in registry.MNIST_FILES)


def test_a_digit_is_as_large_as_in_mnist():
    assert (digits.SIDE, digits.INNER) == (28, 20)

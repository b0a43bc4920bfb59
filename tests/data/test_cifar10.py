"""CIFAR-10 from tiny archives of its true layout, served on localhost."""

import dataclasses
import functools
import gzip
import hashlib
import http.server
import io
import tarfile
import threading

import numpy as np
import pytest

from cs231n_utils.data import archive as archive_module
from cs231n_utils.data import load_object_images
from cs231n_utils.data.archive import BrokenArchive, UnsafeArchive, unpack
from cs231n_utils.data.cifar10 import load_cifar10
from cs231n_utils.data.coco import WrongLayout
from cs231n_utils.data.download import ChecksumMismatch, DownloadFailed
from cs231n_utils.data.registry import CIFAR10_MEMBERS, DOWNLOADS

NAMES = "airplane automobile bird cat deer dog frog horse ship truck".split()
OUTER = "cifar-10-batches-bin/"


def pack(path, files):
    """Write a tar.gz archive; files: bytes, or a TarInfo for something odd, by name."""
    with tarfile.open(path, "w:gz") as opened:
        for name, content in files.items():
            if isinstance(content, tarfile.TarInfo):
                content.name = name
                opened.addfile(content)
            else:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                opened.addfile(info, io.BytesIO(content))
    return path


def records(labels, rng):
    """As in the true files: a label, then all reds, all greens and all blues."""
    pixels = rng.integers(256, size=(len(labels), 3, 32, 32), dtype=np.uint8)
    rows = np.concatenate([np.array(labels, np.uint8)[:, None], pixels.reshape(-1, 3072)], 1)
    return rows.tobytes(), pixels.transpose(0, 2, 3, 1)


@pytest.fixture
def files():
    rng = np.random.default_rng(0)
    packed = {
        OUTER + name: records([place, 9 - place], rng)[0]
        for place, name in enumerate(CIFAR10_MEMBERS[:-1])
    }
    words = ("\n".join(NAMES) + "\n\n").encode()
    return packed | {OUTER + "batches.meta.txt": words, OUTER + "readme.html": b"<p>"}


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def tiny(path, url="http://127.0.0.1:9/"):
    """The true entry with the address and the checksum of a tiny archive."""
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    return dataclasses.replace(DOWNLOADS["cifar10"], url=url, sha256=checksum)


def put(files, home):
    """Put an archive into the data folder by hand; return its entry."""
    return tiny(pack(home / "cifar-10-binary.tar.gz", files))


def test_pictures_and_labels_come_out_of_a_fetched_archive(files, home, tmp_path):
    path = pack(tmp_path / "served.tar.gz", files)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}/served.tar.gz"
        data = load_cifar10(home, download=tiny(path, url))
        server.shutdown()
        thread.join()
    assert data.train.class_names == tuple(NAMES)
    assert data.train.labels.tolist() == [0, 9, 1, 8, 2, 7, 3, 6, 4, 5]
    assert data.test.labels.tolist() == [5, 4]
    assert data.train.images.shape == (10, 32, 32, 3)
    first = np.frombuffer(files[OUTER + "data_batch_1.bin"], np.uint8)
    assert data.train.images[0, 0, :3, 0].tolist() == first[1:4].tolist()  # red, first row
    assert data.train.images[0, 2, 1, 2] == first[1 + 2048 + 65]  # blue, third row
    assert not (home / "cifar10" / OUTER).exists()


def test_a_number_of_pictures_is_chosen_by_the_seed(files, home):
    download = put(files, home)
    one, same, other = (
        load_cifar10(home, num_train=5, num_test=1, seed=seed, download=download)
        for seed in (1, 1, 2)
    )
    assert len(one.train) == 5
    assert np.array_equal(one.train.images, same.train.images)
    assert not np.array_equal(one.train.images, other.train.images)
    with pytest.raises(ValueError, match=r"there are 10 pictures to take\. Got 11"):
        load_cifar10(home, num_train=11, download=download)


def test_the_name_leads_to_the_published_archive(home):
    (home / "cifar-10-binary.tar.gz").write_bytes(b"something else")
    with pytest.raises(ChecksumMismatch, match=r"c4a38c50.* as published"):
        load_object_images("cifar10", root=home)


def test_offline_the_message_says_what_to_do(files, home, tmp_path):
    download = tiny(pack(tmp_path / "somewhere.tar.gz", files))
    with pytest.raises(DownloadFailed, match=r"python -m cs231n_utils\.data fetch cifar10"):
        load_cifar10(home, download=download)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("test_batch.bin", b"\0" * 3072, "records of 3073 bytes. Got 3072"),
        ("test_batch.bin", b"\x0a" + b"\0" * 3072, "between 0 and 9. Got 10"),
        ("data_batch_2.bin", b"", "records of 3073 bytes. Got 0"),
        ("batches.meta.txt", b"cat dog", "name 10 classes. Got 2"),
    ],
)
def test_a_wrong_layout_is_named(name, content, message, files, home):
    with pytest.raises(WrongLayout, match=message):
        load_cifar10(home, download=put(files | {OUTER + name: content}, home))


def odd(kind, link=""):
    info = tarfile.TarInfo()
    info.type, info.linkname = kind, link
    return info


@pytest.mark.parametrize(
    "info",
    [
        odd(tarfile.SYMTYPE, "/etc/passwd"),
        odd(tarfile.LNKTYPE, OUTER + "readme.html"),
        odd(tarfile.FIFOTYPE),
        odd(tarfile.CHRTYPE),
    ],
    ids=["symbolic", "hard", "pipe", "device"],
)
def test_a_link_or_a_device_is_refused(info, files, home):
    with pytest.raises(UnsafeArchive, match="regular files only"):
        load_cifar10(home, download=put(files | {OUTER + "odd": info}, home))
    assert not (home / "cifar10").exists()


@pytest.mark.parametrize("name", ["../out.txt", "/out.txt", "in/../../out.txt", "C:\\out.txt"])
def test_a_path_that_reaches_out_is_refused(name, files, home):
    with pytest.raises(UnsafeArchive, match="inside its own folder"):
        load_cifar10(home, download=put(files | {name: b"bad"}, home))
    assert not list(home.parent.rglob("out.txt"))


def test_an_archive_that_would_fill_the_disk_is_refused(files, home, monkeypatch):
    monkeypatch.setattr(archive_module, "MAX_BYTES", 10_000)
    with pytest.raises(UnsafeArchive, match="at most 10000 bytes"):
        load_cifar10(home, download=put(files, home))
    assert not (home / "cifar10").exists()


def test_an_archive_that_goes_on_for_ever_is_refused(files, home):
    path = pack(home / "cifar-10-binary.tar.gz", files)
    endless = gzip.decompress(path.read_bytes()) + b"\0" * (2 << 20)
    path.write_bytes(gzip.compress(endless))
    with pytest.raises(UnsafeArchive, match="must end with its last file"):
        load_cifar10(home, download=tiny(path))


@pytest.mark.parametrize("keep", [10, 4000, -4])
def test_half_an_archive_is_refused(keep, files, tmp_path):
    path = pack(tmp_path / "half.tar.gz", files)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(BrokenArchive, match=r"not a complete tar\.gz file"):
        unpack(path, tmp_path / "folder", CIFAR10_MEMBERS)
    assert not (tmp_path / "folder").exists()

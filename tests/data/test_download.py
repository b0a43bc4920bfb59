"""Downloading, against a small server on localhost that breaks off, knows no ranges, or is away."""

import hashlib
import re
import zipfile
from dataclasses import replace

import pytest

from cs231n_utils.data.__main__ import main
from cs231n_utils.data.archive import BrokenArchive, UnsafeArchive, unpack
from cs231n_utils.data.download import ChecksumMismatch, Download, DownloadFailed, fetch, find


def archive(path, files):
    with zipfile.ZipFile(path, "w") as opened:
        for name, text in files.items():
            opened.writestr(name, text)
    return path.read_bytes()


@pytest.fixture
def content(tmp_path):
    return archive(tmp_path / "made.zip", {"things/a.txt": "a" * 3000, "things/b.txt": "b" * 5000})


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def things(url, sha256=None):
    return Download(
        name="things",
        url=url,
        file_name="things.zip",
        sha256=sha256,
        about="two small files",
        folder="things",
        members=("a.txt", "b.txt"),
    )


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def test_an_archive_is_fetched_checked_and_unpacked(serving, content, home):
    with serving(content) as server:
        folder = fetch(things(server.url, sha256(content)), home, progress=False)
    assert (folder / "a.txt").read_text() == "a" * 3000
    assert (folder / "b.txt").read_text() == "b" * 5000
    assert sorted(path.name for path in home.iterdir()) == [
        "things",
        "things.zip",
        "things.zip.sha256",
    ]


def test_what_is_unpacked_is_not_fetched_again(serving, content, home):
    with serving(content) as server:
        download = things(server.url)
        assert fetch(download, home, progress=False) == fetch(download, home, progress=False)
        assert server.asked == [None]


def test_a_connection_that_breaks_off_is_taken_up_where_it_ended(serving, content, home):
    with serving(content) as server:
        server.break_after = [1000, 2000]
        fetch(things(server.url, sha256(content)), home, progress=False)
        assert server.asked == [None, "bytes=1000-", "bytes=3000-"]


def test_a_later_call_goes_on_where_the_interrupted_one_ended(serving, content, home):
    with serving(content) as server:
        server.break_after = [1000, 0, 0, 0]
        with pytest.raises(DownloadFailed):
            fetch(things(server.url), home, progress=False)
        assert (home / "things.zip.partial").stat().st_size == 1000
        assert find(things(server.url), home) is None
        server.break_after, server.asked = [], []
        fetch(things(server.url, sha256(content)), home, progress=False)
        assert server.asked == ["bytes=1000-"]
    assert not (home / "things.zip.partial").exists()


def test_a_server_that_ignores_ranges_sends_everything_again(serving, content, home):
    with serving(content) as server:
        server.ranges, server.break_after = False, [1000]
        folder = fetch(things(server.url, sha256(content)), home, progress=False)
    assert (folder / "b.txt").read_text() == "b" * 5000


def test_a_file_that_changed_on_the_server_is_not_glued_to_the_old_half(
    serving, content, home, tmp_path
):
    newer = archive(tmp_path / "newer.zip", {"a.txt": "n" * 9000, "b.txt": "m" * 100})
    with serving(content) as server:
        server.break_after = [1000, 0, 0, 0]
        with pytest.raises(DownloadFailed):
            fetch(things(server.url), home, progress=False)
        server.content, server.etag, server.break_after = newer, '"two"', []
        folder = fetch(things(server.url, sha256(newer)), home, progress=False)
    assert (folder / "a.txt").read_text() == "n" * 9000


def test_a_partial_file_that_was_already_complete_is_used(serving, content, home):
    home.mkdir()
    (home / "things.zip.partial").write_bytes(content)
    with serving(content) as server:
        fetch(things(server.url, sha256(content)), home, progress=False)
        assert server.asked == [f"bytes={len(content)}-"]


def test_a_wrong_checksum_is_refused_before_anything_is_unpacked(serving, content, home):
    message = f"Got {sha256(content)}.* fetch things"
    with serving(content) as server, pytest.raises(ChecksumMismatch, match=message):
        fetch(things(server.url, "0" * 64), home, progress=False)
    assert not (home / "things").exists()


def test_without_a_published_checksum_the_first_download_sets_it(serving, content, home, tmp_path):
    with serving(content) as server:
        folder = fetch(things(server.url), home, progress=False)
        assert (home / "things.zip.sha256").read_text() == f"{sha256(content)}  things.zip\n"
        (folder / "a.txt").unlink()
        fetch(things(server.url), home, progress=False)  # the same file again: fine
        (folder / "a.txt").unlink()
        archive(home / "things.zip", {"a.txt": "other", "b.txt": "other"})
        with pytest.raises(ChecksumMismatch, match="as the first download had"):
            fetch(things(server.url), home, progress=False)


def test_a_damaged_archive_does_not_set_the_checksum(content, home):
    home.mkdir()
    (home / "things.zip").write_bytes(content[:4000])
    with pytest.raises(BrokenArchive, match="not a complete ZIP file"):
        fetch(things("http://127.0.0.1:9/"), home, progress=False)
    assert not (home / "things.zip.sha256").exists()


def test_offline_the_message_names_the_file_the_folder_and_the_command(serving, home):
    with serving(b"") as server:
        url = server.url  # nobody listens there any more
    with pytest.raises(DownloadFailed) as raised:
        fetch(things(url), home, progress=False)
    for part in ("things.zip", str(home), "python -m cs231n_utils.data fetch things", url):
        assert part in str(raised.value)


def test_a_file_put_there_by_hand_needs_no_network(content, home):
    home.mkdir()
    (home / "things.zip").write_bytes(content)
    assert (fetch(things("http://127.0.0.1:9/"), home, progress=False) / "a.txt").is_file()


@pytest.mark.parametrize("length", [8, 64])
def test_a_file_without_the_published_beginning_of_its_checksum_is_refused(length, serving, home):
    published = sha256(b"weights")[:length]
    with serving(b"weights") as server:
        download = Download("w", server.url, "w.bin", published, "some weights")
        assert fetch(download, home, progress=False).read_bytes() == b"weights"
    (home / "w.bin").unlink()
    with (
        serving(b"a page that asks you to log in") as server,
        pytest.raises(ChecksumMismatch, match=f"{published}, as published"),
    ):
        fetch(replace(download, url=server.url), home, progress=False)


def test_where_only_the_beginning_is_published_the_first_download_sets_the_rest(serving, home):
    with serving(b"weights") as server:
        download = Download("w", server.url, "w.bin", sha256(b"weights")[:1], "some weights")
        fetch(download, home, progress=False)
    same_beginning = next(
        b"%d" % i for i in range(1000) if sha256(b"%d" % i)[0] == sha256(b"weights")[0]
    )
    (home / "w.bin").write_bytes(same_beginning)
    with pytest.raises(ChecksumMismatch, match=r"as the first download had.*Delete w\.bin and w"):
        fetch(download, home, progress=False)


def test_a_single_file_is_checked_but_not_unpacked(serving, home):
    with serving(b"weights") as server:
        download = Download("w", server.url, "w.bin", sha256(b"weights"), "some weights")
        assert fetch(download, home, progress=False).read_bytes() == b"weights"
        (home / "w.bin").write_bytes(b"changed")
        with pytest.raises(ChecksumMismatch):
            fetch(download, home, progress=False)


@pytest.mark.parametrize("name", ["../out.txt", "/out.txt", "in/../../out.txt", "C:\\out.txt"])
def test_an_archive_that_reaches_out_of_its_folder_is_refused(name, tmp_path):
    archive(tmp_path / "bad.zip", {"a.txt": "fine", name: "bad"})
    with pytest.raises(UnsafeArchive, match="inside its own folder"):
        unpack(tmp_path / "bad.zip", tmp_path / "deep" / "folder", ["a.txt"])
    assert not list(tmp_path.rglob("out.txt"))
    assert not (tmp_path / "deep" / "folder").exists()


def test_an_archive_that_holds_a_link_is_refused(tmp_path):
    link = zipfile.ZipInfo("a.txt")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as opened:
        opened.writestr(link, "/etc/passwd")
    with pytest.raises(UnsafeArchive, match="regular files only"):
        unpack(tmp_path / "bad.zip", tmp_path / "folder", ["a.txt"])


def test_an_archive_that_lacks_a_file_is_refused(tmp_path):
    archive(tmp_path / "short.zip", {"a.txt": "fine"})
    with pytest.raises(BrokenArchive, match=r"Missing: b\.txt"):
        unpack(tmp_path / "short.zip", tmp_path / "folder", ["a.txt", "b.txt"])


def test_the_command_lists_what_can_be_fetched(home, capsys):
    assert main(["--root", str(home), "list"]) == 0
    assert re.search(r"coco +not fetched", capsys.readouterr().out)

"""A submission is copied without following anything that a student planted."""

import json
import os
import socket

import nbformat
import pytest

from autograder.arrange import take_in
from autograder.intake import IntakeLimits, read_submission

DEFAULT = IntakeLimits()


@pytest.fixture
def take(tmp_path, release):
    """Take in ada's submission; return the folder and the sentences."""

    def run(limits=DEFAULT, student="ada"):
        target = tmp_path / "taken"
        notes = take_in(
            tmp_path / "submitted", student, "tiny", target, {"tiny.ipynb": release}, limits
        )
        return target, notes

    return run


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def sources(path):
    return [cell.source for cell in nbformat.read(path, as_version=4).cells]


def test_a_submission_in_order_is_taken_whole_and_without_a_word(hand_in, take, filled):
    folder = hand_in(filled, helper_py=b"x = 1\n")
    (folder / "data").mkdir()
    (folder / "data" / "points.csv").write_bytes(b"1,2\n")
    target, notes = take()
    assert names(target) == ["data", "data/points.csv", "helper.py", "tiny.ipynb"]
    assert sources(target / "tiny.ipynb") == [cell.source for cell in filled.cells]
    assert notes == []


def test_a_link_is_refused_also_to_a_file_of_the_student(hand_in, take, filled, tmp_path):
    folder = hand_in(filled)
    secret = tmp_path / "gradebook.db"
    secret.write_text("marks")
    (folder / "stolen.txt").symlink_to(secret)
    (folder / "mine.txt").symlink_to(folder / "tiny.ipynb")
    (folder / "everything").symlink_to(tmp_path)
    target, notes = take()
    assert names(target) == ["tiny.ipynb"]
    assert len(notes) == 1
    assert notes[0].startswith("Left out: everything, mine.txt and stolen.txt. Only plain files")


def test_a_notebook_that_is_a_link_to_a_neighbours_work_earns_nothing(
    hand_in, take, filled, release
):
    neighbour = hand_in(filled, student="victim")
    folder = hand_in()
    (folder / "tiny.ipynb").symlink_to(neighbour / "tiny.ipynb")
    target, notes = take()
    assert sources(target / "tiny.ipynb") == [cell.source for cell in release.cells]
    assert any("tiny.ipynb was not handed in" in note for note in notes)


def test_a_hard_link_is_refused(hand_in, take, filled, tmp_path):
    folder = hand_in(filled)
    secret = tmp_path / "gradebook.db"
    secret.write_text("marks")
    os.link(secret, folder / "notes.txt")
    target, notes = take()
    assert names(target) == ["tiny.ipynb"]
    assert notes == ["Left out: notes.txt. The file has a second name elsewhere (a hard link)."]


def test_pipes_sockets_and_devices_are_refused_without_being_opened(hand_in, take, filled):
    folder = hand_in(filled)
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(folder)  # a socket's path is short
        server.bind("socket")
        os.chdir(here)
        target, notes = take()
    assert names(target) == ["tiny.ipynb"]
    assert notes == [
        "Left out: pipe and socket. Only plain files are taken, no links and no special files."
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes device files")
def test_a_device_file_is_refused(hand_in, take, filled):
    folder = hand_in(filled)
    try:
        os.mknod(folder / "zero", 0o600 | 0o020000, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("no device files here")
    target, _ = take()
    assert names(target) == ["tiny.ipynb"]


@pytest.mark.parametrize("planted", ["student", "assignment"])
def test_a_students_folder_that_is_a_link_is_not_entered(
    planted, hand_in, take, filled, tmp_path, release
):
    victim = hand_in(filled, student="victim")
    mallory = tmp_path / "submitted" / "mallory"
    if planted == "student":
        mallory.symlink_to(victim.parent)
    else:
        mallory.mkdir()
        (mallory / "tiny").symlink_to(victim)
    target, notes = take(student="mallory")
    assert sources(target / "tiny.ipynb") == [cell.source for cell in release.cells]
    assert "must be a plain folder, and this is a link" in notes[0]


def test_folders_within_folders_are_followed_so_far_and_no_further(hand_in, take, filled):
    folder = hand_in(filled)
    deep = folder
    for _ in range(12):
        deep = deep / "d"
        deep.mkdir()
        (deep / "file.txt").write_text("x")
    target, notes = take(IntakeLimits(depth=3))
    assert len(list(target.rglob("file.txt"))) == 3
    assert notes == ["Left out: d. Too many folders within folders."]


def test_too_many_files_do_not_cost_the_notebook(hand_in, take, filled):
    folder = hand_in(filled)
    for number in range(30):
        (folder / f"a{number:02}.txt").write_text("x")
    target, notes = take(IntakeLimits(files=5))
    assert len(names(target)) == 5
    assert "tiny.ipynb" in names(target)
    assert "and 22 more. More than 5 files were handed in." in notes[0]


def test_a_folder_of_countless_names_is_left_after_a_bounded_number(hand_in, take, filled):
    folder = hand_in(filled)
    for number in range(50):
        (folder / f"a{number}.txt").write_text("x")
    target, notes = take(IntakeLimits(entries=20))
    assert len(names(target)) <= 21
    assert any("too many files" in note for note in notes)


def test_a_large_file_and_a_large_whole_are_left_out(hand_in, take, filled):
    folder = hand_in(filled)
    (folder / "large.bin").write_bytes(bytes(3 << 20))
    for number in range(3):
        (folder / f"m{number}.bin").write_bytes(bytes(1 << 20))
    limits = IntakeLimits(file_bytes=2 << 20, total_bytes=(2 << 20) + 100_000)
    target, notes = take(limits)
    assert names(target) == ["m0.bin", "m1.bin", "tiny.ipynb"]
    assert notes == [
        "Left out: large.bin. Larger than 2 MB.",
        "Left out: m2.bin. More than 2 MB were handed in.",
    ]


def test_strange_names_are_refused_and_shown_without_markup(hand_in, take, filled):
    folder = hand_in(filled)
    (folder / ("a" * 200)).write_text("x")
    (folder / "new\nline").write_text("x")
    (folder / "\udcff\udcfe").write_text("x")
    os.symlink("/etc/passwd", folder / "<script>alert(1)<script>")
    target, notes = take()
    assert names(target) == ["tiny.ipynb"]
    said = " ".join(notes)
    assert "<" not in said
    assert "\n" not in said
    assert "new?line" in said


def test_what_editors_leave_behind_is_left_out_without_a_word(hand_in, take, filled):
    folder = hand_in(filled)
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "tiny-checkpoint.ipynb").write_text("{}")
    (folder / "__pycache__").mkdir()
    target, notes = take()
    assert names(target) == ["tiny.ipynb"]
    assert notes == []


def test_the_only_other_notebook_is_used_and_that_is_said(hand_in, take, filled):
    hand_in(filled, name="tiny (1).ipynb")
    target, notes = take()
    assert names(target) == ["tiny.ipynb"]
    assert "2 * x" in sources(target / "tiny.ipynb")[2]
    assert notes == ["tiny.ipynb was not handed in; tiny (1).ipynb was marked in its place."]


def test_a_notebook_in_a_zipped_course_folder_is_found(hand_in, take, filled):
    folder = hand_in()
    (folder / "course").mkdir()
    nbformat.write(filled, folder / "course" / "tiny.ipynb")
    target, _ = take()
    assert "2 * x" in sources(target / "tiny.ipynb")[2]


def test_a_notebook_beside_the_expected_place_comes_before_one_in_a_folder(hand_in, take, filled):
    folder = hand_in(filled, name="mine.ipynb")
    (folder / "old").mkdir()
    (folder / "old" / "other.ipynb").write_text("{}")
    _, notes = take()
    assert "tiny.ipynb was not handed in; mine.ipynb was marked in its place." in notes


def test_of_two_other_notebooks_none_is_guessed(hand_in, take, filled, release):
    hand_in(filled, name="a.ipynb")
    hand_in(filled, name="b.ipynb")
    target, notes = take()
    assert names(target) == ["tiny.ipynb"]
    assert sources(target / "tiny.ipynb") == [cell.source for cell in release.cells]
    assert "it is not clear which of a.ipynb and b.ipynb stands for it" in notes[0]


def test_a_second_notebook_is_left_aside_and_that_is_said(hand_in, take, filled):
    hand_in(filled)
    hand_in(filled, name="scratch.ipynb")
    target, notes = take()
    assert names(target) == ["tiny.ipynb"]
    assert notes == ["scratch.ipynb was not marked, only tiny.ipynb."]


def deep_json(depth=200_000):
    return b'{"nbformat": 4, "cells": ' + b"[" * depth + b"]" * depth + b"}"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"nbformat": 4, "cells": [', "is not valid JSON"),
        (b"\xff\xfe\x00not text", "is not text in UTF-8"),
        (b"", "is not valid JSON"),
        (b"[1, 2, 3]", "is not a Jupyter notebook"),
        (b'{"nbformat": "four"}', "is not a Jupyter notebook"),
        (b'{"nbformat": 4, "cells": {"a": 1}}', "is not a notebook of format 4"),
        (b'{"nbformat": 99, "cells": []}', "is not a notebook of format 4"),
        (b'{"nbformat": 3, "worksheets": 7}', "of format 3 that cannot be read"),
        (b'{"nbformat": 4, "x": ' + b"9" * 5000 + b"}", "is not valid JSON"),
        (deep_json(), "is nested deeper than any notebook"),
        (b'{"nbformat": 4, "cells": [' + b"{}," * 3000 + b"{}]}", "has more than 2000 cells"),
    ],
)
def test_what_cannot_be_read_counts_as_not_filled_in(content, why, hand_in, take, release):
    hand_in(tiny_ipynb=content)
    target, notes = take()
    assert sources(target / "tiny.ipynb") == [cell.source for cell in release.cells]
    assert len(notes) == 1
    assert why in notes[0]
    assert notes[0].endswith("so it counts as not filled in.")


def test_a_notebook_beyond_the_limit_is_not_even_parsed(hand_in, take, filled, release):
    hand_in(filled)
    target, notes = take(IntakeLimits(notebook_bytes=100))
    assert sources(target / "tiny.ipynb") == [cell.source for cell in release.cells]
    assert notes[0].startswith("Left out: tiny.ipynb. Larger than")


def test_a_notebook_that_is_a_folder_counts_as_not_filled_in(hand_in, take, release):
    (hand_in() / "tiny.ipynb").mkdir()
    target, notes = take()
    assert sources(target / "tiny.ipynb") == [cell.source for cell in release.cells]
    assert notes[0] == "Left out: tiny.ipynb. A notebook is a file and not a folder."


def test_an_empty_folder_becomes_the_unfilled_notebook(hand_in, take):
    hand_in()
    target, notes = take()
    assert names(target) == ["tiny.ipynb"]
    assert notes == ["tiny.ipynb was not handed in, so it counts as not filled in."]


def test_only_text_and_names_survive_from_a_notebook(hand_in, take, filled, cell_of):
    square = cell_of(filled, "square-hidden")
    square.metadata["tags"] = ["skip-execution"]
    square.metadata["nbgrader"] |= {"points": 1000, "schema_version": 99, "grade": "yes"}
    square.outputs = [nbformat.v4.new_output("execute_result", data={"text/plain": "3.0"})]
    filled.metadata["kernelspec"] = {"name": "evil", "display_name": "evil"}
    hand_in(filled)
    target, _ = take()
    taken = nbformat.read(target / "tiny.ipynb", as_version=4)
    cell = next(cell for cell in taken.cells if cell.id == "square-hidden")
    assert cell.metadata == {"nbgrader": {"grade_id": "square-hidden"}}
    assert cell.outputs == []
    assert taken.metadata == {}


def test_cells_of_wrong_types_are_dropped_and_the_rest_is_read(hand_in, take):
    cells = [
        7,
        {"cell_type": "code"},
        {"cell_type": "widget", "source": "x"},
        {"cell_type": "code", "source": ["a = 1\n", "b = 2"], "metadata": 3, "id": ["x"]},
        {"cell_type": "markdown", "source": "\ud800", "attachments": {"a.png": {"image/svg": "x"}}},
    ]
    hand_in(tiny_ipynb=json.dumps({"nbformat": 4, "cells": cells}).encode())
    target, _ = take()
    assert sources(target / "tiny.ipynb") == ["a = 1\nb = 2", "?"]


def test_only_pictures_that_cannot_run_are_kept_from_a_text(hand_in, take):
    picture = {"image/png": "aGVsbG8=", "image/svg+xml": "aGVsbG8=", "text/html": "aGVsbG8="}
    text = {"cell_type": "markdown", "source": "look", "attachments": {"a": picture}}
    hand_in(tiny_ipynb=json.dumps({"nbformat": 4, "cells": [text]}).encode())
    target, _ = take()
    (cell,) = nbformat.read(target / "tiny.ipynb", as_version=4).cells
    assert cell.attachments == {"a": {"image/png": "aGVsbG8="}}


def test_a_timestamp_that_is_no_date_is_dropped(hand_in, take, filled):
    hand_in(filled, timestamp_txt=b"yesterday or so")
    target, notes = take()
    assert names(target) == ["tiny.ipynb"]
    assert notes == ["timestamp.txt does not hold a date, so the time of handing in is not known."]


def test_a_timestamp_of_nbgrader_is_kept(hand_in, take, filled):
    hand_in(filled, timestamp_txt=b"2026-11-22 23:59:00.000000 UTC")
    target, notes = take()
    assert names(target) == ["timestamp.txt", "tiny.ipynb"]
    assert notes == []


def test_a_file_that_grows_while_it_is_read_does_not_fill_the_memory(
    hand_in, tmp_path, monkeypatch
):
    folder = hand_in()
    (folder / "log.txt").write_text("x" * 1000)
    read = os.read

    def growing(descriptor, size):
        with (folder / "log.txt").open("a") as file:
            file.write("y" * 1000)
        return read(descriptor, size)

    monkeypatch.setattr(os, "read", growing)
    taken = read_submission(tmp_path / "submitted", "ada", "tiny")
    assert len(taken.files["log.txt"]) == 1000

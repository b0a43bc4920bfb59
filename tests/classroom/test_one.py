"""One submission without a gradebook: the same marks as in a class, and results in every case."""

import json
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from contextlib import nullcontext
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from autograder import classroom, cli, gradescope, one
from autograder.bench import close_bench
from autograder.course import find_assignment
from autograder.report.results import results
from autograder.sandbox import NoSandbox
from autograder.sandbox.backends import choose_backend
from autograder.workers import Inline
from autograder.writer import Writer

REPOSITORY = Path(__file__).resolve().parents[2]
SLUG, NOTEBOOK = "a1_rnn_captioning", "rnn_captioning.ipynb"
SEED = 2311


def test_what_a_release_says_of_its_cells_is_what_the_gradebook_says(course):
    tiny = classroom.find_assignment("tiny")
    with Writer(classroom.course_directory(course)) as writer:
        told = classroom.make_lesson(tiny, writer, SEED)
    assert len(told.material.cells) == 6
    assert one.lesson_of(tiny, SEED) == told  # its digest, too


@pytest.fixture(scope="module")
def wall():
    try:
        return choose_backend("bwrap").name
    except NoSandbox as error:
        pytest.skip(f"no sandbox on this machine: {error}")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A course of one real assignment, with a secret in its settings."""
    root = tmp_path_factory.mktemp("course")
    shutil.copy(REPOSITORY / "pyproject.toml", root)
    config = (REPOSITORY / "nbgrader_config.py").read_text()
    config += 'c.Exchange.course_id = "a password, say"\nc.JudgeCells.call_seconds = 4.0\n'
    (root / "nbgrader_config.py").write_text(config)
    shutil.copytree(REPOSITORY / "solutions" / SLUG, root / "solutions" / SLUG)
    classroom.make_release(root, SLUG)
    return root


def handed_in(home):
    """Submissions by name: the files of each."""
    right = nbformat.read(home / "solutions" / SLUG / NOTEBOOK, as_version=4)
    wrong = nbformat.from_dict(right)
    for cell in wrong.cells:
        if cell.id == "rnn_step_forward":
            cell.source = cell.source.replace("np.tanh(", "np.sin(")
            assert "np.sin(" in cell.source
        if cell.id == "word_embedding_forward":
            cell.source = "raise ValueError('<script>alert(1)</script>')"
    return {
        "right": {NOTEBOOK: nbformat.writes(right).encode()},
        "wrong": {NOTEBOOK: nbformat.writes(wrong).encode()},
        "named": {"my answers (2).ipynb": nbformat.writes(right).encode()},
        "broken": {NOTEBOOK: b'{"cells": ['},
        "missing": {"readme.txt": b"I had no time."},
    }


@pytest.fixture(scope="module")
def graded(wall, home):
    """The submissions as a class: each row."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classroom, "open_workers", lambda jobs, total: nullcontext(Inline()))
        patch.chdir(home)
        for student, files in handed_in(home).items():
            folder = home / "submitted" / student / SLUG
            folder.mkdir(parents=True)
            for name, content in files.items():
                (folder / name).write_bytes(content)
        options = classroom.Options(backend=wall, seed=SEED)
        rows = {row.student: row for row in classroom.grade_class(options=options, root=home)}
        yield rows
        close_bench()


@pytest.fixture(scope="module")
def archive(home, tmp_path_factory):
    """The archive for Gradescope, unpacked as Gradescope does it; the class's seed is in it."""
    (home / ".class-seeds.json").write_text(json.dumps({SLUG: SEED}))
    path = tmp_path_factory.mktemp("archive") / "autograder.zip"
    gradescope.write_archive(find_assignment(SLUG, home), path, index="https://x.org/'a b'")
    folder = tmp_path_factory.mktemp("autograder")
    with zipfile.ZipFile(path) as opened:
        opened.extractall(folder / "source")
        for entry in opened.infolist():
            (folder / "source" / entry.filename).chmod(entry.external_attr >> 16 & 0o777)
    shutil.copy(folder / "source" / "run_autograder", folder)
    (folder / "results").mkdir()
    shutil.move(path, folder)
    return folder


def told_of(row):
    """What the class's row says, as `results` says it."""
    by_hand = [name for name, earned in row.points.items() if earned is None]
    marked = {name: earned for name, earned in row.points.items() if earned is not None}
    return marked, by_hand, row.notes


def read(path):
    """Read results as Gradescope would: every field of the form that it documents."""
    told = json.loads(path.read_text())
    assert told["stdout_visibility"] == "hidden"
    for test in told["tests"]:
        assert set(test) == set(
            "name number score max_score status visibility output output_format".split()
        )
        assert 0 <= test["score"] <= test["max_score"]
        assert test["status"] == ("passed" if test["score"] == test["max_score"] else "failed")
    assert told["score"] == pytest.approx(sum(test["score"] for test in told["tests"]))
    return told


@pytest.mark.parametrize("student", ["right", "wrong", "named", "broken", "missing"])
def test_the_marks_are_those_of_the_class(student, graded, home, archive, tmp_path):
    out, page = tmp_path / "out" / "results.json", tmp_path / "page.html"
    place = home / "submitted" / student / SLUG
    lesson = archive / "source" / "lesson.json"
    command = ["grade-one", place, "--lesson", lesson, "--results", out, "--feedback", page]
    done = CliRunner().invoke(cli.app, [*map(str, command), "--sandbox", "bwrap"])
    assert done.exit_code == 0, done.output
    told, (marked, by_hand, notes) = read(out), told_of(graded[student])
    assert {test["number"]: test["score"] for test in told["tests"]} == marked
    assert list(marked) == [n for n in graded[student].points if n not in by_hand]
    assert (told["extra_data"]["by_hand"], told["extra_data"]["notes"]) == (by_hand, notes)
    assert told["score"] == {"right": 36, "named": 36, "broken": 0, "missing": 0}.get(
        student, graded[student].total
    )
    shown = told["output"] + "".join(test["output"] for test in told["tests"])
    assert "<script" not in shown
    assert ("&lt;script&gt;" in shown) == (student == "wrong")
    ours = (home / "feedback" / student / SLUG / "rnn_captioning.html").read_text()
    assert (
        page.read_text().split("<main>")[1].split("<!-- marks")[0]
        == (ours.split("<main>")[1].split("<!-- marks")[0])
    )


def test_a_known_mistake_and_a_students_words_stand_in_the_results_as_text(graded):
    row = graded["wrong"]
    told = {
        "total": 1, "points": {n: p for n, p in row.points.items() if p is not None},
        "max_points": row.max_points, "notes": row.notes, "by_hand": [], "sandbox": "none",
    }  # fmt: skip
    data = results(told, row.judged, {})
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in data["output"]
    assert "could read the tests" in data["extra_data"]["wall"]
    assert (
        "✗ wrong" in next(t for t in data["tests"] if t["number"] == "rnn_step_forward")["output"]
    )


def run_autograder(folder, **environment):
    return subprocess.run(
        ["./run_autograder"],
        cwd=folder,
        env={
            **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            "AUTOGRADER_HOME": str(folder),
            "AUTOGRADER_PYTHON": sys.executable,
            "OMP_NUM_THREADS": "1",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_gradescopes_script_grades_a_submission_with_what_is_in_the_archive(archive, graded, home):
    shutil.rmtree(archive / "submission", ignore_errors=True)
    shutil.copytree(home / "submitted" / "right" / SLUG, archive / "submission")
    # The project is installed here, so that its own code must not come first.
    done = run_autograder(archive, CS231N_SANDBOX="bwrap")
    assert done.returncode == 0, done.stderr
    told = read(archive / "results" / "results.json")
    assert {test["number"]: test["score"] for test in told["tests"]} == told_of(graded["right"])[0]
    assert told["extra_data"]["sandbox"] == "bwrap"
    for secret in (archive / "source", archive / "results"):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"CS231N_SANDBOX": "jail"}, "a sandbox's name must be"),
        ({"AUTOGRADER_PYTHON": "/bin/false"}, "the grader itself ended (exit code 1)"),
        ({"AUTOGRADER_PYTHON": "/no/python"}, "the grader itself ended (exit code 127)"),
    ],
)
def test_results_are_there_even_where_nothing_can_be_graded(environment, why, archive):
    (archive / "results" / "results.json").unlink(missing_ok=True)
    run_autograder(archive, **environment)
    told = read(archive / "results" / "results.json")
    assert (told["score"], told["tests"]) == (0, [])
    assert why in told["output"]
    assert "tell your teacher" in told["output"]


def test_the_archive_has_gradescopes_files_and_nothing_of_the_class(archive, home):
    # As it was packed: the tests before this one have run what is in it.
    names = set(zipfile.ZipFile(archive / "autograder.zip").namelist())
    for script in ("setup.sh", "run_autograder"):
        path = archive / "source" / script
        assert os.access(path, os.X_OK)
        assert path.read_text().startswith("#!/usr/bin/env bash\n")
        subprocess.run(["bash", "-n", path], check=True)
    assert (
        "PIP_EXTRA_INDEX_URL='https://x.org/'\"'\"'a b'\"'\"''"
        in (archive / "source" / "setup.sh").read_text()
    )
    assert {"lesson.json", "requirements.txt", "cs231n_utils/__init__.py"} < names
    assert {"autograder/judge.py", "autograder/exercises/_captioning.py"} < names
    assert f"autograder/exercises/{SLUG}/rnn_forward.py" in names
    assert not [n for n in names if "exercises/a2" in n or "gradebook.db" in n or "submitted" in n]
    assert not [n for n in names if "__pycache__" in n or n.endswith("nbgrader_config.py")]
    lesson = (archive / "source" / "lesson.json").read_text()
    assert "password" not in lesson
    material = one.lesson_from_json(lesson).material
    assert material.settings["JudgeCells"]["call_seconds"] == 4.0
    assert "numpy==" in (archive / "source" / "requirements.txt").read_text()


def invoke(*arguments):
    return CliRunner().invoke(cli.app, ["grade-one", *map(str, arguments)])


def test_the_exit_status_tells_whether_it_is_enough(wall, graded, home, tmp_path, monkeypatch):
    monkeypatch.chdir(home)
    place = home / "submitted" / "wrong" / SLUG
    options = ["--assignment", SLUG, "--results", tmp_path / "r.json", "--sandbox", wall]
    earned = graded["wrong"].total
    assert 0 < earned < 36
    share = 100 * earned / 36
    assert invoke(place, *options, "--pass-at", share - 1).exit_code == 0
    assert invoke(place, *options, "--pass-at", share + 1).exit_code == 1


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--assignment", "a9"], "there is no assignment a9"),
        ([], "either --assignment or --lesson"),
        (["--assignment", SLUG, "--lesson", "x"], "either --assignment or --lesson"),
        (["--lesson", "nothing.json"], "FileNotFoundError"),
        (["--lesson", "bad.json"], "a lesson must be a file"),
    ],
)
def test_a_call_that_cannot_be_meant_is_told_in_the_results(
    options, why, home, tmp_path, monkeypatch
):
    monkeypatch.chdir(home)
    (home / "bad.json").write_text('{"material": 1}')
    done = invoke(tmp_path, *options, "--results", tmp_path / "r.json")
    assert done.exit_code == 2
    assert why in json.loads((tmp_path / "r.json").read_text())["extra_data"]["error"]


def test_a_submission_is_found_where_a_student_may_have_put_it(tmp_path):
    for inner in ("assignments/tiny", "tiny", "."):
        (tmp_path / inner).mkdir(parents=True, exist_ok=True)
        (tmp_path / inner / "tiny.ipynb").write_text(inner)
    read = lambda place: one.read_one(place, "tiny").files["tiny.ipynb"].decode()  # noqa: E731
    assert read(tmp_path) == "assignments/tiny"
    shutil.rmtree(tmp_path / "assignments")
    assert read(tmp_path) == "tiny"
    assert read(tmp_path / "tiny.ipynb") == "."
    assert list(one.read_one(tmp_path / "tiny.ipynb", "tiny").files) == ["tiny.ipynb"]


def test_no_link_is_followed_wherever_it_lies(tmp_path):
    secret, place = tmp_path / "secret", tmp_path / "student" / "repository"
    secret.mkdir()
    (secret / "tiny.ipynb").write_text("a solution")
    place.mkdir(parents=True)
    (place / "tiny").symlink_to(secret)
    (place / "tiny.ipynb").symlink_to(secret / "tiny.ipynb")
    taken = one.read_one(place, "tiny")
    assert taken.files == {}
    assert "Only plain files are taken" in " ".join(taken.notes)
    assert one.read_one(place / "tiny.ipynb", "tiny").files == {}
    assert one.read_one(tmp_path / "nothing", "tiny").files == {}

"""One class, graded once: ten honest students among twenty who try something."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sqlite3
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from autograder import classroom
from autograder.sandbox import NoSandbox
from autograder.sandbox.backends import choose_backend

from . import small_course as tiny
from .hostile import HOSTILE, hand_in_honest
from .memory import Watch
from .processes import command_lines

os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_modifyitems(items):
    """Whichever test comes first waits for the class: a minute, or many where much else runs."""
    here = str(Path(__file__).parent)
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.timeout(3000))


def fingerprint(*folders: Path) -> dict[str, str]:
    """Return what lies in folders: each path with what it holds, without what grading writes."""
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            name = str(path)
            if re.search(r"/(autograded|feedback|reports)(/|$)|gradebook\.db|/\.cache/", name):
                continue
            if path.is_symlink():
                found[name] = os.readlink(path)
            elif path.is_file():
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
            else:
                found[name] = "folder or pipe"
    return found


def other_rows(root: Path) -> list:
    """Return the gradebook's rows about another assignment and its student."""
    with sqlite3.connect(root / "gradebook.db") as db:
        names = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        tables = [name for (name,) in names.fetchall()]
        rows = [(name, row) for name in tables for row in db.execute(f"SELECT * FROM {name}")]
    known, before = {"other", "other_notebook", "other_cell", "other_student"}, 0
    while len(known) > before:  # rows refer to each other by their ids, which come first
        before = len(known)
        known |= {str(row[0]) for _, row in rows if known & set(map(str, row))}
    return sorted(str(each) for each in rows if known & set(map(str, each[1])))


@pytest.fixture(scope="session")
def wall():
    try:
        return choose_backend("bwrap")
    except NoSandbox as error:
        pytest.skip(f"no sandbox on this machine: {error}")


@pytest.fixture(scope="session")
def released(tmp_path_factory):
    """The small course, released, with the marks of another assignment in its gradebook."""
    from nbgrader.api import Gradebook

    root = tmp_path_factory.mktemp("released") / "course"
    tiny.make_course(root)
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        gradebook.add_assignment("other")
        gradebook.add_notebook("other_notebook", "other")
        gradebook.add_grade_cell(
            "other_cell", "other_notebook", "other", max_score=9, cell_type="code"
        )
        gradebook.add_student("other_student")
        gradebook.add_submission("other", "other_student")
        grade = gradebook.find_grade("other_cell", "other_notebook", "other", "other_student")
        grade.manual_score = 8.0
        gradebook.db.commit()
    return root


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """A home folder with things that should stay as they are, and unseen."""
    folder = tmp_path_factory.mktemp("home")
    for name in (
        ".ssh/id_rsa",
        ".ipython/profile_default/startup/README",
        ".local/share/jupyter/x",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("secret")
    with pytest.MonkeyPatch.context() as patch:
        fonts = os.environ.get("MPLCONFIGDIR") or Path.home() / ".cache" / "matplotlib"
        patch.setenv("MPLCONFIGDIR", str(fonts))
        patch.setenv("HOME", str(folder))
        yield folder


def graded(root: Path, assignment) -> dict:
    with tiny.at_home(root, assignment):
        rows = classroom.grade_class(options=classroom.Options(seed=tiny.SEED), root=root)
    return {row.student: row for row in rows}


@pytest.fixture(scope="session")
def the_class(wall, released, home, tmp_path_factory):
    """The class of thirty, graded, and what was seen before and after."""
    root = tmp_path_factory.mktemp("class") / "course"
    assignment = tiny.copy_course(released, root)
    hand_in_honest(root)
    for write in HOSTILE.values():
        write(root)
    # For removals.py, which asks one question at a time: only these students.
    if only := os.environ.get("CS231N_STUDENTS", "").split():
        for folder in (root / "submitted").iterdir():
            if folder.name not in only:
                shutil.rmtree(folder)
    before, rows_before = fingerprint(root, home), other_rows(root)
    began = time.monotonic()
    running = command_lines(os.getpid())
    with Watch() as memory:
        rows = graded(root, assignment)
    started = {pid: line for pid, line in command_lines(os.getpid()).items() if pid not in running}
    return SimpleNamespace(
        root=root,
        rows=rows,
        seconds=time.monotonic() - began,
        before=before,
        after=fingerprint(root, home),
        rows_before=rows_before,
        rows_after=other_rows(root),
        resident=memory.peak,
        left=[line for line in started.values() if "sandbox_inside" in line],
    )


@pytest.fixture(scope="session")
def honest_alone(wall, released, home, tmp_path_factory):
    """The ten honest students, graded without the others."""
    root = tmp_path_factory.mktemp("alone") / "course"
    assignment = tiny.copy_course(released, root)
    hand_in_honest(root)
    return graded(root, assignment)


@pytest.fixture
def points(the_class):
    """What a student earned, by exercise."""
    return lambda student: the_class.rows[student].points


@pytest.fixture
def notes(the_class):
    """What the report says of a student."""
    return lambda student: " ".join(the_class.rows[student].notes)


@pytest.fixture
def printed(the_class):
    """All that a student's cells showed, as text."""

    def read(student):
        path = the_class.root / "autograded" / student / tiny.SLUG / tiny.NOTEBOOK
        cells = nbformat.read(path, as_version=4).cells
        return "\n".join(str(o.get("text", o)) for c in cells for o in c.get("outputs", []))

    return read


@pytest.fixture
def managed(printed):
    """What an attempt managed, by the number of its line."""

    def read(student, line):
        found = re.findall(rf"^LINE {line}: (.*)$", printed(student), re.MULTILINE)
        assert found, f"{student} did not come to line {line}: {printed(student)[-2000:]}"
        return [one for text in found for one in json.loads(text)]

    return read


@pytest.fixture
def page(the_class):
    """A student's page of feedback."""
    folder = the_class.root / "feedback"
    return lambda student: (folder / student / tiny.SLUG / "tiny.html").read_text()

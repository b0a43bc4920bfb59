"""The gradebook in sqlite and in PostgreSQL: the same rows, and nobody waits in vain for a lock."""

import glob
import os
import pwd
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import both_ways
import nbformat
import pytest
from nbgrader.api import Gradebook
from sqlalchemy import create_engine, text

from autograder import classroom

SUBMISSIONS = int(os.environ.get("SUBMISSIONS", "40"))
"""For the full measurement: SUBMISSIONS=200 python -m pytest tests/classroom/test_databases.py"""


def server_program(name):
    """Return one of PostgreSQL's programs, or skip where they are not installed."""
    places = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)
    found = shutil.which(name) or next(iter(places), None)
    if found is None:
        pytest.skip(
            f"no {name} here: PostgreSQL's server is not installed (apt install postgresql)"
        )
    return found


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory):
    """A PostgreSQL server of our own, on a socket in a folder; return its URL."""
    pytest.importorskip("psycopg", reason="psycopg, PostgreSQL's driver, is not installed")
    folder = Path("/tmp") / f"cs231n-pg-{os.getpid()}"  # a socket's path must be short
    folder.mkdir(mode=0o700)
    user = {}
    if os.geteuid() == 0:
        user = {"user": "nobody"}  # the server refuses to run as root
        os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
    data, control = folder / "data", server_program("pg_ctl")

    def run(*command):
        done = subprocess.run(
            command, cwd="/", stdout=log, stderr=subprocess.STDOUT, timeout=120, **user
        )
        assert done.returncode == 0, (folder / "log").read_text()

    try:
        with (folder / "log").open("wb") as log:
            run(server_program("initdb"), "-D", data, "-U", "teacher", "-A", "trust", "-N")
            settings = f"-k {folder} -c listen_addresses= -c fsync=off"
            run(
                control,
                "-D",
                data,
                "-o",
                settings,
                "-l",
                folder / "data" / "server.log",
                "-w",
                "start",
            )
            yield f"postgresql+psycopg://teacher@/postgres?host={folder}"
            run(control, "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)


class FourWorkers(ThreadPoolExecutor):
    """Four at a time, in this process, where the stand-in judge is."""

    jobs = 4


@pytest.fixture
def large_class(course, hand_in, filled, release, monkeypatch):
    """Many submissions of four kinds, and four workers."""
    wrong = nbformat.from_dict(filled)
    for cell in wrong.cells:
        if cell.id == "square":
            cell.source = "def square(x):\n    return x  # wrong"
    kinds = (filled, release, wrong, None)
    for number in range(SUBMISSIONS):
        hand_in(kinds[number % 4], f"s{number:03}")
    monkeypatch.setattr(classroom, "open_workers", lambda jobs, total: nullcontext(FourWorkers(4)))
    return course


MEDDLER = """
import sys
from nbgrader.api import Gradebook
while True:
    with Gradebook(sys.argv[1]) as gradebook:
        for submission in gradebook.assignment_submissions("tiny"):
            for comment in submission.notebooks[0].comments:
                if comment.name == "why":
                    comment.manual_comment = "seen"
                    gradebook.db.commit()
                    print(submission.student.id, flush=True)
"""
"""Another program that reads and writes the gradebook all the time, by nbgrader's own means."""


def test_four_workers_and_another_writer_do_not_lock_each_other_out(large_class):
    url = f"sqlite:///{large_class}/gradebook.db"
    command = [sys.executable, "-c", MEDDLER, url]
    rows = classroom.grade_class(root=large_class)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as meddler:
        written = [meddler.stdout.readline()]
        reader = threading.Thread(target=lambda: written.extend(meddler.stdout))
        reader.start()
        again = classroom.grade_class(root=large_class, options=classroom.Options(force=True))
        meddler.kill()
        reader.join()
        assert meddler.stderr.read() == b""
    assert len(written) > 1
    assert [row.error for row in rows + again] == [None] * 2 * SUBMISSIONS
    assert [row.total for row in again] == [5, 0, 2, 0] * (SUBMISSIONS // 4)
    with create_engine(url).connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"


def test_postgresql_and_sqlite_end_with_the_same_rows(large_class, postgresql, tmp_path_factory):
    other = both_ways.copy_of(large_class, tmp_path_factory.mktemp("postgresql") / "course")
    # Unlike sqlite, PostgreSQL insists on a course that an assignment belongs to.
    database = (
        f'c.CourseDirectory.db_url = "{postgresql}"\nc.CourseDirectory.course_id = "cs231n"\n'
    )
    config = other / "nbgrader_config.py"
    config.write_text(config.read_text() + database)
    (other / "gradebook.db").unlink()
    classroom.make_release(other, "tiny")
    for root in (large_class, other):
        rows = classroom.grade_class(root=root)
        assert [row.error for row in rows] == [None] * SUBMISSIONS
        assert all(row.unchanged for row in classroom.grade_class(root=root))
    assert not (other / "gradebook.db").exists()
    with Gradebook(postgresql) as gradebook:
        assert gradebook.find_submission("tiny", "s002").score == 2
    expected = both_ways.gradebook_rows(f"sqlite:///{large_class}/gradebook.db")
    got = both_ways.gradebook_rows(postgresql)
    for named in (expected, got):
        del named["course"], named["assignment"]
    assert got == expected
    assert len(expected["grade"]) == 3 * SUBMISSIONS

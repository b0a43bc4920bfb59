"""The command on the real assignment, with real workers: killed in mid-run, and on a cluster."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import both_ways
import nbformat
import pytest

from autograder import classroom, demo
from autograder.course import find_assignment

REPOSITORY = Path(__file__).resolve().parents[2]
STUDENTS = int(os.environ.get("STUDENTS", "4"))
"""For the full measurement: STUDENTS=200 python -m pytest tests/classroom/test_real_runs.py"""
MISTAKE = {"rnn_step_forward": "the bias is left out"}


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory):
    """A released a1 and a class that handed in: right, unfilled and wrong in turn."""
    root = tmp_path_factory.mktemp("a1")
    shutil.copy(REPOSITORY / "nbgrader_config.py", root)
    shutil.copytree(REPOSITORY / "solutions" / demo.SLUG, root / "solutions" / demo.SLUG)
    classroom.make_release(root, demo.SLUG)
    assignment = find_assignment(demo.SLUG, root)
    for number in range(STUDENTS):
        notebook = demo.hand_out(assignment, filled=number % 3 != 1)
        if number % 3 == 2:
            demo.make_mistakes(**MISTAKE)(notebook, assignment)
        folder = root / "submitted" / f"s{number:03}" / demo.SLUG
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / assignment.release_path.name)
    (root / ".class-seeds.json").write_text(json.dumps({demo.SLUG: 231}))
    return root


def begin(root, *more):
    command = [sys.executable, "-m", "autograder", "grade", demo.SLUG, "--json", *more]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command,
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def rest(run):
    """Wait for a run's end; return what else it printed.

    Not with `communicate`, which loses the lines that came along when one was read.
    """
    with run.stdout as out, run.stderr as err:
        printed = out.read(), err.read()
    run.wait()
    return printed


def finish(run):
    """Wait for a run's end; return its last lines as objects."""
    out, err = rest(run)
    assert run.returncode == 0, err
    return [json.loads(line) for line in out.splitlines()]


def descendants(parent):
    """Return the processes below one, with their command lines."""
    children = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                above = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                told = (entry / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
            children.setdefault(int(above), []).append((int(entry.name), told))
    found, queue = {}, [parent]
    while queue:
        for pid, told in children.get(queue.pop(), []):
            found[pid] = told
            queue.append(pid)
    return found


def gone(pids):
    end = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < end, [pid for pid in pids if Path(f"/proc/{pid}").exists()]
        time.sleep(0.1)


@pytest.fixture(scope="module")
def undisturbed(handed_in, tmp_path_factory):
    """The same class graded without any trouble: its folder and what was told."""
    root = both_ways.copy_of(handed_in, tmp_path_factory.mktemp("undisturbed") / "course")
    return root, finish(begin(root, "--jobs", "2"))


def same_as(undisturbed, root):
    """Whether a course ended as the undisturbed one: rows, notebooks, pages."""
    rows = [both_ways.gradebook_rows(f"sqlite:///{r}/gradebook.db") for r in (undisturbed, root)]
    assert rows[1] == rows[0]
    for step in ("autograded", "feedback"):
        expected, got = both_ways.files(undisturbed / step), both_ways.files(root / step)
        assert list(got) == list(expected)
        assert got == expected


def test_the_class_path_and_nbgrader_autograde_agree(undisturbed, tmp_path_factory):
    root, told = undisturbed
    assert told[-1]["done"] == STUDENTS
    theirs = both_ways.copy_of(root, tmp_path_factory.mktemp("nbgrader") / "course")
    shutil.rmtree(theirs / "autograded" / "s000")
    assert both_ways.grade_by_nbgrader(theirs, demo.SLUG, 231) == []
    same_as(root, theirs)


def test_a_killed_worker_and_a_killed_grader_lose_nothing(handed_in, undisturbed, tmp_path_factory):
    root = both_ways.copy_of(handed_in, tmp_path_factory.mktemp("killed") / "course")
    run = begin(root, "--jobs", "2")
    first = json.loads(run.stdout.readline())
    forks = [pid for pid, told in descendants(run.pid).items() if "forkserver" in told]
    workers = [pid for each in forks for pid in descendants(each) if pid in forks]
    os.kill(workers[0], signal.SIGKILL)
    second = json.loads(run.stdout.readline())
    below = descendants(run.pid)
    run.send_signal(signal.SIGKILL)  # the grader itself
    out, _ = rest(run)
    gone(below)
    before = {row["student"] for row in [first, second, *map(json.loads, out.splitlines())]}
    rows = finish(begin(root, "--jobs", "2"))
    # What was told is there, and is not graded twice.
    assert before <= {row["student"] for row in rows[:-1] if row["unchanged"]}
    assert len(rows) == STUDENTS + 1
    assert not list(root.rglob(".unfinished-*"))
    same_as(undisturbed[0], root)


def test_sigterm_ends_a_run_that_the_next_one_goes_on_with(handed_in, tmp_path_factory):
    root = both_ways.copy_of(handed_in, tmp_path_factory.mktemp("ended") / "course")
    run = begin(root, "--jobs", "1")
    student = json.loads(run.stdout.readline())["student"]
    below = descendants(run.pid)
    run.terminate()
    out, err = rest(run)
    assert run.returncode == 130
    assert "goes on from there" in err
    assert json.loads(out.splitlines()[-1])["interrupted"]
    gone(below)
    rows = finish(begin(root, "--jobs", "2"))
    assert [row["unchanged"] for row in rows[:-1] if row["student"] == student] == [True]
    assert rows[-1]["done"] == STUDENTS


def test_a_cluster_of_two_processes_ends_with_the_same_gradebook(
    handed_in, undisturbed, tmp_path_factory
):
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    root = both_ways.copy_of(handed_in, tmp_path_factory.mktemp("cluster") / "course")
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address=None,
        env={"PYTHONPATH": str(REPOSITORY)},
    ) as cluster:
        run = begin(root, "--scheduler", cluster.scheduler_address)
        first = json.loads(run.stdout.readline())
        os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
        rows = [first, *finish(run)]
    assert [row.get("error") for row in rows] == [None] * (STUDENTS + 1)
    same_as(undisturbed[0], root)


def test_where_no_cluster_is_it_is_said(handed_in, monkeypatch):
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    from autograder import cluster

    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    with (
        pytest.raises(cluster.ClusterUnusable, match="no Dask scheduler answers at tcp://"),
        cluster.open_cluster("tcp://127.0.0.1:9"),
    ):
        pass

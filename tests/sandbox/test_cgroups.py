"""Control groups: the bounds of a whole session, where this machine lets anybody set them."""

import logging
import os
import shutil
import subprocess
import sys

import pytest

from autograder.sandbox import Limits, cgroups
from autograder.sandbox.cgroups import Group, NoGroup
from autograder.sandbox.limits import MIB


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """What a test does to this machine is not remembered: `tmp_path` stands for the group that the
    grader is in.
    """
    names = ("find_way", "_place_of_version_2", "_sweep", "_tell_once", "_try_systemd")
    for cached in names:
        getattr(cgroups, cached).cache_clear()
    yield tmp_path
    for cached in names:
        getattr(cgroups, cached).cache_clear()


@pytest.fixture(scope="module")
def groups(wall):
    way, why_not = cgroups.find_way()
    if way is None:
        pytest.skip(f"this machine lets us make no control group: {why_not}")
    return way


SHARED = """
import mmap
memory = mmap.mmap(-1, 600 << 20)  # shared: no limit of the process counts what is in it
block = b"x" * (1 << 20)
for start in range(0, 600 << 20, 1 << 20):
    memory[start : start + (1 << 20)] = block
"""


def test_memory_that_no_limit_of_a_process_counts_is_bounded(groups, fresh):
    with fresh(resident_memory=256 * MIB) as session:
        assert session.run_cell(SHARED).status == "dead"
        if groups is not cgroups.systemd:
            assert session.dead == "the student's process ended: it used more memory than it may"


def test_files_in_memory_count_too(groups, fresh):
    with fresh(resident_memory=128 * MIB, tmp_bytes=256 * MIB) as session:
        cell = "for n in range(8):\n    with open(f'/tmp/{n}', 'wb') as f: f.write(bytes(32 << 20))"
        assert session.run_cell(cell).status == "dead"


def test_within_its_bounds_nobody_notices(groups, fresh):
    with fresh(resident_memory=1024 * MIB) as session:
        assert session.run_cell(SHARED).status == "ok"


def test_nothing_of_a_group_is_left(groups, fresh):
    session = fresh()
    folders = session._child._group.folders
    assert all(folder.is_dir() for folder in folders)
    session.close()
    assert not any(folder.exists() for folder in folders)


def test_a_process_that_is_left_in_a_group_goes_with_it(groups):
    group = cgroups.new_group(Limits())
    if not group.folders:
        pytest.skip("systemd ends its scopes itself")
    left = subprocess.Popen([*group.prefix, "sleep", "600"], start_new_session=True)
    while not any(str(left.pid) in (f / "cgroup.procs").read_text() for f in group.folders):
        assert left.poll() is None
    group.remove()
    assert left.wait(10) == -9
    assert not any(folder.exists() for folder in group.folders)


def test_tasks_of_the_whole_session_are_bounded(groups):
    limits = Limits(processes=20)
    group = cgroups.new_group(limits)
    try:
        many = (
            "import subprocess as s\n"
            "for _ in range(60): s.Popen(['sleep', '60'], stdout=s.DEVNULL, stderr=s.DEVNULL)"
        )
        ran = subprocess.run(
            [*group.prefix, sys.executable, "-c", many], capture_output=True, text=True, timeout=60
        )
        assert "BlockingIOError" in ran.stderr
        if group.folders:
            alive = (group.folders[-1] / "cgroup.procs").read_text().split()
            assert 1 < len(alive) <= limits.processes + cgroups.LAUNCHERS
    finally:
        group.remove()


# ---------------------------------------------------------------- machines that this one is not


def test_where_no_group_can_be_had_it_works_and_says_so_once(machine, monkeypatch, caplog):
    def refused(limits):
        raise NoGroup("not today")

    for name in ("version_1", "version_2", "systemd"):
        monkeypatch.setattr(cgroups, name, refused)
    with caplog.at_level(logging.WARNING):
        assert cgroups.new_group(Limits()) == Group() == cgroups.new_group(Limits())
    (said,) = caplog.messages
    assert "no control group can be made here" in said
    assert "refused: not today" in said
    assert "docs/sandbox.md" in said


MOUNTS = """\
31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw
35 31 0:32 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory
36 31 0:33 /docker/ab /sys/fs/cgroup/cpu,pids rw - cgroup cgroup rw,cpu,pids
41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate
"""


def test_our_own_groups_are_found_under_their_mounts(tmp_path):
    (tmp_path / "mountinfo").write_text(MOUNTS)
    (tmp_path / "cgroup").write_text(
        "9:memory:/user/1\n8:cpu,pids:/docker/ab/c\n0::/../elsewhere\n"
    )
    found = {name: str(path) for name, path in cgroups.own_groups(tmp_path).items()}
    assert found["memory"] == "/sys/fs/cgroup/memory/user/1"
    assert found["pids"] == "/sys/fs/cgroup/cpu,pids/c"
    assert "" not in found  # what lies outside our view is not ours


def unit(folder, *, controllers="cpu memory pids", handed_down="", processes=()):
    """A group of version 2 as the kernel shows it."""
    folder.mkdir(exist_ok=True)
    (folder / "cgroup.type").write_text("domain\n")
    (folder / "cgroup.controllers").write_text(controllers)
    (folder / "cgroup.subtree_control").write_text(handed_down)
    (folder / "cgroup.procs").write_text("".join(f"{pid}\n" for pid in processes))
    return folder


def test_a_unit_of_our_own_is_made_ready_for_groups(machine):
    place = unit(machine / "unit", processes=[os.getpid()])
    assert cgroups.hand_down_controllers(place) == place
    assert (place / "grader" / "cgroup.procs").read_text() == str(os.getpid())
    assert (place / "cgroup.subtree_control").read_text() == "+memory +pids"


def test_others_programs_are_not_moved_about(machine):
    place = unit(machine / "unit", processes=[os.getpid(), 1])
    with pytest.raises(NoGroup, match="other programs"):
        cgroups.hand_down_controllers(place)
    assert not (place / "grader").exists()


def test_a_session_without_the_memory_controller_is_told(machine):
    place = unit(machine / "unit", controllers="cpu pids", processes=[os.getpid()])
    with pytest.raises(NoGroup, match="not given the controllers memory"):
        cgroups.hand_down_controllers(place)


def test_a_second_grader_in_the_unit_uses_what_the_first_made(machine):
    place = unit(machine / "unit", handed_down="memory pids")
    leaf = unit(place / "grader", controllers="memory pids", processes=[os.getpid(), 77])
    assert cgroups.hand_down_controllers(leaf) == place


def test_version_2_writes_every_bound(machine, monkeypatch):
    place = unit(machine / "unit", handed_down="memory pids")
    monkeypatch.setattr(cgroups, "own_groups", lambda: {"": place})
    group = cgroups.version_2(Limits(resident_memory=300 * MIB, processes=10))
    (folder,) = group.folders
    assert (folder / "memory.max").read_text() == str(300 * MIB)
    assert (folder / "pids.max").read_text() == "18"
    assert str(folder / "cgroup.procs") in group.prefix
    (folder / "memory.events").write_text("oom 1\noom_kill 2\n")
    assert group.ran_out_of_memory()
    shutil.rmtree(folder)


def test_the_group_of_a_grader_that_was_killed_is_swept_away(machine, monkeypatch):
    dead = subprocess.Popen(["true"])
    dead.wait()
    place = unit(machine / "unit", handed_down="memory pids")
    monkeypatch.setattr(cgroups, "own_groups", lambda: {"": place})
    left, alive = place / f"cs231n-{dead.pid}-aa", place / f"cs231n-{os.getpid()}-bb"
    left.mkdir()
    alive.mkdir()
    group = cgroups.version_2(Limits())
    assert not left.exists()
    assert alive.exists()
    shutil.rmtree(group.folders[0])


def program(folder, name, script):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_systemd_puts_the_command_into_a_scope(machine, monkeypatch):
    calls = machine / "calls"
    # It notes its options and runs what stands after them, as the real one does with --scope.
    script = f'echo "$*" >>{calls}\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"'
    program(machine, "systemd-run", script)
    monkeypatch.setenv("PATH", f"{machine}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    group = cgroups.systemd(Limits(resident_memory=300 * MIB, processes=10))
    assert group.environment["XDG_RUNTIME_DIR"] == "/run/user/1000"
    ran = subprocess.run([*group.prefix, "echo", "inside"], capture_output=True, text=True)
    assert ran.stdout == "inside\n"
    told = calls.read_text()
    assert "--scope" in told
    assert f"--property=MemoryMax={300 * MIB}" in told
    assert "--property=TasksMax=18" in told
    assert ("--user" in told) == (os.geteuid() != 0)


def test_a_systemd_that_does_not_answer_is_no_way(machine, monkeypatch):
    program(machine, "systemd-run", "echo 'Failed to connect to bus' >&2; exit 1")
    monkeypatch.setenv("PATH", f"{machine}:{os.environ['PATH']}")
    with pytest.raises(NoGroup, match="Failed to connect to bus"):
        cgroups.systemd(Limits())

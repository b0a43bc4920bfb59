"""Choosing a wall, and saying so plainly when there is none."""

import os
import shutil
import site
import sys
import tempfile
from pathlib import Path

import pytest

from autograder.sandbox import NoSandbox, UnsafeSandbox, bubblewrap, mounts, start_session
from autograder.sandbox.inside import seccomp


def test_without_bwrap_nothing_is_graded_and_the_message_helps(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoSandbox) as caught:
        start_session()
    message = str(caught.value)
    assert "bwrap: bwrap is not installed" in message
    for words in ("apt install bubblewrap", "dnf install", "pacman -S", "Nothing was graded"):
        assert words in message


def test_a_bwrap_that_does_not_work_is_found_out_by_running_it(monkeypatch, tmp_path):
    program = tmp_path / "bwrap"
    program.write_text(
        "#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(NoSandbox, match="setting up uid map: Permission denied"):
        start_session()


@pytest.mark.parametrize(
    ("setting", "value", "advice"),
    [
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "sudo tools/allow_bubblewrap.sh"),
        ("kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=15000"),
        ("kernel/other", "0", "whoever starts it must allow user namespaces"),
    ],
)
def test_the_setting_that_refuses_namespaces_is_named(tmp_path, setting, value, advice):
    for name in ("kernel", "user"):
        (tmp_path / name).mkdir()
    (tmp_path / setting).write_text(value + "\n")
    (told,) = bubblewrap.namespace_advice(tmp_path)
    assert advice in told


def test_what_is_told_to_a_teacher_is_written_in_the_manual(repository):
    manual = (repository / "docs" / "sandbox.md").read_text()
    for words in ("tools/allow_bubblewrap.sh", "--build-image", "userns,", "systemd-run"):
        assert words in manual
    assert (repository / "tools" / "allow_bubblewrap.sh").is_file()


def test_a_real_refusal_is_told_with_its_remedy(wall, as_user):
    """In a user namespace of its own, whose limit of further ones is set to none."""
    code = """
    from autograder.sandbox import NoSandbox, start_session
    try:
        start_session(backend="bwrap")
    except NoSandbox as error:
        print(error)
    """
    no_more = "echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all"
    no_more += ' --inh-caps=-all -- "$@"'
    if not shutil.which("unshare"):
        pytest.skip("unshare (util-linux) is not installed")
    ran = as_user(code, before=["unshare", "--user", "--map-root-user", "sh", "-c", no_more, "sh"])
    assert ran.returncode == 0, ran.stderr
    assert "bwrap: bwrap does not work here: bwrap: " in ran.stdout
    assert "sudo sysctl user.max_user_namespaces=15000" in ran.stdout
    assert "Nothing was graded" in ran.stdout


def test_an_unknown_backend_is_refused_with_the_known_ones():
    with pytest.raises(
        NoSandbox, match=r"auto or one of bwrap, podman, docker, user, none\. Got 'jail'"
    ):
        start_session(backend="jail")


def test_no_wall_is_loud_and_leaves_nothing_behind(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.warns(UnsafeSandbox, match="all your rights"):
        session = start_session(backend="none", files={"a.txt": b"x"})
    with session:
        assert session.backend_name == "none"
        assert session.layers == {"landlock": 0, "seccomp": False}
        result = session.run_cell("import os\nos.listdir(), os.getpid()")
        assert result.outputs[0]["data"]["text/plain"].startswith("(['a.txt'], ")
        result = session.run_cell("import numpy as np\nnp.ones(2).sum()")
        assert result.status == "ok"
    assert list(tmp_path.iterdir()) == []


def test_a_grader_in_site_packages_is_masked_there(monkeypatch, tmp_path):
    packages = tmp_path / "lib" / "site-packages"
    (packages / "autograder").mkdir(parents=True)
    monkeypatch.setattr(site, "getsitepackages", lambda: [str(packages)])
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    plan = {mount.target: mount.source for mount in mounts.plan_mounts()}
    assert plan[tmp_path] == tmp_path
    assert plan[packages / "autograder"] is None


def test_an_environment_made_in_the_repositorys_root_is_mounted_in_parts(monkeypatch, tmp_path):
    for name in ("bin", "lib/python3/site-packages", "solutions"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    plan = mounts.plan_mounts(hidden=[tmp_path])
    targets = {mount.target for mount in plan if mount.target.is_relative_to(tmp_path)}
    assert targets == {tmp_path / "bin", tmp_path / "lib"}


def test_a_course_under_a_mounted_folder_is_masked_and_its_environment_is_not(
    monkeypatch, tmp_path
):
    course = tmp_path / "src" / "course"
    (course / ".venv").mkdir(parents=True)
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    monkeypatch.setattr(sys, "prefix", str(course / ".venv"))
    plan = mounts.plan_mounts(hidden=[course])
    order = [
        (mount.target, mount.source) for mount in plan if mount.target.is_relative_to(tmp_path)
    ]
    assert order == [
        (tmp_path, tmp_path),
        (course, None),
        (course / ".venv", course / ".venv"),
    ]


def test_a_hidden_folder_is_masked_under_each_name_of_its_mount(monkeypatch, tmp_path):
    real, name = tmp_path / "python-3.11.7", tmp_path / "python-3.11"
    (real / "secret").mkdir(parents=True)
    name.symlink_to(real)
    monkeypatch.setattr(sys, "base_prefix", str(name))
    plan = mounts.plan_mounts(hidden=[real / "secret"])
    masked = {mount.target for mount in plan if mount.source is None}
    assert {real / "secret", name / "secret"} <= masked


def test_only_the_public_half_of_the_course_is_mounted():
    sources = {mount.source for mount in mounts.public_mounts()}
    assert mounts.INSIDE in sources
    names = {mount.target.name for mount in mounts.public_mounts()}
    assert names <= {"sandbox_inside", "cs231n_utils", "datasets"}
    assert not any(
        Path(source).is_relative_to(mounts.GRADER) for source in sources - {mounts.INSIDE}
    )


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_is_made_of_whole_instructions_and_jumps_stay_inside(machine):
    program = seccomp.build_filter(machine)
    assert len(program) % 8 == 0
    count = len(program) // 8
    assert count < 4096
    for place in range(count):
        code, if_true, if_false = (
            program[8 * place : 8 * place + 4][0],
            *program[8 * place + 2 :][:2],
        )
        if code in (seccomp.IF_EQUAL, seccomp.IF_AT_LEAST, seccomp.IF_ANY_BIT):
            assert place + 1 + max(if_true, if_false) < count


def test_an_unknown_machine_has_no_filter():
    with pytest.raises(KeyError):
        seccomp.build_filter("riscv64")

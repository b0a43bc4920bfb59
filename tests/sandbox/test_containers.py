"""Containers: what they are told, by a stand-in that notes it, and what holds, by a real podman."""

import json
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
from own_process import ATTEMPT

from autograder.sandbox import Limits, NoSandbox, backends, image, mounts, start_session
from autograder.sandbox.containers import _TRIED, Container, _find_image
from autograder.sandbox.inside.pipes import Pipes, PipeStream
from autograder.sandbox.limits import MIB
from autograder.sandbox.mounts import INSIDE, PUBLIC

# ---------------------------------------------------------------- a stand-in for the program

STAND_IN = """#!{python}
import json, os, sys
with open({calls!r}, "a") as calls:
    print(json.dumps(sys.argv[1:]), file=calls)
if sys.argv[1] == "image":
    sys.exit({image})
if sys.argv[1] == "run" and "sandbox_inside" in sys.argv:
    inside = sys.argv[sys.argv.index("timeout") + 3 :]
    config = json.loads(inside[-1]) | {{"walls": False, "rlimits": {{}}, "job": {job!r}}}
    config["copies"] = []
    os.chdir({job!r})
    os.environ["PYTHONPATH"] = {public!r}
    os.execv(sys.executable, [sys.executable, *inside[1:-1], json.dumps(config)])
"""


@pytest.fixture(params=["podman", "docker"])
def stand_in(request, tmp_path, monkeypatch):
    """A program in the place of podman or docker: it notes its calls, and runs what it is given
    without any wall. Returns (its name, the calls so far).
    """
    calls = tmp_path / "calls"
    public, job = tmp_path / "public", tmp_path / "job"
    public.mkdir()
    job.mkdir()
    for mount in mounts.public_mounts():
        (public / mount.target.name).symlink_to(mount.source)
    program = tmp_path / request.param

    def write(image="0"):
        text = STAND_IN.format(
            python=sys.executable, calls=str(calls), public=str(public), job=str(job), image=image
        )
        program.write_text(text)
        program.chmod(0o755)

    write()
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    _find_image.cache_clear()
    _TRIED.clear()
    yield (
        request.param,
        lambda: [json.loads(line) for line in calls.read_text().splitlines()],
        write,
    )
    _find_image.cache_clear()
    _TRIED.clear()


def test_a_session_speaks_over_standard_input_and_output(stand_in):
    name, calls, _ = stand_in
    with start_session(backend=name, files={"words.txt": b"one two"}) as session:
        result = session.run_cell("print(open('words.txt').read()); print('x' * 300_000)")
        assert result.outputs[0]["text"] == "one two\n" + "x" * 300_000 + "\n"
        # What is printed to the descriptors themselves does not get into the stream.
        assert session.run_cell("import os; os.write(1, b'CSW1' * 9)").status == "ok"
        assert session.run_cell("1 + 1").outputs[0]["data"]["text/plain"] == "2"
        assert session.backend_name == name
    run = next(call for call in calls() if "sandbox_inside" in call)
    container = next(option for option in run if option.startswith("--name=")).split("=")[1]
    assert calls()[-1][:2] == ["rm", "--force"]
    assert calls()[-1][-1] == container


def test_a_container_is_told_all_limits_and_given_nothing(stand_in):
    name, calls, _ = stand_in
    limits = Limits(resident_memory=700 * MIB, processes=40, tmp_bytes=9 * MIB, open_files=99)
    with start_session(limits, backend=name):
        pass
    run = next(call for call in calls() if "sandbox_inside" in call)
    options = run[: run.index(image.image_name())]
    for option in (
        "--rm",
        "--interactive",
        "--network=none",
        "--read-only",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        "--pull=never",
        f"--memory={700 * MIB}",
        f"--memory-swap={700 * MIB}",
        "--pids-limit=48",
        "--ulimit=nofile=99:99",
        f"--shm-size={limits.shared_memory_bytes}",
        f"--tmpfs=/tmp:rw,nosuid,nodev,size={9 * MIB},mode=1777",
        f"--tmpfs=/job:rw,nosuid,nodev,size={9 * MIB},mode=1777",
    ):
        assert option in options
    (user,) = [option.split("=")[1] for option in options if option.startswith("--user=")]
    assert all(int(number) > 60000 for number in user.split(":"))
    assert not any(option.startswith(("--volume", "-v", "--mount")) for option in options)
    # Without the grader it ends by itself.
    assert run[run.index("timeout") + 1] == "--signal=KILL"
    config = json.loads(run[-1])
    assert config["walls"] is True
    assert config["rlimits"] == limits.rlimits()
    assert config["stdio"] is True


def test_a_missing_image_is_told_with_the_command_that_makes_it(stand_in):
    name, calls, write = stand_in
    write(image="'Error: No such image: x'")
    with pytest.raises(NoSandbox) as caught:
        start_session(backend=name)
    assert f"{name}: it has no image {image.image_name()}" in str(caught.value)
    assert "python -m autograder sandbox --build-image" in str(caught.value)
    assert [call[0] for call in calls()] == ["image"]


def test_a_service_that_does_not_answer_is_told_in_its_words(stand_in):
    name, _, write = stand_in
    write(image="'\\nCannot connect to the daemon. Is it running?'")
    with pytest.raises(NoSandbox, match="it does not answer: Cannot connect to the daemon"):
        start_session(backend=name)


def test_containers_come_after_bubblewrap_and_none_never_by_itself(stand_in, monkeypatch):
    name, _, _ = stand_in
    assert backends.AUTOMATIC == ("bwrap", "podman", "docker")
    monkeypatch.setattr(backends.Bubblewrap, "why_not", lambda self: "not here")
    other = {"podman": "docker", "docker": "podman"}[name]
    monkeypatch.setitem(backends.BACKENDS, other, lambda: Container("no-such-program"))
    assert backends.choose_backend("auto").name == name


@pytest.mark.skipif(not shutil.which("docker"), reason="docker is not installed")
def test_the_real_dockers_command_line_knows_every_option(monkeypatch):
    """It reads its options before it looks for a service, so this needs none."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    wrapped = Container("docker", "no-image").wrap(["-c", "1"], Limits(), (), 0)
    ran = subprocess.run(wrapped.command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    wrapped.clean_up()
    assert "Cannot connect to the Docker daemon" in ran.stderr
    assert "flag" not in ran.stderr.split("Run 'docker")[0]


# ---------------------------------------------------------------- the image


def test_an_image_holds_the_public_half_and_nothing_else(tmp_path):
    image.write_context(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "Containerfile",
        "requirements.txt",
        "course",
    }
    assert {path.name for path in (tmp_path / "course").iterdir()} == {
        "sandbox_inside",
        "cs231n_utils",
    }
    assert (tmp_path / "course" / "sandbox_inside" / "runner.py").read_bytes() == (
        INSIDE / "runner.py"
    ).read_bytes()
    assert not list(tmp_path.rglob("*.pyc"))


def test_the_images_packages_are_those_that_notebooks_import(repository):
    text = (repository / "pyproject.toml").read_text()
    listed = text.split("# What a student's notebook imports")[1].split("# What the autograder")[0]
    names = {line.strip(' ",').split(">")[0] for line in listed.splitlines() if ">" in line}
    assert set(image.PACKAGES) == names - {"jupyterlab"}
    assert "nbgrader" not in image.requirements()
    assert "+" not in image.requirements()


def test_another_version_of_the_course_is_another_image(monkeypatch, tmp_path):
    before = image.image_name()
    changed = tmp_path / "changed.py"
    changed.write_text("changed")
    files = [*image.public_files(), (changed, "cs231n_utils/changed.py")]
    monkeypatch.setattr(image, "public_files", lambda: files)
    image.image_name.cache_clear()
    assert image.image_name() != before
    image.image_name.cache_clear()


def test_the_image_is_built_from_that_folder(stand_in, monkeypatch):
    name, calls, _ = stand_in
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://example.org/simple")
    assert image.build_image(name) == image.image_name()
    (build,) = calls()
    assert build[:3] == ["build", "--tag", image.image_name()]
    assert f"PYTHON={image.python_version()}" in build
    assert "PIP_EXTRA_INDEX_URL" in build


# ---------------------------------------------------------------- a real podman


@pytest.fixture(scope="module")
def podman(tmp_path_factory):
    """A real podman, whose image is this machine's own system: nothing has to be downloaded."""
    if not shutil.which("podman"):
        pytest.skip("podman is not installed")
    if os.geteuid() != 0:
        pytest.skip("podman shows this machine's own system to root only")
    root = tmp_path_factory.mktemp("rootfs")
    root.chmod(0o755)
    for name in ("tmp", "job", "proc", "dev", "sys", "etc", "run"):
        (root / name).mkdir()
    for name in ("tmp", "job"):
        (root / name).chmod(0o1777)
    for link, says in mounts.system_links():
        (root / link.relative_to("/")).symlink_to(says)
    plan = [m for m in mounts.plan_mounts() if m.source and "ld.so.cache" not in m.target.name]
    real = Container(
        "podman",
        str(root),
        options=["--rootfs", *(f"--volume={mount.source}:{mount.target}:ro" for mount in plan)],
        python=sys.executable,
        readable=[*(str(mount.target) for mount in plan), "/proc"],
    )
    reason = real.why_not()
    if reason:
        pytest.skip(f"podman: {reason}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(backends.BACKENDS, "podman", lambda: real)
        yield real


LOOK = """
print(json.dumps({
    "uid": os.getuid(), "rights": status["CapEff"].strip(), "bounds": status["CapBnd"].strip(),
    "no new rights": status["NoNewPrivs"].strip(),
    "refused": [attempt(os.fork), attempt(socket.socket), attempt(open, "/etc/passwd"),
                attempt(open, "/course/new", "w"), attempt(os.listdir, "/sys"),
                attempt(open, "/dev/mqueue/new", "w"), attempt(open, "/run/new", "w")],
    "allowed": [attempt(open, "/job/new", "w"), attempt(open, "/tmp/new", "w")],
    "processes": len([name for name in os.listdir("/proc") if name.isdigit()]),
}))
"""


def containers_left():
    ran = subprocess.run(
        ["podman", "ps", "--all", "--format={{.Names}}"], capture_output=True, text=True, check=True
    )
    return [name for name in ran.stdout.split() if name.startswith("cs231n-")]


def test_a_real_container_is_a_wall_too(podman):
    """One container for several behaviours: starting one takes a second or more."""
    patient = Limits(grace_seconds=30)  # several programs pass a flood on, on a busy machine
    with start_session(patient, backend="podman", files={"a.txt": b"x" * 100_000}) as session:
        assert session.layers["seccomp"] is True
        result = session.run_cell(ATTEMPT + LOOK)
        assert result.status == "ok", result.outputs
        found = json.loads(result.outputs[0]["text"])
        assert found["uid"] > 60000
        assert (found["rights"], found["bounds"]) == ("0" * 16, "0" * 16)
        assert found["no new rights"] == "1"
        assert "" not in found["refused"]
        assert found["allowed"] == ["", ""]
        assert found["processes"] <= 2  # `timeout`, and the student's

        # The stream carries much, is interrupted, and bounds a flood as it does elsewhere.
        assert session.run_cell("len(open('a.txt').read())").outputs[0]["data"] == {
            "text/plain": "100000"
        }
        assert session.run_cell("while True: pass", timeout=0.5).status == "timeout"
        flood = session.run_cell("while True: print('x' * 10_000)")
        assert (flood.status, session.dead) == ("flooded", None)
        large = "with open('/tmp/large', 'wb') as f:\n    while True: f.write(bytes(1 << 20))"
        assert session.run_cell(large).outputs[-1]["ename"] == "OSError"
    assert session.dead == "closed"
    assert containers_left() == []


def test_a_real_containers_memory_is_bounded_and_its_end_is_told(podman):
    limits = Limits(resident_memory=256 * MIB)
    block = (
        "import mmap\nm = mmap.mmap(-1, 400 << 20)\nfor n in range(400): m.write(bytes(1 << 20))"
    )
    with start_session(limits, backend="podman") as session:
        assert session.run_cell(block).status == "dead"
        assert "memory" in session.dead
    deadline = time.monotonic() + 30
    while containers_left() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert containers_left() == []


# ---------------------------------------------------------------- any place with two pipes


def test_the_runner_speaks_the_stream_over_two_pipes(tmp_path):
    """What `kubectl exec -i` or a container on another machine gives."""
    public = tmp_path / PUBLIC.name
    public.mkdir()
    (public / "sandbox_inside").symlink_to(INSIDE)
    (tmp_path / "job").mkdir()
    config = {"walls": False, "rlimits": {}, "job": str(tmp_path / "job"), "stdio": True}
    runner = subprocess.Popen(
        [sys.executable, "-s", "-P", "-m", "sandbox_inside", json.dumps(config)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(public), "HOME": str(tmp_path)},
    )
    with runner:
        pipes = Pipes(os.dup(runner.stdout.fileno()), os.dup(runner.stdin.fileno()))
        runner.stdin.close()
        stream = PipeStream(pipes)
        deadline = time.monotonic() + 60
        assert stream.recv(deadline)[0]["t"] == "ready"
        source = np.frombuffer(b"print('y' * 2_000_000)", np.uint8)
        stream.send({"t": "cell", "id": 7}, [source], deadline)
        size = 0
        while True:
            header, arrays = stream.recv(deadline)
            if header["t"] == "done":
                break
            size += arrays[0].size
        assert size == 2_000_001
        pipes.close()
        assert runner.wait(30) == 0  # the grader has gone, so has the runner

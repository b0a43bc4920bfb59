"""A container of podman or docker: for macOS and Windows, and for Linux without bubblewrap.

The student's process gets nothing of this machine: the image holds the interpreter, its libraries
and the course's public half (see image.py). It speaks its stream over standard input and output,
which also reach into the virtual machine that runs containers on macOS. Inside, the runner puts on
Landlock, seccomp and its limits as it does behind every wall.
"""

from __future__ import annotations

import functools
import os
import random
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .backend import DEVICES, FONTS, HOME, JOB, STUDENT_UIDS, Wrapped, environment
from .cgroups import LAUNCHERS
from .image import FONT_LISTS, image_name
from .limits import Limits
from .mounts import PUBLIC

PATH = "/usr/local/bin:/usr/bin:/bin"
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/proc", str(PUBLIC))
# A container does not end with the grader that started it, so it ends by itself at last. Beside
# what a submission may take there is the time that the judge spends between its calls.
LIFETIMES = 4
PROBE_SECONDS = 120.0
REMOVE_SECONDS = 60.0
_TRIED: dict[tuple[str, str], str] = {}


class Container:
    """One container for one session, without network, rights, or anything that it could change.

    program: "podman" or "docker". image: what it runs, by default the course's own image of this
    version. options: more options of `run`; python and readable: the interpreter in the image, and
    the folders there that a student's process reads.
    """

    def __init__(
        self,
        program: str,
        image: str | None = None,
        *,
        options: Sequence[str] = (),
        python: str = "python3",
        readable: Sequence[str] = SYSTEM,
    ):
        self.name = program
        self.image = image or image_name()
        self.options = tuple(options)
        self.python = python
        self.readable = tuple(readable)

    def why_not(self) -> str:
        program = shutil.which(self.name)
        if not program:
            return f"{self.name} is not installed"
        if "--rootfs" not in self.options:
            reason = _find_image(program, self.image)
            if reason:
                return reason
        key = program, self.image
        if key not in _TRIED:
            ran = _ask(self._run(program, Limits(), "true"))
            failed = f"it does not work here: {_last_line(ran.stderr) or ran.returncode}"
            _TRIED[key] = failed if ran.returncode else ""
        return _TRIED[key]

    def wrap(
        self, arguments: Sequence[str], limits: Limits, hidden: Sequence[Path], info_fd: int
    ) -> Wrapped:
        """Nothing of this machine is shown inside, so there is nothing to hide."""
        program = shutil.which(self.name) or self.name
        name = f"cs231n-{secrets.token_hex(8)}"
        config = {
            "walls": True,
            "rlimits": limits.rlimits(),
            "readable": [*self.readable, *(f"/dev/{device}" for device in DEVICES)],
            "writable": ["/tmp", JOB, "/dev/shm", "/dev/null"],
            "job": JOB,
            "copies": [[FONT_LISTS, FONTS]],
        }
        lifetime = LIFETIMES * limits.submission_seconds + limits.start_seconds
        inside = ["timeout", "--signal=KILL", f"{lifetime:g}", self.python, *arguments]

        folder = tempfile.TemporaryDirectory(prefix="container-")  # podman's helper writes there

        def remove() -> None:
            # The container is a child of a service, or of nobody: ending our command is not enough.
            now = ["--time=0"] if self.name == "podman" else []
            subprocess.run(
                [program, "rm", "--force", *now, name],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=REMOVE_SECONDS,
            )
            folder.cleanup()

        return Wrapped(
            self._run(program, limits, *inside, name=name),
            config=config,
            stdio=True,
            needs_group=False,
            environment=_own_environment(),
            folder=Path(folder.name),
            clean_up=remove,
        )

    def _run(self, program: str, limits: Limits, *inside: str, name: str = "") -> list[str]:
        uid = random.SystemRandom().choice(STUDENT_UIDS)  # tasks are counted by user
        command = [program, "run", "--rm", "--interactive", "--pull=never", "--log-driver=none"]
        command += [f"--name={name}"] if name else []
        command += ["--network=none", "--hostname=sandbox", f"--user={uid}:{uid}"]
        command += ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
        if self.name == "podman":
            command.append("--read-only-tmpfs=false")  # it would add folders without a limit
        command += [f"--memory={limits.resident_memory}", f"--memory-swap={limits.resident_memory}"]
        command.append(f"--pids-limit={limits.processes + LAUNCHERS}")
        command.append(f"--shm-size={limits.shared_memory_bytes}")
        # Given here too: podman would raise these two above what the grader itself may.
        command.append(f"--ulimit=nofile={limits.open_files}:{limits.open_files}")
        command.append(f"--ulimit=nproc={limits.processes + LAUNCHERS}")
        for folder in ("/tmp", JOB):
            command.append(f"--tmpfs={folder}:rw,nosuid,nodev,size={limits.tmp_bytes},mode=1777")
        variables = environment(HOME, FONTS, str(PUBLIC)) | {"PATH": PATH}
        command += [f"--env={key}={value}" for key, value in variables.items()]
        return [*command, f"--workdir={JOB}", *self.options, self.image, *inside]


def _own_environment() -> dict[str, str]:
    """What the program itself needs to find its service and its images; not passed inside."""
    known = ("HOME", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
    known += ("DBUS_SESSION_BUS_ADDRESS", "DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT")
    known += ("CONTAINER_HOST", "CONTAINER_CONNECTION", "CONTAINERS_CONF")
    return {name: os.environ[name] for name in known if name in os.environ}


@functools.cache
def _find_image(program: str, image: str) -> str:
    """Say why the image cannot be used, "" when it is there."""
    ran = _ask([program, "image", "inspect", "--format={{.Id}}", image])
    if not ran.returncode:
        return ""
    said = ran.stderr.strip()
    if "no such" in said.lower() or "not known" in said.lower():
        return (
            f"it has no image {image}, which holds this version of the course: "
            "`python -m autograder sandbox --build-image` makes it"
        )
    return f"it does not answer: {_last_line(said) or ran.returncode}"


def _ask(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PROBE_SECONDS,
        )
    except subprocess.TimeoutExpired:
        late = f"no answer after {PROBE_SECONDS:g} seconds"
        return subprocess.CompletedProcess(command, 1, "", late)


def _last_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1][:500] if lines else ""

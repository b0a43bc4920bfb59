#!/usr/bin/env python3
"""Do what the README tells a newcomer, in an empty folder, up to a right first exercise; time it.

    python3 tools/newcomer/run.py

The commands of the README's first section are run as they stand there. Two things are told around
them: git gets this repository's last commit for the address that stands in the README, and
JupyterLab opens no browser. Then first_exercise.py does in that JupyterLab what a student does.
Any Python will do: what the commands install is used for the rest.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
MOST = 4
"""More commands are too many before a first exercise."""
PATIENCE = 1800
"""Seconds until JupyterLab answers; most of them are pip's."""


class NotThere(Exception):
    """A newcomer does not get to a right first exercise; the message says where it ends."""


def commands_of(readme: str) -> list[str]:
    """Return the commands of the README's first block, from git clone to the notebooks."""
    first_section = readme.split("\n## ")[0]
    block = re.search(r"^```sh\n(.*?)^```", first_section, re.MULTILINE | re.DOTALL)
    lines = [shlex.split(line, comments=True) for line in (block[1] if block else "").splitlines()]
    commands = [shlex.join(words) for words in lines if words]
    if not (commands and commands[0].startswith("git clone ") and commands[-1] == "make lab"):
        raise NotThere(f"the README begins with git clone and ends with make lab. Got {commands}")
    if len(commands) > MOST:
        raise NotThere(f"a newcomer needs at most {MOST} commands. Got {len(commands)}: {commands}")
    return commands


def newcomers_environment(home: Path, address: str, repository: Path) -> dict[str, str]:
    """Return the environment of somebody who has nothing of this course, nor of this make."""
    inherited = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    kept = {name: value for name, value in os.environ.items() if name not in inherited}
    places = os.environ.get("PATH", os.defpath).split(os.pathsep)
    own = {
        "PATH": os.pathsep.join(p for p in places if not p.startswith(f"{REPOSITORY}{os.sep}")),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{repository}.insteadOf",
        "GIT_CONFIG_VALUE_0": address,
        "LAB_OPTIONS": "--no-browser" + " --allow-root" * (os.geteuid() == 0),
        "CS231N_DATA": f"{home}/data",
        "IPYTHONDIR": f"{home}/ipython",
        "JUPYTER_CONFIG_DIR": f"{home}/config",
        "JUPYTER_DATA_DIR": f"{home}/share",
        "JUPYTER_RUNTIME_DIR": f"{home}/runtime",
        "JUPYTERLAB_SETTINGS_DIR": f"{home}/settings",
        "JUPYTERLAB_WORKSPACES_DIR": f"{home}/workspaces",
    }
    return {**kept, **own}


@contextmanager
def typed(commands: Sequence[str], folder: Path, env: dict[str, str], log: Path) -> Iterator:
    """Type commands into one shell, up to the first that fails, and end what runs at the end."""
    with log.open("wb") as out:
        shell = subprocess.Popen(
            ["sh", "-e", "-x", "-c", "\n".join(commands)],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        yield shell
    finally:
        for kill in (signal.SIGTERM, signal.SIGKILL):
            if shell.poll() is None:
                os.killpg(shell.pid, kill)
                try:
                    shell.wait(30)
                except subprocess.TimeoutExpired:
                    continue


def wait_for_jupyter(shell: subprocess.Popen, runtime: Path, log: Path) -> dict:
    """Return what JupyterLab writes about itself into the folder `runtime`, once it answers."""
    until = time.monotonic() + PATIENCE
    while shell.poll() is None and time.monotonic() < until:
        for path in runtime.glob("jpserver-*.json"):
            with suppress(ValueError, OSError):  # half written, or not listening yet
                server = json.loads(path.read_text())
                urllib.request.urlopen(f"{server['url']}api", timeout=10).close()
                return server
        time.sleep(0.1)
    told = log.read_text(errors="replace")[-3000:]
    raise NotThere(f"the commands end before JupyterLab runs:\n{told}")


def run(repository: Path = REPOSITORY) -> str:
    """Go a newcomer's way, and return how long it took; NotThere is raised where it ends."""
    commands = commands_of((repository / "README.md").read_text())
    address = next(word for word in shlex.split(commands[0])[2:] if ":" in word)
    with tempfile.TemporaryDirectory(prefix="newcomer-", ignore_cleanup_errors=True) as folder:
        home, place = Path(folder, "home"), Path(folder, "place")
        home.mkdir()
        place.mkdir()
        env, log = newcomers_environment(home, address, repository), home / "log.txt"
        start = time.monotonic()
        with typed(commands, place, env, log) as shell:
            server = wait_for_jupyter(shell, home / "runtime", log)
            opened = time.monotonic() - start
            (course,) = place.iterdir()
            done = subprocess.run(
                [course / ".venv/bin/python", HERE / "first_exercise.py", json.dumps(server)],
                cwd=course,
                env=env,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
            )
            right = time.monotonic() - start
    if done.returncode:
        raise NotThere(f"the first exercise is not right:\n{done.stdout}{done.stderr}"[-3000:])
    return (
        f"{done.stdout}{len(commands)} commands; JupyterLab runs after {opened:.0f} seconds, "
        f"the first exercise is right after {right:.0f} seconds"
    )


if __name__ == "__main__":
    try:
        print(run())
    except NotThere as failure:
        sys.exit(f"A newcomer does not get there: {failure}")

"""Binder and devcontainers: their files are what these services read, and agree with the pins."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from autograder.bundle import bundle_files, students_devcontainer, students_environment

ROOT = Path(__file__).resolve().parents[1]
BINDER = ROOT / ".binder"
DEVCONTAINER = ROOT / ".devcontainer" / "devcontainer.json"
# Of containers.dev's devcontainer.json reference, what is used here.
KNOWN = {
    *("name", "image", "hostRequirements", "onCreateCommand", "postAttachCommand"),
    *("forwardPorts", "portsAttributes", "customizations"),
}


def version(text):
    """The numbers at the end of ">=3.11" or "python:3.12"."""
    return tuple(map(int, re.search(r"(\d+)\.(\d+)$", text).groups()))


def stand_in(folder, name, script):
    """A program that notes how it was called, and where."""
    path = folder / name
    path.write_text(
        f'#!/bin/sh\necho "$(basename "$PWD"): {name} $*" >>"{folder}/calls"\n{script}\n'
    )
    path.chmod(0o755)


def test_binder_installs_the_packages_of_environment_yml():
    text = (BINDER / "environment.yml").read_text()
    assert text == students_environment(ROOT), "write it again: bundle.students_environment"
    listed = yaml.safe_load(text)["dependencies"]
    assert set(listed) < {
        each
        for each in yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
        if isinstance(each, str)
    }
    assert [each for each in listed if each.startswith(("jupyterlab", "pytorch"))]


@pytest.mark.parametrize("status", [0, 3])
def test_binder_installs_the_course_and_stops_where_it_does_not_work(status, tmp_path):
    repository = tmp_path / "repository"
    repository.mkdir()
    stand_in(tmp_path, "python", f"exit {status}")
    # As repo2docker does: made executable, and run in the repository's folder.
    ran = subprocess.run(
        [BINDER / "postBuild"],
        cwd=repository,
        env={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        check=False,
    )
    assert ran.returncode == status
    calls = (tmp_path / "calls").read_text().splitlines()
    first = "repository: python -m pip install --no-deps --editable ."
    assert calls == [first, "repository: python -m cs231n_utils.ready"][: 1 if status else 2]


def test_a_devcontainer_says_what_its_readers_know():
    container = json.loads(DEVCONTAINER.read_text())  # strictly: no comments, no last commas
    assert set(container) <= KNOWN
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert version(container["image"]) >= version(oldest)
    assert re.fullmatch(r"\d+([tgmk]b)?", container["hostRequirements"]["memory"])
    assert set(container["portsAttributes"]) == {str(port) for port in container["forwardPorts"]}


def test_a_devcontainer_sets_the_course_up_and_opens_jupyterlab():
    container = json.loads(DEVCONTAINER.read_text())
    setup, lab = container["onCreateCommand"], container["postAttachCommand"]
    would = {
        command: subprocess.run(
            ["sh", "-c", f"{command} --dry-run --always-make --no-print-directory"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for command in (setup, lab)
    }
    assert "tools/make_venv.sh" in would[setup]
    assert "tools/bubblewrap.sh" in would[setup]
    last = would[lab].splitlines()[-1]
    assert last.startswith(".venv/bin/python -m jupyterlab ")
    assert "--no-browser" in last
    assert f"--port={container['forwardPorts'][0]}" in last


def test_students_repository_has_both_and_needs_no_makefile():
    files = bundle_files(ROOT, {})
    assert files[".binder/environment.yml"] == (BINDER / "environment.yml").read_bytes()
    assert files[".binder/postBuild"] == (BINDER / "postBuild").read_bytes()
    container = json.loads(files[".devcontainer/devcontainer.json"])
    assert set(container) <= KNOWN
    assert container["image"] == json.loads(DEVCONTAINER.read_text())["image"]
    text = students_devcontainer(ROOT)
    assert "make" not in text
    assert ".venv" not in text
    assert "pip install --user . && python -m cs231n_utils.ready" in text
    assert f"--port={container['forwardPorts'][0]}" in container["postAttachCommand"]

"""The repository's own promises: pins, commands, notebooks, and nothing of anybody's machine."""

import gzip
import json
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent

# Where conda-forge's name is another than the registry's.
CONDA_NAMES = {"torch": "pytorch"}
# What conda-forge does not have; pip installs it into the conda environment.
ONLY_PIP = {"cosmic-ray", "psycopg-binary", "playwright", "axe-playwright-python"}

PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "docs/design.md",
    "docs/elsewhere.md",
    "docs/late.md",
    "docs/sandbox.md",
    "docs/security.md",
    "docs/students.md",
]


def tracked_files() -> list[Path]:
    """Return what git knows or would add, without what it ignores."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


def texts() -> dict[str, str]:
    """Return the text of every tracked file that is text, by name."""
    found = {}
    for path in tracked_files():
        data = path.read_bytes()
        if b"\0" not in data[:8192]:
            found[str(path.relative_to(ROOT))] = data.decode("utf-8")
    return found


# ---------------------------------------------------------------- pins


def pins(requirements: list[str]) -> dict[str, frozenset[str]]:
    """Return {name: {">=1", "<2"}}; a requirement named twice is an error."""
    result: dict[str, frozenset[str]] = {}
    for requirement in requirements:
        match = re.fullmatch(r"([A-Za-z0-9_.-]+?)\s*((?:[<>=!~].*)?)", requirement)
        assert match, f"not a name and a version: {requirement!r}"
        name = match[1].lower()
        assert name not in result, f"{name} is pinned twice"
        result[name] = frozenset(part.strip() for part in match[2].split(",") if part)
    return result


def differences(project: dict, environment: dict) -> list[str]:
    """Say where a pyproject and a conda environment do not pin the same packages alike."""
    wanted = pins(
        project["dependencies"]
        + project["optional-dependencies"]["dev"]
        + [f"python{project['requires-python']}"]
    )
    listed = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    (by_pip,) = [e["pip"] for e in environment["dependencies"] if isinstance(e, dict)]
    conda, pip = pins(listed), pins([entry for entry in by_pip if entry != "-e ."])
    conda.pop("pip")  # it is there to read the list that is pip's
    told = [] if "-e ." in by_pip else ["the course itself (-e .) is missing"]
    for name, pin in wanted.items():
        there, other = (pip, conda) if name in ONLY_PIP else (conda, pip)
        name = CONDA_NAMES.get(name, name)
        if there.pop(name, None) != pin or name in other:
            told.append(f"{name} must be {','.join(sorted(pin))} there, once")
    return told + [f"{name} is not in pyproject.toml" for name in (*conda, *pip)]


@pytest.fixture
def project() -> dict:
    """The project table of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture
def environment() -> dict:
    """What environment.yml says."""
    return yaml.safe_load((ROOT / "environment.yml").read_text())


def test_environment_yml_pins_what_pyproject_pins(project, environment):
    assert differences(project, environment) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("pytorch>=2.6,<2.14", "pytorch>=2.6"),
        ("h5py>=3.12", "h5netcdf>=3.12"),
        ("python>=3.11", "python>=3.12"),
    ],
)
def test_a_pin_that_differs_is_found(project, environment, old, new):
    listed = environment["dependencies"]
    listed[listed.index(old)] = new
    assert differences(project, environment) != []


# ---------------------------------------------------------------- commands


def make_targets(makefile: str) -> set[str]:
    """Return the targets that are commands, not files."""
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    return set(phony.split())


def test_make_help_tells_of_every_target():
    makefile = (ROOT / "Makefile").read_text()
    told = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    helped = {line.split()[0] for line in told.splitlines()}
    assert helped == make_targets(makefile)
    assert helped >= {"setup", "demo", "release", "prove", "test", "lab", "format"}
    assert all(len(line.split()) > 2 for line in told.splitlines())


def shell_lines(page: str) -> list[list[str]]:
    """Return the words of each command in a page: its sh blocks, and its inline commands."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    inline = re.findall(r"`((?:make|nbgrader|python -m|\.venv/bin/python -m) [^`]+)`", page)
    lines = [line for block in blocks for line in block.splitlines()] + inline
    split = [shlex.split(line, comments=True) for line in lines]
    return [words for words in split if words]


def unknown_command(words: list[str]) -> str | None:
    """Return what is wrong with a command that a page tells people to type, or None."""
    if words[0] == "make":
        known = make_targets((ROOT / "Makefile").read_text())
        return None if words[1] in known else f"make has no target {words[1]}"
    if words[0] == "nbgrader":
        from nbgrader.apps.nbgraderapp import NbGraderApp

        return None if words[1] in NbGraderApp.subcommands else f"nbgrader has no {words[1]}"
    if words[1:3] == ["-m", "autograder"] and words[3] != "...":
        import typer

        from autograder.cli import app

        command = typer.main.get_command(app).commands.get(words[3])
        if command is None:
            return f"the autograder has no command {words[3]}"
        options = {option for parameter in command.params for option in parameter.opts}
        missing = [word for word in words[4:] if word.startswith("--") and word not in options]
        return f"autograder {words[3]} has no {missing}" if missing else None
    return None


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_a_page_shows_exists(page):
    lines = shell_lines((ROOT / page).read_text())
    assert [said for words in lines if (said := unknown_command(words))] == []


def test_a_command_that_does_not_exist_is_found():
    page = "```sh\nmake haste  # now\nnbgrader grade_all\n```\nor `python -m autograder gradde`."
    assert [bool(unknown_command(words)) for words in shell_lines(page)] == [True] * 3


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_links_to_exists(page):
    links = re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text())
    here = [link for link in links if "://" not in link]
    assert [link for link in here if not ((ROOT / page).parent / link).exists()] == []


# ---------------------------------------------------------------- what no file may hold

FORBIDDEN = {
    "a path of somebody's machine": re.compile(r"(?<![\w.$}~-])/(?:root|home|work)/[\w.]+"),
    "the address of a package registry": re.compile(
        r"\b(?:pypi\.org|pythonhosted\.org|download\.pytorch\.org|anaconda\.(?:org|com)"
        r"|[\w.-]*(?:artifactory|nexus)[\w-]*\.[\w.-]+)\b"
    ),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what):
    found = [
        f"{name}:{number}: {line.strip()[:80]}"
        for name, text in texts().items()
        for number, line in enumerate(text.splitlines(), 1)
        if FORBIDDEN[what].search(line)
    ]
    assert found == []


def test_the_forbidden_things_would_be_found():
    slash = "/"  # spelt apart, since this file is searched too
    path, registry = FORBIDDEN.values()
    assert path.search(f"see {slash}root{slash}x")
    assert path.search(f"'{slash}home{slash}ann'")
    assert path.search(f"cd {slash}work{slash}main")
    assert not path.search("the frame/work/s fine, ~/work/x too")
    assert registry.search("index-url = https:" + slash * 2 + "pypi" + ".org/simple")


# ---------------------------------------------------------------- notebooks


def troubles(notebook: dict) -> list[str]:
    """Say where a solution notebook is not stripped, not format 4.5, or has unreadable ids."""
    told = []
    if (notebook["nbformat"], notebook["nbformat_minor"]) != (4, 5):
        told.append("the format must be 4.5")
    ids = [cell.get("id", "") for cell in notebook["cells"]]
    told += [f"two cells have the id {name}" for name in sorted(set(ids)) if ids.count(name) > 1]
    for cell in notebook["cells"]:
        name = cell.get("id", "")
        # A word of letters first; what JupyterLab makes up (8 hex digits, a UUID) is no name.
        if not re.fullmatch(r"[a-z][a-z0-9_]*(-[a-z0-9_]+)*", name) or re.fullmatch(
            r"[0-9a-f]{8}(-[0-9a-f-]+)?", name
        ):
            told.append(f"{name!r} is not a readable id")
        if cell.get("outputs") or cell.get("execution_count") is not None:
            told.append(f"{name} must hold no outputs and no count")
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id", name)
        if grade_id != name:
            told.append(f"{name} has the grade_id {grade_id}: they must be equal")
    return told


NOTEBOOKS = sorted((ROOT / "solutions").glob("*/*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_solution_notebook_is_stripped_with_readable_ids_in_format_4_5(path):
    assert troubles(json.loads(path.read_text(encoding="utf-8"))) == []


def test_beside_the_solution_notebooks_are_only_pictures_that_they_show():
    # nbgrader releases whatever lies there.
    assert NOTEBOOKS
    released = [path for path in tracked_files() if path.is_relative_to(ROOT / "solutions")]
    shown = [
        path
        for path in released
        if path.suffix in (".jpg", ".png")
        and any(f"]({path.name})" in n.read_text() for n in NOTEBOOKS if n.parent == path.parent)
    ]
    assert sorted(set(released) - set(shown)) == NOTEBOOKS


@pytest.mark.parametrize(
    "change",
    [
        lambda nb: nb.update(nbformat_minor=4),
        lambda nb: nb["cells"][0].update(id="3f2a9c1e"),
        lambda nb: nb["cells"][0].update(id="a4c21d93-11c2-4e3f-8d0a-2b1c0d9e8f7a"),
        lambda nb: nb["cells"][0].update(execution_count=3),
        lambda nb: nb["cells"][0].update(outputs=[{"output_type": "stream"}]),
        lambda nb: nb["cells"].append(dict(nb["cells"][0])),
        lambda nb: nb["cells"][0]["metadata"].update(nbgrader={"grade_id": "other"}),
    ],
)
def test_a_notebook_in_another_form_is_found(change):
    cell = {"id": "step", "metadata": {}, "outputs": [], "execution_count": None, "source": ""}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "cells": [cell]}
    assert troubles(notebook) == []
    change(notebook)
    assert troubles(notebook) != []


@pytest.mark.parametrize("content", [gzip.compress(b"text"), b"text"])
def test_a_test_is_named_after_its_bytes_number_so_the_time_of_day_is_in_no_name(request, content):
    assert request.node.name.endswith(f"[{len(content)} bytes]")

"""tools/newcomer on a stand-in course: git clone, make lab, and the first exercise there."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (
    "# Course\n\n```sh\ngit clone {address} here  # get it\ncd here\nmake lab\n```\n\n## More\n"
)
ADDRESS = "https://example.org/a/course.git"
# The interpreter of this test in the place of what `make lab` would install.
MAKEFILE = """\
lab:
	mkdir -p .venv/bin
	printf '#!/bin/sh\\nPYTHONPATH={root} exec {python} "$$@"\\n' >.venv/bin/python
	chmod +x .venv/bin/python
	.venv/bin/python -m jupyterlab $(LAB_OPTIONS)
"""
NOTEBOOK = "a1_rnn_captioning/rnn_captioning.ipynb"


@pytest.fixture(scope="module")
def newcomer():
    """tools/newcomer/run.py."""
    path = ROOT / "tools" / "newcomer" / "run.py"
    spec = importlib.util.spec_from_file_location("newcomer_run", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def repository(tmp_path):
    """Write a stand-in course with the first assignment's notebook, and commit it."""

    def write(makefile=MAKEFILE, change=("", "")):
        root = tmp_path / "repository"
        for folder in ("assignments", "solutions"):
            notebook = json.loads((ROOT / folder / NOTEBOOK).read_text(encoding="utf-8"))
            # Without the pictures and trainings, which take their time.
            notebook["cells"] = [
                cell
                for cell in notebook["cells"]
                if "demonstration" not in cell["metadata"].get("tags", [])
            ]
            path = root / folder / NOTEBOOK
            path.parent.mkdir(parents=True)
            text = json.dumps(notebook)
            assert folder == "assignments" or change[0] in text
            path.write_text(text.replace(*change) if folder == "solutions" else text)
        (root / "README.md").write_text(README.format(address=ADDRESS))
        (root / "Makefile").write_text(makefile.format(root=ROOT, python=sys.executable))
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
        for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "course"]):
            subprocess.run([*git, *words], cwd=root, check=True)
        return root

    return write


def test_readme_leads_to_the_notebooks_in_four_commands_or_fewer(newcomer):
    commands = newcomer.commands_of((ROOT / "README.md").read_text())
    assert len(commands) <= 4
    assert commands[0].startswith("git clone https://")
    assert commands[-1] == "make lab"


@pytest.mark.parametrize(
    "block", ["make lab", "git clone a:b", "git clone a:b\ncd b\nmake x\nmake y\nmake lab", ""]
)
def test_a_readme_with_too_many_commands_or_without_a_beginning_is_refused(newcomer, block):
    with pytest.raises(newcomer.NotThere, match="Got"):
        newcomer.commands_of(f"# x\n\n```sh\n{block}\n```\n\n## y\n```sh\nmake lab\n```\n")


def test_a_newcomer_gets_to_a_right_first_exercise(newcomer, repository):
    said = newcomer.run(repository())
    assert "rnn_step_forward is right" in said
    assert "\n3 commands; JupyterLab runs after" in said


def test_a_wrong_first_exercise_is_told(newcomer, repository):
    with pytest.raises(
        newcomer.NotThere, match=r"(?s)not right.*rnn_step_forward is not right yet"
    ):
        newcomer.run(repository(change=(" + b", "")))


def test_a_command_that_fails_is_told_with_what_it_said(newcomer, repository):
    with pytest.raises(newcomer.NotThere, match=r"(?s)before JupyterLab runs.*no such package"):
        newcomer.run(repository("lab:\n\techo no such package; exit 1\n"))


def test_a_newcomer_has_nothing_of_this_course(newcomer, monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", "x")
    monkeypatch.setenv("PATH", f"{newcomer.REPOSITORY}/.venv/bin{os.pathsep}/usr/bin")
    env = newcomer.newcomers_environment(tmp_path, ADDRESS, ROOT)
    assert "PYTHONPATH" not in env
    assert env["PATH"] == "/usr/bin"

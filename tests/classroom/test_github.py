"""The GitHub Classroom workflow: it keeps its secrets, and its steps give the marks."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import typer
import yaml

from autograder import cli
from autograder.sandbox import NoSandbox
from autograder.sandbox.backends import choose_backend

REPOSITORY = Path(__file__).resolve().parents[2]
SLUG, NOTEBOOK = "a1_rnn_captioning", "rnn_captioning.ipynb"
SEED = "2311"


@pytest.fixture(scope="module")
def workflow():
    """The workflow; YAML's `on` is a truth value for this reader."""
    text = (REPOSITORY / "docs" / "classroom" / "grade.yml").read_text()
    return {("on" if key is True else key): value for key, value in yaml.safe_load(text).items()}


@pytest.fixture(scope="module")
def steps(workflow):
    """The steps with a name, by it."""
    jobs = workflow["jobs"].values()
    return {step["name"]: step for job in jobs for step in job["steps"] if "name" in step}


def test_nothing_that_a_student_does_starts_it(workflow):
    assert set(workflow["on"]) <= {"workflow_dispatch", "schedule"}
    assert workflow["permissions"] == {"contents": "read"}
    assert not (REPOSITORY / ".github" / "workflows" / "grade.yml").exists()


def test_secrets_reach_only_the_steps_that_run_no_students_code(workflow, steps):
    text = (REPOSITORY / "docs" / "classroom" / "grade.yml").read_text()
    holders = {name for name, step in steps.items() if "secrets." in str(step)}
    assert holders == {"Collect", "The class's seed", "Comment"}
    assert len(re.findall(r"secrets\.", text)) == 3
    for name in holders:
        assert "autograder" not in steps[name]["run"]
        assert all("secrets." not in str(v) for k, v in steps[name].items() if k != "env")
    assert "env" not in steps["Grade"]
    assert "secrets." not in str(workflow["env"])
    for job in workflow["jobs"].values():
        assert "secrets." not in str({k: v for k, v in job.items() if k != "steps"})
        for step in job["steps"]:
            if "checkout" in step.get("uses", ""):
                assert step["with"] == {"persist-credentials": False}


def test_no_input_of_a_persons_is_put_into_a_script(workflow):
    for job in workflow["jobs"].values():
        assert not [step["run"] for step in job["steps"] if "${{" in step.get("run", "")]


def test_what_it_calls_is_there(steps):
    commands = set(typer.main.get_command(cli.app).commands)
    for step in steps.values():
        subprocess.run(["bash", "-n"], input=step["run"], text=True, check=True)
        for name in re.findall(r"-m autograder ([\w-]+)", step["run"]):
            assert name in commands
        for path in re.findall(r"tools/[\w.]+", step["run"]):
            assert (REPOSITORY / path).is_file()
            assert not path.endswith(".sh") or os.access(REPOSITORY / path, os.X_OK)


def run(step, folder, **environment):
    programs = folder / "programs"
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-e", "-c", step["run"]],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(REPOSITORY), **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def checkout(tmp_path):
    """The private copy as the job sees it, with two students' repositories in a stand-in GitHub."""
    shutil.copy(REPOSITORY / "nbgrader_config.py", tmp_path)
    shutil.copytree(REPOSITORY / "tools", tmp_path / "tools")
    for kind in ("solutions", "assignments"):
        shutil.copytree(REPOSITORY / kind / SLUG, tmp_path / kind / SLUG)
    solution = nbformat.read(tmp_path / "solutions" / SLUG / NOTEBOOK, as_version=4)
    server = tmp_path / "server" / "school"
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@x.org", "-c", "init.defaultBranch=main"]
    for name in ("cap-ada", "cap-ben", "other"):
        repository = server / f"{name}.git"
        repository.mkdir(parents=True)
        if name == "cap-ada":
            nbformat.write(solution, repository / NOTEBOOK)
        else:
            (repository / "README.md").write_text("nothing yet")
            (repository / NOTEBOOK).symlink_to(tmp_path / "solutions" / SLUG / NOTEBOOK)
        for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "mine"]):
            subprocess.run([*git, *command], cwd=repository, check=True)
    (tmp_path / "programs").mkdir()
    for name, script in {
        "gh": 'echo "$@" >> "$LOG"; printf "%s\\n" cap-ada cap-ben other cap-../x; cat >> "$LOG"',
        "sudo": "exit 1",
    }.items():
        path = tmp_path / "programs" / name
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)
    return tmp_path


def test_its_steps_give_each_student_the_marks(checkout, steps):
    try:
        choose_backend("bwrap")
    except NoSandbox as error:
        pytest.skip(f"no sandbox on this machine: {error}")
    log = checkout / "log"
    log.touch()
    about = {
        "ORGANISATION": "school",
        "PREFIX": "cap-",
        "GH_TOKEN": "the-token",
        "GITHUB_SERVER_URL": f"file://{checkout}/server",
        "LOG": str(log),
    }
    told = run(steps["Collect"], checkout, **about)
    assert "2 repositories" in told
    assert sorted(path.name for path in (checkout / "students").iterdir()) == ["ada", "ben"]
    assert not (checkout / "students" / "ben" / NOTEBOOK).is_symlink()
    written = [path for path in checkout.rglob("*") if path.is_file() and path.name != "log"]
    assert not [path for path in written if b"the-token" in path.read_bytes()]
    run(steps["The class's seed"], checkout, CLASS_SEEDS=json.dumps({SLUG: int(SEED)}))
    assert (checkout / ".class-seeds.json").stat().st_mode & 0o077 == 0
    summary = checkout / "summary.md"
    run(steps["Grade"], checkout, ASSIGNMENT=SLUG, GITHUB_STEP_SUMMARY=str(summary))
    with (checkout / "marks.csv").open(newline="") as file:
        head, ada, ben = csv.reader(file)
    assert [head[0], *head[-2:]] == ["student", "total", "note"]
    assert (ada[0], ada[-2], ada[-1]) == ("ada", "36", "")
    assert (ben[0], ben[-2]) == ("ben", "0")
    assert "so it counts as not filled in" in ben[-1]
    assert ada[head.index("inline_question_1")] == ""
    assert "| ada | 36 of 40 |" in summary.read_text()
    assert "<title>" in (checkout / "pages" / "ada.html").read_text()
    run(steps["Comment"], checkout, **about)
    assert "pr comment 1 --repo school/cap-ada --body-file -" in log.read_text()
    assert "**36 of 40 points**" in log.read_text()
    assert "| inline question 1 | by your teacher |" in log.read_text()


def test_a_collection_that_finds_nobody_is_an_error(checkout):
    command = ["tools/collect_classroom.sh", "school", "zzz-", "students"]
    environment = {
        "GH_TOKEN": "x",
        "LOG": "/dev/null",
        "PATH": f"{checkout}/programs:/usr/bin:/bin",
    }
    done = subprocess.run(
        command,
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 1
    assert "No repository of school begins with zzz-" in done.stderr


def test_who_was_not_graded_is_told_without_points(tmp_path):
    sys.path.insert(0, str(REPOSITORY / "tools"))
    try:
        import classroom_marks
    finally:
        sys.path.pop(0)
    from autograder.report.results import not_graded

    told = not_graded("no sandbox")
    assert classroom_marks.table({"=eve": told})[1] == ["'=eve", "", "not graded: no sandbox"]
    assert "not your fault" in classroom_marks.comment(told)

"""The cell for Google Colab, run as Colab would run it: fetched files, and nothing elsewhere."""

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from traitlets.config import Config
from typer.testing import CliRunner

from autograder import bundle, cli, colab
from autograder.course import assignments, definition_cells
from autograder.repair import repair
from autograder.report.feedback import feedback_html

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = str(Path(os.path.dirname(yaml.__file__)).parent)
AFTER = """
import os
import cs231n_utils
print("here:", os.path.relpath(os.path.dirname(cs231n_utils.__file__)))
"""


@pytest.fixture(scope="module")
def students_zip(tmp_path_factory):
    """What `release --bundle` writes, without the search for leaks, which another test makes."""
    path = tmp_path_factory.mktemp("bundle") / f"{bundle.NAME}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in bundle.bundle_files(ROOT, assignments(ROOT)).items():
            archive.writestr(f"{bundle.TOP}/{name}", content)
    return path


@pytest.fixture(scope="module")
def students_repository(students_zip, tmp_path_factory):
    """A repository that holds the same: its address."""
    folder = tmp_path_factory.mktemp("repository")
    with zipfile.ZipFile(students_zip) as archive:
        archive.extractall(folder)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(folder / bundle.TOP)]
    for words in ("init --quiet", "add --all", "commit --quiet --message=notebooks"):
        subprocess.run([*git, *words.split()], check=True)
    return (folder / bundle.TOP).as_uri()


def run(cell, folder, *, on_colab=True, before="", after=""):
    """Run a cell in a folder by a Python that knows no course."""
    begin = f"import sys; sys.path[:] = [p for p in sys.path if p] + [{LIBRARIES!r}]\n"
    if on_colab:
        begin += "import types; sys.modules['google.colab'] = types.ModuleType('google.colab')\n"
    return subprocess.run(
        # -S: without what is installed here in an editable way, this course above all.
        [sys.executable, "-S", "-E", "-c", f"{begin}{before}\n{cell.source}\n{after}"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_on_colab_the_package_comes_from_a_repository(students_repository, tmp_path):
    cell = colab.colab_cell(students_repository)
    for _ in range(2):  # again, after Colab has started anew
        ran = run(cell, tmp_path, after=AFTER)
        assert (ran.returncode, ran.stdout) == (0, "here: cs231n/cs231n_utils\n"), ran.stderr


@pytest.mark.parametrize("way", ["uploaded", "fetched"])
def test_on_colab_the_package_comes_from_the_zip(way, students_zip, tmp_path):
    if way == "uploaded":
        (tmp_path / students_zip.name).symlink_to(students_zip)
    cell = colab.colab_cell("" if way == "uploaded" else students_zip.as_uri())
    ran = run(cell, tmp_path, after=AFTER)
    assert (ran.returncode, ran.stdout) == (0, "here: cs231n/cs231n_utils\n"), ran.stderr


def test_elsewhere_the_cell_does_nothing(students_repository, tmp_path):
    before = "path, modules = list(sys.path), set(sys.modules); del sys"
    after = "print(sys.path == path, set(sys.modules) == modules, sorted(globals())[:1])"
    ran = run(
        colab.colab_cell(students_repository), tmp_path, on_colab=False, before=before, after=after
    )
    assert (ran.stdout, ran.stderr) == ("True True ['COURSE']\n", "")
    assert list(tmp_path.iterdir()) == []


def test_only_what_is_missing_is_installed(tmp_path):
    (tmp_path / "cs231n" / "cs231n_utils").mkdir(parents=True)
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/calls\n')
    python.chmod(0o755)
    before = f"sys.executable = {str(python)!r}\n"
    cell = colab.colab_cell("")
    assert run(cell, tmp_path, before=before).returncode == 0
    assert not (tmp_path / "calls").exists()
    before += "sys.modules['h5py'] = sys.modules['PIL'] = None"  # as if they were not there
    assert run(cell, tmp_path, before=before).returncode == 0
    assert (tmp_path / "calls").read_text() == "-m pip install --quiet h5py pillow\n"


@pytest.mark.parametrize(
    ("course", "told"),
    [
        ("", "The course's files are missing. Upload cs231n-students.zip"),
        ("{other}", "cs231n must hold cs231n_utils: is COURSE right?"),
        ("file:///nowhere", "CalledProcessError"),
    ],
)
def test_what_is_not_there_is_told(course, told, tmp_path):
    other, here = tmp_path / "other", tmp_path / "here"
    here.mkdir()
    subprocess.run(["git", "init", "--quiet", str(other)], check=True)
    ran = run(colab.colab_cell(course.format(other=other.as_uri())), here)
    assert ran.returncode == 1
    assert told in ran.stderr


def test_it_installs_what_notebooks_import_and_leaves_jupyter_to_colab():
    project = tomllib.loads(bundle.students_pyproject(ROOT))["project"]
    names = {each.partition(">")[0] for each in project["dependencies"]}
    assert set(colab.PACKAGES.values()) == names - {"jupyterlab", "ipykernel", "ipython"}


# ---------------------------------------------------------------- in a release


def handout(*cells):
    return new_notebook(cells=[new_markdown_cell("# A title", id="title"), *cells])


def released(course):
    given = handout(new_code_cell("import numpy as np", id="setup"), new_code_cell("1", id="x"))
    step = colab.ColabCell(config=Config({"ColabCell": {"course": course}}))
    return step.preprocess(given, {})[0]


def test_it_comes_before_the_first_code_and_is_no_part_of_grading():
    nb = released("https://example.org/course")
    nbformat.validate(nb)
    assert [cell.id for cell in nb.cells] == ["title", "colab", "setup", "x"]
    assert 'COURSE = "https://example.org/course"' in nb.cells[1].source
    assert list(definition_cells(nb)) == ["setup", "x"]  # not run while grading
    assert "nbgrader" not in nb.cells[1].metadata
    compile(nb.cells[1].source, "cell", "exec")


def test_without_the_setting_there_is_none():
    assert [cell.id for cell in released(None).cells] == ["title", "setup", "x"]
    assert [cell.id for cell in colab.ColabCell().preprocess(handout(), {})[0].cells] == ["title"]


@pytest.mark.parametrize("course", ['https://x.org/"; import os', "a\nb", "a\\"])
def test_an_address_that_would_be_code_is_refused(course):
    with pytest.raises(ValueError, match=r"ColabCell\.course must be an address"):
        colab.colab_cell(course)


@pytest.mark.parametrize("slug", assignments(ROOT))
def test_every_released_notebook_has_it_first(slug):
    nb = nbformat.read(assignments(ROOT)[slug].release_path, as_version=4)
    code = [cell for cell in nb.cells if cell.cell_type == "code"]
    assert (code[0].id, code[0].source) == ("colab", colab.colab_cell("").source)


def test_a_submission_without_it_is_as_good_and_nothing_is_said():
    release = released("")
    begun_before = handout(*release.cells[2:])
    repaired = repair(begun_before, release)
    assert [cell.id for cell in repaired.notebook.cells] == [cell.id for cell in release.cells]
    assert repaired.notes == []


def test_an_address_that_a_student_wrote_into_it_is_put_back():
    release, submitted = released(""), released("https://example.org/mine")
    repaired = repair(submitted, release)
    assert repaired.notebook.cells[1].source == release.cells[1].source
    assert repaired.notes == ["The cell “colab” had been changed; it was put back as handed out."]


def test_the_feedback_page_does_not_show_it():
    nb = released("")
    nb.metadata["grading"] = {"exercises": {}}
    page = feedback_html(nb, {"nbgrader": {"notebook": "x", "score": 0, "max_score": 0}})
    assert "numpy" in page
    assert "google.colab" not in page


# ---------------------------------------------------------------- links


def test_links_open_each_notebook_in_colab_and_binder():
    lines = list(colab.links("https://github.com/ann/nets.git", ["a/b_c.ipynb"], "autumn/26"))
    assert lines[-1].startswith("| b c | [![Open in Colab](https://colab.research.google.com/")
    assert (
        "(https://colab.research.google.com/github/ann/nets/blob/autumn/26/a/b_c.ipynb)"
        in (lines[-1])
    )
    opened = "(https://mybinder.org/v2/gh/ann/nets/autumn%2F26?urlpath=lab/tree/a/b_c.ipynb)"
    assert opened in lines[-1]


@pytest.mark.parametrize("course", ["", "https://gitlab.com/a/b", "https://x.org/a.zip"])
def test_there_are_no_links_where_colab_cannot_follow(course):
    with pytest.raises(colab.NoSuchLinks, match=r"must be https://github\.com/OWNER/REPOSITORY"):
        list(colab.links(course, ["a.ipynb"]))


def test_the_command_takes_the_courses_own_setting(tmp_path, monkeypatch):
    monkeypatch.setattr("autograder.cli_elsewhere.course_root", lambda: tmp_path)
    path = tmp_path / "assignments" / "a1" / "one.ipynb"
    found = {"a1": SimpleNamespace(release_path=path)}
    monkeypatch.setattr("autograder.course.assignments", lambda root: found)
    config = tmp_path / "nbgrader_config.py"
    config.write_text("c = get_config()\nc.ColabCell.course = 'https://github.com/a/b'\n")
    done = CliRunner().invoke(cli.app, ["links", "--branch", "v2"])
    assert done.exit_code == 0
    assert "/a/b/blob/v2/assignments/a1/one.ipynb)" in done.output
    config.write_text("c = get_config()\n")
    assert CliRunner().invoke(cli.app, ["links"]).exit_code == 2

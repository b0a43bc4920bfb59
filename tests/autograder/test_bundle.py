"""The student bundle: everything that a student needs, and nothing that a student may not have."""

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

from autograder import bundle
from autograder.course import assignments

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def course():
    return assignments(ROOT)


@pytest.fixture(scope="module")
def files(course):
    return bundle.bundle_files(ROOT, course)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("student")
    path = bundle.write_bundle(ROOT, folder / "bundle.zip")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    return folder / bundle.TOP


def run(folder, *command):
    """Run Python in the bundle with an empty environment, where no course is installed."""
    # -S -E: nothing of what is installed here, a course above all, but the libraries' folder.
    libraries = str(Path(os.path.dirname(yaml.__file__)).parent)
    code = (
        f"import sys; sys.path[1:1] = ['', {libraries!r}]; sys.argv[0] = ''; "
        "sys.modules['autograder'] = None; import runpy; "
        f"runpy.run_module({command[0]!r}, run_name='__main__')"
    )
    return subprocess.run(
        [sys.executable, "-S", "-E", "-c", code],
        cwd=folder,
        env={"PATH": os.defpath, "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_unpacked_in_an_empty_folder_it_passes_its_own_test(unpacked):
    ran = run(unpacked, "cs231n_utils.ready")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "ok      notebooks  7 notebooks" in ran.stdout
    assert "Everything is there." in ran.stdout


def test_its_own_test_tells_what_is_missing(unpacked, tmp_path):
    (tmp_path / "cs231n_utils").symlink_to(unpacked / "cs231n_utils")
    (unpacked / "assignments").rename(unpacked / "elsewhere")
    try:
        ran = run(tmp_path, "cs231n_utils.ready")
    finally:
        (unpacked / "elsewhere").rename(unpacked / "assignments")
    assert ran.returncode == 1
    assert "FAILED  notebooks  FileNotFoundError: run this in the folder" in ran.stdout


def test_it_holds_the_notebooks_the_package_the_data_and_nothing_else(files, course):
    tops = {name.split("/")[0] for name in files}
    assert tops == {
        *("README.md", "LICENSE", "pyproject.toml", "environment.yml"),
        *("assignments", "cs231n_utils", "datasets", ".binder", ".devcontainer"),
    }
    for assignment in course.values():
        assert assignment.release_path.relative_to(ROOT).as_posix() in files
    kinds = {Path(name).suffix for name in files}
    assert kinds == {".md", "", ".toml", ".yml", ".ipynb", ".py", ".safetensors", ".jpg", ".json"}


def test_no_file_shows_a_solution_a_reference_or_a_hidden_case(files, course):
    assert list(bundle.leaks(files, course)) == []


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ("    dx = da @ Wx.T\n    dprev_h = da @ Wh.T\n", "the solution of "),
        ('"    dx = da @ Wx.T\\n",\n   "    dprev_h = da @ Wh.T\\n",', "the solution of "),
        ("D equals H, so a transposed weight still multiplies", "a hidden case of "),
        ("from autograder.judge import expect", "a part of the grader"),
        ("    ### BEGIN SOLUTION", "a solution's marker"),
    ],
)
def test_what_leaks_would_be_found(files, course, secret, why):
    name = "assignments/a1_rnn_captioning/rnn_captioning.ipynb"
    leaky = {name: files[name] + secret.encode()}
    assert any(why in said for said in bundle.leaks(leaky, course))


def test_a_reference_would_be_found(course):
    for slug, assignment in course.items():
        for name in assignment.exercises:
            path = ROOT / "autograder" / "exercises" / slug / f"{name}.py"
            assert any("examination" in said for said in bundle.leaks({"x": path.read_bytes()}, {}))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["assignments/a:b.ipynb"], "on Windows"),
        (["cs231n_utils/aux.py"], "on Windows"),
        (["cs231n_utils/A.py", "cs231n_utils/a.py"], "one file on Windows and macOS"),
        (["cs231n_utils/" + "a" * 140], "longer than"),
    ],
)
def test_paths_that_other_systems_cannot_have_are_refused(names, said):
    assert any(said in each for each in bundle.bad_names(dict.fromkeys(names, b"")))


def test_every_path_does_on_windows_and_macos(files):
    assert list(bundle.bad_names(files)) == []


def test_a_leaky_bundle_is_not_written(tmp_path, monkeypatch):
    def leaky(root, course):
        return {"README.md": b"    ### BEGIN SOLUTION"}

    monkeypatch.setattr(bundle, "bundle_files", leaky)
    with pytest.raises(bundle.LeakyBundle, match=r"README\.md holds a solution's marker"):
        bundle.write_bundle(ROOT, tmp_path / "bundle.zip")
    assert not (tmp_path / "bundle.zip").exists()


def test_the_same_files_give_the_same_bytes(tmp_path):
    paths = [bundle.write_bundle(ROOT, tmp_path / f"{n}.zip") for n in range(2)]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_it_installs_what_the_notebooks_import_and_no_grader(files):
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    project = tomllib.loads(files["pyproject.toml"].decode())["project"]
    assert set(project["dependencies"]) < set(ours)
    names = " ".join(project["dependencies"])
    for wanted in ("torch", "jupyterlab", "scikit-image", "safetensors"):
        assert wanted in names
    assert "nbgrader" not in names
    environment = yaml.safe_load(files["environment.yml"])
    assert not [each for each in environment["dependencies"] if "nbgrader" in each]
    assert any(each.startswith("pytorch>=") for each in environment["dependencies"])

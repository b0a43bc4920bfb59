"""The release: up to date, and without a solution, a hidden test or a secret."""

import shutil

import nbformat
import numpy as np
import pytest

from autograder.classroom import make_release
from autograder.course import CONFIG, Assignment, assignments
from autograder.recording import points_by_hand, record_assignment
from autograder.release import check_release, release, transcripts_path
from cs231n_utils import transcripts


@pytest.fixture
def copy(a1, tmp_path):
    """A copy of the course, with the release that is committed."""
    shutil.copy(a1.root / CONFIG, tmp_path / CONFIG)
    for tree in ("solutions", "assignments"):
        shutil.copytree(a1.root / tree, tmp_path / tree)
    return Assignment(a1.slug, tmp_path, a1.exercises)


def edit(path, change):
    notebook = nbformat.read(path, as_version=4)
    change({cell.id: cell for cell in notebook.cells})
    nbformat.write(notebook, path)


def test_the_committed_release_is_what_the_solutions_generate(assignment):
    assert check_release(assignment) == []


def test_a_changed_solution_is_noticed(copy):
    def change(cells):
        cells["rnn_forward"].source = cells["rnn_forward"].source.replace("Run a", "Run one")

    edit(copy.solution_path, change)
    assert any("not what its solution generates" in trouble for trouble in check_release(copy))


def test_a_leaked_solution_line_is_noticed(copy):
    def change(cells):
        cells["rnn_step_forward"].source += "\n    next_h = np.tanh(a)"

    edit(copy.release_path, change)
    troubles = check_release(copy)
    assert any("shows a solution line of rnn_step_forward" in trouble for trouble in troubles)


def test_a_mistyped_marker_is_noticed(copy):
    """One letter short, and nbgrader makes the whole cell the stub, or publishes it whole."""

    def change(cells):
        cell = cells["rnn_step_forward"]
        cell.source = cell.source.replace("### BEGIN SOLUTION", "### BEGIN SOLUTIO")
        cell.source = cell.source.replace("    ### END SOLUTION\n", "")

    edit(copy.solution_path, change)
    make_release(copy.root, copy.slug)
    troubles = check_release(copy)
    assert any("rnn_step_forward must hold a line '### BEGIN SOLUTION'" in t for t in troubles)


def test_a_file_that_is_not_for_students_is_noticed(copy):
    (copy.release_path.parent / "answers.py").write_text("secret = 1\n")
    assert any("answers.py" in trouble for trouble in check_release(copy))


def test_points_and_cells_agree_with_the_exercises(assignment):
    released = nbformat.read(assignment.release_path, as_version=4)
    marks = {c.id: c.metadata["nbgrader"] for c in released.cells if "nbgrader" in c.metadata}
    hidden = {
        i.removesuffix("-hidden"): m["points"] for i, m in marks.items() if i.endswith("-hidden")
    }
    assert hidden == {name: e.points for name, e in assignment.exercises.items()}
    ids = [cell.id for cell in released.cells]
    for name in assignment.exercises:
        at = ids.index(name)
        assert ids.index(f"{name}-check") > at
        assert ids.index(f"{name}-hidden") > ids.index(f"{name}-check")
        assert marks[name]["solution"]
        assert not marks[name]["grade"]


def test_releasing_twice_gives_the_same_bytes(copy, monkeypatch, tmp_path):
    monkeypatch.setattr("autograder.release.transcripts_path", lambda a: tmp_path / "t.safetensors")
    release(copy)
    first = copy.release_path.read_bytes(), (tmp_path / "t.safetensors").read_bytes()
    (tmp_path / "t.safetensors").unlink()
    release(copy)
    assert (copy.release_path.read_bytes(), (tmp_path / "t.safetensors").read_bytes()) == first


def nudged(value, by):
    """A recording whose numbers are off by a share, as another machine's are by rounding."""
    if isinstance(value, np.ndarray) and value.dtype == np.float64:
        return value * (1 + by)
    if isinstance(value, dict):
        return {key: nudged(item, by) for key, item in value.items()}
    return [nudged(item, by) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("by", "stays"), [(1e-13, True), (1e-3, False)])
def test_only_a_recording_that_says_something_else_is_written_anew(
    by, stays, copy, monkeypatch, tmp_path
):
    path = tmp_path / "t.safetensors"
    monkeypatch.setattr("autograder.release.transcripts_path", lambda a: path)
    transcripts.write(path, nudged(record_assignment(copy), by), points_by_hand(copy))
    before = path.read_bytes()
    release(copy)
    assert (path.read_bytes() == before) == stays


def test_half_a_recording_is_told_and_written_anew(copy, monkeypatch, tmp_path):
    path = tmp_path / "t.safetensors"
    monkeypatch.setattr("autograder.release.transcripts_path", lambda a: path)
    whole = transcripts_path(copy).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert any("not what the exercises record" in trouble for trouble in check_release(copy))
    release(copy)
    assert check_release(copy) == []


def test_transcripts_ship_with_the_package_that_students_install(a1):
    assert transcripts_path(a1).parent.parent.name == "cs231n_utils"
    assert transcripts_path(a1).is_file()


def test_every_assignment_of_the_course_is_found(a1):
    assert a1.slug in assignments(a1.root)


def test_no_two_exercises_of_the_course_have_the_same_name(a1):
    names = [name for each in assignments(a1.root).values() for name in each.exercises]
    assert len(names) == len(set(names))

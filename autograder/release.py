"""Make what students get: the assignment's notebook, and the transcripts that `check` replays.

nbgrader generates `assignments/<slug>/` from `solutions/<slug>/`; both are committed, so that
students can clone and go and reviewers see what a student will see. `check_release` generates them
again elsewhere and compares, and proves that nothing leaked.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from safetensors import SafetensorError

from cs231n_utils import transcripts

from .classroom import make_release
from .course import CONFIG, Assignment
from .recording import points_by_hand, record_assignment

# What a release may hold beside its notebook.
STUDENT_FILES = {".png", ".jpg", ".csv", ".txt"}
MARKERS = ("### BEGIN SOLUTION", "### END SOLUTION")


def transcripts_path(assignment: Assignment) -> Path:
    """Return where the assignment's transcripts lie: in the package that students install."""
    return Path(transcripts.__file__).parent / "checks" / f"{assignment.slug}.safetensors"


def release(assignment: Assignment) -> None:
    """Write the transcripts and the released notebook of one assignment.

    Transcripts that another machine recorded, and whose numbers differ by rounding, stay.
    """
    path, recorded = transcripts_path(assignment), record_assignment(assignment)
    by_hand = points_by_hand(assignment)
    if not _says(path, recorded, by_hand):
        transcripts.write(path, recorded, by_hand)
    make_release(assignment.root, assignment.slug)


def check_release(assignment: Assignment) -> list[str]:
    """Return what is wrong with the committed release, in sentences; [] when nothing is."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shutil.copy(assignment.root / CONFIG, root / CONFIG)
        shutil.copytree(assignment.solution_path.parent, root / "solutions" / assignment.slug)
        make_release(root, assignment.slug)
        fresh = root / "assignments" / assignment.slug
        troubles = [*_different_files(fresh, assignment.release_path.parent)]
    troubles += _leaks(assignment)
    troubles += _stale_transcripts(assignment)
    return troubles


def _different_files(fresh: Path, committed: Path) -> Iterator[str]:
    again = "run `python -m autograder release` and commit what it wrote"
    names = {p.relative_to(fresh) for p in fresh.rglob("*") if p.is_file()}
    ignored = (".ipynb_checkpoints",)
    there = {
        p.relative_to(committed)
        for p in committed.rglob("*")
        if p.is_file() and not any(part in ignored for part in p.parts)
    }
    for name in sorted(names | there):
        if name not in there:
            yield f"{committed.name}/{name} is missing: {again}"
        elif name not in names:
            yield f"{committed.name}/{name} is not generated from anything"
        elif (fresh / name).read_bytes() != (committed / name).read_bytes():
            yield f"{committed.name}/{name} is not what its solution generates: {again}"


def _leaks(assignment: Assignment) -> Iterator[str]:
    """Yield each line of a solution, and each marker, that the release shows."""
    if not assignment.release_path.is_file():
        return
    text = assignment.release_path.read_text(encoding="utf-8")
    released = nbformat.reads(text, as_version=4)
    for word in ("SOLUTION", "HIDDEN"):
        if word in text:
            yield f"the release of {assignment.slug} contains the marker {word}"
    lines = _lines(cell.source for cell in released.cells)
    # A line that also stands outside the solutions (as an example) is given away on purpose.
    given = _lines(outside_solutions(cell.source) for cell in assignment.solution.cells)
    for cell in assignment.solution.cells:
        for line in solution_lines(cell.source):
            if line in lines - given:
                yield f"the release shows a solution line of {cell.id}: {line}"
        yield from _bad_markers(cell)
    for cell in released.cells:
        marks = cell.metadata.get("nbgrader", {})
        todo = cell.cell_type == "code" and marks.get("solution")
        if todo and "raise NotImplementedError" not in cell.source:
            yield f"the TODO cell {cell.id} does not raise NotImplementedError"
        if cell.get("outputs"):
            yield f"the released cell {cell.id} has outputs"
    extra = [
        path.name
        for path in assignment.release_path.parent.rglob("*")
        if path.is_file() and path != assignment.release_path and path.suffix not in STUDENT_FILES
    ]
    for name in extra:
        yield f"the release of {assignment.slug} holds {name}, which is not for students"


def _bad_markers(cell: nbformat.NotebookNode) -> Iterator[str]:
    """Yield a solution cell whose markers nbgrader would not see: it then releases too much."""
    marks = cell.metadata.get("nbgrader", {})
    if cell.cell_type != "code" or not marks.get("solution"):
        return
    lines = [line.strip() for line in cell.source.splitlines()]
    found = [line for line in lines if line in MARKERS]
    if not found or found != list(MARKERS) * (len(found) // 2):
        yield f"the cell {cell.id} must hold a line {MARKERS[0]!r} and then a line {MARKERS[1]!r}"


def _lines(sources: Iterable[str]) -> set[str]:
    return {line.strip() for source in sources for line in source.splitlines()}


def outside_solutions(source: str) -> str:
    """Return a cell's text without what stands between its solution markers."""
    return "\n".join(line for line, inside in _marked_lines(source) if not inside)


def solution_lines(source: str) -> Iterator[str]:
    """Yield the lines between the solution markers that could give an answer away."""
    for line, inside in _marked_lines(source):
        if inside and len(line.strip()) > 8:
            yield line.strip()


def _marked_lines(source: str) -> Iterator[tuple[str, bool]]:
    """Yield each line but the markers, and whether it stands between them."""
    inside = False
    for line in source.splitlines():
        if "BEGIN SOLUTION" in line or "END SOLUTION" in line:
            inside = "BEGIN" in line
        else:
            yield line, inside


def _stale_transcripts(assignment: Assignment) -> Iterator[str]:
    path = transcripts_path(assignment)
    again = "run `python -m autograder release` and commit what it wrote"
    if not path.is_file():
        yield f"{path.name} is missing: {again}"
    elif not _says(path, record_assignment(assignment), points_by_hand(assignment)):
        yield f"{path.name} is not what the exercises record: {again}"


def _says(path: Path, recorded: dict[str, Any], by_hand: dict[str, float]) -> bool:
    """Return whether a file holds these transcripts, up to rounding, and these points by hand."""
    try:
        there, points = transcripts.read(path), transcripts.read_by_hand(path)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError):
        return False  # there is none, or half of one, or one of an older form
    return points == by_hand and _alike(there, _as_read(recorded))


def _as_read(recorded: Any) -> Any:
    """Return a recording as it looks after being written and read."""
    with tempfile.TemporaryDirectory() as folder:
        transcripts.write(Path(folder) / "t.safetensors", recorded)
        return transcripts.read(Path(folder) / "t.safetensors")


def _alike(a: Any, b: Any) -> bool:
    """Compare recordings; numbers up to rounding, which differs between machines."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        exact = a.dtype != np.float32
        room = dict(rtol=1e-9, atol=1e-12) if exact else dict(rtol=1e-3, atol=1e-4)
        return a.shape == b.shape and a.dtype == b.dtype and np.allclose(a, b, **room)
    if isinstance(a, dict) and isinstance(b, dict) and "sums" in a and "sums" in b:
        return transcripts.same_prints(a, b)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_alike(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_alike, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return bool(np.isclose(a, b, rtol=1e-6, atol=1e-8))
    return a == b

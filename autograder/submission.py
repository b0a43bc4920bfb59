"""Grade one submission as a pure piece of work: bytes in, data out, in whatever process.

    graded = grade_submission(work)

`Work` and `Graded` are plain data that our own processes send each other; nothing of a student's is
ever unpickled. What comes out is what `nbgrader autograde` with our steps would have written: the
notebook, and each cell's mark and comment. Only `autograder.writer` touches the gradebook.
"""

from __future__ import annotations

import json
import logging
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import MissingEntry
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearOutput,
    DeduplicateIds,
    LimitOutput,
    OverwriteCells,
)
from nbgrader.utils import compute_checksum, determine_grade, is_grade, is_solution, is_task
from traitlets.config import Config

from autograder.arrange import arrange, read_timestamp
from autograder.bench import Bench, bench
from autograder.intake import LIMITS, Submission
from autograder.nbgrader_plugin import RECORD, JudgeCells, judge_notebook, remarks
from autograder.repair import repair

KEY = "key"
"""Where a notebook's record says what it was graded from (autograder.unchanged)."""

log = logging.getLogger("autograder.nbgrader")


@dataclass(frozen=True)
class SourceCell:
    """What nbgrader's gradebook knows about a cell of the assignment."""

    cell_type: str
    locked: bool
    source: str
    checksum: str | None
    max_score: float | None


@dataclass(frozen=True)
class Material:
    """What grading an assignment needs, for whoever does it: the same for a whole class."""

    slug: str
    notebook: str
    release: str
    solution: str
    kernelspec: Any
    cells: Mapping[str, SourceCell]
    files: Mapping[str, bytes]
    settings: Mapping[str, Mapping[str, Any]]
    digest: str = ""
    """Of all of it and of the code that grades: see autograder.unchanged."""

    @property
    def config(self) -> Config:
        """The course's settings, as nbgrader's steps take them."""
        return Config({name: Config(values) for name, values in self.settings.items()})


@dataclass(frozen=True)
class Work:
    """One submission to grade, and how. Nothing in it is bound to this process."""

    material: Material = field(repr=False)
    student: str
    submission: Submission = field(repr=False)
    backend: str
    seed: int
    key: str = ""


@dataclass
class Graded:
    """What came of one submission: the notebook's text, each cell's mark and comment, and time."""

    assignment: str
    student: str
    notebook_name: str
    notebook: str = field(default="", repr=False)
    files: list[str] = field(default_factory=list)
    timestamp: datetime | None = None
    scores: dict[str, float | None] = field(default_factory=dict)
    comments: dict[str, str | None] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict, repr=False)
    seconds: float = 0.0
    spent: dict[str, float] = field(default_factory=dict)
    error: str | None = None
    log: str = field(default="", repr=False)


def grade_submission(work: Work) -> Graded:
    """Grade one submission. Whatever goes wrong is told in the result's `error`."""
    graded = Graded(work.material.slug, work.student, work.material.notebook)
    began = time.perf_counter()
    with bench() as tools:
        try:
            _grade(work, graded, tools)
        except Exception as error:
            graded.error = sentence(error)
            graded.log = traceback.format_exc()
    graded.seconds = time.perf_counter() - began
    return graded


def _grade(work: Work, graded: Graded, tools: Bench) -> None:
    material, config = work.material, work.material.config
    with _timed(graded, "read"):
        release = tools.release(material)
        arranged = arrange(work.submission, {material.notebook: release})
        graded.files = list(arranged.files)
        graded.timestamp = read_timestamp(arranged.files)
    with _timed(graded, "repair"):
        repaired = repair(arranged.notebooks[material.notebook], release)
        nb = repaired.notebook
        nb.metadata[RECORD] = {"notes": [*arranged.notes, *repaired.notes]}
        nb = sanitize(nb, material, config)
    with _timed(graded, "prepare"):
        options = JudgeCells(config=config)
        options.backend, options.seed = work.backend, work.seed
        files = {**arranged.files, **material.files}
        chosen = sorted(name for name in files if not name.endswith(".ipynb"))[: LIMITS.files]
        starter = tools.starter(material, work.backend)  # it imports while this process does
        assignment, bank = tools.assignment(material), tools.bank(material)
    with _timed(graded, "run and judge"):
        beside = {name: files[name] for name in chosen}
        nb = judge_notebook(nb, assignment, options, beside, bank, starter)
    with _timed(graded, "mark"):
        limit = LimitOutput(config=config, log=log)
        for index, cell in enumerate(nb.cells):
            limit.preprocess_cell(cell, {}, index)
        graded.scores, graded.comments = marks(nb)
        check_metadata(nb)
        if work.key:
            nb.metadata[RECORD][KEY] = work.key
        graded.record = dict(nb.metadata[RECORD])
        graded.notebook = as_written(nb)


def sanitize(nb: NotebookNode, material: Material, config: Config) -> NotebookNode:
    """Do what nbgrader's sanitizing steps do (`safe_autograde.SANITIZE`), without its database."""
    for step in (ClearOutput, DeduplicateIds):
        nb, _ = step(config=config, log=log).preprocess(nb, {})
    if material.kernelspec:
        nb.metadata["kernelspec"] = nbformat.from_dict(material.kernelspec)
    overwrite = OverwriteCells(config=config, log=log)
    overwrite.gradebook = _KnownCells(material.cells)
    overwrite.notebook_id = overwrite.assignment_id = ""
    for index, cell in enumerate(nb.cells):
        overwrite.preprocess_cell(cell, {}, index)
    check_metadata(nb)
    return nb


_checked: set[str] = set()


def check_metadata(nb: NotebookNode) -> None:
    """Do what nbgrader's CheckCellMetadata does; the same metadata is looked at once."""
    told = [[cell.cell_type, cell.metadata.get("nbgrader")] for cell in nb.cells]
    marks = json.dumps([entry for entry in told if entry[1]], sort_keys=True)
    if marks not in _checked:
        CheckCellMetadata(log=log).preprocess(nb, {})
        if len(_checked) > 100:
            _checked.clear()
        _checked.add(marks)


@dataclass
class _KnownCells:
    """What nbgrader's OverwriteCells asks its gradebook."""

    cells: Mapping[str, SourceCell]

    def find_source_cell(self, name: str, *_: str) -> SourceCell:
        if name not in self.cells:
            raise MissingEntry(name)
        return self.cells[name]

    def find_graded_cell(self, name: str, *_: str) -> SimpleNamespace:
        return SimpleNamespace(max_score=self.cells[name].max_score)


def marks(nb: NotebookNode) -> tuple[dict[str, float | None], dict[str, str | None]]:
    """Return what nbgrader's SaveAutoGrades and our SaveComments save: scores and automatic
    comments by cell.
    """
    scores: dict[str, float | None] = {}
    comments: dict[str, str | None] = {}
    for cell in nb.cells:
        if is_grade(cell):
            scores[cell.metadata.nbgrader.grade_id] = determine_grade(cell, log)[0]
        if is_solution(cell) or is_task(cell):
            marked = cell.metadata.nbgrader
            unchanged = marked.get("checksum") == compute_checksum(cell) and not is_task(cell)
            comments[marked.grade_id] = "No response." if unchanged else None
    for name, said in remarks(nb).items():
        comments[name] = "\n\n".join(filter(None, [comments[name], *said]))
    return scores, comments


def as_written(nb: NotebookNode) -> str:
    """A notebook's text as nbgrader writes it."""
    text = nbformat.writes(nb, version=nbformat.current_nbformat)
    return text if text.endswith("\n") else text + "\n"


def sentence(trouble: BaseException) -> str:
    """An exception in one line."""
    first = (str(trouble).strip().splitlines() or [""])[0][:300]
    return f"{type(trouble).__name__}: {first}"


class _timed:
    """Add a step's seconds to what a submission spent."""

    def __init__(self, graded: Graded, step: str) -> None:
        self.graded, self.step = graded, step

    def __enter__(self) -> None:
        self.began = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.graded.spent[self.step] = time.perf_counter() - self.began

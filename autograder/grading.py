"""Grade one notebook: run its cells behind the wall, judge each exercise from outside.

Cells run one by one in a student's process; a graded cell is never sent there, its exercise is
examined through the proxy where the cell stands, and its outputs are written here. A cell that
kills or hangs the process costs itself: the rest runs without it in a fresh process, and what was
judged stays judged.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import nbformat

from .course import Assignment, is_shown_only
from .errors import printable
from .exercise import Exercise
from .judge import Verdict, judge
from .mistakes import MistakeBank
from .rendering import verdict_output
from .sandbox import Limits, Session, start_session

# A notebook whose cells kill the process again and again is not restarted for ever.
MAX_STARTS = 6
HIDDEN = "-hidden"


@dataclass
class GradedNotebook:
    """The notebook with our outputs, each exercise's verdict, and sentences for people."""

    nb: nbformat.NotebookNode
    verdicts: dict[str, Verdict]
    notes: list[str]
    seconds: float
    sandbox: str


def grade_notebook(
    nb: nbformat.NotebookNode,
    assignment: Assignment,
    *,
    seed: int,
    limits: Limits | None = None,
    backend: str = "auto",
    files: Mapping[str, bytes] | None = None,
    bank: MistakeBank | None = None,
) -> GradedNotebook:
    """Return the graded notebook; `nb` itself is not changed.

    `seed` draws the hidden inputs: the same for a whole class, secret before. `bank` may be shared
    by the submissions of a class, which saves running the known mistakes again. Raises NoSandbox
    when nothing can be run here; nothing that the notebook does raises.
    """
    start = time.perf_counter()
    nb = nbformat.from_dict(nb)
    bank = bank or MistakeBank(assignment)
    with _Run(limits or Limits(), backend, files or {}) as run:
        verdicts: dict[str, Verdict] = {}
        for number, cell in enumerate(nb.cells):
            if cell.cell_type != "code":
                continue
            exercise = _exercise_of(cell, assignment)
            if exercise is not None:
                verdict = run.examine(exercise, seed, bank)
                verdicts[exercise.name] = verdict
                cell.outputs = [verdict_output(verdict, number)]
                cell.execution_count = number
            elif is_shown_only(cell):
                cell.outputs, cell.execution_count = [], None
            elif _is_test(cell):
                cell.outputs, cell.execution_count = [_unmarked(number)], number
            else:
                cell.outputs = run.execute(cell)
                cell.execution_count = number
    for exercise in assignment.exercises.values():
        if exercise.name not in verdicts:
            error = f"the cell {exercise.name}{HIDDEN} is not in the notebook"
            verdicts[exercise.name] = Verdict(exercise, [], error=error)
    verdicts = {name: verdicts[name] for name in assignment.exercises}
    return GradedNotebook(nb, verdicts, run.notes, time.perf_counter() - start, run.backend_name)


@dataclass
class _Run:
    """A student's process, started again when it has died, without the cells that killed it."""

    limits: Limits
    backend: str
    files: Mapping[str, bytes]
    notes: list[str] = field(default_factory=list)
    backend_name: str = ""
    _session: Session | None = None
    _done: list[str] = field(default_factory=list)  # sources that ran, in order
    _starts: int = 0
    _timed_out: dict[str, str] = field(default_factory=dict)
    _deadline: float = 0.0

    def __enter__(self) -> _Run:
        self._deadline = time.monotonic() + self.limits.submission_seconds
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._session is not None:
            self._session.close()

    def execute(self, cell: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
        """Run a student's cell and return its outputs."""
        session = self._alive()
        if session is None:
            return [_error("NotRun", self._given_up())]
        result = session.run_cell(cell.source)
        if session.dead is not None:
            self.notes.append(
                f"{_place(cell)} ended the notebook's process ({session.dead}). "
                "Everything else was graded without it."
            )
        else:
            self._done.append(cell.source)
            self._tell_error(cell, result)
        return [nbformat.from_dict(output) for output in result.outputs]

    def examine(self, exercise: Exercise, seed: int, bank: MistakeBank) -> Verdict:
        """Judge one exercise on the functions that the cells so far have defined."""
        session = self._alive()
        if session is None:
            return Verdict(exercise, [], error=self._given_up())
        known = set(self._timed_out)
        verdict = judge(exercise, session, seed, bank=bank, timed_out=self._timed_out)
        for name in self._timed_out.keys() - known:
            self.notes.append(f"{self._timed_out[name]}. It was not called again.")
        if session.dead is not None:
            self.notes.append(
                f"While {exercise.name} was examined, the notebook's process ended "
                f"({session.dead}). The other exercises were graded in a fresh one."
            )
        return verdict

    def _tell_error(self, cell: nbformat.NotebookNode, result: Any) -> None:
        if result.status in ("timeout", "flooded"):
            reason = result.outputs[-1]["evalue"]
            self.notes.append(printable(f"{_place(cell)} was stopped: {reason}", 500))
            return
        errors = [o for o in result.outputs if o["output_type"] == "error"]
        marks = cell.metadata.get("nbgrader", {})
        if not errors or not marks.get("solution"):
            return
        ename, evalue = errors[-1]["ename"], errors[-1]["evalue"]
        self.notes.append(printable(f"{_place(cell)} stopped with {ename}: {evalue}", 500))

    def _alive(self) -> Session | None:
        """Return a session that has run the cells so far; None when it died too often."""
        while self._session is None or self._session.dead is not None:
            if self._starts >= MAX_STARTS or time.monotonic() > self._deadline:
                return None
            self._start()
        return self._session

    def _start(self) -> None:
        if self._session is not None:
            self._session.close()
        left = max(self._deadline - time.monotonic(), 1.0)
        limits = replace(self.limits, submission_seconds=left)
        self._starts += 1
        self._session = start_session(limits, self.backend, dict(self.files))
        self.backend_name = self._session.backend_name
        for source in list(self._done):
            if self._session.run_cell(source).status == "dead" or self._session.dead:
                self._done.remove(source)  # it ran before, and now it kills: it goes too
                break

    def _given_up(self) -> str:
        if time.monotonic() > self._deadline:
            return f"not run: the notebook used its {self.limits.submission_seconds:g} seconds"
        return f"not run: the notebook's process ended {self._starts} times"


def _place(cell: nbformat.NotebookNode) -> str:
    """Say which cell it is: by its id where the release gave it one, else by how it begins."""
    if "grade_id" in cell.metadata.get("nbgrader", {}):
        return f"The cell {cell.id}"
    first = next((line for line in cell.source.splitlines() if line.strip()), "")
    return printable(f"The cell that begins with “{first.strip()[:60]}”")


def _exercise_of(cell: nbformat.NotebookNode, assignment: Assignment) -> Exercise | None:
    marks = cell.metadata.get("nbgrader", {})
    name = str(marks.get("grade_id", ""))
    if not _is_test(cell) or not name.endswith(HIDDEN):
        return None
    return assignment.exercises.get(name.removesuffix(HIDDEN))


def _is_test(cell: nbformat.NotebookNode) -> bool:
    marks = cell.metadata.get("nbgrader", {})
    return bool(marks.get("grade")) and not marks.get("solution")


def _unmarked(number: int) -> nbformat.NotebookNode:
    """A test cell that no exercise stands behind scores 0, never full."""
    return nbformat.v4.new_output(
        "execute_result", {"text/plain": "0.0"}, execution_count=number, metadata={}
    )


def _error(name: str, message: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_output(
        "error", ename=name, evalue=message, traceback=[f"{name}: {message}"]
    )

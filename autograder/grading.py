"""Grade one notebook: run its cells behind the wall, judge each exercise from outside.

Cells run one by one in a student's process; a graded cell is never sent there. When all have run,
each exercise is examined through the proxy, with the names that there were where its graded cell
stands, and the cell's outputs are written here. A cell that kills or hangs the process costs
itself: the rest runs without it in a fresh process, and what was judged stays judged.

Nothing that a student may read holds a hidden input: the cells' outputs come before the first one
is drawn, and what failing cases say comes from a process that never saw one, or from our own copy
of the known mistake.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import nbformat

from .course import Assignment, is_shown_only
from .errors import CallRefused, CallTimeout, SessionDead, StudentRaised, Wrong, printable
from .exercise import Exercise
from .forbidden import forbidden_name
from .judge import PUBLIC_SEED, CaseResult, Verdict, judge, say_once
from .mistakes import MistakeBank
from .rendering import verdict_output
from .sandbox import Limits, ServerLost, Session, start_session
from .sandbox.limit_reached import limit_reached
from .sandbox.starter import Starter, start_plain
from .student import Student
from .wording import few

# A notebook whose cells kill the process again and again is not restarted for ever.
MAX_STARTS = 6
# Of a submission's time, for its cells; what is left is for the examinations.
CELLS_SHARE = 2 / 3
# Of a cell's time, for one that used all of it before, where only words depend on it. What it
# defines comes first in most of them, and the loop without an end behind it.
AGAIN_SHARE = 0.1
UNTOLD = "wrong on the hidden inputs, though not on the public ones"
NO_TIME = "wrong; to find out more, there was no time left"
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
    tell_hidden: bool = False,
    starter: Starter = start_plain,
) -> GradedNotebook:
    """Return the graded notebook; `nb` itself is not changed.

    `seed` draws the hidden inputs: the same for a whole class, secret before. `bank` may be shared
    by the submissions of a class, which saves running the known mistakes again. With `tell_hidden`,
    what failing cases say is what they said on the hidden inputs; else nothing of them is told.
    `starter` starts the student's processes. Raises NoSandbox when nothing can be run here; nothing
    that the notebook does raises.
    """
    run = _Run(limits or Limits(), backend, files or {}, starter)
    bank = bank or MistakeBank(assignment)
    try:
        return _grade(nb, assignment, run, seed, bank, tell_hidden)
    except ServerLost:  # nothing that this notebook is to blame for: once more, from the start
        run = _Run(run.limits, backend, run.files, starter)
        return _grade(nb, assignment, run, seed, bank, tell_hidden)


def _grade(
    nb: nbformat.NotebookNode,
    assignment: Assignment,
    run: _Run,
    seed: int,
    bank: MistakeBank,
    tell_hidden: bool,
) -> GradedNotebook:
    start = time.perf_counter()
    nb = nbformat.from_dict(nb)
    tests: dict[str, tuple[int, nbformat.NotebookNode]] = {}
    with run:
        # First all cells, then all examinations: what a cell shows cannot hold a hidden input.
        for number, cell in enumerate(nb.cells):
            if cell.cell_type != "code":
                continue
            exercise = _exercise_of(cell, assignment)
            cell.execution_count = number
            if exercise is not None:
                run.mark(exercise.name)
                tests[exercise.name] = number, cell
            elif is_shown_only(cell):
                cell.outputs, cell.execution_count = [], None
            elif _is_test(cell):
                cell.outputs = [_unmarked(number)]
            else:
                cell.outputs = run.execute(cell)
        verdicts: dict[str, Verdict] = {}
        run.allow(MAX_STARTS // 2)
        for name in tests:
            exercise = assignment.exercises[name]
            used = forbidden_name(exercise, run.cells_before(name), assignment)
            verdicts[name] = refused(exercise, used) if used else run.examine(exercise, seed, bank)
        if not tell_hidden:
            run.reword(verdicts, bank)
    for name, (number, cell) in tests.items():
        cell.outputs = [verdict_output(verdicts[name], number)]
    for exercise in assignment.exercises.values():
        if exercise.name not in verdicts:
            error = f"the cell {exercise.name}{HIDDEN} is not in the notebook"
            verdicts[exercise.name] = Verdict(exercise, [], error=error)
    verdicts = {name: verdicts[name] for name in assignment.exercises}
    return GradedNotebook(nb, verdicts, run.notes, time.perf_counter() - start, run.backend_name)


@dataclass(frozen=True)
class _Mark:
    """The place of a graded cell: the names that its exercise is examined with."""

    name: str


@dataclass
class _Run:
    """A student's process, started again when it has died, without the cells that killed it."""

    limits: Limits
    backend: str
    files: Mapping[str, bytes]
    starter: Starter
    notes: list[str] = field(default_factory=list)
    backend_name: str = ""
    _session: Session | None = None
    _steps: list[str | _Mark] = field(default_factory=list)  # cells that ran, and marks, in order
    _position: int = 0  # steps done in the present process
    _starts: int = 0
    _forbidden: tuple[str, ...] = ()  # in the present process
    _timed_out: dict[str, str] = field(default_factory=dict)
    _endless: set[str] = field(default_factory=set)  # cells that used all of their time
    _for_words: bool = False  # the points are given already
    _deadline: float = 0.0
    _cells_deadline: float = 0.0
    _shown_bytes: int = 0

    def __enter__(self) -> _Run:
        now = time.monotonic()
        self._deadline = now + self.limits.submission_seconds
        self._cells_deadline = now + self.limits.submission_seconds * CELLS_SHARE
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._session is not None:
            self._session.close()

    def execute(self, cell: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
        """Run a student's cell and return its outputs."""
        left = self._cells_deadline - time.monotonic()
        session = self._reach(len(self._steps)) if left > 0 else None
        if session is None:
            return [_error("NotRun", self._given_up())]
        result = session.run_cell(cell.source, min(self.limits.cell_seconds, left))
        if session.dead is not None:
            self.notes.append(
                f"{_place(cell)} ended the notebook's process ({session.dead}). "
                "Everything else was graded without it."
            )
        else:
            if result.status == "timeout":
                self._endless.add(cell.source)
            self._did(cell.source)
            self._tell_error(cell, result)
        return self._shown([nbformat.from_dict(output) for output in result.outputs])

    def allow(self, starts: int) -> None:
        """Let so many processes more be started, whatever ended the earlier ones."""
        self._starts = min(self._starts, MAX_STARTS - starts)

    def mark(self, name: str) -> None:
        """Remember the names as they are where the exercise `name` is to be examined."""
        session = self._reach(len(self._steps))
        mark = _Mark(name)
        if session is None or not _quietly(session.mark, name):
            self._steps.append(mark)  # a fresh process will come by there
        else:
            self._did(mark)

    def examine(self, exercise: Exercise, seed: int, bank: MistakeBank) -> Verdict:
        """Judge one exercise on the functions that stood before its graded cell."""
        session = self._at(exercise.name)
        if session is None:
            return Verdict(exercise, [], error=self._given_up())
        known = set(self._timed_out)
        self._forbid(exercise.forbids)
        verdict = judge(exercise, session, seed, bank=bank, timed_out=self._timed_out)
        if any(call.error == "NotAllowed" for log in verdict.logs for call in log):
            verdict = refused(exercise, few(exercise.forbids))
        for name in self._timed_out.keys() - known:
            self.notes.append(f"{self._timed_out[name]}. It was not called again.")
        if session.dead is not None:
            self.notes.append(
                f"While {exercise.name} was examined, the notebook's process ended "
                f"({session.dead}). The other exercises were graded in a fresh one."
            )
        return verdict

    def cells_before(self, name: str) -> list[str]:
        """Return the cells that run before an exercise is examined."""
        return [s for s in self._steps[: self._steps.index(_Mark(name))] if isinstance(s, str)]

    def reword(self, verdicts: Mapping[str, Verdict], bank: MistakeBank) -> None:
        """Let failing cases say what they say on inputs that everybody may know.

        A student's function can put its inputs into an exception's message, the name of a type or
        the shape of an answer. So these words come from a fresh process that never saw a hidden
        input; or from the known mistake, which is ours and gives the same answers. The points stay
        as they are.
        """
        unclear = []
        for verdict in verdicts.values():
            if _in_own_words(verdict):
                continue
            if verdict.mistake is not None and not any(case.raised for case in verdict.cases):
                _reword(verdict, bank.public(verdict.exercise, verdict.mistake))
            else:
                unclear.append(verdict)
        if not unclear:
            return
        if self._session is not None:
            self._session.close()
        self.allow(1)
        self._for_words = True
        for verdict in unclear:
            exercise, said = verdict.exercise, None
            if (session := self._at(exercise.name)) is not None:
                # Without the net: its own exception would be taken for the student's.
                said = judge(exercise, session, PUBLIC_SEED, timed_out=dict(self._timed_out))
            _reword(verdict, said)

    def _tell_error(self, cell: nbformat.NotebookNode, result: Any) -> None:
        errors = [o for o in result.outputs if o["output_type"] == "error"]
        if not errors:
            return
        if reached := limit_reached(errors[-1], self.limits):
            self.notes.append(printable(f"{_place(cell)} {reached}.", 500))
            return
        if not cell.metadata.get("nbgrader", {}).get("solution"):
            return
        ename, evalue = errors[-1]["ename"], errors[-1]["evalue"]
        self.notes.append(printable(f"{_place(cell)} stopped with {ename}: {evalue}", 500))

    def _shown(self, outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
        """Return a cell's outputs while there is room for them in the notebook."""
        size = len(str(outputs))
        if self._shown_bytes + size <= self.limits.submission_output_bytes:
            self._shown_bytes += size
            return outputs
        most = self.limits.submission_output_bytes
        if self._shown_bytes <= most:
            self.notes.append(f"Outputs beyond {most} bytes in all were left out.")
            self._shown_bytes = most + 1
        return [_error("TooMuchOutput", f"the notebook's outputs take more than {most} bytes")]

    def _did(self, step: str | _Mark) -> None:
        self._steps.append(step)
        self._position = len(self._steps)

    def _at(self, name: str) -> Session | None:
        """Return a session whose names are those at a mark; None when it died too often."""
        while True:
            place = self._steps.index(_Mark(name)) + 1
            session = self._reach(place)
            # Behind the mark stand the cells that came after it.
            if session is None or _quietly(session.recall, name):
                return session

    def _reach(self, place: int) -> Session | None:
        """Return a session that has done the first `place` steps at least; None when it died too
        often.
        """
        while True:
            if self._session is None or self._session.dead is not None:
                if self._starts >= MAX_STARTS or time.monotonic() > self._deadline:
                    return None
                self._start()
            if self._position >= place:
                return self._session
            step = self._steps[self._position]
            if isinstance(step, _Mark):
                done = _quietly(self._session.mark, step.name)
            else:
                self._forbid(())
                seconds = self.limits.cell_seconds
                if self._for_words and step in self._endless:
                    seconds *= AGAIN_SHARE
                result = self._session.run_cell(step, seconds)
                done = result.status != "dead" and not self._session.dead
            if done:
                self._position += 1
            elif not isinstance(step, _Mark):
                # It ran before, and now it kills: it goes too.
                del self._steps[self._position]
                place -= 1

    def _start(self) -> None:
        if self._session is not None:
            self._session.close()
        left = max(self._deadline - time.monotonic(), 1.0)
        limits = replace(self.limits, submission_seconds=left)
        self._starts += 1
        self._position = 0
        self._forbidden = ()
        self._session = start_session(limits, self.backend, dict(self.files), starter=self.starter)
        self.backend_name = self._session.backend_name

    def _forbid(self, names: Sequence[str]) -> None:
        """Let forbidden names, and no others, raise where they are used while the code runs.

        It happens in the student's process, which can undo it: a second net, for what reading the
        source does not show. Exercises in a row that forbid the same need it told once.
        """
        if tuple(names) != self._forbidden:
            self._forbidden = tuple(names)
            with contextlib.suppress(SessionDead, CallTimeout, StudentRaised, Wrong):
                Student(self._session).forbid(names)

    def _given_up(self) -> str:
        if self._starts >= MAX_STARTS:
            return "not run: the notebook's process had ended too often"
        return f"not run: the notebook used its {self.limits.submission_seconds:g} seconds"


def refused(exercise: Exercise, used: str) -> Verdict:
    """The verdict on an answer that uses a forbidden name."""
    cases = [CaseResult(case.name, False) for case in exercise.cases]
    return Verdict(exercise, cases, error=f"{used} is not allowed here, so this counts 0 points")


def _quietly(work: Callable[[str], None], name: str) -> bool:
    """Do something to a session that an unharmed one can do; end a session that cannot."""
    try:
        work(name)
    except (SessionDead, CallTimeout, CallRefused):
        work.__self__.close()
        return False
    return True


def _in_own_words(verdict: Verdict) -> bool:
    return all(case.passed or case.own_words for case in verdict.cases)


def _reword(verdict: Verdict, said: Verdict | None) -> None:
    """Give failing cases the words that they have in `said`, the verdict on public inputs."""
    public = {case.name: case for case in said.cases} if said else {}
    shared = said.error if said else None
    verdict.error = None
    for case in verdict.cases:
        if not case.passed and not case.own_words:
            told = public.get(case.name)
            if told is None:
                case.message = NO_TIME
            else:
                case.message = UNTOLD if told.passed else told.message or shared or ""
    verdict.cases, verdict.error = say_once(verdict.cases)


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

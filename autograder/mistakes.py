"""Know a mistake when it is seen: our solution with one edit, run on the same inputs.

A wrong answer is compared, call by call, with what each known mistake of the exercise answers to
the very same inputs. Where all answers agree, the student is told the mistake's hint. The mistakes
run in this process: they are edits of our own solution, and never a student's text.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cs231n_utils.transcripts import FLOOR, SAME

from .exercise import Edit, Exercise, Mistake
from .student import Call, Local, Student, Transport

if TYPE_CHECKING:
    from .course import Assignment
    from .judge import Verdict


class MistakeBank:
    """The answers of an assignment's known mistakes, made when first asked for, kept by seed."""

    def __init__(self, assignment: Assignment, *, strict: bool = False) -> None:
        self.assignment = assignment
        # Strict: an examine function that stumbles is our bug and must be heard (`prove`, tests).
        self.strict = strict
        self._logs: dict[tuple[str, str, int], list[list[Call]]] = {}
        self._public: dict[tuple[str, str], Verdict] = {}

    def transport(self, exercise: Exercise, edit: Edit | None = None) -> Transport:
        """Return our solution, with one edit if given, ready to be called in this process."""
        return Local(self.namespace(exercise, edit))

    def namespace(self, exercise: Exercise, edit: Edit | None = None) -> dict[str, Any]:
        """Run our solution, with one edit if given, and return its names."""
        return run_cells(edited(self.assignment.solution_cells(), exercise, edit))

    def logs(self, exercise: Exercise, mistake: Mistake, seed: int) -> list[list[Call]]:
        """Return what the mistake answers, for each case of the exercise."""
        from .judge import examine_case

        key = (exercise.name, mistake.name, seed)
        if key not in self._logs:
            transport = self.transport(exercise, mistake)
            logs = []
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # overflow is what some mistakes are about
                for index, case in enumerate(exercise.cases):
                    student = Student(transport, exercise.returns)
                    examine_case(exercise, case, index, student, seed)
                    logs.append(student.log)
            self._logs[key] = logs
        return self._logs[key]

    def public(self, exercise: Exercise, mistake: Mistake) -> Verdict:
        """Return the verdict on the mistake, on the inputs that everybody may know."""
        from .judge import PUBLIC_SEED, judge

        key = (exercise.name, mistake.name)
        if key not in self._public:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                said = judge(exercise, self.transport(exercise, mistake), PUBLIC_SEED)
            said.logs.clear()  # only the words are wanted, and it is kept
            self._public[key] = said
        return self._public[key]

    def recognise(
        self, exercise: Exercise, logs: Sequence[list[Call]], seed: int
    ) -> Mistake | None:
        """Return the known mistake whose answers these are, or None."""
        if not any(call.items or call.error for log in logs for call in log):
            return None
        for mistake in exercise.mistakes:
            known = self.logs(exercise, mistake, seed)
            if len(known) == len(logs) and all(map(same_log, known, logs)):
                return mistake
        return None


def edited(cells: dict[str, str], exercise: Exercise, edit: Edit | None) -> dict[str, str]:
    """Return the solution's cells with one edit, if given."""
    if edit is None:
        return cells
    cell = edit.cell or exercise.name
    return {k: edit.apply(v) if k == cell else v for k, v in cells.items()}


def run_cells(cells: dict[str, str]) -> dict[str, Any]:
    """Run our own cells one after another and return their namespace."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for cell_id, source in cells.items():
            lines = (line for line in source.splitlines() if not line.startswith(("%", "!")))
            exec(compile("\n".join(lines), f"<cell {cell_id}>", "exec"), namespace)
    return namespace


def same_log(known: list[Call], seen: list[Call]) -> bool:
    """Return whether two logs of calls hold the same answers."""
    return len(known) == len(seen) and all(map(_same_call, known, seen))


def _same_call(known: Call, seen: Call) -> bool:
    return (
        known.error == seen.error
        and known.changed == seen.changed
        and len(known.items) == len(seen.items)
        and all(map(_same_item, known.items, seen.items))
        and len(known.gradients or []) == len(seen.gradients or [])
        and all(map(_same_item, known.gradients or [], seen.gradients or []))
    )


def _same_item(known: Any, seen: Any) -> bool:
    if isinstance(known, np.ndarray) and isinstance(seen, np.ndarray):
        if known.shape != seen.shape:
            return False
        with np.errstate(all="ignore"):
            # Finite values on their own scale; NaN and infinity must stand in the same places.
            scale = np.abs(known[np.isfinite(known)]).max(initial=0.0)
            single = np.float32 in (known.dtype, seen.dtype)
            loose = "single" if single else "double"
            room = SAME[loose] * scale + FLOOR[loose]
            return np.allclose(known, seen, rtol=0, atol=room, equal_nan=True)
    if isinstance(known, np.ndarray) or isinstance(seen, np.ndarray):
        return False
    # Handles and containers stay with the student: how a cache is laid out is nobody's business.
    return isinstance(known, str) == isinstance(seen, str) and (known is None) == (seen is None)

"""Record the public cases of an exercise for `check`: calls, right answers, mistakes' fingerprints.

The recording is a straight line of calls, made once on our solution with a public seed. It is
replayed in the student's notebook without a line of the reference or the solution.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from cs231n_utils import transcripts

from .course import Assignment
from .exercise import Case, Exercise, ExerciseError
from .judge import PUBLIC_SEED, Examination, examine_case
from .mistakes import MistakeBank
from .student import Call, Kept, Student


def record_assignment(assignment: Assignment) -> dict[str, Any]:
    """Return the transcripts of an assignment's exercises, by name."""
    bank = MistakeBank(assignment, strict=True)
    return {name: record(exercise, bank) for name, exercise in assignment.exercises.items()}


def points_by_hand(assignment: Assignment) -> dict[str, float]:
    """Return the points of the cells that a teacher marks, by name: `check.all` tells of them."""
    marks = [cell.metadata.get("nbgrader", {}) for cell in assignment.solution.cells]
    return {
        each["grade_id"]: float(each["points"])
        for each in marks
        if each.get("grade") and each.get("solution")
    }


def record(exercise: Exercise, bank: MistakeBank) -> dict[str, Any]:
    """Return the transcript of one exercise: its public cases and its known mistakes."""
    cases = [
        _record_case(exercise, case, index, bank)
        for index, case in enumerate(exercise.cases)
        if case.public
    ]
    mistakes = []
    for mistake in exercise.mistakes:
        namespace = bank.namespace(exercise, mistake)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            prints = [transcripts.replay(case["calls"], namespace).prints for case in cases]
        mistakes.append({"name": mistake.name, "hint": mistake.hint, "prints": prints})
    return {
        "title": exercise.title,
        "assignment": exercise.assignment,
        "points": float(exercise.points),
        "returns": dict(exercise.returns),
        "cases": cases,
        "mistakes": mistakes,
    }


def _record_case(exercise: Exercise, case: Case, index: int, bank: MistakeBank) -> dict[str, Any]:
    student = Student(bank.transport(exercise), exercise.returns)
    result, examination = examine_case(exercise, case, index, student, PUBLIC_SEED)
    if not result.passed:
        raise ExerciseError(
            f'{exercise.name}, "{case.name}": the solution must pass. {result.message}'
        )
    answers = {
        item.number: [call, place]
        for call, entry in enumerate(student.log)
        for place, item in enumerate(entry.items)
        if isinstance(item, Kept)
    }
    expected = _expectations(exercise, case, examination)
    seen = {tuple(e["origin"][:2]) for e in expected}
    return {
        "name": case.name,
        "calls": [
            {"name": _name(call, student), "request": _symbolic(call.request, answers)}
            for call in student.log
        ],
        "expectations": expected,
        "premises": _premises(student.log, seen),
        "untouched": [[call, names] for call, names in examination.untouched],
    }


def _expectations(exercise: Exercise, case: Case, examination: Examination) -> list[dict[str, Any]]:
    if not examination.expectations:
        raise ExerciseError(f'{exercise.name}, "{case.name}": a public case must expect something')
    for expectation in examination.expectations:
        if expectation.origin is None:
            raise ExerciseError(
                f'{exercise.name}, "{case.name}": a public case must compare what a call '
                f"returned, as it is. {expectation.name} was computed from it"
            )
    return [
        {
            "name": e.name,
            "comparator": e.comparator,
            "options": e.options,
            "want": e.want,
            "origin": list(e.origin),
        }
        for e in examination.expectations
    ]


def _premises(log: list[Call], seen: set[tuple[int, int]]) -> list[dict[str, Any]]:
    """Return what earlier calls should have answered, so that a trouble in them is told as theirs.

    They are what a backward stands on: its forward's output, which the case itself does not judge.
    """
    looked_at = {call for call, _ in seen}
    return [
        {
            "name": "",
            "comparator": "close",
            "options": {"kind": item.dtype.kind},
            "want": item,
            "origin": [call, place, ""],
        }
        for call, entry in enumerate(log)
        if entry.request["op"] == "call" and call not in looked_at
        for place, item in enumerate(entry.items)
        if isinstance(item, np.ndarray)
        and item.dtype.kind in "fib"
        and not _fetched_later(call, log)
    ]


def _fetched_later(call: int, log: list[Call]) -> bool:
    """A call whose container is fetched afterwards is itself under examination."""
    return any(entry.request["op"] == "fetch" for entry in log[call + 1 : call + 2])


def _symbolic(value: Any, answers: dict[int, list[int]]) -> Any:
    """Replace numbers of kept objects by where they came from: numbers differ between people."""
    if isinstance(value, dict):
        if value.get("__ref__") == "kept":
            return {"__answer__": answers[value["id"]]}
        if value.get("__ref__") == "tensor" and "answer" in value:
            return {"__ref__": "tensor", "value": {"__answer__": value["answer"]}}
        return {
            key: {"__answer__": answers[item], "number": True}
            if key in ("id", "module") and item is not None
            else _symbolic(item, answers)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_symbolic(item, answers) for item in value]
    return value


def _name(call: Call, student: Student) -> str:
    target = call.request.get("target", {})
    return target.get("name") or target.get("method") or target.get("public") or ""

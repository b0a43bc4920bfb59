"""Decide a mark: run an exercise's cases against a student's functions, and find the known mistake.

The judge runs where the student's code never ran. It draws the inputs, sends them through the
proxy, and compares what comes back with the reference. Partial credit is per named case.
"""

from __future__ import annotations

import zlib
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cs231n_utils import compare

from .errors import CallTimeout, SessionDead, StudentRaised, Wrong
from .exercise import Case, Exercise, Mistake
from .mistakes import MistakeBank
from .student import Call, Student, Transport

PUBLIC_SEED = 231  # of the cases that `check` replays: everybody may know it


@dataclass
class CaseResult:
    """One case: passed, or the sentence for the student that says why not."""

    name: str
    passed: bool
    message: str = ""
    own_words: bool = True  # the message holds nothing that the student's process can choose
    raised: bool = False  # the message is not of a comparison: the case did not reach its end


@dataclass
class Verdict:
    """What an exercise earned, case by case; `mistake` where the answer is a known one."""

    exercise: Exercise
    cases: list[CaseResult]
    mistake: Mistake | None = None
    error: str | None = None  # one sentence, when the same is wrong with every case
    logs: list[list[Call]] = field(default_factory=list, repr=False)

    @property
    def max_points(self) -> float:
        """The exercise's points."""
        return float(self.exercise.points)

    @property
    def share(self) -> float:
        """The share of the cases' weights that passed, in [0, 1]."""
        weights = {case.name: case.weight for case in self.exercise.cases}
        passed = sum(weights[result.name] for result in self.cases if result.passed)
        return passed / sum(weights.values())

    @property
    def points(self) -> float:
        """The points earned: a finite builtin float, full only when every case passed."""
        return round(self.max_points * self.share, 2)


@dataclass
class Expectation:
    """One comparison, as `expect` made it: enough to make it again in a student's notebook."""

    name: str
    comparator: str
    options: dict[str, Any]
    want: np.ndarray
    origin: tuple[int, int, str] | None  # call, item and key of what was compared
    trouble: str | None


@dataclass
class Examination:
    """The case under way: who is examined, and what has been expected so far."""

    student: Student
    expectations: list[Expectation] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    untouched: list[tuple[int, list[str]]] = field(default_factory=list)  # call, its arrays' names


_current: ContextVar[Examination] = ContextVar("examination")


def expect(name: str, got: Any, want: Any, *, comparator: str = "close", **options: Any) -> bool:
    """Compare an answer with what is wanted; a difference fails the case, which goes on.

    The options are the comparator's (`cs231n_utils.compare`). The usual one, `close`, has
    rtol=1e-5 of the array's largest entry: an answer kept in float32 is right too, and every
    known mistake is off by far more.
    """
    now = _current.get()
    want = np.asarray(want)
    trouble = compare.COMPARATORS[comparator](name, got, want, **options)
    origin = now.student.origin(got)
    now.expectations.append(Expectation(name, comparator, options, want, origin, trouble))
    if trouble:
        now.troubles.append(trouble)
    return trouble is None


def expect_true(condition: bool, otherwise: str) -> bool:
    """Fail the case with the sentence `otherwise` unless the condition holds; the case goes on."""
    if not condition:
        _current.get().troubles.append(otherwise)
    return bool(condition)


def expect_unchanged(student: Student, *names: str) -> bool:
    """Fail the case when the last call wrote into one of its first arrays, named in order."""
    _current.get().untouched.append((len(student.log) - 1, list(names)))
    trouble = compare.untouched(student.log[-1].changed, names)
    return expect_true(not trouble, trouble)


def case_rng(exercise: Exercise, index: int, seed: int) -> np.random.Generator:
    """Return the generator of one case: the same for everybody in a run, secret before it."""
    return np.random.default_rng([seed, zlib.crc32(exercise.name.encode()), index])


def examine_case(
    exercise: Exercise, case: Case, index: int, student: Student, seed: int
) -> tuple[CaseResult, Examination]:
    """Run one case. What the student's code did wrong becomes the result's message.

    CallTimeout and SessionDead are told in the result too; the caller sees from the session
    whether it can go on.
    """
    examination = Examination(student)
    own, raised = False, True
    token = _current.set(examination)
    try:
        with np.errstate(all="ignore"):
            case.examine(student, case_rng(exercise, index, seed), **case.parameters)
        raised = False
    except (Wrong, StudentRaised, CallTimeout) as error:
        own = not examination.troubles and getattr(error, "own_words", False)
        examination.troubles.append(str(error))
    except SessionDead as error:
        own = not examination.troubles
        examination.troubles.append(f"this ended the notebook's process: {error}")
    finally:
        _current.reset(token)
    troubles = examination.troubles
    told = CaseResult(case.name, not troubles, "; ".join(troubles[:4]), own, raised)
    return told, examination


def judge(
    exercise: Exercise,
    transport: Transport,
    seed: int,
    *,
    bank: MistakeBank | None = None,
    timed_out: dict[str, str] | None = None,
) -> Verdict:
    """Examine one exercise and return the verdict.

    `bank` finds the known mistake behind a wrong answer. `timed_out` remembers, over the whole
    notebook, which functions never came to an end, so that each costs one deadline only. An
    examine function that raises anything else is our own bug or an answer of a kind that we did
    not foresee: the case fails, and the message says so.
    """
    timed_out = timed_out if timed_out is not None else {}
    cases: list[CaseResult] = []
    logs: list[list[Call]] = []
    for index, case in enumerate(exercise.cases):
        student = Student(transport, exercise.returns, timed_out)
        try:
            result, _ = examine_case(exercise, case, index, student, seed)
        except Exception as error:
            if bank is not None and bank.strict:
                raise
            told = f"the answer could not be examined ({type(error).__name__})"
            result = CaseResult(case.name, False, told, raised=True)
        cases.append(result)
        logs.append(student.log)
        if _has_ended(transport):
            break
    done = {result.name for result in cases}
    for case in exercise.cases:
        if case.name not in done:
            cases.append(CaseResult(case.name, False, "not run: the process had ended"))
            logs.append([])
    cases, error = say_once(cases)
    verdict = Verdict(exercise, cases, error=error, logs=logs)
    if verdict.share < 1 and bank is not None:
        verdict.mistake = bank.recognise(exercise, logs, seed)
    return verdict


def is_right(exercise: Exercise, transport: Transport, seed: int) -> bool:
    """Return whether an answer scores full marks, without a case after the first that fails."""
    for index, case in enumerate(exercise.cases):
        student = Student(transport, exercise.returns)
        try:
            result, _ = examine_case(exercise, case, index, student, seed)
        except Exception:  # as in `judge`
            return False
        if not result.passed or _has_ended(transport):
            return False
    return True


def say_once(cases: list[CaseResult]) -> tuple[list[CaseResult], str | None]:
    """Move a message that all cases share to the verdict: a missing function is told once."""
    messages = {case.message for case in cases}
    if len(cases) < 2 or len(messages) > 1 or any(case.passed for case in cases):
        return cases, None
    own, raised = all(c.own_words for c in cases), any(c.raised for c in cases)
    bare = [CaseResult(case.name, False, own_words=own, raised=raised) for case in cases]
    return bare, messages.pop()


def _has_ended(transport: Transport) -> bool:
    """Return whether a session is known to have ended; the judge's own process never has."""
    return getattr(transport, "dead", None) is not None

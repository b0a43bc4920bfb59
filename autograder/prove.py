"""Prove the tests: every right answer full marks, every known wrong one less, and known by name.

For each exercise: the solution scores 100 %, the unfilled notebook 0 %, each mistake less than
100 % and is recognised as itself, each equivalent 100 %. Solution and unfilled notebook go the
whole way through the sandbox; mistakes and equivalents are edits of our own solution and run in
this process, with the same judge.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import nbformat

from .course import Assignment
from .exercise import Edit, Equivalent, Exercise, Mistake
from .forbidden import forbidden_name
from .grading import grade_notebook
from .judge import judge
from .mistakes import MistakeBank, edited
from .sandbox.starter import Starter, start_plain


@dataclass(frozen=True)
class Proof:
    """One claim about one exercise, and whether it held."""

    assignment: str
    exercise: str
    claim: str
    held: bool
    detail: str = ""


def prove(
    assignment: Assignment,
    names: Iterable[str] | None = None,
    *,
    backend: str = "auto",
    seed: int | None = None,
    starter: Starter = start_plain,
) -> Iterator[Proof]:
    """Yield the proofs of an assignment's exercises (of those in `names`, if given)."""
    seed = secrets.randbits(60) if seed is None else seed
    chosen = [e for e in assignment.exercises.values() if names is None or e.name in names]
    bank = MistakeBank(assignment, strict=True)
    yield from _whole_notebooks(assignment, chosen, backend, seed, starter)
    cells = assignment.solution_cells()
    for exercise in chosen:
        for mistake in exercise.mistakes:
            yield _mistake(bank, exercise, mistake, seed)
        for equivalent in exercise.equivalents:
            yield _equivalent(bank, exercise, equivalent, seed)
            if exercise.forbids:
                yield _allowed(assignment, exercise, equivalent, cells)
        for shortcut in exercise.shortcuts:
            yield _shortcut(assignment, exercise, shortcut, cells)


def _whole_notebooks(
    assignment: Assignment, chosen: list[Exercise], backend: str, seed: int, starter: Starter
) -> Iterator[Proof]:
    claims = (
        ("the solution scores 100 %", assignment.solution_path, 1.0),
        ("the unfilled notebook scores 0 %", assignment.release_path, 0.0),
    )
    for claim, path, share in claims:
        notebook = nbformat.read(path, as_version=4)
        graded = grade_notebook(
            notebook, assignment, seed=seed, backend=backend, tell_hidden=True, starter=starter
        )
        for exercise in chosen:
            verdict = graded.verdicts[exercise.name]
            failed = "; ".join(f"{c.name}: {c.message}" for c in verdict.cases if not c.passed)
            detail = failed if share == 1 else f"{verdict.share:.0%}" if verdict.share else ""
            held = verdict.share == share
            yield Proof(assignment.slug, exercise.name, claim, held, "" if held else detail)


def _mistake(bank: MistakeBank, exercise: Exercise, mistake: Mistake, seed: int) -> Proof:
    # Another seed's answers for the bank would do as well; the same is what a class gets.
    verdict = judge(exercise, bank.transport(exercise, mistake), seed, bank=bank)
    claim = f"mistake: {mistake.name}"
    if verdict.share == 1:
        return Proof(exercise.assignment, exercise.name, claim, False, "it scores full marks")
    if verdict.mistake is not (exercise.find_mistake(mistake.like) if mistake.like else mistake):
        seen = f'"{verdict.mistake.name}"' if verdict.mistake else "nothing known"
        return Proof(exercise.assignment, exercise.name, claim, False, f"recognised as {seen}")
    return Proof(exercise.assignment, exercise.name, claim, True, f"{verdict.share:.0%}")


def _equivalent(bank: MistakeBank, exercise: Exercise, equivalent: Equivalent, seed: int) -> Proof:
    verdict = judge(exercise, bank.transport(exercise, equivalent), seed, bank=bank)
    failed = "; ".join(f"{c.name}: {c.message}" for c in verdict.cases if not c.passed)
    claim = f"equivalent: {equivalent.name}"
    return Proof(exercise.assignment, exercise.name, claim, verdict.share == 1, failed)


def _allowed(assignment: Assignment, exercise: Exercise, edit: Edit, cells: dict) -> Proof:
    used = forbidden_name(exercise, edited(cells, exercise, edit).values(), assignment)
    claim = f"equivalent, and allowed: {edit.name}"
    return Proof(exercise.assignment, exercise.name, claim, used is None, used or "")


def _shortcut(assignment: Assignment, exercise: Exercise, shortcut: Edit, cells: dict) -> Proof:
    used = forbidden_name(exercise, edited(cells, exercise, shortcut).values(), assignment)
    claim = f"not allowed: {shortcut.name}"
    return Proof(exercise.assignment, exercise.name, claim, used is not None, used or "not noticed")

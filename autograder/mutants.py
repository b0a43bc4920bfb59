"""Automatic mutants: every solution cell with one operator changed, as a test of the tests.

The operators are cosmic-ray's (a kept mutation library). A mutant that still scores full marks
survives: either a case is missing, or the change makes no difference, and then the exercise says
why in `harmless`. Mutants may loop or die, so they run behind the wall.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace

from .course import Assignment
from .exercise import Exercise, ExerciseError
from .judge import is_right
from .sandbox import Limits, Session, SessionDead, start_session
from .sandbox.starter import Starter, start_plain

LIMITS = replace(Limits(), cell_seconds=5.0, call_seconds=2.0, submission_seconds=3600.0)


@dataclass(frozen=True)
class Mutant:
    """One changed solution cell: the line as it was and as it is."""

    exercise: str
    operator: str
    before: str
    after: str
    source: str

    @property
    def change(self) -> str:
        """The change on one line, as an exercise's `harmless` names it."""
        return f"{self.before} -> {self.after}"


@dataclass(frozen=True)
class Survivor:
    """A mutant with full marks; `why` is the exercise's explanation, empty when it has none."""

    mutant: Mutant
    why: str


def make_mutants(exercise: Exercise, source: str) -> Iterator[Mutant]:
    """Yield the distinct mutants of one solution cell's solution region."""
    try:
        from cosmic_ray.mutating import mutate_code
        from cosmic_ray.plugins import get_operator, operator_names
    except ImportError as error:
        raise ExerciseError(
            'mutants need cosmic-ray: pip install -e ".[dev]" in the course\'s folder'
        ) from error
    seen = {source}
    for name in sorted(operator_names()):
        try:
            operator = get_operator(name)()
        except TypeError:
            continue  # it wants arguments, such as a variable's name
        occurrence = 0
        while (mutated := mutate_code(source, operator, occurrence)) is not None:
            occurrence += 1
            before, after = _difference(source, mutated)
            if mutated not in seen and _inside_solution(source, mutated):
                seen.add(mutated)
                yield Mutant(exercise.name, name.split("/")[-1], before, after, mutated)


def _difference(source: str, mutated: str) -> tuple[str, str]:
    pairs = zip(source.splitlines(), mutated.splitlines(), strict=False)
    return next(((a.strip(), b.strip()) for a, b in pairs if a != b), ("", ""))


def _inside_solution(source: str, mutated: str) -> bool:
    """Docstrings and the handed-out lines around the solution are not what is tested."""
    inside = False
    for old, new in zip(source.splitlines(), mutated.splitlines(), strict=False):
        if "### BEGIN SOLUTION" in old or "### END SOLUTION" in old:
            inside = "BEGIN" in old
        if old != new:
            return inside
    return False


def survivors(
    assignment: Assignment,
    exercise: Exercise,
    *,
    backend: str = "auto",
    seed: int | None = None,
    starter: Starter = start_plain,
) -> Iterator[Survivor | Mutant]:
    """Judge every mutant; yield it as it is when it was killed, as a Survivor when it was not."""
    seed = secrets.randbits(60) if seed is None else seed
    cells = assignment.solution_cells()
    session: Session | None = None
    try:
        for mutant in make_mutants(exercise, cells[exercise.name]):
            session = _fresh(session, backend, starter)
            for cell_id, source in cells.items():
                session.run_cell(mutant.source if cell_id == exercise.name else source)
                if session.dead is not None:
                    break
            if session.dead is None and is_right(exercise, session, seed):
                yield Survivor(mutant, exercise.harmless.get(mutant.change, ""))
            else:
                yield mutant
    finally:
        if session is not None:
            session.close()


def _fresh(session: Session | None, backend: str, starter: Starter) -> Session:
    """Return a session without names: this one, or a new one where a mutant has brought it down.

    A mutant may crash its process after it was judged, which shows at the next request only.
    """
    if session is not None and session.dead is None:
        try:
            session.reset()
            return session
        except SessionDead:
            session.close()
    return start_session(LIMITS, backend, starter=starter)

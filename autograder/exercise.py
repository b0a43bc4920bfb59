"""What an exercise is: points, cases, mistakes that people make, and other answers as right.

An exercise is one file in `autograder/exercises/<assignment>/<name>.py`. Its docstring is its first
line in every report; it holds

    exercise = Exercise(points=4, returns={"rnn_step_forward": "next_h, cache"}, mistakes=[...])
    def reference(...)                         the shortest true version; gradients by autograd
    @exercise.case("D equals H, so a transposed weight still multiplies", N=3, D=5, H=5)
    def examine(student, rng, N, D, H): ...    calls the student's code, and expects

The same `examine` runs against a sandboxed student with a secret seed, against our own solution and
each known mistake (`python -m autograder prove`), and once at release, recorded for `check`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any


class ExerciseError(ValueError):
    """An exercise file is not as it must be; the message names the file and the rule."""


@dataclass(frozen=True)
class Edit:
    """A change of one solution cell: `old` must occur exactly once and becomes `new`."""

    name: str
    swap: tuple[str, str]
    cell: str = ""  # the solution cell's id; empty: the exercise's own
    more: tuple[tuple[str, str], ...] = ()  # further (old, new) pairs, for a mistake in two places

    def apply(self, source: str) -> str:
        """Return the edited cell."""
        for old, new in (self.swap, *self.more):
            if source.count(old) != 1:
                raise ExerciseError(
                    f'"{self.name}": the text to replace must occur exactly once in the solution '
                    f"cell. Got {source.count(old)} times: {old!r}"
                )
            source = source.replace(old, new)
        return source


@dataclass(frozen=True)
class Mistake(Edit):
    """A wrong answer that people really give; `hint` says what to look at, never the answer.

    Two mistakes may give the very same answers: then the later one names the earlier in `like`,
    and is known under its name.
    """

    hint: str = ""
    like: str = ""


@dataclass(frozen=True)
class Equivalent(Edit):
    """Another right answer: it must score full marks, so that the cases cannot become unfair."""


@dataclass(frozen=True)
class Shortcut(Edit):
    """A right answer that does not do the exercise: it uses a name that the exercise forbids."""


@dataclass(frozen=True)
class Case:
    """One named examination of an exercise, worth `weight` shares of its points."""

    name: str
    examine: Callable[..., None]
    parameters: Mapping[str, Any]
    public: bool
    weight: float


@dataclass
class Exercise:
    """Points, cases and mistakes of one TODO.

    `returns` says for each student function what it returns, by name ("next_h, cache"): a wrong
    number of values is then told in these names. `needs` names the exercises whose functions this
    one calls; they are examined first, and a trouble in them is told as such. `harmless` explains
    automatic mutants ("line -> changed line") that rightly score full marks. `forbids` are dotted
    names that the answer may not use ("torch", "torch.nn.Transformer*"): autograder/forbidden.py;
    one that does is worth 0, and `shortcuts` are answers that do.
    """

    points: float
    returns: Mapping[str, str] = field(default_factory=dict)
    mistakes: Sequence[Mistake] = ()
    equivalents: Sequence[Equivalent] = ()
    needs: Sequence[str] = ()
    harmless: Mapping[str, str] = field(default_factory=dict)
    forbids: Sequence[str] = ()
    shortcuts: Sequence[Shortcut] = ()
    cases: list[Case] = field(default_factory=list)
    name: str = ""
    assignment: str = ""
    title: str = ""

    def case(
        self, name: str, *, public: bool = False, weight: float = 1.0, **parameters: Any
    ) -> Callable[[Callable[..., None]], Callable[..., None]]:
        """Add a case that calls the decorated function with `parameters`; decorators stack.

        A public case is also recorded for `check`: what the student sees while working.
        """

        def add(examine: Callable[..., None]) -> Callable[..., None]:
            # Stacked decorators are applied from the bottom: keep the order of reading.
            first = next(
                (i for i, case in enumerate(self.cases) if case.examine is examine),
                len(self.cases),
            )
            self.cases.insert(first, Case(name, examine, parameters, public, weight))
            return examine

        return add

    def find_mistake(self, name: str) -> Mistake:
        """Return the mistake of that name; an unknown name lists the known ones."""
        for mistake in self.mistakes:
            if mistake.name == name:
                return mistake
        known = ", ".join(f'"{mistake.name}"' for mistake in self.mistakes)
        raise ExerciseError(f'{self.name} has no mistake "{name}". It has {known}')


def load_exercises(package: str) -> dict[str, Exercise]:
    """Return the exercises of one assignment's package by name, in the order of its ORDER."""
    return dict(_load(package))


@cache
def _load(package: str) -> dict[str, Exercise]:
    home = importlib.import_module(package)
    names = [m.name for m in pkgutil.iter_modules(home.__path__) if not m.name.startswith("_")]
    if sorted(names) != sorted(home.ORDER):
        raise ExerciseError(
            f"{package}.ORDER must name the exercise files {sorted(names)}. "
            f"Got {sorted(home.ORDER)}"
        )
    assignment = package.rsplit(".", 1)[-1]
    return {
        name: _take(importlib.import_module(f"{package}.{name}"), name, assignment)
        for name in home.ORDER
    }


def _take(module: ModuleType, name: str, assignment: str) -> Exercise:
    exercise = getattr(module, "exercise", None)
    if not isinstance(exercise, Exercise):
        raise ExerciseError(f"{module.__name__} must define `exercise = Exercise(...)`")
    if not (module.__doc__ or "").strip():
        raise ExerciseError(f"{module.__name__} must begin with a docstring: the exercise's title")
    exercise.name, exercise.assignment = name, assignment
    exercise.title = module.__doc__.strip().splitlines()[0].rstrip(".")
    return check_exercise(exercise)


def check_exercise(exercise: Exercise) -> Exercise:
    """Return the exercise when it keeps the rules, else raise ExerciseError."""
    names = [case.name for case in exercise.cases]
    listed = (*exercise.mistakes, *exercise.equivalents, *exercise.shortcuts)
    edits = [edit.name for edit in listed]
    if not names:
        raise ExerciseError(f"{exercise.name} must have at least one case")
    for kind, found in (("cases", names), ("mistakes, equivalents and shortcuts", edits)):
        twice = sorted({name for name in found if found.count(name) > 1})
        if twice:
            raise ExerciseError(f"{exercise.name}: {kind} must have distinct names. Got {twice}")
    if not any(case.public for case in exercise.cases):
        raise ExerciseError(f"{exercise.name} must have a public case, for `check`")
    if bool(exercise.forbids) != bool(exercise.shortcuts):
        raise ExerciseError(
            f"{exercise.name}: an exercise that forbids names must show a shortcut that uses one"
        )
    silent = [mistake.name for mistake in exercise.mistakes if not mistake.hint]
    if silent:
        raise ExerciseError(f"{exercise.name}: each mistake must have a hint. None for {silent}")
    return exercise

"""What a student should do next: the few steps that bring the most points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_STEPS = 3
UNWRITTEN = " is not written yet"


@dataclass(frozen=True)
class Step:
    """One thing to do, and the points that lie behind it."""

    exercise: str
    what: str
    hint: str
    points: float
    known: bool = False


def next_steps(
    marks: Mapping[str, tuple[float, float]],
    judged: Mapping[str, Mapping[str, Any]],
    comments: Mapping[str, str] | None = None,
) -> list[Step]:
    """Return at most three steps: known mistakes first, then by the points in reach.

    `marks` maps an exercise to what it earned and could have earned, in the notebook's order;
    `judged` holds the judge's words (nbgrader_plugin.describe); `comments` a teacher's on answers
    that are marked by hand.
    """
    steps: list[Step] = []
    for name, (earned, most) in marks.items():
        lost = round(most - earned, 2)
        if lost <= 0:
            continue
        if name in judged:
            steps.append(_step(name, judged[name], lost))
        elif (comments or {}).get(name):
            steps.append(Step(name, "Your teacher wrote", comments[name], lost))
    # What everybody has to begin with comes first where the points are the same.
    order = {name: place for place, name in enumerate(marks)}
    steps = _without_repeats(steps)
    return sorted(steps, key=lambda s: (not s.known, -s.points, order[s.exercise]))[:MOST_STEPS]


def _step(name: str, said: Mapping[str, Any], lost: float) -> Step:
    if said.get("mistake"):
        return Step(name, f"It looks as if {said['mistake']}.", said["hint"] or "", lost, True)
    wrong = [case for case in said["cases"] if not case["passed"]]
    if said.get("error"):
        return Step(name, _sentence(said["error"]), "", lost)
    what = f"{len(wrong)} of {len(said['cases'])} cases are wrong"
    if not wrong:
        return Step(name, "Points were taken off by hand.", "", lost)
    first = wrong[0]
    hint = f"“{first['name']}”" + (f": {first['message']}" if first["message"] else "")
    if len(said["cases"]) == 1:
        return Step(name, f"{hint}.".replace("..", "."), "", lost)
    return Step(name, f"{what}; first", _sentence(hint), lost)


def _without_repeats(steps: list[Step]) -> list[Step]:
    """Of steps that say the same (a function that several exercises wait for), keep one, which then
    has all their points.
    """
    kept: dict[tuple[str, str], Step] = {}
    for step in steps:
        key = step.what, step.hint
        if key in kept:
            first = kept[key]
            step = Step(first.exercise, *key, round(first.points + step.points, 2), first.known)
        kept[key] = step
    return list(kept.values())


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!", "”")) else f"{text}."

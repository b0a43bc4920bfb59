"""Draft a `Mistake` from a wrong answer that several students gave: the smallest edit of our
solution that answers the same.

The answer is a student's text, so it runs in the sandbox only. What is drafted is text for a person
to read: once it stands in an exercise's file, it runs in the grader's own process.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from .course import Assignment
from .exercise import Exercise
from .fingerprints import fingerprint, same
from .judge import judge
from .sandbox import Session, start_session

MARKER = re.compile(r"\s*### (BEGIN|END) SOLUTION\s*")
MOST_TRIALS = 12
"""Each runs the exercise's cases once."""

Swap = tuple[str, str]


@dataclass(frozen=True)
class Draft:
    """A mistake to be named; `confirmed` says whether it answers as the students' answers do."""

    exercise: str
    swaps: list[Swap]
    confirmed: bool

    def __str__(self) -> str:
        first, *more = self.swaps
        lines = ["Mistake(", '    "SAY IN A FEW WORDS WHAT IS WRONG",', f"    swap={_pair(first)},"]
        if more:
            lines += ["    more=(", *(f"        {_pair(swap)}," for swap in more), "    ),"]
        lines += ['    hint="SAY WHAT TO LOOK AT, AND NEVER THE ANSWER",', "),"]
        return "\n".join(lines)


class NothingToDraft(ValueError):
    """The answer is the solution's own text, or cannot be an edit of it."""


def draft(
    assignment: Assignment,
    exercise: Exercise,
    answer: str,
    seed: int,
    known: Any,
    backend: str = "auto",
) -> Draft:
    """Return a draft from the text of an answer, whose fingerprint with `seed` is `known`.

    Raises NothingToDraft, and NoSandbox where nothing can be run.
    """
    solution = assignment.solution_cells()[exercise.name]
    swaps = differences(solution, answer)
    with start_session(backend=backend) as session:
        for name, source in assignment.solution_cells().items():
            session.run_cell(source)
            if name == exercise.name:
                session.run_cell(apply(solution, swaps))
        trial = _trial(session, exercise, solution, seed, known)
        if not trial(swaps):
            return Draft(exercise.name, swaps, confirmed=False)
        return Draft(exercise.name, smallest(swaps, trial), confirmed=True)


def _trial(
    session: Session, exercise: Exercise, solution: str, seed: int, known: Any
) -> Callable[[Sequence[Swap]], bool]:
    """Return a function that says whether our solution with some edits answers as is known."""

    def same_answers(swaps: Sequence[Swap]) -> bool:
        if session.dead is not None:
            return False
        session.run_cell(apply(solution, swaps))
        return same(known, fingerprint(judge(exercise, session, seed).logs))

    return same_answers


def smallest(swaps: Sequence[Swap], holds: Callable[[Sequence[Swap]], bool]) -> list[Swap]:
    """Leave out each edit that makes no difference."""
    kept = list(swaps)
    for swap in list(swaps)[:MOST_TRIALS]:
        without = [each for each in kept if each is not swap]
        if without and holds(without):
            kept = without
    return kept


def differences(solution: str, answer: str) -> list[Swap]:
    """Return the edits, line by line, that make `answer` of the solution's cell.

    Each old text occurs exactly once, as `Mistake` wants it. Layout at the ends of lines and our
    markers do not count.
    """
    text = solution.splitlines()
    # What is compared are lines with something on them; what is replaced is all between them.
    places = [i for i, line in enumerate(text) if line.strip() and not MARKER.fullmatch(line)]
    ours = [text[i].rstrip() for i in places]
    theirs = [x.rstrip() for x in answer.splitlines() if x.strip() and not MARKER.fullmatch(x)]

    def swap(i1: int, i2: int, j1: int, j2: int) -> Swap:
        return "\n".join(text[places[i1] : places[i2 - 1] + 1]), "\n".join(theirs[j1:j2])

    spans = []
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, ours, theirs, False).get_opcodes():
        if kind == "insert" and i1:  # what is put in needs a line to stand by
            i1, j1 = i1 - 1, j1 - 1
        elif kind == "insert":
            i2, j2 = i2 + 1, j2 + 1
        if kind != "equal":
            spans.append((i1, i2, j1, j2))
    if not spans:
        raise NothingToDraft("the answer is our solution's text: there is nothing to name")
    swaps = [_shortened(solution, swap(*span)) for span in spans]
    if any(solution.count(old) != 1 for old, _ in swaps):
        swaps = [swap(spans[0][0], spans[-1][1], spans[0][2], spans[-1][3])]
    if solution.count(swaps[0][0]) != 1:
        raise NothingToDraft(
            "the answer is no edit of our solution: write the mistake by hand, from the example"
        )
    return swaps


def apply(solution: str, swaps: Sequence[Swap]) -> str:
    """Return the solution's cell with edits."""
    for old, new in swaps:
        solution = solution.replace(old, new, 1)
    return solution


def _shortened(solution: str, swap: Swap) -> Swap:
    """Cut what both lines begin and end with, as long as the old text still occurs once."""
    old, new = swap
    if "\n" in old or "\n" in new:
        return swap
    words = [re.findall(r"\w+|\s+|.", text) for text in swap]
    while all(words) and words[0][0] == words[1][0]:
        words = [words[0][1:], words[1][1:]]
        if solution.count("".join(words[0])) != 1 or not words[0]:
            break
        old, new = map("".join, words)
    while len(words[0]) > 1 and words[1] and words[0][-1] == words[1][-1]:
        words = [words[0][:-1], words[1][:-1]]
        if solution.count("".join(words[0])) != 1:
            break
        old, new = map("".join, words)
    return (old, new) if solution.count(old) == 1 else swap


def _pair(swap: Swap) -> str:
    return f"({swap[0]!r}, {swap[1]!r})"

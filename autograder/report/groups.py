"""Wrong answers that behave alike and that no known mistake explains: the next mistakes to name."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.fingerprints import same
from autograder.gradebook import Row
from autograder.report.reading import Work

LONGEST = 20_000
"""Characters of an answer that is laid out anew."""


@dataclass(frozen=True)
class Group:
    """Students whose wrong answers to one exercise answer the same; the shortest of them."""

    exercise: str
    students: list[str]
    example: str
    by: str  # whose example it is
    messages: list[str]  # what the failing cases said
    print: Any
    follows: str = ""  # an exercise that this one calls, and that all of them have wrong, too

    @property
    def name(self) -> str:
        """A short name, which stays the same while the example does."""
        return hashlib.sha256(f"{self.exercise}\n{self.example}".encode()).hexdigest()[:6]


def group_works(rows: Sequence[Row], works: Mapping[str, Work]) -> list[Group]:
    """Return the groups of a class; `works` has what each student handed in."""
    return group_unknown(
        rows,
        lambda student, exercise: works[student].answers.get(exercise, ""),
        {student: work.record.get("seed") for student, work in works.items()},
    )


def group_unknown(
    rows: Sequence[Row], answer: Callable[[str, str], str], seeds: Mapping[str, Any] | None = None
) -> list[Group]:
    """Return the groups, the largest first; those that follow from another exercise last.

    `answer(student, exercise)` returns the text of an answer; `seeds` says with which seed a
    student was graded: answers to other inputs cannot be compared.
    """
    found: dict[tuple[str, Any], list[list[tuple[str, Mapping[str, Any]]]]] = {}
    for row in rows:
        for exercise, said in row.judged.items():
            if not said.get("print"):
                continue
            groups = found.setdefault((exercise, (seeds or {}).get(row.student)), [])
            for group in groups:
                if same(group[0][1]["print"], said["print"]):
                    group.append((row.student, said))
                    break
            else:
                groups.append([(row.student, said)])
    wrong = {
        row.student: [name for name, said in row.judged.items() if _lost_points(said)]
        for row in rows
    }
    made = [
        _group(exercise, members, answer, wrong)
        for (exercise, _), groups in found.items()
        for members in groups
    ]
    return sorted(
        made, key=lambda each: (bool(each.follows), -len(each.students), each.exercise, each.by)
    )


def _lost_points(said: Mapping[str, Any]) -> bool:
    return said["points"] < said["max_points"]


def _group(
    exercise: str,
    members: Sequence[tuple[str, Mapping[str, Any]]],
    answer: Callable[[str, str], str],
    wrong: Mapping[str, Sequence[str]],
) -> Group:
    sources = {student: answer(student, exercise) for student, _ in members}
    by = min(sources, key=lambda student: (len(bare(sources[student])), student))
    said = members[0][1]
    told = [case["message"] for case in said["cases"] if not case["passed"] and case["message"]]
    messages = [said["error"]] if said.get("error") else list(dict.fromkeys(told))[:2]
    students = [student for student, _ in members]
    called = [
        name
        for name in wrong[students[0]]
        if name != exercise
        and all(name in wrong[student] for student in students)
        and re.search(rf"\b{re.escape(name)}\b", sources[by])
    ]
    follows = called[0] if called else ""
    return Group(exercise, students, sources[by], by, messages, said["print"], follows)


def bare(source: str) -> str:
    """Return a program without docstrings and comments, laid out anew; with errors, as it is."""
    if len(source) > LONGEST:
        return source
    try:
        tree = ast.parse(source)
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
                node.body = body[1:] or [ast.Pass()]
        return ast.unparse(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return source

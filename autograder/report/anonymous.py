"""A report without names: for a talk, a colleague, a study."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from autograder.gradebook import Row


def anonymous(rows: Sequence[Row], seed: int | None = None) -> tuple[list[Row], dict[str, str]]:
    """Return the rows under other names and in another order, and whom each name stands for.

    The order is drawn anew each time (unless `seed` is given), so that two reports cannot be laid
    side by side. A name that stands in a note is replaced, too.
    """
    students = [row.student for row in rows]
    random.Random(seed).shuffle(students)
    width = len(str(len(students)))
    alias = {student: f"student {n:0{width}}" for n, student in enumerate(students, start=1)}
    hidden = [
        replace(
            row,
            student=alias[row.student],
            notes=[_without(note, alias) for note in row.notes],
            error=row.error and _without(row.error, alias),
            log="",
        )
        for row in rows
    ]
    return sorted(hidden, key=lambda row: row.student), {new: old for old, new in alias.items()}


def _without(text: str, alias: dict[str, str]) -> str:
    for student in sorted(alias, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(student)}(?!\w)", "a student", text)
    return text

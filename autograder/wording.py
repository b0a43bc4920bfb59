"""Names and lists as they may stand in a sentence for a student: short, plain, and unable to carry
markup.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

LONGEST_NAME = 60
MOST_NAMES = 5
FORMULA = re.compile(r"[=+\-@\t\r]")


def shown(name: str) -> str:
    """Return a student's name for something so that it can be printed anywhere: no markup, no
    control characters.
    """
    plain = re.sub(r"[^\w .,()+/-]", "?", name)
    return plain if len(plain) <= LONGEST_NAME else plain[: LONGEST_NAME - 3] + "..."


def few(names: Sequence[str]) -> str:
    """Join names into a phrase: `a`, `a and b`, `a, b and 7 more`."""
    if len(names) > MOST_NAMES:
        names = [*names[: MOST_NAMES - 1], f"{len(names) - MOST_NAMES + 1} more"]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def number(value: float | None) -> str:
    """A mark as people write it: `4`, `2.5`; a dash where there is none yet."""
    return "-" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")


def plain(text: str) -> str:
    """Return a text that a spreadsheet does not take for a formula; one line, no control signs.

    A student whose id looks like a formula is then not found on import, which tells so: better than
    a teacher's spreadsheet that runs it.
    """
    text = re.sub(r"[\x00-\x08\x0b-\x1f]+|\n", " ", text)
    if text in ("-", "") or not FORMULA.match(text.lstrip(" ")):
        return text
    return f"'{text}"

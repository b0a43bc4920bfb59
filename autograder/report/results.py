"""One graded submission as Gradescope's results.json, which other programs can read as well.

What a student's code said is text in it, never markup: it is escaped before it becomes HTML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from autograder.wording import number

MOST_TEXT = 20_000
"""Characters of one test's output; a page that a browser has to show."""
WALLS = {
    "bwrap": "bubblewrap",
    "user": "another user, Landlock and seccomp",
    "none": "none: the student's code could read the tests and write these results",
}


def results(
    told: Mapping[str, Any], judged: Mapping[str, Mapping[str, Any]], titles: Mapping[str, str]
) -> dict[str, Any]:
    """Return what Gradescope reads. `told` is `one.summary`, `judged` the record's exercises,
    `titles` the exercises' titles.
    """
    tests = [
        _test(name, earned, told["max_points"][name], judged.get(name, {}), titles.get(name, name))
        for name, earned in told["points"].items()
    ]
    said = [*told["notes"]]
    if told["by_hand"]:
        most = sum(told["max_points"][name] for name in told["by_hand"])
        said.append(f"{number(most)} points are given by your teacher, who reads what you wrote.")
    return {
        "score": told["total"],
        "output": _list(said),
        "output_format": "html",
        "test_output_format": "html",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
        "extra_data": dict(told) | {"wall": WALLS.get(told["sandbox"], told["sandbox"])},
    }


def not_graded(why: str) -> dict[str, Any]:
    """Return results of a submission that could not be graded, for a reason that is not its own."""
    return {
        "score": 0,
        "output": f"This was not graded: {why[:2000]}\nIt is not your fault; tell your teacher.",
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [],
        "extra_data": {"error": why[:2000]},
    }


def _test(
    name: str, earned: float, most: float, judged: Mapping[str, Any], title: str
) -> dict[str, Any]:
    return {
        "name": title,
        "number": name,
        "score": earned,
        "max_score": most,
        "status": "passed" if earned >= most else "failed",
        "visibility": "visible",
        "output_format": "html",
        "output": _cases(judged),
    }


def _cases(judged: Mapping[str, Any]) -> str:
    parts = []
    if judged.get("error"):
        parts.append(f"<p>{_text(judged['error'])}</p>")
    cases = judged.get("cases", [])
    if cases:
        lines = []
        for case in cases:
            sign = "✓ right" if case["passed"] else "✗ wrong"
            said = f"<br>{_text(case['message'])}" if case.get("message") else ""
            lines.append(f"<li>{sign}: {_text(case['name'])}{said}</li>")
        parts.append(f"<ul>{''.join(lines)}</ul>")
    if judged.get("mistake"):
        hint = _text(judged.get("hint") or "")
        parts.append(f"<p><b>It looks as if {_text(judged['mistake'])}.</b> {hint}</p>")
    return "".join(parts)


def _list(sentences: Sequence[str]) -> str:
    return "".join(f"<p>{_text(sentence)}</p>" for sentence in sentences)


def _text(said: str) -> str:
    short = said if len(said) <= MOST_TEXT else said[:MOST_TEXT] + " ..."
    return escape(short).replace("\n", "<br>")

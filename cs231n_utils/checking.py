"""`check("rnn_step_forward")`: is my function right, and if not, what should I look at?

The check replays a recorded examination on the functions of the notebook that calls it. It is the
visible half of the course's tests: the hidden half asks the same questions with other inputs.
"""

from __future__ import annotations

import html
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from . import transcripts

GREEN, RED, BOLD, PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[1m", "\x1b[0m"


class CheckFailed(AssertionError):
    """A check found something wrong; it is told in place of a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [f"{BOLD}{RED}{self}{PLAIN}"]


@dataclass
class CheckResult:
    """What a check found, case by case."""

    name: str
    title: str
    cases: list[tuple[str, list[str]]]  # the case's name, and what is wrong with it
    seconds: float
    mistake: str = ""
    hint: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def right(self) -> bool:
        """Whether nothing is wrong."""
        return not any(found for _, found in self.cases)

    @property
    def headline(self) -> str:
        """One sentence."""
        passed = sum(not found for _, found in self.cases)
        several = len(self.cases) > 1
        if self.right:
            return f"{self.name} is right" + several * f" on all {len(self.cases)} public cases"
        tally = several * f": {passed} of {len(self.cases)} public cases are"
        return f"{self.name} is not right yet{tally}"

    def __repr__(self) -> str:
        lines = [self.headline + f" ({1000 * self.seconds:.0f} ms)"]
        if not self.right:
            for name, found in self.cases:
                lines.append(f"  {'wrong' if found else 'right'}  {name}")
                lines += [f"         - {trouble}" for trouble in found]
        if self.mistake:
            lines += [f"  This looks like a known mistake: {self.mistake}.", f"  {self.hint}"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """A small table, in colours that do on light and dark themes."""
        colour = "#2e9e5b" if self.right else "#d1495b"
        rows = "".join(
            f'<div style="margin:2px 0 2px 4px"><span style="color:{_colour(found)}">'
            f"{'&#10007;' if found else '&#10003;'}</span> {html.escape(name)}"
            + "".join(
                f'<div style="margin-left:22px;opacity:.85">{html.escape(trouble)}</div>'
                for trouble in found
            )
            + "</div>"
            for name, found in self.cases
        )
        known = (
            '<div style="margin-top:8px;padding:6px 10px;border-radius:4px;'
            'background:rgba(233,163,25,.16)"><b>This looks like a known mistake: '
            f"{html.escape(self.mistake)}.</b><br>{html.escape(self.hint)}</div>"
            if self.mistake
            else ""
        )
        return (
            f'<div style="border-left:4px solid {colour};padding:4px 12px;margin:4px 0">'
            f"<b>{html.escape(self.headline)}</b>"
            f'<span style="opacity:.6"> &nbsp;{1000 * self.seconds:.0f} ms</span>'
            f"{rows}{known}</div>"
        )


def _colour(found: list[str]) -> str:
    return "#d1495b" if found else "#2e9e5b"


def examine(name: str, namespace: dict[str, Any]) -> CheckResult:
    """Replay the recorded cases of exercise `name` on the functions in `namespace`."""
    start = time.perf_counter()
    transcript = transcripts.find(name)
    cases, prints = [], []
    for case in transcript["cases"]:
        done = transcripts.replay(case["calls"], namespace)
        prints.append(done.prints)
        cases.append((case["name"], transcripts.troubles(case, done, transcript["returns"])))
    result = CheckResult(name, transcript["title"], cases, 0.0)
    if not result.right:
        for mistake in transcript["mistakes"]:
            if transcripts.same_prints(mistake["prints"], prints):
                result.mistake, result.hint = mistake["name"], mistake["hint"]
                break
    result.seconds = time.perf_counter() - start
    return result


def check(name: str, namespace: dict[str, Any] | None = None) -> None:
    """Check one exercise of the notebook, by its name; raise CheckFailed when it is not right.

    `namespace` holds the functions; without it, those of the caller (the notebook) are taken.
    """
    if namespace is None:
        namespace = sys._getframe(1).f_globals
    result = examine(name, namespace)
    _show(result)
    if not result.right:
        raise CheckFailed(result.headline)


class _Pending:
    """What a hidden test shows before it is marked; its text is "0.0": unmarked is no points."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return "0.0"

    def _repr_html_(self) -> str:
        return (
            '<div style="opacity:.75;padding:2px 0"><i>'
            f"{html.escape(self.name)}: marked with other inputs after you hand in.</i></div>"
        )


def hidden_test(name: str) -> _Pending:
    """Stand where the hidden test of an exercise is marked, outside this notebook."""
    return _Pending(name)


def _show(result: CheckResult) -> None:
    """Show a result: as a table in a notebook, as text elsewhere."""
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        print(result)
        return
    display(result) if get_ipython() is not None else print(result)

"""`check("rnn_step_forward")`: is my function right, and if not, what should I look at?

The check replays a recorded examination on the functions of the notebook that calls it. It is the
visible half of the course's tests: the hidden half asks the same questions with other inputs.
`check.all()` goes through a whole notebook: what is done, what is left.
"""

from __future__ import annotations

import html
import os
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from . import panel, progress, transcripts
from .findings import RIGHT, Finding
from .heatmap import Map, draw

BOLD, PLAIN = "\x1b[1m", "\x1b[0m"  # no colour: red on a dark theme's red can hardly be read


class CheckFailed(AssertionError):
    """A check found something wrong; it is told in place of a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [f"{BOLD}{self}{PLAIN}"]


@dataclass
class CaseOutcome:
    """One public case: its name, and what was compared in it."""

    name: str
    findings: list[Finding]

    @property
    def wrong(self) -> list[Finding]:
        """What is wrong, what should be mended first in front."""
        return [found for found in self.findings if not found.right]

    @property
    def right(self) -> bool:
        """Whether nothing is wrong."""
        return not self.wrong


@dataclass
class CheckResult:
    """What a check found, case by case."""

    name: str
    title: str
    cases: list[CaseOutcome]
    seconds: float
    points: float = 0.0
    mistake: str = ""
    hint: str = ""
    maps: list[Map] = field(default_factory=list)

    @property
    def right(self) -> bool:
        """Whether nothing is wrong."""
        return all(case.right for case in self.cases)

    @property
    def first(self) -> Finding:
        """What to mend first; a right finding when there is nothing."""
        return next((f for case in self.cases for f in case.wrong), Finding(self.name, RIGHT))

    @property
    def advice(self) -> str:
        """A line on what to try, where the way in which it is wrong suggests one."""
        return self.first.advice

    @property
    def tally(self) -> str:
        """`1 of 2 public cases`; empty for one case."""
        passed = sum(case.right for case in self.cases)
        return f"{passed} of {len(self.cases)} public cases" if len(self.cases) > 1 else ""

    @property
    def headline(self) -> str:
        """One sentence."""
        several = len(self.cases) > 1
        if self.right:
            return f"{self.name} is right" + several * f" on all {len(self.cases)} public cases"
        return f"{self.name} is not right yet" + several * f": {self.tally} are"

    @property
    def told(self) -> str:
        """What is wrong in a few lines, for where there is no room for a panel."""
        if self.mistake:
            return f"{self.headline}\nThis looks like a known mistake: {self.mistake}.\n{self.hint}"
        if self.first.waits:
            return self.first.trouble
        return "\n".join(filter(None, (self.headline, self.first.trouble, self.advice)))

    def __repr__(self) -> str:
        return panel.as_text(self)

    def _repr_html_(self) -> str:
        return panel.as_html(self)


def examine(name: str, namespace: dict[str, Any]) -> CheckResult:
    """Replay the recorded cases of exercise `name` on the functions in `namespace`."""
    start = time.perf_counter()
    transcript = transcripts.find(name)
    cases, prints = [], []
    for case in transcript["cases"]:
        done = transcripts.replay(case["calls"], namespace)
        prints.append(done.prints)
        findings = transcripts.judge(case, done, transcript["returns"])
        cases.append(CaseOutcome(case["name"], findings))
    result = CheckResult(name, transcript["title"], cases, 0.0, transcript["points"])
    if not result.right:
        for mistake in transcript["mistakes"]:
            if transcripts.same_prints(mistake["prints"], prints):
                result.mistake, result.hint = mistake["name"], mistake["hint"]
                break
        case = next(case for case in cases if not case.right)
        drawn = (draw(found) for found in case.wrong)
        result.maps = [each for each in drawn if each is not None][: panel.MOST_MAPS]
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


def check_all(assignment: str = "", namespace: dict[str, Any] | None = None) -> None:
    """Check all exercises of a notebook, and show what is done, what is left, and the points.

    Without a name, `assignment` is the one whose functions the notebook holds. Nothing is raised:
    an overview is right also while the work is not.
    """
    if namespace is None:
        namespace = sys._getframe(1).f_globals
    assignment = assignment or progress.assignment_of(namespace)
    names = progress.exercises_of(assignment)
    results = [examine(name, namespace) for name in names]
    _show(progress.Overview(assignment, results, transcripts.by_hand(assignment)))


check.all = check_all


class _Pending:
    """What a hidden test shows before it is marked; its text is "0.0": unmarked is no points."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return "0.0"

    def _repr_html_(self) -> str:
        return (
            f'<div style="{panel.SOFT};padding:2px 0"><i>'
            f"{html.escape(self.name)}: marked with other inputs after you hand in.</i></div>"
        )


def hidden_test(name: str) -> _Pending | None:
    """Stand where the hidden test of an exercise is marked, outside this notebook.

    nbgrader's Validate counts a test that shows nothing as passed. There, and there only, the
    check is asked: CheckFailed says what is wrong, as far as the public inputs can tell.
    """
    if os.environ.get("NBGRADER_EXECUTION") != "validate":
        return _Pending(name)
    result = examine(name, sys._getframe(1).f_globals)
    if not result.right:
        raise CheckFailed(result.told)
    return None


def _show(result: Any) -> None:
    """Show a result: as a panel in a notebook, as text elsewhere."""
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        print(result)
        return
    display(result) if get_ipython() is not None else print(result)

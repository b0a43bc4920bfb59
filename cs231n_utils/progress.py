"""`check.all()`: what of a notebook is done, what is left, and the points in reach."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import panel, transcripts
from .findings import EARLIER

if TYPE_CHECKING:
    from .checking import CheckResult


class UnknownNotebook(ValueError):
    """The caller holds no function of any assignment; the message lists the assignments."""


def exercises_of(assignment: str) -> list[str]:
    """Return an assignment's exercises in the notebook's order."""
    known = transcripts.everything()
    names = [name for name, each in known.items() if each["assignment"] == assignment]
    if not names:
        slugs = ", ".join(dict.fromkeys(each["assignment"] for each in known.values()))
        raise UnknownNotebook(f"an assignment must be one of {slugs}. Got {assignment!r}")
    return names


def assignment_of(namespace: dict[str, Any]) -> str:
    """Return the assignment of which most exercises have their functions in `namespace`."""
    found: dict[str, list[bool]] = {}
    for each in transcripts.everything().values():
        wanted = {
            target["name"]
            for case in each["cases"]
            for call in case["calls"]
            if "name" in (target := call["request"].get("target", {}))
        }
        found.setdefault(each["assignment"], []).append(bool(wanted) and wanted <= namespace.keys())
    share = {slug: sum(there) / len(there) for slug, there in found.items()}
    best = max(share, key=share.get, default="")
    if not share.get(best):
        raise UnknownNotebook(
            "check.all() must stand in a notebook of the course, after its exercises were run. "
            f"Got none of their functions. The assignments are {', '.join(share)}"
        )
    return best


@dataclass
class Overview:
    """All checks of a notebook; `by_hand` holds the points of what a teacher marks, by name."""

    assignment: str
    results: list[CheckResult]
    by_hand: dict[str, float]

    @property
    def done(self) -> list[CheckResult]:
        """The exercises whose check passes."""
        return [result for result in self.results if result.right]

    @property
    def points(self) -> tuple[float, float]:
        """Points of the checks that pass, and of all checks."""
        return sum(r.points for r in self.done), sum(r.points for r in self.results)

    @property
    def headline(self) -> str:
        """One sentence."""
        right, total = self.points
        every = "all " if len(self.done) == len(self.results) else f"{len(self.done)} of "
        return (
            f"{every}{len(self.results)} exercises pass their checks: {right:g} of {total:g} "
            "points in reach"
        )

    @property
    def next_step(self) -> str:
        """What to do next: the first exercise that does not wait for another."""
        left = [result for result in self.results if not result.right]
        if not left:
            return "Nothing is left to check."
        following = next((r for r in left if r.first.kind != EARLIER), left[0])
        why = following.hint or following.first.trouble
        why = why if why.endswith((".", "?", "!")) else f"{why}."
        return f"{following.name} ({following.points:g} points): {why}"

    @property
    def remarks(self) -> list[str]:
        """What these points do not say."""
        said = ["The marks are given on other inputs, after you hand in."]
        if self.by_hand:
            names = " and ".join(name.replace("_", " ") for name in self.by_hand)
            points = sum(self.by_hand.values())
            said.append(f"{points:g} points more are for {names}, which your teacher marks.")
        return said

    def __repr__(self) -> str:
        lines = [f"{self.assignment}: {self.headline}"]
        width = max(len(result.name) for result in self.results)
        lines += [
            f"  {panel.state_of(result):<18}{result.name:<{width}}  {result.points:>4g} points"
            for result in self.results
        ]
        return "\n".join([*lines, f"  Next: {self.next_step}", *(f"  {r}" for r in self.remarks)])

    def _repr_html_(self) -> str:
        right, total = self.points
        share = 100 * right / total if total else 0.0
        rows = "".join(map(_row, self.results))
        body = (
            f'<div aria-hidden="true" style="margin:9px 0;height:8px;border-radius:4px;'
            f'overflow:hidden;background:{panel.LINE}"><div style="height:100%;width:{share:.0f}%;'
            f'background:{panel.RIGHT_COLOUR}"></div></div>'
            f'{panel.SCROLLS}<table style="border-collapse:collapse;border:0;font-size:inherit;'
            f'margin:0">{rows}</table></div>'
            + panel.note(f"<b>Next.</b> {html.escape(self.next_step)}")
            + f'<div style="{panel.SOFT};margin-top:7px">'
            f"{html.escape(' '.join(self.remarks))}</div>"
        )
        everything = len(self.done) == len(self.results)
        colour = panel.RIGHT_COLOUR if everything else panel.WAIT_COLOUR
        state = f"{len(self.done)} of {len(self.results)} exercises"
        told = f"{1000 * sum(r.seconds for r in self.results):.0f} ms"
        title = f"{right:g} of {total:g} points in reach"
        return panel.frame(self.assignment, title, state, colour, told, body)


def _row(result: CheckResult) -> str:
    state = panel.state_of(result)
    sign, colour = (
        ("&#10003;", panel.RIGHT_COLOUR)
        if result.right
        else ("&#10007;", panel.WRONG_COLOUR)
        if state == "not right yet"
        else ("&#8943;", panel.WAIT_COLOUR)
    )
    badge = (
        f'<span style="background:{colour};color:#fff;border-radius:4px;padding:0 7px;'
        f'font-size:.92em;white-space:nowrap"><span aria-hidden="true">{sign}</span> {state}</span>'
    )
    points = f"{result.points:g} {'point' if result.points == 1 else 'points'}"
    return (
        f'<tr style="background:none"><td style="{panel.CELL}">{badge}</td>'
        f'<th scope="row" style="{panel.CELL};font-weight:600">{html.escape(result.name)}</th>'
        f'<td style="{panel.CELL};text-align:right;white-space:nowrap">{points}</td>'
        f'<td style="{panel.CELL};{panel.SOFT};min-width:16em">{html.escape(result.title)}</td>'
        "</tr>"
    )

"""A verdict as the output of its graded cell: a table for people, one float for nbgrader."""

from __future__ import annotations

import html

import nbformat

from .judge import Verdict

RIGHT, WRONG = "#2e9e5b", "#d1495b"


def verdict_output(verdict: Verdict, number: int) -> nbformat.NotebookNode:
    """Return the cell's one output: its text is a finite builtin float, the points."""
    # The notebook is validated as a whole when it is written: not here, output by output.
    return nbformat.from_dict(
        {
            "output_type": "execute_result",
            "data": {
                "text/plain": repr(float(verdict.points)),
                "text/html": verdict_html(verdict),
            },
            "execution_count": number,
            "metadata": {},
        }
    )


def verdict_html(verdict: Verdict) -> str:
    """Return the table of cases, with the hint of a known mistake; all text is escaped."""
    colour = RIGHT if verdict.share == 1 else WRONG
    rows = "".join(
        f'<tr><td style="color:{RIGHT if case.passed else WRONG};text-align:left;'
        f'vertical-align:top">{"&#10003;" if case.passed else "&#10007;"}</td>'
        f'<td style="text-align:left">{html.escape(case.name)}'
        + (f"<br><small>{html.escape(case.message)}</small>" if case.message else "")
        + "</td></tr>"
        for case in verdict.cases
    )
    trouble = f"<p>{html.escape(verdict.error)}</p>" if verdict.error else ""
    known = (
        '<p style="padding:6px 10px;border-radius:4px;background:rgba(233,163,25,.16)">'
        f"<b>This looks like a known mistake: {html.escape(verdict.mistake.name)}.</b><br>"
        f"{html.escape(verdict.mistake.hint)}</p>"
        if verdict.mistake
        else ""
    )
    return (
        f'<div style="border-left:4px solid {colour};padding:4px 12px">'
        f"<b>{html.escape(verdict.exercise.name)}: {verdict.points:g} of "
        f"{verdict.max_points:g} points</b> &nbsp;{html.escape(verdict.exercise.title)}"
        f"<table>{rows}</table>{trouble}{known}</div>"
    )


def verdict_text(verdict: Verdict) -> str:
    """Return the same as plain text, for a terminal."""
    lines = [f"{verdict.exercise.name}: {verdict.points:g} of {verdict.max_points:g} points"]
    for case in verdict.cases:
        mark = "right" if case.passed else "wrong"
        lines.append(f"  {mark}  {case.name}" + (f": {case.message}" if case.message else ""))
    if verdict.error:
        lines.append(f"  {verdict.error}")
    if verdict.mistake:
        lines.append(f"  This looks like a known mistake: {verdict.mistake.name}.")
        lines.append(f"  {verdict.mistake.hint}")
    return "\n".join(lines)

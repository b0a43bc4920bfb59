"""What a check shows: a panel in a notebook, and the same as text in a terminal.

The text's colour is the page's own, so the panel does on light and dark themes; a word stands
beside every colour; and nothing runs: no script, no style sheet, nothing from elsewhere.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .findings import EARLIER, MISSING, RAISED, UNWRITTEN, VALUES, Finding
from .heatmap import Map

if TYPE_CHECKING:
    from .checking import CaseOutcome, CheckResult

MOST_MAPS = 2
MOST_LISTED = 5
# White on these is read easily (contrast above 4.5), on any theme.
RIGHT_COLOUR, WRONG_COLOUR, WAIT_COLOUR = "#1c7c4a", "#b83228", "#5f6b7a"
LINE = "color-mix(in srgb, currentColor 22%, transparent)"
TINT = "color-mix(in srgb, currentColor 7%, transparent)"
CELL = "padding:3px 14px 3px 0;text-align:left;vertical-align:top;background:none;border:0"
SOFT = "opacity:.78"
# What scrolls must be reached by the keyboard, too.
SCROLLS = '<div style="overflow-x:auto" tabindex="0">'


# ------------------------------------------------------------------ numbers and names
def number_pair(got: object, want: object) -> tuple[str, str]:
    """Write two numbers with as many digits as it takes to see that they differ."""
    for digits in (4, 6, 9, 12, 17):
        pair = f"{float(got):.{digits}g}", f"{float(want):.{digits}g}"
        if pair[0] != pair[1]:
            break
    return pair


def place_of(found: Finding) -> str:
    """The index of the largest error, as it is typed; a number has none."""
    return f"[{', '.join(map(str, found.place))}]" if found.place else ""


def measured(case: CaseOutcome) -> str:
    """What was compared and is right: `compared: dx (3, 5), db (4,); largest error 2e-16`."""
    right = [found for found in case.findings if found.right]
    if not right:
        return ""
    names = [f"{found.name} {found.shape or ''}".strip() for found in right]
    errors = [found.largest for found in right if found.largest is not None]
    error = f"; largest error {max(errors):.1g}" if any(errors) else ""
    return f"compared{'' if case.right else ', and right'}: {listed(names)}{error}"


def counted(found: Finding) -> str:
    """How many entries are off: `9 of 15 entries`."""
    if found.wrong.size == 1:
        return ""
    return f"{int(found.wrong.sum())} of {found.wrong.size} {found.unit}"


def listed(names: Sequence[str]) -> str:
    """Names with commas, the first few of many."""
    more = len(names) - MOST_LISTED
    return ", ".join(names) if more <= 0 else ", ".join(names[:MOST_LISTED]) + f" and {more} more"


# ------------------------------------------------------------------ text
def as_text(result: CheckResult) -> str:
    """Return the panel for a terminal and for screen readers."""
    lines = [f"{result.headline} ({1000 * result.seconds:.0f} ms)"]
    most = MOST_LISTED
    for case in result.cases:
        lines.append(f"  {_mark(case)[1]:<6} {case.name}")
        for found in case.wrong[:most]:
            lines.append(f"         - {found.trouble}")
            if found.kind == VALUES:
                lines.append(f"           {_farthest(found)}")
        if len(case.wrong) > most:
            names = listed([found.name for found in case.wrong[most:]])
            lines.append(f"         - wrong too: {names}")
        if compared := measured(case):
            lines.append(f"         {compared}")
        most = most if case.right else 1  # what comes after the first wrong case is told briefly
    for each in result.maps[:1]:
        lines += [f"  {each.said} (. right, # far off, x and - less):"]
        lines += [f"    {line}" for line in each.text]
    if result.mistake:
        lines += [f"  This looks like a known mistake: {result.mistake}.", f"  {result.hint}"]
    elif result.advice:
        lines.append(f"  What to try: {result.advice}")
    return "\n".join(lines)


def _farthest(found: Finding) -> str:
    got, want = number_pair(found.got[found.place], found.want[found.place])
    return (
        f"farthest off{' at ' + place_of(found) if found.place else ''}: got {got}, expected {want}"
    )


# ------------------------------------------------------------------ HTML
def as_html(result: CheckResult) -> str:
    """Return the panel for a notebook."""
    state, colour = "right", RIGHT_COLOUR
    if not result.right:
        state, colour = state_of(result), WAIT_COLOUR if result.first.waits else WRONG_COLOUR
    body, most = "", MOST_LISTED
    for case in result.cases:
        body += _case(case, most)
        most = most if case.right else 1  # what comes after the first wrong case is told briefly
    if result.maps:
        body += (
            '<div style="display:flex;flex-wrap:wrap;gap:12px 34px;margin:9px 0 2px">'
            f"{''.join(map(_map, result.maps))}</div>"
            f'<div style="{SOFT};font-size:.9em">dot: right, square: wrong (larger is farther '
            "off), framed: the farthest</div>"
        )
    if result.mistake:
        body += note(
            f"<b>This looks like a known mistake: {html.escape(result.mistake)}.</b><br>"
            f"{html.escape(result.hint)}"
        )
    elif result.advice:
        body += note(f"<b>What to try.</b> {html.escape(result.advice)}")
    cases = result.tally
    told = f"{cases}{', ' if cases else ''}{1000 * result.seconds:.0f} ms"
    return frame(result.name, result.title, state, colour, told, body)


def frame(name: str, title: str, state: str, colour: str, told: str, body: str) -> str:
    """Return a panel: its head with a state in a word, and its body (HTML)."""
    sign = {RIGHT_COLOUR: "&#10003;", WRONG_COLOUR: "&#10007;"}.get(colour, "&#8943;")
    label = html.escape(f"Check of {name}: {state}")
    return (
        f'<div role="group" aria-label="{label}" style="border:1px solid {LINE};border-left:5px '
        f'solid {colour};border-radius:6px;padding:9px 14px;margin:4px 0;max-width:62em">'
        '<div style="display:flex;flex-wrap:wrap;align-items:baseline;gap:2px 10px">'
        f'<span style="background:{colour};color:#fff;border-radius:4px;padding:1px 8px;'
        f'font-weight:600;white-space:nowrap"><span aria-hidden="true">{sign}</span> {state}</span>'
        f"<b>{html.escape(name)}</b>"
        f'<span style="{SOFT};flex:1 1 16em">{html.escape(title)}</span>'
        f'<span style="{SOFT};margin-left:auto;white-space:nowrap">{html.escape(told)}</span>'
        f"</div>{body}</div>"
    )


def note(inner: str) -> str:
    """Return a box of advice; `inner` is HTML."""
    return (
        f'<div style="margin-top:9px;padding:7px 12px;border-radius:5px;background:{TINT}">'
        f"{inner}</div>"
    )


def state_of(result: CheckResult) -> str:
    """A check's state in a few words."""
    words = {UNWRITTEN: "not written yet", MISSING: "not run yet", EARLIER: "waits for another"}
    return "right" if result.right else words.get(result.first.kind, "not right yet")


def _mark(case: CaseOutcome) -> tuple[str, str, str]:
    """A case's sign, word and colour."""
    if case.right:
        return "&#10003;", "right", RIGHT_COLOUR
    if case.wrong[0].waits:
        return "&#8943;", "waits", WAIT_COLOUR
    return "&#10007;", "WRONG", WRONG_COLOUR


def _case(case: CaseOutcome, most: int) -> str:
    sign, word, colour = _mark(case)
    inner = ""
    numbers = [found for found in case.wrong if found.kind == VALUES]
    for found in [each for each in case.wrong if each.kind != VALUES][:most]:
        mono = "font-family:monospace;" if found.kind == RAISED else ""
        inner += f'<div style="margin:2px 0;{mono}">{html.escape(found.trouble)}</div>'
    if numbers:
        inner += _table(numbers[:most])
    if len(numbers) > most:
        more = listed([found.name for found in numbers[most:]])
        inner += f'<div style="{SOFT}">wrong too: {html.escape(more)}</div>'
    if compared := measured(case):
        inner += f'<div style="{SOFT}">{html.escape(compared)}</div>'
    return (
        '<div style="margin:7px 0 0;display:flex;gap:9px">'
        f'<span style="flex:none;width:1.35em;height:1.35em;line-height:1.35em;margin-top:1px;'
        f'border-radius:50%;text-align:center;font-size:.85em;background:{colour};color:#fff" '
        f'role="img" aria-label="{word.lower()}">{sign}</span>'
        f'<div style="min-width:0">{html.escape(case.name)}{inner}</div></div>'
    )


def _table(wrong: Sequence[Finding]) -> str:
    heads = ("what", "shape", "wrong", "largest error", "where", "got", "expected")
    rows = "".join(
        f'<tr style="background:none"><th scope="row" style="{CELL};font-weight:600">'
        f"{html.escape(found.name)}</th>"
        + "".join(
            f'<td style="{CELL};font-variant-numeric:tabular-nums">{html.escape(text)}</td>'
            for text in (
                str(found.shape) if found.shape else "a number",
                counted(found),
                "" if found.unit == "words" else f"{found.largest:.2g}",
                place_of(found),
                *number_pair(found.got[found.place], found.want[found.place]),
            )
        )
        + "</tr>"
        for found in wrong
    )
    head = "".join(
        f'<th scope="col" style="{CELL};font-weight:400;{SOFT}">{text}</th>' for text in heads
    )
    return (
        f'{SCROLLS}<table style="border-collapse:collapse;margin:3px 0;'
        'border:0;font-size:inherit" aria-label="what is wrong, with the entry that is farthest '
        'off (its error is relative to the largest expected entry)">'
        f'<tr style="background:none">{head}</tr>{rows}</table></div>'
    )


def _map(each: Map) -> str:
    size = (
        "" if each.block == (1, 1) else f", a square is {each.block[0]} x {each.block[1]} entries"
    )
    axes = f"down: {each.rows}, across: {each.columns}" if each.rows else f"across: {each.columns}"
    return (
        f'<div><div style="margin-bottom:3px"><b>{html.escape(each.title)}</b> '
        f'<span style="{SOFT}">{html.escape(axes + size)}</span></div>{each.svg}</div>'
    )

"""Write reports/<assignment>/: index.html, grades.csv, report.json, and a log where something
failed.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Template

from autograder.gradebook import Row
from autograder.report.alike import alike_pairs
from autograder.report.anonymous import anonymous as without_names
from autograder.report.groups import Group, bare, group_works
from autograder.report.page_template import page_template
from autograder.report.reading import read_release, read_work
from autograder.report.summary import (
    ClassSummary,
    MistakeSummary,
    histogram,
    remarks,
    slow,
    summarize,
)
from autograder.report.terminal import heading
from autograder.wording import number, plain

MOST_TAUGHT = 6


def write_reports(
    rows: Sequence[Row],
    root: Path,
    titles: Mapping[str, str] | None = None,
    *,
    anonymous: bool = False,
) -> list[Path]:
    """Write one folder of reports for each assignment of `rows`; return the pages.

    `titles` gives exercises their headings (default: their names). With `anonymous`, only a page
    without names is written, anonymous.html, beside what is there.
    """
    pages = []
    for assignment in dict.fromkeys(row.assignment for row in rows):
        part = [row for row in rows if row.assignment == assignment]
        folder = root / "reports" / assignment
        folder.mkdir(parents=True, exist_ok=True)
        page = folder / ("anonymous.html" if anonymous else "index.html")
        text = render(assignment, part, root, titles or {}, anonymous=anonymous)
        page.write_text(text, encoding="utf-8")
        pages.append(page)
        if anonymous:
            continue
        write_csv(part, folder / "grades.csv")
        _write_json(assignment, part, summarize(part), folder / "report.json")
        failed = [f"{row.student}\n{row.log}\n" for row in part if row.log]
        (folder / "grading.log").write_text("\n".join(failed), encoding="utf-8")
    return pages


def render(
    assignment: str,
    rows: Sequence[Row],
    root: Path,
    titles: Mapping[str, str],
    *,
    anonymous: bool = False,
) -> str:
    """Return the page: one file that needs nothing else, no network and no script."""
    real = {row.student: row.student for row in rows}
    if anonymous:
        rows, real = without_names(rows)
    works = {row.student: read_work(root, assignment, real[row.student]) for row in rows}
    links = {} if anonymous else _links(rows, root)
    summary = summarize(rows)
    groups = group_works(rows, works)
    return _template().render(
        assignment=assignment,
        heading=heading(assignment),
        rows=rows,
        summary=summary,
        teach=to_teach(summary, groups),
        titles=titles,
        links=links,
        histogram=histogram(rows),
        groups=groups,
        pairs=alike_pairs(
            {student: work.answers for student, work in works.items()},
            read_release(root, assignment),
        ),
        slow=slow(rows),
        failed=[row for row in rows if row.error],
        remarks=remarks(rows),
        anonymous=anonymous,
        unsafe=[row.student for row in rows if row.sandbox == "none"],
        when=datetime.now().strftime("%d %B %Y, %H:%M"),
    )


def to_teach(summary: ClassSummary, groups: Sequence[Group]) -> list[MistakeSummary | Group]:
    """What most students have wrong in the same way, known or not."""
    unknown = [group for group in groups if len(group.students) > 1 and not group.follows]
    return sorted([*summary.mistakes, *unknown], key=lambda each: -len(each.students))[:MOST_TAUGHT]


@cache
def _template() -> Template:
    return page_template(
        "class.html.j2",
        filters={
            "bare": bare,
            "percent": lambda share: "-" if share is None else f"{share:.0%}",
            "few": few_names,
        },
        plural=lambda count, one, many="": f"{count} {one if count == 1 else many or one + 's'}",
    )


def few_names(students: Sequence[str], most: int = 12) -> str:
    """The first names of many."""
    more = len(students) - most
    return ", ".join(students[:most]) + (f" and {more} more" if more > 0 else "")


def _links(rows: Sequence[Row], root: Path) -> dict[str, str]:
    return {row.student: link for row in rows if (link := feedback_link(row, root))}


def feedback_link(row: Row, root: Path) -> str | None:
    """The student's feedback page as it is reached from the report, if there is one."""
    folder = root / "feedback" / row.student / row.assignment
    page = next(iter(sorted(folder.glob("*.html"))), None)
    return page and "../../" + quote(page.relative_to(root).as_posix())


def write_csv(rows: Sequence[Row], path: Path) -> None:
    """Write one line for each student, for a spreadsheet."""
    exercises = list(dict.fromkeys(name for row in rows for name in row.max_points))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        columns = ["total", "max", "late_penalty", "mark_by_hand", "seconds", "sandbox", "notes"]
        writer.writerow(["student", *exercises, *columns])
        for row in rows:
            marks = [row.points.get(name) for name in exercises]
            told = [row.student, " ".join(row.needs_manual), row.sandbox, " ".join(row.notes)]
            student, by_hand, sandbox, notes = map(plain, told)
            numbers = map(_cell, [*marks, row.total, row.max_total, row.late_penalty])
            writer.writerow([student, *numbers, by_hand, row.seconds, sandbox, notes])


def _cell(value: float | None) -> str:
    return "" if value is None else number(value)


def _write_json(assignment: str, rows: Sequence[Row], summary: ClassSummary, path: Path) -> None:
    listed: list[dict[str, Any]] = []
    for row in rows:
        entry = asdict(row)
        del entry["log"]
        for said in entry["judged"].values():
            said.pop("print", None)
        listed.append(entry)
    content = {"assignment": assignment, "summary": asdict(summary), "rows": listed}
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

"""Write reports/<assignment>/: index.html, grades.csv, report.json, and a log where something
failed.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from autograder.gradebook import Row
from autograder.report.summary import ClassSummary, summarize
from autograder.report.terminal import heading, number


def write_reports(
    rows: Sequence[Row], root: Path, titles: dict[str, str] | None = None
) -> list[Path]:
    """Write one folder of reports for each assignment of `rows`; return the pages.

    `titles` gives exercises their headings (default: their names).
    """
    pages = []
    for assignment in dict.fromkeys(row.assignment for row in rows):
        part = [row for row in rows if row.assignment == assignment]
        folder = root / "reports" / assignment
        folder.mkdir(parents=True, exist_ok=True)
        summary = summarize(part)
        page = folder / "index.html"
        page.write_text(render(assignment, part, summary, root, titles or {}), encoding="utf-8")
        write_csv(part, folder / "grades.csv")
        _write_json(assignment, part, summary, folder / "report.json")
        failed = [f"{row.student}\n{row.log}\n" for row in part if row.log]
        (folder / "grading.log").write_text("\n".join(failed), encoding="utf-8")
        pages.append(page)
    return pages


def render(
    assignment: str,
    rows: Sequence[Row],
    summary: ClassSummary,
    root: Path,
    titles: dict[str, str],
) -> str:
    """Return the page: one file that needs nothing else, no network and no script."""
    environment = Environment(
        loader=PackageLoader("autograder.report", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["number"] = number
    environment.filters["words"] = lambda name: name.replace("_", " ")
    links = {row.student: link for row in rows if (link := feedback_link(row, root))}
    return environment.get_template("class.html.j2").render(
        assignment=assignment,
        heading=heading(assignment),
        rows=rows,
        summary=summary,
        titles=titles,
        links=links,
        unsafe=[row.student for row in rows if row.sandbox == "none"],
        when=datetime.now().strftime("%d %B %Y, %H:%M"),
    )


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
            student, by_hand, sandbox, notes = map(_plain, told)
            numbers = map(_cell, [*marks, row.total, row.max_total, row.late_penalty])
            writer.writerow([student, *numbers, by_hand, row.seconds, sandbox, notes])


def _cell(value: float | None) -> str:
    return "" if value is None else number(value)


def _plain(text: str) -> str:
    """Text that a spreadsheet does not take for a formula."""
    return f"'{text}" if re.match(r"[=+\-@\t\r]", text) else text


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

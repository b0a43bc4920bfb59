"""Make one table of many results.json: python tools/classroom_marks.py RESULTS marks.csv

With --comment RESULT it prints one student's points as Markdown, without a word of the student's.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from pathlib import Path

from autograder.wording import number, plain


def main(arguments: list[str]) -> None:
    """Do what the command line says."""
    if len(arguments) != 2:
        raise SystemExit(f"expected RESULTS and a file, or --comment and a result. Got {arguments}")
    if arguments[0] == "--comment":
        print(comment(read(Path(arguments[1]))))
        return
    results = {path.stem: read(path) for path in sorted(Path(arguments[0]).glob("*.json"))}
    with open(arguments[1], "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(table(results))
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        lines = [f"| {student} | {points(told)} |" for student, told in results.items()]
        with open(summary, "a", encoding="utf-8") as file:
            file.write("\n".join(["| student | points |", "|---|---|", *lines, ""]))


def read(path: Path) -> dict:
    """Return one student's results."""
    return json.loads(path.read_text(encoding="utf-8"))


def table(results: dict[str, dict]) -> list[list[str]]:
    """Return the head and a row for each student; an answer for a person to mark has no points."""
    exercises = list(
        dict.fromkeys(
            name for told in results.values() for name in told["extra_data"].get("max_points", {})
        )
    )
    rows = [["student", *exercises, "total", "note"]]
    for student, told in results.items():
        about = told["extra_data"]
        earned = about.get("points", {})
        marks = [number(earned[name]) if name in earned else "" for name in exercises]
        failed = about.get("error")
        note = f"not graded: {failed}" if failed else " ".join(about["notes"])
        total = "" if failed else number(about["total"])
        rows.append([plain(cell) for cell in (student, *marks, total, note[:500])])
    return rows


def points(told: dict) -> str:
    """Return a student's points in words."""
    about = told["extra_data"]
    if about.get("error"):
        return "not graded"
    return f"{number(about['total'])} of {number(sum(about['max_points'].values()))}"


def comment(told: dict) -> str:
    """Return one student's points as Markdown."""
    about = told["extra_data"]
    if about.get("error"):
        return "Your work was not graded, and it is not your fault: your teacher can see why."
    lines = [f"**{points(told)} points**", "", "| exercise | points |", "|---|---|"]
    for name, most in about["max_points"].items():
        earned = about["points"].get(name)
        said = "by your teacher" if earned is None else f"{number(earned)} of {number(most)}"
        lines.append(f"| {name.replace('_', ' ')} | {said} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main(sys.argv[1:])

"""Grade plain Python files of answers, as `examine` does: the same sandbox, the same judge.

The files run as cells, in their order, after the assignment's given cells. Each top-level statement
is a cell of its own, so that a broken function costs what needs it and nothing else. Imports of a
handout's own packages are left out: what they bring is given, or in another of the files.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from . import exercises as exercise_packages
from .course import Assignment
from .grading import GradedNotebook, grade_notebook
from .judge import Verdict
from .sandbox.starter import Starter, start_plain

OWN_PACKAGES = ("cs231n", "past", "future", "builtins", "__future__")


class UnreadableAnswers(ValueError):
    """A file of answers cannot be read; the message names it."""


def examine_files(
    assignment: Assignment,
    paths: Iterable[Path],
    *,
    seed: int,
    backend: str = "auto",
    starter: Starter = start_plain,
) -> GradedNotebook:
    """Grade files of answers for one assignment; `starter` starts the processes."""
    cells = [*_given_cells(assignment)]
    for number, path in enumerate(paths):
        for place, chunk in enumerate(split(read_answers(path))):
            cell = _code_cell(f"answers-{number}-{place}", chunk)
            cell.metadata["nbgrader"] = {"solution": True}  # its errors are worth a note
            cells.append(cell)
    cells += [_hidden_cell(name) for name in assignment.exercises]
    notebook = nbformat.v4.new_notebook(cells=cells)
    return grade_notebook(
        notebook, assignment, seed=seed, backend=backend, tell_hidden=True, starter=starter
    )


def read_answers(path: Path) -> str:
    """Return a file's text, or raise UnreadableAnswers."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UnreadableAnswers(f"a file of answers must exist. Got {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableAnswers(f"{path} must be a text file in UTF-8: {error}") from None


def split(text: str) -> Iterator[str]:
    """Yield a file's top-level statements, one after another, without the handout's own imports.

    A file that does not parse is cut where a new statement begins at the margin: the broken piece
    is then alone.
    """
    # Lines that only a notebook understands, and that no answer needs.
    lines = ["" if line.startswith(("%", "!")) else line for line in text.splitlines()]
    try:
        nodes = ast.parse("\n".join(lines)).body
    except (SyntaxError, ValueError):
        yield from _cut_at_the_margin(lines)
        return
    for node in nodes:
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        source = "\n".join(lines[first - 1 : node.end_lineno])
        if not _is_own_import(node):
            yield _without_own_imports(source, node, first)


def _cut_at_the_margin(lines: list[str]) -> Iterator[str]:
    chunk: list[str] = []
    for line in lines:
        begins = line[:1] not in ("", " ", "\t", ")", "]", "}", "#")
        after_decorator = bool(chunk) and chunk[-1].startswith("@")
        if begins and not after_decorator and chunk:
            yield from _salvage(chunk)
            chunk = []
        chunk.append(line)
    yield from _salvage(chunk)


def _salvage(chunk: list[str]) -> Iterator[str]:
    source = "\n".join(chunk)
    try:
        nodes = ast.parse(source).body
    except (SyntaxError, ValueError):
        yield source  # it stops with its own error, in the sandbox
        return
    if nodes and not all(map(_is_own_import, nodes)):
        yield source


def _is_own_import(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.level > 0 or (node.module or "").split(".")[0] in OWN_PACKAGES
    if isinstance(node, ast.Import):
        return all(alias.name.split(".")[0] in OWN_PACKAGES for alias in node.names)
    return False


def _without_own_imports(source: str, node: ast.stmt, first: int) -> str:
    """Replace imports inside a statement by `pass`, line by line."""
    lines = source.splitlines()
    for inner in ast.walk(node):
        if inner is not node and _is_own_import(inner):
            start, stop = inner.lineno - first, (inner.end_lineno or inner.lineno) - first
            lines[start] = " " * inner.col_offset + "pass"
            lines[start + 1 : stop + 1] = [""] * (stop - start)
    return "\n".join(lines)


def _given_cells(assignment: Assignment) -> Iterator[NotebookNode]:
    """Yield the assignment's given code, and names that answers to older handouts count on."""
    yield _code_cell("python-2-names", "xrange = range")
    marks = {cell.id: cell.metadata.get("nbgrader", {}) for cell in assignment.solution.cells}
    for cell_id, source in assignment.solution_cells().items():
        if not marks[cell_id].get("solution"):
            yield _code_cell(cell_id, source)
    package = importlib.import_module(f"{exercise_packages.__name__}.{assignment.slug}")
    if hasattr(package, "HANDOUT_GIVES"):
        yield _code_cell("given-by-handouts", package.HANDOUT_GIVES)


def _code_cell(cell_id: str, source: str) -> NotebookNode:
    return nbformat.v4.new_code_cell(source, id=cell_id)


def _hidden_cell(name: str) -> NotebookNode:
    cell = _code_cell(f"{name}-hidden", "")
    cell.metadata["nbgrader"] = {"grade": True, "solution": False, "grade_id": f"{name}-hidden"}
    return cell


def as_data(assignment: Assignment, graded: GradedNotebook) -> dict[str, Any]:
    """Return a graded set of answers as plain data, for `--json`."""
    return {
        "assignment": assignment.slug,
        "points": round(sum(v.points for v in graded.verdicts.values()), 2),
        "max_points": sum(v.max_points for v in graded.verdicts.values()),
        "sandbox": graded.sandbox,
        "seconds": round(graded.seconds, 3),
        "notes": graded.notes,
        "exercises": [verdict_data(verdict) for verdict in graded.verdicts.values()],
    }


def verdict_data(verdict: Verdict) -> dict[str, Any]:
    """Return one verdict as plain data."""
    mistake = verdict.mistake
    return {
        "name": verdict.exercise.name,
        "title": verdict.exercise.title,
        "points": verdict.points,
        "max_points": verdict.max_points,
        "error": verdict.error,
        "mistake": mistake and {"name": mistake.name, "hint": mistake.hint},
        "cases": [
            {"name": case.name, "passed": case.passed, "message": case.message}
            for case in verdict.cases
        ],
    }

"""Find out which cell of the handout a student's cell stands for.

Cells are matched by nbgrader's name for them, then by cell id, then by their exact text, then
(cells to be filled) by the function or class that they define: Colab drops ids and names.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Sequence

from nbformat import NotebookNode
from nbgrader.utils import is_solution

from autograder.notebook_file import grade_id


def match_cells(
    submitted: Sequence[NotebookNode], release: Sequence[NotebookNode]
) -> list[int | None]:
    """For each submitted cell the index of the release's cell that it stands for, or None for the
    student's own.
    """
    place: list[int | None] = [None] * len(submitted)

    def match(
        key_of_release: Callable, key_of_cell: Callable, *, once: bool, only: Callable
    ) -> None:
        taken = {index for index in place if index is not None} if once else set()
        known: dict[object, list[int]] = {}
        for index, cell in enumerate(release):
            if only(cell) and index not in taken:
                for key in key_of_release(cell):
                    known.setdefault(key, []).append(index)
        for number, cell in enumerate(submitted):
            if place[number] is None:
                # Of several (a cell that defines two functions), the last in the handout, so that
                # no unfilled cell comes after it.
                found = [known[key] for key in key_of_cell(cell) if key in known]
                if found:
                    indexes = max(found)
                    # Equal texts ("---") are matched in order, and the last of them takes what is
                    # left.
                    place[number] = indexes.pop(0) if once and len(indexes) > 1 else indexes[0]

    def by_id(cell: NotebookNode) -> list[str]:
        return [cell.id] if "id" in cell else []

    def by_text(cell: NotebookNode) -> list[tuple[str, str]]:
        return [(cell.cell_type, same_text(cell.source))]

    def by_grade_id(cell: NotebookNode) -> list[str]:
        return [name] if (name := grade_id(cell)) else []

    def by_definition(cell: NotebookNode) -> Iterable[str]:
        return sorted(defined_names(cell.source)) if cell.cell_type == "code" else []

    def any_cell(cell: NotebookNode) -> bool:
        return True

    def code_solution(cell: NotebookNode) -> bool:
        return bool(is_solution(cell)) and cell.cell_type == "code"

    match(by_grade_id, by_grade_id, once=False, only=any_cell)
    match(by_id, by_id, once=False, only=any_cell)
    match(by_text, by_text, once=True, only=any_cell)
    match(by_definition, by_definition, once=True, only=code_solution)
    _match_answers(place, submitted, release)
    return place


def _match_answers(
    place: list[int | None], submitted: list[NotebookNode], release: list[NotebookNode]
) -> None:
    """A written answer without id or name: the unknown text after the question."""
    for index, cell in enumerate(release):
        if cell.cell_type == "markdown" and is_solution(cell) and index and index not in place:
            for number in range(1, len(submitted)):
                follows = place[number - 1] == index - 1 and place[number] is None
                if follows and submitted[number].cell_type == "markdown":
                    place[number] = index
                    break


def same_text(source: str) -> str:
    """A text without what editors change by themselves: line ends and trailing spaces."""
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


def defined_names(source: str, nested: bool = False) -> set[str]:
    """Names of the functions and classes that a cell defines, also where it does not parse; methods
    of classes if `nested`."""
    indent = r"[ \t]*" if nested else ""
    return set(re.findall(rf"^{indent}(?:async\s+)?(?:def|class)\s+(\w+)", source, re.MULTILINE))


def bound_names(source: str) -> set[str]:
    """Names that a cell binds at top level by import, def, class or assignment; none where it does
    not parse.
    """
    lines = ["" if re.match(r"\s*[%!]", line) else line for line in source.splitlines()]
    try:
        tree = ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    names = set()
    for statement in tree.body:
        match statement:
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names |= {(alias.asname or alias.name).split(".")[0] for alias in aliases}
            case (
                ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
            ):
                names.add(name)
            case ast.Assign(targets=targets):
                names |= {
                    node.id
                    for target in targets
                    for node in ast.walk(target)
                    if isinstance(node, ast.Name)
                }
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
    return names

"""Bring a student's notebook back into the shape of the release, without losing what the student
wrote.

Cells get duplicated, deleted, moved, retyped and edited by accident, and any of these can abort
nbgrader's run. The notebook that comes out has the release's cells in the release's order with the
release's metadata; the student's text is in the solution cells; the student's own extra cells stay
where they were. Nothing but text is taken from the student. Each repair is told in one sentence.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.utils import is_solution

from autograder.cell_matching import bound_names, defined_names, match_cells, same_text
from autograder.colab import is_for_colab
from autograder.notebook_file import grade_id
from autograder.wording import few

MOST_EXTRA_CELLS = 200
EXTRA_CHARACTERS = 1_000_000
"""The student's own cells, all together."""


@dataclass(frozen=True)
class Repaired:
    """A notebook in the release's shape, and what was done to get there."""

    notebook: NotebookNode
    notes: list[str]


@dataclass
class _Notes:
    """Names of cells by what happened to them; one sentence each."""

    happened: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def add(self, name: str, one: str, many: str | None = None) -> None:
        self.happened.setdefault((one, many or one), []).append(name)

    def sentences(self) -> list[str]:
        return [
            (one if len(names) == 1 else many).format(few(names))
            for (one, many), names in self.happened.items()
        ]


def repair(submitted: NotebookNode, release: NotebookNode) -> Repaired:
    """Return `submitted` in the shape of `release`, and a sentence for each repair.

    Cells are matched by nbgrader's name for them, then by cell id, then by their exact text, then
    (solution cells) by the function or class that they define at top level: Colab drops ids and
    names.
    """
    place = match_cells(submitted.cells, release.cells)
    notes = _Notes()
    copies: dict[int, list[NotebookNode]] = {}
    extras: dict[int, list[NotebookNode]] = {}
    anchor = -1
    visited = []
    for cell, index in zip(submitted.cells, place, strict=True):
        if index is None:
            extras.setdefault(anchor, []).append(cell)
        else:
            copies.setdefault(index, []).append(cell)
            anchor = index
            visited.append(index)

    elsewhere = {
        name
        for cell, index in zip(submitted.cells, place, strict=True)
        if index is None or is_solution(release.cells[index])
        for name in defined_names(cell.source, nested=True)
    }
    cells = _own_cells(extras.get(-1, []))
    for index, original in enumerate(release.cells):
        cell, own = _restored(original, copies.get(index, []), elsewhere, notes)
        cells += [cell, *_own_cells(own), *_own_cells(extras.get(index, []))]

    first_visits = list(dict.fromkeys(visited))
    if first_visits != sorted(first_visits):
        notes.add("", "Cells had been moved; they were put back into the order of the handout.")
    cells = _bounded(cells, notes)
    _name_own_cells(cells)
    notebook = new_notebook(metadata=deepcopy(release.metadata))
    notebook.cells = cells
    return Repaired(notebook, notes.sentences())


def _restored(
    original: NotebookNode, copies: list[NotebookNode], elsewhere: set[str], notes: _Notes
) -> tuple[NotebookNode, list[NotebookNode]]:
    """The release's cell with what counts of the student's copies, and copies to keep as the
    student's own.
    """
    cell = _blank(original)
    name = f"“{grade_id(original) or original.id}”"
    wanted = defined_names(original.source) if is_solution(original) else set()
    if not copies and wanted and wanted <= elsewhere:
        # The unfilled function would come after the student's and take its place.
        cell.source = "# This cell was missing. Its answer stands in another cell."
        notes.add(
            name,
            "The cell {} was missing; its answer was found in another cell.",
            "The cells {} were missing; their answers were found in other cells.",
        )
        return cell, []
    if not copies:
        if is_for_colab(original):
            pass  # nothing hangs on it, and older handouts have none
        elif original.cell_type == "code" or is_solution(original):
            notes.add(
                name,
                "The cell {} was missing; it was put back as handed out.",
                "The cells {} were missing; they were put back as handed out.",
            )
        else:
            notes.add(
                name,
                "A text of the handout was missing; it was put back.",
                "Texts of the handout were missing; they were put back.",
            )
        return cell, []
    if is_solution(original):
        return _solution(cell, copies, name, notes), []
    return cell, _changed_versions(original, copies, name, notes)


def _solution(
    cell: NotebookNode, copies: list[NotebookNode], name: str, notes: _Notes
) -> NotebookNode:
    """The last copy that was worked on counts."""
    filled = [copy for copy in copies if same_text(copy.source) != same_text(cell.source)]
    chosen = (filled or copies)[-1]
    if len(copies) > 1:
        notes.add(
            name,
            "The cell {} was there more than once; the last copy that was filled in counts.",
            "The cells {} were there more than once; of each, the last copy filled in counts.",
        )
    if chosen.cell_type != cell.cell_type:
        notes.add(name, "{} had been turned into a cell of another kind; it was turned back.")
    cell.source = chosen.source
    if cell.cell_type == "markdown" and chosen.get("attachments"):
        cell["attachments"] = deepcopy(chosen.attachments)
    return cell


def _changed_versions(
    original: NotebookNode, copies: list[NotebookNode], name: str, notes: _Notes
) -> list[NotebookNode]:
    """The student's versions of a cell that is not theirs to fill which say something that the
    original does not.
    """
    keep = []
    for copy in copies:
        if same_text(copy.source) == same_text(original.source):
            if copy.cell_type != original.cell_type:
                notes.add(
                    name, "{} had been turned into a cell of another kind; it was turned back."
                )
            continue
        if original.cell_type == "markdown":
            notes.add(
                name,
                "A text of the handout had been edited; it was put back, with your version below.",
                "Texts of the handout had been edited; they were put back, your version below.",
            )
            keep.append(copy)
            continue
        notes.add(
            name,
            "The cell {} had been changed; it was put back as handed out.",
            "The cells {} had been changed; they were put back as handed out.",
        )
        # An import or a helper added to a given cell by accident: the answers may need it.
        added = bound_names(copy.source) - bound_names(original.source)
        if added and original.get("metadata", {}).get("nbgrader", {}).get("grade") is not True:
            notes.add(
                name, "Your version of {} also defined names of its own, so it was kept below."
            )
            keep.append(copy)
    return keep


def _blank(original: NotebookNode) -> NotebookNode:
    cell = deepcopy(original)
    if cell.cell_type == "code":
        cell.outputs = []
        cell.execution_count = None
    return cell


def _own_cells(cells: Iterable[NotebookNode]) -> list[NotebookNode]:
    """Copies of a student's own cells that carry text and pictures only; raw and unknown kinds
    become text.
    """
    own = []
    for cell in cells:
        if not cell.source.strip():
            continue
        new = new_code_cell if cell.cell_type == "code" else new_markdown_cell
        copy = new(source=cell.source, id=OWN)
        if cell.cell_type == "markdown" and cell.get("attachments"):
            copy["attachments"] = deepcopy(cell.attachments)
        own.append(copy)
    return own


OWN = "own"
"""The id of a student's own cell until all are numbered."""


def _bounded(cells: list[NotebookNode], notes: _Notes) -> list[NotebookNode]:
    kept, count, characters = [], 0, 0
    for cell in cells:
        if cell.id == OWN:
            count += 1
            characters += len(cell.source)
            if count > MOST_EXTRA_CELLS or characters > EXTRA_CHARACTERS:
                continue
        kept.append(cell)
    if len(kept) < len(cells):
        notes.add(
            "",
            f"Of {count} cells of your own, {len(cells) - len(kept)} were left out: "
            f"at most {MOST_EXTRA_CELLS} cells with {EXTRA_CHARACTERS // 1_000_000} MB are run.",
        )
    return kept


def _name_own_cells(cells: list[NotebookNode]) -> None:
    taken = {cell.id for cell in cells}
    number = 0
    for cell in cells:
        if cell.id == OWN:
            number += 1
            while f"{OWN}-{number}" in taken:
                number += 1
            cell.id = f"{OWN}-{number}"

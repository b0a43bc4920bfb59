"""Read a notebook that a student wrote: bounded, and without believing anything in it but the
cells' text.

What comes out is valid by construction. Of each cell it keeps the type, the text, the id,
nbgrader's name for the cell and pictures pasted into text; outputs, tags and all other metadata are
the student's word and are dropped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_notebook

NOTEBOOK_BYTES = 20 << 20
MOST_CELLS = 2000
CELL_CHARACTERS = 200_000
"""A cell that somebody wrote by hand is far below; one beyond is a pasted file."""
NAME_CHARACTERS = 100
PICTURES = ("image/png", "image/jpeg", "image/gif")
"""Pasted pictures that a browser shows without running anything: no SVG."""

_KINDS = ("code", "markdown", "raw")


class NotANotebook(ValueError):
    """A file that cannot be read as a notebook; the message is what follows the file's name in a
    sentence.
    """


def parse_notebook(data: bytes) -> NotebookNode:
    """Turn the bytes of an .ipynb file into a clean notebook, or raise `NotANotebook`."""
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise NotANotebook("is not text in UTF-8") from None
    except RecursionError:
        raise NotANotebook("is nested deeper than any notebook") from None
    except ValueError:
        raise NotANotebook("is not valid JSON (the file may be cut off)") from None
    if not isinstance(content, dict) or not isinstance(content.get("nbformat"), int):
        raise NotANotebook("is not a Jupyter notebook")
    if content["nbformat"] in (2, 3):
        content = _converted(content)
    cells = content.get("cells")
    if content["nbformat"] != 4 or not isinstance(cells, list):
        raise NotANotebook("is not a notebook of format 4")
    if len(cells) > MOST_CELLS:
        raise NotANotebook(f"has more than {MOST_CELLS} cells")
    notebook = new_notebook()
    notebook.cells = list(_clean_cells(cells))
    return notebook


def new_cell(kind: str, source: str) -> NotebookNode:
    """Return a cell without an id, as nbformat makes it, but without its check of what we wrote
    ourselves: that takes 3 ms for each cell.
    """
    cell = NotebookNode(cell_type=kind, metadata=NotebookNode(), source=source)
    if kind == "code":
        cell.execution_count, cell.outputs = None, []
    return cell


def _converted(content: dict[str, Any]) -> dict[str, Any]:
    """Bring a notebook of an old format to format 4; nbformat does not expect lies, hence the wide
    net.
    """
    try:
        return dict(nbformat.convert(nbformat.from_dict(content), 4))
    except Exception:
        raise NotANotebook(
            f"is a notebook of format {content['nbformat']} that cannot be read"
        ) from None


def _clean_cells(cells: Iterable[Any]) -> Iterable[NotebookNode]:
    taken: set[str] = set()
    for cell in cells:
        if not isinstance(cell, dict) or cell.get("cell_type") not in _KINDS:
            continue
        source = _text(cell.get("source"))
        if source is None:
            continue
        clean = new_cell(cell["cell_type"], source)
        ident = cell.get("id")
        # An id of nbformat's own pattern is kept if it is the first of its name: it helps to find
        # the cell's place.
        if (
            isinstance(ident, str)
            and re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", ident)
            and ident not in taken
        ):
            clean.id = ident
            taken.add(ident)
        else:
            clean.id = next(
                name for n in range(len(taken) + 1) if (name := f"cell-{n}") not in taken
            )
            taken.add(clean.id)
        if (name := grade_id(cell)) is not None:
            clean.metadata["nbgrader"] = {"grade_id": name}
        if clean.cell_type == "markdown" and (pictures := _pictures(cell.get("attachments"))):
            clean["attachments"] = pictures
        yield clean


def grade_id(cell: Any) -> str | None:
    """nbgrader's name for a cell, if there is a plausible one."""
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    return name if isinstance(name, str) and 0 < len(name) <= NAME_CHARACTERS else None


def _text(source: Any) -> str | None:
    """A cell's text: a string, or a list of strings; cut off where it is too long to be written by
    hand.
    """
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        return None
    # A lone surrogate is valid JSON and cannot be written to a file again.
    source = source.encode("utf-8", "replace").decode("utf-8")
    return source[:CELL_CHARACTERS]


def _pictures(attachments: Any) -> dict[str, dict[str, str]]:
    if not isinstance(attachments, dict):
        return {}
    found = {}
    for name, bundle in attachments.items():
        if isinstance(bundle, dict):
            safe = {
                mime: data
                for mime, data in bundle.items()
                if mime in PICTURES
                and isinstance(data, str)
                and re.fullmatch(r"[A-Za-z0-9+/=\s]*", data)
            }
            if safe:
                found[name] = safe
    return found

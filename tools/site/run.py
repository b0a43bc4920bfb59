"""Run a solution notebook, once for each content: the outputs are kept in a folder."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import cs231n_utils

LIBRARIES = ("numpy", "torch", "matplotlib")
SHOWN = 20_000
"""Characters of one output's text that a page shows."""


def run_notebook(path: Path, cache: Path) -> NotebookNode:
    """Return a notebook with its outputs; what was run before with the same content is read."""
    kept = cache / f"{path.stem}-{digest(path)}.ipynb"
    if kept.is_file():
        return nbformat.read(kept, as_version=4)
    notebook = nbformat.read(path, as_version=4)
    columns = [TextColumn("{task.description:24}"), BarColumn(), MofNCompleteColumn()]
    with Progress(*columns, TimeElapsedColumn()) as progress:
        count = sum(cell.cell_type == "code" for cell in notebook.cells)
        task = progress.add_task(path.stem, total=count)
        client = NotebookClient(
            notebook,
            timeout=None,
            kernel_name="python3",
            resources={"metadata": {"path": str(path.parent)}},
            on_cell_complete=lambda **_: progress.advance(task),
        )
        client.execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = clean_outputs(cell.outputs, places(path))
    cache.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, kept)
    return notebook


def digest(path: Path) -> str:
    """Tell one content from another: of the notebook, what lies beside it, and what it imports."""
    total = hashlib.sha256(path.read_bytes())
    home = Path(cs231n_utils.__file__).parent
    for source in sorted([*home.rglob("*.py"), *path.parent.glob("*.jpg")]):
        total.update(source.read_bytes())
    for name in LIBRARIES:
        total.update(f"{name} {version(name)}".encode())
    return total.hexdigest()[:16]


def places(path: Path) -> dict[str, str]:
    """Return this machine's folders, longest first, and what stands for each on a page."""
    found = {
        str(path.parents[2]): "cs231n",
        tempfile.gettempdir(): "tmp",
        sys.prefix: "python",
        sys.base_prefix: "python",
        os.path.expanduser("~"): "~",
    }
    return dict(sorted(found.items(), key=lambda entry: -len(entry[0])))


def clean_outputs(outputs: list[NotebookNode], folders: dict[str, str]) -> list[NotebookNode]:
    """Return outputs as a page shows them: streams joined, bars at their end, no local path."""
    return [_clean(output, folders) for output in _joined(outputs)]


def _joined(outputs: list[NotebookNode]) -> Iterator[NotebookNode]:
    last = None
    for output in outputs:
        if output.output_type == "stream" and last is not None and last.get("name") == output.name:
            last.text += output.text
            continue
        if last is not None:
            yield last
        last = nbformat.from_dict(output)
    if last is not None:
        yield last


def _clean(output: NotebookNode, folders: dict[str, str]) -> NotebookNode:
    if output.output_type == "stream":
        lines = (line.rstrip("\r").rpartition("\r")[2] for line in output.text.split("\n"))
        output.text = without_places("\n".join(lines), folders)[:SHOWN]
    for mime, text in output.get("data", {}).items():
        if isinstance(text, str) and mime.startswith("text/"):
            output.data[mime] = without_places(text, folders)
    return output


def without_places(text: str, folders: dict[str, str]) -> str:
    """Return a text without this machine's folders."""
    for folder, name in folders.items():
        if len(folder) > 1:
            text = re.sub(rf"{re.escape(folder)}(?![\w-])", name, text)
    return text

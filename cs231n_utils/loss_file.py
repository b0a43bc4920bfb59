"""Take one function out of a notebook or a Python file, without running all of it."""

from __future__ import annotations

import ast
import json
import linecache
from collections.abc import Callable
from pathlib import Path
from typing import Any

DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)


class NoSuchFunction(ValueError):
    """A file does not define the function that was asked for, or not in a way that runs."""


def load_function(path: str | Path, name: str) -> Callable[..., Any]:
    """Return the function `name` of a notebook (.ipynb) or a Python file.

    Only imports and definitions of functions and classes are run, in the order in which they stand:
    no training and no check is started. Raises NoSuchFunction.
    """
    path = Path(path)
    kept = [node for part in _parts(path) for node in part.body if isinstance(node, DEFINITIONS)]
    text = ast.unparse(ast.Module(kept, type_ignores=[]))
    file_name = f"<definitions of {path.name}>"
    # So that an error inside shows its line.
    linecache.cache[file_name] = (len(text), None, text.splitlines(keepends=True), file_name)
    namespace: dict[str, Any] = {"__name__": path.stem}
    try:
        exec(compile(text, file_name, "exec"), namespace)
    except Exception as error:
        raise NoSuchFunction(
            f"the imports and definitions of {path} must run on their own. "
            f"Got {type(error).__name__}: {error}"
        ) from error
    if not callable(namespace.get(name)):
        names = [node.name for node in kept if isinstance(node, ast.FunctionDef)]
        raise NoSuchFunction(f"{path} must define {name}. Got {', '.join(names) or 'no function'}")
    return namespace[name]


def _parts(path: Path) -> list[ast.Module]:
    """Return the file, or a notebook's code cells, as syntax trees; broken cells are left out."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return [ast.parse(text, str(path))]
    parts = []
    for cell in json.loads(text)["cells"]:
        if cell["cell_type"] != "code":
            continue
        lines = "".join(cell["source"]).splitlines()
        plain = "\n".join("" if line.startswith(("%", "!")) else line for line in lines)
        try:
            parts.append(ast.parse(plain))
        except SyntaxError:
            continue
    return parts

"""Take one function out of a notebook or a Python file, without running all of it."""

from __future__ import annotations

import ast
import functools
import json
import linecache
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cs231n_utils.vision import import_torchvision

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
        if "torchvision" in text:  # the call that makes it importable is no definition
            import_torchvision()
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


def load_loss(path: str | Path, name: str) -> Callable[..., Any]:
    """Return the loss `name` of a file, to be called with vectors in single precision.

    It is handed them in double precision: with a temperature of 0.01, a loss that takes its
    exponentials as they stand in the text needs exp(100), and single precision ends at exp(88).
    """
    loss = load_function(path, name)

    @functools.wraps(loss)  # its signature, too, which says whether it wants a device
    def in_doubles(left, right, *rest, **named):
        return loss(left.double(), right.double(), *rest, **named)

    return in_doubles


def try_loss(path: str | Path, name: str) -> None:
    """Call the loss `name` of a file once, so that a mistake shows before anything is trained.

    Raises what the loss raises, and NoSuchFunction when it is not a finite number with a gradient.
    """
    import torch

    from cs231n_utils.simclr import on_device

    generator = torch.Generator().manual_seed(0)
    left, right = torch.randn(2, 3, 4, generator=generator, requires_grad=True)
    value = on_device(load_loss(path, name), "cpu")(left, right, 0.5)
    if not (torch.is_tensor(value) and value.numel() == 1 and value.requires_grad):
        raise NoSuchFunction(f"it must return a tensor with one number and a gradient. Got {value}")
    if not torch.isfinite(value).all():
        raise NoSuchFunction(f"it must be finite. Got {value.item()}")

"""Grade only what changed: what a mark was made from, as a key, and the class's seed.

A submission's key covers its files, the assignment, the limits, the code that grades, and the seed.
It stands in the record of its autograded notebook, so it is there if and only if the mark is.

Everybody in a class gets the same hidden inputs, also who is graded later: so the seed is drawn
once, and kept beside the gradebook in a file that only its owner may read.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import autograder
import cs231n_utils
from autograder.intake import Submission
from autograder.late import without_penalties
from autograder.submission import KEY, Material

SEEDS = ".class-seeds.json"
LIBRARIES = ("numpy", "torch", "torchvision", "nbgrader", "nbformat", "ipython")
"""A mark may depend on their versions."""
APART = ("exercises", "report")
"""Folders of `autograder` that change no mark, or one assignment's only."""


@cache
def grader_digest() -> str:
    """Tell one version of the code that grades from another, and of the libraries below it."""
    total = hashlib.sha256()
    for package in (autograder, cs231n_utils):
        home = Path(package.__file__).parent
        for path in sorted(home.rglob("*.py")):
            relative = path.relative_to(home)
            if package is not autograder or relative.parts[0] not in APART:
                _add(total, relative.as_posix().encode(), path.read_bytes())
    for name in LIBRARIES:
        try:
            _add(total, name.encode(), version(name).encode())
        except PackageNotFoundError:
            _add(total, name.encode())
    return total.hexdigest()


def sealed(material: Material) -> Material:
    """Return the material with its digest: of all that it holds, its exercises and the grader."""
    total = hashlib.sha256(grader_digest().encode())
    home = Path(autograder.__file__).parent / "exercises"
    sources = [*home.glob("*.py"), *(home / material.slug).glob("*.py")]
    for path in sorted(sources):
        _add(total, path.relative_to(home).as_posix().encode(), path.read_bytes())
    _add(total, material.slug.encode(), material.notebook.encode(), material.release.encode())
    _add(total, material.solution.encode())
    told = [material.kernelspec, sorted(map(_plain, material.cells.items()), key=str)]
    told.append(_plain(without_penalties(material.settings)))
    _add(total, json.dumps(told, sort_keys=True, default=str).encode())
    for name, content in sorted(material.files.items()):
        _add(total, name.encode(), content)
    return replace(material, digest=total.hexdigest())


def content_key(submission: Submission, material: Material, seed: int, backend: str) -> str:
    """Return what tells whether a submission would be graded as it was."""
    total = hashlib.sha256(material.digest.encode())
    _add(total, str(seed).encode(), b"none" if backend == "none" else b"sandbox")
    for name, content in sorted(submission.files.items()):
        _add(total, name.encode("utf-8", "surrogateescape"), content)
    _add(total, *(note.encode() for note in submission.notes))
    return total.hexdigest()


def key_of(record: Mapping[str, Any]) -> str | None:
    """Return the key in an autograded notebook's record."""
    key = record.get(KEY)
    return key if isinstance(key, str) else None


def class_seed(root: Path, slug: str, *, new: bool = False) -> int:
    """Return the seed that a class is graded with: kept from the first run, or drawn `new`."""
    path = root / SEEDS
    try:
        seeds = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        seeds = {}
    if new or not isinstance(seeds.get(slug), int):
        seeds[slug] = secrets.randbits(62)
        unfinished = path.with_name(f"{SEEDS}.{os.getpid()}")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(json.dumps(seeds) + "\n")
        os.replace(unfinished, path)
    return seeds[slug]


def _add(total: Any, *parts: bytes) -> None:
    """Add parts so that no two lists of parts are the same bytes."""
    for part in parts:
        total.update(len(part).to_bytes(8, "big"))
        total.update(part)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [_plain(item) for item in value]
    return value if isinstance(value, bool | int | float | str | None) else repr(value)

"""Where the course lies: its root, its assignments, and the cells of their solution notebooks."""

from __future__ import annotations

import ast
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import nbformat

from . import exercises as exercise_packages
from .exercise import Exercise, load_exercises
from .forbidden import own_functions

CONFIG = "nbgrader_config.py"


class CourseNotFound(FileNotFoundError):
    """No course root at the working folder or above it."""


class UnknownAssignment(KeyError):
    """No assignment has this name; the message lists the known ones."""

    def __str__(self) -> str:
        return str(self.args[0])


def course_root(start: Path | None = None) -> Path:
    """Return the nearest folder, from `start` (default: here) upwards, that holds the course."""
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / CONFIG).is_file() and (folder / "solutions").is_dir():
            return folder
    raise CourseNotFound(
        f"a course folder holds {CONFIG} and solutions/. Got {start}, which has neither it nor a "
        "parent that does: change into the course's folder first"
    )


class LoadedWhenAsked(Mapping[str, Exercise]):
    """An assignment's exercises; their modules import torch, so not before somebody asks."""

    def __init__(self, package: str) -> None:
        self._package = package

    def __getitem__(self, name: str) -> Exercise:
        return load_exercises(self._package)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(load_exercises(self._package))

    def __len__(self) -> int:
        return len(load_exercises(self._package))


@dataclass(frozen=True)
class Assignment:
    """One assignment: its exercises, and its notebook as solution and as release."""

    slug: str
    root: Path
    exercises: Mapping[str, Exercise] = field(compare=False)

    @property
    def notebook_name(self) -> str:
        """The notebook's name without .ipynb: the slug without its number."""
        return self.slug.split("_", 1)[1]

    @property
    def solution_path(self) -> Path:
        """The hand-edited notebook."""
        return self.root / "solutions" / self.slug / f"{self.notebook_name}.ipynb"

    @property
    def release_path(self) -> Path:
        """The generated notebook that students get."""
        return self.root / "assignments" / self.slug / f"{self.notebook_name}.ipynb"

    @cached_property
    def solution(self) -> nbformat.NotebookNode:
        """The solution notebook."""
        return nbformat.read(self.solution_path, as_version=4)

    @cached_property
    def functions(self) -> dict[str, set[str]]:
        """The functions and classes that each exercise's solution defines."""
        cells = self.solution_cells()
        return {name: own_functions(cells.get(name, "")) for name in self.exercises}

    def solution_cells(self) -> dict[str, str]:
        """Return the code that the exercises stand on, by cell id: given code and solutions."""
        return definition_cells(self.solution)

    def imports(self) -> list[str]:
        """Return the modules that this code imports: what is worth to be imported beforehand."""
        return imported_modules(self.solution)


def definition_cells(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """Return a notebook's code cells by id, without demonstrations, checks and hidden tests."""
    cells = {}
    for cell in notebook.cells:
        marks = cell.metadata.get("nbgrader", {})
        test = marks.get("grade") and not marks.get("solution")
        if cell.cell_type == "code" and not test and not is_shown_only(cell):
            cells[cell.id] = cell.source
    return cells


def imported_modules(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the names of the modules that a notebook's `definition_cells` import, sorted."""
    found = set()
    for source in definition_cells(notebook).values():
        lines = ("" if line.startswith(("%", "!")) else line for line in source.splitlines())
        for node in ast.walk(ast.parse("\n".join(lines))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module)
    return sorted(found)


def is_shown_only(cell: nbformat.NotebookNode) -> bool:
    """Return whether the cell only trains, draws or checks: it is not run while grading.

    A check asks what the judge asks too, and a function that never ends would cost a whole cell's
    time in it.
    """
    return "demonstration" in cell.metadata.get("tags", []) or cell.id.endswith("-check")


def assignments(root: Path | None = None) -> dict[str, Assignment]:
    """Return the course's assignments by slug, in order: those that have exercises."""
    root = root or course_root()
    slugs = sorted(m.name for m in pkgutil.iter_modules(exercise_packages.__path__) if m.ispkg)
    package = exercise_packages.__name__
    return {
        slug: Assignment(slug, root, LoadedWhenAsked(f"{package}.{slug}"))
        for slug in slugs
        if (root / "solutions" / slug).is_dir()
    }


def find_assignment(slug: str, root: Path | None = None) -> Assignment:
    """Return one assignment; an unknown name lists the known ones."""
    known = assignments(root)
    if slug not in known:
        raise UnknownAssignment(f"there is no assignment {slug}. There are: {', '.join(known)}")
    return known[slug]

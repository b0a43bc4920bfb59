"""A student's feedback page, made by a worker from data: what `nbgrader generate_feedback` makes.

The exporter and its templates are kept by the worker, which is most of what a page costs. The
page's last line says which marks it shows, so that the next run knows whether it is up to date.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbconvert.exporters import Exporter
from nbgrader.converters.generate_feedback import GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import GetGrades
from nbgrader.utils import is_grade, is_solution, is_task
from traitlets.config import Config

from autograder import report, safe_page
from autograder.standing import Standing
from autograder.submission import Material, log, sentence

STAMP = "<!-- marks {} -->\n"
STAMP_BYTES = 200
PICTURES = (".png", ".jpg", ".jpeg", ".gif")


@dataclass(frozen=True)
class PageWork:
    """One page to make. Nothing in it is bound to this process.

    key: of what was handed in and graded (autograder.unchanged).
    """

    material: Material = field(repr=False)
    student: str
    notebook: str = field(repr=False)
    standing: Standing = field(repr=False)
    pictures: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Files beside the notebook, which its text may show."""
    key: str = ""


@dataclass
class Page:
    """A page, or why there is none."""

    html: str = field(default="", repr=False)
    seconds: float = 0.0
    error: str | None = None


def make_page(work: PageWork) -> Page:
    """Make a student's page."""
    from autograder.bench import bench

    began, page = time.perf_counter(), Page()
    with bench() as tools:
        try:
            exporter = tools.kept("exporter", work.material, lambda: _exporter(work.material))
            page.html = _render(work, exporter) + STAMP.format(stamp(work.standing, work.key))
        except Exception as error:
            page.error = sentence(error)
    page.seconds = time.perf_counter() - began
    return page


def stamp(standing: Standing, key: str = "") -> str:
    """Tell one page from another: by what was graded, the marks and comments on it, and looks."""
    return hashlib.sha256(f"{_looks()} {key} {standing.as_json()}".encode()).hexdigest()[:32]


def is_up_to_date(page: Path, standing: Standing, key: str = "") -> bool:
    """Return whether a page shows this submission and what the gradebook says of it."""
    try:
        with page.open("rb") as file:
            file.seek(-min(STAMP_BYTES, page.stat().st_size), 2)
            end = file.read().decode(errors="replace")
    except OSError:
        return False
    found = re.search(r"<!-- marks (\w+) -->\s*\Z", end)
    return found is not None and found[1] == stamp(standing, key)


@cache
def _looks() -> str:
    """The digest of what decides how a page looks."""
    total = hashlib.sha256(Path(safe_page.__file__).read_bytes())
    for path in sorted(Path(report.__file__).parent.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            total.update(path.read_bytes())
    return total.hexdigest()


def _exporter(material: Material) -> Exporter:
    """Return the exporter that nbgrader's GenerateFeedback works with, but for its GetGrades."""
    config: Config = material.config
    converter = GenerateFeedback(coursedir=CourseDirectory(config=config), config=config, log=log)
    exporter = converter.exporter_class(parent=converter, config=converter.config)
    for step in converter.preprocessors:
        if step is not GetGrades:
            exporter.register_preprocessor(step)
    return exporter


def _render(work: PageWork, exporter: Exporter) -> str:
    nb = nbformat.reads(work.notebook, as_version=4)
    standing = work.standing
    for cell in nb.cells:
        # What nbgrader's GetGrades puts there.
        if is_solution(cell) or is_task(cell):
            cell.metadata.nbgrader["comment"] = standing.comments[cell.metadata.nbgrader.grade_id]
        if is_grade(cell) or is_task(cell):
            name = cell.metadata.nbgrader.grade_id
            cell.metadata.nbgrader["score"] = standing.scores[name]
            cell.metadata.nbgrader["points"] = standing.max_scores[name]
    name = Path(work.material.notebook).stem
    late = standing.late_penalty or 0
    resources: dict[str, Any] = {
        "unique_key": name,
        "output_files_dir": f"{name}_files",
        "metadata": {"name": name},
        "nbgrader": {
            "student": work.student,
            "assignment": work.material.slug,
            "notebook": name,
            "score": standing.score - late,
            "max_score": standing.max_score,
            "late_penalty": late,
        },
    }
    if not work.pictures:
        return exporter.from_notebook_node(nb, resources=resources)[0]
    with TemporaryDirectory(prefix="page-") as folder:
        for picture, content in work.pictures.items():
            (Path(folder) / picture).write_bytes(content)
        resources["metadata"]["path"] = folder
        return exporter.from_notebook_node(nb, resources=resources)[0]


def pictures(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files that a page may show."""
    return {
        name: content
        for name, content in files.items()
        if "/" not in name and PurePath(name).suffix.lower() in PICTURES
    }

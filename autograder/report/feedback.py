"""The page that a student gets: what was earned, what to do next, and then the notebook.

    page = feedback_html(nb, resources)

One file that works offline, on a phone and on paper: it loads nothing and runs nothing. `nb` is an
autograded notebook whose graded cells have their score, as nbgrader's GetGrades leaves it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Template
from markupsafe import Markup
from nbconvert.exporters import Exporter
from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution, is_task
from traitlets import default

from autograder.colab import is_for_colab
from autograder.nbgrader_plugin import NOTES_CELL, RECORD
from autograder.report.next_steps import next_steps
from autograder.report.page_template import page_template
from autograder.report.terminal import heading
from autograder.report.texts import PICTURE_BYTES, PageTexts


@dataclass(frozen=True)
class Mark:
    """What one exercise earned, and where it stands on the page."""

    name: str
    anchor: str
    score: float
    points: float
    by_hand: bool

    @property
    def state(self) -> str:
        """In a word: full, part or none; hand where a person marks it."""
        if self.by_hand:
            return "hand"
        return "full" if self.score >= self.points else "part" if self.score > 0 else "none"


@dataclass
class Part:
    """One cell as the page shows it."""

    kind: str  # text, notes, verdict, answer or given
    body: Markup | None = None
    markdown: bool = False
    outputs: list[Markup] = field(default_factory=list)
    mark: Mark | None = None
    said: Mapping[str, Any] | None = None
    comment: Markup | None = None


def feedback_html(nb: NotebookNode, resources: Mapping[str, Any]) -> str:
    """Return a student's page.

    `resources["nbgrader"]` has the notebook's name, score, max_score and late_penalty; in
    `resources["metadata"]["path"]`, if there, lie the pictures that the markdown shows.
    """
    about = resources["nbgrader"]
    folder = (resources.get("metadata") or {}).get("path")
    texts = PageTexts(lambda name: _picture_file(folder, name))
    judged = nb.metadata.get(RECORD, {}).get("exercises", {})
    marks = {mark.name: mark for cell in nb.cells if (mark := _mark(cell))}
    parts = [part for cell in nb.cells if (part := _part(cell, texts, marks, judged))]
    comments = {
        cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader.get("comment") or ""
        for cell in nb.cells
        if _by_hand(cell)
    }
    return _template().render(
        title=heading(str(about.get("assignment") or about["notebook"])),
        score=float(about["score"]),
        max_score=float(about["max_score"]),
        late_penalty=float(about.get("late_penalty") or 0),
        steps=next_steps({m.name: (m.score, m.points) for m in marks.values()}, judged, comments),
        anchors={mark.name: mark.anchor for mark in marks.values()},
        marks=marks.values(),
        parts=parts,
    )


class FeedbackExporter(Exporter):
    """The same for nbgrader's GenerateFeedback, which runs its steps on the notebook before."""

    export_from_notebook = "HTML"

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".html"

    def from_notebook_node(
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        """Return the page and the resources."""
        nb, resources = super().from_notebook_node(nb, resources, **options)
        return feedback_html(nb, resources), resources


@cache
def _template() -> Template:
    return page_template("feedback.html.j2", share=_share)


def _share(score: float, most: float) -> float:
    """Return percent."""
    return round(100 * min(max(score / most, 0.0), 1.0), 1) if most else 0


def _by_hand(cell: NotebookNode) -> bool:
    return (is_grade(cell) and is_solution(cell)) or is_task(cell)


def _mark(cell: NotebookNode) -> Mark | None:
    if not (is_grade(cell) or is_task(cell)):
        return None
    marks = cell.metadata.nbgrader
    name = marks.grade_id.removesuffix("-hidden")
    score, points = float(marks.get("score") or 0), float(marks.get("points") or 0)
    return Mark(name, marks.grade_id, score, points, _by_hand(cell))


def _part(
    cell: NotebookNode,
    texts: PageTexts,
    marks: Mapping[str, Mark],
    judged: Mapping[str, Mapping[str, Any]],
) -> Part | None:
    """Return a cell as it is shown; None for a check, which asks what the marks below answer, and
    for what only fetches the course.
    """
    if cell.id.endswith("-check") or cell.id == "check-all" or is_for_colab(cell):
        return None
    solution, graded = is_solution(cell) or is_task(cell), is_grade(cell) or is_task(cell)
    mark = marks.get(cell.metadata.nbgrader.grade_id.removesuffix("-hidden")) if graded else None
    outputs = [texts.output(output) for output in cell.get("outputs", [])]
    if graded and not solution:
        return Part("verdict", outputs=outputs, mark=mark, said=judged.get(mark.name))
    markdown = cell.cell_type == "markdown"
    source = (
        texts.markdown(cell.source, cell.get("attachments"))
        if markdown
        else texts.code(cell.source)
    )
    if solution:
        said = cell.metadata.nbgrader.get("comment")
        comment = texts.markdown(said) if said else None
        return Part("answer", source, markdown, outputs, mark, comment=comment)
    if markdown:
        return Part("notes" if cell.id == NOTES_CELL else "text", source)
    return Part("given", source, outputs=outputs)


def _picture_file(folder: str | None, name: str) -> bytes | None:
    """Return a file that lies beside the notebook: intake lets no link in, nor do we follow one."""
    if not folder or "/" in name or name.startswith("."):
        return None
    path = Path(folder) / name
    if path.is_symlink() or not path.is_file() or path.stat().st_size > PICTURE_BYTES:
        return None
    return path.read_bytes()

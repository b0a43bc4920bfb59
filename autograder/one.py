"""Grade one submission where there is no gradebook: on Gradescope, in a GitHub workflow, by hand.

    python -m autograder grade-one FOLDER --assignment a1_rnn_captioning --results results.json

Intake, sandbox, judge and marks are those of a class: `autograder.submission.grade_submission` does
the work here too. What it needs is a `Lesson`, taken from the course's folder or from a file that
holds one assignment (`lesson.json`, with which an archive for Gradescope comes).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.utils import is_grade, is_locked, is_solution, is_task
from traitlets.config import Config

from autograder.arrange import plain_time
from autograder.classroom import course_directory, lesson_for, refuse_other_steps, sendable
from autograder.course import Assignment
from autograder.feedback_pages import PageWork, make_page, pictures
from autograder.gradebook import exercise_name
from autograder.intake import Submission, read_submission
from autograder.nbgrader_plugin import set_pages
from autograder.schedule import Lesson
from autograder.standing import Standing
from autograder.submission import Graded, Material, SourceCell, Work, grade_submission
from autograder.unchanged import sealed

SENT_SETTINGS = ("JudgeCells", "LimitOutput", "ClearOutput", "DeduplicateIds", "OverwriteCells")
"""Sections of nbgrader_config.py that leave the course's folder; others may hold a password."""


class UnreadableLesson(ValueError):
    """A file is no lesson as `lesson_as_json` writes it."""


def lesson_of(assignment: Assignment, seed: int | None = None) -> Lesson:
    """Return what grading an assignment needs, from the course's folder alone: no gradebook.

    Without a `seed`, the class's own is used, so that everybody gets the same hidden inputs.
    """
    coursedir = course_directory(assignment.root)
    refuse_other_steps(coursedir.config)
    released = nbformat.read(assignment.release_path, as_version=4)
    kernelspec, cells = released.metadata.get("kernelspec"), source_cells(released)
    return lesson_for(assignment, coursedir, kernelspec, cells, seed)


def source_cells(released: nbformat.NotebookNode) -> dict[str, SourceCell]:
    """Return what nbgrader's gradebook keeps of a released notebook's cells."""
    found = {}
    for cell in released.cells:
        marks = cell.metadata.get("nbgrader")
        if not (is_grade(cell) or is_solution(cell) or is_locked(cell)):
            continue
        points = float(marks["points"]) if is_grade(cell) or is_task(cell) else None
        found[marks["grade_id"]] = SourceCell(
            cell.cell_type, bool(marks["locked"]), cell.source, marks.get("checksum"), points
        )
    return found


def lesson_as_json(lesson: Lesson) -> str:
    """Return a lesson as text, without the settings that grading does not need."""
    material = replace(
        lesson.material,
        settings={
            name: values
            for name, values in lesson.material.settings.items()
            if name in SENT_SETTINGS
        },
        files={},
    )
    data = asdict(sealed(material)) | {
        "files": {
            name: base64.b64encode(content).decode()
            for name, content in lesson.material.files.items()
        }
    }
    whole = {"material": data, "max_points": dict(lesson.max_points), "seed": lesson.seed}
    return json.dumps(whole, indent=1)


def lesson_from_json(text: str) -> Lesson:
    """Return the lesson in a text of `lesson_as_json`. Raises UnreadableLesson."""
    try:
        whole = json.loads(text)
        data = whole["material"]
        cells = {name: SourceCell(**cell) for name, cell in data["cells"].items()}
        files = {name: base64.b64decode(content) for name, content in data["files"].items()}
        settings = {name: Config(values) for name, values in data["settings"].items()}
        material = Material(**data | {"cells": cells, "files": files, "settings": settings})
        return Lesson(material, whole["max_points"], int(whole["seed"]))
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableLesson(
            f"a lesson must be a file that `gradescope` wrote: {error}"
        ) from None


def read_one(place: Path, slug: str) -> Submission:
    """Take one submission in: a folder, or a notebook that lies alone or among others.

    In a folder, `assignments/<slug>` and `<slug>` come first, as in a copy of the course. Whatever
    lies there: nothing raises.
    """
    place = place.absolute()
    if place.suffix == ".ipynb" and not place.is_dir():
        taken = _read(place.parent)
        files = {name: text for name, text in taken.files.items() if name == place.name}
        notes = [note for note in taken.notes if place.name in note]
        return plain_time(Submission(files, notes))
    for inner in (place / "assignments" / slug, place / slug):
        if inner.is_dir() and inner.resolve().is_relative_to(place.resolve()):
            return plain_time(_read(inner))
    return plain_time(_read(place))


def _read(folder: Path) -> Submission:
    # The folder's own name may be a link of the grader's; what lies inside is never followed.
    folder = folder.resolve()
    if not folder.is_dir():
        return Submission({}, [])
    return read_submission(folder.parent.parent, folder.parent.name or ".", folder.name or ".")


def grade_one(lesson: Lesson, submission: Submission, backend: str, student: str = "") -> Graded:
    """Grade one submission; whatever goes wrong is told in the result's `error`."""
    name = student or "student"
    return grade_submission(Work(lesson.material, name, submission, backend, lesson.seed))


def points(lesson: Lesson, graded: Graded) -> dict[str, float | None]:
    """Return what each exercise earned, in the notebook's order; None is for a person to mark."""
    scores = {exercise_name(cell): score for cell, score in graded.scores.items()}
    return {name: scores.get(name) for name in lesson.max_points}


def feedback_page(lesson: Lesson, graded: Graded, submission: Submission) -> str:
    """Return the student's page; answers for a person to mark count 0 on it. Raises ValueError."""
    nb = nbformat.reads(graded.notebook, as_version=4)
    standing = Standing(comments=dict(graded.comments))
    for cell in nb.cells:
        if is_grade(cell) or is_task(cell):
            name = cell.metadata.nbgrader.grade_id
            score = graded.scores.get(name)
            standing.scores[name] = float(score or 0)
            standing.max_scores[name] = float(cell.metadata.nbgrader.points)
            standing.marked[name] = score is not None
            if is_solution(cell) or is_task(cell):
                standing.needs_manual.append(name)
    standing.score = sum(standing.scores.values())
    shown = pictures({**submission.files, **lesson.material.files})
    config = Config()
    set_pages(config)  # they are not among the settings that leave the course's folder
    digest = f"{lesson.material.digest}-page"
    material = replace(lesson.material, settings=sendable(config), digest=digest)
    work = PageWork(material, graded.student, graded.notebook, standing, shown)
    page = make_page(work)
    if page.error:
        raise ValueError(page.error)
    return page.html


def summary(lesson: Lesson, graded: Graded) -> Mapping[str, Any]:
    """Return the result as plain data, for programs."""
    earned = points(lesson, graded)
    return {
        "assignment": lesson.material.slug,
        "points": {name: score for name, score in earned.items() if score is not None},
        "max_points": dict(lesson.max_points),
        "total": round(sum(score or 0 for score in earned.values()), 2),
        "by_hand": [name for name, score in earned.items() if score is None],
        "sandbox": graded.record.get("sandbox", ""),
        "notes": list(graded.record.get("notes", [])),
        "error": graded.error,
    }

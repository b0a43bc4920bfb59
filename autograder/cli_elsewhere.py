"""Commands for grading where there is no course folder and no gradebook: cli.py names them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from .course import CourseNotFound, UnknownAssignment, course_root, find_assignment
from .sandbox import NoSandbox

console = Console()
GRADED, TOO_LITTLE, NOT_GRADED = 0, 1, 2


def grade_one(
    submission: Annotated[Path, typer.Argument(help="A student's folder, or the notebook itself.")],
    assignment: Annotated[
        str | None, typer.Option(help="The assignment, from the course's folder.")
    ] = None,
    lesson: Annotated[
        Path | None, typer.Option(help="In its place: a lesson.json, as in Gradescope's archive.")
    ] = None,
    results: Annotated[
        Path, typer.Option(help="Where to write the results, in Gradescope's form.")
    ] = Path("results.json"),
    feedback: Annotated[
        Path | None, typer.Option(help="Write the student's page here, too.")
    ] = None,
    student: Annotated[str, typer.Option(help="The student's name, for the page.")] = "",
    sandbox: Annotated[
        str | None,
        typer.Option(help="As for `grade`; several names with commas are tried in their order."),
    ] = None,
    pass_at: Annotated[
        float | None,
        typer.Option(min=0, max=100, help="Exit with 1 below so many percent of the points."),
    ] = None,
) -> None:
    """Grade one submission without a gradebook, and write its results: for Gradescope and GitHub.

    Exit status: 0 graded, whatever the mark; 1 graded, below --pass-at; 2 not graded, and the
    results say why.
    """
    told: dict[str, Any]
    try:
        told, code = _grade_one(submission, assignment, lesson, feedback, student, sandbox, pass_at)
    except (NoSandbox, UnknownAssignment, CourseNotFound, typer.BadParameter) as error:
        told, code = _not_graded(str(error))
    except Exception as error:
        told, code = _not_graded(f"{type(error).__name__}: {error}")
    results.parent.mkdir(parents=True, exist_ok=True)
    unfinished = results.with_name(f".{results.name}.{os.getpid()}")
    unfinished.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    os.replace(unfinished, results)
    raise typer.Exit(code)


def _grade_one(
    place: Path,
    assignment: str | None,
    lesson_file: Path | None,
    feedback: Path | None,
    student: str,
    sandbox: str | None,
    pass_at: float | None,
) -> tuple[dict[str, Any], int]:
    from . import one
    from .bench import sent_assignment
    from .nbgrader_plugin import default_backend
    from .report.results import results
    from .sandbox import start_session
    from .wording import number

    if (assignment is None) == (lesson_file is None):
        raise typer.BadParameter("either --assignment or --lesson is expected")
    if lesson_file is not None:
        lesson = one.lesson_from_json(lesson_file.read_text(encoding="utf-8"))
    else:
        lesson = one.lesson_of(find_assignment(str(assignment), course_root()))
    backend = sandbox or default_backend()
    start_session(backend=backend).close()  # or NoSandbox, before anything of the student's runs
    taken = one.read_one(place, lesson.material.slug)
    graded = one.grade_one(lesson, taken, backend, student)
    if graded.error is not None:
        raise RuntimeError(graded.error)
    told = one.summary(lesson, graded)
    titles = {n: e.title for n, e in sent_assignment(lesson.material).exercises.items()}
    if feedback is not None:
        feedback.parent.mkdir(parents=True, exist_ok=True)
        feedback.write_text(one.feedback_page(lesson, graded, taken), encoding="utf-8")
    for name, most in told["max_points"].items():
        earned = told["points"].get(name)
        console.print(f"{name:32} {number(earned):>6} of {number(most)}", highlight=False)
    most = sum(told["max_points"].values())
    console.print(f"{'total':32} {number(told['total']):>6} of {number(most)}", highlight=False)
    for note in told["notes"]:
        console.print(f"note: {note}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"sandbox: {told['sandbox']}", markup=False, highlight=False)
    automatic = sum(told["max_points"][name] for name in told["points"])
    enough = pass_at is None or told["total"] >= automatic * pass_at / 100
    judged = graded.record.get("exercises", {})
    return results(told, judged, titles), GRADED if enough else TOO_LITTLE


def _not_graded(why: str) -> tuple[dict[str, Any], int]:
    from .report.results import not_graded

    Console(stderr=True).print(why, style="red", markup=False, highlight=False)
    return not_graded(why), NOT_GRADED


def links(
    branch: Annotated[str, typer.Option(help="The branch that students' repository shows.")] = (
        "main"
    ),
) -> None:
    """Print links that open each notebook in Colab and Binder, as Markdown: for your course's page.

    They lead to the repository in nbgrader_config.py, c.ColabCell.course.
    """
    from .classroom import load_config
    from .colab import NoSuchLinks
    from .colab import links as lines
    from .course import assignments

    try:
        root = course_root()
        course = load_config(root).ColabCell.get("course") or ""
        paths = [each.release_path.relative_to(root) for each in assignments(root).values()]
        for line in lines(course, [path.as_posix() for path in paths], branch):
            print(line)
    except (NoSuchLinks, CourseNotFound) as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False)
        raise typer.Exit(2) from None


def gradescope(
    assignment: Annotated[str, typer.Argument(help="The assignment, such as a1_rnn_captioning.")],
    to: Annotated[
        Path | None, typer.Option(help="The file. Default: autograder-ASSIGNMENT.zip.")
    ] = None,
    index: Annotated[
        str,
        typer.Option(
            envvar="PIP_EXTRA_INDEX_URL",
            help="A further package index for pip, there: of PyTorch's CPU builds, say.",
        ),
    ] = "",
) -> None:
    """Write the autograder archive that Gradescope wants for an assignment.

    It holds the solution and the hidden tests: upload it, and give it to nobody.
    """
    from .gradescope import write_archive

    try:
        found = find_assignment(assignment, course_root())
    except (UnknownAssignment, CourseNotFound) as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False)
        raise typer.Exit(2) from None
    path = write_archive(found, to or Path(f"autograder-{found.slug}.zip"), index)
    size = path.stat().st_size / 1e6
    console.print(f"{path}: {size:.1f} MB", highlight=False, soft_wrap=True)

"""Grade a class: each submission by a worker, written by one writer, told in one report.

    rows = grade_class(["a1_rnn_captioning"], jobs=2)

Whatever goes wrong with a submission becomes its row; only what concerns everybody raises.
"""

from __future__ import annotations

import ast
import io
import logging
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbgrader.converters.base import NbGraderException
from nbgrader.converters.generate_assignment import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from rich.console import Console
from traitlets.config import Config, PyFileConfigLoader

from autograder import exercises
from autograder.cluster import open_cluster
from autograder.course import CONFIG, Assignment, assignments, course_root, find_assignment
from autograder.extensions import course_extensions
from autograder.folders import beside_notebook
from autograder.gradebook import Row, graded_cells, has_assignment
from autograder.nbgrader_plugin import HookNotInstalled, default_backend
from autograder.progress import Bar, Json, Lines, Progress, slowest
from autograder.report import print_gradebook, write_reports
from autograder.report.reading import with_others
from autograder.safe_autograde import AUTOGRADE, SANITIZE, list_submissions, odd_names
from autograder.sandbox import start_session
from autograder.schedule import Lesson, Schedule, Task
from autograder.submission import Material, SourceCell
from autograder.unchanged import class_seed, sealed
from autograder.wording import few
from autograder.workers import open_workers
from autograder.writer import Writer


class UnknownStudent(KeyError):
    """No submission of that student; the message lists the students who handed in."""

    def __str__(self) -> str:
        return str(self.args[0])


class NothingHandedIn(FileNotFoundError):
    """There is no submission to grade."""


class NotReleased(FileNotFoundError):
    """nbgrader could not make the released notebook."""


def course_directory(root: Path) -> CourseDirectory:
    """Return nbgrader's view of the course's folders and gradebook."""
    return CourseDirectory(config=load_config(root), root=str(root))


def load_config(root: Path) -> Config:
    """Return the settings in the course's nbgrader_config.py, as nbgrader reads them."""
    return PyFileConfigLoader(CONFIG, path=str(root)).load_config()


@dataclass(frozen=True)
class Options:
    """How a class is graded.

    `backend` is the sandbox: auto, bwrap, podman, docker or none (default: $CS231N_SANDBOX, or
    auto). `jobs` are worker processes of this machine (default: one for each core); `scheduler` is
    the address of a Dask cluster, whose workers are used in their place. `force` grades also what
    has not changed. `seed` is for demonstrations: without it, the class's own is kept from run to
    run. `as_json` prints a line for a program where else people are told something. With
    `marks_only`, feedback pages and the report wait for a run without it.
    """

    backend: str | None = None
    jobs: int | None = None
    scheduler: str | None = None
    force: bool = False
    seed: int | None = None
    as_json: bool = False
    marks_only: bool = False


def grade_class(
    names: Sequence[str] | None = None,
    students: Sequence[str] | None = None,
    options: Options = Options(),
    *,
    root: Path | None = None,
    console: Console | None = None,
) -> list[Row]:
    """Grade submissions and return one row for each, in the order of assignments and students.

    `names` are assignments (default: all that somebody handed in), `students` their folders under
    submitted/ (default: all). The gradebook, autograded/ and feedback/ are nbgrader's own, and hold
    what `nbgrader autograde` and `nbgrader generate_feedback` would have written.

    Raises UnknownAssignment, UnknownStudent, NothingHandedIn, BadExtensions, and NoSandbox before
    anything was run or changed. After KeyboardInterrupt, what was finished stays.
    """
    root = root or course_root()
    backend = options.backend or default_backend()
    todo = choose(root, names, students)
    start_session(backend=backend).close()  # or NoSandbox, which says what to install
    for assignment, _ in todo:
        ensure_released(assignment)
    total = sum(len(found) for _, found in todo)
    coursedir = course_directory(root)
    rows: list[Row] = []
    with ExitStack() as stack:
        slugs = [assignment.slug for assignment, _ in todo]
        extensions = course_extensions(coursedir, assignments(root), slugs)
        writer = stack.enter_context(Writer(coursedir, extensions))
        fresh = options.force and not students
        tasks = [
            Task(lesson, student)
            for assignment, found in todo
            for lesson in [make_lesson(assignment, writer, options.seed, fresh=fresh)]
            for student in found
        ]
        where = (
            open_cluster(options.scheduler)
            if options.scheduler
            else open_workers(options.jobs, total)
        )
        workers = stack.enter_context(where)
        progress = stack.enter_context(make_progress(total, options, console))
        schedule = Schedule(
            writer,
            workers,
            progress,
            backend=backend,
            in_flight=2 * workers.jobs,
            force=options.force,
            pages=not options.marks_only,
        )
        rows.extend(schedule.rows(tasks))
    places = {(task.lesson.material.slug, task.student): n for n, task in enumerate(tasks)}
    return sorted(rows, key=lambda row: places[row.assignment, row.student])


def make_lesson(
    assignment: Assignment, writer: Writer, seed: int | None, *, fresh: bool = False
) -> Lesson:
    """Return what grading an assignment needs; a `fresh` one draws the class's seed anew."""
    refuse_other_steps(writer.coursedir.config)
    kernelspec, cells = writer.source(assignment.slug, assignment.release_path.stem)
    return lesson_for(assignment, writer.coursedir, kernelspec, cells, seed, fresh=fresh)


def lesson_for(
    assignment: Assignment,
    coursedir: CourseDirectory,
    kernelspec: Any,
    cells: Mapping[str, SourceCell],
    seed: int | None,
    *,
    fresh: bool = False,
) -> Lesson:
    """Return what grading needs, for cells as nbgrader knows them. Without a `seed`, the class's
    own is used, so that everybody gets the same hidden inputs; a `fresh` one is drawn anew.
    """
    config, path = coursedir.config, assignment.release_path
    excluded = dict(config.Autograde.get("exclude_overwriting", {})).get(assignment.slug, [])
    material = Material(
        slug=assignment.slug,
        notebook=path.name,
        release=path.read_text(encoding="utf-8"),
        solution=assignment.solution_path.read_text(encoding="utf-8"),
        kernelspec=kernelspec,
        cells=cells,
        files=beside_notebook(coursedir, assignment.slug, excluded),
        settings=sendable(config),
    )
    if seed is None:
        seed = class_seed(assignment.root, assignment.slug, new=fresh)
    return Lesson(sealed(material), graded_cells(path), seed)


def refuse_other_steps(config: Config) -> None:
    """Raise HookNotInstalled where nbgrader is told to grade in another way than ours."""
    for name, ours in (
        ("sanitize_preprocessors", SANITIZE),
        ("autograde_preprocessors", AUTOGRADE),
    ):
        if config.Autograde.get(name) != ours:
            raise HookNotInstalled(
                f"Autograde.{name} must be {ours}: nbgrader_config.py has changed it after "
                "`install`. Nothing was graded"
            )


def sendable(config: Config) -> dict[str, dict[str, Any]]:
    """Return a configuration as data for workers, without what cannot be sent (a function, say)."""
    settings: dict[str, dict[str, Any]] = {}
    for section, values in config.items():
        settings[section] = {}
        for name, value in values.items():
            with suppress(Exception):
                pickle.dumps(value)
                settings[section][name] = value
    return settings


def make_progress(total: int, options: Options, console: Console | None) -> Progress:
    """Return what tells how far it is: to a program, a person, or a log."""
    if options.as_json:
        return Json(total)
    console = console or Console()
    return Bar(total, console) if console.is_terminal else Lines(total, console)


def grade_and_report(
    names: Sequence[str] | None = None,
    students: Sequence[str] | None = None,
    options: Options = Options(),
    *,
    root: Path | None = None,
    console: Console | None = None,
) -> list[Row]:
    """Grade as `grade_class` does, print the gradebook, and write reports/<assignment>/.

    With `marks_only`, no report is written, and it is said that feedback and report are to come.
    """
    root = root or course_root()
    console = console or Console()
    rows = grade_class(names, students, options, root=root, console=console)
    pages = [] if options.marks_only else report_on_class(rows, root, whole=not students)
    if options.as_json:
        return rows
    print_gradebook(rows, console)
    for name in odd_names(root / "submitted"):
        console.print(
            f"submitted/{name} was left alone: this cannot be a student's name", style="red"
        )
    for told in (said_unchanged(rows), slowest(rows)):
        if told:
            console.print(told, markup=False, highlight=False, soft_wrap=True)
    console.print()
    places = [("class report", page) for page in pages]
    if options.marks_only:
        console.print(
            "No feedback pages and no report yet: `grade` without --marks-only makes them."
        )
    else:
        places.append(("feedback", root / "feedback/<student>/"))
    for kind, place in (*places, ("gradebook", root / "gradebook.db")):
        console.print(f"{kind:13} {from_here(place)}", soft_wrap=True, highlight=False)
    return rows


def report_on_class(rows: Sequence[Row], root: Path, *, whole: bool) -> list[Path]:
    """Write reports on the class, where `rows` are the `whole` of it or some; return the pages."""
    if not whole:
        slugs = dict.fromkeys(row.assignment for row in rows)
        releases = {slug: find_assignment(slug, root).release_path for slug in slugs}
        rows = with_others(rows, root, releases, course_directory(root).db_url)
    return write_reports(rows, root, exercise_titles(root))


def said_unchanged(rows: Sequence[Row]) -> str:
    """Say how many submissions are as they were when they were graded."""
    count = sum(row.unchanged for row in rows)
    if not count:
        return ""
    return f"{count} of {len(rows)} had not changed and kept their marks; --force grades all again"


def exercise_titles(root: Path) -> dict[str, str]:
    """Return the title of every exercise of the course: the first line of its file's docstring.

    The files are read and not imported, because that would import torch.
    """
    home = Path(exercises.__file__).parent
    paths = [path for slug in assignments(root) for path in (home / slug).glob("[!_]*.py")]
    told = {path.stem: ast.get_docstring(ast.parse(path.read_text("utf-8"))) for path in paths}
    return {name: text.splitlines()[0].rstrip(".") for name, text in told.items() if text}


def from_here(path: Path) -> str:
    """A path as a person types it: relative to the working folder where it lies below."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def choose(
    root: Path, names: Sequence[str] | None, students: Sequence[str] | None
) -> list[tuple[Assignment, list[str]]]:
    """Return the submissions to grade: each assignment with its students."""
    submitted = root / "submitted"
    if names:
        wanted = [find_assignment(name, root) for name in names]
    else:
        wanted = list(assignments(root).values())
    found = [(each, list_submissions(submitted, each.slug)) for each in wanted]
    known = sorted({student for _, listed in found for student in listed})
    if not known:
        raise NothingHandedIn(
            "submissions are expected as submitted/<student>/<assignment>/<notebook>.ipynb. "
            f"Got none for {few([assignment.slug for assignment in wanted])} in {submitted}"
        )
    unknown = [student for student in students or () if student not in known]
    if unknown:
        raise UnknownStudent(
            f"there is no submission of {few(unknown)}. There are: {', '.join(known)}"
        )
    return [
        (each, [student for student in listed if not students or student in students])
        for each, listed in found
        if listed
    ]


def ensure_released(assignment: Assignment) -> None:
    """Make the release, if nbgrader's gradebook does not know the assignment yet."""
    coursedir = course_directory(assignment.root)
    if not (
        assignment.release_path.is_file() and has_assignment(coursedir.db_url, assignment.slug)
    ):
        make_release(assignment.root, assignment.slug)


def make_release(root: Path, slug: str) -> None:
    """Do what `nbgrader generate_assignment SLUG --force` does."""
    config = load_config(root)
    coursedir = CourseDirectory(config=config, root=str(root), assignment_id=slug)
    with _log_of_nbgrader() as (log, text):
        converter = GenerateAssignment(coursedir=coursedir, config=config, log=log)
        converter.force = True
        try:
            converter.start()
        except NbGraderException as error:
            raise NotReleased(f"{slug} could not be released: {error}\n{text()}") from error


@contextmanager
def _log_of_nbgrader() -> Iterator[tuple[logging.Logger, Callable[[], str]]]:
    """A log for nbgrader's many lines: kept for the case that something fails, not printed."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    log = logging.getLogger("autograder.nbgrader")
    log.setLevel(logging.WARNING)
    log.propagate = False
    log.addHandler(handler)
    try:
        yield log, stream.getvalue
    finally:
        log.removeHandler(handler)

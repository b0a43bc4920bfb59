"""Grade a class: nbgrader's own two steps for each submission, then one gradebook and one report.

    rows = grade_class(["a1_rnn_captioning"])

`grade_submission` is the unit of work: its arguments and its result can be sent to another process.
Whatever goes wrong with a submission becomes its row; only what concerns everybody raises.
"""

from __future__ import annotations

import glob
import io
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import MissingEntry
from nbgrader.converters.base import BaseConverter, NbGraderException
from nbgrader.converters.generate_assignment import GenerateAssignment
from nbgrader.converters.generate_feedback import GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from traitlets.config import Config, PyFileConfigLoader

from autograder.course import CONFIG, Assignment, assignments, course_root, find_assignment
from autograder.gradebook import Row, graded_cells, has_assignment, read_row
from autograder.nbgrader_plugin import default_backend, process_seed
from autograder.report import print_gradebook, write_reports
from autograder.safe_autograde import SafeAutograde, list_submissions, odd_names
from autograder.sandbox import start_session
from autograder.wording import few


class UnknownStudent(KeyError):
    """No submission of that student; the message lists the students who handed in."""

    def __str__(self) -> str:
        return str(self.args[0])


class NothingHandedIn(FileNotFoundError):
    """There is no submission to grade."""


class NotReleased(FileNotFoundError):
    """nbgrader could not make the released notebook."""


@dataclass(frozen=True)
class Work:
    """One submission to grade, and how. Nothing in it is bound to this process."""

    root: Path
    assignment: str
    student: str
    backend: str
    seed: int


def load_config(root: Path) -> Config:
    """Return the settings in the course's nbgrader_config.py, as nbgrader reads them."""
    return PyFileConfigLoader(CONFIG, path=str(root)).load_config()


def grade_class(
    names: Sequence[str] | None = None,
    students: Sequence[str] | None = None,
    backend: str | None = None,
    *,
    root: Path | None = None,
    seed: int | None = None,
    console: Console | None = None,
) -> list[Row]:
    """Grade submissions and return one row for each.

    `names` are assignments (default: all that somebody handed in), `students` their folders under
    submitted/ (default: all), `backend` is the sandbox: auto, bwrap, podman, docker or
    none (default: $CS231N_SANDBOX, or auto). The gradebook, autograded/ and feedback/ are
    nbgrader's own.

    Raises UnknownAssignment, UnknownStudent and NothingHandedIn, and NoSandbox before anything
    was run or changed.
    """
    root = root or course_root()
    backend = backend or default_backend()
    seed = process_seed() if seed is None else seed
    todo = choose(root, names, students)
    start_session(backend=backend).close()  # or NoSandbox, which says what to install
    for assignment, _ in todo:
        ensure_released(assignment)
    work = [
        Work(root, assignment.slug, student, backend, seed)
        for assignment, found in todo
        for student in found
    ]
    rows: list[Row] = []
    with _progress(console) as progress:
        bar = progress.add_task("grading", total=len(work))
        for item in work:
            progress.update(bar, description=f"{item.assignment} · {item.student}")
            rows.append(grade_submission(item))
            progress.advance(bar)
        progress.update(bar, description="graded")
    return rows


def grade_and_report(
    names: Sequence[str] | None = None,
    students: Sequence[str] | None = None,
    backend: str | None = None,
    *,
    root: Path | None = None,
    seed: int | None = None,
    console: Console | None = None,
) -> list[Row]:
    """Grade as `grade_class` does, print the gradebook, and write reports/<assignment>/."""
    root = root or course_root()
    console = console or Console()
    rows = grade_class(
        names,
        students,
        backend,
        root=root,
        seed=seed,
        console=console,
    )
    print_gradebook(rows, console)
    for name in odd_names(root / "submitted"):
        console.print(
            f"submitted/{name} was left alone: this cannot be a student's name", style="red"
        )
    console.print()
    for page in write_reports(rows, root, exercise_titles(root)):
        console.print(f"class report  {from_here(page)}", soft_wrap=True, highlight=False)
    for kind, place in (("feedback", "feedback/<student>/"), ("gradebook", "gradebook.db")):
        console.print(f"{kind:13} {from_here(root / place)}", soft_wrap=True, highlight=False)
    return rows


def exercise_titles(root: Path) -> dict[str, str]:
    """Return the title of every exercise of the course."""
    return {
        name: exercise.title
        for assignment in assignments(root).values()
        for name, exercise in assignment.exercises.items()
    }


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
    config = load_config(assignment.root)
    coursedir = CourseDirectory(config=config, root=str(assignment.root))
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


def grade_submission(work: Work) -> Row:
    """Grade one submission as nbgrader does, write its feedback, and return its row."""
    began = time.perf_counter()
    config = load_config(work.root)
    config.JudgeCells.backend = work.backend
    config.JudgeCells.seed = work.seed
    coursedir = CourseDirectory(
        config=config,
        root=str(work.root),
        assignment_id=work.assignment,
        student_id=glob.escape(work.student),
    )
    with _log_of_nbgrader() as (log, text):
        grader = SafeAutograde(coursedir=coursedir, config=config, log=log)
        trouble = _run(grader)
        # nbgrader says that there was an error; our converter remembers the cause.
        error = trouble and _sentence(grader.trouble or trouble)
        row = _row(work, coursedir, error)
        if error is None:
            trouble = _run(GenerateFeedback(coursedir=coursedir, config=config, log=log))
            if trouble is not None:
                row.notes.append(f"Graded, but no feedback page was written: {_sentence(trouble)}")
                row.log = text()
        else:
            row.log = text()
    row.seconds = round(time.perf_counter() - began, 3)
    return row


def _run(converter: BaseConverter) -> Exception | None:
    """Let one of nbgrader's converters work, also where it did before; return what it raised."""
    converter.force = True
    try:
        converter.start()
    except Exception as error:
        return error
    return None


def _row(work: Work, coursedir: CourseDirectory, error: str | None) -> Row:
    assignment = find_assignment(work.assignment, work.root)
    maximum = graded_cells(assignment.release_path)
    if error is None:
        folder = coursedir.format_path(
            coursedir.autograded_directory, work.student, work.assignment
        )
        autograded = Path(folder) / assignment.release_path.name
        try:
            return read_row(coursedir.db_url, work.assignment, work.student, [*maximum], autograded)
        except MissingEntry:
            error = "nbgrader did not enter it into the gradebook"
    row = Row(work.assignment, work.student, points=dict.fromkeys(maximum), max_points=maximum)
    row.error = error
    row.notes = [f"This submission could not be graded: {error}"]
    return row


def _sentence(trouble: Exception) -> str:
    first = (str(trouble).strip().splitlines() or [""])[0][:300]
    return f"{type(trouble).__name__}: {first}"


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


def _progress(console: Console | None) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )

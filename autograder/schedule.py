"""One run over a class: what is sent to workers, what comes back, and what becomes of it.

The scheduler takes submissions in, sends what changed to an executor, writes what comes back, and
has the feedback pages made, if they are wanted. It keeps few in flight, so a class of any size
needs the same memory.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import MissingEntry
from sqlalchemy.exc import OperationalError

from autograder.arrange import plain_time
from autograder.feedback_pages import Page, PageWork, is_up_to_date, make_page, pictures
from autograder.folders import ignored
from autograder.gradebook import Row, make_row
from autograder.intake import read_submission
from autograder.nbgrader_plugin import RECORD
from autograder.progress import Progress
from autograder.standing import Standing
from autograder.submission import Graded, Material, Work, grade_submission, sentence
from autograder.unchanged import content_key, key_of
from autograder.workers import WorkerDied
from autograder.writer import Writer

MOST_DEATHS = 2
TICK_SECONDS = 0.5


@dataclass(frozen=True)
class Lesson:
    """An assignment as one run grades it."""

    material: Material
    max_points: Mapping[str, float]
    seed: int


@dataclass
class Task:
    """One submission on its way."""

    lesson: Lesson
    student: str
    work: Work | None = None
    graded: Graded | None = None
    row: Row | None = None
    deaths: int = 0
    step: Any = None
    sent: float = 0.0
    label: str = field(default="")


class Schedule:
    """Grade tasks with an executor and a writer; see `rows`."""

    def __init__(
        self,
        writer: Writer,
        executor: Executor,
        progress: Progress,
        *,
        backend: str,
        in_flight: int,
        force: bool = False,
        pages: bool = True,
    ) -> None:
        self.writer, self.executor, self.progress = writer, executor, progress
        self.backend, self.force, self.pages = backend, force, pages
        self.in_flight = in_flight
        self._waiting: dict[Future, Task] = {}
        self._ready: list[Row] = []
        self._said: dict[str, dict[str, Any]] = {}

    def rows(self, tasks: Iterable[Task]) -> Iterator[Row]:
        """Yield each task's row when all of it is on the disk, in the order in which they end."""
        tasks = iter(tasks)
        more = True
        while more or self._waiting or self._ready:
            while more and len(self._waiting) < self.in_flight and not self._ready:
                task = next(tasks, None)
                if task is None:
                    more = False
                else:
                    self._begin(task)
            if self._waiting and not self._ready:
                self.progress.working(list(self._waiting.items()))
                done, _ = wait(self._waiting, TICK_SECONDS, return_when=FIRST_COMPLETED)
                for future in done:
                    self._returned(self._waiting.pop(future), future)
            while self._ready:
                row = self._ready.pop(0)
                self.progress.ended(row)
                yield row

    # -- one submission, step by step
    def _begin(self, task: Task) -> None:
        material = task.lesson.material
        coursedir = self.writer.coursedir
        began = time.perf_counter()
        submission = plain_time(
            read_submission(
                Path(coursedir.root) / coursedir.submitted_directory,
                task.student,
                material.slug,
                ignore=ignored(coursedir),
            )
        )
        key = content_key(submission, material, task.lesson.seed, self.backend)
        task.work = Work(material, task.student, submission, self.backend, task.lesson.seed, key)
        task.graded = Graded(material.slug, task.student, material.notebook)
        if not self.force and self._unchanged(task):
            return
        task.graded.spent["take in"] = time.perf_counter() - began
        self._send(task, grade_submission, task.work)

    def _unchanged(self, task: Task) -> bool:
        """End a task whose mark stands already; return whether it does."""
        material, graded = task.lesson.material, task.graded
        folder = self.writer.folder(self.writer.coursedir.autograded_directory, graded)
        try:
            nb = nbformat.read(folder / material.notebook, as_version=4)
            record = nb.metadata.get(RECORD, {})
            if key_of(record) != task.work.key:
                return False
            # A due date, an extension or the policy may be another by now.
            self.writer.settle(material.slug, Path(material.notebook).stem, task.student)
            standing = self._standing(task)
        except (OSError, ValueError, MissingEntry):
            return False
        graded.record = dict(record)
        graded.files = [
            path.relative_to(folder).as_posix()
            for path in folder.rglob("*")
            if path.is_file() and path.suffix != ".ipynb"
        ]
        self._show(task, standing, nbformat.writes(nb))
        task.row.unchanged = True
        return True

    def _returned(self, task: Task, future: Future) -> None:
        try:
            result = future.result()
        except Exception as error:
            if not (isinstance(error, BrokenExecutor | WorkerDied) or _killed(error)):
                raise
            task.deaths += MOST_DEATHS if _killed(error) else 1
            if task.deaths < MOST_DEATHS:
                self._send(task, *task.step)
                return
            result = _fatal(task)
        if isinstance(result, Page):
            self._page(task, result)
        else:
            self._graded(task, result)

    def _graded(self, task: Task, graded: Graded) -> None:
        """Write what a worker sent."""
        began = time.perf_counter()
        graded.spent = {**task.graded.spent, **graded.spent}
        graded.spent["way"] = began - task.sent - graded.seconds
        task.graded = graded
        try:
            self.writer.write(graded, self._files(task))
            standing = self._standing(task) if graded.error is None else None
        except OperationalError:
            raise  # the gradebook itself: everybody's
        except Exception as error:
            # Nobody else's: a name that is both a file and a folder, say. The gradebook is whole.
            graded.error, graded.log = sentence(error), graded.log
            standing = None
        graded.spent["write"] = time.perf_counter() - began
        if standing is None:
            self._failed(task)
        else:
            self._show(task, standing, graded.notebook)

    def _show(self, task: Task, standing: Standing, notebook: str) -> None:
        """Make the task's row, and its page if there is none that says the same."""
        material, graded = task.lesson.material, task.graded
        task.row = make_row(
            material.slug, task.student, standing, graded.record, [*task.lesson.max_points]
        )
        task.row.judged = {name: self._once(said) for name, said in task.row.judged.items()}
        if graded.seconds:
            task.row.seconds = round(graded.seconds + graded.spent.get("write", 0.0), 3)
        task.row.spent = graded.spent
        folder = self.writer.folder(self.writer.coursedir.feedback_directory, graded)
        page = folder / f"{Path(material.notebook).stem}.html"
        key = task.work.key
        if not self.pages or (not graded.seconds and is_up_to_date(page, standing, key)):
            self._end(task, task.row)
        else:
            shown = pictures(self._files(task))
            work = PageWork(material, task.student, notebook, standing, shown, key)
            self._send(task, make_page, work)

    def _page(self, task: Task, page: Page) -> None:
        task.graded.spent["feedback"] = page.seconds
        began = time.perf_counter()
        error = page.error
        if error is None:
            try:
                self.writer.write_feedback(task.graded, page.html, self._files(task))
            except OSError as trouble:
                error = sentence(trouble)
        if error is not None:
            task.row.notes.append(f"Graded, but no feedback page was written: {error}")
        task.graded.spent["write feedback"] = time.perf_counter() - began
        self._end(task, task.row)

    def _failed(self, task: Task) -> None:
        """Make the row of a submission without marks."""
        graded, maximum = task.graded, dict(task.lesson.max_points)
        row = Row(
            graded.assignment, task.student, points=dict.fromkeys(maximum), max_points=maximum
        )
        row.error, row.log = graded.error, graded.log or str(graded.error)
        row.seconds = round(graded.seconds, 3)
        row.notes = [f"This submission could not be graded: {graded.error}"]
        self._end(task, row)

    # -- helpers
    def _end(self, task: Task, row: Row) -> None:
        """Let go of what a task holds: all of it is on the disk, and a class may have thousands."""
        task.work = task.graded = task.step = None
        self._ready.append(row)

    def _once(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Return the judge's words, the same object for the same words: most of a class's are."""
        text = json.dumps(said, sort_keys=True)
        if text not in self._said:
            self._said[text] = json.loads(text)
        return self._said[text]

    def _send(self, task: Task, function: Any, work: Any) -> None:
        task.step, task.sent = (function, work), time.perf_counter()
        self._waiting[self.executor.submit(function, work)] = task

    def _standing(self, task: Task) -> Standing:
        material = task.lesson.material
        return self.writer.standing(material.slug, Path(material.notebook).stem, task.student)

    def _files(self, task: Task) -> dict[str, bytes]:
        """The files beside a notebook: the student's, and the course's over them."""
        own = {name: task.work.submission.files.get(name) for name in task.graded.files}
        kept = {name: content for name, content in own.items() if content is not None}
        return {**kept, **task.lesson.material.files}


def _killed(error: BaseException) -> bool:
    """Whether a Dask cluster gave a task up because workers died over it, as often as it allows."""
    return type(error).__name__ == "KilledWorker"


def _fatal(task: Task) -> Graded | Page:
    why = f"the process that worked on it ended {MOST_DEATHS} times"
    if task.step[0] is make_page:
        return Page(error=why)
    material = task.lesson.material
    return Graded(material.slug, task.student, material.notebook, error=why, log=why)

"""nbgrader's Autograde, with our intake in front: nbgrader sees only what intake copied.

nbgrader's own converter follows a student's links and gives up the whole class for one notebook
that it cannot read. This one takes each submission in (`autograder.intake`) just before its turn,
into a folder that is removed afterwards; everything else is nbgrader's.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.converters.autograde import Autograde
from nbgrader.converters.base import NbGraderException

from autograder.arrange import take_in
from autograder.course import assignments, find_assignment, imported_modules
from autograder.extensions import BadExtensions, Extensions, course_extensions
from autograder.intake import IGNORED
from autograder.wording import shown

JUDGE = "autograder.nbgrader_plugin.JudgeCells"
REPAIR = "autograder.nbgrader_plugin.RepairCells"
SAVE_COMMENTS = "autograder.nbgrader_plugin.SaveComments"

SANITIZE = [
    REPAIR,
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.DeduplicateIds",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]
"""nbgrader's own steps after ours; RepairCells leaves them nothing to stumble over."""

AUTOGRADE = [
    JUDGE,
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    SAVE_COMMENTS,
    "nbgrader.preprocessors.CheckCellMetadata",
]
"""nbgrader's steps with JudgeCells in the place of Execute: no student's code runs unconfined."""


def list_submissions(submitted: Path, assignment: str, pattern: str = "*") -> list[str]:
    """Return the students who have a folder `submitted/<student>/<assignment>`, sorted.

    A link counts as a submission here (intake refuses it, and the student gets a row); names that
    nbgrader cannot work with do not: see `odd_names`.
    """
    if not submitted.is_dir():
        return []
    return sorted(
        name
        for name in os.listdir(submitted)
        if fnmatch(name, pattern)
        and _usable(name)
        and os.path.lexists(submitted / name / assignment)
    )


def odd_names(submitted: Path) -> list[str]:
    """Return the names under submitted/ that cannot be a student's, as they may be shown."""
    if not submitted.is_dir():
        return []
    return sorted(
        shown(name)
        for name in os.listdir(submitted)
        if not name.startswith(".") and (submitted / name).is_dir() and not _usable(name)
    )


def _usable(name: str) -> bool:
    # nbgrader puts the name into paths, patterns (`*`, `?`, `[`) and lists joined by commas.
    return bool(re.fullmatch(r"[\w@][\w .@'()+-]{0,99}", name))


class SafeAutograde(Autograde):
    """Autograde that reads submissions from intake's copy of them."""

    trouble: Exception | None = None
    """What went wrong with the last submission that failed; nbgrader only logs it."""
    _staged: Path | None = None
    _notes: Sequence[str] = ()
    _extensions: Extensions | None = None
    _starter: Callable[..., Any] | None = None

    def start(self) -> None:
        """Grade every submission that the course directory's patterns match."""
        # Another config file (in ~/.jupyter, say) may have put nbgrader's steps back.
        if self.sanitize_preprocessors[:1] != [REPAIR] or self.autograde_preprocessors[:1] != [
            JUDGE
        ]:
            raise NbGraderException(
                f"sanitize_preprocessors must begin with {REPAIR} and autograde_preprocessors with "
                f"{JUDGE}: another nbgrader_config.py has changed them. Nothing was graded"
            )
        assignment = self.coursedir.assignment_id
        try:
            known = [*assignments(Path(self.coursedir.root)), assignment]
            self._extensions = course_extensions(self.coursedir, known, [assignment])
        except BadExtensions as error:
            self.log.error("%s", error)
            raise NbGraderException(str(error)) from None
        with TemporaryDirectory(prefix="intake-") as folder, self._fork_server(assignment):
            self._staged = Path(folder).resolve()
            try:
                super().start()
            finally:
                self._staged = None

    @contextmanager
    def _fork_server(self, slug: str) -> Iterator[None]:
        """Let one process that has imported what the assignment does be forked for each submission,
        once the first one is there.
        """
        from autograder.sandbox import Preloaded

        servers: list[Preloaded] = []

        # A function, because nbconvert copies what it hands to a preprocessor, but for functions.
        def start(*asked: Any) -> Any:
            if not servers:
                solution = find_assignment(slug, Path(self.coursedir.root)).solution
                servers.append(Preloaded(modules=imported_modules(solution)))
            return servers[0].start(*asked)

        self._starter = start
        try:
            yield
        finally:
            self._starter = None
            for server in servers:
                server.close()

    def init_notebooks(self) -> None:
        """List the submissions without looking into them; intake comes with each one's turn."""
        assignment = self.coursedir.assignment_id
        self._release = self._read_release(assignment)
        wanted = [
            name for name in self._release if fnmatch(Path(name).stem, self.coursedir.notebook_id)
        ]
        for name in odd_names(self._submitted):
            self.log.error("Skipping submitted/%s: this cannot be a student's name", name)
        self.assignments = {}
        for student in list_submissions(self._submitted, assignment, self.coursedir.student_id):
            folder = self._format_source(assignment, student)
            self.assignments[folder] = [os.path.join(folder, name) for name in wanted]
        if not self.assignments:
            message = (
                f"No submission in {self._submitted} matches student '{self.coursedir.student_id}'"
            )
            self.log.error("%s and assignment '%s'", message, assignment)
            raise NbGraderException(message)

    @property
    def _submitted(self) -> Path:
        return Path(self.coursedir.root) / self.coursedir.submitted_directory

    def _read_release(self, assignment: str) -> dict[str, NotebookNode]:
        folder = Path(self.coursedir.format_path(self.coursedir.release_directory, ".", assignment))
        release = {
            path.name: nbformat.read(path, as_version=4) for path in sorted(folder.glob("*.ipynb"))
        }
        if not release:
            message = (
                f"There is no released notebook in {folder}. "
                f"Run `nbgrader generate_assignment {assignment}` first"
            )
            self.log.error(message)
            raise NbGraderException(message)
        return release

    def _format_source(self, assignment_id: str, student_id: str, escape: bool = False) -> str:
        """Where nbgrader is told that a submission lies: intake's copy of it."""
        if not self._sanitizing or self._staged is None:
            return super()._format_source(assignment_id, student_id, escape=escape)
        staged = re.escape(str(self._staged)) if escape else str(self._staged)
        separator = re.escape(os.sep) if escape else os.sep
        return separator.join([staged, student_id, assignment_id])

    def init_destination(self, assignment_id: str, student_id: str) -> bool:
        """Take the submission in, then let nbgrader decide whether it is to be graded (again)."""
        with self._remembering():
            self._take_in(assignment_id, student_id)
            return super().init_destination(assignment_id, student_id)

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        """Prepare as nbgrader does, and give the student the extension that they have."""
        with self._remembering():
            super().init_assignment(assignment_id, student_id)
            if self._extensions is not None:
                self._extend(assignment_id, student_id, self._extensions)

    def _extend(self, assignment_id: str, student_id: str, extensions: Extensions) -> None:
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            submission = gradebook.find_submission(assignment_id, student_id)
            duedate = submission.assignment.duedate
            submission.extension = extensions.of(student_id, assignment_id, duedate)
            gradebook.db.commit()

    def convert_single_notebook(self, notebook_filename: str) -> None:
        """Sanitize and grade as nbgrader does."""
        with self._remembering():
            super().convert_single_notebook(notebook_filename)

    @contextmanager
    def _remembering(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self.trouble = error
            raise

    def _take_in(self, assignment_id: str, student_id: str) -> None:
        for earlier in self._staged.iterdir():
            shutil.rmtree(earlier)
        self._notes = take_in(
            self._submitted,
            student_id,
            assignment_id,
            Path(self._format_source(assignment_id, student_id)),
            self._release,
            ignore=[*IGNORED, *self.coursedir.ignore],
        )

    def init_single_notebook_resources(self, notebook_filename: str) -> dict[str, Any]:
        """Tell our preprocessors what they need to know about the submission."""
        resources = super().init_single_notebook_resources(notebook_filename)
        nbgrader = resources["nbgrader"]
        nbgrader["root"] = self.coursedir.root
        nbgrader["intake_notes"] = list(self._notes)
        nbgrader["release"] = self._release[f"{nbgrader['notebook']}.ipynb"]
        nbgrader["starter"] = self._starter
        nbgrader["folder"] = self._format_dest(nbgrader["assignment"], nbgrader["student"])
        return resources

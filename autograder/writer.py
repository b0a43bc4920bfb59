"""The one process that writes: marks into nbgrader's gradebook, files into autograded/, feedback/.

Each submission is one transaction, through nbgrader's own models, and ends as `nbgrader autograde`
would have left it; marks and comments by hand stay. The order makes an interruption harmless: first
the gradebook, then the notebook, whose record holds the key that says "graded". So where the key
is, everything is.
"""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbgrader.api import (
    Assignment,
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    MissingEntry,
    Notebook,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.converters.autograde import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from autograder.extensions import Extensions
from autograder.folders import lay_down, remove, swap
from autograder.late import bring_up_to_date, may_have_penalties
from autograder.standing import Standing
from autograder.submission import Graded, SourceCell, log

BUSY_SECONDS = 60
"""How long to wait for another writer of a sqlite gradebook, such as a formgrader."""


class UnknownToGradebook(LookupError):
    """The gradebook does not know the student or the assignment."""


class Writer:
    """A course's gradebook and folders, open for writing. Use it as a context manager.

    `extensions` are the course's, where a file says who has one; else the gradebook's own stay.
    """

    def __init__(self, coursedir: CourseDirectory, extensions: Extensions | None = None) -> None:
        self.coursedir, self.extensions = coursedir, extensions
        self._penalised: dict[str, bool] = {}
        config = coursedir.config
        with Gradebook(coursedir.db_url):
            pass  # its preprocessors open it without a course's name, which makes another row
        self._gradebook = Gradebook(coursedir.db_url, coursedir.course_id)
        self.engine = self._gradebook.engine
        if self.engine.dialect.name == "sqlite":
            self._gradebook.db.remove()
            self.engine.dispose()
            event.listen(self.engine, "connect", _prepare_sqlite)
        self._autograde = Autograde(coursedir=coursedir, config=config, log=log)
        self._penalties = AssignLatePenalties(parent=self._autograde, log=log)
        self._penalties.init_plugin()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the gradebook."""
        self._gradebook.close()

    # -- what the gradebook knows of an assignment
    def source(self, slug: str, notebook: str) -> tuple[Any, dict[str, SourceCell]]:
        """Return the kernelspec and the cells of an assignment's notebook."""
        with Session(self.engine) as db:
            found = _notebook(db, slug, notebook)
            graded = {cell.name: cell for cell in (*found.grade_cells, *found.task_cells)}
            cells = {}
            for cell in found.source_cells:
                most = float(graded[cell.name].max_score) if cell.name in graded else None
                cells[cell.name] = SourceCell(
                    cell.cell_type, cell.locked, cell.source, cell.checksum, most
                )
            return found.kernelspec and json.loads(found.kernelspec), cells

    # -- one submission
    def write(self, graded: Graded, files: Mapping[str, bytes]) -> None:
        """Write a graded submission: marks in one transaction, then autograded/.

        `files` are those beside the notebook. Where grading failed, the gradebook learns that
        there is a submission, and nothing lies in autograded/, as with nbgrader.
        """
        place = self.folder(self.coursedir.autograded_directory, graded)
        name = Path(graded.notebook_name).stem
        if graded.error is not None:
            with Session(self.engine) as db, db.begin():
                self._submission(db, graded)
            remove(place)
            return
        content = {**files, graded.notebook_name: graded.notebook.encode()}
        unfinished = lay_down(
            place, content, self._autograde.permissions, self.coursedir.groupshared
        )
        try:
            with _quiet_order(), Session(self.engine) as db, db.begin():
                submission = self._submission(db, graded)
                self._marks(db, submission, name, graded)
        except BaseException:
            remove(unfinished)
            raise
        swap(unfinished, place)

    def settle(self, slug: str, notebook: str, student: str) -> None:
        """Bring the penalty for handing in late up to date, for marks that stand already.

        Raises nbgrader's MissingEntry where a penalty may be due and there are no marks.
        """
        if slug not in self._penalised:  # asked once: a run's policy and due dates stand
            with Session(self.engine) as db:
                self._penalised[slug] = may_have_penalties(db, slug)
        if not self._penalised[slug]:
            return
        with Session(self.engine) as db, db.begin():
            found = _submitted(db, slug, notebook, student)
            bring_up_to_date(db, found.assignment, found, self.extensions, self._penalties)

    def standing(self, slug: str, notebook: str, student: str) -> Standing:
        """Return what the gradebook says about a submission, or raise nbgrader's MissingEntry."""
        with Session(self.engine) as db:
            found = _submitted(db, slug, notebook, student)
            penalty = found.late_submission_penalty
            standing = Standing(late_penalty=None if penalty is None else float(penalty))
            grades = db.execute(
                select(
                    BaseCell.name,
                    Grade.auto_score,
                    Grade.manual_score,
                    Grade.score,
                    Grade.max_score,
                    Grade.needs_manual_grade,
                )
                .join(Grade.cell)
                .where(Grade.notebook_id == found.id)
                .order_by(BaseCell.name)
            )
            for name, auto, manual, score, most, needs in grades:
                standing.scores[name] = float(score)
                standing.max_scores[name] = float(most)
                standing.marked[name] = auto is not None or manual is not None
                if needs:
                    standing.needs_manual.append(name)
            standing.score = sum(standing.scores.values())
            comments = db.execute(
                select(BaseCell.name, Comment.comment)
                .join(Comment.cell)
                .where(Comment.notebook_id == found.id)
                .order_by(BaseCell.name)
            )
            standing.comments = {name: comment for name, comment in comments}
            return standing

    def write_feedback(self, graded: Graded, page: str, files: Mapping[str, bytes]) -> None:
        """Write a student's page, and what nbgrader puts beside it, into feedback/."""
        place = self.folder(self.coursedir.feedback_directory, graded)
        name = f"{Path(graded.notebook_name).stem}.html"
        permissions = 664 if self.coursedir.groupshared else 644
        content = {**files, name: page.encode()}
        swap(lay_down(place, content, permissions, self.coursedir.groupshared), place)

    def folder(self, step: str, graded: Graded) -> Path:
        """Where one of nbgrader's steps keeps a submission."""
        return Path(self.coursedir.format_path(step, graded.student, graded.assignment))

    # -- inside
    def _submission(self, db: Session, graded: Graded) -> SubmittedAssignment:
        """Return the submission's row, made with all that belongs to it if there is none."""
        student = db.get(Student, graded.student)
        if student is None:
            if not self._autograde.create_student:
                raise UnknownToGradebook(f"no student {graded.student} in the gradebook")
            student = Student(id=graded.student)
            db.add(student)
        assignment = db.execute(
            select(Assignment).where(Assignment.name == graded.assignment)
        ).scalar_one_or_none()
        if assignment is None:
            raise UnknownToGradebook(f"no assignment {graded.assignment} in the gradebook")
        submission = db.execute(
            select(SubmittedAssignment).where(
                SubmittedAssignment.assignment_id == assignment.id,
                SubmittedAssignment.student_id == graded.student,
            )
        ).scalar_one_or_none()
        if submission is None:
            submission = SubmittedAssignment(
                assignment=assignment, student=student, timestamp=graded.timestamp
            )
            db.add(submission)
            for notebook in assignment.notebooks:
                _add_notebook(db, submission, notebook)
            db.flush()
        elif graded.timestamp is not None:
            submission.timestamp = graded.timestamp
        return submission

    def _marks(
        self, db: Session, submission: SubmittedAssignment, name: str, graded: Graded
    ) -> None:
        notebook = db.execute(
            select(SubmittedNotebook)
            .join(SubmittedNotebook.notebook)
            .where(SubmittedNotebook.assignment_id == submission.id, Notebook.name == name)
        ).scalar_one()
        # Found by their cells: nbgrader's only index of either table begins with the cell, and
        # without one each submission would look through those of the whole course.
        names = dict(
            db.execute(
                select(BaseCell.id, BaseCell.name).where(
                    BaseCell.notebook_id == notebook.notebook_id
                )
            ).all()
        )
        grades = select(Grade).where(
            Grade.cell_id.in_(list(names)), Grade.notebook_id == notebook.id
        )
        for grade in db.scalars(grades):
            cell = names[grade.cell_id]
            if cell in graded.scores:
                grade.auto_score = graded.scores[cell]
                # Also where a person has marked before: the answer may be another now.
                grade.needs_manual_grade = grade.manual_score is not None or (
                    grade.auto_score is None
                )
        comments = select(Comment).where(
            Comment.cell_id.in_(list(names)), Comment.notebook_id == notebook.id
        )
        for comment in db.scalars(comments):
            cell = names[comment.cell_id]
            if cell in graded.comments:
                comment.auto_comment = graded.comments[cell]
        db.flush()
        bring_up_to_date(db, submission, notebook, self.extensions, self._penalties)


def _notebook(db: Session, slug: str, notebook: str) -> Notebook:
    found = db.execute(
        select(Notebook)
        .join(Notebook.assignment)
        .where(Assignment.name == slug, Notebook.name == notebook)
    ).scalar_one_or_none()
    if found is None:
        raise UnknownToGradebook(f"no notebook {notebook} of {slug} in the gradebook")
    return found


def _submitted(db: Session, slug: str, notebook: str, student: str) -> SubmittedNotebook:
    found = db.execute(
        select(SubmittedNotebook)
        .join(SubmittedNotebook.assignment)
        .join(SubmittedAssignment.assignment)
        .join(SubmittedNotebook.notebook)
        .where(
            Assignment.name == slug,
            Notebook.name == notebook,
            SubmittedAssignment.student_id == student,
        )
    ).scalar_one_or_none()
    if found is None:
        raise MissingEntry(f"no submission of {slug} by {student}")
    return found


def _add_notebook(db: Session, submission: SubmittedAssignment, notebook: Notebook) -> None:
    """Mirror an assignment's notebook, as nbgrader's add_submission does."""
    submitted = SubmittedNotebook(notebook=notebook, assignment=submission)
    db.add(submitted)
    for cell in (*notebook.grade_cells, *notebook.task_cells):
        db.add(Grade(cell_id=cell.id, notebook=submitted))
    for cell in (*notebook.solution_cells, *notebook.task_cells):
        db.add(Comment(cell_id=cell.id, notebook=submitted))


def _prepare_sqlite(connection: Any, _: Any) -> None:
    """Let readers and one writer work at the same time, and let them wait for each other."""
    connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    # Where the file system cannot do it (some network drives), sqlite stays with its journal.
    connection.execute("PRAGMA journal_mode = WAL")


@contextlib.contextmanager
def _quiet_order() -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Object of type <Submitted\w+> not in session")
        yield

"""What handing in late costs: nbgrader's plugin, with a policy that a teacher sets by numbers.

In nbgrader_config.py, below `install(c)`:

    c.LatePenalty.grace_minutes = 15
    c.LatePenalty.percent_per_day = 10
    c.LatePenalty.most_percent = 50

An assignment's due date is nbgrader's own (`nbgrader db assignment add a1_rnn_captioning
--duedate="2026-11-30 23:59 Europe/Berlin"`), a student's extension stands in extensions.csv.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from nbgrader.api import Assignment, SubmittedAssignment, SubmittedNotebook
from nbgrader.plugins import LateSubmissionPlugin
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy import select
from sqlalchemy.orm import Session
from traitlets import Float

from autograder.extensions import Extensions

PLUGIN = "autograder.late.LatePenalty"
SECTIONS = ("LatePenalty", "LateSubmissionPlugin", "AssignLatePenalties")
"""Settings that change a penalty and no mark: with others of these, no student's code runs again.
"""
DAY = 24 * 60 * 60


class LatePenalty(LateSubmissionPlugin):
    """Points or percent a day, after a time of grace, up to a limit. Without settings: nothing.

    nbgrader's own `penalty_method = "zero"` works too, after the same time of grace.
    """

    grace_minutes = Float(
        0.0,
        min=0.0,
        help="Handed in at most so many minutes late costs nothing. Beyond that, the days are "
        "counted from the due date all the same.",
    ).tag(config=True)
    points_per_day = Float(
        0.0, min=0.0, help="Points off for each day, also for one that has only begun."
    ).tag(config=True)
    percent_per_day = Float(
        0.0,
        min=0.0,
        max=100.0,
        help="Percent of the notebook's earned points off for each day, also for one that has only "
        "begun. It is added to points_per_day.",
    ).tag(config=True)
    most_percent = Float(
        100.0,
        min=0.0,
        max=100.0,
        help="Never more off than so many percent of the notebook's earned points.",
    ).tag(config=True)

    def late_submission_penalty(
        self, student_id: str, score: float, total_seconds_late: float
    ) -> float | None:
        """Return the points off a notebook's `score`; None where there is no penalty.

        `total_seconds_late` counts from the due date with the student's extension.
        """
        if total_seconds_late <= 60 * self.grace_minutes:
            return None
        if self.penalty_method == "zero":
            return score
        days = math.ceil(total_seconds_late / DAY)
        off = days * (self.points_per_day + score * self.percent_per_day / 100)
        if not off:
            return None
        return round(min(off, score * self.most_percent / 100, score), 2)


def without_penalties(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return a course's settings without those that change a penalty only."""
    return {name: values for name, values in settings.items() if name not in SECTIONS}


def bring_up_to_date(
    db: Session,
    submission: SubmittedAssignment,
    notebook: SubmittedNotebook,
    extensions: Extensions | None,
    nbgraders: AssignLatePenalties,
) -> None:
    """Do what nbgrader's AssignLatePenalties does, with the extension that the course's file gives.

    Nothing is written where all is as it was.
    """
    name, duedate = submission.assignment.name, submission.assignment.duedate
    if extensions is not None:
        extension = extensions.of(submission.student_id, name, duedate)
        if submission.extension != extension:
            submission.extension = extension
    penalty = None
    late = 0 if duedate is None else submission.total_seconds_late
    if late > 0:
        db.flush()
        db.refresh(notebook, ["score"])
        penalty = nbgraders.plugin_inst.late_submission_penalty(
            submission.student_id, notebook.score, late
        )
        if penalty is not None:
            penalty = nbgraders._check_late_penalty(notebook, penalty)
    if notebook.late_submission_penalty != penalty:
        notebook.late_submission_penalty = penalty


def may_have_penalties(db: Session, assignment: str) -> bool:
    """Whether anybody can be late, or was: most courses set no due date."""
    duedate = db.execute(select(Assignment.duedate).where(Assignment.name == assignment)).scalar()
    penalised = (
        select(SubmittedNotebook.id)
        .join(SubmittedNotebook.assignment)
        .join(SubmittedAssignment.assignment)
        .where(Assignment.name == assignment)
        .where(SubmittedNotebook.late_submission_penalty.is_not(None))
    )
    return duedate is not None or db.execute(penalised).first() is not None

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

from nbgrader.plugins import LateSubmissionPlugin
from traitlets import Float

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

"""What a large class must not cost: time that grows with it, or a copy of everything for each."""

import pytest
import sqlalchemy
from sqlalchemy import event
from sqlalchemy.engine import Engine

from autograder.classroom import Options, grade_class

GROWING = {"student", "submitted_assignment", "submitted_notebook", "grade", "comment"}
"""The tables with rows for each student."""


@pytest.fixture
def queries():
    """What is asked of databases while this is in use: statements with their parameters."""
    asked = []

    def note(connection, cursor, statement, parameters, context, executemany):
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    yield asked
    event.remove(Engine, "before_cursor_execute", note)


def test_no_mark_and_no_comment_is_looked_for_among_all(queries, hand_in, filled, course):
    hand_in(filled, "ada")
    grade_class(root=course)
    queries.clear()  # what was asked for the release and its rows is not a class's
    hand_in(filled, "ben")
    grade_class(options=Options(force=True), root=course)
    asked = dict(queries)
    engine = sqlalchemy.create_engine(f"sqlite:///{course}/gradebook.db")
    with engine.connect() as connection:
        plans = {
            statement: [
                row.detail
                for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            ]
            for statement, parameters in asked.items()
        }
    engine.dispose()
    steps = [step for plan in plans.values() for step in plan]
    assert any(step.startswith("SEARCH grade USING INDEX") for step in steps)
    assert any(step.startswith("SEARCH comment USING INDEX") for step in steps)
    scanned = {step.split()[1] for step in steps if step.startswith("SCAN ")}
    assert scanned.isdisjoint(GROWING)


def test_the_judges_same_words_are_kept_once(course, hand_in, filled, release):
    for student in ("ada", "ben"):
        hand_in(filled, student)
    hand_in(release, "chen")
    ada, ben, chen = grade_class(root=course)
    assert ada.judged["double"]["points"] == 2
    assert ada.judged["double"] is ben.judged["double"]
    assert chen.judged["double"]["points"] == 0
    again = grade_class(root=course)  # read from the notebooks
    assert [row.judged for row in again] == [ada.judged, ben.judged, chen.judged]
    assert again[0].judged["double"] is again[1].judged["double"]

"""A mistake drafted from a student's answer: the smallest edit that answers the same."""

import pytest

from autograder.drafting import NothingToDraft, apply, differences, draft, smallest
from autograder.exercise import Mistake
from autograder.fingerprints import fingerprint
from autograder.judge import judge
from autograder.mistakes import run_cells
from autograder.student import Local

NAME = "rnn_step_backward"
SOLUTION = """def f(x):
    ### BEGIN SOLUTION
    a = x + 1

    b = a * 2
    ### END SOLUTION
    return b"""


@pytest.mark.parametrize(
    ("answer", "swaps"),
    [
        ("def f(x):\n    a = x + 1\n    b = a * 3\n    return b", [("2", "3")]),
        ("def f(x):\n    a = x - 1\n    b = a * 2\n\n    return a", [("+", "-"), ("b", "a")]),
        ("def f(x):\n    a = x + 1\n    return a", None),
        ("def f(x):\n    y = 5\n    a = x + 1\n    b = a * 2\n    return b", None),
        ("def f(x):\n    return 7", None),
    ],
)
def test_the_edits_make_the_answer_of_the_solution(answer, swaps):
    found = differences(SOLUTION, answer)
    if swaps == [("2", "3")]:
        assert found == swaps
    lines = [line for line in apply(SOLUTION, found).splitlines() if "###" not in line]
    assert [line for line in lines if line.strip()] == [x for x in answer.splitlines() if x.strip()]
    first, *more = found
    assert Mistake("m", first, more=tuple(more), hint="h").apply(SOLUTION)


def test_the_solution_itself_is_nothing_to_draft():
    with pytest.raises(NothingToDraft):
        differences(SOLUTION, SOLUTION.replace("    ### BEGIN SOLUTION\n", ""))


def test_edits_that_make_no_difference_are_left_out():
    edits = [("a", "b"), ("c", "d"), ("e", "f")]
    assert smallest(edits, lambda swaps: ("c", "d") in swaps) == [("c", "d")]


def test_a_draft_is_confirmed_behind_the_wall_and_reads_as_a_mistake(a1):
    exercise, seed = a1.exercises[NAME], 7
    answer = a1.solution_cells()[NAME].replace("da @ Wh.T", "0.7 * da @ Wh.T")
    answer = answer.replace("    db = da.sum(axis=0)", "    db = np.sum(da, axis=0)")
    namespace = run_cells(a1.solution_cells() | {NAME: answer})
    known = fingerprint(judge(exercise, Local(namespace), seed).logs)
    made = draft(a1, exercise, answer, seed, known)
    assert made.confirmed
    assert len(made.swaps) == 1  # the sum in other words makes no difference
    mistake = eval(str(made).rstrip(","), {"Mistake": Mistake})
    assert "0.7 * da @ Wh.T" in mistake.apply(a1.solution_cells()[NAME])


def test_a_draft_that_answers_otherwise_is_not_confirmed(a1):
    exercise = a1.exercises[NAME]
    answer = a1.solution_cells()[NAME].replace("da @ Wh.T", "0.7 * da @ Wh.T")
    known = fingerprint(judge(exercise, Local(run_cells(a1.solution_cells())), 7).logs)
    assert not draft(a1, exercise, answer, 7, known).confirmed

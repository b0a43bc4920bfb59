"""`check` in a student's notebook: right, wrong, known mistakes, and things not there yet."""

import time

import pytest
from nbformat.v4 import new_code_cell, new_output
from nbgrader.utils import determine_grade

from autograder.mistakes import run_cells
from cs231n_utils import CheckFailed, check, checking, hidden_test, transcripts


@pytest.fixture
def notebook(a1):
    """Return the solution's namespace, with a text of one cell replaced."""

    def namespace(cell="", old="", new=""):
        cells = a1.solution_cells()
        if cell:
            assert cells[cell].count(old) == 1
            cells[cell] = cells[cell].replace(old, new)
        return run_cells(cells)

    return namespace


def test_every_exercise_of_the_solution_passes_its_check(assignment):
    namespace = run_cells(assignment.solution_cells())
    for name in assignment.exercises:
        check(name, namespace)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # overflow is what some mistakes are about
def test_every_known_mistake_is_told_at_once_with_its_hint(assignment):
    for exercise in assignment.exercises.values():
        for mistake in exercise.mistakes:
            cells = assignment.solution_cells()
            cells[exercise.name] = mistake.apply(cells[exercise.name])
            result = checking.examine(exercise.name, run_cells(cells))
            known = exercise.find_mistake(mistake.like) if mistake.like else mistake
            assert result.mistake == known.name, (exercise.name, mistake.name)
            assert result.hint == known.hint


def test_a_check_answers_within_a_second(notebook):
    namespace = notebook("rnn_step_backward", "da @ Wh.T", "da @ Wh")
    transcripts._all.cache_clear()
    start = time.process_time()  # of this process: a busy machine must not fail the test
    checking.examine("rnn_step_backward", namespace)
    assert time.process_time() - start < 1


def test_a_failed_check_says_what_is_wrong_in_one_line_and_no_traceback(notebook, capsys):
    with pytest.raises(CheckFailed) as failure:
        check("rnn_step_backward", notebook("rnn_step_backward", "sum(axis=0)", "mean(axis=0)"))
    assert str(failure.value) == "rnn_step_backward is not right yet"
    assert len(failure.value._render_traceback_()) == 1
    out = capsys.readouterr().out
    assert "db has the right shape and wrong values" in out
    assert "known mistake: db is averaged over the batch" in out


def test_a_wrong_forward_is_named_when_a_backward_is_checked(notebook):
    namespace = notebook("rnn_step_forward", "next_h = np.tanh(a)", "next_h = a")
    result = checking.examine("rnn_step_backward", namespace)
    assert "goes through your rnn_step_forward" in repr(result)


def test_a_function_that_is_not_run_yet_is_told_so():
    assert "rnn_step_forward is not defined: run its cell first" in repr(
        checking.examine("rnn_step_forward", {})
    )


def test_a_function_that_is_not_written_yet_is_told_so(notebook):
    namespace = notebook("rnn_step_forward", "next_h = np.tanh(a)", "raise NotImplementedError")
    assert "rnn_forward calls rnn_step_forward, which is not written yet" in repr(
        checking.examine("rnn_forward", namespace)
    )


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return None", "must return (next_h, cache). Got one"),
        ("return 1, 2, 3", "must return (next_h, cache). Got 3 values"),
        ("return {}, None", "next_h must be an array. Got dict"),
        ("return x, None", "next_h must have shape (3, 4). Got (3, 5)"),
    ],
)
def test_an_answer_of_another_form_is_told_the_form(notebook, body, told):
    namespace = notebook()
    exec(f"def rnn_step_forward(x, prev_h, Wx, Wh, b):\n    {body}", namespace)
    assert told in repr(checking.examine("rnn_step_forward", namespace))


def test_an_unknown_check_lists_the_known_ones():
    with pytest.raises(transcripts.UnknownExercise, match="rnn_step_forward"):
        check("rnn_stop_forward", {})


def test_what_students_wrote_is_escaped_in_the_table(notebook):
    namespace = notebook()
    exec("def rnn_step_forward(*args):\n    raise ValueError('<script>')", namespace)
    shown = checking.examine("rnn_step_forward", namespace)._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


def test_a_hidden_test_that_nobody_marks_scores_nothing():
    shown = hidden_test("rnn_step_forward")
    cell = new_code_cell("hidden_test()")
    cell.metadata["nbgrader"] = dict(grade=True, solution=False, points=4, grade_id="x")
    cell.outputs = [new_output("execute_result", {"text/plain": repr(shown)})]
    assert determine_grade(cell) == (0, 4)

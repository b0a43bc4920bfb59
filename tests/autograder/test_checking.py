"""`check` in a student's notebook: right, wrong, known mistakes, and things not there yet."""

import re
import time

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_output
from nbgrader.utils import determine_grade

from autograder.course import definition_cells, is_shown_only
from autograder.mistakes import run_cells
from cs231n_utils import CheckFailed, check, checking, hidden_test, progress, transcripts


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
    transcripts._of.cache_clear()
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


def test_trouble_with_a_shape_is_said_before_wrong_values(notebook):
    namespace = notebook()
    exec(
        "right = rnn_backward\n"
        "def rnn_backward(dh, cache):\n"
        "    dx, dh0, dWx, dWh, db = right(dh, cache)\n"
        "    return 2 * dx, dh0, dWx, dWh.ravel(), db",
        namespace,
    )
    result = checking.examine("rnn_backward", namespace)
    text = repr(result)
    assert text.index("dWh must have shape (6, 6). Got (36,)") < text.index("dx has the right")
    assert "What to try: The number of entries is right" in text


def test_the_panel_says_where_the_largest_error_is_with_both_numbers(notebook):
    namespace = notebook()
    exec(
        "right = word_embedding_forward\n"
        "def word_embedding_forward(x, W):\n"
        "    out, cache = right(x, W)\n"
        "    out[1, 2, 3] = 7.5\n"
        "    return out, cache",
        namespace,
    )
    case = transcripts.find("word_embedding_forward")["cases"][0]
    expected = f"{case['expectations'][0]['want'][1, 2, 3]:.4g}"
    result = checking.examine("word_embedding_forward", namespace)
    assert f"farthest off at [1, 2, 3]: got 7.5, expected {expected}" in repr(result)
    panel = BeautifulSoup(result._repr_html_(), "html.parser")
    cells = [cell.get_text() for cell in panel.select("tr")[1].find_all(["th", "td"])]
    assert cells[:3] == ["out", "(3, 4, 5)", "1 of 60 entries"]
    assert cells[4:] == ["[1, 2, 3]", "7.5", expected]
    assert panel.select_one("svg")["aria-label"].startswith("out[1, :, :]: 1 of 20 entries")


def test_no_colour_carries_a_meaning_alone(notebook):
    """Each coloured mark has a word, for those who see no colour or nothing at all."""
    right = checking.examine("rnn_step_forward", notebook())
    wrong = checking.examine("rnn_step_backward", notebook("rnn_step_backward", "da = ", "da = 2*"))
    waits = checking.examine("rnn_backward", {})
    for result, word, state in [
        (right, "right", "right"),
        (wrong, "wrong", "not right yet"),
        (waits, "waits", "not run yet"),
    ]:
        panel = BeautifulSoup(result._repr_html_(), "html.parser")
        assert panel.div["aria-label"] == f"Check of {result.name}: {state}"
        assert panel.select_one("span[role=img]")["aria-label"] == word
        assert state in panel.get_text()


def test_a_panel_needs_no_script_no_style_sheet_and_nothing_from_elsewhere(notebook):
    shown = checking.examine(
        "rnn_step_backward", notebook("rnn_step_backward", "sum(axis=0)", "mean(axis=0)")
    )._repr_html_()
    assert not re.search(r"<script|<style|<link|https?://|url\(|\son\w+=", shown)


def overview(namespace, capsys):
    exec("check.all()", {**namespace, "check": check})  # as the notebook's last cell does
    return capsys.readouterr().out


def test_check_all_tells_what_is_done_what_is_left_and_the_points(a1, capsys):
    cells = definition_cells(nbformat.read(a1.release_path, as_version=4))
    solution = a1.solution_cells()
    for name in ("rnn_step_forward", "rnn_step_backward"):
        cells[name] = solution[name]
    cells["rnn_step_backward"] = cells["rnn_step_backward"].replace("sum(axis=0)", "mean(axis=0)")
    told = overview(run_cells(cells), capsys)
    assert told.startswith(
        "a1_rnn_captioning: 1 of 8 exercises pass their checks: 4 of 36 points in reach"
    )
    assert re.search(r"right +rnn_step_forward +4 points", told)
    assert re.search(r"not right yet +rnn_step_backward +5 points", told)
    assert re.search(r"not written yet +rnn_forward +4 points", told)
    assert "Next: rnn_step_backward (5 points): Compare db for a batch of one" in told
    assert "4 points more are for inline question 1, which your teacher marks" in told


def test_check_all_of_a_solution_finds_its_notebook_and_every_point(assignment, capsys):
    told = overview(run_cells(assignment.solution_cells()), capsys)
    total = sum(exercise.points for exercise in assignment.exercises.values())
    count = len(assignment.exercises)
    assert told.startswith(
        f"{assignment.slug}: all {count} exercises pass their checks: {total:g} of {total:g} points"
    )
    assert "Nothing is left to check" in told


def test_check_all_elsewhere_says_where_it_belongs():
    with pytest.raises(progress.UnknownNotebook, match="in a notebook of the course"):
        check.all(namespace={"x": 1})
    with pytest.raises(progress.UnknownNotebook, match="must be one of a1_rnn_captioning"):
        check.all("a9_nothing", {})


def test_every_notebook_ends_with_check_all(assignment):
    cell = nbformat.read(assignment.release_path, as_version=4).cells[-1]
    assert (cell.id, cell.source.splitlines()[-1]) == ("check-all", "check.all()")
    assert is_shown_only(cell)  # not run while grading
    assert cell.metadata.nbgrader.locked
    assert not cell.metadata.nbgrader.grade


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


@pytest.fixture
def validating(monkeypatch):
    """What hidden_test says while nbgrader's Validate runs the notebook."""
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")

    def ask(name, namespace):
        namespace["hidden_test"] = hidden_test
        return eval(f"hidden_test({name!r})", namespace)

    return ask


def test_validate_is_told_what_the_check_says(validating, notebook):
    assert validating("rnn_step_forward", notebook()) is None  # nothing shown: passed
    wrong = notebook("rnn_step_forward", "prev_h @ Wh + b", "prev_h @ Wh")
    with pytest.raises(CheckFailed, match="a known mistake: the bias is left out") as failure:
        validating("rnn_step_forward", wrong)
    assert "With x and prev_h all zero" in str(failure.value)
    with pytest.raises(CheckFailed, match=r"^rnn_step_forward is not defined: run its cell first$"):
        validating("rnn_step_forward", {})


def test_grading_is_not_told_it(validating, notebook, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert repr(validating("rnn_step_forward", notebook())) == "0.0"

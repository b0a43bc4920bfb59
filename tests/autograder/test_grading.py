"""One notebook through the sandbox: what kills or hangs costs itself, the rest is graded."""

from dataclasses import replace

import nbformat
import pytest

from autograder.grading import grade_notebook
from autograder.mistakes import MistakeBank
from autograder.sandbox import Limits, Preloaded, Session
from autograder.sandbox.starter import start_plain

QUICK = replace(Limits(), cell_seconds=5.0, call_seconds=3.0, grace_seconds=1.0)
FULL = dict(
    rnn_step_forward=4,
    rnn_step_backward=5,
    rnn_forward=4,
    rnn_backward=6,
    word_embedding_forward=2,
    word_embedding_backward=3,
    captioning_rnn_loss=7,
    captioning_rnn_sample=5,
)


@pytest.fixture
def grade(a1, bank, server):
    """Grade the solution with some cells' sources replaced; return the graded notebook."""

    def grade_with(limits=QUICK, starter=server.start, **cells):
        notebook = nbformat.from_dict(a1.solution)
        for cell in notebook.cells:
            cell.source = cells.get(cell.id, cell.source)
        return grade_notebook(notebook, a1, seed=3, limits=limits, bank=bank, starter=starter)

    return grade_with


def points(graded):
    return {name: verdict.points for name, verdict in graded.verdicts.items()}


@pytest.mark.parametrize("way", ["plain", "forked"])
def test_the_solution_has_full_marks_and_every_graded_cell_a_finite_float(grade, server, way):
    graded = grade(starter=start_plain if way == "plain" else server.start)
    assert points(graded) == FULL
    tests = [c for c in graded.nb.cells if c.metadata.get("nbgrader", {}).get("points")]
    texts = [c.outputs[0].data["text/plain"] for c in tests if c.cell_type == "code"]
    assert texts == [repr(float(value)) for value in FULL.values()]
    assert graded.sandbox == "bwrap"


def test_a_cell_that_exits_is_named_and_costs_only_what_needs_it(grade):
    graded = grade(word_embedding_forward="import os\nos._exit(0)")
    lost = dict(word_embedding_forward=0, word_embedding_backward=0, captioning_rnn_loss=0)
    assert points(graded) == FULL | lost
    assert any("word_embedding_forward ended the notebook's process" in n for n in graded.notes)


def test_every_process_comes_from_the_starter_that_was_given(grade, server):
    started = []

    def starter(*arguments):
        started.append(server.start(*arguments))
        return started[-1]

    grade(starter=starter, word_embedding_forward="import os\nos._exit(0)")
    assert len(started) == 3  # the notebook, without the cell that ends it, and for the words


def test_a_fork_server_that_ends_meanwhile_costs_nobody_points(grade):
    """Killed when the second process is started, which grades what the first could not."""
    with Preloaded(modules=[]) as server:
        started = []

        def starter(*arguments):
            started.append(server.start(*arguments))
            if len(started) == 2:
                server.close()
            return started[-1]

        graded = grade(starter=starter, word_embedding_forward="import os\nos._exit(0)")
    lost = dict(word_embedding_forward=0, word_embedding_backward=0, captioning_rnn_loss=0)
    assert points(graded) == FULL | lost
    assert server.started == 2
    assert len(graded.notes) == 1


def test_a_function_that_never_ends_costs_one_deadline(grade, a1):
    endless = "def rnn_forward(x, h0, Wx, Wh, b):\n    while True:\n        pass"
    graded = grade(rnn_forward=endless)
    lost = dict(rnn_forward=0, rnn_backward=0, captioning_rnn_loss=0)
    assert points(graded) == FULL | lost
    assert "did not come to an end" in str(graded.verdicts["rnn_forward"].error)
    assert graded.seconds < 30


def test_a_loop_that_ignores_interrupts_is_killed_and_the_rest_is_graded(grade):
    stubborn = (
        "import signal\n"
        "def rnn_forward(x, h0, Wx, Wh, b):\n"
        "    signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "    while True: pass"
    )
    graded = grade(rnn_forward=stubborn)
    assert points(graded)["captioning_rnn_sample"] == 5
    assert points(graded)["rnn_forward"] == 0
    assert any("examined" in note for note in graded.notes)


def test_a_cell_that_loops_is_stopped_and_the_rest_is_graded(grade):
    graded = grade(rnn_backward="while True:\n    pass")
    assert points(graded) == FULL | dict(rnn_backward=0, captioning_rnn_loss=0)


def test_a_cell_that_loops_costs_its_time_once(grade, monkeypatch):
    asked = []
    run_cell = Session.run_cell

    def note(session, source, timeout=None):
        asked.append((source, timeout))
        return run_cell(session, source, timeout)

    monkeypatch.setattr(Session, "run_cell", note)
    looping = "def rnn_backward(dh, cache):\n    return 'five', *map(str, range(4))\n"
    looping += "while True:\n    pass"
    graded = grade(rnn_backward=looping)
    times = [timeout for source, timeout in asked if source == looping]
    assert times == [QUICK.cell_seconds, pytest.approx(QUICK.cell_seconds / 10)]
    # What stands before the loop is there for the words as well.
    assert graded.verdicts["rnn_backward"].points == 0
    assert "is not defined" not in str(graded.verdicts["rnn_backward"])


def test_a_syntax_error_is_told_once_with_its_cell(grade):
    graded = grade(rnn_backward="def rnn_backward(dh, cache:\n    return")
    assert points(graded)["rnn_backward"] == 0
    assert points(graded)["captioning_rnn_sample"] == 5
    assert sum("rnn_backward stopped with SyntaxError" in note for note in graded.notes) == 1


def test_demonstrations_are_not_run_while_grading(grade):
    graded = grade()
    shown = [c for c in graded.nb.cells if "demonstration" in c.metadata.get("tags", [])]
    assert shown
    assert all(not cell.outputs for cell in shown if cell.cell_type == "code")


def test_a_test_cell_without_an_exercise_scores_nothing(a1, bank, server):
    notebook = nbformat.from_dict(a1.solution)
    cell = nbformat.v4.new_code_cell("5.0", id="forged-hidden")
    cell.metadata["nbgrader"] = dict(grade=True, solution=False, grade_id="forged-hidden", points=9)
    notebook.cells.append(cell)
    graded = grade_notebook(notebook, a1, seed=3, limits=QUICK, bank=bank, starter=server.start)
    assert graded.nb.cells[-1].outputs[0].data["text/plain"] == "0.0"


def test_a_notebook_without_its_test_cell_has_no_points_for_it(a1, bank, server):
    notebook = nbformat.from_dict(a1.solution)
    notebook.cells = [c for c in notebook.cells if c.id != "rnn_forward-hidden"]
    graded = grade_notebook(notebook, a1, seed=3, limits=QUICK, bank=bank, starter=server.start)
    assert graded.verdicts["rnn_forward"].points == 0
    assert "is not in the notebook" in graded.verdicts["rnn_forward"].error


def test_known_mistakes_are_known_through_the_wall(grade, a1):
    source = a1.solution_cells()["rnn_forward"].replace("prev_h = next_h", "prev_h = h0")
    graded = grade(rnn_forward=source)
    assert graded.verdicts["rnn_forward"].mistake.name == "every step starts from h0"


def graded_with_its_starts(grade, server, **cells):
    """Return a graded notebook, and how many processes it took."""
    started = []

    def starter(*arguments):
        started.append(server.start(*arguments))
        return started[-1]

    return grade(starter=starter, **cells), len(started)


def test_known_mistakes_say_what_the_students_own_process_says(grade, a1, server, monkeypatch):
    sources = a1.solution_cells()
    made = {
        "captioning_rnn_loss": "padding is counted",
        "captioning_rnn_sample": "it begins with NULL",
    }
    cells = {
        name: next(m for m in a1.exercises[name].mistakes if m.name == mistake).apply(sources[name])
        for name, mistake in made.items()
    }
    known, starts = graded_with_its_starts(grade, server, **cells)
    assert starts == 1
    assert {name: known.verdicts[name].mistake.name for name in cells} == made
    monkeypatch.setattr(MistakeBank, "recognise", lambda *_: None)
    unknown, starts = graded_with_its_starts(grade, server, **cells)
    assert starts == 2
    for name in cells:
        assert known.verdicts[name].cases == unknown.verdicts[name].cases
        assert any(case.message for case in known.verdicts[name].cases)


def test_a_known_mistake_that_raises_is_told_in_the_students_own_words(grade, a1, server):
    mistakes = a1.exercises["word_embedding_backward"].mistakes
    mistake = next(m for m in mistakes if m.name == "the cache is not unpacked")
    source = mistake.apply(a1.solution_cells()["word_embedding_backward"])
    source = source.replace("W_shape", "shape_of_mine")
    graded, starts = graded_with_its_starts(grade, server, word_embedding_backward=source)
    assert starts == 2
    assert graded.verdicts["word_embedding_backward"].mistake == mistake
    assert "shape_of_mine" in graded.verdicts["word_embedding_backward"].error


def test_the_notebook_that_was_given_is_not_changed(a1, bank, server):
    notebook = nbformat.from_dict(a1.solution)
    before = nbformat.writes(notebook)
    grade_notebook(notebook, a1, seed=3, limits=QUICK, bank=bank, starter=server.start)
    assert nbformat.writes(notebook) == before

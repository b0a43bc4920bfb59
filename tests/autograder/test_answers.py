"""`examine`: plain files of answers, through the same sandbox and judge."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder.answers import UnreadableAnswers, read_answers, split
from autograder.cli import app
from autograder.course import find_assignment

LAYERS = ("rnn_step_forward", "rnn_step_backward", "rnn_forward", "rnn_backward")
HANDOUT_IMPORTS = """
from __future__ import print_function
from builtins import range
from past.builtins import xrange
import numpy as np
from ..layers import *
from cs231n.rnn_layers import *
try:
    from .im2col_cython import col2im_cython
except ImportError:
    pass
"""


@pytest.fixture
def solution_file(a1, tmp_path):
    """Write the solution's own cells, one after another, into a file."""

    def write(change=lambda text: text, name="answers.py"):
        marks = {c.id: c.metadata.get("nbgrader", {}) for c in a1.solution.cells}
        cells = a1.solution_cells()
        text = "\n\n".join(s for i, s in cells.items() if marks[i].get("solution"))
        path = tmp_path / name
        path.write_text(change(text), encoding="utf-8")
        return path

    return write


def total(graded):
    return sum(verdict.points for verdict in graded.verdicts.values())


def test_the_solutions_own_cells_have_full_marks_as_json(solution_file):
    result = CliRunner().invoke(
        app, ["examine", "a1_rnn_captioning", "--code", str(solution_file()), "--json"]
    )
    assert result.exit_code == 0, result.output
    data = json.loads(result.stdout)
    assert data["points"] == data["max_points"] == 36
    assert data["sandbox"] == "bwrap"


def test_a_handouts_own_imports_are_left_out(a1, solution_file, examine):
    path = solution_file(lambda text: HANDOUT_IMPORTS + text.replace("range(T)", "xrange(T)"))
    assert total(examine(a1, [path], seed=1)) == 36


def test_a_whole_class_as_in_the_handout_takes_the_place_of_the_given_one(
    a1, solution_file, examine
):
    def as_class(text):
        head, tail = text.split("@method_of(CaptioningRNN)\ndef loss", 1)
        methods = ("def loss" + tail).replace("@method_of(CaptioningRNN)\n", "")
        body = "".join(f"    {line}\n" if line else "\n" for line in methods.splitlines())
        return f"{head}\nclass CaptioningRNN(CaptioningModel):\n{body}"

    assert total(examine(a1, [solution_file(as_class)], seed=1)) == 36


def test_a_broken_function_costs_what_needs_it_and_nothing_else(a1, solution_file, examine):
    path = solution_file(
        lambda text: text.replace("def rnn_backward(dh, cache):", "def rnn_backward(:")
    )
    graded = examine(a1, [path], seed=1)
    lost = {name for name, verdict in graded.verdicts.items() if verdict.points == 0}
    assert lost == {"rnn_backward", "captioning_rnn_loss"}
    assert any("SyntaxError" in note for note in graded.notes)


def test_a_line_that_raises_at_the_margin_costs_nothing(a1, solution_file, examine):
    path = solution_file(lambda text: "print(undefined)\n" + text)
    graded = examine(a1, [path], seed=1)
    assert total(graded) == 36
    assert any("NameError" in note for note in graded.notes)


def test_several_files_run_in_their_order(a1, solution_file, tmp_path, examine):
    first = tmp_path / "first.py"
    first.write_text("def rnn_step_forward(*args):\n    return None\n")
    assert total(examine(a1, [first, solution_file()], seed=1)) == 36
    assert total(examine(a1, [solution_file(), first], seed=1)) < 36


def test_decorators_stay_with_their_function_in_a_file_that_does_not_parse():
    text = "x = (\n@method_of(C)\ndef loss(self):\n    return 1\n"
    assert "@method_of(C)\ndef loss(self):\n    return 1" in list(split(text))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", None])
def test_a_file_that_cannot_be_read_is_named(tmp_path, content):
    path = tmp_path / "answers.py"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnreadableAnswers, match=r"answers\.py"):
        read_answers(path)


def test_an_unknown_assignment_lists_the_known_ones(solution_file):
    result = CliRunner().invoke(app, ["examine", "a9", "--code", str(solution_file())])
    assert result.exit_code == 2
    assert "a1_rnn_captioning" in result.stderr


ANSWERS = Path(__file__).parent / "other_answers"


def lost(graded):
    return [
        (name, verdict.error, [case.message for case in verdict.cases if not case.passed])
        for name, verdict in graded.verdicts.items()
        if verdict.share < 1
    ]


def test_right_answers_in_another_hand_have_full_marks(a1, examine):
    assert lost(examine(a1, [ANSWERS / "rnn_layers.py", ANSWERS / "rnn.py"], seed=4)) == []


@pytest.mark.parametrize("name", ["gans_handout.py", "gans_classes.py"])
def test_right_gans_in_other_hands_have_full_marks(name, examine):
    assert lost(examine(find_assignment("a6_gans"), [ANSWERS / name], seed=4)) == []


def test_what_a_handout_gives_need_not_be_in_a_file_of_answers(tmp_path, examine):
    text = (ANSWERS / "gans_handout.py").read_text()
    first, last = text.index("def bce_loss"), text.index("def discriminator_loss")
    short = tmp_path / "short.py"
    short.write_text(text[:first] + text[last:])
    gans = find_assignment("a6_gans")
    assert lost(examine(gans, [short], seed=4)) == []
    short.write_text(text.replace("    return loss.mean()", "    return loss.sum()"))
    assert [name for name, *_ in lost(examine(gans, [short], seed=4))] == ["bce_loss"]

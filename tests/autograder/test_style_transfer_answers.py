"""a4: right answers in other hands, and errors that are carried from one function to the next."""

from pathlib import Path

import pytest

from autograder.course import assignments
from autograder.judge import judge
from autograder.mistakes import MistakeBank, run_cells
from autograder.student import Local

ROOT = Path(__file__).resolve().parents[2]
SEED = 11


@pytest.fixture(scope="module")
def a4():
    return assignments(ROOT)["a4_style_transfer"]


@pytest.fixture
def judged(a4):
    """Judge an exercise on our solution with some texts replaced, each of which occurs once."""

    def judge_with(name, **edits):
        cells = a4.solution_cells()
        for cell, (old, new) in edits.items():
            assert cells[cell].count(old) == 1
            cells[cell] = cells[cell].replace(old, new)
        bank = MistakeBank(a4, strict=True)
        return judge(a4.exercises[name], Local(run_cells(cells)), SEED, bank=bank)

    return judge_with


@pytest.mark.parametrize("name", ["style_transfer_classic.py", "style_transfer_plain.py"])
def test_right_answers_in_another_hand_have_full_marks(a4, name, examine):
    graded = examine(a4, [Path(__file__).parent / "other_answers" / name], seed=4)
    wrong = [
        (name, verdict.error, [case.message for case in verdict.cases if not case.passed])
        for name, verdict in graded.verdicts.items()
        if verdict.share < 1
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "edit",
    [
        ("(C * H * W)", "(H * W)"),
        ("gram = gram / (C * H * W)", "pass"),
        ("flat @ flat.transpose(1, 2)", "torch.cov(flat[0])[None]"),
    ],
)
def test_a_wrong_gram_matrix_costs_its_own_points_only(judged, edit):
    edits = {"gram_matrix": edit}
    assert judged("gram_matrix", **edits).share < 1
    assert judged("style_loss", **edits).share == 1
    assert judged("transfer_loss", **edits).share == 1


def test_a_gram_matrix_that_looks_at_nothing_carries_nothing(judged):
    nothing = ("flat @ flat.transpose(1, 2)", "0 * flat @ flat.transpose(1, 2)")
    assert judged("style_loss", gram_matrix=nothing).share == 0


def test_a_mistake_of_its_own_is_seen_behind_a_wrong_gram_matrix(judged):
    verdict = judged(
        "style_loss",
        gram_matrix=("(C * H * W)", "(H * W)"),
        style_loss=("(difference**2).sum()", "(difference**2).mean()"),
    )
    assert verdict.share == 0


@pytest.mark.parametrize(
    ("cell", "edit"),
    [
        ("content_loss", (".sum()", ".mean()")),
        ("style_loss", ("(difference**2).sum()", "difference.abs().sum()")),
        ("tv_loss", ("img[:, :, 1:, :] - img[:, :, :-1, :]", "img - img.roll(1, 2)")),
    ],
)
def test_a_wrong_loss_costs_its_own_points_only(judged, cell, edit):
    edits = {cell: edit}
    assert judged(cell, **edits).share < 1
    assert judged("transfer_loss", **edits).share == 1


def test_a_sum_that_leaves_out_a_wrong_loss_is_wrong(judged):
    verdict = judged(
        "transfer_loss",
        content_loss=(".sum()", ".mean()"),
        transfer_loss=(" + tv_loss(img, tv_weight)", ""),
    )
    assert verdict.share == 0

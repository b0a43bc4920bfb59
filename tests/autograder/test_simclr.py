"""The chapter on SimCLR: other hands, carried errors, and what is random or refused."""

from pathlib import Path

import pytest

from autograder.course import assignments
from autograder.judge import judge
from autograder.mistakes import MistakeBank, run_cells
from autograder.student import Local

ROOT = Path(__file__).resolve().parents[2]
SEED = 11


@pytest.fixture(scope="module")
def a7():
    return assignments(ROOT)["a7_simclr"]


@pytest.fixture(scope="module")
def judged(a7):
    """Judge an exercise on our solution with texts of its cells replaced: {cell: (old, new)}."""
    bank = MistakeBank(a7)

    def judge_with(name, seed=SEED, **swaps):
        cells = a7.solution_cells()
        for cell, (old, new) in swaps.items():
            assert cells[cell].count(old) == 1, (cell, old)
            cells[cell] = cells[cell].replace(old, new)
        return judge(a7.exercises[name], Local(run_cells(cells)), seed, bank=bank)

    return judge_with


def messages(verdict):
    return [verdict.error or ""] + [case.message for case in verdict.cases if not case.passed]


@pytest.mark.parametrize("hand", ["simclr_handout", "simclr_brief"])
def test_right_answers_in_another_hand_have_full_marks(a7, hand, examine):
    path = Path(__file__).parent / "other_answers" / f"{hand}.py"
    graded = examine(a7, [path], seed=5)
    wrong = {name: messages(v) for name, v in graded.verdicts.items() if v.share < 1}
    assert wrong == {}


# ------------------------------------------------------------------ carried errors
UNNORMALISED_SIM = ("(z_i @ z_j) / (z_i.norm() * z_j.norm())", "z_i @ z_j / 9")
COLUMNS = ("out.norm(dim=1, keepdim=True)", "out.norm(dim=0, keepdim=True)")
HALVED_PAIRS = ("(left * right).sum", "0.5 * (left * right).sum")
DIAGONAL_STAYS = ("exponential.masked_fill(itself, 0)", "exponential")


@pytest.mark.parametrize(
    ("name", "earlier", "swap"),
    [
        ("simclr_loss_naive", "sim", UNNORMALISED_SIM),
        ("simclr_loss_vectorized", "compute_sim_matrix", COLUMNS),
        ("simclr_loss_vectorized", "sim_positive_pairs", HALVED_PAIRS),
        ("simclr_train", "simclr_loss_vectorized", DIAGONAL_STAYS),
        ("simclr_train", "compute_sim_matrix", COLUMNS),
    ],
)
def test_an_error_in_an_earlier_part_is_paid_for_once(judged, name, earlier, swap):
    assert judged(earlier, **{earlier: swap}).share < 1
    verdict = judged(name, **{earlier: swap})
    assert verdict.share == 1, messages(verdict)


@pytest.mark.parametrize(
    ("name", "earlier", "swap", "own"),
    [
        ("simclr_loss_naive", "sim", UNNORMALISED_SIM, ("if m != i]", "]")),
        ("simclr_loss_vectorized", "compute_sim_matrix", COLUMNS, DIAGONAL_STAYS),
        (
            "simclr_train",
            "simclr_loss_vectorized",
            DIAGONAL_STAYS,
            ("_, out_right = model(x_j)", "_, out_right = model(x_i)"),
        ),
    ],
)
def test_an_error_of_ones_own_is_seen_beside_an_earlier_one(judged, name, earlier, swap, own):
    assert judged(name, **{earlier: swap, name: own}).share < 0.5


def test_a_loss_that_looks_at_nothing_carries_no_training(judged):
    constant = ("loss = -torch.log(numerator / denominator).mean()", "loss = out.sum() * 0 + 1")
    still = ("train_optimizer.step()", "pass")
    verdict = judged("simclr_train", simclr_loss_vectorized=constant, simclr_train=still)
    assert verdict.share == 0


# ------------------------------------------------------------------ what is random
@pytest.mark.parametrize("seed", range(4))
def test_the_verdict_on_random_views_does_not_depend_on_the_seed(judged, seed):
    verdict = judged("compute_train_transform", seed=seed)
    assert verdict.share == 1, messages(verdict)


def test_probabilities_that_parts_state_are_read_and_told(judged):
    rare = ("transforms.RandomGrayscale(p=0.2)", "transforms.RandomGrayscale(p=0.15)")
    verdict = judged("compute_train_transform", compute_train_transform=rare)
    assert messages(verdict)[1:] == ["the probability of grey must be 0.2. Got 0.15"]


def test_a_transform_that_makes_no_tensor_is_told_so(judged):
    plain = (
        "            transforms.ToTensor(),\n            transforms.Normalize(MEAN, STD),\n",
        "",
    )
    verdict = judged("compute_train_transform", compute_train_transform=plain)
    assert verdict.points == 0
    assert "a view must be a tensor. Got Image" in " ".join(messages(verdict))


# ------------------------------------------------------------------ pairs, devices, checkpoints
def test_a_dataset_that_returns_one_view_is_told_what_to_return(judged):
    single = ("return x_i, x_j, target", "return x_i, target")
    verdict = judged("cifar10_pair", cifar10_pair=single)
    assert verdict.points == 0
    assert "must return x_i, x_j, target. Got 2 values" in " ".join(messages(verdict))


def test_rows_are_as_good_as_vectors_for_a_similarity(judged):
    rows = ("(z_i @ z_j) / (z_i.norm() * z_j.norm())", "F.cosine_similarity(z_i, z_j, dim=1)")
    assert judged("sim", sim=rows).share == 1


def test_a_missing_loss_is_told_as_missing(judged):
    gone = ("def simclr_loss_vectorized(", "def another_loss(")
    verdict = judged("simclr_loss_vectorized", simclr_loss_vectorized=gone)
    assert verdict.error.startswith("simclr_loss_vectorized is not defined")


def test_loading_that_always_raises_has_refused_nothing(judged):
    always = ("    encoder.load_state_dict(state)", "    raise KeyError('no')")
    assert judged("load_encoder", load_encoder=always).points == 0

"""a3: right answers of other hands have full marks, and frequent mistakes cost what they should."""

from pathlib import Path

import pytest

from autograder.course import find_assignment
from autograder.judge import judge
from autograder.mistakes import MistakeBank, run_cells
from autograder.student import Local

SLUG = "a3_network_visualization"
ANSWERS = Path(__file__).parent / "other_answers"


@pytest.mark.parametrize("name", ["visualization.py", "visualization_batches.py"])
def test_right_answers_in_another_hand_have_full_marks(name, examine):
    graded = examine(find_assignment(SLUG), [ANSWERS / name], seed=4)
    lost = {
        name: [case.message for case in verdict.cases if not case.passed]
        for name, verdict in graded.verdicts.items()
        if verdict.share < 1
    }
    assert lost == {}


@pytest.fixture(scope="module")
def bank():
    return MistakeBank(find_assignment(SLUG), strict=True)


def share(bank, exercise, mistake, seed):
    exercise = bank.assignment.exercises[exercise]
    transport = bank.transport(exercise, exercise.find_mistake(mistake))
    return judge(exercise, transport, seed).share


@pytest.mark.parametrize(
    ("exercise", "mistake", "least", "most"),
    [
        # Nearly everybody's code adds up in X.grad: it costs a case, and no more.
        ("compute_saliency_maps", "gradients pile up in X", 0.8, 0.9),
        ("compute_saliency_maps", "a single picture loses its axis", 0.8, 0.9),
        ("compute_saliency_maps", "the gradient of the cross-entropy loss", 0, 0),
        ("make_fooling_image", "it never stops", 0, 0.2),
        ("make_fooling_image", "it walks downhill", 0, 0.2),
        ("class_visualization_update_step", "the penalty has the wrong sign", 0, 0.2),
    ],
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_mistake_costs_what_it_should(bank, exercise, mistake, least, most, seed):
    assert least <= share(bank, exercise, mistake, seed) <= most


def test_a_tensor_that_cannot_be_fetched_earns_nothing_and_stops_nothing(bank):
    """A step that breaks its picture: what is left is no array of numbers."""
    cells = bank.assignment.solution_cells()
    cells["class_visualization_update_step"] = (
        "def class_visualization_update_step(img, *_):\n    img.data = img.data.to(torch.complex64)"
    )
    exercise = bank.assignment.exercises["class_visualization_update_step"]
    verdict = judge(exercise, Local(run_cells(cells)), seed=1)
    assert verdict.share == 0
    assert all(
        "real numbers" in (case.message or verdict.error) or "raised" in case.message
        for case in verdict.cases
    )

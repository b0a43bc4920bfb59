"""The format carries what later notebooks need: torch, modules, models as arguments, randomness."""

import pytest
from small_exercises import EXERCISES, SETUP

from autograder.judge import judge
from autograder.mistakes import MistakeBank
from autograder.recording import record
from autograder.sandbox import start_session
from cs231n_utils import transcripts

SEED = 20261122


class SmallAssignment:
    """What the bank and the recorder ask of an assignment: its solution cells."""

    slug = "small"

    def __init__(self, name):
        self.name = name

    def solution_cells(self):
        return {"setup": SETUP, self.name: EXERCISES[self.name][1]}


@pytest.fixture(params=EXERCISES)
def exercise(request):
    return EXERCISES[request.param][0]


@pytest.fixture
def bank(exercise):
    return MistakeBank(SmallAssignment(exercise.name), strict=True)


def test_the_solution_scores_full_marks_behind_the_wall(exercise, bank):
    with start_session() as session:
        for source in bank.assignment.solution_cells().values():
            assert session.run_cell(source).status == "ok"
        verdict = judge(exercise, session, SEED, bank=bank)
    assert verdict.share == 1, verdict.cases


def test_every_mistake_is_caught_and_known_by_name(exercise, bank):
    for mistake in exercise.mistakes:
        verdict = judge(exercise, bank.transport(exercise, mistake), SEED, bank=bank)
        assert verdict.share < 1, mistake.name
        assert verdict.mistake is mistake, mistake.name


def test_every_equivalent_scores_full_marks(exercise, bank):
    for equivalent in exercise.equivalents:
        verdict = judge(exercise, bank.transport(exercise, equivalent), SEED, bank=bank)
        assert verdict.share == 1, (equivalent.name, verdict.cases)


def test_the_recording_replays_right_on_the_solution_and_wrong_on_a_mistake(exercise, bank):
    recorded = record(exercise, bank)
    (case,) = recorded["cases"]
    right = transcripts.replay(case["calls"], bank.transport(exercise)._calls.driver.namespace)
    assert transcripts.troubles(case, right, recorded["returns"]) == []
    for mistake in exercise.mistakes:
        namespace = bank.transport(exercise, mistake)._calls.driver.namespace
        wrong = transcripts.replay(case["calls"], namespace)
        if exercise.name != "jitter" or mistake.name == "p is what is kept":
            assert transcripts.troubles(case, wrong, recorded["returns"]) != []


def test_a_recording_replays_right_on_other_right_answers(exercise, bank):
    recorded = record(exercise, bank)
    for equivalent in exercise.equivalents:
        namespace = bank.namespace(exercise, equivalent)
        for case in recorded["cases"]:
            done = transcripts.replay(case["calls"], namespace)
            assert transcripts.troubles(case, done, recorded["returns"]) == [], equivalent.name

"""The proofs notice tests that are too weak and tests that are unfair; the command says so."""

from dataclasses import replace

import pytest
from typer.testing import CliRunner

from autograder import cli
from autograder.exercise import Edit, Equivalent, Exercise, ExerciseError, Mistake, check_exercise
from autograder.judge import expect
from autograder.mistakes import MistakeBank
from autograder.mutants import Survivor, make_mutants, survivors
from autograder.prove import prove
from autograder.sandbox import Session, SessionDead


class OneCell:
    """An assignment of one cell, as the bank asks for it."""

    slug = "one"

    def __init__(self, source):
        self.source = source

    def solution_cells(self):
        return {"double": self.source}


DOUBLE = """def double(x):
    ### BEGIN SOLUTION
    y = 2 * x
    ### END SOLUTION
    return y
"""


def exercise(**given):
    made = Exercise(points=1, returns={"double": "y"}, name="double", assignment="one", **given)

    @made.case("one number", public=True)
    def examine(student, rng):
        x = rng.standard_normal(())
        expect("y", student.double(x), 2 * x)

    return made


@pytest.fixture
def one(monkeypatch):
    """Prove exercises on the one-cell assignment, without whole notebooks."""
    monkeypatch.setattr("autograder.prove._whole_notebooks", lambda *a: iter(()))

    def proofs(made):
        assignment = OneCell(DOUBLE)
        assignment.exercises = {"double": made}
        return {proof.claim: proof for proof in prove(assignment, seed=1)}

    return proofs


def test_a_mistake_that_scores_full_marks_is_a_miss(one):
    harmless = Mistake("added twice", ("2 * x", "x + x"), hint="look")
    proof = one(exercise(mistakes=[harmless]))["mistake: added twice"]
    assert not proof.held
    assert "full marks" in proof.detail


def test_a_mistake_that_is_taken_for_another_is_a_miss(one):
    first = Mistake("three times", ("2 * x", "3 * x"), hint="look")
    second = Mistake("and once more", ("2 * x", "2 * x + x"), hint="look")
    proofs = one(exercise(mistakes=[first, second]))
    assert proofs["mistake: three times"].held
    assert not proofs["mistake: and once more"].held
    assert "three times" in proofs["mistake: and once more"].detail
    alike = replace(second, like="three times")
    assert one(exercise(mistakes=[first, alike]))["mistake: and once more"].held


def test_an_equivalent_that_loses_marks_is_a_miss(one):
    proofs = one(exercise(equivalents=[Equivalent("not so equal", ("2 * x", "2.001 * x"))]))
    assert not proofs["equivalent: not so equal"].held


def test_an_edit_whose_text_is_not_there_exactly_once_is_an_error():
    with pytest.raises(ExerciseError, match=r"exactly once in the solution cell.* 0 times"):
        Edit("gone", ("3 * x", "x")).apply(DOUBLE)
    with pytest.raises(ExerciseError, match="Got 2 times"):
        Edit("twice", ("SOLUTION", "x")).apply(DOUBLE)


@pytest.mark.parametrize(
    ("made", "rule"),
    [
        (Exercise(points=1, name="e"), "at least one case"),
        (exercise(mistakes=[Mistake("m", ("a", "b"))]), "must have a hint"),
        (exercise(mistakes=[Mistake("m", ("a", "b"), hint="h")] * 2), "distinct names"),
    ],
)
def test_an_exercise_that_breaks_a_rule_is_named_with_the_rule(made, rule):
    with pytest.raises(ExerciseError, match=rule):
        check_exercise(made)


def test_an_exercise_without_a_public_case_is_refused():
    hidden = exercise()
    hidden.cases = [replace(case, public=False) for case in hidden.cases]
    with pytest.raises(ExerciseError, match="public case"):
        check_exercise(hidden)


def test_stacked_cases_keep_the_order_of_reading():
    made = Exercise(points=1, name="e")

    @made.case("first", public=True)
    @made.case("second")
    def examine(student, rng):
        pass

    @made.case("third")
    def other(student, rng):
        pass

    assert [case.name for case in made.cases] == ["first", "second", "third"]


# ------------------------------------------------------------------ mutants
def test_mutants_change_the_solution_region_only_and_each_is_new():
    mutants = list(make_mutants(exercise(), DOUBLE))
    assert len(mutants) > 5
    assert len({mutant.source for mutant in mutants}) == len(mutants)
    assert all(mutant.before == "y = 2 * x" for mutant in mutants)


def test_a_surviving_mutant_is_listed_and_its_explanation_found(server):
    source = DOUBLE.replace("2 * x", "2 * x if x.ndim < 9 else x")
    assignment = OneCell(source)
    made = exercise()
    alive = [
        m
        for m in survivors(assignment, made, seed=1, starter=server.start)
        if isinstance(m, Survivor)
    ]
    changes = {survivor.mutant.change for survivor in alive}
    assert any("x.ndim <= 9" in change for change in changes)
    assert not any(survivor.why for survivor in alive)
    made.harmless = {change: "no array here has nine axes" for change in changes}
    alive = [
        m
        for m in survivors(assignment, made, seed=1, starter=server.start)
        if isinstance(m, Survivor)
    ]
    assert all(survivor.why for survivor in alive)


def test_a_process_that_dies_after_its_mutant_was_judged_is_replaced(monkeypatch, server):
    reset, dead = Session.reset, []

    def dies_at_first(session):
        if not dead:
            dead.append(session)
            raise SessionDead("it crashed")
        reset(session)

    monkeypatch.setattr(Session, "reset", dies_at_first)
    judged = list(survivors(OneCell(DOUBLE), exercise(), seed=1, starter=server.start))
    assert len(judged) == len(list(make_mutants(exercise(), DOUBLE)))
    assert len(dead) == 1


# ------------------------------------------------------------------ the command
def test_the_command_exits_with_1_on_a_miss(a1, monkeypatch):
    unfair = Equivalent("not so equal", ("out = W[x]", "out = 2 * W[x]"))
    monkeypatch.setattr(a1.exercises["word_embedding_forward"], "equivalents", [unfair])
    result = CliRunner().invoke(cli.app, ["prove", "word_embedding_forward"])
    assert result.exit_code == 1
    assert "1 claims did not hold" in result.output


def test_the_command_proves_one_exercise_with_exit_status_0():
    result = CliRunner().invoke(cli.app, ["prove", "word_embedding_forward"])
    assert result.exit_code == 0, result.output
    assert "the unfilled notebook scores 0 %" in " ".join(result.output.split())


def test_an_unknown_exercise_lists_the_known_ones():
    result = CliRunner().invoke(cli.app, ["prove", "rnn_stop"])
    assert result.exit_code == 2
    assert "rnn_step_forward" in result.stderr


def test_outside_a_course_the_command_says_where_to_go(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli.app, ["prove"])
    assert result.exit_code == 2
    assert "change into the course's folder" in " ".join(result.stderr.split())


def test_without_bubblewrap_the_command_says_what_to_install_and_that_nothing_was_graded(
    tmp_path, monkeypatch
):
    answers = tmp_path / "answers.py"
    answers.write_text("")
    monkeypatch.setenv("PATH", str(tmp_path))
    result = CliRunner().invoke(cli.app, ["examine", "a1_rnn_captioning", "--code", str(answers)])
    assert result.exit_code == 2
    told = " ".join(result.stderr.split())
    assert "bubblewrap" in told
    assert "othing was" in told


def test_the_bank_runs_a_mistake_once_for_a_seed(a1):
    bank = MistakeBank(a1)
    made = a1.exercises["rnn_step_forward"]
    assert bank.logs(made, made.mistakes[0], 1) is bank.logs(made, made.mistakes[0], 1)
    assert bank.logs(made, made.mistakes[0], 1) is not bank.logs(made, made.mistakes[0], 2)

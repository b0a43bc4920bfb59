"""A. Undeserved points: an answer earns what it is worth, whatever stands around it."""

import pytest

from autograder.sandbox import Limits

from . import small_course as tiny

NOTHING = {"double": 0, "square": 0, "length": 0}
FULL = dict(tiny.POINTS)


def test_line_01_a_tag_that_skips_the_test_cell(points):
    assert points("forger") == NOTHING


def test_line_02_a_replaced_kernel(points):
    assert points("patcher") == NOTHING


def test_line_03_a_transformer_that_deletes_asserts(points):
    assert points("patcher") == NOTHING


def test_line_04_comparisons_that_always_agree(points):
    assert points("patcher") == NOTHING


def test_line_05_a_display_from_inside_the_tested_function(points, printed):
    assert points("patcher") == NOTHING
    assert "7.0" not in printed("forger")


def test_line_06_a_forged_result_on_the_stream(points, notes):
    assert points("wirer")["square"] == 0
    assert "broke the rules" in notes("wirer")


def test_line_07_a_thread_that_emits_results_meanwhile(points):
    assert points("patcher") == NOTHING


def test_line_08_a_formatter_that_prints_full_points(points):
    assert points("patcher") == NOTHING


def test_line_09_shadowed_builtins(points):
    assert points("patcher") == NOTHING


def test_line_10_a_score_that_is_not_a_number(points):
    assert points("forger") == NOTHING


def test_line_11_a_negative_score(points):
    assert points("forger") == NOTHING


def test_line_12_a_hook_that_clears_the_output(points):
    assert points("patcher") == NOTHING


def test_line_13_an_answer_that_equals_everything(points):
    assert points("liar") == NOTHING


def test_line_14_the_test_read_from_the_history(points):
    assert points("peeker") == NOTHING


def test_line_15_the_expected_value_looked_for_in_memory(points, the_class):
    assert points("peeker") == NOTHING
    said = str(the_class.rows["peeker"].judged["double"])
    assert "raised" not in said  # it did look, everywhere, and found nothing


def test_line_16_the_solution_run_from_the_source_folder(managed):
    assert managed("prowler", 16) == []


def test_line_17_the_notebook_read_from_the_working_folder(managed):
    assert managed("prowler", 17) == []


def test_line_18_a_numpy_py_beside_the_notebook(points, printed):
    assert points("shipper") == {"double": 2, "square": 0, "length": 0}
    assert "LINE 18" not in printed("shipper")


def test_line_19_an_ipykernel_launcher_py_beside_the_notebook(points, printed):
    assert points("shipper")["square"] == 0
    assert "LINE 18" not in printed("shipper")


def test_line_20_a_notebook_that_is_a_link_to_a_neighbours(points, notes):
    assert points("linker") == NOTHING
    assert "no links" in notes("linker")


def test_line_21_points_written_into_the_gradebook(managed, the_class):
    assert managed("writer", 21) == []
    assert the_class.rows["writer"].total == sum(FULL.values())


def test_line_22_random_numbers_that_are_zeros(points):
    assert points("patcher") == NOTHING


def test_line_23_clocks_that_stand_still(points):
    assert points("patcher") == NOTHING


def test_line_24_not_a_number_where_less_is_asked(points):
    assert points("liar")["square"] == 0


def test_line_25_another_answer_while_graded(points):
    assert points("patcher") == NOTHING


def test_line_26_cells_in_another_order(points, notes):
    assert points("forger") == NOTHING
    assert "order of the handout" in notes("forger")


def test_line_27_a_helper_that_is_rewritten_by_the_first_cell(managed, points):
    assert managed("shipper", 27) == []  # it may: its files are its own, in its own folder
    assert points("shipper")["square"] == 0


def test_line_28_a_date_that_is_none(points, notes):
    assert points("schemer") == FULL
    assert "timestamp.txt does not hold a date" in notes("schemer")


def test_line_29_forged_outputs_without_execution(points, printed):
    assert points("forger") == NOTHING
    assert "-1" not in printed("forger")


def test_line_30_a_library_in_the_place_of_an_answer(points, the_class):
    assert points("shortcut") == FULL | {"length": 0}
    error = the_class.rows["shortcut"].judged["length"]["error"]
    assert error.startswith("numpy.linalg.norm is not allowed here")


def test_line_65_the_exercise_is_not_done(wall, released):
    """The same, hidden from whoever reads the source: found while it runs."""
    answer = "import numpy.linalg\ndef length(x):\n    return getattr(np.linalg, 'no' + 'rm')(x)"
    graded = tiny.grade(released, tiny.notebook({"length": answer}), limits=Limits())
    assert {name: v.points for name, v in graded.verdicts.items()} == FULL | {"length": 0}
    assert "not allowed here" in graded.verdicts["length"].error


@pytest.mark.parametrize("use", ["an import that is not used", "a demonstration"])
def test_what_is_forbidden_may_stand_beside_the_answer(use, wall, released):
    line = "from numpy.linalg import norm"
    answer = tiny.ANSWERS["length"]
    if use == "a demonstration":
        answer += "\nprint(np.linalg.norm(np.ones(4)), length(np.ones(4)))"
    nb = tiny.with_cells(tiny.notebook({"length": answer}), line)
    assert tiny.grade(released, nb, limits=Limits()).verdicts["length"].points == 2

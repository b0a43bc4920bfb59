"""B. Tests, solutions and other people's data stay where they are."""

import re

from . import small_course as tiny
from .hostile import HONEST


def test_line_31_links_in_a_submission_are_not_followed(the_class, notes):
    copied = [
        path.name
        for folder in ("autograded", "feedback")
        for path in (the_class.root / folder / "linker").rglob("*")
        if path.is_file()
    ]
    assert sorted(copied) == ["tiny.html", tiny.NOTEBOOK]
    assert "Left out" in notes("linker")


def test_line_32_the_answers_of_others(managed):
    assert managed("prowler", 32) == []


def test_line_33_the_hidden_tests_in_the_gradebook(managed):
    assert managed("prowler", 33) == []


def test_line_34_tokens_and_keys_of_a_live_server(managed):
    assert managed("prowler", 34) == []


def test_line_35_another_students_kernel(managed):
    assert managed("prowler", 35) == []


def test_line_36_keys_and_tokens_sent_over_the_network(managed):
    assert managed("prowler", 36) == []


def test_hidden_inputs_and_the_seed_never_reach_feedback(page, points, the_class):
    """The function keeps what it is called with; every way out of it stays closed."""
    assert points("stasher")["double"] == 2
    text = page("stasher")
    assert str(tiny.SEED) not in text
    assert "printed []" in text
    assert "raised []" in text
    assert "at the end []" in text
    seen = numbers(tiny.SEED)
    assert seen
    for name, answer in the_class.rows["stasher"].judged.items():
        shown = [answer["error"], *(case["message"] for case in answer["cases"])]
        assert not [n for n in seen if n in " ".join(filter(None, shown))], name
    assert not [n for n in seen if n in text]


def test_an_honest_student_still_reads_what_went_wrong(page):
    assert "raised AttributeError" in page("finn")
    assert "squared" in page("finn")


def numbers(seed):
    """The inputs of every case, as a student's program would print them."""
    from autograder.judge import case_rng

    found = []
    for exercise in tiny.make_exercises().values():
        for index, case in enumerate(exercise.cases):
            drawn = case_rng(exercise, index, seed).standard_normal(case.parameters["size"])
            found += [re.sub(r"^-", "", repr(value))[:8] for value in drawn.tolist()]
    return found


def test_the_hidden_inputs_would_be_recognised():
    assert len(numbers(1)) == 18
    assert numbers(1) != numbers(2)


def test_everybody_reads_a_page(the_class):
    written = {path.parts[-3] for path in (the_class.root / "feedback").glob("*/*/*.html")}
    assert written >= set(HONEST)

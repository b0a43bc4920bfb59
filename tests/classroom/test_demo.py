"""The sample class: every mark is known beforehand, and every cell of the gradebook is right."""

import csv
import io
import json

import pytest
from rich.console import Console

from autograder import demo

EXERCISES = {
    "rnn_step_forward": 4,
    "rnn_step_backward": 5,
    "rnn_forward": 4,
    "rnn_backward": 6,
    "word_embedding_forward": 2,
    "word_embedding_backward": 3,
    "captioning_rnn_loss": 7,
    "captioning_rnn_sample": 5,
    "inline_question_1": 4,
}

MARKS = {
    # No point is lost but by the mistake itself: what stands on a wrong answer is judged with it.
    "ada": [4, 5, 4, 6, 2, 3, 7, 5, None],
    "ben": [0, 0, 0, 0, 0, 0, 0, 0, 0],
    "chen": [0, 5, 4, 6, 2, 0.75, 7, 5, None],
    "dana": [4, 5, 4, 1, 2, 3, 7, 5, None],
    "emil": [0, 5, 4, 6, 2, 3, 7, 5, None],
    # What calls rnn_forward waits for ever too; nothing else is lost.
    "finn": [4, 5, 0, 0, 2, 3, 0, 5, None],
    "gina": [4, 5, 4, 6, 2, 3, 7, 5, None],
    "hugo": [4, 5, 4, 6, 2, 3, 7, 5, None],
    "iris": [4, 5, 4, 6, 2, 0, 0, 5, None],
    "jana": [4, 5, 4, 6, 2, 3, 1, 0, None],
}

MISTAKES = {
    "chen": ["the bias is left out", "a repeated word keeps one gradient only"],
    "dana": ["the gradient from the next step is dropped"],
    "emil": ["tanh is left out"],
    "jana": ["padding is counted", "it begins with NULL"],
}


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Run the demonstration once: its rows by student, its folder, and what it printed."""
    folder = tmp_path_factory.mktemp("demo") / "class"
    console = Console(file=io.StringIO(), width=200)
    rows = demo.run_demo(folder, console=console)
    return {row.student: row for row in rows}, folder, console.file.getvalue()


def test_the_class_is_the_one_that_the_marks_are_known_of():
    assert [pupil.name for pupil in demo.CLASS] == list(MARKS)


@pytest.mark.parametrize("student", MARKS)
def test_every_mark_is_the_expected_one(shown, student):
    rows, _, _ = shown
    row = rows[student]
    assert row.points == dict(zip(EXERCISES, MARKS[student], strict=True))
    assert row.max_points == EXERCISES
    assert row.total == sum(filter(None, MARKS[student]))
    assert row.needs_manual == ([] if student == "ben" else ["inline_question_1"])
    assert row.error is None
    assert row.sandbox != "none"


@pytest.mark.parametrize("student", MARKS)
def test_known_mistakes_are_known_and_no_others_are_seen(shown, student):
    rows, _, _ = shown
    said = [entry["mistake"] for entry in rows[student].mistakes.values()]
    assert said == MISTAKES.get(student, [])


def test_the_judges_words_keep_the_notebooks_order(shown):
    rows, _, _ = shown
    assert [*rows["ada"].judged, "inline_question_1"] == list(EXERCISES)


def test_accidents_are_told(shown):
    rows, _, _ = shown
    assert any("ended" in note for note in rows["gina"].notes)
    assert any("more than once" in note for note in rows["hugo"].notes)
    assert any("were missing" in note for note in rows["iris"].notes)
    assert rows["ada"].notes == []


def test_the_table_and_the_places_are_printed(shown):
    _, folder, printed = shown
    for student in MARKS:
        assert f" {student} " in printed
    assert str(folder / "reports" / demo.SLUG / "index.html") in printed
    assert "a repeated word keeps one gradient only" in " ".join(printed.split())


def test_page_table_and_json_are_written(shown):
    rows, folder, _ = shown
    reports = folder / "reports" / demo.SLUG
    page = (reports / "index.html").read_text()
    assert "../../feedback/chen/a1_rnn_captioning/rnn_captioning.html" in page
    with (reports / "grades.csv").open() as file:
        table = {line["student"]: line for line in csv.DictReader(file)}
    assert {name: float(line["total"]) for name, line in table.items()} == {
        name: row.total for name, row in rows.items()
    }
    content = json.loads((reports / "report.json").read_text())
    assert [entry["student"] for entry in content["rows"]] == list(MARKS)
    assert (folder / "feedback" / "chen" / demo.SLUG / "rnn_captioning.html").is_file()


def test_a_folder_with_other_things_in_it_is_not_overwritten(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(demo.NotADemoFolder, match="needs an empty folder"):
        demo.run_demo(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"

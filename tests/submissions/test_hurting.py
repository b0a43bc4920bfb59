"""C. Nobody else's mark changes, and nothing outside the sandbox does."""

from .hostile import HONEST, HOSTILE
from .processes import command_lines


def test_the_honest_have_the_marks_that_they_have_without_the_others(the_class, honest_alone):
    assert len(HONEST) == 10
    assert len(HOSTILE) == 20
    assert len(the_class.rows) == 30
    for student in HONEST:
        with_them, alone = the_class.rows[student], honest_alone[student]
        assert with_them.points == alone.points, student
        assert with_them.judged == alone.judged, student
        assert with_them.notes == alone.notes, student
    assert [honest_alone[s].total for s in ("ada", "ben", "cleo", "eve")] == [7, 5, 5.5, 0]


def test_nothing_outside_differs_before_and_after(the_class):
    assert the_class.after == the_class.before
    assert len(the_class.before) > 60


def test_the_gradebooks_other_rows_are_as_before(the_class):
    assert the_class.rows_before
    assert the_class.rows_after == the_class.rows_before


def test_line_38_a_neighbours_grade_set_to_0(managed):
    assert managed("writer", 38) == []


def test_line_39_the_gradebooks_sources_emptied(managed):
    assert managed("writer", 39) == []


def test_line_40_a_neighbours_submission_overwritten(managed, points):
    assert managed("writer", 40) == []
    assert points("ada")["square"] == 3


def test_line_41_a_start_up_file_for_later_kernels(managed):
    assert managed("writer", 41) == []


def test_line_42_code_for_the_graders_next_run(managed):
    assert managed("writer", 42) == []


def test_line_43_a_daemon_that_outlives_the_run(managed, the_class):
    assert managed("bomber", 43) == []
    assert "7331" not in " ".join(command_lines().values())


def test_line_44_a_folder_that_anybody_may_write_to(managed):
    assert managed("writer", 44) == []


def test_line_62_a_thread_that_outlives_its_notebook(the_class, points):
    """The process that it belongs to is gone: nothing of any sandbox is left under this one."""
    assert sum(points("staller").values()) == 7
    assert the_class.left == []

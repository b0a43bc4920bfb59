"""The map of where an array is wrong: signs, squares and words say the same."""

import re

import numpy as np
import pytest

from cs231n_utils.findings import compared
from cs231n_utils.heatmap import MOST_COLUMNS, MOST_ROWS, draw


def found(got, want, comparator="close", **options):
    expectation = {"name": "dx", "comparator": comparator, "want": want, "options": options}
    return compared(expectation, np.asarray(got))


def test_signs_show_what_is_right_and_what_is_farthest_off():
    want = np.ones((3, 4))
    got = want.copy()
    got[1, 2], got[2, 3], got[0, 0] = 3.0, 2.0, 1.1
    drawn = draw(found(got, want))
    assert drawn.text == ["- . . .", ". . # .", ". . . x"]
    assert drawn.worst == (1, 2)
    assert drawn.said == "dx: 3 of 12 entries are wrong, the farthest off is [1, 2]"
    assert drawn.rows == "axis 0 (3)"
    assert drawn.columns == "axis 1 (4)"


def test_the_picture_tells_its_words_and_takes_its_ink_from_the_page():
    drawn = draw(found([1.0, 2.0], [1.0, 1.0]))
    assert 'role="img" aria-label="dx: 1 of 2 entries are wrong' in drawn.svg
    assert "currentColor" in drawn.svg
    assert not re.search(r"href|<script|url\(", drawn.svg)


def test_of_a_larger_array_the_slice_with_the_largest_error_is_shown():
    want = np.zeros((2, 5, 3, 4)) + 1
    got = want.copy()
    got[1, 3, 0, 1] = 9
    drawn = draw(found(got, want))
    assert drawn.title == "dx[1, 3, :, :]"
    assert drawn.text == [". # . .", ". . . .", ". . . ."]


@pytest.mark.parametrize("shape", [(1, 784), (200, 300), (17, 33), (1000,)])
def test_a_large_array_is_shown_in_blocks_and_loses_no_wrong_entry(shape):
    want = np.ones(shape)
    got = want.copy()
    got[(-1,) * len(shape)] = 5
    drawn = draw(found(got, want))
    rows, columns = drawn.levels.shape
    assert rows <= MOST_ROWS
    assert columns <= MOST_COLUMNS
    assert (drawn.levels >= 0).sum() == 1
    assert drawn.levels[drawn.worst] == 0
    assert drawn.block[1] > 1 or drawn.block[0] > 1


def test_what_is_not_finite_is_the_worst():
    drawn = draw(found([1.0, np.nan, 1.5, 1.0], np.ones(4)))
    assert drawn.text == [". # x ."]


def test_words_after_the_end_do_not_count():
    want = np.array([[4, 5, 2, 0], [4, 4, 4, 2]])
    got = np.array([[4, 5, 2, 9], [4, 5, 5, 2]])
    drawn = draw(found(got, want, "words_until_end", end=2))
    assert drawn.text == [". . . .", ". # # ."]
    assert "2 of 8 words" in drawn.said


@pytest.mark.parametrize(("got", "want"), [(2.0, 1.0), (np.ones(3), np.ones(3)), (None, 1.0)])
def test_a_number_and_a_right_array_have_no_map(got, want):
    assert draw(found(got, want)) is None

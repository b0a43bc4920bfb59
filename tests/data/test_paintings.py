import numpy as np
import pytest

from cs231n_utils.data.paintings import PAINTINGS, load_picture, picture_names


@pytest.mark.parametrize("name", picture_names())
def test_every_picture_is_square_and_has_the_size_that_is_asked_for(name):
    picture = load_picture(name, 24)
    assert picture.shape == (24, 24, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 10  # something is to be seen


@pytest.mark.parametrize("name", PAINTINGS)
def test_a_painting_depends_on_its_seed_only(name):
    first = load_picture(name, 24, seed=3)
    np.testing.assert_array_equal(first, load_picture(name, 24, seed=3))
    assert (first != load_picture(name, 24, seed=4)).mean() > 0.3


def test_a_photograph_is_cut_to_its_middle():
    wide = load_picture("a cup of coffee", 40)  # 600 x 400: the cup stands left of the middle
    assert wide[20, 20].astype(int).sum() > wide[1, 1].astype(int).sum()


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match="brush strokes"):
        load_picture("the Mona Lisa", 64)


def test_a_picture_has_at_least_16_pixels_on_a_side():
    with pytest.raises(ValueError, match="at least 16 pixels"):
        load_picture("a cat", 8)

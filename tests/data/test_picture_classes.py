"""Pictures for classifiers: the shape is the class, nothing else is, and the parts stay apart."""

import numpy as np
import pytest

from cs231n_utils.data.photographs import read_photograph
from cs231n_utils.data.picture_classes import (
    BLOCK,
    CLASS_NAMES,
    KINDS,
    NUM_SHAPES,
    SIDE,
    SOURCES,
    draw_pictures,
)


@pytest.fixture(scope="module")
def pictures():
    return draw_pictures(1200, seed=7)


@pytest.fixture(scope="module")
def shapes(pictures):
    return pictures.take(np.flatnonzero(pictures.labels < NUM_SHAPES))


def test_pictures_have_the_announced_shapes_and_types(pictures):
    assert pictures.images.shape == (1200, SIDE, SIDE, 3)
    assert pictures.images.dtype == np.uint8
    assert pictures.masks.shape == (1200, SIDE, SIDE)
    assert pictures.masks.dtype == bool
    assert pictures.labels.dtype == np.int64
    assert pictures.class_names == CLASS_NAMES
    assert len(set(CLASS_NAMES)) == 18


def test_a_small_set_is_the_beginning_of_a_large_one(pictures):
    few = draw_pictures(BLOCK + 3, seed=7)
    np.testing.assert_array_equal(few.images, pictures.images[: BLOCK + 3])
    np.testing.assert_array_equal(few.labels, pictures.labels[: BLOCK + 3])
    assert len(draw_pictures(0)) == 0


def test_another_seed_or_split_gives_other_pictures(pictures):
    for other in (draw_pictures(20, seed=8), draw_pictures(20, seed=7, split="train")):
        assert (other.images != pictures.images[:20]).mean() > 0.5


def test_all_classes_are_about_as_frequent(pictures):
    counts = np.bincount(pictures.labels, minlength=len(CLASS_NAMES))
    assert counts.min() > 35  # 67 on average, with a standard deviation of 8
    assert counts.max() < 105


def test_the_mask_is_the_object(shapes):
    """Inside, away from the smooth edge, the picture is painted; a ring has a hole, a disc none."""
    area = shapes.masks.mean(axis=(1, 2))
    assert 0.01 < area.min() < area.max() < 0.5
    for name, hole in (("circle", False), ("ring", True)):
        for mask in shapes.masks[shapes.labels == CLASS_NAMES.index(name)]:
            y, x = (round(c.mean()) for c in np.nonzero(mask))
            assert mask[y, x] != hole


def test_the_object_stands_out_from_what_is_behind_it(shapes):
    inside, outside = shapes.masks[..., None], ~shapes.masks[..., None]
    mean_in = (shapes.images * inside).sum(axis=(1, 2)) / inside.sum(axis=(1, 2))
    mean_out = (shapes.images * outside).sum(axis=(1, 2)) / outside.sum(axis=(1, 2))
    contrast = np.sqrt(((mean_in - mean_out) ** 2).mean(axis=1))
    assert (contrast > 25).mean() > 0.97


def test_colour_size_and_place_say_nothing_about_the_shape():
    pictures = draw_pictures(2000, seed=3)
    pictures = pictures.take(np.flatnonzero(pictures.labels < NUM_SHAPES))
    colour = (pictures.images * pictures.masks[..., None]).sum(axis=(1, 2))
    colour = colour / pictures.masks.sum(axis=(1, 2))[:, None]
    rows = np.arange(SIDE)
    across = (pictures.masks.any(axis=1) * rows).sum(axis=1) / pictures.masks.any(axis=1).sum(1)
    for clue in (*colour.T, across):
        means = [clue[pictures.labels == label].mean() for label in range(NUM_SHAPES)]
        # About 110 pictures a class: five standard errors from the common mean.
        assert np.abs(np.array(means) - clue.mean()).max() < 5 * clue.std() / np.sqrt(100)


def test_in_a_piece_of_a_photograph_every_pixel_decides(pictures):
    assert pictures.masks[pictures.labels >= NUM_SHAPES].all()


@pytest.mark.parametrize("source", KINDS, ids=lambda source: source.name)
def test_the_parts_of_a_photograph_share_no_pixel(source):
    width, height = read_photograph(source.photograph).size
    for left, top, right, bottom in (source.train, source.val):
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert min(right - left, bottom - top) >= 64
    # Scaling mixes pixels up to 1.5 outside of the box, on either side.
    gaps = [source.val[axis] - source.train[axis + 2] for axis in (0, 1)]
    assert max(gaps) >= 4


def test_a_photograph_without_a_class_serves_as_a_whole():
    source = next(source for source in SOURCES if source.name is None)
    assert source.box("train") == source.box("val") == (0, 0, 512, 512)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num": -1}, "num and seed must be 0 or more. Got -1 and 0"),
        ({"num": 1, "seed": -2}, "Got 1 and -2"),
        ({"num": 1, "split": "test"}, "split must be one of train, val. Got 'test'"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        draw_pictures(**arguments)

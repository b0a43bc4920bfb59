"""Scenes: from a seed, well placed, and painted as described."""

from itertools import combinations

import numpy as np
import pytest

from cs231n_utils.data.photographs import (
    PHOTOGRAPHS,
    SIDE,
    Photograph,
    PhotographMissing,
    load_photograph,
    photograph_path,
)
from cs231n_utils.data.scene_render import render_scenes
from cs231n_utils.data.scene_shapes import SHAPES
from cs231n_utils.data.scenes import (
    COLOURS,
    FIRST_FADING,
    FIRST_PHOTOGRAPH,
    GROUNDS,
    IMAGE_SIZE,
    NUM_BACKGROUNDS,
    RADII,
    TEXTURE_NAMES,
    sample_scenes,
)

PALETTE = np.array(list(COLOURS.values()), dtype=float)


@pytest.fixture(scope="module")
def scenes():
    return sample_scenes(1200, seed=7, split="test")


@pytest.fixture(scope="module")
def images(scenes):
    return render_scenes(scenes)


def objects(scenes):
    """Yield (scene, place) of every object."""
    for i, count in enumerate(scenes.count):
        for place in range(count):
            yield i, place


def test_the_same_seed_gives_the_same_bytes(scenes, images):
    again = sample_scenes(1200, seed=7, split="test")
    assert render_scenes(again).tobytes() == images.tobytes()


def test_another_seed_or_split_gives_other_scenes(images):
    for seed, split in ((8, "test"), (7, "train"), (7, "val")):
        other = render_scenes(sample_scenes(50, seed=seed, split=split))
        assert (other != images[:50]).any(axis=(1, 2, 3)).all()


def test_a_small_set_is_the_beginning_of_a_large_one(images):
    few = sample_scenes(30, seed=7, split="test")
    np.testing.assert_array_equal(render_scenes(few), images[:30])


def test_a_scene_alone_looks_as_it_does_among_others(scenes, images):
    rows = np.array([1100, 3, 700])
    np.testing.assert_array_equal(render_scenes(scenes.take(rows)), images[rows])


def test_images_are_rgb_bytes(images):
    assert images.shape == (1200, 64, 64, 3)
    assert images.dtype == np.uint8


def test_no_scenes_are_no_images():
    assert render_scenes(sample_scenes(0)).shape == (0, 64, 64, 3)


def test_objects_lie_inside_the_image_and_do_not_touch(scenes):
    for i, place in objects(scenes):
        r = scenes.radius[i, place]
        for centre in (scenes.x[i, place], scenes.y[i, place]):
            assert r < centre < IMAGE_SIZE - r
    for i, count in enumerate(scenes.count):
        for a, b in combinations(range(count), 2):
            apart = np.hypot(scenes.x[i, a] - scenes.x[i, b], scenes.y[i, a] - scenes.y[i, b])
            assert apart > scenes.radius[i, a] + scenes.radius[i, b]


def test_objects_are_ordered_from_left_to_right(scenes):
    for x, count in zip(scenes.x, scenes.count, strict=True):
        assert (np.diff(x[:count]) > 0).all()


def test_small_and_large_leave_a_gap_between_them(scenes):
    for i, place in objects(scenes):
        low, high = RADII[scenes.size[i, place]]
        assert low <= scenes.radius[i, place] <= high
    assert RADII[0][1] + 3 < RADII[1][0]


def test_places_without_an_object_are_marked(scenes):
    absent = np.arange(3) >= scenes.count[:, None]
    for name in ("shape", "colour", "size", "texture"):
        assert (getattr(scenes, name)[absent] == -1).all()
        assert (getattr(scenes, name)[~absent] >= 0).all()


def test_everything_that_can_occur_does(scenes):
    assert set(scenes.count) == {1, 2, 3}
    assert set(scenes.background) == set(range(NUM_BACKGROUNDS))
    for name, kinds in (("shape", 9), ("colour", 10), ("size", 2), ("texture", 4)):
        assert set(getattr(scenes, name).ravel()) == set(range(-1, kinds))


def test_the_pixels_of_a_plain_object_have_the_named_colour(scenes, images):
    """The median colour at the object, without its rim, is nearest to its own name's."""
    plain = TEXTURE_NAMES.index("plain")
    seen = 0
    for i, place in objects(scenes):
        if scenes.texture[i, place] != plain:
            continue
        inside = outline(scenes, i, place) < -1.5
        median = np.median(images[i][inside], axis=0)
        nearest = np.abs(PALETTE - median).sum(axis=1).argmin()
        assert nearest == scenes.colour[i, place], (i, place, median)
        seen += 1
    assert seen > 500


def test_a_pattern_mixes_the_named_colour_with_a_second_one(scenes, images):
    plain = TEXTURE_NAMES.index("plain")
    spread = {True: [], False: []}
    for i, place in objects(scenes):
        inside = outline(scenes, i, place) < -0.8
        is_plain = bool(scenes.texture[i, place] == plain)
        spread[is_plain].append(images[i][inside].std(axis=0).mean())
    assert max(spread[True]) < 22
    assert min(spread[False]) > 22


def outline(scenes, i, place):
    """Return the signed distance (64, 64) to the outline of one object."""
    steps = np.arange(IMAGE_SIZE) + 0.5
    across = steps[None, :] - scenes.x[i, place]
    down = steps[:, None] - scenes.y[i, place]
    cos, sin = np.cos(scenes.angle[i, place]), np.sin(scenes.angle[i, place])
    shape = list(SHAPES.values())[scenes.shape[i, place]]
    u, v = cos * across + sin * down, cos * down - sin * across
    return shape(u[None], v[None], np.array(scenes.radius[i, place])[None, None, None])[0]


def test_what_is_far_from_the_objects_is_the_background(scenes, images):
    seen = 0
    for i in np.flatnonzero(scenes.background < FIRST_FADING):
        nearest = np.min([outline(scenes, i, k) for k in range(scenes.count[i])], axis=0)
        named = list(GROUNDS.values())[scenes.background[i]]
        assert (images[i][nearest > 6] == named).all()
        seen += 1
    assert seen > 200


def test_an_object_never_has_the_colour_of_its_plain_ground(scenes):
    names, grounds = list(COLOURS), list(GROUNDS)
    for i, place in objects(scenes):
        if scenes.background[i] < FIRST_PHOTOGRAPH:
            ground = grounds[scenes.background[i] % FIRST_FADING]
            assert names[scenes.colour[i, place]] != ground


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_fills_its_circle_and_stays_in_it(name):
    r = 20.0
    steps = np.arange(-30, 31, dtype=float)
    u, v = np.broadcast_arrays(steps[None, None, :], steps[None, :, None])
    inside = SHAPES[name](u, v, np.full((1, 1, 1), r)) < 0
    reach = np.hypot(u, v)[inside].max()
    assert 0.8 * r < reach < 1.1 * r


def test_every_photograph_is_inside_an_installed_wheel():
    for index, photograph in enumerate(PHOTOGRAPHS):
        assert photograph_path(photograph).is_file()
        image = load_photograph(index)
        assert image.dtype == np.uint8
        assert min(image.shape[:2]) == SIDE
        assert image.shape[2] == 3
        assert image.std() > 15


def test_a_photograph_that_is_missing_says_what_to_install():
    gone = Photograph("a unicorn", "skimage", "data/unicorn.png")
    with pytest.raises(PhotographMissing, match="pip install --force-reinstall scikit-image"):
        photograph_path(gone)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num": -1}, "num must be 0 or more. Got -1"),
        ({"num": 1, "seed": -2}, "seed must be 0 or more. Got -2"),
        ({"num": 1, "split": "all"}, "split must be one of train, val, test. Got 'all'"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        sample_scenes(**arguments)

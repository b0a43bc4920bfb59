"""Captions of scenes are true, short, and made of the vocabulary and a few rare words."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from cs231n_utils.data.photographs import PHOTOGRAPHS
from cs231n_utils.data.scene_sentences import describe_scenes
from cs231n_utils.data.scene_words import MAX_WORDS, PLURALS, RARE_WORDS, VOCABULARY
from cs231n_utils.data.scenes import (
    COLOUR_NAMES,
    FIRST_FADING,
    FIRST_PHOTOGRAPH,
    GROUND_NAMES,
    SHAPE_NAMES,
    TEXTURE_NAMES,
    sample_scenes,
)

EACH = 5
# What a word of a caption means.
MEANING = {rare: name for name, others in RARE_WORDS.items() for rare in others}
MEANING |= {"big": "large", "little": "small", "spotted": "dotted"}
MEANING |= {plural: name for name, plural in PLURALS.items()}
SIDES = {
    "left": lambda dx, dy: dx < -6,
    "right": lambda dx, dy: dx > 6,
    "above": lambda dx, dy: dy < -6,
    "over": lambda dx, dy: dy < -6,
    "below": lambda dx, dy: dy > 6,
    "under": lambda dx, dy: dy > 6,
}


@pytest.fixture(scope="module")
def scenes():
    return sample_scenes(3000, seed=11, split="test")


@pytest.fixture(scope="module")
def captions(scenes):
    return describe_scenes(scenes, seed=11, captions_each=EACH)


@pytest.fixture(scope="module")
def described(scenes, captions):
    """(scene number, words about the objects in plain meaning, is the background named)."""
    return [
        (i // EACH, *without_ground(caption, i // EACH, scenes))
        for i, caption in enumerate(captions)
    ]


def without_ground(words, scene, scenes):
    """Drop the words that name the background: it may have a colour, or be "the stars"."""
    phrase, found = ground_phrase(scene, scenes), False
    for start in range(len(words) - len(phrase) + 1):
        if words[start : start + len(phrase)] == phrase:
            words, found = words[:start] + words[start + len(phrase) :], True
    return [MEANING.get(word, word) for word in words], found


def ground_phrase(scene, scenes):
    background = scenes.background[scene]
    if background >= FIRST_PHOTOGRAPH:
        return PHOTOGRAPHS[background - FIRST_PHOTOGRAPH].words.split()
    fading = ["fading"] if background >= FIRST_FADING else []
    return [*fading, GROUND_NAMES[background % FIRST_FADING], "background"]


def test_the_same_seed_gives_the_same_captions_in_another_process(captions):
    """Python shuffles sets of words anew in every process: captions must not depend on that."""
    code = (
        "from cs231n_utils.data.scenes import sample_scenes\n"
        "from cs231n_utils.data.scene_sentences import describe_scenes\n"
        "from cs231n_utils.data.scene_words import VOCABULARY\n"
        "scenes = sample_scenes(300, seed=11, split='test')\n"
        "print(*VOCABULARY)\n"
        "for words in describe_scenes(scenes, seed=11): print(*words)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "12345", "PYTHONPATH": ":".join(sys.path)},
    )
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == list(VOCABULARY)
    assert lines[1:] == captions[: 300 * EACH]


def test_another_seed_speaks_otherwise(scenes, captions):
    other = describe_scenes(scenes.take(slice(50)), seed=12)
    assert other != captions[: 50 * EACH]


def test_every_scene_has_five_captions_of_two_to_fifteen_words(captions):
    assert len(captions) == 3000 * EACH
    assert {len(caption) for caption in captions} == set(range(2, MAX_WORDS + 1))


def test_captions_use_all_of_the_vocabulary_and_besides_it_rare_words_only(captions):
    used = {word for caption in captions for word in caption}
    rare = {word for others in RARE_WORDS.values() for word in others}
    assert used - rare == set(VOCABULARY)
    assert used & rare == rare
    assert not rare & set(VOCABULARY)
    assert 60 <= len(VOCABULARY) <= 100


def test_rare_words_are_rare(captions):
    rare = {word for others in RARE_WORDS.values() for word in others}
    words = [word for caption in captions for word in caption]
    assert 0.002 < np.mean([word in rare for word in words]) < 0.02


def test_captions_vary(captions):
    different = np.mean(
        [len(set(map(tuple, captions[i : i + EACH]))) for i in range(0, 5000, EACH)]
    )
    assert different > 4


def test_a_colour_before_a_shape_is_the_colour_of_such_a_shape(scenes, described):
    seen = 0
    for scene, words, _ in described:
        things = things_of(scenes, scene)
        for first, second in pairwise(words):
            if first in COLOUR_NAMES and second in SHAPE_NAMES:
                assert any(t["colour"] == first and t["shape"] == second for t in things), words
                seen += 1
    assert seen > 10_000


def test_every_shape_colour_texture_and_size_that_is_named_is_in_the_picture(scenes, described):
    for scene, words, _ in described:
        things = things_of(scenes, scene)
        there = {value for thing in things for value in thing.values()}
        named = {*SHAPE_NAMES, *COLOUR_NAMES, *TEXTURE_NAMES, "small", "large"} & set(words)
        assert named <= there, (words, things)


def test_the_background_that_is_named_is_the_true_one(described):
    nouns = {"background"} | {photo.words.split()[-1] for photo in PHOTOGRAPHS} - {"stars"}
    seen = 0
    for _, words, found in described:
        assert not nouns & set(words), words
        seen += found
    assert seen > 6000


def test_numbers_are_true(scenes, described):
    for scene, words, _ in described:
        count = scenes.count[scene]
        if words[0] == "two" or words[:3] == ["there", "are", "two"]:
            assert count == 2, words
        if "three" in words:
            assert count == 3, words
        if words[:2] == ["there", "is"]:
            assert count == 1, words


def test_a_side_that_is_named_is_the_true_one(scenes, described):
    """In "A left of B", some A lies left of some B; both are known by colour and shape."""
    seen = 0
    for scene, words, _ in described:
        pairs = [
            (place, words[place], words[place + 1])
            for place in range(len(words) - 1)
            if words[place] in COLOUR_NAMES and words[place + 1] in SHAPE_NAMES
        ]
        if len(pairs) < 2:
            continue
        (start, *first), (end, *_), *_ = pairs
        sides = set(SIDES) & set(words[start + 2 : end])
        for _, *other in pairs[1:]:
            for side in sides:
                assert any(
                    SIDES[side](a["x"] - b["x"], a["y"] - b["y"])
                    for a in find(scenes, scene, *first)
                    for b in find(scenes, scene, *other)
                ), (words, side)
                seen += 1
    assert seen > 2000


def test_a_place_that_is_named_is_the_true_one(scenes, described):
    checks = {
        "top": lambda x, y: y < 28,
        "bottom": lambda x, y: y > 36,
        "middle": lambda x, y: abs(x - 32) < 8 and abs(y - 32) < 8,
    }
    seen = 0
    for scene, words, _ in described:
        for word in checks.keys() & set(words):
            assert scenes.count[scene] == 1
            assert checks[word](scenes.x[scene, 0], scenes.y[scene, 0]), words
            seen += 1
        if "corner" in words or "side" in words:
            left = "left" in words
            assert left == (scenes.x[scene, 0] < 32), words
    assert seen > 500


def test_articles_fit_the_next_word(captions):
    for caption in captions:
        for article, word in pairwise(caption):
            if article in ("a", "an"):
                assert (article == "an") == (word[0] in "aeiou"), caption


def things_of(scenes, i):
    return [
        {
            "shape": SHAPE_NAMES[scenes.shape[i, k]],
            "colour": COLOUR_NAMES[scenes.colour[i, k]],
            "texture": TEXTURE_NAMES[scenes.texture[i, k]],
            "size": ("small", "large")[scenes.size[i, k]],
        }
        for k in range(scenes.count[i])
    ]


def find(scenes, i, colour, shape):
    return [
        {"x": scenes.x[i, k], "y": scenes.y[i, k]}
        for k, thing in enumerate(things_of(scenes, i))
        if thing["colour"] == colour and thing["shape"] == shape
    ]

"""Write captions that are true of a scene.

Five speakers describe each scene. A speaker chooses what to mention (a size, a texture, where a
thing is, what is behind it) and in which kind of sentence.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cs231n_utils.data.scene_words import (
    MAX_WORDS,
    PLURALS,
    SIDEWAYS,
    Dice,
    SceneFacts,
    a_thing,
    behind,
    ground,
    position,
    relation,
    thing,
    with_article,
    word,
)
from cs231n_utils.data.scenes import Scenes

_DRAWS = 64  # random numbers at a speaker's disposal: more than the longest sentence uses


def describe_scenes(
    scenes: Scenes, *, seed: int | Sequence[int] = 0, captions_each: int = 5
) -> list[list[str]]:
    """Return `captions_each` captions for each of N scenes, N * captions_each lists of words.

    The captions of scene i come at i * captions_each and after. They depend on the seed (a number,
    or several) and on the scene's place i.
    """
    captions = []
    block = 1024
    numbers: list[list[float]] = []
    facts = [getattr(scenes, name).tolist() for name in _FACTS]
    for i, row in enumerate(zip(*facts, strict=True)):
        if i % block == 0:
            rng = np.random.default_rng([*np.atleast_1d(seed), i // block])
            numbers = rng.random((block * captions_each, _DRAWS), dtype=np.float32).tolist()
        scene = SceneFacts(*row)
        first = i % block * captions_each
        captions += [
            speak(scene, Dice(numbers[first + speaker])) for speaker in range(captions_each)
        ]
    return captions


_FACTS = ("count", "shape", "colour", "size", "texture", "x", "y", "background")


def speak(scene: SceneFacts, dice: Dice) -> list[str]:
    """Return one caption of at most MAX_WORDS words."""
    sentence = dice.one_of(_SENTENCES[scene.count])
    words = sentence(scene, dice)
    if words is None:  # this sentence cannot be said of this scene
        sentence = dice.one_of(_SENTENCES[scene.count][:2])
        words = sentence(scene, dice)
    if sentence not in _SAY_WHAT_IS_BEHIND and dice.often(0.6):
        rest = behind(scene, dice)
        if len(words) + len(rest) <= MAX_WORDS:
            words = words + rest
    return words


# Sentences: what is true of a scene, and a speaker's choices -> words, or None when the sentence
# does not fit the scene.


def _it_is_there(scene: SceneFacts, dice: Dice) -> list[str]:
    return ["there", "is", *a_thing(scene, 0, dice)]


def _just_it(scene: SceneFacts, dice: Dice) -> list[str]:
    return a_thing(scene, 0, dice)


def _it_in_its_place(scene: SceneFacts, dice: Dice) -> list[str] | None:
    where = position(scene, 0)
    return where and a_thing(scene, 0, dice) + where


def _it_is_so(scene: SceneFacts, dice: Dice) -> list[str]:
    quality = [word(scene.colour[0], dice)]
    if scene.texture[0] != "plain":
        quality = [word(scene.texture[0], dice), "and", *quality]
    return ["the", word(scene.shape[0], dice), *behind(scene, dice), "is", *quality]


def _ground_behind_it(scene: SceneFacts, dice: Dice) -> list[str]:
    return [*ground(scene), "behind", *a_thing(scene, 0, dice)]


def _ground_with_it(scene: SceneFacts, dice: Dice) -> list[str]:
    return [*ground(scene), "with", *a_thing(scene, 0, dice), "on", "it"]


def _two_things(scene: SceneFacts, dice: Dice) -> list[str]:
    order = (0, 1) if dice.often(0.7) else (1, 0)
    first, second = (a_thing(scene, i, dice, long=dice.often(0.6)) for i in order)
    return [*first, "and", *second]


def _two_are_there(scene: SceneFacts, dice: Dice) -> list[str]:
    if scene.shape[0] == scene.shape[1]:
        colour = [word(scene.colour[0], dice)] if scene.colour[0] == scene.colour[1] else []
        named = [*colour, PLURALS[scene.shape[0]]]
    elif scene.colour[0] == scene.colour[1]:
        named = [word(scene.colour[0], dice), "shapes"]
    else:
        return _two_things(scene, dice)
    return (["there", "are"] if dice.often(0.5) else []) + ["two", *named]


def _related(scene: SceneFacts, dice: Dice) -> list[str] | None:
    i, j = (0, 1) if dice.often(0.7) else (1, 0)
    related = relation(scene, i, j, dice)
    if related is None:
        return None
    return a_thing(scene, i, dice) + related + a_thing(scene, j, dice, long=dice.often(0.4))


def _is_related(scene: SceneFacts, dice: Dice) -> list[str] | None:
    i, j = (0, 1) if dice.often(0.7) else (1, 0)
    related = relation(scene, i, j, dice)
    if related is None:
        return None
    first, second = (thing(scene, k, dice, long=False) for k in (i, j))
    return ["the", *first, "is", *related, "the", *second]


def _one_this_one_that(scene: SceneFacts, dice: Dice) -> list[str] | None:
    if scene.shape[0] != scene.shape[1] or scene.colour[0] == scene.colour[1]:
        return None
    first, second = (word(scene.colour[i], dice) for i in (0, 1))
    return [*with_article([first]), "and", *with_article([second]), scene.shape[0]]


def _ground_behind_two(scene: SceneFacts, dice: Dice) -> list[str]:
    first, second = (a_thing(scene, i, dice, long=False) for i in (0, 1))
    return [*ground(scene), "behind", *first, "and", *second]


def _three_things(scene: SceneFacts, dice: Dice) -> list[str]:
    first, second, third = (a_thing(scene, i, dice, long=False) for i in range(3))
    return [*first, *second, "and", *third]


def _three_are_there(scene: SceneFacts, dice: Dice) -> list[str]:
    start = ["there", "are"] if dice.often(0.5) else []
    if len(set(scene.shape)) == 1:
        return [*start, "three", PLURALS[scene.shape[0]]]
    if len(set(scene.colour)) == 1:
        return [*start, "three", scene.colour[0], "shapes"]
    alike = _most_common(scene.colour)
    if alike and dice.often(0.5):
        return ["three", "shapes", "and", "two", "of", "them", "are", word(alike, dice)]
    # The one that stands further aside.
    aside = scene.x[1] - scene.x[0] > scene.x[2] - scene.x[1]
    which, where = (0, "left") if aside else (2, "right")
    return ["three", "shapes", "with", *a_thing(scene, which, dice), "on", "the", where]


def _most_common(names: list[str]) -> str | None:
    """Return the name that two of three share."""
    return next((name for name in set(names) if names.count(name) == 2), None)


def _between(scene: SceneFacts, dice: Dice) -> list[str] | None:
    # Between the other two on the line that joins them, give or take a few pixels.
    share = (scene.x[1] - scene.x[0]) / (scene.x[2] - scene.x[0])
    height = scene.y[0] + share * (scene.y[2] - scene.y[0])
    if abs(scene.y[1] - height) > 9 or not 0.25 < share < 0.75:
        return None
    middle = a_thing(scene, 1, dice, long=False)
    left, right = (a_thing(scene, i, dice, long=False) for i in (0, 2))
    return [*middle, "between", *left, "and", *right]


def _related_to_two(scene: SceneFacts, dice: Dice) -> list[str] | None:
    i = dice.one_of((0, 1, 2))
    j, k = (other for other in (0, 1, 2) if other != i)
    relations = (
        ("left of", all(scene.x[i] < scene.x[o] - SIDEWAYS for o in (j, k))),
        ("right of", all(scene.x[i] > scene.x[o] + SIDEWAYS for o in (j, k))),
        ("above", all(scene.y[i] < scene.y[o] - SIDEWAYS for o in (j, k))),
        ("below", all(scene.y[i] > scene.y[o] + SIDEWAYS for o in (j, k))),
    )
    true = [name for name, holds in relations if holds]
    if not true:
        return None
    related = dice.one_of(true).split()
    first, second, third = (a_thing(scene, o, dice, long=False) for o in (i, j, k))
    return [*first, *related, *second, "and", *third]


# The first two of each can be said of every scene. A sentence listed twice is said more often.
_SENTENCES = {
    1: [
        *(_just_it, _it_is_there, _it_in_its_place, _it_in_its_place),
        *(_it_is_so, _ground_behind_it, _ground_with_it),
    ],
    2: [
        *(_two_things, _two_are_there, _related, _related, _related),
        *(_is_related, _one_this_one_that, _ground_behind_two),
    ],
    3: [_three_things, _three_are_there, _between, _related_to_two, _related_to_two],
}
_SAY_WHAT_IS_BEHIND = (_it_is_so, _ground_behind_it, _ground_with_it, _ground_behind_two)

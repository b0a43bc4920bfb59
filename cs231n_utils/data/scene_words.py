"""Write captions that are true of a scene.

Five speakers describe each scene. A speaker chooses what to mention (a size, a texture, where a thing is,
what is behind it) and in which kind of sentence, and now and then prefers a rare word: "crimson" for red.
Rare words are not in the vocabulary and become <UNK>, as the rare words of COCO's captions do.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cs231n_utils.data.photographs import PHOTOGRAPHS
from cs231n_utils.data.scenes import (
    COLOUR_NAMES,
    FIRST_FADING,
    FIRST_PHOTOGRAPH,
    GROUND_NAMES,
    IMAGE_SIZE,
    SHAPE_NAMES,
    SIZE_NAMES,
    TEXTURE_NAMES,
    Scenes,
)

MAX_WORDS = 15  # a row of captions is START, 15 words at most, END: 17 places, as COCO's
RARE = 0.03  # how often a speaker prefers a rare word where there is one
RARE_WORDS = {
    "red": ("crimson", "scarlet"),
    "yellow": ("golden",),
    "green": ("emerald",),
    "blue": ("azure", "cobalt"),
    "purple": ("violet",),
    "pink": ("rosy",),
    "black": ("inky",),
    "large": ("huge", "enormous"),
    "small": ("tiny",),
    "circle": ("disc",),
    "ring": ("hoop",),
    "crescent": ("sickle",),
}
PLURALS = {name: "crosses" if name == "cross" else name + "s" for name in SHAPE_NAMES}
SIDEWAYS = 10.0  # pixels: smaller steps are not called left, right, above or below
_DRAWS = 64  # random numbers at a speaker's disposal: more than the longest sentence uses

# What a caption may say, apart from rare words. Sorted, so that a word's number never depends on chance.
VOCABULARY = tuple(
    sorted(
        {*COLOUR_NAMES, *GROUND_NAMES, *SHAPE_NAMES, *PLURALS.values(), *SIZE_NAMES}
        | {*TEXTURE_NAMES, "big", "little", "spotted"} - {"plain"}
        | {word for photograph in PHOTOGRAPHS for word in photograph.words.split()}
        | set("a an and the two three there is are it with shapes of them".split())
        | set("left right to above below next beside between under over".split())
        | set("on in front behind background fading photograph picture".split())
        | set("at top bottom middle corner side".split())
    )
)


class Dice:
    """A speaker's random choices, taken from numbers drawn beforehand (drawing one by one is slow)."""

    def __init__(self, numbers: list[float]):
        self._numbers = iter(numbers)

    def often(self, share: float) -> bool:
        """Return True in `share` of the cases."""
        return next(self._numbers) < share

    def one_of(self, choices):
        """Return one of `choices`, each as likely as the others."""
        return choices[int(next(self._numbers) * len(choices))]


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
        scene = _Scene(*row)
        first = i % block * captions_each
        captions += [
            speak(scene, Dice(numbers[first + speaker])) for speaker in range(captions_each)
        ]
    return captions


_FACTS = ("count", "shape", "colour", "size", "texture", "x", "y", "background")


class _Scene:
    """What is true of one scene, in words."""

    def __init__(self, count, shape, colour, size, texture, x, y, background):
        self.count = count
        self.shape = [SHAPE_NAMES[k] for k in shape[:count]]
        self.colour = [COLOUR_NAMES[k] for k in colour[:count]]
        self.size = [SIZE_NAMES[k] for k in size[:count]]
        self.texture = [TEXTURE_NAMES[k] for k in texture[:count]]
        self.x, self.y = x[:count], y[:count]
        self.background = background


def speak(scene: _Scene, dice: Dice) -> list[str]:
    """Return one caption of at most MAX_WORDS words."""
    sentence = dice.one_of(_SENTENCES[scene.count])
    words = sentence(scene, dice)
    if words is None:  # this sentence cannot be said of this scene
        sentence = dice.one_of(_SENTENCES[scene.count][:2])
        words = sentence(scene, dice)
    if sentence not in _SAY_WHAT_IS_BEHIND and dice.often(0.6):
        behind = _behind(scene, dice)
        if len(words) + len(behind) <= MAX_WORDS:
            words = words + behind
    return words


def _word(name: str, dice: Dice) -> str:
    rare = RARE_WORDS.get(name)
    if rare and dice.often(RARE):
        return dice.one_of(rare)
    if name == "large" and dice.often(0.3):
        return "big"
    if name == "small" and dice.often(0.3):
        return "little"
    if name == "dotted" and dice.often(0.4):
        return "spotted"
    return name


def _with_article(words: list[str]) -> list[str]:
    return ["an" if words[0][0] in "aeiou" else "a", *words]


def _thing(scene: _Scene, i: int, dice: Dice, long: bool = True) -> list[str]:
    """Return object i without an article: a colour and a shape, at times its size and texture."""
    words = [_word(scene.colour[i], dice), _word(scene.shape[i], dice)]
    if long and scene.texture[i] != "plain" and dice.often(0.6):
        words.insert(0, _word(scene.texture[i], dice))
    if long and dice.often(0.45):
        words.insert(0, _word(scene.size[i], dice))
    return words


def _a_thing(scene: _Scene, i: int, dice: Dice, long: bool = True) -> list[str]:
    return _with_article(_thing(scene, i, dice, long))


def _ground(scene: _Scene) -> list[str]:
    """Return the background with its article."""
    if scene.background >= FIRST_PHOTOGRAPH:
        return PHOTOGRAPHS[scene.background - FIRST_PHOTOGRAPH].words.split()
    words = [GROUND_NAMES[scene.background % FIRST_FADING], "background"]
    if scene.background >= FIRST_FADING:
        words.insert(0, "fading")
    return _with_article(words)


def _behind(scene: _Scene, dice: Dice) -> list[str]:
    """Return where the objects lie: "on a grey background", "in front of a cat"."""
    if scene.background < FIRST_PHOTOGRAPH:
        return ["on", *_ground(scene)]
    openings = ("in front of", "on a photograph of", "on a picture of", "over")
    return dice.one_of(openings).split() + _ground(scene)


def _relation(scene: _Scene, i: int, j: int, dice: Dice) -> list[str] | None:
    """Return how object i lies towards object j, or None when no word is clearly true."""
    across, down = scene.x[i] - scene.x[j], scene.y[i] - scene.y[j]
    if max(abs(across), abs(down)) < SIDEWAYS:
        return None
    if abs(across) > 1.3 * abs(down):
        if dice.often(0.15):
            return dice.one_of(("beside", "next to")).split()
        side = "left" if across < 0 else "right"
        return dice.one_of((f"to the {side} of", f"{side} of")).split()
    if abs(down) > 1.3 * abs(across):
        return dice.one_of(("above", "over") if down < 0 else ("below", "under")).split()
    return ["next", "to"] if abs(across) > SIDEWAYS else None


def _position(scene: _Scene, i: int) -> list[str] | None:
    """Return where object i is in the picture, or None when it is nowhere special."""
    middle = IMAGE_SIZE / 2
    across, down = scene.x[i] - middle, scene.y[i] - middle
    if abs(across) < 7 and abs(down) < 7:
        return "in the middle".split()
    near, far = 5, 10
    vertical = "top" if down < 0 else "bottom"
    side = "left" if across < 0 else "right"
    if abs(across) > far and abs(down) > far:
        return f"in the {vertical} {side} corner".split()
    if abs(down) > far and abs(across) < near:
        return f"at the {vertical}".split()
    if abs(across) > far and abs(down) < near:
        return f"on the {side} side".split()
    return None


# Sentences: (scene, dice) -> words, or None when the sentence does not fit the scene.


def _it_is_there(scene, dice):
    return ["there", "is", *_a_thing(scene, 0, dice)]


def _just_it(scene, dice):
    return _a_thing(scene, 0, dice)


def _it_in_its_place(scene, dice):
    position = _position(scene, 0)
    return position and _a_thing(scene, 0, dice) + position


def _it_is_so(scene, dice):
    quality = [_word(scene.colour[0], dice)]
    if scene.texture[0] != "plain":
        quality = [_word(scene.texture[0], dice), "and", *quality]
    return ["the", _word(scene.shape[0], dice), *_behind(scene, dice), "is", *quality]


def _ground_behind_it(scene, dice):
    return [*_ground(scene), "behind", *_a_thing(scene, 0, dice)]


def _ground_with_it(scene, dice):
    return [*_ground(scene), "with", *_a_thing(scene, 0, dice), "on", "it"]


def _two_things(scene, dice):
    order = (0, 1) if dice.often(0.7) else (1, 0)
    first, second = (_a_thing(scene, i, dice, long=dice.often(0.6)) for i in order)
    return [*first, "and", *second]


def _two_are_there(scene, dice):
    if scene.shape[0] == scene.shape[1]:
        colour = [_word(scene.colour[0], dice)] if scene.colour[0] == scene.colour[1] else []
        named = [*colour, PLURALS[scene.shape[0]]]
    elif scene.colour[0] == scene.colour[1]:
        named = [_word(scene.colour[0], dice), "shapes"]
    else:
        return _two_things(scene, dice)
    return (["there", "are"] if dice.often(0.5) else []) + ["two", *named]


def _related(scene, dice):
    i, j = (0, 1) if dice.often(0.7) else (1, 0)
    relation = _relation(scene, i, j, dice)
    if relation is None:
        return None
    return _a_thing(scene, i, dice) + relation + _a_thing(scene, j, dice, long=dice.often(0.4))


def _is_related(scene, dice):
    i, j = (0, 1) if dice.often(0.7) else (1, 0)
    relation = _relation(scene, i, j, dice)
    if relation is None:
        return None
    first, second = (_thing(scene, k, dice, long=False) for k in (i, j))
    return ["the", *first, "is", *relation, "the", *second]


def _one_this_one_that(scene, dice):
    if scene.shape[0] != scene.shape[1] or scene.colour[0] == scene.colour[1]:
        return None
    first, second = (_word(scene.colour[i], dice) for i in (0, 1))
    return _with_article([first]) + ["and", *_with_article([second]), scene.shape[0]]


def _ground_behind_two(scene, dice):
    first, second = (_a_thing(scene, i, dice, long=False) for i in (0, 1))
    return [*_ground(scene), "behind", *first, "and", *second]


def _three_things(scene, dice):
    first, second, third = (_a_thing(scene, i, dice, long=False) for i in range(3))
    return [*first, *second, "and", *third]


def _three_are_there(scene, dice):
    start = ["there", "are"] if dice.often(0.5) else []
    if len(set(scene.shape)) == 1:
        return [*start, "three", PLURALS[scene.shape[0]]]
    if len(set(scene.colour)) == 1:
        return [*start, "three", scene.colour[0], "shapes"]
    alike = _most_common(scene.colour)
    if alike and dice.often(0.5):
        return ["three", "shapes", "and", "two", "of", "them", "are", _word(alike, dice)]
    which, where = dice.one_of(((0, "left"), (2, "right")))
    return ["three", "shapes", "with", *_a_thing(scene, which, dice), "on", "the", where]


def _most_common(names):
    return next((name for name in set(names) if names.count(name) == 2), None)


def _between(scene, dice):
    # Between the other two on the line that joins them, give or take a few pixels.
    share = (scene.x[1] - scene.x[0]) / (scene.x[2] - scene.x[0])
    height = scene.y[0] + share * (scene.y[2] - scene.y[0])
    if abs(scene.y[1] - height) > 9 or not 0.25 < share < 0.75:
        return None
    middle = _a_thing(scene, 1, dice, long=False)
    left, right = (_a_thing(scene, i, dice, long=False) for i in (0, 2))
    return [*middle, "between", *left, "and", *right]


def _related_to_two(scene, dice):
    i = dice.one_of((0, 1, 2))
    j, k = (other for other in (0, 1, 2) if other != i)
    words = (
        ("left of", all(scene.x[i] < scene.x[o] - SIDEWAYS for o in (j, k))),
        ("right of", all(scene.x[i] > scene.x[o] + SIDEWAYS for o in (j, k))),
        ("above", all(scene.y[i] < scene.y[o] - SIDEWAYS for o in (j, k))),
        ("below", all(scene.y[i] > scene.y[o] + SIDEWAYS for o in (j, k))),
    )
    true = [word for word, holds in words if holds]
    if not true:
        return None
    relation = dice.one_of(true).split()
    first, second, third = (_a_thing(scene, o, dice, long=False) for o in (i, j, k))
    return [*first, *relation, *second, "and", *third]


# The first two of each can be said of every scene.
_SENTENCES = {
    1: (_just_it, _it_is_there, _it_in_its_place, _it_in_its_place, _it_is_so)
    + (_ground_behind_it, _ground_with_it),
    2: (_two_things, _two_are_there, _related, _related, _related, _is_related)
    + (_one_this_one_that, _ground_behind_two),
    3: (_three_things, _three_are_there, _between, _related_to_two, _related_to_two),
}
_SAY_WHAT_IS_BEHIND = (_it_is_so, _ground_behind_it, _ground_with_it, _ground_behind_two)

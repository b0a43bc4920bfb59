"""The words and phrases of captions: what may be said of one object, or of two.

scene_sentences.py makes sentences of them. Now and then a rare word is preferred: "crimson" for
red. Rare words are not in the vocabulary and become <UNK>, as the rare words of COCO's captions do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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

# What a caption may say, apart from rare words. Sorted: a word's number never depends on chance.
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
    """A speaker's random choices, from numbers drawn beforehand: drawing one by one is slow."""

    def __init__(self, numbers: list[float]):
        self._numbers = iter(numbers)

    def often(self, share: float) -> bool:
        """Return True in `share` of the cases."""
        return next(self._numbers) < share

    def one_of(self, choices: Sequence[Any]) -> Any:
        """Return one of `choices`, each as likely as the others."""
        return choices[int(next(self._numbers) * len(choices))]


class SceneFacts:
    """What is true of one scene, in words. Made from one row of each of Scenes' arrays."""

    def __init__(
        self,
        count: int,
        shape: list[int],
        colour: list[int],
        size: list[int],
        texture: list[int],
        x: list[float],
        y: list[float],
        background: int,
    ):
        self.count = count
        self.shape = [SHAPE_NAMES[k] for k in shape[:count]]
        self.colour = [COLOUR_NAMES[k] for k in colour[:count]]
        self.size = [SIZE_NAMES[k] for k in size[:count]]
        self.texture = [TEXTURE_NAMES[k] for k in texture[:count]]
        self.x, self.y = x[:count], y[:count]
        self.background = background


def word(name: str, dice: Dice) -> str:
    """Return a word for a quality or shape: its name, another common word, or a rare one."""
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


def with_article(words: list[str]) -> list[str]:
    """Put "a" or "an" before words."""
    return ["an" if words[0][0] in "aeiou" else "a", *words]


def thing(scene: SceneFacts, i: int, dice: Dice, long: bool = True) -> list[str]:
    """Return object i without an article: a colour and a shape, at times its size and texture."""
    words = [word(scene.colour[i], dice), word(scene.shape[i], dice)]
    if long and scene.texture[i] != "plain" and dice.often(0.6):
        words.insert(0, word(scene.texture[i], dice))
    if long and dice.often(0.45):
        words.insert(0, word(scene.size[i], dice))
    return words


def a_thing(scene: SceneFacts, i: int, dice: Dice, long: bool = True) -> list[str]:
    """Return object i with its article."""
    return with_article(thing(scene, i, dice, long))


def ground(scene: SceneFacts) -> list[str]:
    """Return the background with its article."""
    if scene.background >= FIRST_PHOTOGRAPH:
        return PHOTOGRAPHS[scene.background - FIRST_PHOTOGRAPH].words.split()
    words = [GROUND_NAMES[scene.background % FIRST_FADING], "background"]
    if scene.background >= FIRST_FADING:
        words.insert(0, "fading")
    return with_article(words)


def behind(scene: SceneFacts, dice: Dice) -> list[str]:
    """Return where the objects lie: "on a grey background", "in front of a cat"."""
    if scene.background < FIRST_PHOTOGRAPH:
        return ["on", *ground(scene)]
    openings = ("in front of", "on a photograph of", "on a picture of", "over")
    return dice.one_of(openings).split() + ground(scene)


def relation(scene: SceneFacts, i: int, j: int, dice: Dice) -> list[str] | None:
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


def position(scene: SceneFacts, i: int) -> list[str] | None:
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

"""Submissions whose code is alike: a hint to look, never a verdict.

Names, layout, comments and texts do not count: Pygments splits the answers into tokens, and
scikit-learn weighs runs of five of them, each the less the more of the class has it. What the
exercise itself asks for is in most answers, and so weighs little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Name, Number, String, Token
from pygments.token import Text as Space

RUN = 5
FEWEST_STUDENTS = 5
RARE = 0.1
"""Of the class: runs that at most this share has (or two students) are rare."""
FEWEST_RARE = 25
"""Rare runs that two students share: some six lines. Fewer come together by chance."""
ALIKE = 0.5
MOST_PAIRS = 12


@dataclass(frozen=True)
class Pair:
    """Two students whose answers share what few others have.

    `share` is in [0, 1]: of all that the two wrote and half of the class did not, as a cosine.
    `rare` counts the runs of tokens that they share and hardly anybody else has.
    """

    first: str
    second: str
    share: float
    rare: int


def alike_pairs(answers: Mapping[str, Mapping[str, str]], given: Mapping[str, str]) -> list[Pair]:
    """Return the pairs to look at, the most alike first.

    `answers` holds each student's cells, `given` the cells as they were handed out: an answer that
    was left as it was does not count.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    streams = {student: token_stream(cells, given) for student, cells in answers.items()}
    streams = {student: text for student, text in streams.items() if text}
    if len(streams) < FEWEST_STUDENTS:
        return []
    counter = CountVectorizer(
        analyzer=lambda tokens: [" ".join(tokens[i : i + RUN]) for i in range(len(tokens) - RUN)],
        binary=True,
        dtype=np.float64,
    )
    try:
        runs = counter.fit_transform(streams.values())
    except ValueError:  # no run at all
        return []
    having = np.asarray(runs.sum(axis=0)).ravel()
    # What half of the class has says nothing about two of it.
    weight = np.where(having > len(streams) / 2, 0.0, np.log(len(streams) / having))
    weighed = runs.multiply(np.sqrt(weight)).tocsr()
    common = (weighed @ weighed.T).toarray()
    sizes = np.sqrt(np.maximum(np.diag(common), 1e-12))
    share = common / np.outer(sizes, sizes)
    few = runs[:, having <= max(2, RARE * len(streams))]
    rare = (few @ few.T).toarray().astype(int)
    students = list(streams)
    pairs = [
        Pair(students[i], students[j], float(share[i, j]), int(rare[i, j]))
        for i, j in np.argwhere(np.triu(rare >= FEWEST_RARE, k=1))
        if share[i, j] >= ALIKE
    ]
    return sorted(pairs, key=lambda pair: -pair.rare)[:MOST_PAIRS]


def token_stream(cells: Mapping[str, str], given: Mapping[str, str]) -> list[str]:
    """Return the normalised tokens of the answers that differ from what was handed out."""
    return [
        token
        for name, source in cells.items()
        if source.strip() != given.get(name, "").strip()
        for token in tokens(source)
    ]


def tokens(source: str) -> list[str]:
    """Return a program's tokens without names, numbers' values, texts, comments and layout.

    What follows a dot stays: `np.tanh` is what was done, not what it was called.
    """
    found: list[str] = []
    for kind, text in _lexer().get_tokens(source):
        if kind in Comment or kind in Space or kind in String.Doc or not text.strip():
            continue
        if kind in String:
            if found[-1:] != ["s"]:
                found.append("s")
        elif kind in Number:
            found.append("0")
        elif kind in Name and kind not in Name.Builtin and found[-1:] != ["."]:
            found.append("n")
        elif kind in Token:
            found.append(text)
    return found


@cache
def _lexer() -> Lexer:
    return get_lexer_by_name("python")

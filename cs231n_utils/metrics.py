"""BLEU: how much of a caption's wording is found in captions that people wrote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

Words = Sequence[str]


def corpus_bleu(
    hypotheses: Sequence[Words], references: Sequence[Sequence[Words]], max_n: int = 4
) -> float:
    """Compute BLEU over a whole corpus, without smoothing.

    For n = 1 to max_n, the precision p_n is the share of the hypotheses' n-grams that
    occur in one of the references of the same image; an n-gram counts at most as often as
    it occurs in the reference that has it most. BLEU is the geometric mean of the p_n,
    times exp(1 - r / c) if the hypotheses' total length c is below r, the total length of
    the references that are closest in length (the shorter of two equally close ones).

    Arguments:
        hypotheses: one caption for each image, as a list of words.
        references: for each image, one or more captions as lists of words.
        max_n: the longest n-gram; 4 gives BLEU-4.

    Returns:
        A number between 0 and 1. It is 0 when for some n no n-gram matches.

    Raises:
        ValueError: when the two lists differ in length, are empty, when an image has no
            reference, or when max_n is below 1.
        TypeError: when a caption is a string and not a list of words.

    Source: Papineni, Roukos, Ward, Zhu, "BLEU: a method for automatic evaluation of
    machine translation", ACL 2002.
    """
    if len(hypotheses) != len(references):
        raise ValueError(
            "hypotheses and references must have one entry for each image. "
            f"Got {len(hypotheses)} and {len(references)}"
        )
    if len(hypotheses) == 0:
        raise ValueError("there must be at least one hypothesis. Got none")
    if max_n < 1:
        raise ValueError(f"max_n must be at least 1. Got {max_n}")

    matched = np.zeros(max_n)
    total = np.zeros(max_n)
    hypothesis_length = reference_length = 0
    for hypothesis, image_references in zip(hypotheses, references, strict=True):
        _check_captions(hypothesis, image_references)
        length = len(hypothesis)
        hypothesis_length += length
        reference_length += min(
            (len(reference) for reference in image_references),
            key=lambda candidate: (abs(candidate - length), candidate),
        )
        for n in range(1, max_n + 1):
            counts = _ngrams(hypothesis, n)
            allowed: Counter[tuple[str, ...]] = Counter()
            for reference in image_references:
                allowed |= _ngrams(reference, n)  # | keeps the larger of two counts
            matched[n - 1] += (counts & allowed).total()  # & keeps the smaller
            total[n - 1] += counts.total()

    if np.any(matched == 0):
        return 0.0
    precision = float(np.exp(np.mean(np.log(matched / total))))
    if hypothesis_length >= reference_length:
        return precision
    return precision * float(np.exp(1 - reference_length / hypothesis_length))


def _ngrams(words: Words, n: int) -> Counter[tuple[str, ...]]:
    """Count every run of n words."""
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def _check_captions(hypothesis: Words, references: Sequence[Words]) -> None:
    if len(references) == 0:
        raise ValueError("every image must have at least one reference. Got none")
    for caption in (hypothesis, *references):
        if isinstance(caption, str):
            raise TypeError(f"a caption must be a list of words. Got the string {caption!r}")

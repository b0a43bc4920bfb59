import math

import pytest

from cs231n_utils.metrics import corpus_bleu


def words(*captions):
    return [caption.split() for caption in captions]


def test_a_caption_that_is_its_reference_scores_one():
    assert corpus_bleu(words("a red ball rolls"), [words("a red ball rolls")]) == pytest.approx(1)


def test_repeating_one_word_is_clipped_as_in_the_paper():
    # Papineni et al., section 2.1: 2/7, because "the" occurs at most twice in one reference.
    hypothesis = words("the the the the the the the")
    references = [words("the cat is on the mat", "there is a cat on the mat")]
    assert corpus_bleu(hypothesis, references, max_n=1) == pytest.approx(2 / 7)


def test_four_precisions_by_hand():
    # 1-grams 5/6, 2-grams 4/5, 3-grams 3/4, 4-grams 2/3: product 1/3. Same length: no penalty.
    hypothesis = words("a red ball on a table")
    references = [words("a red ball on a mat")]
    assert corpus_bleu(hypothesis, references) == pytest.approx((1 / 3) ** 0.25)


def test_a_short_caption_pays_the_brevity_penalty():
    hypothesis = words("a red ball on")
    references = [words("a red ball on a mat")]
    assert corpus_bleu(hypothesis, references) == pytest.approx(math.exp(1 - 6 / 4))


def test_a_long_caption_pays_by_precision_only():
    hypothesis = words("a red ball on a mat")
    references = [words("a red ball on")]
    want = (4 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25
    assert corpus_bleu(hypothesis, references) == pytest.approx(want)


def test_the_reference_closest_in_length_counts_and_of_two_the_shorter():
    # Lengths 3 and 5 are equally close to 4; with 3 there is no penalty.
    hypothesis = words("a b c d")
    references = [words("a b c", "a b c d e")]
    assert corpus_bleu(hypothesis, references, max_n=1) == pytest.approx(1)
    references = [words("a b c d e", "a b c d e f")]
    assert corpus_bleu(hypothesis, references, max_n=1) == pytest.approx(math.exp(1 - 5 / 4))


def test_an_ngram_may_match_any_reference():
    hypothesis = words("a red ball")
    assert corpus_bleu(hypothesis, [words("a red hat", "the red ball")], max_n=2) == pytest.approx(
        1
    )


def test_counts_are_added_up_over_the_corpus_before_dividing():
    # 1-grams (1 + 1) / (1 + 3), not the mean of 1 and 1/3. Lengths 4 and 4.
    hypotheses = words("a", "a b c")
    references = [words("a"), words("a x y")]
    assert corpus_bleu(hypotheses, references, max_n=1) == pytest.approx(2 / 4)


def test_without_a_single_matching_ngram_the_score_is_zero():
    assert corpus_bleu(words("a b c d"), [words("d c b a")]) == 0
    assert corpus_bleu(words("a b c"), [words("a b c")]) == 0  # no 4-gram at all
    assert corpus_bleu(words(""), [words("a b c")]) == 0


def test_word_order_matters():
    references = [words("a red ball and a blue cube")]
    right = corpus_bleu(words("a red ball and a blue cube"), references)
    shuffled = corpus_bleu(words("a blue ball and a red cube"), references, max_n=2)
    assert right == pytest.approx(1)
    # 1-grams 7/7; 2-grams 4/6: not "blue ball", not "red cube".
    assert shuffled == pytest.approx((4 / 6) ** 0.5)


@pytest.mark.parametrize(
    ("hypotheses", "references", "max_n", "error", "message"),
    [
        (["a b"], [[["a", "b"]]], 4, TypeError, "list of words. Got the string 'a b'"),
        ([["a"]], [["a"]], 4, TypeError, "Got the string 'a'"),
        ([["a"]], [], 4, ValueError, "one entry for each image. Got 1 and 0"),
        ([], [], 4, ValueError, "at least one hypothesis"),
        ([["a"]], [[]], 4, ValueError, "at least one reference"),
        ([["a"]], [[["a"]]], 0, ValueError, "max_n must be at least 1. Got 0"),
    ],
)
def test_bad_input_is_named(hypotheses, references, max_n, error, message):
    with pytest.raises(error, match=message):
        corpus_bleu(hypotheses, references, max_n=max_n)

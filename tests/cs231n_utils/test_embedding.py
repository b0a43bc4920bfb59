import numpy as np
import pytest

from cs231n_utils.embedding import word_embedding_backward, word_embedding_forward
from cs231n_utils.gradient_check import numeric_gradient_array, rel_error

WORDS = np.array([[0, 2, 2], [3, 0, 2]])  # word 1 never occurs, word 2 three times


def test_each_word_becomes_its_row():
    W = np.arange(8.0).reshape(4, 2)
    out, _ = word_embedding_forward(WORDS, W)
    np.testing.assert_array_equal(out, [[[0, 1], [4, 5], [4, 5]], [[6, 7], [0, 1], [4, 5]]])


def test_the_gradient_is_the_numeric_gradient_and_repeated_words_count_each_time():
    rng = np.random.default_rng(0)
    W, dout = rng.normal(size=(4, 5)), rng.normal(size=(2, 3, 5))
    _, cache = word_embedding_forward(WORDS, W)
    dW = word_embedding_backward(dout, cache)
    numeric = numeric_gradient_array(lambda w: word_embedding_forward(WORDS, w)[0], W, dout)
    assert rel_error(dW, numeric) < 1e-8
    assert not dW[1].any()
    np.testing.assert_allclose(dW[2], dout[0, 1] + dout[0, 2] + dout[1, 2])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_of_the_vectors_is_kept(dtype):
    W = np.ones((4, 2), dtype)
    out, cache = word_embedding_forward(WORDS, W)
    assert out.dtype == dtype
    assert word_embedding_backward(out, cache).dtype == dtype


@pytest.mark.parametrize("word", [-1, 4])
def test_a_word_that_is_no_row_is_named(word):
    words = np.array([[0, word]])
    with pytest.raises(ValueError, match=rf"word ids must lie in \[0, 4\)\. Got .*{word}"):
        word_embedding_forward(words, np.ones((4, 2)))


def test_no_words_have_no_vectors():
    out, cache = word_embedding_forward(np.zeros((0, 3), int), np.ones((4, 2)))
    assert out.shape == (0, 3, 2)
    np.testing.assert_array_equal(word_embedding_backward(out, cache), np.zeros((4, 2)))

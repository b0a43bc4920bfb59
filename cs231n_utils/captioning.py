"""What every captioning model of this course shares: its parameters, and its words.

`CaptioningModel` draws the parameters. What it computes with them, `loss` and `sample`,
is yours to write in a notebook, and `method_of` puts each of the two into the class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np

Method = TypeVar("Method", bound=Callable[..., object])

# An LSTM computes four values for each hidden unit (three gates and a candidate).
_BLOCKS = {"rnn": 1, "lstm": 4}


class CaptioningModel:
    """Parameters of a recurrent network that writes a caption for an image.

    Attributes:
        params: the arrays that are learned, by name:
            W_proj (input_dim, H), b_proj (H,): image features to the first hidden state;
            W_embed (V, wordvec_dim): one vector for each word;
            Wx (wordvec_dim, k H), Wh (H, k H), b (k H,): the recurrent layer, k = 1 for
            "rnn" and 4 for "lstm";
            W_vocab (H, V), b_vocab (V,): hidden state to one score for each word.
        word_to_idx: the id of each word; idx_to_word is its inverse.
        cell_type: "rnn" or "lstm".
        dtype: the parameters' dtype.
    """

    def __init__(
        self,
        word_to_idx: Mapping[str, int],
        input_dim: int = 512,
        wordvec_dim: int = 128,
        hidden_dim: int = 128,
        cell_type: str = "rnn",
        dtype: type = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        """Draw all the parameters.

        Arguments:
            word_to_idx: the id of each word. It must hold "<NULL>"; "<START>" and "<END>"
                are needed for sampling only.
            input_dim: width of an image's features.
            wordvec_dim: width of a word's vector.
            hidden_dim: width H of the hidden state.
            cell_type: "rnn" or "lstm".
            dtype: np.float32 for training, np.float64 for numeric gradient checks.
            rng: where the random numbers come from; a fresh `default_rng()` without it.

        Raises:
            ValueError: for an unknown cell_type, or a vocabulary without "<NULL>".
        """
        if cell_type not in _BLOCKS:
            raise ValueError(f'cell_type must be "rnn" or "lstm". Got {cell_type!r}')
        if "<NULL>" not in word_to_idx:
            raise ValueError('word_to_idx must hold "<NULL>", the padding. Got no such word')
        rng = np.random.default_rng() if rng is None else rng

        self.cell_type = cell_type
        self.dtype = dtype
        self.word_to_idx = dict(word_to_idx)
        self.idx_to_word = {idx: word for word, idx in word_to_idx.items()}
        self._null = word_to_idx["<NULL>"]
        self._start = word_to_idx.get("<START>")
        self._end = word_to_idx.get("<END>")

        V, D, W, H = len(word_to_idx), input_dim, wordvec_dim, hidden_dim
        k = _BLOCKS[cell_type]
        # Weights are divided by the square root of the number of inputs that are added
        # up, so that a sum has about the size of one input.
        params = {
            "W_embed": rng.standard_normal((V, W)) / 100,
            "W_proj": rng.standard_normal((D, H)) / np.sqrt(D),
            "b_proj": np.zeros(H),
            "Wx": rng.standard_normal((W, k * H)) / np.sqrt(W),
            "Wh": rng.standard_normal((H, k * H)) / np.sqrt(H),
            "b": np.zeros(k * H),
            "W_vocab": rng.standard_normal((H, V)) / np.sqrt(H),
            "b_vocab": np.zeros(V),
        }
        self.params = {name: array.astype(dtype) for name, array in params.items()}

    def loss(
        self, features: np.ndarray, captions: np.ndarray
    ) -> tuple[float, dict[str, np.ndarray]]:
        """Return the loss and the gradients; written in the notebook."""
        raise NotImplementedError(_not_yet(self, "loss"))

    def sample(self, features: np.ndarray, max_length: int = 30) -> np.ndarray:
        """Return word ids for each image, (N, max_length); written in the notebook."""
        raise NotImplementedError(_not_yet(self, "sample"))


def method_of(cls: type) -> Callable[[Method], Method]:
    """Put the decorated function into a class, as a method of the same name.

    A long class can so be written one cell at a time, and running one cell again replaces
    one method:

        @method_of(CaptioningRNN)
        def loss(self, features, captions): ...
    """

    def install(function: Method) -> Method:
        setattr(cls, function.__name__, function)
        return function

    return install


def decode_captions(
    captions: np.ndarray, idx_to_word: Sequence[str] | Mapping[int, str]
) -> str | list[str]:
    """Turn word ids into text: the words before the first <END>, without <START> and <NULL>.

    Arguments:
        captions: word ids, integers, shape (T,) for one caption or (N, T) for N of them.
        idx_to_word: the word of each id, as a list or a dictionary.

    Returns:
        A string for one caption, a list of N strings for N captions.

    Raises:
        ValueError: when captions has another number of dimensions.
    """
    captions = np.asarray(captions)
    if captions.ndim == 1:
        words = []
        for idx in captions.tolist():
            word = idx_to_word[idx]
            if word == "<END>":
                break
            if word not in ("<START>", "<NULL>"):
                words.append(word)
        return " ".join(words)
    if captions.ndim == 2:
        return [decode_captions(row, idx_to_word) for row in captions]
    raise ValueError(f"captions must have shape (T,) or (N, T). Got {captions.shape}")


def _not_yet(model: CaptioningModel, method: str) -> str:
    name = type(model).__name__
    return (
        f"{name}.{method} is not there yet: run the cell that begins with "
        f"@method_of({name}) and defines {method} (again, if you ran the class's cell again)"
    )

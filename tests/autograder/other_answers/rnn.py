"""A whole class with its own constructor, as a handout has it."""

from builtins import object, range

import numpy as np

from ..layers import *
from ..rnn_layers import *


class CaptioningRNN(object):
    def __init__(
        self,
        word_to_idx,
        input_dim=512,
        wordvec_dim=128,
        hidden_dim=128,
        cell_type="rnn",
        dtype=np.float32,
    ):
        if cell_type not in {"rnn", "lstm"}:
            raise ValueError("no such cell")
        self.cell_type = cell_type
        self.dtype = dtype
        self.word_to_idx = word_to_idx
        self.idx_to_word = {i: w for w, i in word_to_idx.items()}
        self.params = {}
        V = len(word_to_idx)
        self._null = word_to_idx["<NULL>"]
        self._start = word_to_idx.get("<START>", None)
        self._end = word_to_idx.get("<END>", None)
        for name, shape in {
            "W_embed": (V, wordvec_dim),
            "W_proj": (input_dim, hidden_dim),
            "b_proj": (hidden_dim,),
            "Wx": (wordvec_dim, hidden_dim),
            "Wh": (hidden_dim, hidden_dim),
            "b": (hidden_dim,),
            "W_vocab": (hidden_dim, V),
            "b_vocab": (V,),
        }.items():
            self.params[name] = np.random.randn(*shape).astype(self.dtype)

    def loss(self, features, captions):
        cin, cout = captions[:, :-1], captions[:, 1:]
        mask = cout != self._null
        p = self.params
        grads = {}
        start = features @ p["W_proj"] + p["b_proj"]
        words, words_cache = word_embedding_forward(cin, p["W_embed"])
        hidden, hidden_cache = rnn_forward(words, start, p["Wx"], p["Wh"], p["b"])
        scores, scores_cache = temporal_affine_forward(hidden, p["W_vocab"], p["b_vocab"])
        loss, dscores = temporal_softmax_loss(scores, cout, mask)
        dhidden, grads["W_vocab"], grads["b_vocab"] = temporal_affine_backward(
            dscores, scores_cache
        )
        dwords, dstart, grads["Wx"], grads["Wh"], grads["b"] = rnn_backward(dhidden, hidden_cache)
        grads["W_embed"] = word_embedding_backward(dwords, words_cache)
        grads["W_proj"] = features.T @ dstart
        grads["b_proj"] = dstart.sum(axis=0)
        grads["something_more"] = 0.0
        return loss, grads

    def sample(self, features, max_length=30):
        N = features.shape[0]
        captions = self._null * np.ones((N, max_length), dtype=np.int32)
        p = self.params
        h = features.dot(p["W_proj"]) + p["b_proj"]
        word = self._start * np.ones((N, 1), dtype=np.int32)
        done = np.zeros(N, dtype=bool)
        for t in range(max_length):
            embedded, _ = word_embedding_forward(word, p["W_embed"])
            h, _ = rnn_step_forward(np.squeeze(embedded, axis=1), h, p["Wx"], p["Wh"], p["b"])
            scores, _ = temporal_affine_forward(h[:, None, :], p["W_vocab"], p["b_vocab"])
            word = np.argmax(scores[:, 0], axis=1)[:, np.newaxis]
            captions[~done, t] = word[~done, 0]
            done |= word[:, 0] == self._end
            if done.all():
                break
        return captions

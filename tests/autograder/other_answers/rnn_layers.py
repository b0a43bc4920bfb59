"""Right answers in another hand: loops, other caches, float32 buffers, an own softmax loss."""

from __future__ import division, print_function

from builtins import range

import numpy as np

from ..layers import *
from cs231n.fast_layers import something_compiled


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h, cache = None, None
    forward = np.dot(prev_h, Wh) + np.dot(x, Wx) + b
    next_h = np.tanh(forward)
    cache = {"x": x, "h": prev_h, "weights": [Wx, Wh], "slope": 1 - np.tanh(forward) ** 2}
    print("debugging", next_h.shape)
    return next_h, cache


def rnn_step_backward(dnext_h, cache):
    dnext_h *= cache["slope"]
    Wx, Wh = cache["weights"]
    N = dnext_h.shape[0]
    dWx = np.zeros_like(Wx)
    for n in range(N):
        dWx += np.outer(cache["x"][n], dnext_h[n])
    dWh = np.dot(np.transpose(cache["h"]), dnext_h)
    return [np.dot(dnext_h, Wx.T), np.dot(dnext_h, Wh.T), dWx, dWh, np.sum(dnext_h, axis=0)]


def rnn_forward(x, h0, Wx, Wh, b):
    x = np.transpose(x, (1, 0, 2))
    T, N, D = x.shape
    h = np.zeros((T, N, h0.shape[1]), dtype=np.float32)
    caches = {}
    last = h0
    for step in range(T):
        last, caches[step] = rnn_step_forward(x[step], last, Wx, Wh, b)
        h[step] = last
    return h.transpose(1, 0, 2), caches


def rnn_backward(dh, cache):
    N, T, H = dh.shape
    dx = []
    dprev = 0
    dWx = dWh = db = 0
    for step in range(T - 1, -1, -1):
        # popitem: the cache is used up
        key, one = cache.popitem()
        assert key == step
        dx_t, dprev, a, c, d = rnn_step_backward(dh[:, step, :] + dprev, one)
        dx.insert(0, dx_t)
        dWx, dWh, db = dWx + a, dWh + c, db + d
    return np.stack(dx, axis=1), dprev, dWx, dWh, db


def word_embedding_forward(x, W):
    N, T = x.shape
    out = np.empty((N, T, W.shape[1]))
    for n in range(N):
        out[n] = W[x[n]]
    return out, [x, W]


def word_embedding_backward(dout, cache):
    x, W = cache
    dW = np.zeros_like(W)
    for n, t in np.ndindex(*x.shape):
        dW[x[n, t]] += dout[n, t]
    return dW


def temporal_affine_forward(x, w, b):
    N, T, D = x.shape
    out = x.reshape(N * T, D).dot(w).reshape(N, T, -1) + b
    return out, (x, w)


def temporal_affine_backward(dout, cache):
    x, w = cache
    return np.tensordot(dout, w, (2, 1)), np.tensordot(x, dout, ((0, 1), (0, 1))), dout.sum((0, 1))


def temporal_softmax_loss(x, y, mask, verbose=False):
    N, T, V = x.shape
    flat, labels, keep = x.reshape(N * T, V), y.reshape(N * T), mask.reshape(N * T)
    probs = np.exp(flat - flat.max(axis=1, keepdims=True))
    probs /= probs.sum(axis=1, keepdims=True)
    loss = -np.sum(keep * np.log(probs[np.arange(N * T), labels])) / N
    dx = probs.copy()
    dx[np.arange(N * T), labels] -= 1
    dx = dx * keep[:, None] / N
    return loss, dx.reshape(N, T, V)

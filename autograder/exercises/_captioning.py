"""A captioning model with known parameters: inputs, construction, and what it should compute.

Used by the recurrent captioning assignments. What differs between them, the recurrence, comes in as
an argument: `sequence(x, h0, Wx, Wh, b)` gives all hidden states, in torch.
"""

from __future__ import annotations

import numpy as np
import torch

from autograder.errors import Wrong
from autograder.remembered import remembered
from autograder.student import public

NULL, START, END = 0, 1, 2


def draw_weights(
    rng: np.random.Generator, D: int, H: int, blocks: int = 1
) -> tuple[np.ndarray, ...]:
    """Return Wx (D, blocks H), Wh (H, blocks H) and b (blocks H,): one block, or an LSTM's four."""
    Wx = rng.standard_normal((D, blocks * H)) / np.sqrt(D)
    Wh = rng.standard_normal((H, blocks * H)) / np.sqrt(H)
    return Wx, Wh, rng.standard_normal(blocks * H) / 2


def vocabulary(V: int) -> dict[str, int]:
    """Return <NULL>, <START>, <END> and words up to V entries in all."""
    names = ["<NULL>", "<START>", "<END>", *(f"word{i}" for i in range(3, V))]
    return {name: index for index, name in enumerate(names)}


def draw_params(
    rng: np.random.Generator,
    F: int,
    E: int,
    H: int,
    V: int,
    sharpness: float = 1.0,
    blocks: int = 1,
) -> dict[str, np.ndarray]:
    """Return the model's parameters: F features, E numbers in a word vector, H hidden, V words."""
    Wx, Wh, b = draw_weights(rng, E, H, blocks)
    return {
        "W_proj": rng.standard_normal((F, H)) / np.sqrt(F),
        "b_proj": rng.standard_normal(H) / 2,
        "W_embed": rng.standard_normal((V, E)),
        "Wx": Wx,
        "Wh": Wh,
        "b": b,
        "W_vocab": sharpness * rng.standard_normal((H, V)) / np.sqrt(H),
        "b_vocab": sharpness * rng.standard_normal(V) / 2,
    }


def draw_captions(rng: np.random.Generator, N: int, T: int, V: int) -> np.ndarray:
    """Return (N, T + 1) captions of different lengths: START, words, END, NULL to the end."""
    captions = np.full((N, T + 1), NULL)
    lengths = rng.permutation(np.resize(np.arange(max(T - N, 0), T), N))
    for row, length in zip(captions, lengths, strict=True):
        row[: length + 2] = [START, *rng.integers(3, V, size=length), END]
    return captions


def build(student, word_to_idx, F, E, H, params, cell_type="rnn"):
    """Make the student's CaptioningRNN, in float64, with these parameters; return its handle."""
    model = student.CaptioningRNN(
        word_to_idx,
        input_dim=F,
        wordvec_dim=E,
        hidden_dim=H,
        cell_type=cell_type,
        dtype=public("numpy.float64"),
    )
    if isinstance(model, np.ndarray | str | None):
        raise Wrong("CaptioningRNN(...) must give a model")
    student.set(model, "params", params)
    return model


def reference_loss(sequence, features, captions, params):
    """The captioning loss, in torch: a sum over time and a mean over the batch, no padding."""
    h0 = features @ params["W_proj"] + params["b_proj"]
    words = params["W_embed"][captions[:, :-1]]
    h = sequence(words, h0, params["Wx"], params["Wh"], params["b"])
    scores = h @ params["W_vocab"] + params["b_vocab"]
    target = captions[:, 1:]
    losses = torch.nn.functional.cross_entropy(
        scores.flatten(0, 1), target.flatten(), reduction="none"
    )
    return (losses * (target.flatten() != NULL)).sum() / len(features)


@remembered
def loss_and_gradients(sequence, features, captions, params):
    """Return the reference loss and its gradient for each parameter, as NumPy."""
    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in params.items()}
    loss = reference_loss(sequence, torch.tensor(features), torch.tensor(captions), tensors)
    gradients = torch.autograd.grad(loss, list(tensors.values()))
    return loss.item(), dict(zip(tensors, (g.numpy() for g in gradients), strict=True))


def reference_sample(features, params, max_length, take_step):
    """Greedy sampling, in NumPy: take_step(x, state, Wx, Wh, b) -> state, whose first part is h.

    The state is a tuple: (h,) for a vanilla RNN, (h, c) for an LSTM, whose c begins with zeros.
    """
    h0 = features @ params["W_proj"] + params["b_proj"]
    state: tuple[np.ndarray, ...] = (h0, np.zeros_like(h0))
    word = np.full(len(features), START)
    captions = []
    for _ in range(max_length):
        x = params["W_embed"][word]
        state = take_step(x, state, params["Wx"], params["Wh"], params["b"])
        word = (state[0] @ params["W_vocab"] + params["b_vocab"]).argmax(axis=1)
        captions.append(word)
    return np.stack(captions, axis=1)


def first_inputs(features, params):
    """Return x and h0 of the first step of sampling: START's vector, and the projected image."""
    h0 = features @ params["W_proj"] + params["b_proj"]
    return params["W_embed"][np.full(len(features), START)], h0

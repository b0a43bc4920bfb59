"""A captioning model with known parameters: inputs, construction, and what it should compute."""

from __future__ import annotations

import numpy as np
import torch

from autograder.carried import own_version, value_of
from autograder.errors import Wrong
from autograder.student import public

from ._draw import draw_weights, sequence, step

NULL, START, END = 0, 1, 2


def vocabulary(V: int) -> dict[str, int]:
    """Return <NULL>, <START>, <END> and words up to V entries in all."""
    names = ["<NULL>", "<START>", "<END>", *(f"word{i}" for i in range(3, V))]
    return {name: index for index, name in enumerate(names)}


def draw_params(
    rng: np.random.Generator, F: int, E: int, H: int, V: int, sharpness: float = 1.0
) -> dict[str, np.ndarray]:
    """Return the model's parameters: F features, E numbers in a word vector, H hidden, V words."""
    Wx, Wh, b = draw_weights(rng, E, H)
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


def build(student, word_to_idx, F, E, H, params):
    """Make the student's CaptioningRNN, in float64, with these parameters; return its handle."""
    model = student.CaptioningRNN(
        word_to_idx,
        input_dim=F,
        wordvec_dim=E,
        hidden_dim=H,
        cell_type="rnn",
        dtype=public("numpy.float64"),
    )
    if isinstance(model, np.ndarray | str | None):
        raise Wrong("CaptioningRNN(...) must give a model")
    student.set(model, "params", params)
    return model


def reference_loss(features, captions, params):
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


def loss_and_gradients(features, captions, params):
    """Return the reference loss and its gradient for each parameter, as NumPy."""
    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in params.items()}
    loss = reference_loss(torch.tensor(features), torch.tensor(captions), tensors)
    gradients = torch.autograd.grad(loss, list(tensors.values()))
    return loss.item(), dict(zip(tensors, (g.numpy() for g in gradients), strict=True))


def loss_and_gradients_with_own_layers(student, features, captions, params):
    """The same, through the student's own recurrent and embedding layers; None if they are right.

    What is wrong in those is paid for there. The wiring around them is what is judged here, and it
    is right when it gives what the right wiring of these very layers gives.
    """
    p, captions_in, target = params, captions[:, :-1], captions[:, 1:]
    h0 = features @ p["W_proj"] + p["b_proj"]
    x, x_cache = student.word_embedding_forward(captions_in, p["W_embed"])
    h, h_cache = student.rnn_forward(x, h0, p["Wx"], p["Wh"], p["b"])
    if not _serious(h, (*captions_in.shape, len(p["b"]))):
        return None
    scores = h @ p["W_vocab"] + p["b_vocab"]
    shifted = scores - scores.max(axis=2, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=2, keepdims=True))
    one_hot, mask = np.eye(scores.shape[2])[target], (target != NULL)[:, :, None]
    loss = -(log_probs * one_hot * mask).sum() / len(features)
    dscores = (np.exp(log_probs) - one_hot) * mask / len(features)
    dx, dh0, dWx, dWh, db = student.rnn_backward(dscores @ p["W_vocab"].T, h_cache)
    gradients = {
        "W_vocab": np.einsum("nth,ntv->hv", h, dscores),
        "b_vocab": dscores.sum(axis=(0, 1)),
        "Wx": dWx,
        "Wh": dWh,
        "b": db,
        "W_embed": student.word_embedding_backward(dx, x_cache),
    }
    if not _serious(dh0, h0.shape):
        return None
    gradients |= {"W_proj": features.T @ dh0, "b_proj": dh0.sum(axis=0)}
    serious = all(_serious(g, np.shape(g)) for g in gradients.values())
    return (loss, gradients) if serious else None


def _serious(answer, shape) -> bool:
    return (
        isinstance(answer, np.ndarray)
        and answer.shape == tuple(shape)
        and answer.dtype.kind == "f"
        and bool(np.isfinite(answer).all())
        and bool(np.ptp(answer) > 0)
    )


def reference_sample(features, params, max_length, take_step):
    """Greedy sampling, in NumPy, with `take_step` for the recurrence."""
    h = features @ params["W_proj"] + params["b_proj"]
    word = np.full(len(features), START)
    captions = []
    for _ in range(max_length):
        h = take_step(params["W_embed"][word], h, params["Wx"], params["Wh"], params["b"])
        word = (h @ params["W_vocab"] + params["b_vocab"]).argmax(axis=1)
        captions.append(word)
    return np.stack(captions, axis=1)


def true_step(*args):
    """The reference step on NumPy arrays."""
    return value_of(step, *args)


def own_step(student, features, params):
    """Return the student's own step when it is wrong and a serious attempt, else None."""
    h0 = features @ params["W_proj"] + params["b_proj"]
    x = params["W_embed"][np.full(len(features), START)]
    args = (x, h0, params["Wx"], params["Wh"], params["b"])
    return own_version(student, "rnn_step_forward", true_step, args)

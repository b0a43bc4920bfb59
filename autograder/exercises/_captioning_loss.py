"""Examining a captioning model's loss: the same questions for every recurrent layer."""

from __future__ import annotations

import numpy as np

from autograder.errors import CallTimeout, StudentRaised, Wrong
from autograder.judge import expect, expect_true
from cs231n_utils import compare

from ._captioning import NULL, build, draw_captions, draw_params, loss_and_gradients, vocabulary


def fixed_input(rng, blocks=1, between=(-1.5, 0.3)):
    """The handout's fixed input, with features in `between`; its words have no START or END."""
    N, F, E, H, T, V = 10, 20, 30, 40, 13, 3
    shapes = {
        "W_proj": (F, H),
        "b_proj": (H,),
        "W_embed": (V, E),
        "Wx": (E, blocks * H),
        "Wh": (H, blocks * H),
        "b": (blocks * H,),
        "W_vocab": (H, V),
        "b_vocab": (V,),
    }
    params = {k: np.linspace(-1.4, 1.3, np.prod(s)).reshape(s) for k, s in shapes.items()}
    features = np.linspace(*between, N * F).reshape(N, F)
    captions = (np.arange(N * T) % V).reshape(N, T)
    return {"<NULL>": 0, "cat": 2, "dog": 3}, features, captions, params


def random_input(rng, blocks=1, N=4, T=6, F=5, E=3, H=7, V=9, offset=0.0):
    """Captions of different lengths; `offset` raises each row's scores together, row by row."""
    params = draw_params(rng, F, E, H, V, blocks=blocks)
    params["W_vocab"] += offset * rng.standard_normal((H, 1))
    return vocabulary(V), rng.standard_normal((N, F)), draw_captions(rng, N, T, V), params


def examine_loss(student, sequence, layer, inputs, look_at="everything"):
    """Expect the loss and, with look_at="everything", each parameter's gradient.

    `layer` is "rnn" or "lstm": the functions <layer>_forward and <layer>_backward. Where the
    student's own are wrong, the loss may be what the right wiring of those very functions gives.
    """
    word_to_idx, features, captions, params = inputs
    (F, H), (_, E) = params["W_proj"].shape, params["W_embed"].shape
    model = build(student, word_to_idx, F, E, H, params, cell_type=layer)
    loss, grads = model.loss(features, captions)
    grads = student.fetch(grads) if look_at == "everything" else None
    want_loss, want_grads = loss_and_gradients(sequence, features, captions, params)
    if not agrees(loss, grads, want_loss, want_grads):
        own = own_layers(student, layer, features, captions, params)
        if own is not None and agrees(loss, grads, *own):
            want_loss, want_grads = own
    expect("loss", loss, want_loss, squeeze=True)
    if grads is None:
        return
    if not expect_true(isinstance(grads, dict), "grads must be a dictionary, by parameter name"):
        return
    missing = [name for name in want_grads if name not in grads]
    expect_true(not missing, f"grads must have a gradient for {', '.join(missing)}")
    for name in want_grads:
        if name in grads:
            expect(f"grads[{name!r}]", grads[name], want_grads[name])


def agrees(loss, grads, want_loss, want_grads):
    """Return whether loss and gradients are these."""
    if compare.close("loss", loss, want_loss, squeeze=True):
        return False
    return grads is None or (
        isinstance(grads, dict)
        and all(
            name in grads and not compare.close(name, grads[name], want)
            for name, want in want_grads.items()
        )
    )


def own_layers(student, layer, features, captions, params):
    """Return what the right wiring of the student's own layers gives; None if they do not run."""
    try:
        return loss_and_gradients_with_own_layers(student, layer, features, captions, params)
    except (Wrong, StudentRaised, CallTimeout):
        return None


def loss_and_gradients_with_own_layers(student, layer, features, captions, params):
    """Return loss and gradients through the student's own layers; None if those are not serious.

    What is wrong in those is paid for there. The wiring around them is what is judged here, and it
    is right when it gives what the right wiring of these very layers gives.
    """
    p, captions_in, target = params, captions[:, :-1], captions[:, 1:]
    h0 = features @ p["W_proj"] + p["b_proj"]
    x, x_cache = student.word_embedding_forward(captions_in, p["W_embed"])
    h, h_cache = getattr(student, f"{layer}_forward")(x, h0, p["Wx"], p["Wh"], p["b"])
    if not _serious(h, (*captions_in.shape, h0.shape[1])):
        return None
    scores = h @ p["W_vocab"] + p["b_vocab"]
    shifted = scores - scores.max(axis=2, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=2, keepdims=True))
    one_hot, mask = np.eye(scores.shape[2])[target], (target != NULL)[:, :, None]
    loss = -(log_probs * one_hot * mask).sum() / len(features)
    dscores = (np.exp(log_probs) - one_hot) * mask / len(features)
    dx, dh0, dWx, dWh, db = getattr(student, f"{layer}_backward")(dscores @ p["W_vocab"].T, h_cache)
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

"""Mistakes, and other answers as right, in the cells that every recurrent captioner shares.

Loss and sampling are the same lines around another recurrence, so people err in the same ways. The
edits are of lines that these cells have in common; what is an assignment's own stands in its file.
"""

from __future__ import annotations

from autograder.exercise import Equivalent, Mistake

MASK = "mask = captions_out != self._null"
SOFTMAX = "loss, dscores = temporal_softmax_loss(scores, captions_out, mask)"
PROJECTION = "h0, h0_cache = affine_forward(features, W_proj, b_proj)"
PROJ_GRADS = '_, grads["W_proj"], grads["b_proj"] = affine_backward(dh0, h0_cache)'
FIRST_STATE = "h, _ = affine_forward(features, W_proj, b_proj)"
CHOOSE = "word = scores.argmax(axis=1)"

LOSS_MISTAKES = [
    Mistake(
        "the mask looks at the words that go in",
        swap=(MASK, "mask = captions_in != self._null"),
        hint="The last word that counts is <END>. Is it a word read or a word predicted?",
    ),
    Mistake(
        "padding is counted",
        swap=(MASK, "mask = np.ones_like(captions_out, dtype=bool)"),
        hint="Should the model be praised for predicting <NULL> after <END>?",
    ),
    Mistake(
        "the loss is averaged over the words",
        swap=(
            SOFTMAX,
            SOFTMAX + "\n    words = mask.sum() / len(mask)"
            "\n    loss, dscores = loss / words, dscores / words",
        ),
        hint="Loss and gradients agree, both too small. Sum over time, mean over the batch.",
    ),
    Mistake(
        "the gradient of the scores is not masked",
        swap=(
            SOFTMAX,
            SOFTMAX + "\n    _, dscores = temporal_softmax_loss("
            "scores, captions_out, np.ones_like(mask))",
        ),
        hint="The loss is right. Which scores must get no gradient at all?",
    ),
    Mistake(
        "the image's projection gets no gradient",
        swap=(PROJ_GRADS, "pass"),
        hint="Compare the keys of grads with the keys of self.params.",
    ),
    Mistake(
        "h0 goes through a tanh",
        swap=(PROJECTION, PROJECTION + "\n    h0 = np.tanh(h0)"),
        hint="h0 is an affine function of the features, and nothing more.",
    ),
    Mistake(
        "h0 goes through a ReLU",
        swap=(PROJECTION, PROJECTION + "\n    h0 = np.maximum(h0, 0)"),
        hint="h0 is an affine function of the features, and nothing more.",
    ),
    Mistake(
        "the image is left out",
        swap=(PROJECTION, PROJECTION + "\n    h0 = np.zeros_like(h0)"),
        hint="Change the features. Does your loss change?",
    ),
]

LOSS_EQUIVALENTS = [
    Equivalent(
        "the loss as an array of one number",
        swap=(SOFTMAX, SOFTMAX + "\n    loss = np.array([loss])"),
    ),
    Equivalent(
        "the projection written out",
        swap=(
            PROJ_GRADS,
            'grads["W_proj"], grads["b_proj"] = features.T @ dh0, dh0.sum(axis=0)',
        ),
    ),
]

SAMPLE_MISTAKES = [
    Mistake(
        "START is written into the first column",
        swap=("x = W_embed[word]", "captions[:, t] = word\n        x = W_embed[word]"),
        more=(("scores.argmax(axis=1)\n        captions[:, t] = word", "scores.argmax(axis=1)"),),
        hint="Column 0 holds the first word that the model chose. Which word is in yours?",
    ),
    Mistake(
        "it begins with NULL",
        swap=("word = np.full(N, self._start)", "word = np.full(N, self._null)"),
        hint="Which word did the model read first when it was trained?",
    ),
    Mistake(
        "the best image is chosen in place of the best word",
        swap=(CHOOSE, "word = scores.argmax(axis=0)"),
        hint="scores has shape (N, V). Along which axis do the words lie?",
    ),
    Mistake(
        "the chosen word is not read again",
        swap=(CHOOSE, "best = scores.argmax(axis=1)"),
        more=(("captions[:, t] = word", "captions[:, t] = best"),),
        hint="The first word is right, later ones are not. Which word does step 1 read?",
    ),
    Mistake(
        "the image is left out",
        swap=(FIRST_STATE, FIRST_STATE + "\n    h = np.zeros_like(h)"),
        hint="Do two different images get two different captions?",
    ),
]

SAMPLE_EQUIVALENTS = [
    Equivalent(
        "it stops when all captions have ended",
        swap=(
            "captions[:, t] = word",
            "captions[:, t] = word\n"
            "        if (captions == self._end).any(axis=1).all():\n"
            "            break",
        ),
    ),
    Equivalent(
        "words after END are set to NULL",
        swap=(
            "captions[:, t] = word",
            "ended = (captions[:, :t] == self._end).any(axis=1)\n"
            "        captions[:, t] = np.where(ended, self._null, word)",
        ),
    ),
]

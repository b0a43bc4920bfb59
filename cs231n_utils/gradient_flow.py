"""How a gradient reaches back through PyTorch's RNN, to compare a network of one's own with."""

from __future__ import annotations

import numpy as np
import torch


def torch_rnn_input_gradient(
    x: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, dlast_h: np.ndarray
) -> np.ndarray:
    """Return the gradient of a loss that depends on the last hidden state of a vanilla RNN only.

    The forward pass is PyTorch's nn.RNN without biases, from a state of zeros; the gradient comes
    from autograd.

    Arguments:
        x: inputs, shape (N, T, D).
        Wx: weights from input to hidden, shape (D, H).
        Wh: weights from hidden to hidden, shape (H, H).
        dlast_h: gradient of the loss with respect to the last hidden state, shape (N, H).

    Returns:
        Gradient of the loss with respect to x, shape (N, T, D), float64.

    Raises:
        ValueError: when the shapes do not fit together.
    """
    N, _, D = x.shape
    H = len(Wh)
    shapes = (Wx.shape, Wh.shape, dlast_h.shape)
    if shapes != ((D, H), (H, H), (N, H)):
        raise ValueError(
            f"Wx, Wh, dlast_h must have shapes {(D, H)}, {(H, H)}, {(N, H)}. Got {shapes}"
        )
    rnn = torch.nn.RNN(D, H, bias=False, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        rnn.weight_ih_l0.copy_(torch.as_tensor(Wx.T))
        rnn.weight_hh_l0.copy_(torch.as_tensor(Wh.T))
    inputs = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    _, last = rnn(inputs)
    last[0].backward(torch.as_tensor(dlast_h, dtype=torch.float64))
    return inputs.grad.numpy()

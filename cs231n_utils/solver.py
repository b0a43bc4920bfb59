"""The training loop of the NumPy captioning models."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm


class Captions(Protocol):
    """What the solver needs of a data set (a `CaptionSplit` has it)."""

    captions: np.ndarray

    def minibatch(
        self, rng: np.random.Generator, batch_size: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw captions (B, T + 1) and their images' features (B, D) and rows (B,)."""
        ...


@dataclass(frozen=True)
class CaptionArrays:
    """A handful of captions as plain arrays, for small experiments.

    Attributes:
        captions: word ids, shape (M, T + 1).
        features: each caption's image features, shape (M, D).
    """

    captions: np.ndarray
    features: np.ndarray

    def __post_init__(self) -> None:
        """Check that there is one row of features for each caption."""
        if len(self.captions) != len(self.features):
            raise ValueError(
                "captions and features must have one row for each caption. "
                f"Got {len(self.captions)} and {len(self.features)}"
            )

    def minibatch(
        self, rng: np.random.Generator, batch_size: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw captions without repeating one; all of them when batch_size is at least M.

        Returns:
            captions (B, T + 1), features (B, D) and the rows that were drawn, (B,).
        """
        rows = rng.permutation(len(self.captions))[:batch_size]
        return self.captions[rows], self.features[rows], rows


class LossNotFinite(ArithmeticError):
    """The loss became NaN or infinite: training cannot go on."""


class CaptioningSolver:
    """Train a captioning model with Adam.

    Adam (Kingma and Ba, 2015) keeps a running mean of each gradient and of its square,
    and moves each parameter by the learning rate times mean / sqrt(mean square).

    Attributes:
        loss_history: the loss of every minibatch so far, a list of floats.
        learning_rate: the current step size; after each epoch it is multiplied by lr_decay.

    Example:
        solver = CaptioningSolver(model, data.train, num_epochs=5, rng=np.random.default_rng(0))
        solver.train()
        plot_loss(solver.loss_history)
    """

    def __init__(
        self,
        model,
        data: Captions,
        *,
        num_epochs: int = 10,
        batch_size: int = 100,
        learning_rate: float = 1e-3,
        lr_decay: float = 1.0,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        rng: np.random.Generator | None = None,
        progress: bool = True,
        description: str = "training",
    ) -> None:
        """Get ready to train; nothing happens until `train`.

        Arguments:
            model: has `params`, a dictionary of arrays, and `loss(features, captions)`
                which returns the loss and a dictionary of gradients with the same keys.
            data: where minibatches come from, `CaptionData.train` for instance.
            num_epochs: how many times to go through the captions, on average: minibatches
                are drawn at random.
            batch_size: captions in a minibatch.
            learning_rate: the step size of Adam at the start.
            lr_decay: factor on the learning rate after each epoch.
            beta1, beta2, epsilon: Adam's other constants.
            rng: draws the minibatches; a fresh `default_rng()` without it.
            progress: whether to show a progress bar (on stdout).
            description: what the progress bar says.

        Raises:
            ValueError: when num_epochs or batch_size is below 1.
        """
        for name, value in (("num_epochs", num_epochs), ("batch_size", batch_size)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1. Got {value}")
        self.model = model
        self.data = data
        self.num_epochs = num_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.lr_decay = lr_decay
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon
        self.rng = np.random.default_rng() if rng is None else rng
        self.progress = progress
        self.description = description
        self.loss_history: list[float] = []
        self._steps = 0
        self._mean = {name: np.zeros_like(p) for name, p in model.params.items()}
        self._square = {name: np.zeros_like(p) for name, p in model.params.items()}

    def train(self) -> None:
        """Run num_epochs epochs. The model's parameters are changed in place.

        Raises:
            LossNotFinite: when the loss of a minibatch is NaN or infinite.
            ValueError: when the gradients do not fit the parameters.
        """
        per_epoch = max(len(self.data.captions) // self.batch_size, 1)
        bar = tqdm(
            total=self.num_epochs * per_epoch,
            desc=self.description,
            file=sys.stdout,  # on stderr Jupyter paints it red
            mininterval=0.5,
            ncols=90,
            disable=not self.progress,
        )
        # These matrices are small. On a busy computer the threads of a product wait for one
        # another: a step took 1.6 s in place of 0.03 s. And one thread always adds up in the same
        # order, so the losses do not depend on the number of cores.
        with bar, threadpool_limits(limits=1, user_api="blas"):
            for _ in range(self.num_epochs):
                for _ in range(per_epoch):
                    loss = self.step()
                    bar.set_postfix_str(f"loss {loss:.3f}", refresh=False)
                    bar.update()
                self.learning_rate *= self.lr_decay

    def step(self) -> float:
        """Draw one minibatch, move every parameter once and return the loss before the move."""
        captions, features, _ = self.data.minibatch(self.rng, self.batch_size)
        loss, grads = self.model.loss(features, captions)
        loss = float(loss)
        if not np.isfinite(loss):
            raise LossNotFinite(
                f"the loss must stay finite. Got {loss} in minibatch {len(self.loss_history) + 1}"
            )
        self._check_gradients(grads)
        self.loss_history.append(loss)
        self._steps += 1
        for name, gradient in grads.items():
            self._adam(name, gradient)
        return loss

    def _adam(self, name: str, gradient: np.ndarray) -> None:
        mean, square = self._mean[name], self._square[name]
        mean += (1 - self.beta1) * (gradient - mean)
        square += (1 - self.beta2) * (gradient**2 - square)
        # Both averages start at zero; the division takes that bias out again.
        mean_hat = mean / (1 - self.beta1**self._steps)
        square_hat = square / (1 - self.beta2**self._steps)
        update = self.learning_rate * mean_hat / (np.sqrt(square_hat) + self.epsilon)
        self.model.params[name] -= update.astype(mean.dtype)

    def _check_gradients(self, grads: dict[str, np.ndarray]) -> None:
        params = self.model.params
        if grads.keys() != params.keys():
            raise ValueError(
                f"loss must return a gradient for each of {sorted(params)}. Got {sorted(grads)}"
            )
        for name, gradient in grads.items():
            if np.shape(gradient) != params[name].shape:
                raise ValueError(
                    f"the gradient of {name} must have shape {params[name].shape}. "
                    f"Got {np.shape(gradient)}"
                )

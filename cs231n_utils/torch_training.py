"""The training loop of the PyTorch chapters: captioning models and classifiers of images."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from cs231n_utils.solver import Captions, LossNotFinite

Batch = tuple[torch.Tensor, ...]


def init_weights(model: nn.Module, seed: int) -> nn.Module:
    """Draw every parameter of a transformer anew, from the seed alone; return the model.

    Matrices are drawn as in Glorot and Bengio (2010). Word vectors have a spread of 0.2, less than
    the positions which are added to them: a small vector turns faster while it learns. <NULL>'s
    is zero. Biases are zero, norms begin as the identity.
    """
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.2, generator=generator)
            if module.padding_idx is not None:
                with torch.no_grad():
                    module.weight[module.padding_idx] = 0
        elif isinstance(module, nn.LayerNorm):
            module.reset_parameters()
    return model


def set_dropout(model: nn.Module, p: float) -> nn.Module:
    """Set the probability of every dropout in the model; return the model.

    Who sees each example only once cannot learn it by heart, and learns faster with p = 0.
    """
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = p
    return model


# What the chapter's captioner is made of, and how it is trained. A small one that sees many
# captions writes better ones, after a minute, than a large one that sees few: of the sizes
# that were tried with one minute of one core, one layer of 96 numbers did best.
CAPTIONER_SIZE = {"wordvec_dim": 96, "num_heads": 4, "num_layers": 1, "dim_feedforward": 384}
CAPTIONER_TRAINING = {"batch_size": 32, "learning_rate": 2.5e-3, "clip": 10.0}


def make_captioner(
    captioner: Callable[..., nn.Module], word_to_idx: Mapping[str, int], input_dim: int, seed: int
) -> nn.Module:
    """Return a CaptioningTransformer (the class is given) as the chapter trains it.

    Of the chapter's size, with parameters from the seed, and without dropout.
    """
    model = captioner(word_to_idx, input_dim, **CAPTIONER_SIZE)
    return set_dropout(init_weights(model, seed), 0.0)


def caption_loss(scores: torch.Tensor, words: torch.Tensor, null: int = 0) -> torch.Tensor:
    """Return the softmax loss of captions: sum over the words, mean over the captions.

    The same loss as `temporal_softmax_loss` of the NumPy chapters.

    Arguments:
        scores: of every word at every place, shape (N, T, V).
        words: the right ones, integers, shape (N, T).
        null: the id of the padding, which costs nothing.
    """
    lost = F.cross_entropy(
        scores.flatten(0, 1), words.flatten(), ignore_index=null, reduction="sum"
    )
    return lost / len(words)


def evaluate_captions(
    model: nn.Module, features: np.ndarray, captions: np.ndarray, null: int = 0
) -> float:
    """Return the loss of a model without dropout, on features (N, D) and captions (N, T + 1)."""
    device = next(model.parameters()).device
    model.eval()
    with torch.no_grad():
        words = torch.as_tensor(captions, dtype=torch.long, device=device)
        seen = torch.as_tensor(features, dtype=torch.float32, device=device)
        return caption_loss(model(seen, words[:, :-1]), words[:, 1:], null).item()


def predict(model: nn.Module, images: torch.Tensor, batch_size: int = 250) -> np.ndarray:
    """Return the class with the highest score for each image (N, C, H, W), without dropout."""
    device = next(model.parameters()).device
    model.eval()
    with torch.no_grad():
        parts = [model(batch.to(device)).argmax(dim=1) for batch in images.split(batch_size)]
    return torch.cat(parts).cpu().numpy()


class Trainer:
    """Train a model with AdamW (Loshchilov and Hutter, 2019).

    The learning rate rises from 0 during the first tenth of the training and then falls along
    half a cosine back to 0: post-norm transformers dislike large steps at the beginning.

    Attributes:
        loss_history: the loss of every minibatch so far, a list of floats.

    Example:
        trainer = Trainer.for_captions(model, data.train, steps=1000, seed=0)
        trainer.train()
        plot_loss(trainer.loss_history)
    """

    def __init__(
        self,
        model: nn.Module,
        batches: Iterator[Batch],
        loss: Callable[..., torch.Tensor],
        *,
        steps: int | None = None,
        seconds: float | None = None,
        learning_rate: float = 2e-3,
        weight_decay: float = 0.01,
        warmup: float = 0.1,
        clip: float = 1.0,
        seed: int = 0,
        device: str | torch.device = "cpu",
        threads: int | None = 1,
        progress: bool = True,
        description: str = "training",
    ) -> None:
        """Get ready to train; nothing happens until `train`.

        Arguments:
            model: what is trained, in place. It stays on `device` afterwards.
            batches: yields tuples of tensors for ever, (what the model reads ..., the answers).
            loss: loss(output of the model, answers), a tensor with one number.
            steps, seconds: how long to train: give one of the two.
            learning_rate: the largest step size of AdamW.
            weight_decay: how fast weights shrink, relative to the learning rate.
            warmup: share of the training during which the learning rate rises.
            clip: longest gradient; a longer one is shortened to it.
            seed: of the dropout. PyTorch's own random numbers are left as they were.
            device: "cpu" or "cuda".
            threads: of a training on the CPU. One is the quickest where the computer has
                other work, and gives the same losses whatever the number of cores. None: as
                many as PyTorch likes.
            progress: whether to show a progress bar (on stdout).
            description: what the progress bar says.

        Raises:
            ValueError: when not exactly one of steps and seconds is given, or it is not positive.
        """
        if (steps is None) == (seconds is None):
            raise ValueError(f"give either steps or seconds. Got steps={steps}, seconds={seconds}")
        for name, value in (("steps", steps), ("seconds", seconds)):
            if value is not None and value <= 0:
                raise ValueError(f"{name} must be positive. Got {value}")
        self.model = model.to(device)
        self.batches, self.loss = batches, loss
        self.steps, self.seconds = steps, seconds
        self.learning_rate, self.warmup, self.clip = learning_rate, warmup, clip
        self.device, self.threads = torch.device(device), threads
        self.progress, self.description = progress, description
        self.loss_history: list[float] = []
        self._seed = seed
        self._optimizer = torch.optim.AdamW(
            model.parameters(),
            lr=learning_rate,
            betas=(0.9, 0.98),
            weight_decay=weight_decay,
            fused=True,  # one kernel for all: a small model's many parameters cost more one by one
        )

    @classmethod
    def for_captions(
        cls, model: nn.Module, data: Captions, *, batch_size: int = 100, seed: int = 0, **options
    ) -> Trainer:
        """Return a trainer for a model of features and words, on a `CaptionSplit` or the like."""
        batches = caption_batches(data, batch_size, np.random.default_rng(seed))
        return cls(model, batches, caption_loss, seed=seed, **options)

    @classmethod
    def for_images(
        cls,
        model: nn.Module,
        images: torch.Tensor,
        labels: Sequence[int] | np.ndarray,
        *,
        batch_size: int = 100,
        seed: int = 0,
        **options,
    ) -> Trainer:
        """Return a trainer for a classifier of images (N, C, H, W) with labels (N,)."""
        batches = image_batches(images, labels, batch_size, np.random.default_rng(seed))
        return cls(model, batches, F.cross_entropy, seed=seed, **options)

    def train(self) -> None:
        """Train as long as was asked for; the model's parameters are changed in place.

        Raises:
            LossNotFinite: when the loss of a minibatch is NaN or infinite.
        """
        start, done = time.perf_counter(), 0.0
        bar = tqdm(
            total=self.steps,
            desc=self.description,
            file=sys.stdout,  # on stderr Jupyter paints it red
            mininterval=0.5,
            ncols=90,
            disable=not self.progress,
        )
        with bar, self.settings():
            while done < 1:
                loss = self.step(self.learning_rate * schedule(done, self.warmup))
                bar.set_postfix_str(f"loss {loss:.3f}", refresh=False)
                bar.update()
                if self.steps is not None:
                    done = len(self.loss_history) / self.steps
                else:
                    done = (time.perf_counter() - start) / self.seconds
        self.model.eval()

    def step(self, learning_rate: float) -> float:
        """Draw one minibatch, move every parameter once and return the loss before the move."""
        *inputs, answers = (part.to(self.device) for part in next(self.batches))
        self.model.train()
        loss = self.loss(self.model(*inputs), answers)
        if not torch.isfinite(loss):
            raise LossNotFinite(
                "the loss must stay finite. "
                f"Got {loss.item()} in minibatch {len(self.loss_history) + 1}"
            )
        self._optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        self._optimizer.step()
        self.loss_history.append(loss.item())
        return self.loss_history[-1]

    @contextlib.contextmanager
    def settings(self) -> Iterator[None]:
        """Set PyTorch's threads and random numbers for the training, and put them back."""
        before = torch.get_num_threads()
        graphics = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=graphics):
            torch.manual_seed(self._seed)
            if self.threads is not None:
                torch.set_num_threads(self.threads)
            try:
                yield
            finally:
                torch.set_num_threads(before)


def schedule(done: float, warmup: float = 0.1) -> float:
    """Return the factor on the learning rate when this share of the training is done."""
    # The very first step must move, too, so it counts as a bit of the warm-up.
    if done < warmup:
        return max(done / warmup, 0.02)
    return (1 + math.cos(math.pi * (done - warmup) / (1 - warmup))) / 2


def caption_batches(
    data: Captions, batch_size: int, rng: np.random.Generator, *, null: int = 0, pool: int = 8
) -> Iterator[Batch]:
    """Yield (features (B, D), words read (B, T), words to predict (B, T)) for ever.

    Captions that are about equally long stand together: of `pool` minibatches' captions the
    shortest make one, and so on, and each is cut off behind its longest caption. Less padding is
    computed so, for nothing.
    """
    while True:
        captions, features, _ = data.minibatch(rng, pool * batch_size)
        lengths = (captions != null).sum(axis=1)
        order = np.argsort(lengths, kind="stable")
        parts = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
        for i in rng.permutation(len(parts)):
            rows = parts[i]
            words = torch.as_tensor(captions[rows, : lengths[rows].max()], dtype=torch.long)
            seen = torch.as_tensor(features[rows], dtype=torch.float32)
            yield seen, words[:, :-1], words[:, 1:]


def image_batches(
    images: torch.Tensor,
    labels: Sequence[int] | np.ndarray,
    batch_size: int,
    rng: np.random.Generator,
) -> Iterator[Batch]:
    """Yield (images (B, C, H, W), labels (B,)) for ever; each image once before any twice."""
    labels = torch.as_tensor(np.asarray(labels), dtype=torch.long)
    if len(labels) != len(images):
        raise ValueError(
            f"there must be one label for each of the {len(images)} images. Got {len(labels)}"
        )
    while True:
        order = torch.as_tensor(rng.permutation(len(images)))
        for rows in order.split(batch_size):
            yield images[rows], labels[rows]

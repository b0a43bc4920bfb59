"""BLEU-4 of the course's captioners on unseen scenes, after the same training time for each.

    python benchmarks/captioners.py --models rnn lstm transformer --seconds 60

The models are the chapters' own solutions, trained on two cores. The learning rate falls along half
a cosine from its start to 0, whatever the number of minibatches that fit into the time. Each
caption is compared with four of its scene's five captions, as in the chapters.

On a busy computer `--clock cpu` counts the processor's time in place of the clock's: the seconds of
one thread for NumPy, whose products the solver keeps on one core, and half the seconds of both
threads for PyTorch.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch.nn import functional as F

from autograder.course import find_assignment
from autograder.mistakes import run_cells
from cs231n_utils.captioning import decode_captions
from cs231n_utils.data import load_captions
from cs231n_utils.data.captions import CaptionData
from cs231n_utils.metrics import corpus_bleu
from cs231n_utils.solver import CaptioningSolver


class Trainee(Protocol):
    """A model in training."""

    learning_rate: float
    threads: int

    def step(self, learning_rate: float) -> None:
        """Learn from one minibatch."""

    def sample(self, features: np.ndarray) -> np.ndarray:
        """Write captions, word ids (N, length)."""


class NumpyTrainee:
    """The RNN or the LSTM of the chapters; both learn from minibatches of 100 captions."""

    threads = 1

    def __init__(
        self,
        slug: str,
        cell_type: str,
        data: CaptionData,
        seed: int,
        hidden_dim: int,
        learning_rate: float,
    ) -> None:
        """Take the solution's class from the notebook and draw its parameters."""
        cells = run_cells(find_assignment(slug).solution_cells())
        self.learning_rate = learning_rate
        self.model = cells["CaptioningRNN"](
            data.word_to_idx,
            input_dim=data.feature_dim,
            wordvec_dim=128,
            hidden_dim=hidden_dim,
            cell_type=cell_type,
            rng=np.random.default_rng(seed),
        )
        if cell_type == "lstm":
            self.model.params["b"][hidden_dim : 2 * hidden_dim] = 1.0  # the forget gate
        rng = np.random.default_rng(1000 + seed)
        self.solver = CaptioningSolver(self.model, data.train, batch_size=100, rng=rng)
        self.sample = self.model.sample

    def step(self, learning_rate: float) -> None:
        """Learn from one minibatch."""
        self.solver.learning_rate = learning_rate
        with threadpool_limits(limits=1, user_api="blas"):
            self.solver.step()


class TransformerTrainee:
    """The Transformer, with the size and the batches of its chapter."""

    learning_rate, threads = 1e-3, 2

    def __init__(self, data: CaptionData, seed: int) -> None:
        """Take the solution's class from the notebook and draw its parameters."""
        torch.set_num_threads(self.threads)
        torch.manual_seed(seed)
        cells = run_cells(find_assignment("a5_transformer_captioning").solution_cells())
        self.model = cells["CaptioningTransformer"](
            data.word_to_idx, data.feature_dim, wordvec_dim=128, num_heads=4, num_layers=2
        )
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=self.learning_rate)
        self.rng = np.random.default_rng(1000 + seed)
        self.data = data
        self.sample = self.model.sample

    def step(self, learning_rate: float) -> None:
        """Learn from one minibatch."""
        captions, features, _ = self.data.train.minibatch(self.rng, 100)
        captions = torch.as_tensor(captions, dtype=torch.long)
        self.model.train()
        scores = self.model(torch.as_tensor(features), captions[:, :-1])
        null = self.data.word_to_idx["<NULL>"]
        loss = F.cross_entropy(scores.flatten(0, 1), captions[:, 1:].flatten(), ignore_index=null)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()


# Size and learning rate are the best of the few that were tried for 40 seconds: four for the RNN,
# five for the LSTM.
MODELS: dict[str, Callable[[CaptionData, int], Any]] = {
    "rnn": lambda data, seed: NumpyTrainee("a1_rnn_captioning", "rnn", data, seed, 256, 2e-3),
    "lstm": lambda data, seed: NumpyTrainee("a2_lstm_captioning", "lstm", data, seed, 128, 8e-3),
    "transformer": TransformerTrainee,
}


def train(trainee: Trainee, seconds: float, clock: str) -> int:
    """Train for so many seconds and return the number of minibatches."""

    def now() -> float:
        return time.process_time() / trainee.threads if clock == "cpu" else time.perf_counter()

    start, steps = now(), 0
    while (gone := (now() - start) / seconds) < 1:
        trainee.step(trainee.learning_rate * (1 + math.cos(math.pi * gone)) / 2)
        steps += 1
    return steps


def bleu_on_unseen_scenes(trainee: Trainee, data: CaptionData) -> float:
    """Return BLEU-4 of the model's captions against four captions of each unseen scene."""
    said = decode_captions(trainee.sample(data.val.features), data.idx_to_word)
    others = [data.val.references(row)[1:] for row in range(len(data.val))]
    return corpus_bleu([caption.split() for caption in said], others)


def main() -> None:
    """Train every model with every seed and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    parser.add_argument("--scenes", type=int, default=20000, help="to learn from")
    options = parser.parse_args()

    data = load_captions("scenes", num_train=options.scenes, seed=0)
    print(f"BLEU-4 on {len(data.val)} unseen scenes, {options.seconds:g} s of training each\n")
    seeds = " | ".join(f"seed {seed}" for seed in options.seeds)
    print(f"| model | {seeds} | mean | minibatches |")
    print("|---" * (len(options.seeds) + 3) + "|", flush=True)
    for name in options.models:
        scores, steps = [], []
        for seed in options.seeds:
            trainee = MODELS[name](data, seed)
            steps.append(train(trainee, options.seconds, options.clock))
            scores.append(bleu_on_unseen_scenes(trainee, data))
        row = " | ".join(f"{score:.3f}" for score in scores)
        print(f"| {name} | {row} | {np.mean(scores):.3f} | {np.mean(steps):.0f} |", flush=True)


if __name__ == "__main__":
    main()

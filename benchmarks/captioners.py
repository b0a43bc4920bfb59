"""BLEU-4 of the course's captioners on unseen scenes, after the same training time for each.

    python benchmarks/captioners.py --models rnn lstm transformer --seconds 60

The models are the chapters' own solutions, each with the size and learning rate of its chapter, and
each may use two threads (`--threads`). The learning rate follows the time that has gone, whatever
the number of minibatches that fit into it. Each caption is compared with four of its scene's five
captions, as in the chapters.

On a busy computer `--clock cpu` counts the processor's seconds in place of the clock's.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from autograder.course import find_assignment
from autograder.mistakes import run_cells
from cs231n_utils.captioning import decode_captions
from cs231n_utils.data import load_captions
from cs231n_utils.data.captions import CaptionData
from cs231n_utils.metrics import corpus_bleu
from cs231n_utils.solver import CaptioningSolver
from cs231n_utils.torch_training import (
    CAPTIONER_TRAINING,
    Trainer,
    make_captioner,
    schedule,
)


class Trainee(Protocol):
    """A model in training."""

    def step(self, done: float) -> None:
        """Learn from one minibatch when this share of the training is done."""

    def sample(self, features: np.ndarray) -> np.ndarray:
        """Write captions, word ids (N, length)."""


class RecurrentTrainee:
    """The RNN or the LSTM; both learn from minibatches of 100 captions."""

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
        self.learning_rate = learning_rate
        self.sample = self.model.sample

    def step(self, done: float) -> None:
        """Learn from one minibatch; the learning rate falls along half a cosine."""
        self.solver.learning_rate = self.learning_rate * (1 + math.cos(math.pi * done)) / 2
        self.solver.step()


class TransformerTrainee:
    """The Transformer, with the size and the training of its chapter."""

    def __init__(self, data: CaptionData, seed: int) -> None:
        """Take the solution's class from the notebook and draw its parameters."""
        cells = run_cells(find_assignment("a5_transformer_captioning").solution_cells())
        model = make_captioner(
            cells["CaptioningTransformer"], data.word_to_idx, data.feature_dim, seed=seed
        )
        self.trainer = Trainer.for_captions(
            model, data.train, steps=1, seed=seed, **CAPTIONER_TRAINING
        )
        self.sample = model.sample

    def step(self, done: float) -> None:
        """Learn from one minibatch; the learning rate rises first."""
        self.trainer.step(CAPTIONER_TRAINING["learning_rate"] * schedule(done))


# Size and learning rate of the first two are the best of the few that were tried for 40 seconds:
# four for the RNN, five for the LSTM.
MODELS: dict[str, Callable[[CaptionData, int], Trainee]] = {
    "rnn": lambda data, seed: RecurrentTrainee("a1_rnn_captioning", "rnn", data, seed, 256, 2e-3),
    "lstm": lambda data, seed: RecurrentTrainee(
        "a2_lstm_captioning", "lstm", data, seed, 128, 8e-3
    ),
    "transformer": TransformerTrainee,
}
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def train(trainee: Trainee, seconds: float, clock: Callable[[], float]) -> int:
    """Train for so many seconds and return the number of minibatches."""
    start, steps = clock(), 0
    while (done := (clock() - start) / seconds) < 1:
        trainee.step(done)
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
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--threads", type=int, default=2)
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
            torch.set_num_threads(options.threads)
            with threadpool_limits(limits=options.threads):  # BLAS
                steps.append(train(trainee, options.seconds, CLOCKS[options.clock]))
            scores.append(bleu_on_unseen_scenes(trainee, data))
        row = " | ".join(f"{score:.3f}" for score in scores)
        print(f"| {name} | {row} | {np.mean(scores):.3f} | {np.mean(steps):.0f} |", flush=True)


if __name__ == "__main__":
    main()

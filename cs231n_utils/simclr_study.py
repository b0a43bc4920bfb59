"""What SimCLR's temperature, batch size and projection head change: a study of many short runs.

    python -m cs231n_utils.simclr_study --loss assignments/a7_simclr/simclr.ipynb

The loss is yours: `simclr_loss_vectorized` is taken from your notebook (or from a .py file), with
the definitions and imports around it. Every run trains a fresh network on pictures without labels,
and then a linear classifier on its frozen features with a few labels. A finished run is a line of
runs.jsonl: interrupt the study whenever you like, and the same command goes on where it was. At the
end there are a table (table.md), a plot (study.png) and all the numbers (study.json).

`--full` trains ResNet-18 on CIFAR-10, on a GPU if there is one.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from cs231n_utils.data.objects32 import load_object_images

TEMPERATURES = (0.01, 0.1, 0.3, 0.5, 0.7, 1.0)
BATCH_SIZES = (32, 128, 256, 512)
HEADS = ("none", "linear", "mlp", "mlp_bn")
SWEEPS = {"temperature": TEMPERATURES, "batch_size": BATCH_SIZES, "head": HEADS}
LOSS = "simclr_loss_vectorized"
SEEDS = 3

load_pictures = lru_cache(1)(load_object_images)  # once for all runs of a process


@dataclass(frozen=True)
class Plan:
    """What every run of a study has in common.

    views: how many changed pictures a run sees in all, whatever its batch size.
    learning_rate: for a batch of 128; others get one in proportion to the square root of the size.
    draws: of the labelled pictures; a run's accuracy is the mean over the probes of them.
    """

    data: str = "scenes"
    num_train: int = 8192
    num_test: int = 2000
    encoder: str = "small"
    views: int = 98_304
    learning_rate: float = 5e-3
    weight_decay: float = 1e-4
    labels_per_class: int = 10
    draws: int = 5
    strength: float = 0.1
    device: str = "cpu"
    root: str | None = None


QUICK = Plan()
# 100 epochs of CIFAR-10, judged with a tenth of its labels.
FULL = Plan(
    data="cifar10",
    num_train=50_000,
    num_test=10_000,
    encoder="resnet18",
    views=100 * 2 * 50_000,
    learning_rate=7e-4,
    weight_decay=1e-6,
    labels_per_class=500,
    draws=1,
    strength=0.01,
)


@dataclass(frozen=True)
class Run:
    """One training: the three things that are studied, and a seed."""

    temperature: float = 0.5
    batch_size: int = 128
    head: str = "mlp_bn"
    seed: int = 0


@dataclass(frozen=True)
class Result:
    """What came of a run: accuracy of the linear probe, the last losses, seconds.

    Accuracy and loss are NaN where the loss did not stay finite.
    """

    run: Run
    accuracy: float
    loss: float
    seconds: float
    plan: dict[str, Any] = field(repr=False)


def planned(seeds: Sequence[int], sweeps: dict[str, Sequence] | None = None) -> list[Run]:
    """Return every run once: each sweep changes one thing and leaves the others as they are."""
    runs = [
        replace(Run(seed=seed), **{name: value})
        for seed in seeds
        for name, values in (sweeps or SWEEPS).items()
        for value in values
    ]
    return list(dict.fromkeys(runs))


def train_and_judge(plan: Plan, run: Run, loss: str) -> Result:
    """Do one run, with the loss from a file. Where that overflows, the study goes on."""
    from cs231n_utils import simclr
    from cs231n_utils.augment import Augmentation
    from cs231n_utils.loss_file import load_loss

    start = time.perf_counter()
    data = load_pictures(
        plan.data, num_train=plan.num_train, num_test=plan.num_test, root=plan.root
    )
    model = simclr.make_model(plan.encoder, run.head, seed=run.seed)
    try:
        history = simclr.train_simclr(
            model,
            data.train.images,
            load_loss(loss, LOSS),
            steps=max(1, plan.views // (2 * run.batch_size)),
            temperature=run.temperature,
            batch_size=run.batch_size,
            learning_rate=plan.learning_rate * (run.batch_size / 128) ** 0.5,
            weight_decay=plan.weight_decay,
            augment=simclr.SCENES_AUGMENTATION if plan.data == "scenes" else Augmentation(),
            seed=run.seed,
            device=plan.device,
            progress=False,
        )
    except simclr.LossNotFinite:
        return Result(run, np.nan, np.nan, round(time.perf_counter() - start, 1), asdict(plan))
    draws = simclr.draws_of_labels(
        data.train.labels, plan.labels_per_class, plan.draws, seed=run.seed
    )
    accuracy = simclr.mean_probe(
        model,
        data.train.images,
        data.train.labels,
        data.test.images,
        data.test.labels,
        draws=draws,
        strength=plan.strength,
    )
    seconds = time.perf_counter() - start
    last = float(np.mean(history[-20:]))
    return Result(run, accuracy, round(last, 4), round(seconds, 1), asdict(plan))


def study(
    plan: Plan,
    runs: Sequence[Run],
    loss: str | Path,
    folder: Path,
    *,
    processes: int = 2,
    progress: bool = True,
) -> list[Result]:
    """Do the runs that are not in the folder's runs.jsonl yet; return the results of all of them.

    Each run has a process and a thread of its own; processes=0 does them here, one by one.
    """
    from tqdm import tqdm

    folder.mkdir(parents=True, exist_ok=True)
    record = folder / "runs.jsonl"
    results = {result.run: result for result in read_results(record, plan)}
    missing = [run for run in runs if run not in results]
    _end_last_line(record)
    with tqdm(
        total=len(runs),
        initial=len(runs) - len(missing),
        desc="runs",
        unit="run",
        file=sys.stdout,
        disable=not progress,
    ) as bar:
        for result in _results(plan, missing, str(Path(loss).resolve()), processes):
            results[result.run] = result
            with open(record, "a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(result)) + "\n")
            bar.set_postfix_str(f"{100 * result.accuracy:.0f} %", refresh=False)
            bar.update()
    return [results[run] for run in runs]


def _results(plan: Plan, runs: Sequence[Run], loss: str, processes: int) -> Iterator[Result]:
    """Yield results as they come. An interruption gives up the runs that are not finished."""
    if processes < 1:
        yield from (train_and_judge(plan, run, loss) for run in runs)
        return
    pool = ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))
    try:
        waiting = {pool.submit(train_and_judge, plan, run, loss) for run in runs}
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for finished in done:
                yield finished.result()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in list((pool._processes or {}).values()):
            process.terminate()
        raise
    pool.shutdown()


def read_results(record: Path, plan: Plan) -> list[Result]:
    """Return the finished runs of this plan; a line that was not written to its end is left out."""
    if not record.exists():
        return []
    results = []
    for line in record.read_text(encoding="utf-8").splitlines():
        try:
            entry = json.loads(line)
            result = Result(**{**entry, "run": Run(**entry["run"])})
        except (ValueError, TypeError, KeyError):
            continue
        if result.plan == asdict(plan):
            results.append(result)
    return results


def _end_last_line(record: Path) -> None:
    """Let the next line begin on a line of its own, also after an interruption within one."""
    if record.exists() and not record.read_bytes().endswith(b"\n"):
        with open(record, "a", encoding="utf-8") as file:
            file.write("\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Do the study, or what is left of it, and write its table and plot.

    Returns 0, or 1 after an error that was explained.
    """
    from cs231n_utils.loss_file import NoSuchFunction, try_loss
    from cs231n_utils.simclr_report import save_report

    parser = argparse.ArgumentParser(
        prog="python -m cs231n_utils.simclr_study", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("--loss", required=True, help="notebook or .py file that defines the loss")
    parser.add_argument("--folder", type=Path, default=Path("simclr_study"), help="results")
    parser.add_argument("--full", action="store_true", help="ResNet-18 on CIFAR-10")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="runs of each setting")
    parser.add_argument("--processes", type=int, help="runs at the same time; 0: none beside this")
    parser.add_argument("--device", help='"cpu" or "cuda"')
    parser.add_argument("--views", type=int, help="changed pictures that a run sees")
    parser.add_argument("--num-train", type=int, help="pictures to learn from")
    parser.add_argument("--root", help="where downloads are kept")
    options = parser.parse_args(arguments)

    try:
        try_loss(options.loss, LOSS)
    except (NoSuchFunction, NotImplementedError, OSError) as error:
        print(f"The study needs a finished {LOSS}. {error}", file=sys.stderr)
        return 1
    plan = make_plan(options)
    processes = options.processes
    if processes is None:
        processes = 2 if plan.device == "cpu" else 1
    start = time.perf_counter()
    results = study(
        plan, planned(range(options.seeds)), options.loss, options.folder, processes=processes
    )
    save_report(results, options.folder)
    minutes = (time.perf_counter() - start) / 60
    print(f"{len(results)} runs, {minutes:.1f} minutes: {options.folder / 'table.md'}")
    return 0


def make_plan(options: argparse.Namespace) -> Plan:
    """Return the plan that the command line asks for."""
    import torch

    plan = FULL if options.full else QUICK
    device = options.device or ("cuda" if options.full and torch.cuda.is_available() else "cpu")
    names = ("views", "num_train", "root")
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    return replace(plan, device=device, **given)


if __name__ == "__main__":
    # By its name, which the other processes know it by.
    from cs231n_utils import simclr_study

    sys.exit(simclr_study.main())

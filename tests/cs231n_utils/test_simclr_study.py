"""The study of SimCLR's settings goes on where it was, takes the student's loss, and reports."""

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import torch

from cs231n_utils import simclr_study
from cs231n_utils.loss_file import NoSuchFunction, load_function, load_loss
from cs231n_utils.simclr_report import (
    load_study,
    plot_study,
    rows,
    save_report,
    study_table,
    sweep,
)
from cs231n_utils.simclr_study import (
    BATCH_SIZES,
    HEADS,
    QUICK,
    SEEDS,
    SWEEPS,
    TEMPERATURES,
    Plan,
    Result,
    Run,
    main,
    planned,
    read_results,
    study,
)

mpl.use("Agg")

# No loss of SimCLR's, but a number with a gradient.
LOSS = """
import torch

def helper(left, right):
    return (left - right).pow(2).sum(1).mean()

def simclr_loss_vectorized(out_left, out_right, tau):
    return helper(out_left, out_right) * tau
"""
NAME = "simclr_loss_vectorized"
SOLUTION = Path(__file__).parents[2] / "solutions" / "a7_simclr" / "simclr.ipynb"
TINY = Plan(num_train=64, num_test=20, views=64, labels_per_class=1)


@pytest.fixture
def loss(tmp_path):
    path = tmp_path / "loss.py"
    path.write_text(LOSS)
    return path


def notebook(path, *cells):
    cells = [{"cell_type": "code", "source": source.splitlines(True)} for source in cells]
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": "x ="}, *cells]}))
    return path


def made_up(run, accuracy=0.5):
    return Result(run, accuracy, 1.0, 2.0, {})


def test_each_sweep_changes_one_thing_and_no_run_is_there_twice():
    runs = planned([0, 1])
    assert len(runs) == len(set(runs)) == 2 * 12
    assert {run.temperature for run in runs} == set(TEMPERATURES)
    assert {run.batch_size for run in runs} == set(BATCH_SIZES)
    assert {run.head for run in runs} == set(HEADS)
    usual = Run()
    for run in runs:
        changed = [name for name in SWEEPS if getattr(run, name) != getattr(usual, name)]
        assert len(changed) <= 1


def test_an_interrupted_study_does_only_what_is_left(loss, tmp_path, monkeypatch):
    done, truly = [], simclr_study.train_and_judge

    def counted(plan, run, path):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(run)
        return truly(plan, run, path)

    monkeypatch.setattr(simclr_study, "train_and_judge", counted)
    runs = [Run(batch_size=size) for size in (8, 16, 32)]
    folder = tmp_path / "study"
    with pytest.raises(KeyboardInterrupt):
        study(TINY, runs, loss, folder, processes=0, progress=False)
    record = folder / "runs.jsonl"
    assert len(record.read_text().splitlines()) == 2
    with open(record, "a") as file:
        file.write('{"run": {"temper')  # the computer was switched off within a line
    done[:] = [None]
    results = study(TINY, runs, loss, folder, processes=0, progress=False)
    assert done == [None, runs[2]]
    assert [result.run for result in results] == runs
    assert {result.run for result in read_results(record, TINY)} == set(runs)
    assert all(0 <= result.accuracy <= 1 and result.seconds >= 0 for result in results)
    # Another plan is another study.
    assert read_results(record, replace(TINY, views=128)) == []


def test_runs_repeat_themselves_and_need_no_process_of_their_own(loss, tmp_path):
    runs = [Run(batch_size=16)]
    here = study(TINY, runs, loss, tmp_path / "here", processes=0, progress=False)
    there = study(TINY, runs, loss, tmp_path / "there", processes=1, progress=False)
    assert (here[0].accuracy, here[0].loss) == (there[0].accuracy, there[0].loss)


def test_the_full_study_runs_with_its_own_network_on_a_cpu(loss):
    # ResNet-18 and CIFAR-10's augmentation, on pictures that need no download.
    plan = replace(TINY, encoder="resnet18", num_test=4, num_train=40, views=16)
    result = simclr_study.train_and_judge(plan, Run(batch_size=4, head="none"), str(loss))
    assert result.plan["encoder"] == "resnet18"
    assert result.loss > 0


def test_exponentials_as_they_stand_in_the_text_do_at_the_lowest_temperature():
    loss = load_loss(SOLUTION, NAME)
    left, right = torch.eye(4), torch.eye(4).roll(1, 0)  # partners at right angles
    value = loss(left.requires_grad_(), right, min(TEMPERATURES))
    assert value.item() == pytest.approx(100, rel=1e-6)
    value.backward()
    assert left.grad.dtype == torch.float32
    assert torch.isfinite(left.grad).all()
    assert torch.isinf(load_function(SOLUTION, NAME)(left, right, min(TEMPERATURES)))


def test_a_run_whose_loss_overflows_is_told_and_the_study_goes_on(tmp_path):
    path = tmp_path / "loss.py"
    path.write_text(LOSS.replace("* tau", "/ max(0, tau - 0.01)"))
    runs = [Run(temperature=tau, batch_size=16) for tau in (0.01, 1.0)]
    results = study(TINY, runs, path, tmp_path / "study", processes=0, progress=False)
    assert [bool(np.isnan(result.accuracy)) for result in results] == [True, False]
    assert read_results(tmp_path / "study" / "runs.jsonl", TINY)[1] == results[1]
    lines = study_table([made_up(Run(temperature=0.01), np.nan), made_up(Run())]).splitlines()
    assert lines[2] == "| temperature | 0.01 |  | the loss did not stay finite |"
    assert plot_study([made_up(Run(temperature=0.01), np.nan), made_up(Run())])


def test_the_loss_comes_out_of_a_notebook_and_nothing_else_is_run(tmp_path):
    path = notebook(
        tmp_path / "a.ipynb",
        "%matplotlib inline\nimport torch\nraise SystemExit('never')",
        "this cell is broken",
        *LOSS.strip().split("\n\n"),
    )
    loss = load_function(path, "simclr_loss_vectorized")
    import torch

    left, right = torch.zeros(2, 3), torch.ones(2, 3)
    assert loss(left, right, 0.5) == 1.5


def test_the_loss_comes_out_of_a_notebook_that_imports_torchvision(tmp_path):
    # In a process of its own: elsewhere torchvision is there already.
    start = "from cs231n_utils.vision import import_torchvision\nimport_torchvision()\n"
    path = notebook(tmp_path / "a.ipynb", start + "from torchvision import transforms", LOSS)
    take = f"from cs231n_utils.loss_file import load_function as f; f({str(path)!r}, {NAME!r})"
    done = subprocess.run([sys.executable, "-c", take], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def other(): pass", r"must define simclr_loss_vectorized\. Got other"),
        ("import no_such_module", r"must run on their own\. Got ModuleNotFoundError"),
    ],
)
def test_a_file_without_the_loss_is_named(text, message, tmp_path):
    (tmp_path / "x.py").write_text(text)
    with pytest.raises(NoSuchFunction, match=message):
        load_function(tmp_path / "x.py", "simclr_loss_vectorized")


@pytest.mark.parametrize(
    "body",
    [
        "raise NotImplementedError('write it')",
        "return 3.0",
        "return out_left",
        "return (out_left * 1e999).sum()",
    ],
)
def test_an_unfinished_loss_is_told_before_anything_is_trained(body, tmp_path, capsys):
    path = tmp_path / "x.py"
    path.write_text(f"def simclr_loss_vectorized(out_left, out_right, tau):\n    {body}\n")
    assert main(["--loss", str(path), "--folder", str(tmp_path / "study")]) == 1
    assert "needs a finished simclr_loss_vectorized" in capsys.readouterr().err
    assert not (tmp_path / "study").exists()


def test_the_command_writes_table_plot_and_numbers(loss, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(simclr_study, "QUICK", TINY)
    small = {"temperature": (0.5,), "batch_size": (16, 128), "head": ("none",)}
    monkeypatch.setattr(simclr_study, "SWEEPS", small)
    monkeypatch.setattr(simclr_study, "Run", Run)
    folder = tmp_path / "study"
    options = ["--seeds", "1", "--processes", "0", "--num-train", "128"]
    assert main(["--loss", str(loss), "--folder", str(folder), *options]) == 0
    assert "3 runs" in capsys.readouterr().out
    names = {path.name for path in folder.iterdir()}
    assert names == {"runs.jsonl", "study.json", "study.png", "table.csv", "table.md"}
    assert sum(path.stat().st_size for path in folder.iterdir()) < 200_000
    assert [result.run for result in load_study(folder / "study.json")] == planned([0], small)


def test_a_sweep_holds_the_default_and_all_seeds():
    results = [made_up(run, 0.1 * run.seed) for run in planned([1, 2, 3])]
    for name, values in SWEEPS.items():
        found = sweep(results, name)
        assert list(found) == list(values)
        assert all(len(runs) == 3 for runs in found.values())
    row = rows(results)[0]
    assert (row["accuracy"], row["lowest"], row["highest"]) == (20.0, 10.0, 30.0)


def test_the_table_prints_the_default_bold_and_the_plot_shows_every_run(tmp_path):
    results = [made_up(run, 0.3) for run in planned([0, 1])]
    text = study_table(results)
    assert text.count("**") == 2 * len(SWEEPS)
    assert len(text.splitlines()) == 2 + 14
    figure = plot_study(results)
    dots = [line for ax in figure.axes for line in ax.lines if line.get_marker() == "o"]
    assert sum(len(line.get_xdata()) for line in dots) == 2 * 14
    save_report(results, tmp_path)
    assert (tmp_path / "table.csv").read_text().count("\n") == 15


def test_the_study_that_comes_with_the_course_is_whole_and_of_this_plan():
    results = load_study()
    assert [result.run for result in results] == planned(range(SEEDS))
    assert all(result.plan == asdict(QUICK) for result in results)
    assert all(0.1 < result.accuracy < 1 for result in results)


def test_the_chapter_shows_the_table_of_the_study_that_comes_with_the_course():
    cells = {
        cell["id"]: "".join(cell["source"]) for cell in json.loads(SOLUTION.read_text())["cells"]
    }
    assert study_table(load_study()) in cells["study-found"]

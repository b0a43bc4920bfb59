"""What benchmarks/grading.py compares with: stock nbgrader, otter-grader, and the floor."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path

import nbformat

from autograder.course import Assignment, course_root, find_assignment, is_shown_only

SLUG = "a1_rnn_captioning"
STOCK_CONFIG = """
c = get_config()
c.CourseDirectory.root = {root!r}
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "assignments"
c.ClearSolutions.code_stub = {{"python": "raise NotImplementedError()"}}
"""
OTTER_TEST = """OK_FORMAT = True

test = {{
    "name": "{name}",
    "points": {points},
    "suites": [{{"cases": [{{"code": {code!r}, "hidden": False, "locked": False}}]}}],
}}
"""


def plainer(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a notebook without demonstrations, whose hidden cells run the public check."""
    notebook = nbformat.from_dict(notebook)
    kept = []
    for cell in notebook.cells:
        if cell.cell_type == "code" and is_shown_only(cell):
            continue
        if cell.id.endswith("-hidden"):
            cell.source = f"check({cell.id.removesuffix('-hidden')!r})"
        kept.append(cell)
    notebook.cells = kept
    return notebook


def make_stock(
    root: Path, count: int, hand_in: Callable[[Assignment, int], nbformat.NotebookNode]
) -> Path:
    """Make a course for nbgrader as it comes, with the same students; return its folder."""
    assignment = find_assignment(SLUG, course_root())
    source = root / "solutions" / SLUG
    source.mkdir(parents=True)
    (root / "nbgrader_config.py").write_text(STOCK_CONFIG.format(root=str(root)))
    nbformat.write(plainer(assignment.solution), source / assignment.solution_path.name)
    environment = os.environ | {"PYTHONPATH": str(course_root())}
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", SLUG, "--force"]
    subprocess.run(command, cwd=root, env=environment, check=True, capture_output=True)
    for number in range(count):
        folder = root / "submitted" / f"s{number % 2}-{number:04}" / SLUG
        folder.mkdir(parents=True)
        path = folder / assignment.release_path.name
        nbformat.write(plainer(hand_in(assignment, number)), path)
    return root


def make_otter(folder: Path, stock: Path, ready: Path | None) -> tuple[Path | None, str]:
    """Make an otter assignment of the same submissions; return its interpreter, or why there is
    none.

    otter-grader is installed into an environment of its own, on top of ours; `ready` is one that
    was made before.
    """
    python = (ready or folder / "environment") / "bin" / "python"
    if ready is None:
        venv.create(folder / "environment", with_pip=True)
        ours = next(path for path in sys.path if path.endswith("site-packages"))
        (site,) = (folder / "environment").glob("lib/*/site-packages")
        (site / "ours.pth").write_text(ours + "\n")
        command = [python, "-m", "pip", "install", "--quiet", "otter-grader"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return None, "otter-grader could not be installed: " + done.stderr.strip()[-200:]
    tests = folder / "tests"
    tests.mkdir(parents=True, exist_ok=True)
    for name, exercise in find_assignment(SLUG, course_root()).exercises.items():
        code = (
            ">>> from cs231n_utils.checking import examine\n"
            f">>> examine({name!r}, globals()).right\nTrue"
        )
        test = OTTER_TEST.format(name=name, points=exercise.points, code=code)
        (tests / f"{name}.py").write_text(test)
    command = [
        python,
        "-m",
        "otter",
        "generate",
        "-t",
        tests,
        "-o",
        folder / "autograder.zip",
        "--no-environment",
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        return None, "otter generate failed: " + done.stderr.strip()[-200:]
    for number, path in enumerate(sorted(stock.glob(f"submitted/*/{SLUG}/*.ipynb"))):
        notebook = nbformat.read(path, as_version=4)
        notebook.cells = [cell for cell in notebook.cells if not cell.id.endswith("-hidden")]
        nbformat.write(notebook, folder / f"{number}.ipynb")
    return python, ""


def otter_run(python: Path, folder: Path) -> None:
    """Grade each submission by `otter run`, one after another."""
    environment = os.environ | {"PYTHONPATH": str(course_root()), "OMP_NUM_THREADS": "1"}
    for path in sorted(folder.glob("*.ipynb")):
        out = folder / "results" / path.stem
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        command = [python, "-m", "otter", "run", path, "-a", folder / "autograder.zip", "-o", out]
        done = subprocess.run(
            command, cwd=out, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode or not json.loads((out / "results.json").read_text())["tests"]:
            raise SystemExit(f"otter run failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def floor(root: Path, slug: str, count: int) -> float:
    """Return the seconds for each submission of a process that does only what must be done.

    It has everything imported and the known mistakes' answers ready, forks for each submission,
    runs the student's cells there and judges every exercise: no sandbox, no files, no gradebook.
    """
    command = [sys.executable, __file__, str(root), slug, str(count)]
    environment = os.environ | {"PYTHONPATH": str(course_root()), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def _floor(root: Path, slug: str, count: int) -> float:
    import cs231n_utils.plots  # noqa: F401
    from autograder.course import definition_cells
    from autograder.judge import judge
    from autograder.mistakes import MistakeBank, run_cells
    from autograder.student import Local

    assignment = find_assignment(slug, root)
    bank = MistakeBank(assignment)
    paths = sorted(root.glob(f"submitted/*/{slug}/*.ipynb"))[:count]
    for exercise in assignment.exercises.values():
        for mistake in exercise.mistakes:
            bank.logs(exercise, mistake, 1)

    def grade(path: Path) -> None:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                names = run_cells(definition_cells(nbformat.read(path, as_version=4)))
                for exercise in assignment.exercises.values():
                    judge(exercise, Local(names), 1, bank=bank)
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0, path

    grade(paths[0])
    began = time.perf_counter()
    for path in paths:
        grade(path)
    return (time.perf_counter() - began) / len(paths)


if __name__ == "__main__":
    print(_floor(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))

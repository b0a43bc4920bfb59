"""What nbgrader_config.py installs: our steps in nbgrader's own way of grading.

    RepairCells    first step of sanitizing: the notebook back into the release's shape
    JudgeCells     in the place of Execute: student's cells in the sandbox, marks by our judge
    SaveComments   last: what the grader has to say, into the gradebook's comments

The autograded notebook itself carries the record of its grading (`nb.metadata["grading"]`), for the
class report, and begins with a cell "Notes from the grader", for the student and the teacher.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import sys
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_output
from nbgrader.api import Gradebook
from nbgrader.preprocessors import GetGrades, NbGraderPreprocessor
from nbgrader.utils import determine_grade, is_grade, is_solution
from traitlets import Bool, Float, Integer, Unicode, default
from traitlets.config import Config

from autograder.course import Assignment
from autograder.fingerprints import fingerprint
from autograder.intake import IntakeLimits
from autograder.late import PLUGIN
from autograder.mistakes import MistakeBank
from autograder.repair import repair
from autograder.safe_autograde import AUTOGRADE, SANITIZE, SafeAutograde

RECORD = "grading"
NOTES_CELL = "grader-notes"
COLAB = "autograder.colab.ColabCell"
SANDBOX_VARIABLE = "CS231N_SANDBOX"


class HookNotInstalled(RuntimeError):
    """nbgrader is not built as we know it, so submissions would reach it without our intake."""


def install(config: Config) -> None:
    """Put our steps into an nbgrader configuration, and our Autograde into nbgrader.

    nbgrader has no setting for the class that grades, so its name is replaced where the command
    (`nbgrader autograde`) and the formgrader look it up. Anything unexpected raises, and
    nbgrader_config.py then ends the program: grading without our steps would run students' code
    with the teacher's rights.
    """
    from nbgrader import converters
    from nbgrader.apps import api, autogradeapp

    for module in (autogradeapp, api, converters):
        known = getattr(module, "Autograde", None)
        if not (isinstance(known, type) and issubclass(SafeAutograde, known)):
            raise HookNotInstalled(
                f"{module.__name__}.Autograde must be nbgrader's own, of version 0.9. Got {known!r}"
            )
        module.Autograde = SafeAutograde
    if shutil.which("alembic") is None:
        # nbgrader makes a new gradebook with the help of this program, by its bare name; it lies
        # beside the interpreter, also where nobody activated the virtual environment.
        programs = str(Path(sys.executable).parent)
        os.environ["PATH"] = os.pathsep.join([programs, os.environ.get("PATH", os.defpath)])
    # nbgrader 0.9 fills a submission with rows before it adds it to the session; SQLAlchemy remarks
    # on the order for each student.
    warnings.filterwarnings("ignore", message=r"Object of type <Submitted\w+> not in session")
    config.Autograde.sanitize_preprocessors = SANITIZE
    config.Autograde.autograde_preprocessors = AUTOGRADE
    released = config.GenerateAssignment
    released.setdefault("preprocessors", converters.GenerateAssignment.preprocessors.default())
    released.preprocessors.insert(0, COLAB)
    if "plugin_class" not in config.AssignLatePenalties:  # a course may have one of its own
        config.AssignLatePenalties.plugin_class = PLUGIN
    set_pages(config)


def set_pages(config: Config) -> None:
    """Let feedback pages be ours, and what nbgrader shows of a submission be cleaned."""
    config.GenerateFeedback.exporter_class = "autograder.report.feedback.FeedbackExporter"
    config.GenerateFeedback.preprocessors = [GetGrades]  # our page has a style of its own
    config.HTMLExporter.filters = {
        "markdown2html": "autograder.safe_page.safe_markdown",
        "highlight_code": "autograder.safe_page.safe_highlight",
        "clean_html": "autograder.safe_page.safe_clean",
    }


@cache
def process_seed() -> int:
    """The secret seed of everything that this process grades: everybody gets the same inputs."""
    return secrets.randbits(62)


@cache
def _mistake_bank(assignment: Assignment) -> MistakeBank:
    """What the known mistakes answer: worked out once for all submissions of this process."""
    return MistakeBank(assignment)


class RepairCells(NbGraderPreprocessor):
    """Bring the notebook back into the release's shape, and begin the record of its grading."""

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Repair a submitted notebook."""
        about = resources["nbgrader"]
        repaired = repair(nb, about["release"])
        nb = repaired.notebook
        nb.metadata[RECORD] = {"notes": [*about["intake_notes"], *repaired.notes]}
        return nb, resources


class JudgeCells(NbGraderPreprocessor):
    """Run the student's cells in the sandbox and write each test cell's outputs ourselves."""

    backend = Unicode(
        help="Where student code runs: auto, bwrap, podman, docker, user or none. "
        f"Default: ${SANDBOX_VARIABLE}, or auto."
    ).tag(config=True)
    seed = Integer(help="Seed of the hidden tests' inputs. Default: a secret of each run.").tag(
        config=True
    )
    cell_seconds = Float(60.0, help="Wall time for one cell of the notebook.").tag(config=True)
    call_seconds = Float(5.0, help="Wall time for one call of a student's function.").tag(
        config=True
    )
    submission_seconds = Float(300.0, help="Wall time for one notebook.").tag(config=True)
    tell_hidden = Bool(
        False,
        help="Tell in feedback what failing cases said on the hidden inputs. A student's code may "
        "put these inputs into an exception's message.",
    ).tag(config=True)

    @default("backend")
    def _backend_default(self) -> str:
        return default_backend()

    @default("seed")
    def _seed_default(self) -> int:
        return process_seed()

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Grade a repaired notebook."""
        from autograder.course import find_assignment

        about = resources["nbgrader"]
        assignment = find_assignment(about["assignment"], Path(about["root"]))
        files = students_files(Path(about["folder"]))
        bank = _mistake_bank(assignment)
        nb = judge_notebook(nb, assignment, self, files, bank, about["starter"])
        return nb, resources


class SaveComments(NbGraderPreprocessor):
    """Save hints and notes as nbgrader's automatic comments; a teacher's own comments stay."""

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Comment on the solution cells of a graded notebook."""
        about = resources["nbgrader"]
        place = about["notebook"], about["assignment"], about["student"]
        with Gradebook(about["db_url"]) as gradebook:
            for name, said in remarks(nb).items():
                comment = gradebook.find_comment(name, *place)
                comment.auto_comment = "\n\n".join(filter(None, [comment.auto_comment, *said]))
            gradebook.db.commit()
        return nb, resources


def judge_notebook(
    nb: NotebookNode,
    assignment: Assignment,
    options: JudgeCells,
    files: Mapping[str, bytes],
    bank: MistakeBank | None,
    starter: Callable[..., Any] | None = None,
) -> NotebookNode:
    """Run a repaired notebook's cells in the sandbox, let the judge mark it, and keep the record.

    `files` are what lies beside the notebook; `starter` starts the student's process (default: a
    fresh interpreter).
    """
    from autograder.grading import grade_notebook
    from autograder.sandbox import Limits

    limits = Limits(
        cell_seconds=options.cell_seconds,
        call_seconds=options.call_seconds,
        submission_seconds=options.submission_seconds,
    )
    graded = grade_notebook(
        nb,
        assignment,
        seed=options.seed,
        limits=limits,
        tell_hidden=options.tell_hidden,
        backend=options.backend,
        files=files,
        bank=bank,
        **({} if starter is None else {"starter": starter}),
    )
    record = dict(nb.metadata[RECORD])
    nb = graded.nb
    for cell in nb.cells:
        if is_grade(cell) and not is_solution(cell):
            record["notes"] += mark_only_what_was_judged(cell, graded.verdicts)
    record["notes"] += graded.notes
    if graded.sandbox == "none":
        record["notes"].append("This was graded without a sandbox (--sandbox=none).")
    record |= {
        "sandbox": graded.sandbox,
        "seconds": round(graded.seconds, 3),
        "seed": options.seed,
        "exercises": {name: describe(verdict) for name, verdict in graded.verdicts.items()},
    }
    nb.metadata[RECORD] = record
    nb.cells = [cell for cell in nb.cells if cell.id != NOTES_CELL]
    if record["notes"]:
        nb.cells.insert(0, notes_cell(record["notes"]))
    return nb


def remarks(nb: NotebookNode) -> dict[str, list[str]]:
    """Return what a graded notebook's record says on its solution cells: notes on the first, hints
    where they belong.
    """
    record = nb.metadata[RECORD]
    solutions = [cell.metadata.nbgrader.grade_id for cell in nb.cells if is_solution(cell)]
    found = {}
    for number, name in enumerate(solutions):
        said = list(record["notes"]) if number == 0 else []
        judged = record["exercises"].get(name, {})
        if judged.get("hint"):
            said.append(f"It looks as if {judged['mistake']}. {judged['hint']}")
        if said:
            found[name] = said
    return found


def default_backend() -> str:
    """The sandbox to use when none is named: the environment's word, else the best there is."""
    return os.environ.get(SANDBOX_VARIABLE, "") or "auto"


def students_files(folder: Path) -> dict[str, bytes]:
    """What intake took beside the notebook: the student's own modules and data."""
    limit = IntakeLimits()
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    others = [path.relative_to(folder) for path in files if path.suffix != ".ipynb"]
    named = sorted(path.as_posix() for path in others)
    return {name: (folder / name).read_bytes() for name in named[: limit.files]}


def mark_only_what_was_judged(cell: NotebookNode, verdicts: dict[str, Any]) -> list[str]:
    """Make sure that nbgrader reads our judge's points from a test cell, or 0: never full by
    default.

    nbgrader gives full points to a test cell without output, with text, NaN or -1. Returns a
    sentence when the cell had to be corrected.
    """
    name = cell.metadata.nbgrader.grade_id.removesuffix("-hidden")
    verdict = verdicts.get(name)
    try:
        results = [out for out in cell.outputs if out.output_type == "execute_result"]
        shown = results[0]["data"]["text/plain"] if len(results) == 1 else ""
        points, maximum = determine_grade(cell)
        plain_number = isinstance(shown, str) and re.fullmatch(r"\d+(\.\d+)?", shown)
        if verdict and plain_number and points == min(verdict.points, maximum):
            return []
    except (AttributeError, KeyError, TypeError, ValueError):
        pass
    nothing = new_output("execute_result", {"text/plain": "0.0"}, execution_count=None)
    cell.outputs = [
        new_output("stream", name="stdout", text="This cell was not marked.\n"),
        nothing,
    ]
    return [f"“{name}” could not be marked, so it counts 0 points; please tell your teacher."]


def describe(verdict: Any) -> dict[str, Any]:
    """A verdict as it is kept in the notebook's record.

    `print` is what the class report knows answers by that are wrong in the same way.
    """
    return {
        "points": float(verdict.points),
        "max_points": float(verdict.max_points),
        "mistake": verdict.mistake.name if verdict.mistake else None,
        "hint": verdict.mistake.hint if verdict.mistake else None,
        "error": verdict.error,
        "print": None if verdict.mistake or _is_right(verdict) else fingerprint(verdict.logs),
        "cases": [
            {"name": case.name, "passed": bool(case.passed), "message": case.message}
            for case in verdict.cases
        ],
    }


def _is_right(verdict: Any) -> bool:
    return verdict.points >= verdict.max_points


def notes_cell(notes: list[str]) -> NotebookNode:
    """The cell at the top that tells what the grader saw and did."""
    # A note may hold words of the student's; a backslash keeps markdown and HTML from starting.
    lines = [re.sub(r"([\\`*_{}\[\]<>#|$~!&])", r"\\\1", note) for note in notes]
    text = "## Notes from the grader\n\n" + "\n".join(f"- {line}" for line in lines)
    return new_markdown_cell(source=text, id=NOTES_CELL)

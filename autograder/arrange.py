"""Find the release's notebooks in what a student handed in, and drop what nbgrader stumbles over.

Nothing in a submission stops the class: a notebook that is missing or cannot be read becomes the
unfilled notebook of the release (which earns 0 points), and a sentence for the student and the
teacher says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import parse_utc

from autograder.intake import IGNORED, LIMITS, IntakeLimits, Submission, read_submission
from autograder.moments import PLAIN, NotAMoment, read_moment
from autograder.notebook_file import NotANotebook, parse_notebook
from autograder.wording import few, shown

TIMESTAMP = "timestamp.txt"


@dataclass
class Arranged:
    """A submission with each of the release's notebooks, the other files, and all sentences."""

    notebooks: dict[str, NotebookNode]
    files: dict[str, bytes]
    notes: list[str]


def arrange(submission: Submission, release: Mapping[str, NotebookNode]) -> Arranged:
    """Find the release's notebooks in a submission: each is there afterwards, and valid.

    `release` maps a notebook's file name (`"rnn_captioning.ipynb"`) to the released, unfilled
    notebook. No notes mean that everything was as it should be.
    """
    files, notes = dict(submission.files), list(submission.notes)
    notes += _drop_bad_timestamp(files)
    notebooks = {}
    for name, unfilled in release.items():
        found, said = _find_notebook(name, [Path(path) for path in files], set(release))
        notes += said
        notebooks[name] = unfilled
        if found is not None:
            try:
                notebooks[name] = parse_notebook(files.pop(found.as_posix()))
            except NotANotebook as error:
                notes.append(f"{shown(str(found))} {error}, so it counts as not filled in.")
    # nbgrader converts every notebook that it finds, also one that the course does not know.
    others = [path for path in files if path.endswith(".ipynb")]
    for other in others:
        del files[other]
    if others:
        notes.append(
            f"{few([shown(path) for path in others])} was not marked, only {few([*release])}."
        )
    return Arranged(notebooks, files, notes)


def take_in(
    submitted: Path,
    student: str,
    assignment: str,
    target: Path,
    release: Mapping[str, NotebookNode],
    limits: IntakeLimits = LIMITS,
    ignore: Sequence[str] = IGNORED,
) -> list[str]:
    """Copy a submission to the new folder `target`, arranged for nbgrader; return the sentences for
    the student and the teacher.
    """
    submission = read_submission(submitted, student, assignment, limits, ignore)
    arranged = arrange(plain_time(submission), release)
    write_files(arranged.files, target)
    for name, notebook in arranged.notebooks.items():
        nbformat.write(notebook, target / name)
    return arranged.notes


def write_files(files: Mapping[str, bytes], target: Path) -> None:
    """Write files into the new folder `target`."""
    target.mkdir(parents=True)
    for name, content in files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(content)


def _find_notebook(
    name: str, files: Sequence[Path], expected: set[str]
) -> tuple[Path | None, list[str]]:
    """The submitted file that stands for the release's notebook `name`, and what there is to say
    about it.
    """
    if Path(name) in files:
        return Path(name), []
    others = [path for path in files if path.suffix == ".ipynb" and str(path) not in expected]
    # A notebook beside the expected place comes before one in a folder (a whole course folder,
    # zipped).
    others = [path for path in others if len(path.parts) == 1] or others
    if not others:
        return None, [f"{name} was not handed in, so it counts as not filled in."]
    if len(others) == 1:
        return others[0], [
            f"{name} was not handed in; {shown(str(others[0]))} was marked in its place."
        ]
    listed = few([shown(str(path)) for path in others])
    return None, [
        f"{name} was not handed in, and it is not clear which of {listed} stands for it, "
        "so it counts as not filled in."
    ]


def _drop_bad_timestamp(files: dict[str, bytes]) -> list[str]:
    """nbgrader reads timestamp.txt of a submission and fails for a student if it is no date."""
    try:
        read_timestamp(files)
        return []
    except (NotAMoment, UnicodeDecodeError):
        del files[TIMESTAMP]
        return ["timestamp.txt does not hold a date, so the time of handing in is not known."]


def read_timestamp(files: Mapping[str, bytes]) -> datetime | None:
    """When it was handed in, in UTC; None if nothing says so. Raises NotAMoment."""
    text = files.get(TIMESTAMP, b"").decode("ascii").strip()
    return read_moment(text) if text else None


def plain_time(submission: Submission) -> Submission:
    """Return a submission whose timestamp.txt nbgrader reads as we do: it misreads some zones."""
    try:
        when = read_timestamp(submission.files)
    except (NotAMoment, UnicodeDecodeError):
        return submission
    if when is None or _as_nbgrader_reads(submission.files[TIMESTAMP]) == when:
        return submission
    files = submission.files | {TIMESTAMP: when.strftime(PLAIN).encode()}
    return replace(submission, files=files)


def _as_nbgrader_reads(text: bytes) -> datetime | None:
    try:
        return parse_utc(text.decode("ascii").strip())
    except Exception:  # dateutil raises many kinds
        return None

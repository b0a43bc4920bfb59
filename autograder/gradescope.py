"""The archive that Gradescope wants for a programming assignment: autograder.zip for one of ours.

    python -m autograder gradescope a1_rnn_captioning

It holds the grader, one assignment (its solution, release and hidden inputs' seed as lesson.json),
what installs it (setup.sh) and what grades one submission (run_autograder). It is for the teacher
to upload, and for nobody else. The format: gradescope-autograders.readthedocs.io, "specs".
"""

from __future__ import annotations

import importlib.metadata
import re
import shlex
import sys
import tomllib
from pathlib import Path

import cs231n_utils

from . import exercises
from .bundle import PACKAGE_FILES
from .course import Assignment
from .one import lesson_as_json, lesson_of
from .zips import regular_files, write_zip

GRADER_FILES = {".py", ".html", ".css", ".j2", ".txt"}
NOT_NEEDED = {"jupyterlab"}

SETUP = """#!/usr/bin/env bash
# Gradescope runs this once, as root, when the archive is uploaded: Ubuntu 22.04 or later.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
source="${{AUTOGRADER_HOME:-/autograder}}/source"
# pip's further index, if the teacher's machine had one: of PyTorch's CPU builds, which are smaller.
export PIP_EXTRA_INDEX_URL={index}
apt-get update -q
apt-get install -q -y bubblewrap || echo "no bubblewrap: another wall has to do"
python=
for version in {python} 3.13 3.12 3.11; do
    if apt-get install -q -y "python$version" "python$version-venv"; then
        python="python$version"
        break
    fi
done
test -n "$python" || {{ echo "Python 3.11 or newer is needed: choose a newer Ubuntu" >&2; exit 1; }}
"$python" -m venv /opt/cs231n
/opt/cs231n/bin/pip install --quiet -r "$source/requirements.txt"
/opt/cs231n/bin/python -c "import matplotlib.font_manager"
chmod 700 "$source"  # the tests are nobody else's to read
cd "$source" && PYTHONPATH="$source" /opt/cs231n/bin/python -m autograder sandbox
"""

RUN = """#!/usr/bin/env bash
# Gradescope runs this, as root, for each submission. Whatever the submission is, results.json is
# there in the end.
# The walls to try, in their order. "none" would let a student's code read the hidden tests and
# write its own marks: results then say so.
walls="${CS231N_SANDBOX:-bwrap,user}"
home="${AUTOGRADER_HOME:-/autograder}"
python="${AUTOGRADER_PYTHON:-/opt/cs231n/bin/python}"
umask 077
mkdir -p "$home/results"
chmod 700 "$home/source" "$home/results"
cd "$home/source" || exit 2
PYTHONPATH="$home/source" "$python" -m autograder grade-one "$home/submission" \\
    --lesson "$home/source/lesson.json" --results "$home/results/results.json" \\
    --sandbox "$walls"
code=$?
if [ ! -s "$home/results/results.json" ]; then
    why="the grader itself ended (exit code $code)"
    why="$why: most likely too little memory, choose a larger container"
    printf '{"score": 0, "stdout_visibility": "hidden", "tests": [], "output": "%s"}\\n' \\
        "This was not graded: $why. It is not your fault; tell your teacher." \\
        > "$home/results/results.json"
fi
exit 0
"""


def write_archive(assignment: Assignment, path: Path, index: str = "") -> Path:
    """Write the archive of one assignment and return its path.

    `index` is a further package index for pip, as in PIP_EXTRA_INDEX_URL.
    """
    scripts = ("setup.sh", "run_autograder")
    return write_zip(
        path,
        archive_files(assignment, index),
        mode=lambda name: 0o100000 | (0o755 if name in scripts else 0o644),
    )


def archive_files(assignment: Assignment, index: str = "") -> dict[str, bytes]:
    """Return what the archive holds, by its path in it: no other assignment, student or mark."""
    version = "{}.{}".format(*sys.version_info[:2])
    files = {
        "setup.sh": SETUP.format(index=shlex.quote(index), python=version).encode(),
        "run_autograder": RUN.encode(),
        "requirements.txt": requirements(assignment.root).encode(),
        "lesson.json": lesson_as_json(lesson_of(assignment)).encode(),
    }
    for package, wanted in ((Path(__file__).parent, GRADER_FILES), (_utils(), PACKAGE_FILES)):
        for path in regular_files(package):
            inside = path.relative_to(package)
            if path.suffix in wanted and not _of_another(inside, assignment.slug):
                files[f"{package.name}/{inside.as_posix()}"] = path.read_bytes()
    return files


def requirements(root: Path) -> str:
    """Return the packages that grading needs, in this machine's versions: both compute the same."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    names = [
        re.split(r"[^\w.-]", entry, maxsplit=1)[0]
        for entry in tomllib.loads(text)["project"]["dependencies"]
    ]
    return "".join(
        # What stands after "+" names a build (2.9.0+cpu), not a version.
        f"{name}=={importlib.metadata.version(name).partition('+')[0]}\n"
        for name in names
        if name not in NOT_NEEDED
    )


def _of_another(inside: Path, slug: str) -> bool:
    """Whether a file of the grader belongs to an assignment that is not graded here."""
    parts = inside.parts
    folder = Path(exercises.__file__).parent.name
    return parts[0] == folder and len(parts) > 2 and parts[1] != slug


def _utils() -> Path:
    return Path(cs231n_utils.__file__).parent

"""The student bundle: one zip with all that a student needs, and nothing else.

    python -m autograder release --bundle

It holds the notebooks, `cs231n_utils`, the description of the data, and the files that install it,
also in Binder and in a devcontainer; never a solution, a hidden case or a reference, for which
every file is searched. The same files give the same bytes.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path, PurePosixPath

from . import exercises as exercises_package
from .course import Assignment, assignments
from .release import MARKERS, STUDENT_FILES, outside_solutions, solution_lines
from .zips import regular_files, write_zip

NAME = "cs231n-students"
TOP = "cs231n"
"""The folder that the zip unpacks to."""
BIGGEST = 30 << 20
SHORT = 8
"""Characters of a line that gives nothing away, as in release.py."""
LONG = 20
"""Characters from which a line or a name is nobody's but the grader's."""
PACKAGE_FILES = {".py", ".safetensors", ".txt", ".json", ".npz"}
FOLDED = re.compile(r"[<>:\"\\|?*\x00-\x1f]|[. ]$")
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
LONGEST_NAME = 140
"""Of a path within the zip: Windows allows 260 characters, the folder's own path among them."""

README = """# CS231n: the notebooks

You need Python 3.11 or newer. In a terminal, in this folder:

Linux and macOS

    python3 -m venv .venv
    source .venv/bin/activate
    pip install .
    python -m cs231n_utils.ready
    jupyter lab --notebook-dir assignments

Windows (PowerShell)

    py -m venv .venv
    .venv\\Scripts\\Activate.ps1
    pip install .
    python -m cs231n_utils.ready
    jupyter lab --notebook-dir assignments

With conda: `conda env create -f environment.yml`, then `conda activate cs231n`, and go on with
`pip install --no-deps .`.

In a repository on GitHub, this folder opens in Binder and in Codespaces, too.

`python -m cs231n_utils.ready` says in some seconds whether everything is there. Then open the first
notebook and go from top to bottom: `check("...")` answers while you work, and `check.all()` at the
end tells what is left. Hand in the notebook itself, under the name that it has.
"""


class LeakyBundle(ValueError):
    """The bundle would give something away; the message lists the files and what they hold."""


def write_bundle(root: Path, path: Path) -> Path:
    """Write the zip and return its path. Raises LeakyBundle, and nothing is written."""
    course = assignments(root)
    files = bundle_files(root, course)
    troubles = [*leaks(files, course), *bad_names(files)]
    if troubles:
        raise LeakyBundle("the bundle was not written:\n" + "\n".join(troubles[:20]))
    return write_zip(path, {f"{TOP}/{name}": content for name, content in files.items()})


def bundle_files(root: Path, course: Mapping[str, Assignment]) -> dict[str, bytes]:
    """Return what the bundle holds, by its path in the course."""
    environment = students_environment(root).encode()
    files = {
        "README.md": README.encode(),
        "pyproject.toml": students_pyproject(root).encode(),
        "environment.yml": environment,
        ".binder/environment.yml": environment,
        ".binder/postBuild": (root / ".binder" / "postBuild").read_bytes(),
        ".devcontainer/devcontainer.json": students_devcontainer(root).encode(),
        "LICENSE": (root / "LICENSE").read_bytes(),
    }
    for slug in course:
        for path in regular_files(root / "assignments" / slug):
            if path.suffix in STUDENT_FILES or path.suffix == ".ipynb":
                files[path.relative_to(root).as_posix()] = path.read_bytes()
    for path in regular_files(root / "cs231n_utils"):
        if path.suffix in PACKAGE_FILES:
            files[path.relative_to(root).as_posix()] = path.read_bytes()
    for path in regular_files(root / "datasets"):
        if path.suffix in {".md", ".py"} and "cache" not in path.relative_to(root).parts:
            files[path.relative_to(root).as_posix()] = path.read_bytes()
    if sum(map(len, files.values())) > BIGGEST:
        raise LeakyBundle(f"a bundle must have at most {BIGGEST >> 20} MB: what is in it?")
    return files


def students_pyproject(root: Path) -> str:
    """Return pyproject.toml without the grader: `cs231n_utils` and what the notebooks import."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    wanted = _between(text, "# What a student's notebook imports", "# What the autograder adds")
    return (
        '[build-system]\nrequires = ["setuptools>=77"]\nbuild-backend = "setuptools.build_meta"\n\n'
        f'[project]\nname = "cs231n-notebooks"\nversion = "{project["version"]}"\n'
        'description = "What the CS231n notebooks import"\n'
        f'requires-python = "{project["requires-python"]}"\n'
        f"dependencies = [\n{wanted}]\n\n"
        '[tool.setuptools.packages.find]\ninclude = ["cs231n_utils*"]\n\n'
        '[tool.setuptools.package-data]\n"*" = ["*.safetensors", "*.json", "*.txt", "*.npz"]\n'
    )


def students_environment(root: Path) -> str:
    """Return environment.yml without the grader."""
    text = (root / "environment.yml").read_text(encoding="utf-8")
    wanted = _between(text, "# What a student's notebook imports", "# What the autograder adds")
    head = "name: cs231n\nchannels:\n  - conda-forge\n  - nodefaults\ndependencies:\n"
    return f"{head}  - python>=3.11\n  - pip\n{wanted}"


def students_devcontainer(root: Path) -> str:
    """Return devcontainer.json for a folder that has no Makefile and no .venv."""
    text = (root / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    container = json.loads(text) | {
        "onCreateCommand": "pip install --user . && python -m cs231n_utils.ready",
        "postAttachCommand": "python -m jupyterlab --no-browser --port=8888 "
        "--notebook-dir assignments",
    }
    del container["customizations"]["vscode"]["settings"]
    return json.dumps(container, indent=2) + "\n"


def _between(text: str, first: str, last: str) -> str:
    """Return the lines between two lines, which must both be there."""
    lines = text.splitlines(keepends=True)
    places = [i for i, line in enumerate(lines) if line.strip() in (first, last)]
    if len(places) != 2:
        raise ValueError(f"there must be a line {first!r} and then a line {last!r}")
    return "".join(lines[places[0] + 1 : places[1]])


# ---------------------------------------------------------------------- what must not be in it
def leaks(files: Mapping[str, bytes], course: Mapping[str, Assignment]) -> Iterator[str]:
    """Yield a sentence for each file that shows a solution, a reference or a hidden case."""
    secrets = secret_texts(course)
    for name, content in files.items():
        # Also what is within JSON (notebooks) and the metadata of binary files.
        text = content.decode("utf-8", "replace").replace("\\n", "\n").replace('\\"', '"')
        lines = [line.strip(' ",') for line in text.splitlines()]
        joined = "\n".join(line for line in lines if len(line) > SHORT)
        yield from (f"{name} holds {why}" for secret, why in secrets.items() if secret in joined)


def secret_texts(course: Mapping[str, Assignment]) -> dict[str, str]:
    """Return the texts that no student may hold, and what each is."""
    secrets = {marker: "a solution's marker" for marker in MARKERS}
    secrets |= {"from autograder": "a part of the grader", "import autograder": "the grader"}
    # What `check` tells anyway may be the name of another exercise's hidden case.
    exercises = [exercise for each in course.values() for exercise in each.exercises.values()]
    told = [mistake.name for exercise in exercises for mistake in exercise.mistakes]
    told += [mistake.hint for exercise in exercises for mistake in exercise.mistakes]
    told += [case.name for exercise in exercises for case in exercise.cases if case.public]
    for assignment in course.values():
        given = {
            line.strip()
            for cell in assignment.solution.cells
            for line in outside_solutions(cell.source).splitlines()
        }
        for cell in assignment.solution.cells:
            lines = [line for line in solution_lines(cell.source) if line not in given]
            for pair in pairwise(lines):
                secrets["\n".join(pair)] = f"the solution of {cell.id}"
        for exercise in assignment.exercises.values():
            for case in exercise.cases:
                named = any(case.name in words for words in told)
                if not case.public and not named and len(case.name) > LONG:
                    secrets[case.name] = f"a hidden case of {exercise.name}"
    for path in sorted(Path(exercises_package.__file__).parent.rglob("*.py")):
        for lines in _threes(path.read_text(encoding="utf-8")):
            secrets.setdefault(lines, f"the examination {path.stem}, with its reference")
    return secrets


def _threes(source: str) -> Iterator[str]:
    """Yield a program's longer lines, three by three, but for what it imports."""
    lines = [line.strip() for line in source.splitlines() if len(line.strip()) > SHORT]
    for three in zip(lines, lines[1:], lines[2:], strict=False):
        if all(len(line) > LONG and not line.startswith(("from ", "import ")) for line in three):
            yield "\n".join(three)


def bad_names(files: Mapping[str, bytes]) -> Iterator[str]:
    """Yield a sentence for each path that Windows or macOS cannot have."""
    seen: dict[str, str] = {}
    for name in files:
        path = PurePosixPath(name)
        if any(FOLDED.search(part) or RESERVED.match(part) for part in path.parts):
            yield f"{name} cannot be a file's name on Windows"
        if len(f"{TOP}/{name}") > LONGEST_NAME:
            yield f"{name} is longer than {LONGEST_NAME} characters"
        if (other := seen.setdefault(name.lower(), name)) != name:
            yield f"{name} and {other} are one file on Windows and macOS"

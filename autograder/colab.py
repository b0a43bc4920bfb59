"""Google Colab: the cell that a released notebook begins with, and links that open notebooks.

Colab opens a notebook alone, without `cs231n_utils`. So each release gets one cell that fetches the
course's files there and installs what is missing, and does nothing anywhere else. Where it finds
the files is one setting, in nbgrader_config.py:

    c.ColabCell.course = "https://github.com/OWNER/REPOSITORY"

That is a place that students may read: a repository which holds what `python -m autograder release
--bundle` wrote, or the zip itself. With "" students upload the zip; with None there is no cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Unicode

CELL = "colab"
"""The id of the cell."""

PACKAGES = {
    "numpy": "numpy",
    "matplotlib": "matplotlib",
    "torch": "torch",
    "torchvision": "torchvision",
    "safetensors": "safetensors",
    "pooch": "pooch",
    "h5py": "h5py",
    "threadpoolctl": "threadpoolctl",
    "tqdm": "tqdm",
    "requests": "requests",
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
}
"""What notebooks import, by module. Colab has nearly all of it, in versions that fit each other, so
only what is missing is installed. Jupyter and IPython stay as Colab has them: it depends on them.
"""

SOURCE = """\
# @title Only for Google Colab: get the course's files. Elsewhere this cell does nothing.
import sys

COURSE = {course}  # where they are: a Git repository, or the address of cs231n-students.zip

if "google.colab" in sys.modules:
    import importlib.util
    import shutil
    import subprocess
    import urllib.request
    from pathlib import Path

    folder, uploaded = Path("cs231n").resolve(), Path("cs231n-students.zip")
    if not folder.is_dir():
        if uploaded.is_file():
            shutil.unpack_archive(uploaded)
        elif COURSE.endswith(".zip"):
            shutil.unpack_archive(urllib.request.urlretrieve(COURSE)[0], format="zip")
        elif COURSE:
            subprocess.run(["git", "clone", "-q", "--depth=1", "--", COURSE, folder], check=True)
        else:
            raise FileNotFoundError(
                "The course's files are missing. Upload cs231n-students.zip (the folder at the "
                "left, then the arrow that points up), and run this cell again."
            )
    if not (folder / "cs231n_utils").is_dir():
        raise FileNotFoundError(f"{{folder}} must hold cs231n_utils: is COURSE right?")
    packages = {packages}
    missing = [packages[name] for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *missing], check=True)
        importlib.invalidate_caches()
    sys.path.insert(0, str(folder))
"""

BADGES = (
    "https://colab.research.google.com/assets/colab-badge.svg",
    "https://mybinder.org/badge_logo.svg",
)
GITHUB = re.compile(r"(?:https://github\.com/|git@github\.com:)([\w.-]+)/([\w.-]+?)(?:\.git)?/?")


class NoSuchLinks(ValueError):
    """Colab and Binder cannot open the notebooks of this course; the message says why."""


class ColabCell(NbGraderPreprocessor):
    """Put the cell for Colab before a notebook's first code, when nbgrader makes the release."""

    course = Unicode(
        None,
        allow_none=True,
        help="Where Colab gets the course's files: a Git repository, or the address of the zip "
        "that `release --bundle` writes. Empty: students upload the zip. None: no such cell.",
    ).tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Add the cell, if there is a setting for it."""
        if self.course is not None:
            kinds = [cell.cell_type for cell in nb.cells]
            place = kinds.index("code") if "code" in kinds else len(kinds)
            nb.cells.insert(place, colab_cell(self.course))
        return nb, resources


def colab_cell(course: str) -> NotebookNode:
    """Return the cell. It is not graded, not run while grading, and folded where it can be."""
    metadata = {
        "cellView": "form",
        "jupyter": {"source_hidden": True},
        "tags": ["demonstration", "nbval-skip"],
    }
    # As the formatter would write them: a student may well look at it.
    source = SOURCE.format(course=_quoted(course), packages=_packages())
    return new_code_cell(source.strip(), id=CELL, metadata=metadata)


def _quoted(text: str) -> str:
    if not text.isprintable() or any(sign in text for sign in "\"\\'"):
        raise ValueError(f"ColabCell.course must be an address. Got {text!r}")
    return f'"{text}"'


def _packages() -> str:
    lines = [f'        "{module}": "{package}",\n' for module, package in PACKAGES.items()]
    return "{\n" + "".join(lines) + "    }"


def is_for_colab(cell: NotebookNode) -> bool:
    """Whether a release's cell is this one: nothing of it counts."""
    return cell.get("id") == CELL


def links(course: str, notebooks: Iterable[str], branch: str = "main") -> Iterator[str]:
    """Yield the lines of a Markdown table that opens each notebook in Colab and in Binder.

    `notebooks` are paths within the repository `course`. Raises NoSuchLinks where it is no
    repository on GitHub.
    """
    found = GITHUB.fullmatch(course)
    if found is None:
        raise NoSuchLinks(
            "Colab opens notebooks of public GitHub repositories: c.ColabCell.course in "
            f"nbgrader_config.py must be https://github.com/OWNER/REPOSITORY. Got {course!r}"
        )
    place, ref = "/".join(found.groups()), quote(branch, safe="")
    yield "| Notebook | | |"
    yield "|---|---|---|"
    for path in notebooks:
        name = path.rpartition("/")[2].removesuffix(".ipynb").replace("_", " ")
        colab = f"https://colab.research.google.com/github/{place}/blob/{branch}/{quote(path)}"
        binder = f"https://mybinder.org/v2/gh/{place}/{ref}?urlpath=lab/tree/{quote(path)}"
        opened = (("Open in Colab", BADGES[0], colab), ("Open in Binder", BADGES[1], binder))
        badges = [f"[![{words}]({picture})]({address})" for words, picture, address in opened]
        yield f"| {' | '.join((name, *badges))} |"

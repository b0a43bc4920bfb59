"""The image that containers run: an interpreter, what notebooks import, the course's public half.

It is made from a folder that holds only that, so nothing of the grader, the solutions or a class
can get into it. Its tag is made from its content: another version asks for another image.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .errors import SandboxError
from .mounts import PUBLIC, public_mounts

REPOSITORY = "localhost/cs231n-sandbox"
CONTAINERFILE = Path(__file__).resolve().parent / "Containerfile"
FONT_LISTS = str(PUBLIC / "fonts")
PACKAGES = (
    "numpy", "matplotlib", "torch", "torchvision", "safetensors", "pooch", "h5py", "threadpoolctl",
    "tqdm", "requests", "pillow", "scikit-learn", "scikit-image", "ipython", "ipykernel",
)  # fmt: skip
"""What a student's notebook imports: the first half of pyproject.toml's dependencies."""


class NotBuilt(SandboxError):
    """The image could not be made; the program itself has said why."""


@functools.cache
def requirements() -> str:
    """Return those packages in the grader's own versions, so that both compute the same."""
    # The part after "+" names a build (2.9.0+cpu), not a version.
    return "".join(
        f"{name}=={importlib.metadata.version(name).partition('+')[0]}\n" for name in PACKAGES
    )


@functools.cache
def image_name() -> str:
    """Return the name and tag of the image for this version of the course."""
    digest = hashlib.sha256(CONTAINERFILE.read_bytes())
    digest.update(f"{python_version()}\n{requirements()}".encode())
    for path, name in public_files():
        content = path.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return f"{REPOSITORY}:{digest.hexdigest()[:16]}"


def python_version() -> str:
    """Return the grader's Python as the official images name it: 3.12."""
    return "{}.{}".format(*sys.version_info[:2])


def public_files() -> list[tuple[Path, str]]:
    """Return (file, its name under /course) of what a student's process imports."""
    found = []
    for mount in public_mounts():
        if mount.target.name == "datasets":
            continue  # for demonstrations, which are not run while grading
        for path in mount.source.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                inside = mount.target.relative_to(PUBLIC) / path.relative_to(mount.source)
                found.append((path, inside.as_posix()))
    return sorted(found, key=lambda entry: entry[1])


def write_context(folder: Path) -> None:
    """Write all that goes into the image into `folder`, which is empty."""
    shutil.copy(CONTAINERFILE, folder / "Containerfile")
    (folder / "requirements.txt").write_text(requirements())
    for path, name in public_files():
        target = folder / "course" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def build_image(program: str) -> str:
    """Make the image with podman or docker, whose own output is shown; return its name.

    Raises NotBuilt.
    """
    name = image_name()
    with tempfile.TemporaryDirectory(prefix="image-") as folder:
        write_context(Path(folder))
        command = [program, "build", "--tag", name, "--build-arg", f"PYTHON={python_version()}"]
        if os.environ.get("PIP_EXTRA_INDEX_URL"):
            command += [
                "--build-arg",
                "PIP_EXTRA_INDEX_URL",
            ]  # its value comes from the environment
        command += ["--file", str(Path(folder) / "Containerfile"), folder]
        ran = subprocess.run(command, stdin=subprocess.DEVNULL)
    if ran.returncode:
        raise NotBuilt(f"{program} could not make the image {name}")
    return name

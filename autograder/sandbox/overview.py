"""What keeps students' code apart on this machine: `python -m autograder sandbox` prints it."""

from __future__ import annotations

import shutil

from .backends import AUTOMATIC, BACKENDS
from .cgroups import find_way
from .errors import NoSandbox
from .image import NotBuilt, build_image
from .session import start_session

CONTAINERS = ("podman", "docker")


def overview() -> list[tuple[str, str]]:
    """Return (what, sentence): each backend, tried by a session, and how memory is bounded."""
    rows = []
    for name in (*AUTOMATIC, "user"):
        why_not = BACKENDS[name]().why_not()
        if not why_not:
            try:
                with start_session(backend=name) as session:
                    why_not, layers = "", session.layers
            except NoSandbox as error:
                why_not = str(error)
        rows.append((name, why_not or f"works{_layers(layers)}"))
    way, why_not = find_way()
    told = f"by control groups ({way.__name__.replace('_', ' ')})" if way else f"no: {why_not}"
    rows.append(("memory of all", told))
    return rows


def _layers(layers: dict) -> str:
    found = [name for name in ("landlock", "seccomp") if layers.get(name)]
    missing = [name for name in ("landlock", "seccomp") if not layers.get(name)]
    told = f", with {' and '.join(found)} inside" if found else ""
    return told + (f", but without {' and '.join(missing)}" if missing else "")


def build_somewhere() -> str:
    """Make the image with the first container program that is installed; return its name.

    Raises NotBuilt.
    """
    for program in CONTAINERS:
        if shutil.which(program):
            return build_image(program)
    raise NotBuilt("An image is made by podman or docker. Install one of them, and start it.")

"""Choose a wall: the one that was asked for, or the first that works on this machine."""

from __future__ import annotations

from collections.abc import Callable

from .backend import Backend
from .bubblewrap import Bubblewrap
from .containers import Container
from .errors import NoSandbox
from .no_wall import NoWall
from .other_user import OtherUser

ADVICE = """Install bubblewrap, which keeps students' code apart:
    Debian, Ubuntu   sudo apt install bubblewrap
    Fedora, RHEL     sudo dnf install bubblewrap
    Arch             sudo pacman -S bubblewrap
    openSUSE         sudo zypper install bubblewrap
    Alpine           sudo apk add bubblewrap
On macOS and Windows, where it does not exist, start podman or docker, and make its image once:
    python -m autograder sandbox --build-image
More, also on machines that refuse the namespaces it needs: docs/sandbox.md
Nothing was graded. To run students' code with all your rights instead, ask for the backend "none";
that is never a default."""

BACKENDS: dict[str, Callable[[], Backend]] = {
    "bwrap": Bubblewrap,
    "podman": lambda: Container("podman"),
    "docker": lambda: Container("docker"),
    "user": OtherUser,
    "none": NoWall,
}
AUTOMATIC = ("bwrap", "podman", "docker")


def choose_backend(name: str = "auto") -> Backend:
    """Return the backend called `name`, or for "auto" the first one that works here. Several names
    with commas between them are tried in their order. Raises NoSandbox when none does.
    """
    wanted = AUTOMATIC if name == "auto" else tuple(name.split(","))
    for candidate in wanted:
        if candidate not in BACKENDS:
            raise NoSandbox(
                f"a sandbox's name must be auto or one of {', '.join(BACKENDS)}. "
                f"Got {candidate!r}. Nothing was graded."
            )
    tried = []
    for candidate in wanted:
        backend = BACKENDS[candidate]()
        reason = backend.why_not()
        if not reason:
            return backend
        tried.append(f"    {candidate}: {reason}")
    raise NoSandbox("\n".join(["No sandbox works on this machine. Tried:", *tried, ADVICE]))

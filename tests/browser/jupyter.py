"""A JupyterLab server that shares nothing with the one of whoever runs the tests."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from .chromium import PATIENCE
from .small_class import REPOSITORY

SECONDS = PATIENCE / 1000


@dataclass(frozen=True)
class Jupyter:
    """A server's address with a slash at its end, its token, and the folder that it shows."""

    url: str
    token: str
    root: Path

    def lab(self, path: str = "") -> str:
        """The address at which JupyterLab opens a file, in a workspace that nobody has used."""
        place = f"lab/workspaces/{secrets.token_hex(4)}" + (f"/tree/{quote(path)}" if path else "")
        return f"{self.url}{place}?token={self.token}"

    def page(self, path: str) -> str:
        """The address of another page of the server."""
        return f"{self.url}{path}?token={self.token}"


@contextmanager
def start_jupyter(root: Path, home: Path) -> Iterator[Jupyter]:
    """Start JupyterLab in `root` as `make lab` does, with all its own files in `home`."""
    answer_about_news(home / "settings")
    token, runtime = secrets.token_hex(16), home / "runtime"
    log = home / "log.txt"
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.port=0"]
    command += ["--ServerApp.ip=127.0.0.1", f"--IdentityProvider.token={token}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command += ["--allow-root"]
    with log.open("wb") as out:
        server = subprocess.Popen(
            command, cwd=root, env=own_environment(home), stdout=out, stderr=out
        )
    try:
        url = wait_for_address(server, runtime, log)
        yield Jupyter(url, token, root)
    finally:
        stop(server)
        assert_nothing_is_left(runtime)


def answer_about_news(settings: Path) -> None:
    """Answer what JupyterLab asks a newcomer: whether it may fetch news."""
    path = settings / "@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))


def own_environment(home: Path) -> dict[str, str]:
    """Everything that Jupyter reads or keeps lies in `home`, but for what is installed."""
    own = {
        "HOME": home,
        "IPYTHONDIR": home / "ipython",
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": home / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
        "MPLCONFIGDIR": os.environ.get("MPLCONFIGDIR") or Path.home() / ".cache" / "matplotlib",
        "OMP_NUM_THREADS": 1,
    }
    places = [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
    # nbgrader looks for its helper programs on the PATH.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {
        **os.environ,
        **{name: str(value) for name, value in own.items()},
        "PYTHONPATH": os.pathsep.join(places),
        "PATH": path,
    }


def wait_for_address(server: subprocess.Popen, runtime: Path, log: Path) -> str:
    """Return the address once the server answers there: it has chosen its port itself."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and server.poll() is None:
        for path in runtime.glob("jpserver-*.json"):
            with suppress(ValueError, KeyError, OSError):  # half written, or not listening yet
                url = json.loads(path.read_text())["url"]
                urllib.request.urlopen(f"{url}api", timeout=10).close()
                return url
        time.sleep(0.1)
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


def stop(server: subprocess.Popen) -> None:
    """End the server, which ends its kernels first."""
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def assert_nothing_is_left(runtime: Path) -> None:
    """Wait until no process is left that names a connection file in `runtime`: a kernel."""
    until = time.monotonic() + SECONDS
    while kernels := list(using(runtime)):
        assert time.monotonic() < until, f"kernels are still running: {kernels}"
        time.sleep(0.1)


def using(runtime: Path) -> Iterator[str]:
    """Yield the process numbers of the kernels of a runtime folder, where /proc tells them."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it may end while it is looked at
            if os.fsencode(runtime) in path.read_bytes():
                yield path.parent.name

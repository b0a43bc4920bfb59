"""The compatibility kernel: an ipykernel behind the wall, for any course that nbgrader runs.

    python -m autograder sandbox --install-kernel
    nbgrader autograde ps1 --Execute.kernel_name=sandboxed-python

It is a kernel provisioner of jupyter_client, so whatever starts a kernel by its name may use it. It
keeps the notebook away from the machine, the network and other students, and its output within
bounds. It hides neither tests nor scores: both are in the notebook, beside the student's code.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.provisioning import LocalProvisioner
from traitlets import Dict

from .sandbox import NoSandbox, StartFailed
from .sandbox import relay as relay_module
from .sandbox.backend import JOB
from .sandbox.bubblewrap import Bubblewrap, draw_uid
from .sandbox.cgroups import Group, new_group
from .sandbox.inside.folders import copy_in
from .sandbox.limits import Limits
from .sandbox.mounts import Mount
from .sandbox.starter import Tree, launch, open_first_process

KERNEL_NAME = "sandboxed-python"
DISPLAY_NAME = "Python 3, sandboxed (hides neither tests nor scores)"
PROVISIONER = "cs231n-sandbox"
HONESTY = (
    "This kernel keeps a notebook apart from the machine and the network. It hides neither tests "
    "nor scores from the notebook: a student's code can read the tests and forge the marks. More: "
    "docs/sandbox.md"
)
ARGUMENTS = ("-s", "-P", "-m", "sandbox_inside.kernel")
INSIDE = Path("/run/kernel")
CHANNELS = tuple(relay_module.CHANNELS)


class SandboxProvisioner(LocalProvisioner):
    """Starts and ends one kernel, its sandbox, and the relay that bounds what it says."""

    limits = Dict(
        help="Limits that differ from autograder.sandbox.Limits, by name, as in "
        '{"resident_memory": 3000000000}.'
    )
    _folder: Path | None = None
    _tree: Tree | None = None
    _relay: subprocess.Popen | None = None
    _ending = False
    _told = False

    # -- start
    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Prepare a folder for the two ends of the relay, and the files that the kernel gets."""
        why_not = Bubblewrap().why_not()
        if why_not:
            raise NoSandbox(f"The kernel needs bubblewrap. Nothing was run. bwrap: {why_not}")
        if self._folder is None:
            # A short name: the path of a socket has 108 bytes at most.
            self._folder = Path(tempfile.mkdtemp(prefix="kernel-"))
        for name in ("front", "back", "files"):
            shutil.rmtree(self._folder / name, ignore_errors=True)
            (self._folder / name).mkdir(mode=0o700 if name == "front" else 0o755)
        self.parent.transport = "ipc"
        self.parent.ip = str(self._folder / "front" / "k")
        self.cwd = kwargs.pop("cwd", None)
        if self.cwd:
            copy_in([(str(self.cwd), str(self._folder / "files"))], self._limits().tmp_bytes)
        prepared = await super().pre_launch(**kwargs)
        return {"cmd": prepared["cmd"]}

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> dict[str, Any]:
        """Start the relay and the sandbox. `cmd` is what the kernel's specification says; the
        sandbox runs its own interpreter instead.
        """
        if not SandboxProvisioner._told:
            SandboxProvisioner._told = True
            self.log.warning(HONESTY)
        self._ending = False
        self._relay = self._start_relay()
        info_reader, info_writer = os.pipe()
        group = Group()
        try:
            limits = self._limits()
            wrapped = self._wrap(limits, info_writer)
            group = new_group(limits)
            self.process = launch(wrapped, group, {}, [info_writer])
            os.close(info_writer)
            info_writer = -1
            first = open_first_process(info_reader, limits.start_seconds)
        except BaseException:
            self._stop_relay()
            group.remove()
            raise
        finally:
            os.close(info_reader)
            if info_writer >= 0:
                os.close(info_writer)
        self._tree = Tree(self.process, first, group)
        if first is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(1.0)
            said = self._tree.complaint()
            self._end()
            raise StartFailed(f"The sandbox did not start. Nothing was run. It said: {said}")
        self.pid = self.process.pid
        return self.connection_info

    def _limits(self) -> Limits:
        return Limits(**self.limits)

    def _wrap(self, limits: Limits, info_fd: int):
        """Show the sandbox the kernel's end of the relay, its connection file and its files."""
        uid = draw_uid()
        connection = self._folder / "connection.json"
        inside = {**self.connection_info, "ip": str(INSIDE / "sockets" / "k")}
        inside["key"] = inside["key"].decode()
        connection.unlink(missing_ok=True)
        connection.touch(mode=0o600)
        connection.write_text(json.dumps(inside))
        if os.geteuid() == 0:
            os.chown(self._folder / "back", uid, uid)
            os.chown(connection, uid, uid)
        shown = [
            Mount(INSIDE / "sockets", self._folder / "back", writable=True),
            Mount(INSIDE / "connection.json", connection),
            Mount(INSIDE / "files", self._folder / "files"),
        ]
        hidden = [] if self.cwd is None else [Path(self.cwd)]
        wrapped = Bubblewrap().wrap(ARGUMENTS, limits, hidden, info_fd, shown=shown, uid=uid)
        wrapped.config |= {
            "connection_file": str(INSIDE / "connection.json"),
            "copies": [[str(INSIDE / "files"), JOB]],
        }
        return wrapped

    def _start_relay(self) -> subprocess.Popen:
        limits = self._limits()
        config = {
            "front": str(self._folder / "front" / "k"),
            "back": str(self._folder / "back" / "k"),
            "ports": {name: self.connection_info[f"{name}_port"] for name in CHANNELS},
            "key": self.connection_info["key"].decode(),
            "output_bytes": limits.output_bytes,
            "flood_bytes": limits.flood_bytes,
            "parent": os.getpid(),
        }
        relay = subprocess.Popen(
            [sys.executable, "-P", relay_module.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        with relay.stdin as pipe:  # not as an argument, which other users can read
            pipe.write(json.dumps(config).encode())
        return relay

    # -- while it runs
    async def poll(self) -> int | None:
        """Return None while the kernel runs; without its relay it is ended."""
        relay = self._relay
        if relay is not None and self.process is not None and not self._ending:
            why = ""
            if self.process.poll() is not None:
                why = self._tree.reason()
            elif relay.poll() is not None:
                why = relay.stderr.read().decode("utf-8", "replace").strip()[-300:]
            if why:
                self._ending = True
                self.log.warning("The kernel has ended: %s", why)
                self._end()
        return await super().poll()

    async def send_signal(self, signum: int) -> None:
        """Pass a signal on. An interrupt goes by message (the specification's `interrupt_mode`):
        the signal would reach bubblewrap, and end the kernel.
        """
        if signum in (signal.SIGKILL, signal.SIGTERM):
            self._end()

    async def shutdown_requested(self, restart: bool = False) -> None:
        """The kernel was told to end: that it hangs up now is no news."""
        self._ending = True

    async def kill(self, restart: bool = False) -> None:
        """End the kernel, with all that it started."""
        self._end()

    async def terminate(self, restart: bool = False) -> None:
        """End the kernel, with all that it started."""
        self._end()

    async def cleanup(self, restart: bool = False) -> None:
        """Remove what the kernel has left."""
        self._end()
        await super().cleanup(restart)
        if not restart and self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _end(self) -> None:
        if self._tree is not None:
            self._tree.end()
        self._stop_relay()

    def _stop_relay(self) -> None:
        if self._relay is not None:
            self._relay.kill()
            self._relay.wait()
            self._relay.stderr.close()
            self._relay = None


def install_kernel(prefix: str = sys.prefix) -> str:
    """Make the kernel known to the Jupyter programs of this environment; return its folder."""
    specification = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": DISPLAY_NAME,
        "language": "python",
        "interrupt_mode": "message",
        "metadata": {"kernel_provisioner": {"provisioner_name": PROVISIONER, "config": {}}},
    }
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "kernel.json").write_text(json.dumps(specification, indent=1) + "\n")
        os.chmod(folder, 0o755)
        return KernelSpecManager().install_kernel_spec(folder, KERNEL_NAME, prefix=prefix)

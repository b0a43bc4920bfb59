"""tools/*.sh on machines that lack things: stand-ins for programs, in a PATH of their own."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parent.parent / "tools"


class Machine:
    """A PATH that holds a few real programs and stand-ins which note how they were called."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.calls = folder / "calls"
        self.calls.touch()
        for program in ("sh", "dirname", "env", "touch", "cat"):
            (self.bin / program).symlink_to(shutil.which(program))
        self.add("uname", "echo Linux")
        self.add("id", "echo 0")

    def add(self, program: str, script: str = "") -> None:
        """Put a program there: it notes its call, then runs the script."""
        path = self.bin / program
        path.write_text(f'#!/bin/sh\necho "{program} $*" >>"{self.calls}"\n{script}\n')
        path.chmod(0o755)

    def run(self, script: str, *arguments: str) -> subprocess.CompletedProcess:
        """Run one of tools/ with this machine's programs alone."""
        return subprocess.run(
            [str(TOOLS / script), *arguments],
            env={"PATH": str(self.bin)},
            cwd=self.bin.parent,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def called(self, program: str) -> list[str]:
        """Return how the program was called, in order."""
        lines = self.calls.read_text().splitlines()
        return [line for line in lines if line.split()[0] == program]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A Linux machine with root, and nothing to install with."""
    return Machine(tmp_path)


def test_an_old_python3_and_a_shim_that_fails_are_passed_over(machine):
    machine.add("python3", "exit 1")  # what the version question answers on Python 3.10
    machine.add("python3.13", "echo 'pyenv: python3.13: command not found' >&2; exit 127")
    machine.add("python3.12", "exit 0")
    assert machine.run("find_python.sh").stdout == "python3.12\n"


def test_without_a_python_it_says_which_one_is_needed(machine):
    done = machine.run("find_python.sh")
    assert done.returncode == 1
    assert "Python 3.11 or newer" in done.stderr


@pytest.mark.parametrize("manager", ["apt-get", "dnf", "pacman", "zypper", "apk"])
def test_bubblewrap_is_installed_with_the_machines_package_manager(machine, manager):
    machine.add(manager, f'case "$*" in *bubblewrap) touch "{machine.bin}/bwrap";; esac')
    done = machine.run("bubblewrap.sh")
    assert done.returncode == 0
    assert machine.called(manager)[-1].endswith(" bubblewrap")
    assert (machine.bin / "bwrap").exists()


def test_an_apt_whose_lists_cannot_be_fetched_is_tried_with_those_it_has(machine):
    machine.add("apt-get", 'case "$1" in update) exit 100;; esac')
    assert machine.run("install.sh", "bubblewrap").returncode == 0
    assert [call.split()[1] for call in machine.called("apt-get")] == ["update", "install"]


def test_sudo_is_used_when_not_root(machine):
    machine.add("id", "echo 1000")
    machine.add("sudo", '"$@"')
    machine.add("dnf")
    assert machine.run("install.sh", "bubblewrap").returncode == 0
    assert machine.called("sudo") == ["sudo dnf install -y bubblewrap"]


@pytest.mark.parametrize(
    ("programs", "reason"),
    [
        ({"id": "echo 1000", "apt-get": ""}, "there is no sudo here"),
        ({}, "none of apt-get"),
        ({"dnf": "exit 1"}, "the package manager failed"),
    ],
)
def test_what_cannot_be_installed_is_said_and_setup_goes_on(machine, programs, reason):
    for program, script in programs.items():
        machine.add(program, script)
    done = machine.run("bubblewrap.sh")
    assert done.returncode == 0  # the notebooks need no sandbox
    assert reason in done.stderr
    assert "install the package bubblewrap" in done.stderr
    assert "not grade submissions" in done.stderr


@pytest.mark.parametrize(
    ("program", "script"), [("bwrap", "bubblewrap.sh"), ("google-chrome", "chromium.sh")]
)
def test_a_program_that_is_there_and_works_is_left_in_peace(machine, program, script):
    machine.add(program)
    machine.add("apt-get")
    done = machine.run(script)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert machine.called("apt-get") == []


def test_a_bubblewrap_that_may_not_make_namespaces_is_told(machine):
    machine.add("bwrap", "echo 'bwrap: setting up uid map: Permission denied' >&2; exit 1")
    done = machine.run("bubblewrap.sh")
    assert done.returncode == 0
    assert "does not let it make a user namespace" in done.stderr
    # The remedy belongs to kernels with this switch only.
    switch = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
    assert ("allow_bubblewrap.sh" in done.stderr) == switch.exists()


def test_on_another_system_nothing_is_installed(machine):
    machine.add("uname", "echo Darwin")
    machine.add("apt-get")
    done = machine.run("bubblewrap.sh")
    assert done.returncode == 0
    assert "Bubblewrap is for Linux" in done.stderr
    assert machine.called("apt-get") == []


def test_a_chromium_that_does_not_run_is_none_and_one_is_installed(machine):
    machine.add("chromium-browser", "echo 'install the snap' >&2; exit 1")
    stand_in = f"printf '#!/bin/sh\\n' >'{machine.bin}/chromium'; chmod +x '{machine.bin}/chromium'"
    machine.add("apt-get", f'case "$*" in *chromium) {stand_in};; esac')
    (machine.bin / "chmod").symlink_to(shutil.which("chmod"))
    done = machine.run("chromium.sh")
    assert (done.returncode, done.stderr) == (0, "")
    assert machine.called("apt-get")[-1].endswith(" chromium")


@pytest.mark.parametrize(
    ("programs", "reason"),
    [
        ({"apt-get": "exit 100"}, "the package manager failed"),
        ({"apt-get": ""}, "Without Chromium the browser tests will be skipped"),
        ({"uname": "echo Darwin"}, "Install one to run them"),
    ],
)
def test_without_a_chromium_setup_says_so_and_goes_on(machine, programs, reason):
    for program, script in programs.items():
        machine.add(program, script)
    done = machine.run("chromium.sh")
    assert done.returncode == 0
    assert reason in done.stderr
    assert "browser tests will be skipped" in done.stderr


def test_debians_missing_half_of_venv_is_installed_for_the_python_in_use(machine):
    machine.add(
        "python3",
        'case "$*" in *ensurepip*) exit 1;; *print*) echo python3.11-venv;; esac\n'
        'case "$*" in "-m venv .venv") exit 3;; esac',
    )
    machine.add("apt-get")
    done = machine.run("make_venv.sh")
    assert done.returncode == 3  # it got as far as making the venv
    assert machine.called("apt-get")[-1].endswith(" python3.11-venv")


def test_all_scripts_may_be_executed():
    scripts = sorted(TOOLS.glob("*.sh"))
    assert scripts
    assert [path.name for path in scripts if not os.access(path, os.X_OK)] == []

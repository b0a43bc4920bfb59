"""The compatibility kernel: any other course's notebooks behind the same wall."""

import json
import logging
import os
import resource
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.api import Gradebook
from own_process import ATTEMPT

from autograder import kernel
from autograder.sandbox import Limits

ENTRY = (
    "[jupyter_client.kernel_provisioners]\ncs231n-sandbox = autograder.kernel:SandboxProvisioner\n"
)


@pytest.fixture(scope="module")
def installed(wall, tmp_path_factory):
    """The kernel as `--install-kernel` installs it; and its entry point, as pip does. Returns what
    a program needs in its environment to find both.
    """
    root = tmp_path_factory.mktemp("kernel")
    kernel.install_kernel(str(root))
    about = root / "course_kernel-0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: course-kernel\nVersion: 0\n")
    (about / "entry_points.txt").write_text(ENTRY)
    variables = {"JUPYTER_PATH": str(root / "share" / "jupyter"), "OMP_NUM_THREADS": "1"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        patch.syspath_prepend(str(root))
        KernelProvisionerFactory.clear_instance()
        yield variables | {"PYTHONPATH": str(root)}
        KernelProvisionerFactory.clear_instance()


@pytest.fixture
def run(installed, tmp_path):
    """Run cells as nbclient does, in a folder of its own; return their outputs as one text each."""

    def execute(*sources, timeout=60, **traits):
        notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
        folder = tmp_path / "folder"
        folder.mkdir(exist_ok=True)
        client = NotebookClient(
            notebook,
            kernel_name=kernel.KERNEL_NAME,
            timeout=timeout,
            iopub_timeout=4,
            allow_errors=True,
            interrupt_on_timeout=True,
            resources={"metadata": {"path": str(folder)}},
            **traits,
        )
        execute.notebook = notebook
        client.execute()
        return ["".join(map(as_text, cell.outputs)) for cell in notebook.cells]

    return execute


def as_text(output):
    return output.get("text") or output.get("ename") or output["data"].get("text/plain", "")


LOOK = """
print(json.dumps({
    "folder": [os.getcwd(), sorted(os.listdir("."))],
    "uid": os.getuid(), "rights": status["CapEff"].strip(), "seccomp": status["Seccomp"].strip(),
    "refused": [attempt(os.fork), attempt(subprocess.run, ["true"]), attempt(open, "/etc/passwd"),
                attempt(os.listdir, FOLDER), attempt(open, "/run/kernel/connection.json", "w"),
                attempt(socket.create_connection, ("192.0.2.1", 80), 5)],
    "interfaces": [name for _, name in socket.if_nameindex()],
    "allowed": [attempt(open, "new.txt", "w")],
    "variables": sorted(os.environ),
}))
"""


def test_a_notebook_runs_as_ever_and_sees_nothing_of_the_machine(
    run, tmp_path, caplog, monkeypatch
):
    monkeypatch.setattr(kernel.SandboxProvisioner, "_told", False)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "helper.py").write_text("number = 42")
    (folder / "helper.py").chmod(0o600)
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    look = ATTEMPT + LOOK.replace("FOLDER", repr(str(tmp_path)))
    with caplog.at_level(logging.WARNING):
        outputs = run(
            "import helper\nhelper.number",
            look,
            "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]);",
            "1 / 0",
            "import asyncio\nawait asyncio.sleep(0)\n'slept'",
        )
    assert outputs[0] == "42"
    found = json.loads(outputs[1])
    assert found["folder"] == ["/job", ["helper.py"]]
    assert found["uid"] not in (0, os.getuid())
    assert (found["rights"], found["seccomp"]) == ("0" * 16, "2")
    assert "" not in found["refused"]
    assert found["interfaces"] == ["lo"]
    assert found["allowed"] == [""]
    assert not {"JUPYTER_PATH", "USER", "JPY_PARENT_PID"} & set(found["variables"])
    assert "image/png" in run.notebook.cells[2].outputs[-1]["data"]
    assert outputs[3:] == ["ZeroDivisionError", "'slept'"]
    assert not (folder / "new.txt").exists()  # it has a copy of its folder
    assert [said for said in caplog.messages if "hides neither tests nor scores" in said]


def test_a_slow_cell_is_interrupted_and_a_flood_is_cut_and_the_notebook_goes_on(run):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outputs = run(
        "while True: pass",
        "print('before')\nwhile True: print('x' * 10_000)",
        "from IPython.display import display\nfor _ in range(2500): display(1)\n1 / 0",
        "print('x' * 100_000_000)",
        "6 * 7",
        timeout=15,
    )
    assert outputs[0] == "KeyboardInterrupt"
    assert outputs[1].startswith("before\nxxx")
    assert "was cut" in outputs[1]
    assert max(map(len, outputs)) < 2 * Limits().output_bytes
    assert "was cut" in outputs[2]
    assert len(run.notebook.cells[2].outputs) <= 2010
    assert "was cut" in outputs[3]
    assert outputs[4] == "42"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 128 << 10  # KiB


# Written past zmq, which would collect the parts itself: the beginning of an endless message.
ENDLESS_PARTS = """
import os, socket, struct, threading
part = b"\\x03" + struct.pack(">Q", 8 << 20) + bytes(8 << 20)
def flood(descriptor):
    while True:
        try:
            descriptor.sendall(part)
        except BlockingIOError:
            pass
for name in os.listdir("/proc/self/fd"):
    try:
        one = socket.socket(fileno=os.dup(int(name)))
        if one.family == socket.AF_UNIX and one.getsockname():
            one.setblocking(True)
            threading.Thread(target=flood, args=(one,)).start()
    except OSError:
        pass
import time
time.sleep(60)
"""
LARGE_PART = """
kernel = get_ipython().kernel
kernel.iopub_thread.socket.send_multipart([b"", b"x" * (200 << 20)])
import time
time.sleep(60)
"""
ENDLESS_ANSWERS = """
import json
kernel = get_ipython().kernel
parent = kernel.get_parent("shell")
while True:
    kernel.session.send(kernel.iopub_thread.socket, "status", {"execution_state": "busy"}, parent)
"""


@pytest.mark.parametrize(
    "hostile",
    [ENDLESS_PARTS, LARGE_PART, ENDLESS_ANSWERS],
    ids=["a message of endless parts", "a part that is too large", "endless small messages"],
)
def test_a_kernel_that_speaks_the_protocol_itself_is_ended(run, hostile):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DeadKernelError):
        run(hostile, timeout=120)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 256 << 10  # KiB


def test_a_cell_that_swallows_every_interrupt_is_ended(run, caplog):
    swallow = "import time\nwhile True:\n    try: time.sleep(9)\n    except BaseException: pass"
    with pytest.raises(DeadKernelError):
        run(swallow, timeout=1)
    assert "does not stop when it is interrupted" in caplog.text


def test_a_kernel_that_ends_itself_leaves_nothing(run, tmp_path, monkeypatch):
    monkeypatch.setattr(kernel.tempfile, "tempdir", str(tmp_path))
    trees = []
    original = kernel.Tree.__init__

    def note(self, process, *arguments, **keywords):
        original(self, process, *arguments, **keywords)
        trees.append(process)

    monkeypatch.setattr(kernel.Tree, "__init__", note)
    with pytest.raises(DeadKernelError):
        run("import os\nos._exit(3)")
    assert [process.poll() is not None for process in trees] == [True]
    assert list(tmp_path.glob("kernel-*")) == []


def test_a_link_in_the_place_of_its_socket_is_not_followed(tmp_path):
    from autograder.sandbox.relay import BoundBroken, Relay

    (tmp_path / "f").mkdir()
    ports = dict.fromkeys(("shell", "control", "stdin", "hb", "iopub"), 0)
    ports = {name: number for number, name in enumerate(ports)}
    config = {"front": str(tmp_path / "f" / "k"), "back": str(tmp_path / "k"), "ports": ports}
    relay = Relay(config | {"key": "", "output_bytes": 1, "flood_bytes": 1})
    try:
        relay._connect("shell")  # nothing there yet
        assert relay.back == {}
        (tmp_path / "k-0").symlink_to(tmp_path / "f" / "k-0")
        with pytest.raises(BoundBroken, match="not a socket"):
            relay._connect("shell")
        (tmp_path / "k-1").write_text("")
        with pytest.raises(BoundBroken, match="not a socket"):
            relay._connect("control")
    finally:
        relay.context.destroy(linger=0)


def test_its_name_says_what_it_does_not_do(repository, installed):
    folder = Path(installed["JUPYTER_PATH"], "kernels", kernel.KERNEL_NAME)
    specification = json.loads((folder / "kernel.json").read_text())
    assert "hides neither tests nor scores" in specification["display_name"]
    assert specification["interrupt_mode"] == "message"
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    entries = project["entry-points"]["jupyter_client.kernel_provisioners"]
    assert entries == {kernel.PROVISIONER: "autograder.kernel:SandboxProvisioner"}
    assert "It hides neither tests nor scores" in (repository / "docs" / "sandbox.md").read_text()


# ---------------------------------------------------------------- somebody else's nbgrader course


def marks(name, **flags):
    return {
        "nbgrader": {
            "grade": False,
            "solution": False,
            "locked": False,
            "task": False,
            "schema_version": 3,
            "grade_id": name,
        }
        | flags
    }


def stock_notebook(answer):
    return new_notebook(
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
        cells=[
            new_code_cell(f"def double(x):\n    {answer}", metadata=marks("double", solution=True)),
            new_code_cell(
                "assert double(2) == 4\nassert double(3) == 6",
                metadata=marks("double-test", grade=True, locked=True, points=5),
            ),
        ],
    )


def test_a_stock_nbgrader_course_is_graded_by_its_name(
    installed, tmp_path, repository, monkeypatch
):
    """Two students: one is right, and one looks for the gradebook."""
    programs = str(Path(sys.executable).parent)  # nbgrader looks there for alembic
    monkeypatch.setenv("PATH", os.pathsep.join([programs, os.environ["PATH"]]))
    source = "### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"
    (tmp_path / "source" / "ps1").mkdir(parents=True)
    nbformat.write(stock_notebook(source), tmp_path / "source" / "ps1" / "p1.ipynb")
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\nc.Execute.timeout = 15\n")
    hostile = f"open({str(tmp_path / 'gradebook.db')!r}, 'rb')\n    return 2 * x"
    for student, answer in {
        "right": "return 2 * x",
        "nosy": hostile,
    }.items():
        folder = tmp_path / "submitted" / student / "ps1"
        folder.mkdir(parents=True)
        nbformat.write(stock_notebook(answer), folder / "p1.ipynb")

    def nbgrader(*arguments):
        paths = f"{installed['PYTHONPATH']}{os.pathsep}{repository}"
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *arguments],
            cwd=tmp_path,
            env=os.environ | installed | {"PYTHONPATH": paths},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return done.stderr

    nbgrader("generate_assignment", "ps1")
    said = nbgrader("autograde", "ps1", f"--Execute.kernel_name={kernel.KERNEL_NAME}")
    assert said.count("hides neither tests nor scores") == 1
    with Gradebook(f"sqlite:///{tmp_path}/gradebook.db") as gradebook:
        scores = {s.student_id: s.score for s in gradebook.assignment_submissions("ps1")}
    assert scores == {"right": 5, "nosy": 0}
    graded = nbformat.read(tmp_path / "autograded" / "nosy" / "ps1" / "p1.ipynb", as_version=4)
    assert "FileNotFoundError" in str(graded.cells[1].outputs)

"""Each limit is told in plain words, and stands in docs/sandbox.md with its default."""

import dataclasses
import re

import pytest

from autograder.sandbox import Limits, limit_reached, mounts
from autograder.sandbox.limits import GIB, MIB

PAGE = (mounts.GRADER.parent / "docs" / "sandbox.md").read_text(encoding="utf-8")
SMALL = Limits(tmp_bytes=8 * MIB, inodes=100, file_size=4 * MIB, cell_seconds=100)
CELLS = {
    "import time\ntime.sleep(999)": "CellTimeout",
    "while True: print('x' * 10_000)": "TooMuchOutput",
    "import numpy as np\nnp.empty(1 << 40)": "TooMuchMemory",
    "def grow(n):\n    return bytearray(n)\ngrow(1 << 40)": "TooMuchMemory",
    "import threading\nstop = threading.Event()\ntry:\n"
    "    for _ in range(200): threading.Thread(target=stop.wait).start()\n"
    "finally: stop.set()": "TooManyThreads",
    "import subprocess\nsubprocess.run(['true'])": "NoOtherProcess",
    "import os\nos.fork()": "NoOtherProcess",
    "import socket\nsocket.socket()": "NoOtherProcess",
    "files = [open('/dev/null') for _ in range(400)]": "TooManyOpenFiles",
    "files = None\nwith open('large', 'wb') as f: f.write(bytes(5 << 20))": "FileTooLarge",
    "for n in range(9):\n    with open(f'/tmp/{n}', 'wb') as f: f.write(bytes(1 << 20))": "NoRoom",
    "for n in range(200): open(f'/job/many{n}', 'w').close()": "NoRoom",
}


@pytest.fixture(scope="module")
def small(wall):
    from autograder.sandbox import start_session

    with start_session(SMALL, backend="bwrap") as session:
        yield session


@pytest.mark.parametrize(("source", "name"), CELLS.items(), ids=lambda text: text[-40:])
def test_a_cell_that_comes_to_a_limit_is_told_which(source, name, small):
    result = small.run_cell(source, timeout=2.0 if "sleep" in source else None)
    errors = [output for output in result.outputs if output["output_type"] == "error"]
    reached = limit_reached.limit_reached(errors[-1], SMALL)
    assert type(reached).__name__ == name
    for field in reached.fields:
        assert hasattr(SMALL, field)


def test_a_limit_is_told_with_its_number():
    assert str(limit_reached.FileTooLarge(SMALL)).endswith("larger than it may be: 4 MB")
    assert "200 seconds" in str(limit_reached.CellTimeout(Limits(cell_seconds=200)))
    assert "4,096 MB" in str(limit_reached.TooMuchMemory(Limits()))


@pytest.mark.parametrize("name", ["ValueError", "OSError", "RuntimeError"])
def test_another_error_is_about_no_limit(name):
    error = {"ename": name, "evalue": "[Errno 2] No such file or directory: 'x'"}
    assert limit_reached.limit_reached(error, Limits()) is None


def as_written(value):
    if value >= GIB and not value % GIB:
        return f"{value // GIB} GiB"
    if value >= MIB and not value % MIB:
        return f"{value // MIB} MiB"
    return f"{value:g}"


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Limits)])
def test_every_limit_stands_in_the_documentation_with_its_default(field):
    (row,) = re.findall(rf"^\| `{field}` \|(.*)$", PAGE, re.MULTILINE)
    default = row.split("|")[0].strip()
    assert default.removesuffix(" s") == as_written(getattr(Limits(), field))


def test_every_sentence_stands_in_the_documentation():
    told = {name for _, _, name in limit_reached.SIGNS}
    assert {each.__name__ for each in told} <= set(re.findall(r"`(\w+)`", PAGE))

"""The grader's own memory, whatever a student's process says to it."""

import json

import pytest
from own_process import found_by

from autograder.sandbox.limits import GIB, MIB

FLOODS = {
    "one line of 200 MB": "print('x' * (200 << 20))",
    "endless terminal codes": "while True: print('\\x1b[31m\\r' * 1000, end='')",
    "a page of 60 MB": "from IPython.display import *\ndisplay(HTML('<b>x</b>' * (60 << 17)))",
    "pages that nest": (
        "from IPython.display import *\nwhile True: display(HTML('<div>' * 100_000))"
    ),
    "pictures of 15 MB": (
        "from IPython.display import *\n"
        "while True: display(Image(b'\\x89PNG\\r\\n\\x1a\\n' + bytes(15 << 20), format='png'))"
    ),
    "outputs that are cleared": (
        "from IPython.display import *\nwhile True:\n    print('x' * 9999)\n    clear_output()"
    ),
    "a message of 100 MB": "raise ValueError('x' * (100 << 20))",
    "a name of 100 MB": "raise type('E' * (100 << 20), (Exception,), {})",
    "past the outputs": "import os\nwhile True: os.write(1, b'x' * 65536)",
    "from a thread": (
        "import threading, time\ndef f():\n    while True: print('x' * 100_000)\n"
        "threading.Thread(target=f).start()\ntime.sleep(600)"
    ),
}

GRADER = """
import json, sys
from autograder.sandbox import Limits, start_session
def peak():
    # Not getrusage(2): what it tells begins with the memory of whoever started this process.
    (line,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM:")]
    return int(line.split()[1]) << 10
limits = Limits(cell_seconds=20, grace_seconds=3)
session = start_session(limits, backend="bwrap")
session.run_cell("1")
report = {"at first": [peak(), "ok", 0]}
for name, source in json.load(sys.stdin).items():
    if session.dead:
        session.close()
        session = start_session(limits, backend="bwrap")
    result = session.run_cell(source)
    report[name] = [peak(), result.status, sum(len(str(o)) for o in result.outputs)]
session.close()
print(json.dumps(report))
"""


@pytest.fixture(scope="module")
def report(wall):
    """{flood: [the grader's peak so far in bytes, what became of the cell, what was kept]}."""
    return found_by(GRADER, said=json.dumps(FLOODS), timeout=500)


def test_no_flood_costs_the_grader_more_than_it_keeps(report):
    grown = {name: (peak - report["at first"][0]) // MIB for name, (peak, _, _) in report.items()}
    print(f"the grader's peak: {report['at first'][0] // MIB} MiB at first, then MiB more: {grown}")
    assert set(report) == {"at first", *FLOODS}
    assert max(grown.values()) < 400
    assert max(peak for peak, _, _ in report.values()) < 1.5 * GIB


def test_what_is_kept_of_a_flood_is_little(report):
    kept = {name: size for name, (_, _, size) in report.items() if size > 3 * MIB}
    assert kept == {}


def test_each_flood_was_one(report):
    stopped = {name for name, (_, status, _) in report.items() if status != "ok"}
    assert set(FLOODS) - stopped <= {"a page of 60 MB"}  # it is left out, and its cell goes on

"""What student code cannot use up, and that using it up costs the one who did it."""

import json
import resource
import time

import pytest

from autograder.sandbox import Limits
from autograder.sandbox.limits import MIB


def value(session, source):
    result = session.run_cell(source)
    assert result.status == "ok", result.outputs
    return json.loads("".join(o["text"] for o in result.outputs if o["output_type"] == "stream"))


def test_a_slow_cell_is_interrupted_and_the_session_lives(session):
    started = time.monotonic()
    result = session.run_cell("x = 1\nwhile True: pass", timeout=0.3)
    assert result.status == "timeout"
    assert [output["ename"] for output in result.outputs] == ["CellTimeout"]
    assert time.monotonic() - started < 2
    assert session.run_cell("x").outputs[0]["data"]["text/plain"] == "1"


def test_a_sleeping_cell_keeps_what_it_printed(session):
    result = session.run_cell("import time\nprint('before')\ntime.sleep(99)", timeout=0.3)
    assert result.status == "timeout"
    assert result.outputs[0]["text"] == "before\n"


@pytest.mark.parametrize(
    "source",
    [
        "import time\nwhile True:\n    try:\n        time.sleep(9)\n    except BaseException: pass",
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
        "7 ** 10 ** 9",
    ],
    ids=["swallows the interrupt", "ignores the signal", "never gives up the interpreter"],
)
def test_a_cell_that_does_not_stop_is_killed(source, fresh):
    session = fresh(grace_seconds=0.3)
    session.run_cell("1")  # so that the time is up in the cell and not before it
    result = session.run_cell(source, timeout=0.7)
    assert result.status == "timeout"
    assert "did not stop" in session.dead
    assert result.seconds < 3
    assert session.run_cell("1").status == "dead"


DEATHS = {
    "ctypes.string_at(0)": "it crashed (segmentation fault)",
    "os.abort()": "it aborted",
    "os.kill(os.getpid(), 9)": "it was killed",
    "os._exit(0)": "ended itself (exit code 0)",
    "os._exit(7)": "ended itself (exit code 7)",
}


@pytest.mark.parametrize("how", DEATHS)
def test_a_death_is_told_by_its_cause(how, fresh):
    session = fresh()
    assert session.run_cell(f"import ctypes, os\n{how}").status == "dead"
    assert DEATHS[how] in session.dead


def test_too_much_memory_is_a_memory_error_and_the_session_lives(session):
    result = session.run_cell("import numpy as np\nnp.ones(1 << 31)")
    assert [output["ename"] for output in result.outputs] == ["MemoryError"]
    assert session.run_cell("1").status == "ok"


def test_processor_time_ends_the_process(fresh):
    session = fresh(cpu_seconds=1, grace_seconds=0.5)
    result = session.run_cell("while True: pass", timeout=20)
    assert result.status == "dead"
    assert "processor time" in session.dead


def test_threads_are_bounded(session):
    source = """
import json, threading
stop = threading.Event()
threads = []
try:
    for _ in range(500):
        threads.append(threading.Thread(target=stop.wait))
        threads[-1].start()
except RuntimeError:
    pass
stop.set()
print(json.dumps(len(threads)))
"""
    assert 2 <= value(session, source) <= Limits().processes


@pytest.mark.parametrize("folder", ["/tmp", "/job", "/dev/shm"])
def test_disk_and_inodes_are_bounded(folder, fresh):
    session = fresh(tmp_bytes=8 * MIB, shared_memory_bytes=8 * MIB, inodes=200)
    source = f"""
import json, os
os.makedirs({folder!r} + "/many")
files = 0
try:
    while files < 1000:
        open(f"{folder}/many/{{files}}", "w").close()
        files += 1
except OSError:
    pass
for name in os.listdir({folder!r} + "/many"):
    os.unlink(f"{folder}/many/{{name}}")
size = 0
try:
    with open({folder!r} + "/large", "wb", buffering=0) as file:
        while size < 64 << 20:
            size += file.write(b"x" * (1 << 20))
except OSError:
    pass
print(json.dumps([files, size]))
"""
    files, size = value(session, source)
    assert 100 < files <= 200
    assert 6 * MIB <= size <= 8 * MIB


def test_one_file_is_bounded(fresh):
    session = fresh(file_size=MIB)
    source = "with open('/tmp/f', 'wb') as f:\n    f.write(b'x' * (2 << 20))"
    result = session.run_cell(source)
    assert result.outputs[-1]["ename"] == "OSError"


def test_descriptors_are_bounded(session):
    source = "files = [open('/dev/null') for _ in range(2000)]"
    assert session.run_cell(source).outputs[-1]["ename"] == "OSError"
    session.run_cell("files = None")


def test_limits_cannot_be_raised_again(session):
    source = """
import json, resource
raised = []
for name in dir(resource):
    if name.startswith("RLIMIT_"):
        which = getattr(resource, name)
        soft, hard = resource.getrlimit(which)
        try:
            resource.setrlimit(which, (soft, hard + 1 if hard >= 0 else hard))
            raised += [name] if hard >= 0 else []
        except (ValueError, OSError):
            pass
print(json.dumps(raised))
"""
    assert value(session, source) == []


def test_long_output_is_cut_and_the_cell_goes_on(session):
    result = session.run_cell("for i in range(40_000):\n    print('x' * 50)\nprint('end')\n1 / 0")
    assert result.status == "error"
    text = "".join(o["text"] for o in result.outputs if o["output_type"] == "stream")
    assert len(text) < Limits().output_bytes + 200
    assert "was cut" in text
    assert result.outputs[-1]["ename"] == "ZeroDivisionError"


def test_a_flood_of_output_is_stopped_and_the_session_lives(session):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = session.run_cell("while True: print('x' * 1000)")
    assert result.status == "flooded"
    assert result.seconds < 10
    assert sum(len(str(output)) for output in result.outputs) < 2 * Limits().output_bytes
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024  # KiB
    assert session.run_cell("1").status == "ok"


def test_one_endless_line_is_a_flood_too(session):
    assert session.run_cell("print('x' * (200 << 20))").status == "flooded"
    assert session.run_cell("1").status == "ok"


def test_many_small_outputs_are_a_flood_too(session):
    result = session.run_cell("while True: display(1)")
    assert result.status == "flooded"
    assert len(result.outputs) < 2000


def test_a_thread_that_prints_for_ever_ends_its_own_session(fresh):
    session = fresh()
    session.run_cell(
        "import threading\n"
        "def flood():\n    while True: print('x' * 100_000)\n"
        "threading.Thread(target=flood).start()"
    )
    for _ in range(200):
        if session.dead or session.run_cell("import time; time.sleep(0.05)").status != "ok":
            break
    else:
        pytest.fail("the flood went on")


def test_the_budget_of_a_submission_ends_its_session(fresh):
    session = fresh(submission_seconds=0.6)
    assert session.run_cell("import time\ntime.sleep(5)").status == "timeout"
    assert session.run_cell("1").status == "dead"
    assert "the submission used" in session.dead


def test_a_limit_must_be_above_zero():
    with pytest.raises(ValueError, match=r"cell_seconds must be above 0\. Got 0"):
        Limits(cell_seconds=0)


def test_without_a_bound_on_the_address_space_there_is_none():
    assert "RLIMIT_AS" not in Limits(address_space=None).rlimits()


def test_private_memory_is_bounded_below_the_address_space(fresh):
    session = fresh(address_space=8 << 30, private_memory=1 << 30)
    result = session.run_cell("import numpy as np\nnp.empty(2 << 27)")  # 2 GiB, never touched
    assert [output["ename"] for output in result.outputs] == ["MemoryError"]
    assert session.run_cell("np.empty(1 << 26).nbytes").status == "ok"

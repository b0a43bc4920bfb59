"""D. The run ends, in bounded time and memory, and every submission has its row."""

import gc
import subprocess
import sys
import time

from autograder.arrange import take_in
from autograder.intake import IntakeLimits
from autograder.sandbox import Limits

from . import small_course as tiny
from .memory import grader_memory

FULL = dict(tiny.POINTS)


def test_the_run_ends_and_every_row_was_graded(the_class):
    assert [row.student for row in the_class.rows.values() if row.error] == []
    # Each submission is bounded by its own limits: 90 seconds, and the grader's work around it.
    assert the_class.seconds < 30 * 120


def test_the_graders_memory_stays_small(the_class):
    print(f"the grader's peak, all its processes: {the_class.resident >> 20} MiB")
    assert 50 << 20 < the_class.resident < 1.5 * (1 << 30)


def test_the_watch_over_the_graders_memory_sees_its_processes_and_no_sandbox(wall):
    import numpy as np

    from autograder.sandbox import start_session

    taken = "x = bytearray(300 << 20)\nfor i in range(0, len(x), 4096): x[i] = 1"
    gc.collect()  # or what earlier tests have left goes while this one measures
    before = grader_memory()
    with start_session(backend="bwrap") as session:
        assert session.run_cell(taken).status == "ok"
        assert grader_memory() - before < 100 << 20
    command = [sys.executable, "-c", f"{taken}\nprint(flush=True)\nimport sys; sys.stdin.read()"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:
        process.stdout.readline()
        assert grader_memory() - before > 300 << 20
        process.stdin.close()
    own = np.ones(1 << 26)
    assert grader_memory() - before > 300 << 20
    del own


def test_line_45_a_cell_that_is_there_twice(points, notes):
    assert points("doubler") == FULL
    assert "more than once" in notes("doubler")


def test_line_46_a_schema_version_of_the_future(points):
    assert points("schemer") == FULL


def test_line_47_a_lock_on_the_gradebook(managed):
    assert managed("writer", 47) == []


def test_line_48_a_signal_to_the_parent(points, the_class):
    assert points("killer") == FULL
    assert len(the_class.rows) == 30


def test_line_49_exit(points, notes):
    assert points("killer") == FULL
    assert "ended the notebook's process" in notes("killer")


def test_line_50_an_interrupt_that_is_swallowed(points, notes):
    assert points("staller") == FULL
    assert "did not stop when interrupted" in notes("staller")


def test_line_51_many_cells_just_below_the_limit(wall, released):
    nb = tiny.with_cells(tiny.notebook(), *["import time; time.sleep(1.5)"] * 30, before="length")
    limits = Limits(cell_seconds=20.0, submission_seconds=12.0)
    began = time.monotonic()
    graded = tiny.grade(released, nb, limits=limits)
    assert time.monotonic() - began < 30 + limits.start_seconds
    assert "used its 12 seconds" in str(graded.nb.cells)


def test_line_52_a_line_of_60_megabytes(points, notes, the_class):
    assert points("flooder") == FULL
    assert "printed without end: more than 16 MB" in notes("flooder")
    autograded = the_class.root / "autograded" / "flooder" / tiny.SLUG / tiny.NOTEBOOK
    assert autograded.stat().st_size < 6 << 20


def test_line_53_a_result_without_text_and_a_score_above_the_most(points):
    assert points("forger") == {"double": 0, "square": 0, "length": 0}


def test_line_54_bad_json_and_metadata_of_wrong_types(points, notes):
    assert points("schemer") == FULL
    assert sum(points("torn").values()) == 0
    assert "counts as not filled in" in notes("torn")


def test_line_55_bombs(managed, points):
    assert managed("bomber", 55) == []
    assert points("bomber") == FULL


def test_line_56_a_huge_notebook_and_a_bomb_that_nobody_unpacks(tmp_path, the_class):
    folder = tiny.hand_in(tmp_path, "huge", tiny_DOT_ipynb=b"[" * (21 << 20))
    (folder / "bomb.zip").write_bytes(b"PK\x03\x04")
    release = {tiny.NOTEBOOK: tiny.unfilled()}
    submitted = tmp_path / "submitted"
    said = take_in(submitted, "huge", tiny.SLUG, tmp_path / "taken", release, IntakeLimits())
    assert any("Larger than 20 MB" in note for note in said)
    taken = {path.name for path in (tmp_path / "taken").iterdir()}
    assert taken == {tiny.NOTEBOOK, "bomb.zip"}
    assert not list((the_class.root / "autograded" / "torn").rglob("bomb/*"))

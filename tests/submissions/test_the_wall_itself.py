"""E. The wall itself: the stream, the values, the process, its files, and what a browser shows."""

import contextlib
import html
import re
import shutil
import subprocess

import pytest

from . import small_course as tiny

FULL = dict(tiny.POINTS)
CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)


def test_line_57_frames_that_lie(points, notes):
    assert points("wirer") == FULL | {"square": 0}
    assert "broke the rules" in notes("wirer")


def test_line_58_values_that_are_not_what_they_seem(points, the_class):
    assert sum(points("liar").values()) == 0
    said = str(the_class.rows["liar"].judged)
    assert "pickled" not in said


def test_line_59_other_processes(managed, points):
    assert managed("prowler", 59) == []
    assert points("prowler") == FULL


def test_line_60_memory_that_other_limits_do_not_see(managed):
    assert managed("bomber", 60) == []


def test_line_61_an_interpreter_that_dies(points, notes):
    assert points("crasher") == FULL | {"square": 0}
    assert "segmentation fault" in notes("crasher")


def test_line_63_outputs_that_a_browser_would_run(printed, points):
    assert points("scripter") == FULL
    shown = printed("scripter")
    for kind in ("application/javascript", "image/svg+xml", "vnd.jupyter.widget"):
        assert f"'{kind}" not in shown


def test_line_64_files_that_are_none(notes, points, the_class):
    assert sum(points("linker").values()) == 0
    assert "no special files" in notes("linker")
    assert "name is too long" in notes("linker")


# ---------------------------------------------------------------- a real browser
def as_a_browser_shows(path, tmp_path):
    """Return the page as chromium has it after its scripts have run."""
    if CHROMIUM is None:
        pytest.skip("no chromium is installed: what a browser does cannot be seen")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    command += ["--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=3000"]
    for attempt in range(3):  # on a busy machine it may wait for itself, for ever
        own = [f"--user-data-dir={tmp_path}/browser{attempt}", path.as_uri()]
        with contextlib.suppress(subprocess.TimeoutExpired):
            ran = subprocess.run([*command, *own], capture_output=True, text=True, timeout=120)
            assert "<body" in ran.stdout, ran.stderr[-2000:]
            return ran.stdout
    pytest.fail("the browser did not show the page")


def test_line_37_scripts_do_not_run_in_the_browser_that_reads_feedback(the_class, tmp_path):
    page = the_class.root / "feedback" / "scripter" / tiny.SLUG / "tiny.html"
    # Without the page's policy, which forbids every script: the text itself must be harmless.
    text, policies = re.subn(
        r"<meta http-equiv=.Content-Security-Policy[^>]*>", "", page.read_text()
    )
    assert policies == 1
    bare = tmp_path / "bare.html"
    bare.write_text(text)
    shown = as_a_browser_shows(bare, tmp_path)
    assert "data-owned=" not in shown.split("<body")[1][:200]
    assert "<title>OWNED" not in shown
    assert "OWNED" in html.unescape(shown)  # it is there, as text


def test_scripts_do_not_run_in_the_formgrader_either(the_class, tmp_path):
    page = tmp_path / "formgrader.html"
    page.write_text(tiny.formgrader_page(the_class.root, "scripter"))
    shown = as_a_browser_shows(page, tmp_path)
    assert "data-owned=" not in shown.split("<body")[1][:200]
    assert "<title>OWNED" not in shown
    assert "OWNED" in html.unescape(shown)


def test_the_browser_would_have_run_it(tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<title>a</title><body><img src=x onerror=\"document.title='OWNED'\">")
    assert "<title>OWNED" in as_a_browser_shows(page, tmp_path)

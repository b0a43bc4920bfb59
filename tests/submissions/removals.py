# ruff: noqa: E501  (texts as they stand in other files)
"""Take the defences away, one at a time, and see that a test notices.

    python tests/submissions/removals.py            all of them: half an hour or more
    python tests/submissions/removals.py seccomp    those whose name holds this word

Each is an edit in a copy of the repository; the copy's own test must pass without the edit and fail
with it. The class of the tests is cut down to the students that the test is about.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PARTS = "autograder cs231n_utils tests pyproject.toml nbgrader_config.py".split()
SECONDS = 1200


@dataclass(frozen=True)
class Removal:
    """One defence: the edits that take it away, and the test that must then fail."""

    name: str
    edits: tuple[tuple[str, str, str], ...]  # file, old text (once), new text
    test: str
    students: str


def test(place: str) -> str:
    return f"tests/submissions/test_{place}"


SANDBOX, INSIDE = "autograder/sandbox", "autograder/sandbox/inside"
REMOVALS = [
    Removal(
        "intake takes no links",
        (
            ("autograder/intake.py", "os.stat(name, dir_fd=folder, follow_symlinks=False)",
             "os.stat(name, dir_fd=folder)"),
            ("autograder/intake.py",
             "name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder",
             "name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder"),
        ),
        test("stealing.py::test_line_31_links_in_a_submission_are_not_followed"),
        "ada ben linker",
    ),
    Removal(
        "cells are repaired against the release",
        (("autograder/submission.py", "nb = repaired.notebook",
          "nb = arranged.notebooks[material.notebook]"),),
        test("grader_down.py::test_line_45_a_cell_that_is_there_twice"),
        "doubler",
    ),
    Removal(
        "graded cells are never run, their outputs are the judge's",
        (("autograder/grading.py", "cell.outputs = [verdict_output(verdicts[name], number)]", "pass"),
         ("autograder/nbgrader_plugin.py",
          "record[\"notes\"] += mark_only_what_was_judged(cell, graded.verdicts)", "pass")),
        test("points.py::test_line_01_a_tag_that_skips_the_test_cell"),
        "forger",
    ),
    Removal(
        "seccomp",
        ((f"{INSIDE}/seccomp.py", "    if machine not in MACHINES:\n", "    if machine:\n"),),
        test("the_wall_itself.py::test_line_60_memory_that_other_limits_do_not_see"),
        "bomber",
    ),
    Removal(
        "seccomp refuses sockets",
        ((f"{INSIDE}/seccomp.py", '"socket": (41, 198), ', ""),),
        test("stealing.py::test_line_35_another_students_kernel"),
        "prowler",
    ),
    Removal(
        "seccomp refuses other processes",
        ((f"{INSIDE}/seccomp.py",
          "            step(IF_ANY_BIT, CLONE_THREAD, if_true=1),\n            step(RETURN, denied),\n",
          "            step(IF_ANY_BIT, CLONE_THREAD, if_true=1),\n            step(RETURN, ALLOW),\n"),),
        test("hurting.py::test_line_43_a_daemon_that_outlives_the_run"),
        "bomber",
    ),
    Removal(
        "inodes are bounded",
        ((f"{INSIDE}/rights.py", "f\"nr_inodes={rights['inodes']}\"", '"nr_inodes=1000000"'),
         (f"{INSIDE}/spaces.py", "nr_inodes={wanted['inodes']},", "")),
        test("grader_down.py::test_line_55_bombs"),
        "bomber",
    ),
    Removal(
        "memory is bounded",
        ((f"{SANDBOX}/limits.py", '"RLIMIT_DATA": [self.private_memory] * 2,', ""),
         (f"{SANDBOX}/limits.py", 'limits["RLIMIT_AS"] = [self.address_space] * 2', "pass")),
        test("grader_down.py::test_line_55_bombs"),
        "bomber",
    ),
    Removal(
        "threads are bounded",
        ((f"{SANDBOX}/limits.py", 'limits["RLIMIT_NPROC"] = [self.processes] * 2', "pass"),
         (f"{SANDBOX}/cgroups.py",
          '"pids": ({"pids.max": str(limits.processes + LAUNCHERS)}, ())', '"pids": ({}, ())'),
         (f"{SANDBOX}/cgroups.py",
          '        "pids.max": str(limits.processes + LAUNCHERS),\n    }\n', "    }\n"),
         (f"{SANDBOX}/cgroups.py", '        ("TasksMax", limits.processes + LAUNCHERS),\n', "")),
        test("grader_down.py::test_line_55_bombs"),
        "bomber",
    ),
    Removal(
        "output is bounded",
        ((f"{SANDBOX}/limits.py", "flood_bytes: int = 16 * MIB\n    \"\"\"Outputs of one",
          "flood_bytes: int = 1 << 40\n    \"\"\"Outputs of one"),
         (f"{SANDBOX}/limits.py", "submission_flood_bytes: int = 64 * MIB",
          "submission_flood_bytes: int = 1 << 40")),
        test("grader_down.py::test_line_52_a_line_of_60_megabytes"),
        "flooder",
    ),
    Removal(
        "what ignores an interrupt is killed",
        ((f"{SANDBOX}/session.py",
          'self._end(f"{reason}, and it did not stop when interrupted")', "pass"),),
        test("grader_down.py::test_line_50_an_interrupt_that_is_swallowed"),
        "staller",
    ),
    Removal(
        "an answer that was not asked for ends the session",
        ((f"{SANDBOX}/session.py",
          'raise self._break("an answer that was not asked for")', "continue"),),
        test("the_wall_itself.py::test_line_57_frames_that_lie"),
        "wirer",
    ),
    Removal(
        "after a death the rest runs in a fresh process",
        (("autograder/grading.py", "MAX_STARTS = 6", "MAX_STARTS = 1"),),
        test("grader_down.py::test_line_49_exit"),
        "killer",
    ),
    Removal(
        "the student's own files come last on the path",
        ((f"{INSIDE}/runner.py", 'sys.path.append(config["job"])',
          'sys.path.insert(0, config["job"])'),
         (f"{INSIDE}/forks.py", 'sys.path.append(self.config["job"])',
          'sys.path.insert(0, self.config["job"])')),
        test("points.py::test_line_18_a_numpy_py_beside_the_notebook"),
        "shipper",
    ),
    Removal(
        "markdown and HTML are cleaned",
        ((f"{SANDBOX}/safe_display.py",
          "    return bleach.clean(\n        html, tags=TAGS, attributes=_allowed,"
          " protocols=[\"http\", \"https\", \"mailto\", \"data\"]\n    )", "    return html"),),
        test("the_wall_itself.py::test_line_37_scripts_do_not_run_in_the_browser_that_reads_feedback"),
        "scripter",
    ),
    Removal(
        "what failing cases say comes from public inputs",
        (("autograder/grading.py", "            run.reword(verdicts, bank)\n", "            pass\n"),),
        test("stealing.py::test_hidden_inputs_and_the_seed_never_reach_feedback"),
        "stasher",
    ),
    Removal(
        "forbidden names",
        (("autograder/grading.py",
          "used = forbidden_name(exercise, run.cells_before(name), assignment)", "used = None"),
         ("autograder/grading.py", "        if tuple(names) != self._forbidden:", "        if False:")),
        test("points.py::test_line_30_a_library_in_the_place_of_an_answer"),
        "shortcut",
    ),
]  # fmt: skip


def edit(root: Path, removal: Removal) -> None:
    """Take the defence away in the copy at `root`."""
    for name, old, new in removal.edits:
        path = root / name
        source = path.read_text()
        if source.count(old) != 1:
            raise SystemExit(f"{removal.name}: {name} must hold this once: {old!r}")
        path.write_text(source.replace(old, new))


def passes(root: Path, removal: Removal) -> bool:
    """Run the removal's test in the copy at `root`."""
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": path, "CS231N_STUDENTS": removal.students}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    command += [f"--basetemp={root}/basetemp", removal.test]
    ran = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, timeout=SECONDS
    )
    if ran.returncode not in (0, 1):
        raise SystemExit(f"{removal.name}: pytest could not run:\n{ran.stdout}{ran.stderr}")
    return ran.returncode == 0


def main(words: list[str]) -> int:
    """Try the removals whose name holds one of `words`; return how many nobody noticed."""
    chosen = [r for r in REMOVALS if not words or any(word in r.name for word in words)]
    missed = 0
    print("| taken away | test | without it |\n|---|---|---|", flush=True)
    for removal in chosen:
        seen = []
        for broken in (False, True):
            with tempfile.TemporaryDirectory(prefix="removal-") as folder:
                root = Path(folder)
                root.chmod(0o755)
                for part in PARTS:
                    source = REPOSITORY / part
                    copy = shutil.copytree if source.is_dir() else shutil.copy
                    copy(source, root / part)
                if broken:
                    edit(root, removal)
                seen.append(passes(root, removal))
        noticed = seen == [True, False]
        missed += not noticed
        said = "fails" if noticed else f"NOT NOTICED (passed before and after: {seen})"
        print(f"| {removal.name} | `{removal.test.split('::')[1]}` | {said} |", flush=True)
    return missed


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))

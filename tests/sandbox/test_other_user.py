"""The wall for root in a container without namespaces: another user, Landlock and seccomp."""

import json
import os
import shutil
import subprocess
import sys
import textwrap

import pytest
from for_all_users import where_all_may_run_it

from autograder.sandbox import NoSandbox, mounts, other_user
from autograder.sandbox.backends import choose_backend
from autograder.sandbox.other_user import OtherUser


@pytest.fixture
def as_root(tmp_path):
    """Run Python code as root where every user may run the interpreter; return what it prints."""
    if os.geteuid():
        pytest.skip("this wall is for root")
    if not (shutil.which("unshare") and shutil.which("setpriv")):
        pytest.skip("unshare and setpriv (util-linux) are not installed")

    def run(code):
        done = subprocess.run(
            where_all_may_run_it([sys.executable, "-c", textwrap.dedent(code)]),
            cwd=mounts.GRADER.parent,
            env={**os.environ, "KEEP": str(tmp_path / "keep"), "OUTSIDE": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


TRY = """
import json, os, sys
from pathlib import Path
from autograder.sandbox import start_session
outside = Path(os.environ["OUTSIDE"])
outside.chmod(0o777)
(outside / "open.txt").write_text("everybody's")
me, course = os.getpid(), os.getcwd()
TRIES = {
    "socket": "import socket; socket.socket()",
    "a program": "import os; os.fork()",
    "the course": f"import os; os.listdir({course!r} + '/solutions')",
    "a test": f"open({course!r} + '/autograder/judge.py').read()",
    "a file that is everybody's": f"open({str(outside)!r} + '/open.txt').read()",
    "write there": f"open({str(outside)!r} + '/mine.txt', 'w')",
    "the home of root": "import os; os.listdir('/root')",
    "another's environment": f"open('/proc/{me}/environ').read()",
    "another's files": f"import os; os.listdir('/proc/{me}/root')",
    "a signal": f"import os; os.kill({me}, 0)",
    "become root": "import os; os.setuid(0)",
}
with start_session(backend="user", files={"data/a.txt": b"x"}) as session:
    found = {name: session.run_cell(code).status for name, code in TRIES.items()}
    works = session.run_cell(
        "import numpy, torch, cs231n_utils, matplotlib.pyplot as plt, tempfile, os\\n"
        "plt.plot([1]); open('b.txt', 'w').write(open('data/a.txt').read())\\n"
        "tempfile.mkdtemp(); print(os.getuid())"
    )
    uid = int(works.outputs[0]["text"])
    told = [session.backend_name, session.layers, found, works.status, uid, os.getuid()]
left = [name for name in os.listdir("/tmp") if name.startswith("another-user-")]
print(json.dumps([*told, left]))
"""


def test_it_keeps_what_the_other_walls_keep(as_root):
    name, layers, found, works, uid, ours, left = as_root(TRY)
    assert (name, layers["seccomp"], works) == ("user", True, "ok")
    assert 0 != uid != ours
    allowed = [attempt for attempt, status in found.items() if status != "error"]
    if layers["landlock"]:
        assert allowed == []
    else:
        assert set(allowed) <= {"a file that is everybody's", "write there"}
    assert left == []


def test_it_is_never_chosen_by_itself_and_is_for_root_alone(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "needs root" in OtherUser().why_not()
    with pytest.raises(NoSandbox, match="user: it needs root"):
        choose_backend("user")


def test_several_names_are_tried_in_their_order(monkeypatch):
    monkeypatch.setattr(OtherUser, "why_not", lambda self: "not today")
    assert choose_backend("user,none").name == "none"
    with pytest.raises(NoSandbox, match="Got 'jail'"):
        choose_backend("none,jail")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with secrets on a path that everybody may come along."""
    monkeypatch.setattr(other_user, "_readable", lambda hidden=(): ["/usr"])
    monkeypatch.setattr(
        other_user, "others_may_read", lambda path: bool(path.stat().st_mode & 0o001)
    )
    return tmp_path


@pytest.mark.parametrize(("version", "open_"), [(0, True), (7, False)])
def test_without_landlock_the_tests_must_be_closed_to_others(version, open_, folder, monkeypatch):
    monkeypatch.setattr(other_user.landlock, "version", lambda: version)
    folder.chmod(0o755)
    told = other_user._what_is_open([folder])
    assert bool(told) == open_
    assert not told or told.endswith(f"this kernel has no Landlock. Close it: chmod 700 {folder}")
    folder.chmod(0o700)
    assert other_user._what_is_open([folder]) == ""


def test_a_grader_inside_what_landlock_lets_be_read_must_be_closed(folder, monkeypatch):
    monkeypatch.setattr(other_user, "_readable", lambda hidden=(): [str(folder.parent)])
    folder.chmod(0o755)
    assert "Landlock lets it be read" in other_user._what_is_open([folder])


def test_a_folder_is_closed_by_any_folder_above_it(tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "a").chmod(0o700)
    assert not other_user.others_may_read(inner)
    assert not other_user.others_may_read(tmp_path / "nothing")
    assert other_user.others_may_read(mounts.Path("/usr"))

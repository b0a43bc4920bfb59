"""What student code cannot reach. Each cell here tries, and what it found is looked at outside."""

import json
import os
import socket
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

from autograder.sandbox import mounts


def value(session, source):
    """The value that a cell prints as JSON in its last line."""
    result = session.run_cell(source)
    assert result.status == "ok", result.outputs
    return json.loads("".join(o["text"] for o in result.outputs if o["output_type"] == "stream"))


def test_three_layers_hold(session):
    assert session.backend_name == "bwrap"
    assert session.layers["seccomp"] is True
    assert session.layers["landlock"] >= 1


def test_it_is_another_user_without_rights(session):
    status = value(
        session,
        "import json\n"
        "print(json.dumps(dict(line.split(':', 1) for line in open('/proc/self/status'))))",
    )
    assert status["CapEff"].strip("\t\n 0") == ""
    assert status["CapAmb"].strip("\t\n 0") == ""
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Seccomp"].strip() == "2"
    assert os.geteuid() != int(status["Uid"].split()[0]) != 0
    assert status["Groups"].split() in ([], ["65534"])


def test_there_is_no_network(session):
    source = """
    import json, socket
    found = []
    for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK):
        try:
            socket.socket(family)
            found.append(str(family))
        except OSError:
            pass
    print(json.dumps([found, [name for _, name in socket.if_nameindex()] if found else ["lo"]]))
    """
    assert value(session, textwrap.dedent(source)) == [[], ["lo"]]


def test_it_sees_its_own_processes_only(session):
    found = value(
        session,
        "import os, json\nprint(json.dumps([p for p in os.listdir('/proc') if p.isdigit()]))",
    )
    assert len(found) <= 3
    assert str(os.getpid()) not in found or os.getpid() < 10


def test_no_other_process_can_be_started(session):
    source = """
    import json, os, subprocess, multiprocessing
    tries = [os.fork, os.forkpty, lambda: os.execv("/usr/bin/true", ["true"]),
             lambda: os.posix_spawn("/usr/bin/true", ["true"], {}),
             lambda: subprocess.run(["true"]),
             lambda: multiprocessing.Process(target=print).start()]
    done = []
    for number, start in enumerate(tries):
        try:
            start()
            done.append(number)
        except OSError:
            pass
    print(json.dumps(done + [os.system("true") == 0]))
    """
    assert value(session, textwrap.dedent(source)) == [False]


def test_its_environment_holds_nothing_of_ours(session, monkeypatch):
    found = value(session, "import os, json\nprint(json.dumps(dict(os.environ)))")
    assert not {"USER", "SSH_AUTH_SOCK", "VIRTUAL_ENV", "PWD"} & set(found) - {"PWD"}
    assert found["HOME"] == "/tmp/home"
    assert found["OMP_NUM_THREADS"] == "1"
    assert {"IPYTHONDIR", "MPLCONFIGDIR", "PYTHONPATH"} <= set(found)


def test_it_holds_one_descriptor_besides_its_outputs(session):
    source = """
    import json, os
    kinds = []
    for name in os.listdir("/proc/self/fd"):
        try:
            kinds.append(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:
            pass
    print(json.dumps(sorted(kind.split(":")[0] for kind in kinds)))
    """
    kinds = value(session, textwrap.dedent(source))
    assert kinds.count("socket") == 1
    assert set(kinds) <= {"socket", "pipe", "/dev/null", "anon_inode"}


WALK = """
import json, os
found = []
for start in ["", *"tmp job course etc home root run var".split()]:
    for top, _, files in os.walk("/" + start):
        found += [os.path.join(top, f) for f in files if WORD in f]
print(json.dumps(found))
"""


def test_the_course_around_the_working_folder_is_not_there(fresh, tmp_path, monkeypatch):
    for name in ("nbgrader_config.py", "gradebook.db", "solutions/marker-8313.ipynb"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("secret")
    (tmp_path / "marker-8313.txt").write_text("secret")
    monkeypatch.chdir(tmp_path)
    session = fresh(files={"mine-8313.txt": b""})
    assert value(session, f"WORD = '8313'\n{WALK}") == ["/job/mine-8313.txt"]
    source = f"import json, os\nprint(json.dumps(os.path.exists({str(tmp_path)!r})))"
    assert value(session, source) is False


def test_the_grader_is_not_there(session):
    source = f"""
    import importlib.util, json, os
    places = ["{mounts.GRADER}", "{mounts.GRADER.parent}/solutions", "/course/autograder",
              "/course/sandbox_inside/../judge.py"]
    print(json.dumps([importlib.util.find_spec("autograder") is not None,
                      *[bool(os.path.isdir(p) and os.listdir(p)) for p in places]]))
    """
    assert value(session, textwrap.dedent(source)) == [False] * 5


def test_what_is_hidden_is_masked_inside_a_mounted_folder(fresh):
    """nbgrader stands for an autograder that is installed into site-packages."""
    import nbgrader

    folder = Path(nbgrader.__file__).parent
    session = fresh(hidden=[folder])
    source = f"""
    import json, os
    try:
        import nbgrader.apps
        imported = True
    except ImportError:
        imported = False
    print(json.dumps([imported, os.listdir({str(folder)!r})]))
    """
    assert value(session, textwrap.dedent(source)) == [False, []]
    source = f"""
    import json
    try:
        open({str(folder / "new.py")!r}, "w")
    except OSError as error:
        print(json.dumps(type(error).__name__))
    """
    assert value(session, textwrap.dedent(source)) in ("OSError", "PermissionError")


def test_an_environment_inside_the_repository_does_not_bring_the_repository(
    fresh, tmp_path, monkeypatch
):
    (tmp_path / "nbgrader_config.py").write_text("")
    (tmp_path / "marker-8313.txt").write_text("secret")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "inside-8313.txt").write_text("public")
    monkeypatch.chdir(tmp_path)
    # as if the grader's interpreter were this one
    monkeypatch.setattr(sys, "exec_prefix", str(tmp_path / ".venv"))
    tmp_path.chmod(0o755)
    found = value(fresh(), f"WORD = '8313'\n{WALK}")
    assert found == [str(tmp_path / ".venv" / "inside-8313.txt")]


def test_what_is_mounted_cannot_be_changed(session):
    source = f"""
    import json, os, sys
    changed = []
    for folder in ("/", "/usr", "/usr/bin", "/etc", "/dev", "/course", "/course/sandbox_inside",
                   sys.prefix, {os.path.dirname(os.__file__)!r}):
        try:
            open(os.path.join(folder, "new"), "w").close()
            changed.append(folder)
        except OSError:
            pass
    print(json.dumps(changed))
    """
    assert value(session, textwrap.dedent(source)) == []


def test_a_socket_or_a_file_of_another_program_is_not_reached(session, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    secret.chmod(stat.S_IROTH | stat.S_IRUSR)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "listener"))
        listener.listen()
        source = f"""
        import json, os
        found = []
        for path in ({str(secret)!r}, "/etc/passwd", "/etc/shadow", "/root", "/home", "/sys",
                     "/var", "/run", "/proc/1/root/etc/passwd", {str(tmp_path / "listener")!r}):
            try:
                found.append([path, os.listdir(path) if os.path.isdir(path) else open(path).read()])
            except OSError:
                pass
        print(json.dumps(found))
        """
        found = [row for row in value(session, textwrap.dedent(source)) if row[0] != "/root"]
    assert found == []


def _is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_sandbox_dies_with_the_grader(wall, tmp_path):
    code = """
    import os, sys
    from autograder.sandbox import start_session
    session = start_session()
    print(session._child._process.pid, flush=True)
    os._exit(0)
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=mounts.GRADER.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    pid = int(ran.stdout)
    deadline = time.monotonic() + 5
    while _is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _is_alive(pid)


def test_an_ordinary_user_gets_the_same_wall(wall, as_user):
    code = """
    from autograder.sandbox import start_session
    with start_session() as session:
        print(session.layers)
        print(session.run_cell("import os\\nos.getuid(), os.listdir('/job')").outputs)
        print(session.run_cell("open('/etc/passwd')").outputs[-1]["ename"])
    """
    ran = as_user(code)
    assert ran.returncode == 0, ran.stderr
    assert "(65534, [])" in ran.stdout
    assert "'seccomp': True" in ran.stdout
    assert "FileNotFoundError" in ran.stdout or "PermissionError" in ran.stdout

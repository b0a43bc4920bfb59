"""Each inner layer by itself, without bubblewrap around it: it holds where another has a hole."""

import os
import textwrap

import pytest
from own_process import found_by

from autograder.sandbox import Limits
from autograder.sandbox.inside import landlock, seccomp

PREPARE = """
import ctypes, errno, json, os, socket, sys, threading
from autograder.sandbox.inside import confine, landlock, rights, seccomp
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    ctypes.set_errno(0)
    return libc.syscall(number, *arguments), ctypes.get_errno()
def attempt(function, *arguments):
    try:
        function(*arguments)
        return ""
    except OSError as error:
        return errno.errorcode[error.errno]
"""


def confined(code):
    """Run code in a process of its own; return what it prints as JSON."""
    return found_by(PREPARE + textwrap.dedent(code))


needs_landlock = pytest.mark.skipif(not landlock.version(), reason="the kernel has no Landlock")


@needs_landlock
def test_landlock_alone_keeps_files_apart(tmp_path):
    for name in ("shown", "own", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("text")
    found = confined(f"""
    top = {str(tmp_path)!r}
    landlock.restrict([top + "/shown"], [top + "/own"])
    print(json.dumps([
        attempt(open, top + "/shown/file"), attempt(open, top + "/shown/file", "a"),
        attempt(open, top + "/own/file", "a"), attempt(os.mkdir, top + "/own/new"),
        attempt(open, top + "/other/file"), attempt(os.listdir, top),
        attempt(os.mkdir, top + "/shown/new"), attempt(os.unlink, top + "/shown/file"),
        attempt(os.rename, top + "/own/file", top + "/shown/moved"),
        attempt(os.truncate, top + "/shown/file", 0),
    ]))
    """)
    assert found[:4] == ["", "EACCES", "", ""]
    assert set(found[4:]) <= {"EACCES", "EXDEV"}
    assert (tmp_path / "shown" / "file").read_text() == "text"


@pytest.mark.skipif(landlock.version() < 6, reason="the kernel's Landlock cannot hold signals back")
def test_landlock_alone_holds_signals_and_abstract_sockets_back():
    found = confined("""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("\\0wall-test-%d" % os.getpid())
    listener.listen()
    landlock.restrict(["/"], [])
    other = socket.socket(socket.AF_UNIX)
    print(json.dumps([attempt(os.kill, os.getppid(), 0), attempt(os.kill, os.getpid(), 0),
                      attempt(other.connect, listener.getsockname())]))
    """)
    assert found == ["EPERM", "", "EPERM"]


def test_seccomp_alone_refuses_every_call_of_its_table():
    column = seccomp.MACHINES[os.uname().machine][1]
    numbers = {name: both[column] for name, both in seccomp.REFUSED.items()}
    numbers = {name: number for name, number in numbers.items() if number is not None}
    found = confined(f"""
    seccomp.install()
    # With arguments that do no harm, were it allowed: -1 is no descriptor, process or address.
    print(json.dumps({{name: call(number, -1, -1, -1, -1, -1, -1)
                      for name, number in {numbers!r}.items()}}))
    """)
    assert {name: code for name, (_, code) in found.items() if code != 1} == {}
    assert len(found) > 60


def test_seccomp_alone_tells_newer_calls_and_clone3_that_they_are_absent():
    column = seccomp.MACHINES[os.uname().machine][1]
    numbers = [seccomp.LAST_KNOWN + 1, 2000, seccomp.CLONE3[column]]
    found = confined(f"""
    seccomp.install()
    print(json.dumps([call(number, 0, 0)[1] for number in {numbers!r}]))
    """)
    assert found == [38, 38, 38]  # ENOSYS


def test_seccomp_alone_allows_threads_and_no_processes():
    found = confined("""
    seccomp.install()
    done = []
    thread = threading.Thread(target=done.append, args=(1,))
    thread.start(); thread.join()
    print(json.dumps([done, attempt(os.fork), attempt(os.system, "true") or os.system("true") != 0,
                      attempt(socket.socketpair)]))
    """)
    assert found == [[1], "EPERM", True, ""]


def test_seccomp_binds_threads_that_ran_before():
    found = confined("""
    go, done = threading.Event(), []
    thread = threading.Thread(target=lambda: (go.wait(), done.append(attempt(os.fork))))
    thread.start()
    seccomp.install()
    go.set(); thread.join()
    print(json.dumps(done))
    """)
    assert found == ["EPERM"]


@pytest.mark.parametrize("layer", ["landlock.restrict(['/'], [])", "seccomp.install()"])
def test_no_layer_is_put_on_without_giving_up_new_rights_for_ever(layer):
    if "landlock" in layer and not landlock.version():
        pytest.skip("the kernel has no Landlock")
    found = confined(f"""
    {layer}
    lines = open("/proc/self/status").read().splitlines()
    print(json.dumps([line.split()[1] for line in lines if line.startswith("NoNewPrivs")]))
    """)
    assert found == ["1"]


def test_a_process_with_a_second_thread_is_not_confined_at_all():
    """Landlock would not bind the other thread, so the process must not go on as if it did."""
    found = confined(f"""
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    config = {{"walls": True, "rlimits": {Limits().rlimits()!r}, "readable": [], "writable": []}}
    try:
        confine.confine(config)
        told = "confined"
    except confine.NotAlone as error:
        told = str(error)
    stop.set(); thread.join()
    print(json.dumps([told, open("/proc/self/status").read().split("Seccomp:")[1].split()[0]]))
    """)
    assert found == ["the process must have one thread when it is confined. Got 2", "0"]


def test_limits_that_cannot_be_set_stop_the_process():
    found = confined("""
    rights.give_up_rights({"rights": {"inodes": 9, "folders": [], "uid": None}})
    told = []
    for walls in (True, False):
        config = {"walls": walls, "rlimits": {"RLIMIT_NO_SUCH": [1, 1]},
                  "readable": ["/"], "writable": []}
        try:
            told.append(confine.confine(config) and "went on")
        except AttributeError:
            told.append("stopped")
    print(json.dumps(told))
    """)
    assert found == ["stopped", "went on"]


STATUS = """
    status = dict(line.rstrip("\\n").split(":\\t", 1) for line in open("/proc/self/status"))
    names = ("CapInh", "CapPrm", "CapEff", "CapAmb")
    left = [status[name] for name in names if int(status[name], 16)]
"""


@pytest.mark.parametrize(
    "uid",
    [
        None,
        pytest.param(
            61234,
            marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user"),
        ),
    ],
)
def test_rights_are_given_up_for_ever(uid):
    found = confined(f"""
    rights.give_up_rights({{"rights": {{"inodes": 9, "folders": [], "uid": {uid}}}}})
{STATUS}
    back = [attempt(os.setuid, 0), libc.prctl(23, 21, 0, 0, 0)]  # is CAP_SYS_ADMIN to be had?
    files = os.listdir("/proc/self/fd")  # its own files stay open to it
    print(json.dumps([left, status["NoNewPrivs"], status["Uid"].split(), status["Groups"].split(),
                      back, len(files) > 2]))
    """)
    if uid:
        assert found == [[], "1", [str(uid)] * 4, [], ["EPERM", 0], True]
    else:
        assert found[:3] == [[], "1", [str(os.getuid())] * 4]


def test_files_in_memory_cannot_be_bounded_by_whoever_may_not_mount():
    """The process stops then: it does not go on without the bound."""
    found = confined("""
    rights.give_up_rights({"rights": {"inodes": 9, "folders": [], "uid": None}})
    try:
        rights.give_up_rights({"rights": {"inodes": 9, "folders": ["/tmp"], "uid": None}})
    except OSError as error:
        print(json.dumps([error.errno, str(error)]))
    """)
    assert found == [1, "[Errno 1] bounding the files in /tmp: Operation not permitted"]


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user has no rights to be left")
def test_a_process_that_has_rights_left_is_not_confined_at_all():
    found = confined("""
    try:
        confine.confine({"walls": True, "rlimits": {}, "readable": [], "writable": []})
        told = "confined"
    except rights.RightsLeft as error:
        told = str(error)
    print(json.dumps([told, open("/proc/self/status").read().split("Seccomp:")[1].split()[0]]))
    """)
    assert "must have no capabilities" in found[0]
    assert found[1] == "0"

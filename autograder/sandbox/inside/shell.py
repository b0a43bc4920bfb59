"""An IPython shell without ZMQ: no ports, no history file, no thread of its own."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import TraitError
from traitlets.config import Config

from .outputs import display_frame


class Publisher(DisplayPublisher):
    """`display(...)`"""

    def publish(self, data: Any, metadata: Any = None, *_: Any, **__: Any) -> None:
        self.shell.flush()
        if isinstance(data, dict):
            self.shell.emit(*display_frame("display_data", data))

    def clear_output(self, wait: bool = False) -> None:
        self.shell.flush()
        self.shell.emit({"t": "clear", "wait": bool(wait)}, [])


class Hook(DisplayHook):
    """The value of a cell's last expression; `_` and `Out` are kept by the base class."""

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        self.shell.flush()
        self.shell.emit(*display_frame("execute_result", format_dict))

    def finish_displayhook(self) -> None:
        pass


class Shell(InteractiveShell):
    """The shell of one student.

    `emit(header, arrays)` sends an output, `flush()` what was printed before it.
    """

    emit: Callable[..., None]
    flush: Callable[[], None]

    def enable_gui(self, gui: Any = None) -> None:
        """Nothing to do: %matplotlib inline asks for it."""

    def _tee(self, channel: str) -> contextlib.AbstractContextManager:
        """IPython 9 keeps a copy of everything printed for a history; there is none here."""
        return contextlib.nullcontext()

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        self.flush()
        try:
            message = str(evalue)
        except Exception:  # a student's own __str__
            message = "<the exception's __str__ failed>"
        frame = {
            "t": "error",
            "ename": str(getattr(etype, "__name__", etype))[:200],
            "evalue": _plain(message[:4000]),
            "traceback": [_plain(str(line)[:20_000]) for line in stb[-20:]],
        }
        self.emit(frame, [])


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def make_shell(emit: Callable[..., None], flush: Callable[[], None]) -> Shell:
    """Return the process's one shell."""
    Shell.emit, Shell.flush = staticmethod(emit), staticmethod(flush)
    if Shell.initialized():
        return Shell.instance()  # the fork server made it
    config = Config()
    config.HistoryManager.enabled = False
    config.HistoryManager.hist_file = ":memory:"
    shell = Shell.instance(
        config=config, display_pub_class=Publisher, displayhook_class=Hook, user_ns={}
    )
    try:
        shell.colors = "nocolor"
    except TraitError:  # IPython 8
        shell.colors = "NoColor"
    return shell


def warm_up() -> None:
    """Make the shell beforehand, and let it import what it does with its first cells."""
    shell = make_shell(lambda *_: None, lambda: None)
    for source in ("1 + 1", "1 / 0", "display(1)", "def broken(:"):
        shell.run_cell(source)
    if "matplotlib" in sys.modules:
        # As when a new process first draws; it happens once, when the backend is imported.
        shell.run_line_magic("matplotlib", "inline")
    shell.reset(new_session=True)
    shell.user_ns.update({"_": "", "__": "", "___": ""})  # which a reset leaves out

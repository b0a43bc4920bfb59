"""What a student's cells print, show and raise, sent to the grader as frames."""

from __future__ import annotations

import base64
import io
import os
import select
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

SAFE_MIME = (
    "text/plain",
    "image/png",
    "image/jpeg",
    "text/latex",
    "text/markdown",
    "text/html",  # the grader cleans it
)
MAX_ITEM = 16 << 20  # bytes of one displayed item; the grader's own cap is far smaller
TEXT_PIECE = 200_000  # characters in one frame
KEEP = 8192  # characters kept back before a print is sent

Emit = Callable[[dict[str, Any], list[np.ndarray]], None]


def as_bytes(text: str) -> np.ndarray:
    """Text as an array (bytes,) uint8. A lone surrogate becomes "?"."""
    return np.frombuffer(text.encode("utf-8", "replace"), np.uint8)


class TextOutput(io.TextIOBase):
    """`sys.stdout` or `sys.stderr` of the cells."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, emit: Emit, name: str):
        self._emit = emit
        self.name = name
        self._lock = threading.RLock()
        self._kept: list[str] = []
        self._kept_size = 0

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return 1 if self.name == "stdout" else 2

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        with self._lock:
            self._kept.append(text)
            self._kept_size += len(text)
        if self._kept_size > KEEP:
            self.flush()
        return len(text)

    def flush(self) -> None:
        with self._lock:
            text, self._kept, self._kept_size = "".join(self._kept), [], 0
        for start in range(0, len(text), TEXT_PIECE):
            self._emit(
                {"t": "stream", "name": self.name}, [as_bytes(text[start : start + TEXT_PIECE])]
            )


class Descriptors:
    """What C code writes to descriptors 1 and 2, brought to the same outputs by one thread."""

    def __init__(self, stdout: TextOutput, stderr: TextOutput):
        self._lock = threading.Lock()
        self._outputs: dict[int, TextOutput] = {}
        for descriptor, output in ((1, stdout), (2, stderr)):
            reader, writer = os.pipe()
            os.dup2(writer, descriptor)
            os.close(writer)
            os.set_blocking(reader, False)
            self._outputs[reader] = output

    def start(self) -> None:
        threading.Thread(target=self._watch, daemon=True, name="sandbox-descriptors").start()

    def _watch(self) -> None:
        poll = select.poll()
        for reader in self._outputs:
            poll.register(reader, select.POLLIN)
        while True:
            poll.poll()
            self.drain()

    def drain(self) -> None:
        """Pass on what is in the pipes now; at the end of a cell this keeps its output with it."""
        with self._lock:
            for reader, output in self._outputs.items():
                while True:
                    try:
                        chunk = os.read(reader, 65536)
                    except BlockingIOError:
                        break
                    if not chunk:
                        break
                    output.write(chunk.decode("utf-8", "replace"))
                    output.flush()


def display_frame(kind: str, data: dict[str, Any]) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Return the frame of one display_data or execute_result.

    It holds the safe types of `data`, each as an array (bytes,) uint8.
    Images travel as their bytes, not as base64; IPython's own formatter gives either.
    """
    mimes, arrays = [], []
    for mime in SAFE_MIME:
        if mime not in data:
            continue
        content = data[mime]
        if mime.startswith("image/") and isinstance(content, str):
            content = base64.b64decode(content)
        if isinstance(content, (bytes, bytearray)):
            array = np.frombuffer(bytes(content), np.uint8)
        else:
            array = as_bytes(content if isinstance(content, str) else repr(content))
        if array.nbytes > MAX_ITEM:
            mime, array = "text/plain", as_bytes(f"[{mime} of {array.nbytes} bytes left out]")
        if mime not in mimes:
            mimes.append(mime)
            arrays.append(array)
    return {"t": "display", "kind": kind, "mimes": mimes}, arrays

"""Build a cell's outputs, in notebook format 4, from frames that may lie."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from .errors import WireError
from .inside.outputs import SAFE_MIME
from .inside.values import is_plain_text
from .safe_display import JPEG, PIXELS, PNG, clean_output_html, clean_tex, picture_pixels

MAX_OUTPUTS = 1000
FRAME_COST = 1024  # a frame takes time, however small it is
CUT = "\n[the rest of this cell's output was cut]\n"


class OutputCollector:
    """The outputs of one cell.

    received: bytes that came, kept or not, where a small frame counts as FRAME_COST.
    """

    def __init__(self, limit: int):
        self.limit = limit
        self.received = 0
        self.outputs: list[dict[str, Any]] = []
        self._kept = 0
        self._cut = False
        self._clear_next = False

    def add(self, header: dict[str, Any], arrays: list[np.ndarray]) -> None:
        """Take in one frame. Raises WireError when it is not an output."""
        size = 200 + sum(array.nbytes for array in arrays)
        kind = header["t"]
        if kind == "clear":
            self.received += FRAME_COST
            self._clear(wait=header.get("wait") is True)
            return
        if kind == "stream":
            output = self._stream(header, arrays)
        elif kind == "display":
            output = self._display(header, arrays)
        elif kind == "error":
            output, size = self._error(header)
        else:
            raise WireError("a frame of an unknown kind is not an output")
        self.received += max(size, FRAME_COST)
        if self._clear_next:
            self._clear(wait=False)
        if self._kept + size > self.limit + 200 or len(self.outputs) >= MAX_OUTPUTS:
            self._note_cut(output)
        else:
            self._kept += size
            self._append(output)

    def drop_interrupt(self) -> None:
        """Drop the KeyboardInterrupt that our own interrupt left behind; the grader says why."""
        self.outputs = [
            output for output in self.outputs if output.get("ename") != "KeyboardInterrupt"
        ]

    def _append(self, output: dict[str, Any]) -> None:
        last = self.outputs[-1] if self.outputs else None
        if (
            last
            and output["output_type"] == "stream" == last["output_type"]
            and last["name"] == output["name"]
        ):
            last["text"] += output["text"]
            self._kept -= 200  # joined: no new item
        else:
            self.outputs.append(output)

    def _note_cut(self, output: dict[str, Any]) -> None:
        if output["output_type"] == "error":  # always worth a line: it is why the cell failed
            short = {**output, "evalue": output["evalue"][:500], "traceback": []}
            self.outputs = [item for item in self.outputs if item["output_type"] != "error"][
                :MAX_OUTPUTS
            ]
            self.outputs.append(short)
        if self._cut:
            return
        self._cut = True
        if output["output_type"] == "stream":
            room = max(0, self.limit - self._kept)
            self._append({**output, "text": output["text"][:room]})
            self._kept = self.limit
        self.outputs.append({"output_type": "stream", "name": "stdout", "text": CUT})

    def _clear(self, *, wait: bool) -> None:
        self._clear_next = wait
        if not wait:
            self.outputs, self._kept, self._cut = [], 0, False

    def _stream(self, header: dict[str, Any], arrays: list[np.ndarray]) -> dict[str, Any]:
        if header.get("name") not in ("stdout", "stderr") or len(arrays) != 1:
            raise WireError('a stream must be "stdout" or "stderr" with one array of text')
        return {"output_type": "stream", "name": header["name"], "text": _text(arrays[0])}

    def _display(self, header: dict[str, Any], arrays: list[np.ndarray]) -> dict[str, Any]:
        kind, mimes = header.get("kind"), header.get("mimes")
        if (
            kind not in ("display_data", "execute_result")
            or type(mimes) is not list
            or len(mimes) != len(arrays)
        ):
            raise WireError("a display must have a kind, and one array for each MIME type")
        data = {}
        for mime, array in zip(mimes, arrays, strict=True):
            if mime not in SAFE_MIME:
                raise WireError("a display must have safe MIME types only")
            if (shown := _shown(mime, array)) is not None:
                data[mime] = shown
        if not data and mimes:
            data["text/plain"] = f"[{mimes[0]} left out]"
        output = {"output_type": kind, "metadata": {}, "data": data}
        if kind == "execute_result":
            output["execution_count"] = None
        return output

    def _error(self, header: dict[str, Any]) -> tuple[dict[str, Any], int]:
        parts = [header.get("ename"), header.get("evalue")]
        lines = header.get("traceback")
        if type(lines) is not list or not all(
            type(part) is str and is_plain_text(part) for part in (*parts, *lines)
        ):
            raise WireError("an error must have texts only")
        size = 200 + sum(len(part.encode()) for part in (*parts, *lines))
        return {
            "output_type": "error",
            "ename": parts[0],
            "evalue": parts[1],
            "traceback": lines,
        }, size


def error_output(name: str, message: str) -> dict[str, Any]:
    """An error output in the grader's own words."""
    return {
        "output_type": "error",
        "ename": name,
        "evalue": message,
        "traceback": [f"{name}: {message}"],
    }


def _shown(mime: str, array: np.ndarray) -> str | None:
    """Return one representation as it may stand in a notebook, None where it may not."""
    if mime == "text/html":
        return clean_output_html(_text(array))
    if not mime.startswith("image/"):
        return clean_tex(_text(array)) if mime in ("text/latex", "text/markdown") else _text(array)
    content = _bytes(array)
    pixels = picture_pixels(content)
    if not content.startswith(PNG if mime == "image/png" else JPEG) or pixels is None:
        return None  # not an image: a browser must not get to guess what it is
    if pixels > PIXELS:
        return None  # a megabyte that unfolds to gigabytes on the screen
    return base64.b64encode(content).decode("ascii")


def _bytes(array: np.ndarray) -> bytes:
    if array.dtype != np.uint8 or array.ndim != 1:
        raise WireError("a text or an image must be an array (bytes,) uint8")
    return array.tobytes()


def _text(array: np.ndarray) -> str:
    return _bytes(array).decode("utf-8", "replace")

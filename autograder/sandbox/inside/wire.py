"""The stream between the grader and a student's process: frames of strict JSON and raw arrays.

    frame = b"CSW1" | u32 header length | u64 payload length | header (JSON) | payload (arrays)

Integers are little-endian. The header is an object with "t" (what the frame is), "id", and, when
there is a payload, "arrays": [[dtype, shape], ...], back to back in C order: no offsets, so nothing
can overlap or leave a gap. Both sides check the same rules; only the grader's checks matter. A
deadline in the middle of a frame keeps what has come so far: the next `recv` goes on from there,
and a half-sent frame is finished before the next one.
"""

from __future__ import annotations

import json
import math
import re
import select
import socket
import struct
import time
from collections import deque
from typing import Any

import numpy as np

from .values import DTYPES, MAX_ARRAYS, MAX_RANK, WireError, fits_int64, is_plain_text, pack, unpack

__all__ = [
    "Closed",
    "DeadlinePassed",
    "Stream",
    "WireError",
    "pack",
    "parse_header",
    "split_arrays",
    "unpack",
]

MAGIC = b"CSW1"
PREFIX = struct.Struct("<4sIQ")
MAX_HEADER = 1 << 20
MAX_PAYLOAD = 64 << 20
MAX_HEADER_DEPTH = 64
MAX_HEADER_NODES = 200_000
CHUNK = 1 << 20
AHEAD = 1 << 16  # bytes that are read beyond what is needed, and sent at once: most frames are one
_NO_SIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)


class Closed(WireError):
    """The peer has closed its end."""


class DeadlinePassed(Exception):
    """Nothing, or not everything, came or went before the deadline. The stream is still in step."""


def _refuse_constant(name: str) -> None:
    raise WireError(f"a header must be strict JSON. Got {name}")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise WireError("an object in a header has a key twice")
    return result


# Made once: json.dumps and json.loads make one each time for settings that are not their own.
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_unique_keys)
_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
_UNUSUAL = re.compile(rb"\\u|[0-9]{19}|[0-9][eE]")


def parse_header(raw: bytes) -> dict[str, Any]:
    """Return the header in `raw`, an object with a str "t" and an int "id" (0 when left out)."""
    try:
        header = _DECODER.decode(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise WireError(f"a header must be strict JSON in UTF-8 ({type(error).__name__})") from None
    if (
        type(header) is not dict
        or type(header.get("t")) is not str
        or type(header.get("id", 0)) is not int
    ):
        raise WireError('a header must be an object with a str "t" and an int "id"')
    if not _is_usual(raw):
        _check_tree(header)
    return header


def _is_usual(raw: bytes) -> bool:
    """Return whether a header's text alone shows that `_check_tree` finds nothing: too few brackets
    to be deep, too few parts, no escape that may be half a character, no number out of bounds.
    """
    opened = raw.count(b"[") + raw.count(b"{")
    return (
        opened <= MAX_HEADER_DEPTH
        and 2 * (opened + raw.count(b",")) < MAX_HEADER_NODES  # a key and its value for each comma
        and not _UNUSUAL.search(raw)
    )


def _check_tree(root: Any) -> None:
    """Bound depth and number of nodes; refuse what JSON can spell but a notebook cannot hold."""
    waiting = [(root, 0)]
    nodes = 0
    while waiting:
        part, depth = waiting.pop()
        nodes += 1
        if depth > MAX_HEADER_DEPTH or nodes > MAX_HEADER_NODES:
            raise WireError("a header is nested too deep or has too many parts")
        kind = type(part)
        if kind is dict:
            waiting.extend((key, depth + 1) for key in part)
            waiting.extend((item, depth + 1) for item in part.values())
        elif kind is list:
            waiting.extend((item, depth + 1) for item in part)
        elif kind is str and not is_plain_text(part):
            raise WireError("a text in a header is not valid Unicode")
        elif kind is int and not fits_int64(part):
            raise WireError("an int in a header does not fit in 64 bits")
        elif kind is float and not math.isfinite(part):  # 1e999 parses as inf
            raise WireError("a float in a header is not finite")


def array_sizes(
    header: dict[str, Any], payload_bytes: int
) -> list[tuple[np.dtype, list[int], int]]:
    """Return (dtype, shape, count) of each announced array; together they fill the payload."""
    announced = header.get("arrays", [])
    if type(announced) is not list or len(announced) > MAX_ARRAYS:
        raise WireError(f'"arrays" must be a list of {MAX_ARRAYS} at most')
    sizes, total = [], 0
    for item in announced:
        if (
            type(item) is not list
            or len(item) != 2
            or type(item[0]) is not str
            or item[0] not in DTYPES
        ):
            raise WireError("an array must be announced as [dtype, shape] with an allowed dtype")
        shape = item[1]
        if type(shape) is not list or len(shape) > MAX_RANK:
            raise WireError(f"a shape must be a list of {MAX_RANK} at most")
        if not all(type(size) is int and 0 <= size <= MAX_PAYLOAD for size in shape):
            raise WireError("a shape must hold sizes, none negative or larger than any payload")
        dtype, count = DTYPES[item[0]], math.prod(shape)  # Python ints do not overflow
        sizes.append((dtype, shape, count))
        total += count * dtype.itemsize
    if total != payload_bytes:
        raise WireError("the arrays and the payload must take the same number of bytes")
    return sizes


def split_arrays(header: dict[str, Any], payload: bytes | bytearray) -> list[np.ndarray]:
    """Return the read-only arrays that `header` announces in `payload`."""
    arrays, offset = [], 0
    for dtype, shape, count in array_sizes(header, len(payload)):
        if dtype.kind == "b":  # a bool byte other than 0 or 1 is undefined behaviour in NumPy
            array = np.frombuffer(payload, np.uint8, count, offset) != 0
        else:
            array = np.frombuffer(payload, dtype, count, offset)
        try:
            array = array.reshape(shape)
        except ValueError:
            # [0, 2**26, 2**26, 2**26] takes no bytes, yet is too large for NumPy's own arithmetic.
            raise WireError("a shape is too large") from None
        array.flags.writeable = False
        arrays.append(array)
        offset += count * dtype.itemsize
    return arrays


class Stream:
    """Frames over a socket. One thread may send while another receives.

    A deadline is a value of `time.monotonic()`, or None to wait for ever.
    """

    def __init__(
        self, sock: socket.socket, *, max_header: int = MAX_HEADER, max_payload: int = MAX_PAYLOAD
    ):
        sock.setblocking(False)
        self.sock = sock
        self.max_header = max_header
        self.max_payload = max_payload
        self._unsent: deque[memoryview] = deque()
        self._part = bytearray()  # what has come and was not taken yet
        self._lengths: tuple[int, int] | None = None
        self._header: dict[str, Any] | None = None

    def close(self) -> None:
        self.sock.close()

    def send(
        self,
        header: dict[str, Any],
        arrays: list[np.ndarray] | tuple = (),
        deadline: float | None = None,
    ) -> None:
        """Send one frame. Raises WireError before a byte is sent when it is too large."""
        if arrays:
            header = {
                **header,
                "arrays": [[array.dtype.str, list(array.shape)] for array in arrays],
            }
        raw = _ENCODER.encode(header).encode()
        payload = sum(array.nbytes for array in arrays)
        if len(raw) > self.max_header:
            raise WireError(f"a frame's header may take {self.max_header} bytes. Got {len(raw)}")
        if payload > self.max_payload:
            raise WireError(f"a frame's arrays may take {self.max_payload} bytes. Got {payload}")
        frame = [memoryview(PREFIX.pack(MAGIC, len(raw), payload) + raw)]
        for array in arrays:
            if array.nbytes:
                flat = np.asarray(array, order="C").reshape(-1)
                frame.append(memoryview(flat.view(np.uint8)))
        if len(frame) > 1 and payload <= AHEAD:
            frame = [memoryview(b"".join(frame))]
        self._unsent.extend(frame)
        self._flush(deadline)

    def recv(self, deadline: float | None = None) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Return the next frame's header and arrays."""
        if self._lengths is None:
            magic, header_bytes, payload_bytes = PREFIX.unpack(self._take(PREFIX.size, deadline))
            if magic != MAGIC:
                raise WireError("a frame must begin with the magic number")
            if header_bytes > self.max_header or payload_bytes > self.max_payload:
                raise WireError(
                    f"a frame may take {self.max_header} and {self.max_payload} bytes at most"
                )
            self._lengths = header_bytes, payload_bytes
        if self._header is None:
            header = parse_header(bytes(self._take(self._lengths[0], deadline)))
            array_sizes(header, self._lengths[1])  # before the payload is waited for
            self._header = header
        payload = self._take(self._lengths[1], deadline)
        header, self._header, self._lengths = self._header, None, None
        return header, split_arrays(header, payload)

    def _take(self, size: int, deadline: float | None) -> bytearray:
        """Return exactly `size` bytes.

        The buffer grows as bytes come: a length that is only claimed costs nothing.
        """
        while len(self._part) < size:
            try:
                chunk = self.sock.recv(max(min(size - len(self._part), CHUNK), AHEAD))
            except BlockingIOError:
                self._wait(select.POLLIN, deadline)
                continue
            except OSError as error:
                raise Closed(f"the stream broke: {error}") from None
            if not chunk:
                raise Closed("the stream ended")
            self._part += chunk
            # A peer that never stops sending must not make the deadline void.
            if deadline is not None and len(self._part) < size and time.monotonic() > deadline:
                raise DeadlinePassed
        if len(self._part) == size:
            part, self._part = self._part, bytearray()
        else:
            part = self._part[:size]
            del self._part[:size]
        return part

    def _flush(self, deadline: float | None) -> None:
        while self._unsent:
            try:
                sent = self.sock.send(self._unsent[0], _NO_SIGNAL)
            except BlockingIOError:
                try:
                    self._wait(select.POLLOUT, deadline)
                except DeadlinePassed:
                    # The caller may reuse its arrays now: keep copies of what is still to go.
                    self._unsent = deque(memoryview(bytes(view)) for view in self._unsent)
                    raise
                continue
            except OSError as error:
                raise Closed(f"the stream broke: {error}") from None
            if sent == len(self._unsent[0]):
                self._unsent.popleft()
            else:
                self._unsent[0] = self._unsent[0][sent:]

    def _wait(self, event: int, deadline: float | None) -> None:
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise DeadlinePassed
        poll = select.poll()
        poll.register(self._waits_at(event), event)
        poll.poll(None if left is None else math.ceil(left * 1000))

    def _waits_at(self, event: int) -> Any:
        """What to poll for `event`: a socket is the same in both directions."""
        return self.sock

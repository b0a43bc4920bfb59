"""Plain Python values <-> a JSON skeleton and a list of arrays. Never pickle.

What travels: None, bool, int (64 bit), float (nan and inf too), str, list, tuple, dict with str
keys, and NumPy arrays and scalars of the dtypes below. A container or an array is written as a dict
with one key that starts with "$".
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

DTYPES = {
    name: np.dtype(name)
    for name in (
        *("|b1", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8"),
        *("<f2", "<f4", "<f8", "<c8", "<c16"),
    )
}
MAX_DEPTH = 16
MAX_NODES = 50_000
MAX_ARRAYS = 4096
MAX_RANK = 16
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class WireError(Exception):
    """What arrived breaks the rules of the wire: the peer is not to be talked to again."""


def is_plain_text(text: str) -> bool:
    """Tell whether `text` can be written as UTF-8 (a lone surrogate cannot)."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def fits_int64(number: int) -> bool:
    return -(1 << 63) <= number < 1 << 63


def pack(value: Any, arrays: list[np.ndarray]) -> Any:
    """Return a JSON skeleton of `value`; its arrays are appended to `arrays`.

    Raises TypeError for anything that does not travel, with a sentence that says what and why.
    """
    return _Packer(arrays).pack(value, 0)


class _Packer:
    def __init__(self, arrays: list[np.ndarray]):
        self.arrays = arrays
        self.nodes = 0

    def pack(self, value: Any, depth: int) -> Any:
        self.nodes += 1
        if depth > MAX_DEPTH:
            raise TypeError(f"a value may be nested {MAX_DEPTH} deep at most")
        if self.nodes > MAX_NODES:
            raise TypeError(f"a value may hold {MAX_NODES} parts at most; put numbers in an array")
        # Exact types only: a subclass may lie about itself (np.float64 is also a float). Only what
        # NumPy made may be of any class of its own.
        kind = type(value)
        if kind is str:
            if not is_plain_text(value):
                raise TypeError("a str must be valid Unicode")
            return value
        if value is None or kind is bool:
            return value
        if kind is int:
            if not fits_int64(value):
                raise TypeError("an int must fit in 64 bits")
            return value
        if kind is dict:
            return {"$dict": [self.pack_item(key, item, depth + 1) for key, item in value.items()]}
        if isinstance(value, (np.ndarray, np.generic)):
            return self.pack_array(value)
        if kind is list:
            return [self.pack(item, depth + 1) for item in value]
        if kind is tuple:
            return {"$tuple": [self.pack(item, depth + 1) for item in value]}
        if kind is float:
            return value if math.isfinite(value) else {"$float": repr(value)}
        raise TypeError(f"a {kind.__module__}.{kind.__qualname__} does not travel")

    def pack_item(self, key: Any, value: Any, depth: int) -> list:
        if type(key) is not str or not is_plain_text(key):
            raise TypeError(f"a dict's keys must be str. Got {type(key).__name__}")
        return [key, self.pack(value, depth)]

    def pack_array(self, value: np.ndarray | np.generic) -> dict[str, int]:
        if isinstance(value, np.ma.MaskedArray):
            raise TypeError("a masked array does not travel")
        array = np.asarray(value)
        if array.dtype.str not in DTYPES:
            little = array.dtype.newbyteorder("<")
            if little.str not in DTYPES:
                raise TypeError(f"an array of dtype {array.dtype} does not travel")
            array = array.astype(little)
        if array.ndim > MAX_RANK:
            raise TypeError(f"an array may have {MAX_RANK} dimensions at most. Got {array.ndim}")
        if len(self.arrays) >= MAX_ARRAYS:
            raise TypeError(f"{MAX_ARRAYS} arrays at most travel at once")
        # Not np.ascontiguousarray: that one turns a 0-d array into a 1-d one.
        self.arrays.append(np.asarray(array, order="C"))
        return {"$array" if isinstance(value, np.ndarray) else "$scalar": len(self.arrays) - 1}


def unpack(skeleton: Any, arrays: list[np.ndarray]) -> Any:
    """Return the value that `pack` made `skeleton` and `arrays` from, else raise WireError."""
    return _Unpacker(arrays).unpack(skeleton, 0)


class _Unpacker:
    def __init__(self, arrays: list[np.ndarray]):
        self.arrays = arrays
        self.nodes = 0

    def unpack(self, part: Any, depth: int) -> Any:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise WireError("a value is nested too deep or has too many parts")
        kind = type(part)
        if part is None or kind is bool:
            return part
        if kind is int:
            if not fits_int64(part):
                raise WireError("an int does not fit in 64 bits")
            return part
        if kind is float:
            if not math.isfinite(part):
                raise WireError("a bare float must be finite")
            return part
        if kind is str:
            if not is_plain_text(part):
                raise WireError("a str is not valid Unicode")
            return part
        if kind is list:
            return [self.unpack(item, depth + 1) for item in part]
        if kind is dict and len(part) == 1:
            ((tag, body),) = part.items()
            return self.unpack_tagged(tag, body, depth)
        raise WireError("a part of a value has no known form")

    def unpack_tagged(self, tag: str, body: Any, depth: int) -> Any:
        if tag in ("$array", "$scalar"):
            if type(body) is not int or not 0 <= body < len(self.arrays):
                raise WireError("a value names an array that did not come with it")
            array = self.arrays[body]
            if tag == "$array":
                return array
            if array.shape != ():
                raise WireError("a scalar must have shape ()")
            return array[()]
        if tag == "$float" and type(body) is str and body in _NOT_FINITE:
            return _NOT_FINITE[body]
        if tag == "$tuple" and type(body) is list:
            return tuple(self.unpack(item, depth + 1) for item in body)
        if tag == "$dict" and type(body) is list:
            return self.unpack_dict(body, depth)
        raise WireError("a part of a value has no known form")

    def unpack_dict(self, items: list, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for item in items:
            if type(item) is not list or len(item) != 2 or type(item[0]) is not str:
                raise WireError("a dict must be a list of [str, value]")
            key, value = item
            if key in result or not is_plain_text(key):
                raise WireError("a dict has a key twice, or one that is not valid Unicode")
            result[key] = self.unpack(value, depth + 1)
        return result

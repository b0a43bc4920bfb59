"""Frames and values: what travels comes back the same, everything else is refused."""

import contextlib
import json
import math
import socket
import struct
import threading
import time

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autograder.sandbox.inside import values, wire
from autograder.sandbox.inside.wire import Closed, DeadlinePassed, Stream, WireError

PREFIX = struct.Struct("<4sIQ")


@pytest.fixture
def pair():
    left, right = socket.socketpair()
    yield left, right
    left.close()
    right.close()


def frame(header, payload=b"", magic=wire.MAGIC, header_bytes=None, payload_bytes=None):
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    header_bytes = len(raw) if header_bytes is None else header_bytes
    payload_bytes = len(payload) if payload_bytes is None else payload_bytes
    return PREFIX.pack(magic, header_bytes, payload_bytes) + raw + payload


def there_and_back(value, pair):
    arrays = []
    skeleton = wire.pack(value, arrays)
    sender, receiver = Stream(pair[0]), Stream(pair[1])
    worker = threading.Thread(target=sender.send, args=({"t": "x", "v": skeleton}, arrays))
    worker.start()
    header, got = receiver.recv(time.monotonic() + 10)
    worker.join()
    return wire.unpack(header["v"], got)


def test_plain_values_come_back_the_same(pair):
    value = {
        "none": None,
        "yes": True,
        "int": -(2**63),
        "float": 0.1,
        "text": "naïve ☃",
        "list": [1, [2, (3,)]],
        "tuple": (),
        "dict": {"$array": 3, "": {}},
    }
    assert there_and_back(value, pair) == value


def test_numbers_that_are_not_finite_come_back(pair):
    nan, *infinities = there_and_back([math.nan, math.inf, -math.inf], pair)
    assert math.isnan(nan)
    assert infinities == [math.inf, -math.inf]


@pytest.mark.parametrize("dtype", values.DTYPES)
def test_arrays_of_every_dtype_come_back_the_same(dtype, pair):
    array = (np.arange(24) % 3).astype(dtype).reshape(2, 3, 4)
    got = there_and_back(array, pair)
    assert got.dtype == array.dtype
    assert got.flags.writeable is False
    np.testing.assert_array_equal(got, array)


@pytest.mark.parametrize(
    "array",
    [
        np.array(3.0),
        np.zeros((0, 4)),
        np.arange(12.0).reshape(3, 4).T,
        np.arange(4, dtype=">f8"),
        np.arange(10)[::-2],
    ],
    ids=["no dimensions", "empty", "transposed", "big-endian", "backwards"],
)
def test_arrays_of_every_layout_come_back_the_same(array, pair):
    got = there_and_back(array, pair)
    assert got.shape == array.shape
    np.testing.assert_array_equal(got, array)


def test_a_numpy_scalar_stays_a_numpy_scalar(pair):
    got = there_and_back(np.float32(0.5), pair)
    assert type(got) is np.float32
    assert got == np.float32(0.5)


def test_megabytes_come_back_the_same(pair):
    array = np.random.default_rng(0).normal(size=(600, 1000))
    np.testing.assert_array_equal(there_and_back(array, pair), array)


class LyingFloat(float):
    def __eq__(self, other):
        return True

    __hash__ = float.__hash__


@pytest.mark.parametrize(
    "value",
    [
        object(),
        LyingFloat(1.0),
        2**63,
        {1: 2},
        "\ud800",
        {"\ud800": 1},
        np.array([object()]),
        np.array(["text"]),
        np.array("2020-01-01", dtype="datetime64[D]"),
        np.zeros(2, dtype=[("a", "f4")]),
        np.ma.masked_array([1.0], [True]),
        np.zeros((1,) * 17),
        [0] * 60_000,
        lambda: 0,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_does_not_travel_is_a_type_error(value):
    with pytest.raises(TypeError):
        wire.pack(value, [])


def test_a_value_that_holds_itself_is_a_type_error():
    loop = []
    loop.append(loop)
    with pytest.raises(TypeError, match="deep"):
        wire.pack(loop, [])


@pytest.mark.parametrize(
    "skeleton",
    [
        {"$array": 1},
        {"$array": -1},
        {"$array": True},
        {"$array": "0"},
        {"$scalar": 0},
        {"$float": "NaN"},
        {"$float": 1.0},
        {"$tuple": 3},
        {"$dict": [["a", 1], ["a", 2]]},
        {"$dict": [[1, 2]]},
        {"$dict": [["a"]]},
        {"$pickle": "gASVAAAA"},
        {},
        {"a": 1, "b": 2},
        2**63,
        math.inf,
        "\ud800",
        [[[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]]],
        [0] * 60_000,
    ],
    ids=lambda skeleton: str(skeleton)[:24].encode("ascii", "replace").decode(),
)
def test_a_skeleton_that_lies_is_refused(skeleton):
    with pytest.raises(WireError):
        wire.unpack(skeleton, [np.zeros(2)])


HUGE = 1 << 62
MALFORMED = {
    "bad magic": frame({"t": "x"}, magic=b"HTTP"),
    "header that claims gigabytes": frame(b"", header_bytes=0xFFFFFFFF),
    "payload that claims exabytes": frame({"t": "x"}, payload_bytes=HUGE),
    "header that is not JSON": frame(b"\x80\x04\x95"),
    "empty header": frame(b""),
    "header that is not UTF-8": frame(b'{"t": "\xff"}'),
    "header that is a list": frame(["t"]),
    "header without a kind": frame({"id": 1}),
    "kind that is a number": frame({"t": 1}),
    "id that is a text": frame({"t": "x", "id": "1"}),
    "id that is a bool": frame({"t": "x", "id": True}),
    "id that is huge": frame({"t": "x", "id": 2**70}),
    "number with ten thousand digits": frame(b'{"t": "x", "v": ' + b"9" * 10_000 + b"}"),
    "NaN": frame(b'{"t": "x", "v": NaN}'),
    "a float that overflows": frame(b'{"t": "x", "v": 1e999}'),
    "a lone surrogate": frame(b'{"t": "x", "v": "\\ud800"}'),
    "a lone surrogate in a key": frame(b'{"t": "x", "\\ud800": 1}'),
    "a key twice": frame(b'{"t": "x", "t": "y"}'),
    "a thousand levels": frame(b'{"t": "x", "v": ' + b"[" * 1000 + b"]" * 1000 + b"}"),
    "a hundred thousand levels": frame(b"[" * 100_000),
    "many parts": frame({"t": "x", "v": [0] * 300_000}),
    "arrays that are no list": frame({"t": "x", "arrays": 3}),
    "too many arrays": frame({"t": "x", "arrays": [["|u1", [0]]] * 5000}),
    "object dtype": frame({"t": "x", "arrays": [["|O", [1]]]}, b"\0" * 8),
    "structured dtype": frame({"t": "x", "arrays": [[[["a", "<f4"]], [1]]]}, b"\0" * 4),
    "unknown dtype": frame({"t": "x", "arrays": [["<f3", [1]]]}, b"\0" * 3),
    "negative size": frame({"t": "x", "arrays": [["|u1", [-1]]]}),
    "size that is a bool": frame({"t": "x", "arrays": [["|u1", [True]]]}, b"\0"),
    "size that is a float": frame({"t": "x", "arrays": [["|u1", [1.0]]]}, b"\0"),
    "sizes whose product overflows": frame({"t": "x", "arrays": [["<f8", [2**25] * 6]]}),
    "no bytes but an impossible shape": frame({"t": "x", "arrays": [["<f8", [0] + [2**25] * 9]]}),
    "rank 17": frame({"t": "x", "arrays": [["|u1", [1] * 17]]}, b"\0"),
    "payload too short": frame({"t": "x", "arrays": [["<f8", [2]]]}, b"\0" * 8),
    "payload too long": frame({"t": "x", "arrays": [["<f8", [1]]]}, b"\0" * 16),
    "payload without arrays": frame({"t": "x"}, b"\0"),
    "a pickle": frame({"t": "x", "arrays": [["|V1", [1]]]}, b"."),
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_frame_is_refused_at_once(raw, pair):
    sender = threading.Thread(target=_send_quietly, args=(pair[0], raw))
    sender.start()
    try:
        with pytest.raises(WireError):
            Stream(pair[1]).recv(time.monotonic() + 10)
    finally:
        pair[1].close()
        sender.join()


def _send_quietly(sock, raw):
    with contextlib.suppress(OSError):  # the other side had seen enough
        sock.sendall(raw)


JSON = st.recursive(
    st.none()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3)
    | st.sampled_from(["\ud800", "\\u", "1e9", "[[{{"]),
    lambda parts: st.lists(parts, max_size=9) | st.dictionaries(st.text(max_size=2), parts),
    max_leaves=90,
)


@settings(max_examples=500, deadline=None, database=None, derandomize=True)
@given(value=JSON, wrapped=st.integers(0, 70))
@example(value=0, wrapped=63)
@example(value=0, wrapped=64)
@example(value=10**19, wrapped=0)
@example(value=1e300, wrapped=0)
def test_a_header_that_is_taken_by_its_text_alone_would_have_passed_part_by_part(value, wrapped):
    for _ in range(wrapped):
        value = [value]
    header = {"t": "x", "v": value}
    raw = json.dumps(header).encode()
    trouble = None
    try:
        wire._check_tree(header)
    except WireError as error:
        trouble = str(error)
    assert not (trouble and wire._is_usual(raw))
    with contextlib.ExitStack() as expected:
        if trouble:
            expected.enter_context(pytest.raises(WireError))
        assert wire.parse_header(raw) == header


def test_a_float_with_an_exponent_is_looked_at_and_an_everyday_header_is_not():
    assert wire._is_usual(json.dumps({"t": "x", "v": [1.5, "a", {"k": [3]}]}).encode())
    assert not wire._is_usual(b'{"t": "x", "v": 1e999}')
    assert not wire._is_usual(b'{"t": "x", "v": ' + b"1" * 19 + b"}")
    assert not wire._is_usual(b'{"t": "x", "v": ' + b"[" * 64 + b"]" * 64 + b"}")


def test_random_damage_to_a_good_frame_never_gets_past_the_rules():
    rng = np.random.default_rng(5)
    good = frame({"t": "x", "id": 3, "arrays": [["<f4", [2, 2]]], "v": {"$array": 0}}, b"\0" * 16)
    for _ in range(500):
        raw = bytearray(good)
        for place in rng.integers(len(raw), size=rng.integers(1, 4)):
            raw[place] = rng.integers(256)
        left, right = socket.socketpair()
        left.sendall(bytes(raw))
        left.close()
        try:
            header, arrays = Stream(right).recv(time.monotonic() + 5)
            wire.unpack(header.get("v"), arrays)
        except WireError:
            pass
        finally:
            right.close()


def test_a_bool_byte_that_is_neither_0_nor_1_is_true(pair):
    pair[0].sendall(frame({"t": "x", "arrays": [["|b1", [3]]]}, b"\0\1\xff"))
    _, (array,) = Stream(pair[1]).recv(time.monotonic() + 5)
    assert array.view(np.uint8).tolist() == [0, 1, 1]


def test_a_deadline_in_the_middle_of_a_frame_keeps_what_has_come(pair):
    raw = frame({"t": "slow", "arrays": [["<f8", [3]]]}, np.arange(3.0).tobytes())
    stream = Stream(pair[1])
    for place in range(0, len(raw) - 1, 7):
        pair[0].sendall(raw[place : place + 7])
        if place + 7 < len(raw):
            with pytest.raises(DeadlinePassed):
                stream.recv(time.monotonic() + 0.001)
    header, (array,) = stream.recv(time.monotonic() + 5)
    assert header["t"] == "slow"
    assert array.tolist() == [0, 1, 2]


def test_a_half_sent_frame_is_finished_before_the_next_one(pair):
    sender, receiver = Stream(pair[0]), Stream(pair[1])
    array = np.arange(1_000_000)
    with pytest.raises(DeadlinePassed):
        sender.send({"t": "large"}, [array], time.monotonic() + 0.01)
    array[:] = -1  # the caller's array is its own again
    worker = threading.Thread(target=sender.send, args=({"t": "next"},))
    worker.start()
    header, (got,) = receiver.recv(time.monotonic() + 10)
    assert header["t"] == "large"
    assert got.tolist() == list(range(1_000_000))
    assert receiver.recv(time.monotonic() + 10)[0]["t"] == "next"
    worker.join()


def test_a_claimed_payload_is_not_allocated_before_it_comes(pair):
    pair[0].sendall(frame({"t": "x", "arrays": [["|u1", [60 << 20]]]}, payload_bytes=60 << 20))
    stream = Stream(pair[1])
    with pytest.raises(DeadlinePassed):
        stream.recv(time.monotonic() + 0.05)
    assert len(stream._part) == 0


def test_an_end_in_the_middle_of_a_frame_is_an_end(pair):
    pair[0].sendall(frame({"t": "x"})[:-1])
    pair[0].close()
    with pytest.raises(Closed):
        Stream(pair[1]).recv(time.monotonic() + 5)


def test_a_frame_that_is_too_large_is_refused_before_a_byte_is_sent(pair):
    stream = Stream(pair[0], max_payload=100)
    with pytest.raises(WireError, match="100"):
        stream.send({"t": "x"}, [np.zeros(101, np.uint8)])
    stream.send({"t": "fits"}, [np.zeros(100, np.uint8)])
    assert Stream(pair[1]).recv(time.monotonic() + 5)[0]["t"] == "fits"

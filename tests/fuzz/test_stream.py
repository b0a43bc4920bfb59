"""Whatever comes over the stream: frames, answers to questions, values, outputs."""

import contextlib
import json
import time

import nbformat
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook

from autograder.sandbox import (
    CallRefused,
    CallTimeout,
    Limits,
    Session,
    SessionDead,
    StartFailed,
    WireError,
)
from autograder.sandbox.inside import wire
from autograder.sandbox.outputs import OutputCollector
from autograder.sandbox.safe_display import picture_pixels

from .conftest import SLOWEST
from .inputs import DAMAGED, FRAMES, NUMBERS, TEXTS, TREES, frame, fuzz


class Bytes:
    """A socket from which these bytes come, in pieces, and then nothing more."""

    def __init__(self, content, pieces):
        self.content, self.pieces, self.place = content, pieces or [1 << 20], 0

    def setblocking(self, _):
        pass

    def recv(self, size):
        size = min(size, self.pieces[self.place % len(self.pieces)])
        self.place += 1
        piece, self.content = self.content[:size], self.content[size:]
        return piece


@fuzz(0.35)
@given(
    st.one_of(FRAMES, DAMAGED, st.binary(max_size=200)), st.lists(st.integers(1, 40), max_size=5)
)
def test_whatever_comes_over_the_wire_is_a_frame_or_an_error(quick, content, pieces):
    stream = wire.Stream(Bytes(content, pieces))
    collector = OutputCollector(1 << 16)
    with quick(), contextlib.suppress(wire.WireError):
        while True:
            header, arrays = stream.recv(time.monotonic() + SLOWEST)
            assert sum(array.nbytes for array in arrays) <= len(content)
            wire.unpack(header.get("v"), arrays)
            collector.add(header, arrays)


class Liar(Bytes):
    """A student's process that answers each question with frames of its own making."""

    def __init__(self, answers, greeting):
        super().__init__(frame(greeting, b""), [])
        self.answers = list(answers)
        self.asked = 0

    def send(self, data, flags=0):
        data = bytes(data)
        if data.startswith(wire.MAGIC):
            _, length, _ = wire.PREFIX.unpack(data[: wire.PREFIX.size])
            self.asked = json.loads(data[wire.PREFIX.size :][:length])["id"]
            for kind, about, number, parts in self.answers.pop(0) if self.answers else []:
                number = self.asked if number == "the same" else number
                arrays = [["|u1", [len(part)]] for part in parts]
                says = {**about, "t": kind, "id": number, "arrays": arrays}
                self.content += frame(says, b"".join(parts))
        return len(data)

    # What a session wants of a child beside its socket.
    @property
    def sock(self):
        return self

    def end(self):
        self.content = b""

    def reason(self):
        return "the student's process closed its stream"

    def complaint(self):
        return ""


ABOUT = st.dictionaries(
    st.sampled_from(
        ["status", "body", "reason", "name", "kind", "mimes", "ename", "evalue", "traceback"]
    ),
    st.one_of(TREES, st.sampled_from(["ok", "stdout", "display_data"]), st.just({}), st.just([])),
    max_size=4,
)
KINDS = st.sampled_from(
    ["done", "reply", "refused", "ready", "stream", "display", "error", "clear", "interrupt", ""]
)
ANSWERS = st.lists(
    st.lists(
        st.tuples(
            KINDS, ABOUT, st.one_of(st.just("the same"), NUMBERS), st.lists(st.binary(max_size=8))
        ),
        max_size=4,
    ),
    max_size=4,
)
GREETINGS = st.one_of(
    st.just({"t": "ready", "id": 0, "layers": {}}),
    st.fixed_dictionaries({"t": KINDS, "id": NUMBERS, "layers": TREES}),
)
ENDS = (SessionDead, CallTimeout, CallRefused)


@fuzz(0.1)
@given(ANSWERS, GREETINGS)
def test_whatever_a_process_answers_is_a_result_or_ends_its_session(quick, answers, greeting):
    limits = Limits(grace_seconds=0.05, submission_seconds=2.0)
    with quick():
        try:
            session = Session(Liar(answers, greeting), limits, "fuzz")
        except (StartFailed, WireError):
            return
        result = session.run_cell("1")
        assert result.status in ("ok", "error", "dead")
        outputs = [nbformat.from_dict(output) for output in result.outputs]
        nbformat.validate(new_notebook(cells=[new_code_cell("1", outputs=outputs)]))
        for work in (
            lambda: type(session.request({})[0]) is dict,
            lambda: session.mark("m") is None,
            lambda: session.put_file("f", b"x") is None,
        ):
            with contextlib.suppress(*ENDS):
                assert work()
        session.close()
        assert session.dead


@fuzz(0.1)
@given(TREES)
def test_whatever_is_said_to_be_a_value_is_one_or_an_error(quick, tree):
    with quick(), contextlib.suppress(wire.WireError):
        value, arrays = wire.unpack(tree, []), []
        # What was taken in is plain data: it can be said again, and means the same.
        again = wire.unpack(wire.pack(value, arrays), arrays)
        assert repr(again) == repr(value)


MIMES = st.one_of(
    st.sampled_from(["text/plain", "text/html", "text/latex", "image/png", "image/jpeg"]), TEXTS
)
PICTURES = st.builds(
    lambda start, rest: start + rest,
    st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"<svg", b""]),
    st.binary(max_size=60),
)


@fuzz(0.1)
@given(
    st.sampled_from(["stream", "display", "error", "clear", "other"]),
    st.dictionaries(
        st.sampled_from(["name", "kind", "mimes", "ename", "evalue", "traceback", "wait"]),
        st.one_of(TREES, st.lists(MIMES, max_size=3), st.sampled_from(["stdout", "display_data"])),
    ),
    st.lists(PICTURES, max_size=3),
)
def test_whatever_is_said_to_be_an_output_makes_a_valid_notebook_or_is_an_error(
    quick, kind, header, parts
):
    collector = OutputCollector(1 << 16)
    with quick(), contextlib.suppress(wire.WireError):
        for part in parts:
            picture_pixels(part)
        collector.add({"t": kind, **header}, [np.frombuffer(part, np.uint8) for part in parts])
        outputs = [nbformat.from_dict(output) for output in collector.outputs]
        nbformat.validate(new_notebook(cells=[new_code_cell("x", outputs=outputs)]))

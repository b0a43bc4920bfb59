"""A session against a peer that lies: whatever it says ends this session at worst."""

import re
import threading
import time

import numpy as np
import pytest

from autograder.sandbox import CallRefused, CallTimeout, NoSandbox, SessionDead, WireError
from autograder.sandbox.inside.outputs import as_bytes


@pytest.fixture
def answer(fake):
    """Return run(session's work, script): the script answers as (stream, question) in a thread."""
    _, stream, _ = fake
    threads = []

    def prepare(script):
        def work():
            question, arrays = stream.recv(time.monotonic() + 5)
            script(question, arrays)

        threads.append(threading.Thread(target=work))
        threads[-1].start()

    yield prepare
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()


def test_a_reply_brings_back_header_and_arrays(fake, answer):
    start, stream, _ = fake
    session = start()
    answer(
        lambda asked, arrays: stream.send(
            {"t": "reply", "id": asked["id"], "body": {"echo": asked["body"]}}, [arrays[0] + 1]
        )
    )
    header, arrays = session.request({"f": "g"}, [np.arange(3)])
    assert header == {"echo": {"f": "g"}}
    assert arrays[0].tolist() == [1, 2, 3]
    assert session.dead is None


BAD_ANSWERS = {
    "to another question": {"t": "reply", "id": 12345, "body": {}},
    "without an id": {"t": "reply", "id": 0, "body": {}},
    "of the wrong kind": {"t": "done", "status": "ok"},
    "of no kind that is known": {"t": "shutdown"},
    "a second greeting": {"t": "ready", "id": 0, "layers": {}},
    "without a body": {"t": "reply"},
    "with a body that is a list": {"t": "reply", "body": []},
}


@pytest.mark.parametrize("bad", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_an_answer_that_breaks_the_rules_ends_the_session(bad, fake, answer):
    start, stream, _ = fake
    session = start()
    answer(lambda asked, _: stream.send({"id": asked["id"], **bad}))
    with pytest.raises(SessionDead, match="broke the rules"):
        session.request({})
    assert session.dead
    with pytest.raises(SessionDead):
        session.request({})


def test_an_answer_that_comes_twice_ends_the_session(fake, answer):
    start, stream, _ = fake
    session = start()

    def twice(asked, _):
        for _ in range(2):
            stream.send({"t": "reply", "id": asked["id"], "body": {}})

    answer(twice)
    session.request({})
    with pytest.raises(SessionDead, match="not asked for"):
        session.request({})


def test_an_answer_given_before_the_question_ends_the_session(fake):
    start, stream, _ = fake
    session = start()
    stream.send({"t": "reply", "id": 1, "body": {"right": True}})
    with pytest.raises(SessionDead, match="not asked for"):
        session.request({})


@pytest.mark.parametrize("raw", [b"HTTP/1.1 200 OK\r\n\r\n", b"CSW1" + b"\xff" * 12])
def test_garbage_ends_the_session(raw, fake, answer):
    start, _, peer = fake
    session = start()
    answer(lambda *_: peer.sendall(raw))
    with pytest.raises(SessionDead, match="broke the rules"):
        session.request({})


def test_silence_ends_the_call_and_then_the_session(fake):
    start, _, _ = fake
    session = start()
    started = time.monotonic()
    with pytest.raises(CallTimeout, match=r"after 0\.2 seconds"):
        session.request({}, timeout=0.2)
    assert "did not stop" in session.dead
    assert time.monotonic() - started < 1.5


def test_an_interrupted_call_leaves_the_session_alive(fake, answer):
    start, stream, _ = fake
    session = start(grace_seconds=5.0)

    def slow(asked, _):
        interrupt, _ = stream.recv(time.monotonic() + 5)
        assert (interrupt["t"], interrupt["id"]) == ("interrupt", asked["id"])
        stream.send({"t": "refused", "id": asked["id"], "reason": "interrupted"})

    answer(slow)
    with pytest.raises(CallTimeout):
        session.request({}, timeout=0.1)
    assert session.dead is None
    answer(lambda asked, _: stream.send({"t": "reply", "id": asked["id"], "body": {"still": 1}}))
    assert session.request({})[0] == {"still": 1}


def test_an_honest_answer_that_comes_slowly_over_a_deadline_does_not_lose_step(fake, answer):
    """A frame is half here when the time is up; the rest comes in the grace period."""
    start, stream, peer = fake
    session = start(grace_seconds=5.0)

    def slow(asked, _):
        halves = []
        stream.sock, real = Recorder(halves), stream.sock
        stream.send({"t": "reply", "id": asked["id"], "body": {}}, [np.zeros(1000)])
        stream.sock = real
        raw = b"".join(halves)
        peer.sendall(raw[:500])
        assert stream.recv(time.monotonic() + 5)[0]["t"] == "interrupt"
        peer.sendall(raw[500:])

    answer(slow)
    with pytest.raises(CallTimeout):
        session.request({}, timeout=0.1)
    assert session.dead is None
    answer(lambda asked, _: stream.send({"t": "reply", "id": asked["id"], "body": {"next": 1}}))
    assert session.request({})[0] == {"next": 1}


class Recorder:
    def __init__(self, pieces):
        self.pieces = pieces

    def send(self, data, flags=0):
        self.pieces.append(bytes(data))
        return len(data)


def test_a_refusal_is_told_and_the_session_lives(fake, answer):
    start, stream, _ = fake
    session = start()
    answer(lambda asked, _: stream.send({"t": "refused", "id": asked["id"], "reason": "too big"}))
    with pytest.raises(CallRefused, match="too big"):
        session.request({})
    assert session.dead is None


def test_a_call_that_is_too_large_to_send_is_our_error_not_the_students(fake):
    start, _, _ = fake
    session = start()
    with pytest.raises(WireError):
        session.request({"text": "x" * (2 << 20)})
    assert session.dead is None


SHOW = {"t": "display", "kind": "display_data"}
BAD_OUTPUTS = {
    "a stream of another name": ({"t": "stream", "name": "stdlog"}, [as_bytes("x")]),
    "a stream without text": ({"t": "stream", "name": "stdout"}, []),
    "text in an array of floats": ({"t": "stream", "name": "stdout"}, [np.zeros(3)]),
    "JavaScript": (SHOW | {"mimes": ["application/javascript"]}, [as_bytes("1")]),
    "SVG": (SHOW | {"mimes": ["image/svg+xml"]}, [as_bytes("<svg/>")]),
    "a type that is a list": (SHOW | {"mimes": [["a"]]}, [as_bytes("")]),
    "fewer arrays than types": (SHOW | {"mimes": ["text/plain"]}, []),
    "a display of another kind": (SHOW | {"kind": "update", "mimes": []}, []),
    "an error without a traceback": ({"t": "error", "ename": "E", "evalue": ""}, []),
    "an error that holds numbers": ({"t": "error", "ename": 1, "evalue": "", "traceback": []}, []),
}  # fmt: skip


@pytest.mark.parametrize(("header", "arrays"), BAD_OUTPUTS.values(), ids=BAD_OUTPUTS)
def test_an_output_that_breaks_the_rules_ends_the_session(header, arrays, fake, answer):
    start, stream, _ = fake
    session = start()
    answer(lambda asked, _: stream.send({"id": asked["id"], **header}, arrays))
    result = session.run_cell("1")
    assert result.status == "dead"
    assert "broke the rules" in result.outputs[-1]["evalue"]


def test_an_image_that_is_none_is_left_out(fake, answer):
    start, stream, _ = fake
    session = start()

    def show(asked, _):
        mimes = ["text/plain", "image/png"]
        header = {"t": "display", "kind": "display_data", "mimes": mimes, "id": asked["id"]}
        stream.send(header, [as_bytes("a figure"), as_bytes("<svg onload=alert(1)>")])
        stream.send({"t": "done", "status": "ok", "id": asked["id"]})

    answer(show)
    assert session.run_cell("1").outputs[0]["data"] == {"text/plain": "a figure"}


def png(width, height):
    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + size + b"\x08\x02\0\0\0"


def jpeg(width, height):
    frame = b"\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return b"\xff\xd8\xff\xe0\0\x04ab\xff\xc2\0\x11" + frame


@pytest.mark.parametrize("make", [png, jpeg])
def test_a_picture_that_would_fill_the_teachers_memory_is_left_out(make, fake, answer):
    start, stream, _ = fake
    session = start()

    def show(asked, _):
        kind = "image/png" if make is png else "image/jpeg"
        for size in (4000, 60_000):
            header = {"t": "display", "kind": "display_data", "mimes": [kind], "id": asked["id"]}
            stream.send(header, [np.frombuffer(make(size, size), np.uint8)])
        stream.send({"t": "done", "status": "ok", "id": asked["id"]})

    answer(show)
    small, huge = session.run_cell("1").outputs
    assert list(small["data"]) != ["text/plain"]
    assert "left out" in huge["data"]["text/plain"]


HTML = {
    "a script": ("<script>alert(1)</script>x", "x"),
    "a handler": ("<b onmouseover=alert(1)>x</b>", "<b>x</b>"),
    "a link that runs": ("<a href='java\nscript:alert(1)'>x</a>", "<a>x</a>"),
    "a link spelt in entities": ("<a href='&#106;avascript:alert(1)'>x</a>", "<a>x</a>"),
    "a picture from elsewhere": ("<img src='//example.org/a.png'>", "<img>"),
    "one spelt in entities": ("<img src='&#47;&#47;example.org/a.png'>", "<img>"),
    "one behind a control character": ("<img src='\x01//example.org/a.png'>", "<img>"),
    "a style sheet": ("<style>body{display:none}</style>x", "x"),
    "a style": ("<p style='position:fixed'>x</p>", "<p>x</p>"),
    "a frame": ("<iframe src='a'></iframe>x", None),
    "TeX that makes a link": (r"$\href{javascript:alert(1)}{x}$", None),
    "a table": ("<table><tr><td>1</td></tr></table>", "<table><tbody><tr><td>1</td>"),
}  # fmt: skip


@pytest.mark.parametrize(("html", "wanted"), HTML.values(), ids=HTML)
def test_html_that_is_shown_is_cleaned(html, wanted, fake, answer):
    start, stream, _ = fake
    session = start()

    def show(asked, _):
        header = {"t": "display", "kind": "display_data", "mimes": ["text/html"], "id": asked["id"]}
        stream.send(header, [as_bytes(html)])
        stream.send({"t": "done", "status": "ok", "id": asked["id"]})

    answer(show)
    (output,) = session.run_cell("1").outputs
    shown = output["data"]["text/html"]
    assert not re.search(r"<(script|iframe|style|svg)|\\href|//example", shown.lower())
    if wanted is not None:
        assert shown.startswith(wanted)


@pytest.mark.parametrize("html", ["<b>" * 6000, "x" * 200_000])
def test_html_that_would_be_slow_to_clean_is_left_out(html, fake, answer):
    start, stream, _ = fake
    session = start()

    def show(asked, _):
        mimes = ["text/plain", "text/html"]
        header = {"t": "display", "kind": "display_data", "mimes": mimes, "id": asked["id"]}
        stream.send(header, [as_bytes("a table"), as_bytes(html)])
        stream.send({"t": "done", "status": "ok", "id": asked["id"]})

    answer(show)
    assert session.run_cell("1").outputs[0]["data"] == {"text/plain": "a table"}


def test_a_flood_of_old_output_during_a_call_ends_the_session(fake, answer):
    start, stream, _ = fake
    session = start(call_seconds=30.0)

    def flood(*_):
        try:
            for _ in range(20_000):
                stream.send({"t": "stream", "name": "stdout", "id": 1}, [as_bytes("x")])
        except WireError:
            pass  # the session has ended

    answer(flood)
    with pytest.raises(SessionDead, match="flooded"):
        session.request({})


def test_a_process_that_ends_says_why(fake, answer):
    start, _, peer = fake
    session = start()
    answer(lambda *_: peer.shutdown(2))
    with pytest.raises(SessionDead, match="exit code 0"):
        session.request({})


def test_a_first_frame_that_is_no_greeting_means_that_nothing_was_graded(fake):
    start, stream, _ = fake
    stream.send({"t": "done", "id": 0})
    with pytest.raises(NoSandbox, match="Nothing was graded"):
        start()


def test_the_submission_has_one_budget_for_all_calls(fake, answer):
    start, stream, _ = fake
    session = start(submission_seconds=0.3)

    def slow(asked, _):
        time.sleep(0.2)
        stream.send({"t": "reply", "id": asked["id"], "body": {}})

    answer(slow)
    session.request({})
    time.sleep(0.3)  # the grader's own time is not the submission's
    with pytest.raises(CallTimeout, match=r"used its 0\.3 seconds"):
        session.request({})

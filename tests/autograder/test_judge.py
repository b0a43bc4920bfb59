"""What a wrong answer is told, and what an unusual right one earns."""

import numpy as np
import pytest

from autograder.exercises._captioning import loss_and_gradients
from autograder.exercises._captioning_loss import fixed_input
from autograder.exercises.a1_rnn_captioning import _draw as rnn
from autograder.exercises.a2_lstm_captioning import _lstm as lstm
from autograder.judge import judge
from autograder.mistakes import MistakeBank


def messages(verdict):
    return [verdict.error or ""] + [case.message for case in verdict.cases]


def said(verdict, text):
    return any(text in message for message in messages(verdict))


STEP = "def rnn_step_forward(x, prev_h, Wx, Wh, b):\n    "


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return None", "must return (next_h, cache). Got None"),
        ("return np.tanh(x @ Wx)", "must return (next_h, cache). Got one array of shape"),
        ("return 1, 2, 3", "must return (next_h, cache). Got 3 values"),
        ("return None, None", "next_h must be an array of numbers. Got None"),
        ("return 'next_h', None", "next_h must be an array of numbers. Got str"),
        ("return [0.5], None", "next_h must be an array of numbers. Got list"),
        ("return (prev_h @ Wh)[:, None], None", "must have shape (3, 4). Got (3, 1, 4)"),
        ("return (prev_h @ Wh).astype(int), None", "must be floating point. Got dtype int64"),
        ("return 1j * prev_h @ Wh, None", "must hold real numbers. Got dtype complex128"),
        ("return np.nan * prev_h, None", "must be finite. Got NaN or infinity in 12 of 12"),
        ("return prev_h @ Wh / 0, None", "must be finite"),
        ("return prev_h @ Wh, None", "has the right shape and wrong values: relative error"),
        ("return undefined_name", "raised NameError: name 'undefined_name' is not defined"),
        ("raise NotImplementedError", "rnn_step_forward is not written yet"),
        ("import sys; sys.exit()", "raised SystemExit"),
        ("return type('Odd', (), {'__eq__': lambda s, o: True})(), None", "Got Odd"),
    ],
)  # fmt: skip
def test_a_wrong_answer_is_told_the_rule_and_what_was_got(judged, body, told):
    verdict = judged("rnn_step_forward", rnn_step_forward=STEP + body)
    assert verdict.points == 0
    assert said(verdict, told), messages(verdict)


def test_a_function_of_the_wrong_arity_is_told_so(judged):
    verdict = judged(
        "rnn_step_forward", rnn_step_forward="def rnn_step_forward(x, h):\n    return x, h"
    )
    assert verdict.points == 0
    assert said(verdict, "TypeError")
    assert said(verdict, "positional argument")


def test_a_missing_function_is_told_once_and_not_for_every_case(judged):
    verdict = judged("rnn_step_forward", rnn_step_forward="pass")
    assert verdict.error.startswith("rnn_step_forward is not defined")
    assert [case.message for case in verdict.cases] == [""] * len(verdict.cases)


def test_the_line_that_raised_is_named(judged):
    verdict = judged("rnn_step_forward", rnn_step_forward=STEP + "return x @ prev_h, None")
    assert said(verdict, "line 2 of rnn_step_forward")


def test_a_function_that_calls_an_unwritten_one_is_told_which(judged):
    unwritten = STEP + "raise NotImplementedError"
    verdict = judged("rnn_forward", rnn_step_forward=unwritten)
    assert said(verdict, "rnn_forward calls rnn_step_forward, which is not written yet")


def test_a_known_mistake_is_known_on_other_inputs_than_those_of_the_check(judged, solution):
    verdict = judged(
        "rnn_step_backward",
        rnn_step_backward=solution("rnn_step_backward", "da @ Wh.T", "da @ Wh"),
    )
    assert verdict.mistake.name == "dprev_h is multiplied by Wh, not by its transpose"


def test_an_unknown_mistake_is_not_given_a_name(judged, solution):
    verdict = judged(
        "rnn_step_backward",
        rnn_step_backward=solution("rnn_step_backward", "da @ Wh.T", "3 * da @ Wh.T"),
    )
    assert verdict.points == 0
    assert verdict.mistake is None


# ------------------------------------------------------------------ carried errors
NO_TANH = ("next_h = np.tanh(a)", "next_h = a")


def test_a_right_backward_of_a_wrong_forward_has_full_marks(judged, solution):
    wrong = solution("rnn_step_forward", *NO_TANH)
    fitting = solution("rnn_step_backward", "(1 - next_h**2)", "np.ones_like(next_h)")
    cells = dict(rnn_step_forward=wrong, rnn_step_backward=fitting)
    assert judged("rnn_step_forward", **cells).points == 0
    assert judged("rnn_step_backward", **cells).share == 1
    assert judged("rnn_forward", **cells).share == 1
    assert judged("rnn_backward", **cells).share == 1
    assert judged("captioning_rnn_loss", **cells).share == 1
    assert judged("captioning_rnn_sample", **cells).share == 1


def test_a_backward_that_does_not_fit_its_wrong_forward_has_no_marks(judged, solution):
    verdict = judged("rnn_step_backward", rnn_step_forward=solution("rnn_step_forward", *NO_TANH))
    assert verdict.points == 0


def test_a_forward_that_returns_zeros_carries_nothing(judged):
    zeros = STEP + "return np.zeros_like(prev_h), (x, prev_h, Wx, Wh, b)"
    back = (
        "def rnn_step_backward(dnext_h, cache):\n"
        "    return tuple(np.zeros_like(array) for array in cache)"
    )
    forward = (
        "def rnn_forward(x, h0, *rest):\n    return np.zeros((*x.shape[:2], h0.shape[1])), None"
    )
    cells = dict(rnn_step_forward=zeros, rnn_step_backward=back)
    assert judged("rnn_step_backward", **cells).points == 0
    assert judged("rnn_forward", **cells, rnn_forward=forward).points == 0


def test_a_forward_whose_shape_is_wrong_is_named_as_the_reason(judged):
    verdict = judged(
        "rnn_step_backward", rnn_step_forward=STEP + "return np.tanh(x @ Wx).T, (x, prev_h)"
    )
    assert said(verdict, "is judged through your rnn_step_forward: next_h must have shape") or said(
        verdict, "is judged through your rnn_step_forward: rnn_step_forward must have shape"
    )


def test_a_loss_wired_rightly_over_a_wrong_backward_has_full_marks(judged, solution):
    wrong = solution("rnn_backward", "dx[:, t], dprev_h", "dx[:, t], _")
    cells = dict(rnn_backward=wrong.replace("dh0 = dprev_h", "dh0 = dh[:, 0] * 1.0"))
    assert judged("rnn_backward", **cells).share < 1
    assert judged("captioning_rnn_loss", **cells).share == 1


# ------------------------------------------------------------------ known values
@pytest.mark.parametrize(
    ("sequence", "given", "known"),
    [
        (rnn.sequence, dict(between=(-1.5, 0.3)), 9.83235591003),
        (lstm.sequence, dict(between=(-0.5, 1.7), blocks=4), 9.82445935443),
    ],
    ids=["rnn", "lstm"],
)
def test_the_reference_has_the_handouts_loss_on_its_fixed_input(sequence, given, known):
    _, features, captions, params = fixed_input(None, **given)
    loss, _ = loss_and_gradients(sequence, features, captions, params)
    assert abs(loss - known) < 1e-9


def test_no_mistake_has_full_marks_with_any_of_several_seeds(assignment):
    bank, missed = MistakeBank(assignment), []
    for exercise in assignment.exercises.values():
        for mistake in exercise.mistakes:
            transport = bank.transport(exercise, mistake)
            with np.errstate(all="ignore"):
                missed += [
                    (mistake.name, seed)
                    for seed in range(4)
                    if judge(exercise, transport, seed).share == 1
                ]
    assert missed == []


# ------------------------------------------------------------------ answers that are an attack
class Hostile:
    """A transport that answers every request with the same body."""

    def __init__(self, body, arrays=()):
        self.body, self.arrays = body, list(arrays)

    def request(self, header, arrays, timeout=None):
        return {"body": self.body}, self.arrays


@pytest.mark.parametrize(
    "body",
    [
        None,
        3,
        "text",
        [],
        {"items": 3},
        {"$a": 99},
        {"items": [3]},
        {"items": [{"kept": "one"}]},
        {"error": 3},
        {"error": {"type": ["x"], "message": {"a": 1}}},
        {"items": [], "many": False},
        {"items": [{"data": None}], "many": "yes", "changed": "all"},
    ],
)
def test_a_malformed_answer_earns_nothing_and_stops_nothing(a1, body):
    from autograder.sandbox.inside import wire

    for exercise in a1.exercises.values():
        for packed in (body, wire.pack(body, [])):
            assert judge(exercise, Hostile(packed), 1).points == 0


def test_control_characters_in_an_error_do_not_reach_a_terminal(judged):
    verdict = judged(
        "rnn_step_forward", rnn_step_forward=STEP + r"raise ValueError('\x1b[2J\x07!')"
    )
    assert said(verdict, "ValueError")
    assert "\x1b" not in "".join(messages(verdict))

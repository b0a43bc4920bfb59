"""The student proxy: calling it sends data to where the student's code is, and brings data back.

`student.rnn_step_forward(x, ...)` returns what the function returned: arrays and numbers as NumPy
arrays; a cache, a module or a dict as a `Kept` handle, which can be passed to later calls
(`student.rnn_step_backward(dnext_h, cache)`), fetched, or asked for its methods
(`model.loss(features, captions)`). No expected value, tolerance or later seed ever goes there.

What carries the requests is a `Transport`: a sandbox session, or `Local`, the judge's own process,
for code that we wrote ourselves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from .errors import CallRefused, CallTimeout, StudentRaised, WireError, Wrong, printable
from .sandbox.inside import wire
from .sandbox.inside.calls import Calls


class Transport(Protocol):
    """Whatever answers requests for one student."""

    def request(
        self, header: dict[str, Any], arrays: list[np.ndarray], timeout: float | None = None
    ) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Carry one request and return its reply."""


class Local:
    """Requests on a namespace in this process: our own code only, never a student's.

    The request goes through the wire's packing all the same, so that a case cannot pass here and
    fail there.
    """

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._calls = Calls(namespace)

    def request(
        self, header: dict[str, Any], arrays: list[np.ndarray], timeout: float | None = None
    ) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Answer at once; there is no deadline here."""
        return self._calls.handle(json.loads(json.dumps(header)), arrays)


@dataclass(frozen=True)
class Ref:
    """An argument that is made where the student's code is, from a description."""

    form: Mapping[str, Any]


def tensor(array: np.ndarray) -> Ref:
    """Send an array as a torch tensor."""
    return Ref({"__ref__": "tensor", "value": np.asarray(array)})


def generator(seed: int) -> Ref:
    """Send a torch.Generator with this seed."""
    return Ref({"__ref__": "generator", "seed": int(seed)})


def random(seed: int) -> Ref:
    """Send a numpy.random.Generator with this seed."""
    return Ref({"__ref__": "rng", "seed": int(seed)})


def public(name: str) -> Ref:
    """Send a public object by its dotted name, such as numpy.float64 or torch.relu."""
    return Ref({"__ref__": "public", "name": name})


def named(name: str) -> Ref:
    """Send another object of the student's notebook, by its name."""
    return Ref({"__ref__": "student", "name": name})


@dataclass
class Call:
    """One request and what came of it, as the transcript and the mistake finder read them."""

    request: dict[str, Any]
    items: list[Any] = field(default_factory=list)  # arrays, texts, None, or Kept
    changed: list[int] = field(default_factory=list)
    gradients: list[Any] | None = None
    error: str = ""  # the exception's type


@dataclass(eq=False)
class Kept:
    """An object that stayed with the student's code; its methods can be called."""

    student: Student
    number: int
    type_name: str
    origin: tuple[int, int]  # which call made it, and which item of the answer it is

    def __getattr__(self, name: str) -> Function:
        if name.startswith("_"):
            raise AttributeError(name)
        return Function(self.student, {"id": self.number, "method": name}, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the object itself, as a module is called."""
        return Function(self.student, {"id": self.number}, self.type_name)(*args, **kwargs)

    @property
    def itself(self) -> Function:
        """The object as a function, for `Student.gradients`."""
        return Function(self.student, {"id": self.number}, self.type_name)


@dataclass(frozen=True)
class Function:
    """A function, method or public object over there, ready to be called."""

    student: Student
    target: Mapping[str, Any]
    name: str

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it with data, references and kept objects; return data and kept objects."""
        return self.student.call(self, args, kwargs)


class Student:
    """The functions of one student's notebook. What calls leave there is let go of when the next
    Student makes its first call.
    """

    def __init__(
        self,
        transport: Transport,
        returns: Mapping[str, str] | None = None,
        timed_out: dict[str, str] | None = None,
    ) -> None:
        self._transport = transport
        self._returns = dict(returns or {})
        self._timed_out = timed_out if timed_out is not None else {}
        self.log: list[Call] = []
        self._fresh = True
        # Which call an array came from, by identity; the log keeps the arrays alive.
        self._origin: dict[int, tuple[int, int]] = {}

    def __getattr__(self, name: str) -> Function:
        if name.startswith("_"):
            raise AttributeError(name)
        return Function(self, {"name": name}, name)

    def public(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call a public constructor over there: student.public("torch.nn.ReLU") -> a handle."""
        return self.call(Function(self, {"public": name}, name), args, kwargs)

    def call(self, function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Call `function`; raise StudentRaised, CallTimeout, SessionDead or Wrong."""
        body = {
            "op": "call",
            "target": dict(function.target),
            "args": [self._encode(value) for value in args],
            "kwargs": {name: self._encode(value) for name, value in kwargs.items()},
        }
        reply = self._send(body, function.name)
        return self._shaped(function, self._take(reply), reply)

    def outputs(
        self,
        function: Function,
        args: Sequence[Any],
        position: int,
        stack: np.ndarray,
        count: int,
    ) -> list[np.ndarray]:
        """Call `function` once for each version in `stack` of the argument at `position`.

        Returns its first `count` outputs, each of them stacked in the same way. The versions go in
        one request, and so there may be hundreds; all of them together have one call's time.
        """
        body = {
            "op": "outputs",
            "target": dict(function.target),
            "args": [self._encode(value) for value in args],
            "position": position,
            "stack": np.asarray(stack),
            "count": count,
        }
        outputs = self._send(body, function.name).get("outputs")
        if (
            not isinstance(outputs, list)
            or len(outputs) != count
            or not all(isinstance(each, np.ndarray) for each in outputs)
            or any(each.shape[:1] != (len(stack),) for each in outputs)
        ):
            raise Wrong(f"{function.name} must return {count} arrays, and then what it keeps")
        self.log[-1].items.extend(outputs)
        return outputs

    def gradients(
        self,
        function: Function,
        args: Sequence[Any],
        *,
        cotangent: np.ndarray,
        wrt: Sequence[int | Sequence[int]] = (),
        module: Kept | None = None,
        kwargs: Mapping[str, Any] | None = None,
    ) -> tuple[Any, list[np.ndarray | None]]:
        """Call a torch function and return (its answer, the vector-Jacobian products).

        The gradients are of sum(cotangent * first output), for the tensor arguments at the
        positions `wrt` and then for the parameters of `module`, sorted by name. They are None where
        the result does not depend on them. The position (0, 2) is the third tensor of the list that
        comes first.
        """
        body = {
            "op": "gradients",
            "target": dict(function.target),
            "args": [self._encode(value) for value in args],
            "kwargs": {name: self._encode(value) for name, value in (kwargs or {}).items()},
            "wrt": [place if isinstance(place, int) else list(place) for place in wrt],
            "module": None if module is None else module.number,
            "cotangent": np.asarray(cotangent),
        }
        reply = self._send(body, function.name)
        answer = self._shaped(function, self._take(reply), reply)
        if reply.get("problem"):
            raise Wrong(f"{function.name}: {reply['problem']}")
        gradients = reply.get("gradients")
        if gradients is None:
            shape = np.shape(answer[0] if isinstance(answer, tuple) else answer)
            raise Wrong(f"{function.name} must return shape {np.shape(cotangent)}. Got {shape}")
        gradients = [None if g is None else np.asarray(g) for g in gradients]
        call = self.log[-1]
        call.gradients = gradients
        for place, gradient in enumerate(gradients, start=len(call.items)):
            if gradient is not None:
                self._origin[id(gradient)] = (len(self.log) - 1, place, "")
        return answer, gradients

    def keep(self, value: Any) -> Kept:
        """Leave a value over there and return its handle: a tensor that calls share and change."""
        return self._take(self._send({"op": "keep", "value": self._encode(value)}, "keep"))[0]

    def fetch(self, value: Any) -> Any:
        """Return a kept container or tensor as data (arrays, a dict or a list of them).

        Data is returned as it is.
        """
        if not isinstance(value, Kept):
            return value
        reply = self._send({"op": "fetch", "id": value.number}, value.type_name)
        data = _as_arrays(reply.get("value"))
        self._register(data)
        return data

    def get(self, kept: Kept, name: str) -> Any:
        """Return an attribute of a kept object: data, or another handle."""
        reply = self._send({"op": "get", "id": kept.number, "name": name}, kept.type_name)
        return self._take(reply)[0]

    def buffer(self, module: Kept, name: str) -> Any:
        """Return a module's buffer by name; None when it has no such buffer."""
        return self._take(self._send({"op": "buffer", "id": module.number, "name": name}, name))[0]

    def set(self, kept: Kept, name: str, value: Any) -> None:
        """Set an attribute of a kept object, such as a model's dict of parameters."""
        body = {"op": "set", "id": kept.number, "name": name, "value": self._encode(value)}
        self._send(body, kept.type_name)

    def state(self, kept: Kept) -> dict[str, Any]:
        """Return a module's parameters and buffers by name, and the names in its state dict."""
        return self._send({"op": "state", "id": kept.number}, kept.type_name)

    def load(self, kept: Kept, values: Mapping[str, np.ndarray]) -> None:
        """Set a module's parameters by name, all of them."""
        self._send({"op": "load", "id": kept.number, "values": dict(values)}, kept.type_name)

    def forbid(self, names: Sequence[str]) -> None:
        """Let these public objects, and no others, raise NotAllowed when they are called there."""
        self._send({"op": "forbid", "names": list(names)}, "forbid", log=False)

    def again(self, value: np.ndarray) -> Ref:
        """Send what an earlier call answered as a tensor: `check` sends the student's own then."""
        call, item, key = self._origin[id(value)]
        if key:
            raise ValueError("only what a call answered by itself can be sent again")
        return Ref({**tensor(value).form, "answer": [call, item]})

    def origin(self, value: Any) -> tuple[int, int, str] | None:
        """Return (call, item, key) for an array that came from a call, else None."""
        return self._origin.get(id(value))

    # ------------------------------------------------------------------ inside
    def _encode(self, value: Any) -> Any:
        if isinstance(value, Ref):
            return {key: self._encode(item) for key, item in value.form.items()}
        if isinstance(value, Kept):
            return {"__ref__": "kept", "id": value.number}
        if isinstance(value, dict):
            return {key: self._encode(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self._encode(item) for item in value)
        return value

    def _send(self, body: dict[str, Any], name: str, log: bool = True) -> dict[str, Any]:
        if name in self._timed_out:
            raise CallTimeout(self._timed_out[name])  # it would only cost another deadline
        call = Call(body)
        if log:
            self.log.append(call)
        packed: list[np.ndarray] = []
        header = {"t": "call", "body": wire.pack(body, packed), "fresh": self._fresh}
        self._fresh = False
        try:
            reply, arrays = self._transport.request(header, packed)
        except CallTimeout as error:
            call.error = "CallTimeout"
            self._timed_out[name] = f"{name} did not come to an end: {error}"
            raise CallTimeout(self._timed_out[name]) from None
        except CallRefused as error:
            raise Wrong(f"{name}: the answer could not be read ({error})") from None
        try:
            body = wire.unpack(reply.get("body"), arrays)
        except WireError as error:
            raise Wrong(f"{name}: the answer could not be read ({error})") from None
        if not isinstance(body, dict):
            raise Wrong(f"{name}: the answer could not be read")
        if "error" in body:
            error = body["error"] if isinstance(body["error"], dict) else {}
            call.error = printable(error.get("type", "Exception"), 100)
            told = (printable(error.get(key, "")) for key in ("message", "where", "function"))
            raise StudentRaised(name, call.error, *told)
        return body

    def _take(self, reply: dict[str, Any]) -> list[Any]:
        """Return the answer's items; what a hostile peer might send instead is a Wrong."""
        items, call = reply.get("items"), self.log[-1]
        if not isinstance(items, list):
            raise Wrong("the answer could not be read")
        for index, item in enumerate(items):
            origin = (len(self.log) - 1, index)
            if isinstance(item, dict) and "data" in item:
                value = _as_arrays(item["data"])
                self._origin[id(value)] = (*origin, "")
            elif isinstance(item, dict) and type(item.get("kept")) is int:
                value = Kept(self, item["kept"], printable(item.get("type", "object"), 100), origin)
            else:
                raise Wrong("the answer could not be read")
            call.items.append(value)
        changed = reply.get("changed")
        call.changed = [c for c in changed if type(c) is int] if isinstance(changed, list) else []
        return call.items

    def _shaped(self, function: Function, items: list[Any], reply: dict[str, Any]) -> Any:
        """Return one value or a tuple, as `returns` says; a wrong number of values is a Wrong."""
        many = bool(reply.get("many"))
        if function.name not in self._returns:
            return tuple(items) if many else items[0]
        promised = self._returns[function.name]
        names = [name.strip() for name in promised.split(",")]
        if len(names) == 1 and not many:
            return items[0]
        if len(names) == 1:
            raise Wrong(f"{function.name} must return {promised}. Got {len(items)} values")
        if not many or len(items) != len(names):
            seen = f"{len(items)} values" if many else _kind_of(items[0])
            raise Wrong(f"{function.name} must return ({promised}). Got {seen}")
        return tuple(items)

    def _register(self, data: Any) -> None:
        """Remember which arrays came with the last request, to find them again in a transcript."""
        call, here = self.log[-1], len(self.log) - 1
        if isinstance(data, dict):
            for key, value in data.items():
                self._origin[id(value)] = (here, len(call.items), key)
                call.items.append(value)
        else:
            self._origin[id(data)] = (here, 0, "")
            call.items.append(data)
            call.items.append(data)


def _as_arrays(value: Any) -> Any:
    """Numbers become arrays, so that each has its own identity; containers keep their form."""
    if isinstance(value, bool | int | float | np.generic):
        return np.array(value)
    if isinstance(value, list):
        return [_as_arrays(item) for item in value]
    if isinstance(value, dict):
        return {key: _as_arrays(item) for key, item in value.items()}
    return value


def _kind_of(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return "a single value" if value.ndim == 0 else f"one array of shape {value.shape}"
    return f"one {getattr(value, 'type_name', type(value).__name__)}"

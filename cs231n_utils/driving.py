"""Carry out requests on the functions of one namespace: data in, data out.

One driver serves three places, which therefore agree: the sandbox (beside the student's code), the
judge's own process (on our solution and its known mistakes) and `check` in a student's notebook.
It knows no expected value. A request names a function and brings its arguments; arrays and numbers
come back as they are, anything else (a cache, a module, a dict of gradients) stays here behind a
number and can be used in later requests or fetched.

Arguments may hold references, dicts with the key "__ref__":
    {"__ref__": "kept", "id": 3}                 what an earlier request left here
    {"__ref__": "tensor", "value": array}        the array as a torch tensor
    {"__ref__": "rng", "seed": 1}                numpy.random.default_rng(1)
    {"__ref__": "generator", "seed": 1}          torch.Generator().manual_seed(1)
    {"__ref__": "public", "name": "torch.relu"}  something public, from PUBLIC
    {"__ref__": "student", "name": "my_net"}     another name of the student's namespace
"""

from __future__ import annotations

import fnmatch
import importlib
import sys
import traceback
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

PUBLIC = ("torch.", "numpy.", "math.", "operator.", "PIL.", "cs231n_utils.")
MAX_DEPTH = 10


class Driver:
    """Requests on `namespace`, with the objects that stay behind between them."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self.namespace = namespace
        self.kept: dict[int, Any] = {}
        self._guard = Guard()

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out one request and return the reply; a failure is a reply with "error"."""
        try:
            return getattr(self, "_do_" + request["op"])(request)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit too: the answer to a call is never an exit
            return {"error": describe(error)}

    # ------------------------------------------------------------------ operations
    def _do_call(self, request: dict[str, Any]) -> dict[str, Any]:
        arguments = Arguments(self)
        args = [arguments.build(value) for value in request["args"]]
        kwargs = {name: arguments.build(value) for name, value in request["kwargs"].items()}
        result = self._callable(request["target"])(*args, **kwargs)
        return {**self._answer(result), "changed": arguments.changed()}

    def _do_outputs(self, request: dict[str, Any]) -> dict[str, Any]:
        """Call once for each version of one argument, as many calls would, and keep nothing.

        `stack` holds the versions of the argument at `position`. Each of the first `count` outputs
        comes back stacked in the same way; what a function returns after them is dropped.
        """
        function = self._callable(request["target"])
        rows = []
        for version in request["stack"]:
            arguments = Arguments(self)
            args = [arguments.build(value) for value in request["args"]]
            args[request["position"]] = arguments.build(version)
            result = function(*args)
            outputs = result if isinstance(result, tuple | list) else (result,)
            rows.append([plain(value) for value in outputs[: request["count"]]])
        return {"outputs": [plain(np.stack(column)) for column in zip(*rows, strict=True)]}

    def _do_gradients(self, request: dict[str, Any]) -> dict[str, Any]:
        """Call, then return the vector-Jacobian products for the named arguments (or parameters).

        `wrt` holds positions of tensor arguments ([0, 2]: the third of the list that comes first);
        `module` is the number of a kept module whose parameters are wanted too. `cotangent` weighs
        the first output, and must have its shape.
        """
        torch = importlib.import_module("torch")
        arguments = Arguments(self)
        args = [arguments.build(value) for value in request["args"]]
        kwargs = {name: arguments.build(value) for name, value in request["kwargs"].items()}
        inputs = [_at(args, position).requires_grad_(True) for position in request["wrt"]]
        if request.get("module") is not None:
            # By name: the order in which a constructor makes its parts is nobody's business.
            named = dict(self.kept[request["module"]].named_parameters())
            inputs += [named[name] for name in sorted(named)]
        result = self._callable(request["target"])(*args, **kwargs)
        first = result[0] if isinstance(result, tuple | list) else result
        reply = {**self._answer(result), "changed": arguments.changed(), "gradients": None}
        cotangent = torch.from_numpy(np.array(request["cotangent"]))
        if not isinstance(first, torch.Tensor):
            return {**reply, "problem": f"a {type(first).__name__} carries no gradient"}
        if not first.requires_grad:
            return {**reply, "problem": "the result is cut off from its inputs: no gradient"}
        if first.numel() != cotangent.numel():
            return reply
        cotangent = cotangent.reshape(first.shape).to(first.dtype)
        gradients = torch.autograd.grad(first, inputs, cotangent, allow_unused=True)
        reply["gradients"] = [None if g is None else plain(g) for g in gradients]
        return reply

    def _do_keep(self, request: dict[str, Any]) -> dict[str, Any]:
        """Leave a value here, data or not: a tensor that later calls share and may change."""
        return {"items": [self._keep(Arguments(self).build(request["value"]))], "many": False}

    def _do_fetch(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"value": plain(self.kept[request["id"]])}

    def _do_get(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._answer(getattr(self.kept[request["id"]], request["name"]))

    def _do_buffer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return a module's buffer, None when it has none of that name."""
        buffers = dict(self.kept[request["id"]].named_buffers())
        return self._answer(buffers.get(request["name"]))

    def _do_set(self, request: dict[str, Any]) -> dict[str, Any]:
        setattr(self.kept[request["id"]], request["name"], Arguments(self).build(request["value"]))
        return {}

    def _do_state(self, request: dict[str, Any]) -> dict[str, Any]:
        module = self.kept[request["id"]]
        return {
            "parameters": {name: plain(p) for name, p in module.named_parameters()},
            "buffers": {name: plain(b) for name, b in module.named_buffers()},
            "state": sorted(module.state_dict()),
        }

    def _do_load(self, request: dict[str, Any]) -> dict[str, Any]:
        """Set a module's parameters by name, all of them or an error: nothing loads silently."""
        torch = importlib.import_module("torch")
        parameters = dict(self.kept[request["id"]].named_parameters())
        if set(parameters) != set(request["values"]):
            raise KeyError(
                f"parameters must be {sorted(request['values'])}. Got {sorted(parameters)}"
            )
        with torch.no_grad():
            for name, value in request["values"].items():
                parameters[name].copy_(torch.from_numpy(np.array(value)))
        return {}

    def _do_forbid(self, request: dict[str, Any]) -> dict[str, Any]:
        """Let the named public objects, and no others, raise NotAllowed when they are called."""
        self._guard.forbid(request["names"])
        return {}

    def _do_names(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"missing": [name for name in request["names"] if name not in self.namespace]}

    # ------------------------------------------------------------------ helpers
    def _callable(self, target: dict[str, Any]) -> Any:
        if "public" in target:
            return public(target["public"])
        if "id" in target:
            kept = self.kept[target["id"]]
            return getattr(kept, target["method"]) if target.get("method") else kept
        return self.find(target["name"])

    def find(self, name: str) -> Any:
        """Return what the namespace holds under a name, or raise MissingFunction."""
        if name not in self.namespace:
            raise MissingFunction(f"{name} is not defined")
        return self.namespace[name]

    def _answer(self, result: Any) -> dict[str, Any]:
        many = isinstance(result, tuple | list)
        items = [self._item(value) for value in (result if many else [result])]
        return {"items": items, "many": many}

    def _item(self, value: Any) -> dict[str, Any]:
        if is_data(value):
            return {"data": plain(value)}
        return self._keep(value)

    def _keep(self, value: Any) -> dict[str, Any]:
        number = len(self.kept)
        while number in self.kept:
            number += 1
        self.kept[number] = value
        return {"kept": number, "type": type(value).__name__[:100]}


class NotAllowed(RuntimeError):
    """The exercise forbids what was just called."""


class Guard:
    """Stands in the place of what an exercise forbids, while its answer runs."""

    # What a tensor or a gradient is made with: a library as a whole has no one door.
    DOORS: ClassVar = {
        "torch": ("tensor", "as_tensor", "from_numpy", "Tensor.backward", "autograd.grad"),
    }

    def __init__(self) -> None:
        self._real: list[tuple[Any, str, Any]] = []

    def forbid(self, names: list[str]) -> None:
        """Put guards on `names` and take all others away."""
        while self._real:
            setattr(*self._real.pop())
        for name in names:
            for door in self.DOORS.get(name, ("",)):
                self._stand(f"{name}.{door}".rstrip("."))

    def _stand(self, name: str) -> None:
        *path, last = name.split(".")
        place = sys.modules.get(path[0]) if path else None  # never imported: never used
        for part in path[1:]:
            place = getattr(place, part, None)
        for attribute in fnmatch.filter(dir(place), last) if place is not None else ():
            value = getattr(place, attribute)
            if callable(value) and not isinstance(value, ModuleType):
                self._real.append((place, attribute, value))
                setattr(place, attribute, _refusing(name))


def _refusing(name: str) -> Any:
    def refuse(*_: Any, **__: Any) -> None:
        raise NotAllowed(f"{name} is not allowed here")

    return refuse


class MissingFunction(NameError):
    """The request names a function that the namespace does not hold."""


class Arguments:
    """Arguments built for one call: private copies, and whether the call changed them."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self._copies: list[tuple[np.ndarray, Any]] = []

    def build(self, value: Any) -> Any:
        """Turn a request's value into what the function is called with."""
        if isinstance(value, np.ndarray):
            return self._remember(value, np.array(value))
        if isinstance(value, list):
            return [self.build(item) for item in value]
        if isinstance(value, tuple):
            return tuple(self.build(item) for item in value)
        if isinstance(value, dict):
            if "__ref__" in value:
                return self._reference(value)
            return {key: self.build(item) for key, item in value.items()}
        return value

    def _remember(self, original: np.ndarray, copy: Any) -> Any:
        self._copies.append((original, copy))
        return copy

    def _reference(self, reference: dict[str, Any]) -> Any:
        kind = reference["__ref__"]
        if kind == "kept":
            return self.driver.kept[reference["id"]]
        if kind == "student":
            return self.driver.find(reference["name"])
        if kind == "public":
            return public(reference["name"])
        if kind == "rng":
            return np.random.default_rng(reference["seed"])
        torch = importlib.import_module("torch")
        if kind == "generator":
            return torch.Generator().manual_seed(reference["seed"])
        if kind == "tensor":
            original = reference["value"]
            return self._remember(original, torch.from_numpy(np.array(original)))
        raise ValueError(f"unknown reference {kind}")

    def changed(self) -> list[int]:
        """Return the positions, counted over all arrays of the call, that the call changed."""
        return [
            position
            for position, (original, copy) in enumerate(self._copies)
            if not np.array_equal(original, np.asarray(_to_array(copy)), equal_nan=True)
        ]


def public(name: str) -> Any:
    """Return a public object by its dotted name ("torch.nn.Conv2d"), from the allowed packages."""
    if not name.startswith(PUBLIC):
        raise ValueError(f"a public name must start with one of {PUBLIC}. Got {name}")
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            value = getattr(value, part)
        return value
    raise ValueError(f"no public object is named {name}")


def _at(args: list[Any], position: int | list[int]) -> Any:
    """Return an argument by its position, or what lies at several positions, one in another."""
    for step in [position] if isinstance(position, int) else position:
        args = args[step]
    return args


def is_data(value: Any) -> bool:
    """Return whether the value travels by itself: an array, a tensor, a number, a text, None."""
    if value is None or isinstance(value, bool | int | float | complex | str):
        return True
    if isinstance(value, np.ndarray | np.generic):
        return value.dtype.kind in "fiubc"
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _to_array(value: Any) -> Any:
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        value = value.detach()
        value = value.float() if value.dtype is torch.bfloat16 else value
        return value.cpu().contiguous().numpy()
    return value


def plain(value: Any, depth: int = 0) -> Any:
    """Return `value` as arrays, numbers, texts and plain containers of them."""
    if depth > MAX_DEPTH:
        raise TypeError(f"a value may be nested at most {MAX_DEPTH} deep")
    value = _to_array(value)
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind not in "fiubc":
            raise TypeError(f"an array must hold numbers. Got dtype {value.dtype}")
        return np.array(value)
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, complex):
        return np.array(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, tuple | list):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    raise TypeError(f"a {type(value).__name__} cannot be read from outside")


def describe(error: BaseException) -> dict[str, str]:
    """Return an exception as data: its type, its message, and the student's line that raised it."""
    try:
        message = str(error)
    except Exception:
        message = "(the message could not be read)"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_cell(frame.filename)]
    where = function = ""
    if own:
        function = own[-1].name
        line = (own[-1].line or "").strip()[:200]
        where = f"line {own[-1].lineno} of {own[-1].name}" + (f": {line}" if line else "")
    return {
        "type": type(error).__name__[:100],
        "message": message[:1000],
        "where": where,
        "function": function,
    }


def _is_cell(filename: str) -> bool:
    return filename.startswith(("<ipython-input", "<cell")) or "ipykernel_" in filename

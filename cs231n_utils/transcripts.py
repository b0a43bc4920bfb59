"""Recorded examinations, and their replay on somebody's functions.

A transcript holds, for the public cases of one exercise, the calls with their inputs, what the
right answers are, and fingerprints of what the known mistakes answer. It holds no answer's code.
`python -m autograder release` records it; `check` replays it in the student's notebook.

One file for each assignment: arrays as safetensors, the rest as JSON in its metadata.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from . import findings
from .compare import untouched
from .driving import Driver
from .findings import Finding

# Two answers are the same up to rounding, relative to their size: other ways to write one formula,
# other processors and other numbers of threads round differently. The floor is for what is zero but
# for rounding, such as the gradient of a number that makes no difference.
SAME = {"double": 1e-6, "single": 1e-4}
FLOOR = {"double": 1e-10, "single": 1e-4}


class UnknownExercise(KeyError):
    """No transcript has this name; the message lists the known ones."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass
class Replay:
    """What came of a case's calls: each call's items by key, or the error that ended them."""

    items: list[list[Any]] = field(default_factory=list)
    changed: list[list[int]] = field(default_factory=list)
    prints: list[Any] = field(default_factory=list)
    error: dict[str, str] | None = None
    name: str = ""  # of the function that was called last


def replay(calls: list[dict[str, Any]], namespace: dict[str, Any]) -> Replay:
    """Make a case's calls on the functions in `namespace`, one after another.

    A call's arguments may be what an earlier call answered. The first error ends the replay: what
    follows stands on it.
    """
    driver, done = Driver(namespace), Replay()
    for call in calls:
        done.name = call["name"]
        reply = driver.run(_resolve(call["request"], done.items))
        if "error" in reply:
            done.error = reply["error"]
            done.prints.append({"error": reply["error"]["type"]})
            break
        done.items.append(_items(reply))
        done.changed.append(reply.get("changed", []))
        prints = [fingerprint(item) for item in done.items[-1]]
        done.prints.append({"items": prints, "changed": done.changed[-1]})
    return done


def _resolve(value: Any, answers: list[list[Any]]) -> Any:
    """Put earlier answers, data or handles, where it says {"__answer__": [call, item]}."""
    if isinstance(value, dict):
        if "__answer__" in value:
            call, item = value["__answer__"]
            answer = answers[call][item] if item < len(answers[call]) else None
            if isinstance(answer, dict) and "kept" in answer:
                return answer["kept"] if value.get("number") else _kept(answer)
            return answer
        return {key: _resolve(item, answers) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolve(item, answers) for item in value]
    return value


def _kept(answer: dict[str, Any]) -> dict[str, Any]:
    return {"__ref__": "kept", "id": answer["kept"]}


def _items(reply: dict[str, Any]) -> list[Any]:
    """Return what can be compared: arrays and numbers as arrays, the rest as it stands."""
    if "value" in reply:  # a fetched container
        value = reply["value"]
        return [value] if isinstance(value, dict | list) else [_array(value)]
    items = [item.get("data", item) for item in reply.get("items", [])]
    items += reply.get("gradients") or []
    return [item if isinstance(item, dict) else _array(item) for item in items]


def _array(value: Any) -> Any:
    return np.asarray(value) if isinstance(value, bool | int | float | np.generic) else value


def pick(items: list[list[Any]], origin: list[Any]) -> Any:
    """Return the answer that a transcript's expectation speaks of, None when it is not there."""
    call, item, key = origin
    if call >= len(items):
        return None
    if key:  # a fetched dict
        value = items[call][0] if items[call] else None
        return _array(value.get(key)) if isinstance(value, dict) else None
    return items[call][item] if item < len(items[call]) else None


# ------------------------------------------------------------------ fingerprints
def fingerprint(value: Any) -> Any:
    """Return a few numbers that tell answers apart, and from which none can be rebuilt."""
    if isinstance(value, dict) and "kept" in value:
        return "kept"
    if isinstance(value, dict):
        return {key: fingerprint(_array(item)) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [fingerprint(_array(item)) for item in value]
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiub":
        return type(value).__name__
    flat = value.astype(np.float64).reshape(-1)
    finite = np.where(np.isfinite(flat), flat, 0.0)
    weights = np.random.default_rng(flat.size).standard_normal((3, flat.size))
    return {
        "precision": "single" if value.dtype in (np.float16, np.float32) else "double",
        "shape": list(value.shape),
        "not finite": int((~np.isfinite(flat)).sum()),
        "size": float(np.sqrt((finite**2).sum())),
        "sums": [float(s) for s in weights @ finite],
    }


def same_prints(known: Any, seen: Any) -> bool:
    """Return whether two fingerprints are of the same answers, up to rounding."""
    if isinstance(known, dict) and isinstance(seen, dict) and "sums" in known and "sums" in seen:
        if known["shape"] != seen["shape"] or known["not finite"] != seen["not finite"]:
            return False
        loose = "single" if "single" in (known["precision"], seen["precision"]) else "double"
        room = SAME[loose] * max(known["size"], seen["size"]) + FLOOR[loose]
        pairs = zip(known["sums"], seen["sums"], strict=True)
        return all(abs(a - b) <= room for a, b in pairs)
    if isinstance(known, dict) and isinstance(seen, dict):
        return known.keys() == seen.keys() and all(same_prints(known[k], seen[k]) for k in known)
    if isinstance(known, list) and isinstance(seen, list):
        pairs = zip(known, seen, strict=False)
        return len(known) == len(seen) and all(same_prints(a, b) for a, b in pairs)
    return known == seen


# ------------------------------------------------------------------ judging a replay
def troubles(case: Mapping[str, Any], done: Replay, returns: Mapping[str, str]) -> list[str]:
    """Return what is wrong with a replayed case, in sentences; [] when it is right."""
    return [found.trouble for found in judge(case, done, returns) if found.trouble]


def judge(case: Mapping[str, Any], done: Replay, returns: Mapping[str, str]) -> list[Finding]:
    """Return what a replayed case shows, what should be mended first in front.

    Where nothing can be compared, it is one finding that says why.
    """
    for expectation in case["premises"]:
        call = expectation["origin"][0]
        if call < len(done.items) and _compare(expectation, done).trouble:
            name = case["calls"][call]["name"]
            said = f"this goes through your {name}, which is not right yet: check that first"
            return [Finding(name, findings.EARLIER, said, findings.ADVICE[findings.EARLIER])]
    for call, items in zip(case["calls"], done.items, strict=False):
        promised = returns.get(call["name"], "")
        wanted = len(promised.split(",")) if promised else len(items)
        if len(items) != wanted and call["request"]["op"] == "call":
            got = f"{len(items)} values" if len(items) > 1 else "one"
            said = f"{call['name']} must return ({promised}). Got {got}"
            return [Finding(call["name"], findings.FORM, said, findings.ADVICE[findings.FORM])]
    if done.error is not None:
        return [_told(done, done.error)]
    found = [_compare(expectation, done) for expectation in case["expectations"]]
    for call, names in case["untouched"]:
        if trouble := untouched(done.changed[call], names):
            found.append(Finding("the arguments", findings.OTHER, trouble))
    return sorted(found, key=lambda each: findings.ORDER.index(each.kind))


def _compare(expectation: Mapping[str, Any], done: Replay) -> Finding:
    return findings.compared(expectation, pick(done.items, expectation["origin"]))


def _told(done: Replay, error: Mapping[str, str]) -> Finding:
    """Return what ended a replay, as a finding."""
    inner, kind = error.get("function", ""), error["type"]
    if kind == "NotImplementedError" and inner and inner != done.name:
        said = f"{done.name} calls {inner}, which is not written yet"
        return Finding(inner, findings.EARLIER, said, f"Write {inner} first.")
    if kind == "NotImplementedError":
        said = f"{done.name} is not written yet"
        return Finding(done.name, findings.UNWRITTEN, said, findings.ADVICE[findings.UNWRITTEN])
    if kind == "MissingFunction":
        said = f"{error['message']}: run its cell first"
        return Finding(done.name, findings.MISSING, said, findings.ADVICE[findings.MISSING])
    where = f" ({error['where']})" if error["where"] else ""
    said = f"{done.name} raised {kind}: {error['message']}{where}"
    return Finding(done.name, findings.RAISED, said, findings.RAISED_ADVICE.get(kind, ""))


# ------------------------------------------------------------------ files
def write(
    path: Path, transcripts: Mapping[str, Any], by_hand: Mapping[str, float] | None = None
) -> None:
    """Write the transcripts of one assignment, by exercise.

    `by_hand` holds the points of what a teacher marks, by name: nothing of it is checked.
    """
    arrays: dict[str, np.ndarray] = {}
    about = {"by_hand": dict(by_hand or {}), "transcripts": _strip(transcripts, arrays)}
    path.parent.mkdir(parents=True, exist_ok=True)
    # One entry: safetensors writes several in another order each time.
    path.write_bytes(save(arrays, metadata={"recording": json.dumps(about)}))


def read(path: Path) -> dict[str, Any]:
    """Return the transcripts of one assignment, by exercise."""
    with safe_open(path, framework="numpy") as file:
        return _fill(json.loads(file.metadata()["recording"])["transcripts"], file)


def read_by_hand(path: Path) -> dict[str, float]:
    """Return the points of what a teacher marks in one assignment, by name."""
    with safe_open(path, framework="numpy") as file:
        return json.loads(file.metadata()["recording"])["by_hand"]


def _strip(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        name = f"{len(arrays):04d}"
        # safetensors has no arrays without elements' order: C order it is
        arrays[name] = np.ascontiguousarray(value).reshape(np.shape(value))
        return {"__array__": name}
    if isinstance(value, Mapping):
        return {key: _strip(item, arrays) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strip(item, arrays) for item in value]
    return value


def _fill(value: Any, file: Any) -> Any:
    if isinstance(value, dict):
        if "__array__" in value:
            return file.get_tensor(value["__array__"])
        return {key: _fill(item, file) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, file) for item in value]
    return value


def find(name: str) -> dict[str, Any]:
    """Return the transcript of one exercise; an unknown name lists the known ones."""
    # The file that holds it is read, and the others are not: a check should answer at once.
    key = json.dumps(name)
    for file in _files():
        if key in _text(file) and name in _of(file):
            return _of(file)[name]
    raise UnknownExercise(f'there is no check "{name}". There are: {", ".join(everything())}')


def by_hand(assignment: str) -> dict[str, float]:
    """Return the points of what a teacher marks in an assignment, by name."""
    with resources.as_file(_folder() / f"{assignment}.safetensors") as path:
        return read_by_hand(path)


def everything() -> dict[str, Any]:
    """Return the transcripts of the whole course, by exercise."""
    return {name: each for file in _files() for name, each in _of(file).items()}


@cache
def _of(file: str) -> dict[str, Any]:
    with resources.as_file(_folder() / file) as path:
        return read(path)


@cache
def _text(file: str) -> str:
    with (
        resources.as_file(_folder() / file) as path,
        safe_open(path, framework="numpy") as opened,
    ):
        return opened.metadata()["recording"]


def _files() -> list[str]:
    if not _folder().is_dir():
        return []
    return sorted(e.name for e in _folder().iterdir() if e.name.endswith(".safetensors"))


def _folder() -> Any:
    return resources.files(__package__) / "checks"

"""Give up, for ever, what a student's code does not need: resource limits, Landlock, seccomp."""

from __future__ import annotations

import os
import resource
from typing import Any

from . import landlock, seccomp
from .rights import assert_no_rights


class NotAlone(RuntimeError):
    """Another thread already runs; Landlock would not bind it."""


def confine(config: dict[str, Any]) -> dict[str, Any]:
    """Apply `config`, and return what holds now: {"landlock": version, "seccomp": bool}.

    config: "rlimits" {name: [soft, hard]}, "walls" (bool), "readable" and "writable" [path],
    "sockets" (bool, default False: none but those that are there already).
    """
    if not config["walls"]:
        set_rlimits(config["rlimits"], must_hold=False)
        return {"landlock": 0, "seccomp": False}
    assert_one_thread()
    assert_no_rights()
    set_rlimits(config["rlimits"], must_hold=True)
    sockets = config.get("sockets", False)
    return {
        "landlock": landlock.restrict(config["readable"], config["writable"], sockets=sockets),
        "seccomp": seccomp.install(sockets=sockets),
    }


def assert_one_thread() -> None:
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        raise NotAlone(f"the process must have one thread when it is confined. Got {threads}")


def set_rlimits(rlimits: dict[str, list[int]], *, must_hold: bool) -> None:
    """Set each limit by its name in `resource`, never above a hard limit that is already there."""
    for name, (soft, hard) in rlimits.items():
        try:
            which = getattr(resource, name)
            _, ceiling = resource.getrlimit(which)
            if ceiling != resource.RLIM_INFINITY:
                soft, hard = min(soft, ceiling), min(hard, ceiling)
            resource.setrlimit(which, (soft, hard))
        except (AttributeError, OSError, ValueError):
            if must_hold:
                raise

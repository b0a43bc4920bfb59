"""The wall: run a student's code where it can read, reach and spend only what it was given.

Example:

    with start_session(Limits(), files={"notes.txt": b"..."}) as session:
        result = session.run_cell("1 + 1")
        header, arrays = session.request(call, [x])
"""

from .errors import (
    CallRefused,
    CallTimeout,
    NoSandbox,
    SandboxError,
    ServerLost,
    SessionDead,
    StartFailed,
    UnsafeSandbox,
    WireError,
)
from .limits import Limits
from .preloaded import Preloaded
from .session import CellResult, Session, start_session

__all__ = [
    "CallRefused",
    "CallTimeout",
    "CellResult",
    "Limits",
    "NoSandbox",
    "Preloaded",
    "SandboxError",
    "ServerLost",
    "Session",
    "SessionDead",
    "StartFailed",
    "UnsafeSandbox",
    "WireError",
    "start_session",
]

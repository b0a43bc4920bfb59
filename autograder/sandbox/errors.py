"""What can go wrong with a sandbox, one class for each thing that happened."""

from .inside.values import WireError

__all__ = [
    "CallRefused",
    "CallTimeout",
    "NoSandbox",
    "SandboxError",
    "ServerLost",
    "SessionDead",
    "StartFailed",
    "UnsafeSandbox",
    "WireError",
]


class SandboxError(Exception):
    """Something about the sandbox, not about the answer in it."""


class NoSandbox(SandboxError):
    """This machine cannot keep a student's code apart. Nothing was run."""


class StartFailed(NoSandbox):
    """The sandbox itself works here, but the student's process did not come up in it. Nothing was
    run.
    """


class ServerLost(NoSandbox):
    """The process that students' processes are forked from has ended, and they with it. None of
    them is to blame: what was under way can be done again.
    """

    def __init__(self) -> None:
        super().__init__(
            "The fork server has ended in the middle of its work, and all sessions with it."
        )


class SessionDead(SandboxError):
    """The student's process has ended, or was ended; the message is the reason."""


class CallTimeout(SandboxError):
    """One call took too long. It was interrupted; `Session.dead` tells whether the session lives
    on.
    """

    own_words = True  # the message is the grader's


class CallRefused(SandboxError):
    """The student's side has no answer that can travel (too large, for example). The session lives
    on.
    """


class UnsafeSandbox(UserWarning):
    """Students' code runs with all the rights of the person who grades."""

"""What can happen to an answer while it is judged: one exception for each, in a student's words."""

from __future__ import annotations

from .sandbox import CallRefused, CallTimeout, SessionDead, WireError

__all__ = [
    "CallRefused",
    "CallTimeout",
    "SessionDead",
    "StudentRaised",
    "WireError",
    "Wrong",
    "printable",
]


def printable(text: object, length: int = 1000) -> str:
    """Return a student's text as one that is safe to print: no control characters, bounded."""
    return "".join(c if c.isprintable() else " " for c in str(text)[:length])


class Wrong(Exception):
    """The answer is not what was asked for; the message is for the student."""


class StudentRaised(Exception):
    """The student's function raised."""

    def __init__(
        self, function: str, type_name: str, message: str, where: str = "", inner: str = ""
    ) -> None:
        self.function, self.type_name, self.message = function, type_name, message
        self.where, self.inner = where, inner
        super().__init__(function, type_name, message, where, inner)

    @property
    def missing(self) -> bool:
        """Whether the function is not defined at all, or not written yet."""
        return self.type_name in ("MissingFunction", "NotImplementedError")

    @property
    def own_words(self) -> bool:
        """Whether the sentence holds nothing that the student's process could have put there."""
        if self.type_name == "MissingFunction":
            return self.message == f"{self.function} is not defined"
        return self.missing and self.inner in ("", self.function)

    def __str__(self) -> str:
        if self.type_name == "MissingFunction":
            return f"{self.message}: its cell is empty, or stopped with an error"
        if self.type_name == "NotImplementedError":
            if self.inner and self.inner != self.function:
                return f"{self.function} calls {self.inner}, which is not written yet"
            return f"{self.function} is not written yet"
        told = f"{self.function} raised {self.type_name}"
        told += f": {self.message}" if self.message else ""
        return told + (f" ({self.where})" if self.where else "")

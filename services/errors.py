"""The errors a use case may end in: one sentence for a person, a code for a program, an exit code for the terminal."""

from typing import ClassVar


class AppraiseError(Exception):
    """Something a person is told in one sentence: what, where and what to do.

    `code` is short and stable; `exit_code` is what the terminal ends with.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, sentence: str, code: str = "error") -> None:
        super().__init__(sentence)
        self.code = code

    @property
    def sentence(self) -> str:
        """The sentence a person reads."""
        return str(self)


class Malformed(AppraiseError):
    """The input cannot be read or is not of the form asked for."""

    exit_code = 2


class Refused(AppraiseError):
    """A rule forbids it."""

    exit_code = 3


class NotFound(AppraiseError):
    """There is no such thing, or it is not yours to see."""

    exit_code = 4


class Conflict(AppraiseError):
    """Somebody was faster, or the thing changed since it was looked at."""

    exit_code = 5


class Environment(AppraiseError):
    """The machine, the database or the network does not allow it."""

    exit_code = 6

"""What can go wrong in the arithmetic, as sentences a person can act on."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault or an oddity of a rubric: its code, where it is, what it is and how to mend it."""

    code: str
    severity: Severity
    where: str
    text: str
    mend: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text} {self.mend}"


class ScoringError(Exception):
    """The parent of all errors here. `code` names the kind, `where` the line, key, rule or finding."""

    def __init__(self, sentence: str, *, code: str, where: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code
        self.where = where


class RubricError(ScoringError):
    """A rubric that cannot be read or scored with; `problems` lists everything that is wrong with it."""

    def __init__(self, problems: tuple[Problem, ...], *, where: str) -> None:
        super().__init__(
            "\n".join(str(problem) for problem in problems),
            code=problems[0].code if problems else "malformed",
            where=where,
        )
        self.problems = problems


class LedgerError(ScoringError):
    """Ledger data that is malformed or contradicts itself."""


class FindingRefused(ScoringError):  # noqa: N818 - a rule refuses it; nothing is broken
    """A finding, duty record or revision that a rule of the rubric refuses."""


class UnknownName(ScoringError):  # noqa: N818 - as above
    """A post, item or rule that the rubric does not have."""

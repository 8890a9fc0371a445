"""What a score is: figures, warnings and the steps that led to them (R16, R20)."""

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from scoring.numbers import to_decimal

Step = dict[str, Any]
"""One step, as JSON: `code` says what it is. It is read, never changed: prepared steps are shared between scores."""


@dataclass(frozen=True, slots=True)
class Warning_:  # noqa: N801 - Warning is a class of the language
    """Something to know about the rubric a score was made with."""

    code: str
    where: str
    text: str


@dataclass(frozen=True, slots=True)
class ItemScore:
    """One item, in points. `score` is points less counted; the reward stands beside it (readings 6 and 7).

    `recorded` is all that was recorded or missed, before revision, recurrence, overlap and clamp; `pending` lists the
    months of its duties that are not over.
    """

    id: str
    points: Fraction
    recorded: Fraction
    counted: Fraction
    reward: Fraction
    score: Fraction
    pending: tuple[str, ...] = ()

    def figures(self) -> dict[str, str]:
        """Return the five figures as decimals."""
        return {
            "points": to_decimal(self.points),
            "recorded": to_decimal(self.recorded),
            "counted": to_decimal(self.counted),
            "reward": to_decimal(self.reward),
            "score": to_decimal(self.score),
        }


@dataclass(frozen=True, slots=True)
class Score:
    """What a ledger comes to under a rubric as of a day. `later` names findings that do not count yet."""

    post: str
    as_of: dt.date
    total: Fraction
    maximum: Fraction
    grade: str | None
    items: tuple[ItemScore, ...]
    warnings: tuple[Warning_, ...]
    steps: tuple[Step, ...]
    later: tuple[str, ...] = ()

    def item(self, item_id: str) -> ItemScore:
        """Return one item's figures; raises KeyError."""
        for item in self.items:
            if item.id == item_id:
                return item
        raise KeyError(item_id)

    def to_json(self) -> dict[str, Any]:
        """Return the score as `rubric score --json` prints it; figures are decimal strings."""
        return {
            "post": self.post,
            "total": to_decimal(self.total),
            "max": to_decimal(self.maximum),
            "grade": self.grade,
            "items": [{"id": item.id, **item.figures()} for item in self.items],
            "warnings": [{"code": w.code, "where": w.where, "text": w.text} for w in self.warnings],
            "steps": list(self.steps),
        }

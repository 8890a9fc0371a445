"""The lines of an item, and what recurrence and overlap make of them (readings 5 and 9).

A line is a finding or the derived deduction of a month. Nothing here depends on the order in which findings were given.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from scoring.ledger import Finding
from scoring.numbers import to_decimal
from scoring.plan import RulePlan
from scoring.result import Step
from scoring.settings import Settings

_NOTHING = Fraction(0)


@dataclass(slots=True)
class Line:
    """One line in the making: `recorded` as it entered, `amount` what counts of it so far, both in points.

    A derived deduction has no finding.
    """

    id: str
    plan: RulePlan
    happened: dt.date
    recorded: Fraction
    amount: Fraction
    key: str = ""
    incident: str | None = None
    finding: Finding | None = None

    @property
    def place(self) -> tuple[int, dt.date, str, str, Fraction, str]:
        """Where the line stands among others, from what it says and not from when it was given."""
        return (self.plan.order, self.happened, self.key, self.incident or "", -self.amount, self.id)

    @property
    def weight(self) -> tuple[Fraction, int, dt.date, str, str, str]:
        """The highest amount first; equal ones by the rubric, then by day."""
        return (-self.amount, self.plan.order, self.happened, self.key, self.incident or "", self.id)


def recur(lines: list[Line], settings: Settings) -> Iterator[Step]:
    """Apply a rule's recurrence to its lines, given in their place; yield a step for each line that changes."""
    recurrence = lines[0].plan.rule.recurrence
    if recurrence.kind == "each":
        return
    live = [line for line in lines if line.amount]
    if recurrence.kind == "escalating":
        yield from _escalate(live, recurrence.window_days or 0)
        return
    if recurrence.kind == "once-per-key":
        groups = [[line for line in live if line.key == key] for key in sorted({line.key for line in live})]
    else:
        groups = [live] if live else []
    for group in groups:
        ranked = sorted(group, key=_by_weight if settings.same_key == "highest" else _by_place)
        for line in ranked[recurrence.times or 1 :]:
            yield _changed(line, _NOTHING, "recurrence", kind=recurrence.kind, by=ranked[0].id, **_names(line))


def _names(line: Line) -> Step:
    recurrence = line.plan.rule.recurrence
    if recurrence.kind == "once-per-key":
        return {"key": line.key}
    return {"times": recurrence.times} if recurrence.kind == "at-most" else {}


def _escalate(live: list[Line], window_days: int) -> Iterator[Step]:
    """Double the amount once more for each repeat within the window; on one day the higher amount comes first."""
    before: dt.date | None = None
    factor = 1
    for line in sorted(live, key=lambda line: (line.happened, -line.amount, line.place)):
        repeated = before is not None and (line.happened - before).days <= window_days
        factor = factor * 2 if repeated else 1
        before = line.happened
        if factor > 1:
            yield _changed(line, line.amount * factor, "recurrence", kind="escalating", window=window_days)


def overlap(lines: Iterable[Line], settings: Settings) -> Iterator[Step]:
    """Let only the highest deduction of each incident count; yield a step for each line already counted by another."""
    if settings.overlap == "sum":
        return
    incidents: dict[str, list[Line]] = {}
    for line in lines:
        if line.incident is not None and line.amount and not line.plan.rule.award:
            incidents.setdefault(line.incident, []).append(line)
    rank = _by_weight if settings.overlap_tie == "first-in-rubric" else _by_weight_then_day
    for incident in sorted(incidents):
        counted, *others = sorted(incidents[incident], key=rank)
        for line in sorted(others, key=_by_place):
            yield _changed(line, _NOTHING, "overlap", incident=incident, by=counted.id)


def _changed(line: Line, amount: Fraction, code: str, **facts: object) -> Step:
    step = {"code": code, **line.plan.facts, "finding": line.id, **facts}
    step["from"], step["to"] = to_decimal(line.amount), to_decimal(amount)
    line.amount = amount
    return step


def _by_place(line: Line) -> tuple[object, ...]:
    return line.place


def _by_weight(line: Line) -> tuple[object, ...]:
    return line.weight


def _by_weight_then_day(line: Line) -> tuple[object, ...]:
    return (-line.amount, line.happened, *line.weight)

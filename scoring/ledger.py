"""The ledger of one assignment in one period: what happened, dated, voidable, never deleted (R5, R6, R17)."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal, Self

from scoring.canonical import canonical
from scoring.errors import LedgerError

Kind = Literal["change", "strike", "lower", "keep"]
_NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True)
class Revision:
    """A decision about a line at review or appeal (readings 8 and 13); the line itself stays as it was.

    `amount`, in points, belongs to `change` and `lower`. `by` names the move's level (`review`, `appeal`,
    `correction`); `previous` is the decision this one follows, if the line was revised before.
    """

    kind: Kind
    amount: Fraction | None = None
    by: str = "review"
    previous: Self | None = None

    def __post_init__(self) -> None:
        if (self.amount is not None) != (self.kind in {"change", "lower"}):
            sentence = f"A revision of kind {self.kind} {'needs' if self.amount is None else 'has no'} amount; mend it."
            raise LedgerError(sentence, code="malformed", where="revision")

    def in_force(self, original: Fraction) -> Fraction:
        """Return the amount that counts, in points: 0 once the line was struck."""
        if self.kind == "strike":
            return _NOTHING
        if self.kind == "keep":
            return self.previous.in_force(original) if self.previous else original
        return self.amount if self.amount is not None else original

    def chain(self) -> tuple["Revision", ...]:
        """Return all decisions about the line, the first one first."""
        return (*(self.previous.chain() if self.previous else ()), self)


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that applied on a day (R6). `amount` is in points, `units` in the rule's unit.

    `counted_on` is the day by which it falls into a period (reading 13); absent, it is the day it happened, or the
    day it became known where that was before the period. `reason` says whether one was given; its words are kept
    elsewhere. `evidence` and `recorded_by` are for the eye and never touch the figures.
    """

    id: str
    rule: str
    happened: dt.date
    known: dt.date
    amount: Fraction | None = None
    units: Fraction | None = None
    key: str | None = None
    incident: str | None = None
    reason: bool | str = False
    sub_reasons: tuple[str, ...] = ()
    voided: bool = False
    counted_on: dt.date | None = None
    revision: Revision | None = None
    replaces: str | None = None
    evidence: tuple[str, ...] = ()
    recorded_by: str = ""

    def counted(self, period_from: dt.date) -> dt.date:
        """Return the day by which the finding falls into a period that begins on `period_from` (reading 13)."""
        return self.counted_on or (self.happened if self.happened >= period_from else self.known)


@dataclass(frozen=True, slots=True)
class DutyRecord:
    """What is known of a scheduled duty in a month, `YYYY-MM` (R5, reading 4).

    `coverage` is a share from 0 to 1 and counts where no `sites` are named; `excused` says whether, or why, the month
    is excused.
    """

    rule: str
    month: str
    coverage: Fraction | None = None
    sites: frozenset[str] = frozenset()
    excused: bool | str | None = None
    voided: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Everything a score is computed from, besides the rubric. All days are inclusive.

    `working_days` are those of the period, from the calendar, given by the caller; `closed` maps a site to the months
    in which it was closed; `duty_revisions` maps (rule, month) to the decision about that derived deduction.
    """

    period_from: dt.date
    period_to: dt.date
    working_days: frozenset[dt.date]
    assignment_from: dt.date | None = None
    assignment_to: dt.date | None = None
    findings: tuple[Finding, ...] = ()
    duties: tuple[DutyRecord, ...] = ()
    sites: frozenset[str] = frozenset()
    closed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    duty_revisions: Mapping[tuple[str, str], Revision] = field(default_factory=dict)
    post: str | None = None

    def finding(self, finding_id: str) -> Finding:
        """Return a finding by id; raises LedgerError."""
        for finding in self.findings:
            if finding.id == finding_id:
                return finding
        raise LedgerError(f"The ledger has no finding {finding_id}.", code="unknown-finding", where=finding_id)

    def add(self, *findings: Finding) -> "Ledger":
        """Return the ledger with more findings."""
        return replace(self, findings=(*self.findings, *findings))

    def void(self, finding_id: str) -> "Ledger":
        """Return the ledger with a finding voided: it stays, and counts no more. Raises LedgerError."""
        return self._with(replace(self.finding(finding_id), voided=True))

    def replace_finding(self, finding_id: str, by: Finding) -> "Ledger":
        """Return the ledger with a finding voided and another in its place that names it. Raises LedgerError."""
        return self.void(finding_id).add(replace(by, replaces=finding_id))

    def revise(self, finding_id: str, revision: Revision) -> "Ledger":
        """Return the ledger with a decision about a finding, after those there are. Raises LedgerError."""
        finding = self.finding(finding_id)
        return self._with(replace(finding, revision=replace(revision, previous=finding.revision)))

    def revise_duty(self, rule: str, month: str, revision: Revision) -> "Ledger":
        """Return the ledger with a decision about a month's derived deduction, after those there are."""
        latest = replace(revision, previous=self.duty_revisions.get((rule, month)))
        return replace(self, duty_revisions={**self.duty_revisions, (rule, month): latest})

    def _with(self, changed: Finding) -> "Ledger":
        return replace(self, findings=tuple(changed if f.id == changed.id else f for f in self.findings))

    @property
    def digest(self) -> str:
        """SHA-256 over all that can touch a figure, in any order; without words of people, which can be erased."""
        content = {
            "period": [self.period_from.isoformat(), self.period_to.isoformat()],
            "assignment": [_day(self.assignment_from), _day(self.assignment_to)],
            "post": self.post,
            "working-days": _days(self.working_days),
            "sites": sorted(self.sites),
            "closed": {site: sorted(months) for site, months in self.closed.items()},
            "findings": sorted(_text(_finding_content(finding)) for finding in self.findings),
            "duties": sorted(_text(_duty_content(record)) for record in self.duties),
            "duty-revisions": sorted(
                _text([*line, _revision_content(revision)]) for line, revision in self.duty_revisions.items()
            ),
        }
        return hashlib.sha256(canonical(content)).hexdigest()


@lru_cache(maxsize=64)
def _days(days: frozenset[dt.date]) -> list[str]:
    """Return days as the digest has them, worked out once for a period; nobody changes the list."""
    return sorted(day.isoformat() for day in days)


def _text(content: Any) -> str:
    return canonical(content).decode()


def _day(day: dt.date | None) -> str | None:
    return None if day is None else day.isoformat()


def _figure(figure: Fraction | None) -> str | None:
    return None if figure is None else str(figure)


def _finding_content(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "rule": finding.rule,
        "happened": finding.happened.isoformat(),
        "known": finding.known.isoformat(),
        "counted-on": _day(finding.counted_on),
        "amount": _figure(finding.amount),
        "units": _figure(finding.units),
        "key": finding.key,
        "incident": finding.incident,
        "reason": bool(finding.reason),
        "sub-reasons": sorted(finding.sub_reasons),
        "voided": finding.voided,
        "replaces": finding.replaces,
        "revision": _revision_content(finding.revision),
    }


def _duty_content(record: DutyRecord) -> dict[str, Any]:
    return {
        "rule": record.rule,
        "month": record.month,
        "coverage": _figure(record.coverage),
        "sites": sorted(record.sites),
        "excused": bool(record.excused),
        "voided": record.voided,
    }


def _revision_content(revision: Revision | None) -> list[Any]:
    return [[step.kind, _figure(step.amount), step.by] for step in revision.chain()] if revision else []

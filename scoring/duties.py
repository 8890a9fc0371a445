"""Scheduled duties: which months are expected, which are met, excused, pending or missed (R5; domain.md, reading 4)."""

import calendar
import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from scoring.ledger import DutyRecord, Ledger
from scoring.plan import PostPlan, RulePlan
from scoring.settings import Settings

State = Literal["met", "missed", "excused", "pending"]
_NOTHING, _ALL = Fraction(0), Fraction(1)


@dataclass(frozen=True, slots=True)
class DutyMonth:
    """A duty in one expected month. `coverage` is a share from 0 to 1; `asked` the share below which it is missed.

    `inspected` and `sites` count sites where there are any that were open.
    """

    plan: RulePlan
    month: str
    state: State
    coverage: Fraction
    asked: Fraction
    inspected: int
    sites: int

    @property
    def line(self) -> str:
        """The name of the derived line, for revisions and objections: `A1.1:2026-02`."""
        return f"{self.plan.rule.id}:{self.month}"


def expected_months(settings: Settings, ledger: Ledger) -> tuple[str, ...]:
    """Return the months, `YYYY-MM`, in which a monthly duty is expected of this assignment."""
    first = ledger.assignment_from or ledger.period_from
    last = ledger.assignment_to or ledger.period_to
    return _expected(settings.duty_months, first, last, ledger.working_days)


@lru_cache(maxsize=4096)
def _expected(reading: str, first: dt.date, last: dt.date, working_days: frozenset[dt.date]) -> tuple[str, ...]:
    every = Counter(day.strftime("%Y-%m") for day in working_days)
    held = Counter(day.strftime("%Y-%m") for day in working_days if first <= day <= last)
    if reading == "any-day":
        return tuple(sorted(held))
    if reading == "whole":
        return tuple(month for month in sorted(held) if held[month] == every[month])
    return tuple(month for month in sorted(held) if 2 * held[month] > every[month])


def last_scored_day(settings: Settings, ledger: Ledger, as_of: dt.date | None) -> dt.date:
    """Return the last day whose events count: `as_of` taken at its end or its start (default: the period's end)."""
    day = as_of if as_of is not None else ledger.period_to
    return day if settings.duty_as_of == "end-of-day" else day - dt.timedelta(days=1)


def duty_months(plan: PostPlan, ledger: Ledger, last_day: dt.date) -> list[DutyMonth]:
    """Return every expected month of every duty of the post, in the order of the rubric and the calendar."""
    if not plan.duties:
        return []
    records: dict[tuple[str, str], list[DutyRecord]] = {}
    for record in ledger.duties:
        if not record.voided:
            records.setdefault((record.rule, record.month), []).append(record)
    settings = plan.rubric.settings
    months = expected_months(settings, ledger)
    found = []
    for duty in plan.duties:
        for month in months:
            of_month = records.get((duty.rule.id, month), [])
            found.append(_month(duty, month, of_month, settings=settings, ledger=ledger, last_day=last_day))
    return found


def _month(
    duty: RulePlan, month: str, records: list[DutyRecord], *, settings: Settings, ledger: Ledger, last_day: dt.date
) -> DutyMonth:
    own = duty.rule.duty.minimum_coverage if duty.rule.duty is not None else None
    asked = own if own is not None else settings.duty_minimum_coverage
    sites = frozenset(site for site in ledger.sites if month not in ledger.closed.get(site, ()))
    inspected = sites.intersection(site for record in records for site in record.sites)
    coverage = _coverage(records, settings, ledger, sites, inspected)
    begun = last_day >= _first_day(month)
    over = last_day >= min(_last_day(month), ledger.period_to)
    state: State
    if begun and any(record.excused for record in records):
        state = "excused"
    elif begun and coverage >= asked:
        state = "met"
    else:
        state = "missed" if over else "pending"
    return DutyMonth(duty, month, state, coverage, asked, len(inspected), len(sites))


def _coverage(
    records: list[DutyRecord],
    settings: Settings,
    ledger: Ledger,
    sites: frozenset[str],
    inspected: frozenset[str],
) -> Fraction:
    if ledger.sites and not sites:
        return _ALL  # everything was closed: there was nothing to inspect
    by_site = Fraction(len(inspected), len(sites)) if sites else _NOTHING
    shares = [record.coverage for record in records if record.coverage is not None and not record.sites]
    if settings.duty_within_month == "sum":
        return min(_ALL, by_site + sum(shares, _NOTHING))
    return max([by_site, *shares])


def warning_day(working_days: Iterable[dt.date], month: str, settings: Settings) -> dt.date | None:
    """Return the day on which the holder of an unmet duty is warned, or None if the month has too few working days.

    That many working days, this one included, are left before the month ends.
    """
    days = sorted(day for day in working_days if day.strftime("%Y-%m") == month)
    before = settings.duty_warning_working_days
    if before == 0:
        return None
    return days[-before] if len(days) >= before else None


def _first_day(month: str) -> dt.date:
    return dt.date(int(month[:4]), int(month[5:]), 1)


def _last_day(month: str) -> dt.date:
    year, number = int(month[:4]), int(month[5:])
    return dt.date(year, number, calendar.monthrange(year, number)[1])

"""The periods of a plan without any database: quarters, months or half-years, their codes, and when each opens."""

import calendar
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from services.calendars import Closures, add_working_days

MORNING = dt.time(8, 0)
"""When the day of a plan begins, by the clock on the wall."""
NOTICE_WORKING_DAYS = 10
"""So long before a cycle opens HR is told what stands in its way."""


class Every(StrEnum):
    """How long the periods of a plan are."""

    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half-year"

    @property
    def months(self) -> int:
        """The months of one period."""
        return {"month": 1, "quarter": 3, "half-year": 6}[self.value]


@dataclass(frozen=True, slots=True)
class Period:
    """One period, both days inclusive. `label` is its place in the year: Q1, H2 or 07."""

    first: dt.date
    last: dt.date
    label: str
    every: Every

    def code(self, suffix: str = "") -> str:
        """Return the code of its cycle: 2026Q1, 2026H2 or 2026-07, with the plan's suffix if it has one."""
        dash = "-" if self.every == Every.MONTH else ""
        return with_suffix(f"{self.first.year:04}{dash}{self.label}", suffix)

    def year_code(self, suffix: str = "") -> str:
        """Return the code of the cycle of its year."""
        return with_suffix(f"{self.first.year:04}", suffix)


def with_suffix(code: str, suffix: str) -> str:
    """Return a code with a suffix, which tells plans of the same periods apart; an empty one adds nothing."""
    return f"{code}-{suffix}" if suffix else code


def labels(every: Every) -> tuple[str, ...]:
    """Return the places of the periods in a year, in their order."""
    return tuple(_label(every, month) for month in range(1, 13, every.months))


def period_at(every: Every, day: dt.date) -> Period:
    """Return the period that contains a day."""
    month = (day.month - 1) // every.months * every.months + 1
    end = month + every.months - 1
    last = dt.date(day.year, end, calendar.monthrange(day.year, end)[1])
    return Period(dt.date(day.year, month, 1), last, _label(every, month), every)


def before(period: Period) -> Period:
    """Return the period that ends where this one begins."""
    return period_at(period.every, period.first - dt.timedelta(days=1))


def periods(every: Every, first: dt.date, until: dt.date) -> Iterator[Period]:
    """Yield the periods from the one that contains `first` to the one that contains `until`, in their order."""
    period = period_at(every, first)
    while period.first <= until:
        yield period
        period = period_at(every, period.last + dt.timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Days:
    """When a period opens and when HR is first told about it, both working days."""

    notice: dt.date
    opening: dt.date


def days_of(period: Period, working_day: int, code: str, closures: Closures) -> Days:
    """Return the days of a period that opens on the `working_day`-th working day (from 1) after its end.

    `code` is that of a working calendar.

    Raises:
        Refused: there is no such calendar.
    """
    opening = add_working_days(code, period.last, working_day, closures)
    return Days(add_working_days(code, opening, -NOTICE_WORKING_DAYS, closures), opening)


def _label(every: Every, month: int) -> str:
    if every == Every.MONTH:
        return f"{month:02}"
    place = (month - 1) // every.months + 1
    return f"{'Q' if every == Every.QUARTER else 'H'}{place}"

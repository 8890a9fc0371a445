"""The calendar as people look at it: each day, whether it is worked and why; and where free days eat a window.

Public holidays and make-up days come from `holidays`; the organisation's own closures and working days go before them.
"""

import datetime as dt
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, select

from services import calendars, due_dates, naming
from services.calendars import CLOSURE_DAY, Closures
from services.definitions import lifecycle_of
from services.standing import local_day
from services.unit_of_work import Transaction, UnitOfWork
from workflow.lifecycle import Lifecycle
from workflow.vocabulary import CountedFrom

LONG = 3
"""Free days in a row from which on they are no ordinary weekend."""

_NAMES = select(CLOSURE_DAY.c.day, CLOSURE_DAY.c.name)
SATURDAY = 5


class Kind(StrEnum):
    """What a day is."""

    WORKING = "working"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    MAKE_UP = "make-up"
    CLOSED = "closed"
    OPENED = "opened"


@dataclass(frozen=True, slots=True)
class Day:
    """One day: what it is, whether it is worked, and the name of the holiday or closure."""

    day: dt.date
    kind: Kind
    worked: bool
    name: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """A stage whose days have a run of free days in them: from when to when, and the run, both ends inclusive."""

    stage: str
    title: dict[str, str]
    opened: dt.date
    due: dt.date
    free_from: dt.date
    free_to: dt.date

    @property
    def free_days(self) -> int:
        """How many days in a row are free."""
        return (self.free_to - self.free_from).days + 1


def days(uow: UnitOfWork, *, first: dt.date, last: dt.date, calendar: str | None = None) -> tuple[str, tuple[Day, ...]]:
    """Return the calendar's code and its days from `first` to `last`, both inclusive.

    `calendar` is a country or a part of one; without it the organisation's calendar with its own closures.

    Raises:
        NotFound: nothing has been set up yet.
        Refused: there is no such calendar.
    """
    with uow.read() as tx:
        code = calendar or str(naming.organisation(tx).calendar)
        closures = calendars.closures(tx) if calendar is None else calendars.NO_CLOSURES
        names = {row.day: row.name for row in tx.all(_NAMES)} if calendar is None else {}
    ordinals = range(first.toordinal(), last.toordinal() + 1)
    return code, tuple(_day(code, dt.date.fromordinal(one), closures, names) for one in ordinals)


def _day(code: str, day: dt.date, closures: Closures, names: dict[dt.date, str]) -> Day:
    worked = calendars.is_working_day(code, day, closures)
    if day in closures.closed:
        return Day(day, Kind.CLOSED, worked, names.get(day, ""))
    if day in closures.working:
        return Day(day, Kind.OPENED, worked, names.get(day, ""))
    weekend = day.weekday() >= SATURDAY
    holiday = _holidays(code, day.year).get(day, "")
    if worked:
        return Day(day, Kind.MAKE_UP if weekend else Kind.WORKING, worked)
    return Day(day, Kind.HOLIDAY if holiday or not weekend else Kind.WEEKEND, worked, holiday)


@functools.cache
def _holidays(code: str, year: int) -> dict[dt.date, str]:
    import holidays

    calendars.public_year(code, year)
    country, _, part = code.partition("-")
    found = holidays.country_holidays(country, subdiv=part or None, years=year, expand=False, language="en_US")
    return dict(found.items())


def windows(
    tx: Transaction, cycle: Row[Any], opened_at: dt.datetime, *, organisation: Row[Any] | None = None
) -> tuple[Window, ...]:
    """Return the stages of a cycle in whose days a long run of free days lies, if it opens at `opened_at`.

    Each stage is taken to begin when the one before it is due, which is the latest it can be without delay. `cycle` is
    a row of `naming.cycle`.

    Raises:
        Refused: there is no such calendar.
    """
    office = organisation or naming.organisation(tx)
    lifecycle = lifecycle_of(tx, cycle.workflow_id, cycle.workflow_digest)
    return tuple(_windows(tx, lifecycle, office, due_dates.Marks(opened_at, cycle.period_to), opened_at))


def _windows(
    tx: Transaction, lifecycle: Lifecycle, office: Row[Any], marks: due_dates.Marks, opened_at: dt.datetime
) -> Iterator[Window]:
    start = opened_at
    closures = calendars.closures(tx)
    for stage in lifecycle.stages:
        due = due_dates.due_at(
            tx,
            calendar=office.calendar,
            zone=office.zone,
            lifecycle=lifecycle,
            stage=stage.id,
            start=start,
            marks=marks,
        )
        if due is None:
            continue
        first, last = local_day(start, office.zone), local_day(due, office.zone)
        run = _longest_run(office.calendar, first, last, closures)
        if len(run) >= LONG:
            yield Window(stage.id, dict(stage.title), first, last, run[0], run[-1])
        if stage.counted_from != CountedFrom.PROVEN_NOTICE:
            start = due


def _longest_run(code: str, first: dt.date, last: dt.date, closures: Closures) -> Sequence[dt.date]:
    longest: list[dt.date] = []
    run: list[dt.date] = []
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        day = dt.date.fromordinal(ordinal)
        run = [] if calendars.is_working_day(code, day, closures) else [*run, day]
        longest = max(longest, run, key=len)
    return longest

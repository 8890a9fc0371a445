"""Until when a stage is due, in the organisation's calendar and zone; the rule itself is the workflow's."""

import datetime as dt
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from services import calendars
from services.unit_of_work import Transaction
from workflow.lifecycle import Lifecycle
from workflow.terms import due_moment
from workflow.vocabulary import CountedFrom


@dataclass(frozen=True, slots=True)
class Marks:
    """The events of a cycle that a term may count from: when it was opened, and the last day of its period."""

    opened_at: dt.datetime | None
    period_to: dt.date

    @classmethod
    def of(cls, row: Row[Any]) -> "Marks":
        """Read them from a row that has `cycle_opened_at` and `period_to`."""
        return cls(row.cycle_opened_at, row.period_to)


def due_at(
    tx: Transaction,
    *,
    calendar: str,
    zone: str,
    lifecycle: Lifecycle,
    stage: str,
    start: dt.datetime,
    marks: Marks,
    free: frozenset[dt.date] = frozenset(),
) -> dt.datetime | None:
    """Return when a stage that starts (or of which notice is proven) at `start` is due; None where it has no deadline.

    The day of an event is not counted; the moment is the definition's time of day in the organisation's zone. `free`
    days do not count as working days, such as those on which the person was away under protection.
    """
    form = lifecycle.stage(stage)
    if form.deadline is None:
        return None
    zone_info = zoneinfo.ZoneInfo(zone)
    # The last moment of the period's last day lies on that day in the zone.
    period_end = dt.datetime.combine(marks.period_to, dt.time(23, 59, 59), zone_info)
    events = {
        CountedFrom.OPENING: start,
        CountedFrom.PROVEN_NOTICE: start,
        CountedFrom.CYCLE_OPENING: marks.opened_at or start,
        CountedFrom.PERIOD_END: period_end,
    }
    return due_moment(form.deadline, events, working_days(tx, calendar, free), zone_info, lifecycle.due_at)


def working_days(
    tx: Transaction, calendar: str, free: frozenset[dt.date] = frozenset()
) -> Callable[[dt.date, int], dt.date]:
    """Return what counts working days here: by the public calendar, the organisation's closures, less `free` days."""
    closures = calendars.closures(tx)
    if free:
        closures = calendars.Closures(closures.closed | free, closures.working - free)
    return lambda day, count: calendars.add_working_days(calendar, day, count, closures)

"""When something is due: pure counting over the working days that the caller gives. Nothing here knows today."""

import datetime as dt
from collections.abc import Set as AbstractSet
from enum import StrEnum

from workflow.errors import WorkflowError
from workflow.vocabulary import DayKind


class DueState(StrEnum):
    """How near a deadline is."""

    OPEN = "open"
    DUE_SOON = "due-soon"
    DUE_TODAY = "due-today"
    OVERDUE = "overdue"


def add_working_days(day: dt.date, days: int, working_days: AbstractSet[dt.date]) -> dt.date:
    """Return the `days`-th working day after a day; the day itself is not counted.

    Args:
        day: any day, working or not.
        days: 1 or more.
        working_days: the calendar, reaching far enough; days that are not in it are free.

    Raises:
        WorkflowError: the calendar ends before that day, or `days` is less than 1.
    """
    return _step(day, days, working_days, forward=True)


def subtract_working_days(day: dt.date, days: int, working_days: AbstractSet[dt.date]) -> dt.date:
    """Return the `days`-th working day before a day; the day itself is not counted. As `add_working_days`."""
    return _step(day, days, working_days, forward=False)


def _step(day: dt.date, days: int, working_days: AbstractSet[dt.date], *, forward: bool) -> dt.date:
    if days < 1:
        raise WorkflowError(f"{days} working days cannot be counted; use 1 or more.", code="days")
    if not working_days:
        raise WorkflowError("The calendar has no working day; check its name and its closure days.", code="calendar")
    step = dt.timedelta(days=1 if forward else -1)
    last = max(working_days) if forward else min(working_days)
    left = days
    here = day
    while left:
        if (here >= last) if forward else (here <= last):
            way = "after" if forward else "before"
            raise WorkflowError(
                f"The calendar does not reach {days} working days {way} {day.isoformat()}; extend it.", code="calendar"
            )
        here += step
        left -= here in working_days
    return here


def at_time(day: dt.date, time: dt.time, zone: dt.tzinfo) -> dt.datetime:
    """Return a time of day in a zone as a moment in UTC; a time that the clocks skip is the same distance later."""
    return dt.datetime.combine(day, time, tzinfo=zone).astimezone(dt.UTC)


def due(
    opened_at: dt.datetime,
    days: int,
    working_days: AbstractSet[dt.date],
    zone: dt.tzinfo,
    at: dt.time,
    *,
    kind: str = DayKind.WORKING,
) -> dt.datetime:
    """Return when a stage is due (W3): at a time of day, `days` days after the local day on which it was opened.

    Args:
        opened_at: when the days begin to run, with a zone; for the answer the moment of proven notice.
        days: 1 or more.
        working_days: as for `add_working_days`; not asked for calendar days.
        zone: the organisation's.
        at: the time of day in that zone at which days end.
        kind: `working` or `calendar`.

    Raises:
        WorkflowError: the moment has no zone, or the calendar does not reach far enough.
    """
    opened = _local(opened_at, zone).date()
    if kind == DayKind.CALENDAR:
        return at_time(opened + dt.timedelta(days=days), at, zone)
    return at_time(add_working_days(opened, days, working_days), at, zone)


def nudge_at(
    due_at: dt.datetime, working_days: AbstractSet[dt.date], zone: dt.tzinfo, *, before: int = 2
) -> dt.datetime:
    """Return when a reminder goes out: `before` working days before it is due, at the same local time of day.

    Raises:
        WorkflowError: as `add_working_days`.
    """
    local = _local(due_at, zone)
    day = subtract_working_days(local.date(), before, working_days) if before else local.date()
    return at_time(day, local.time(), zone)


def due_state(
    now: dt.datetime,
    due_at: dt.datetime | None,
    working_days: AbstractSet[dt.date],
    zone: dt.tzinfo,
    *,
    nudge_before: int = 2,
) -> DueState:
    """Say how near a deadline is at `now`. What has no deadline is open; a deadline itself is still in time.

    Raises:
        WorkflowError: as `add_working_days`.
    """
    if due_at is None:
        return DueState.OPEN
    if now > due_at:
        return DueState.OVERDUE
    if _local(now, zone).date() == _local(due_at, zone).date():
        return DueState.DUE_TODAY
    return DueState.DUE_SOON if now >= nudge_at(due_at, working_days, zone, before=nudge_before) else DueState.OPEN


def within_take_back(
    acted_at: dt.datetime, now: dt.datetime, days: int, working_days: AbstractSet[dt.date], zone: dt.tzinfo
) -> bool:
    """Say whether an act is young enough to be taken back: until the end of the `days`-th working day after it.

    Raises:
        WorkflowError: as `add_working_days`.
    """
    last = add_working_days(_local(acted_at, zone).date(), days, working_days)
    return _local(now, zone).date() <= last


def _local(moment: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    if moment.tzinfo is None:
        raise WorkflowError("A moment without a zone cannot be counted from; give it one.", code="naive-moment")
    return moment.astimezone(zone)

"""The deadline of a stage (W3): days after an event, a day, the later or the earlier of two."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from workflow.deadlines import at_time
from workflow.errors import WorkflowError
from workflow.vocabulary import CountedFrom, DayKind

WorkingDays = Callable[[dt.date, int], dt.date]
"""Which day lies so many working days after another; 1 or more."""


@dataclass(frozen=True, slots=True)
class Term:
    """So many days after an event, or a day, whichever is given; `at` is the time of day, None that of the workflow."""

    days: int | None = None
    day_kind: DayKind = DayKind.WORKING
    counted_from: CountedFrom = CountedFrom.OPENING
    on: dt.date | None = None
    at: dt.time | None = None


@dataclass(frozen=True, slots=True)
class Deadline:
    """One term, or the later or the earlier of two."""

    term: Term
    other: Term | None = None
    later: bool = True

    @property
    def events(self) -> frozenset[CountedFrom]:
        """The events that something is counted from."""
        terms = (self.term,) if self.other is None else (self.term, self.other)
        return frozenset(term.counted_from for term in terms if term.days is not None)


def due_moment(
    deadline: Deadline,
    events: Mapping[CountedFrom, dt.datetime],
    working_days: WorkingDays,
    zone: dt.tzinfo,
    at: dt.time,
) -> dt.datetime:
    """Return when a stage is due, in UTC; never before it began: then at the end of the next working day.

    Args:
        deadline: its terms.
        events: when each event happened that the terms count from, and `opening`, when the stage (or its window)
            began; all with a zone.
        working_days: the calendar.
        zone: the organisation's.
        at: the time of day at which days end, where a term names none.

    Raises:
        WorkflowError: an event is not known, or a moment has no zone.
    """
    began = _event(events, CountedFrom.OPENING)
    moments = [_moment(term, events, working_days, zone, at) for term in (deadline.term, deadline.other) if term]
    due = max(moments) if deadline.later else min(moments)
    if due <= began:
        return at_time(working_days(began.astimezone(zone).date(), 1), deadline.term.at or at, zone)
    return due


def _moment(
    term: Term,
    events: Mapping[CountedFrom, dt.datetime],
    working_days: WorkingDays,
    zone: dt.tzinfo,
    at: dt.time,
) -> dt.datetime:
    if term.on is not None:
        return at_time(term.on, term.at or at, zone)
    day = _event(events, term.counted_from).astimezone(zone).date()
    days = term.days or 1
    last = day + dt.timedelta(days=days) if term.day_kind == DayKind.CALENDAR else working_days(day, days)
    return at_time(last, term.at or at, zone)


def _event(events: Mapping[CountedFrom, dt.datetime], name: CountedFrom) -> dt.datetime:
    moment = events.get(name)
    if moment is None:
        raise WorkflowError(f"Nobody knows when '{name}' was, so nothing can be counted from it.", code="no-event")
    if moment.tzinfo is None:
        raise WorkflowError("A moment without a zone cannot be counted from; give it one.", code="naive-moment")
    return moment

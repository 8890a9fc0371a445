"""On which mornings somebody is reminded of a work item: two working days before, on the day, and while it is late."""

import datetime as dt
import functools
import itertools
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass

from services import calendars
from services.calendars import Closures
from services.mail_habits import DIGEST_AT, OVERDUE_EVERY


@dataclass(frozen=True, slots=True)
class Occasion:
    """One reminder that belongs to a moment. `occurrence` is part of its identity: the due day, and which repeat."""

    kind: str
    at: dt.datetime
    occurrence: str


@dataclass(frozen=True, slots=True)
class Office:
    """The calendar, the closures and the zone that days are counted in.

    Reminders of a day go out at `morning_at`; what is late is repeated every `repeat_working_days`, at least 1.
    """

    calendar: str
    closures: Closures
    zone: zoneinfo.ZoneInfo
    morning_at: dt.time = DIGEST_AT
    repeat_working_days: int = OVERDUE_EVERY

    def local_day(self, moment: dt.datetime) -> dt.date:
        """Return the calendar day of a moment here."""
        return moment.astimezone(self.zone).date()

    def morning(self, day: dt.date) -> dt.datetime:
        """Return when reminders of a day go out, in UTC."""
        return dt.datetime.combine(day, self.morning_at, self.zone).astimezone(dt.UTC)

    def shifted(self, day: dt.date, count: int) -> dt.date:
        """Return the working day `count` working days after `day`, before it when negative."""
        return calendars.add_working_days(self.calendar, day, count, self.closures)


def occasions(office: Office, due_at: dt.datetime, nudge_working_days: int) -> Iterator[Occasion]:
    """Yield the reminders of one deadline, oldest first, without end: overdue ones repeat as the office has set."""
    due_day = office.local_day(due_at)
    stamp = due_day.isoformat()
    if nudge_working_days:
        yield Occasion("due-soon", office.morning(office.shifted(due_day, -nudge_working_days)), stamp)
    yield Occasion("due-today", office.morning(due_day), stamp)
    for repeat in itertools.count(1):
        late = office.shifted(due_day, 1 + office.repeat_working_days * (repeat - 1))
        yield Occasion("overdue", office.morning(late), f"{stamp}+{repeat}")


# A stage ends on the same day for many people, and each of them is asked for.
@functools.lru_cache(maxsize=256)
def between(
    office: Office, due_at: dt.datetime, nudge_working_days: int, first: dt.datetime, last: dt.datetime
) -> tuple[tuple[Occasion, ...], dt.datetime]:
    """Return the reminders of one deadline from `first` to `last`, both included, and when the next one is."""
    coming = occasions(office, due_at, nudge_working_days)
    passed = []
    while (occasion := next(coming)).at <= last:
        if occasion.at >= first:
            passed.append(occasion)
    return tuple(passed), occasion.at

"""Working days and moments of an office, counted by a small program of its own: nothing of the product is imported."""

import datetime as dt
import functools
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass

import holidays

DAY = dt.timedelta(days=1)
MORNING, EVENING = dt.time(8), dt.time(18)
"""When reminders go out, and when the days of a stage end, by the clock on the wall."""


@functools.cache
def _works(country: str, day: dt.date) -> bool:
    return bool(_calendar(country, day.year).is_working_day(day))


@functools.cache
def _calendar(country: str, year: int) -> holidays.HolidayBase:
    return holidays.country_holidays(country, years=year, expand=False)


@dataclass(frozen=True)
class Days:
    """The calendar of a country and the clock on the wall of a zone."""

    country: str
    zone: zoneinfo.ZoneInfo

    def works(self, day: dt.date) -> bool:
        """Whether a day is worked; make-up days are."""
        return _works(self.country, day)

    def after(self, day: dt.date, count: int, free: frozenset[dt.date] = frozenset()) -> dt.date:
        """The `count`-th working day after a day, before it where negative; `free` days do not count."""
        step = DAY if count > 0 else -DAY
        while count:
            day += step
            if self.works(day) and day not in free:
                count -= 1 if count > 0 else -1
        return day

    def local(self, moment: dt.datetime) -> dt.date:
        """The day of a moment here."""
        return moment.astimezone(self.zone).date()

    def at(self, day: dt.date, time: dt.time) -> dt.datetime:
        """A time of day here, in UTC."""
        return dt.datetime.combine(day, time, self.zone).astimezone(dt.UTC)

    def first_of_week(self, day: dt.date) -> dt.date:
        """The first working day of a day's week, or its Monday where none is worked."""
        monday = day - dt.timedelta(days=day.weekday())
        week = [monday + dt.timedelta(days=step) for step in range(7)]
        return next((one for one in week if self.works(one)), monday)

    def reminders(self, due: dt.datetime) -> Iterator[tuple[str, dt.datetime, str]]:
        """What a deadline calls for, without end: two working days before, on the day, and every second day late."""
        day = self.local(due)
        yield "due-soon", self.at(self.after(day, -2), MORNING), f"{day}"
        yield "due-today", self.at(day, MORNING), f"{day}"
        late, repeat = self.after(day, 1), 1
        while True:
            yield "overdue", self.at(late, MORNING), f"{day}+{repeat}"
            late, repeat = self.after(late, 2), repeat + 1


def between(first: dt.date, last: dt.date) -> frozenset[dt.date]:
    """Every day from one to another, both inclusive."""
    return frozenset(dt.date.fromordinal(one) for one in range(first.toordinal(), last.toordinal() + 1))

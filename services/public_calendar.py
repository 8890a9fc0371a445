"""Working days by the public calendar of a country, without any database.

The public calendar comes from `holidays`, make-up days included (in China some Saturdays and Sundays are worked). It
is imported on first use only: it is large, and most commands never ask for a day. What a calendar code says about one
year never changes while the process runs, so it is kept.
"""

import datetime as dt
import functools
from collections.abc import Iterator
from dataclasses import dataclass

from services.errors import Refused

_DAY = dt.timedelta(days=1)
_FARTHEST = 4_000


@dataclass(frozen=True, slots=True)
class Closures:
    """Days on which the organisation differs from the public calendar: closed although others work, or the reverse."""

    closed: frozenset[dt.date] = frozenset()
    working: frozenset[dt.date] = frozenset()


NO_CLOSURES = Closures()


@functools.cache
def public_year(code: str, year: int) -> frozenset[dt.date]:
    """Return the working days of a calendar year by the public calendar `code` alone.

    Args:
        code: a country (`CN`), or a country and a part of it (`DE-BY`).
        year: 1 to 9999; for years not yet announced the calendar is what `holidays` expects.

    Raises:
        Refused: there is no such calendar.
    """
    import holidays

    country, _, part = code.partition("-")
    try:
        calendar = holidays.country_holidays(country, subdiv=part or None, years=year, expand=False)
    except NotImplementedError as error:
        raise Refused(
            f"There is no working calendar {code!r}; write a country such as CN, or one with a part, DE-BY.",
            "unknown-calendar",
        ) from error
    return frozenset(day for day in _days(dt.date(year, 1, 1), dt.date(year, 12, 31)) if calendar.is_working_day(day))


@functools.lru_cache(maxsize=4096)
def working_days(code: str, first: dt.date, last: dt.date, closures: Closures = NO_CLOSURES) -> frozenset[dt.date]:
    """Return the working days from `first` to `last`, both inclusive; none when `last` lies before `first`.

    Raises:
        Refused: there is no calendar `code`.
    """
    public: frozenset[dt.date] = frozenset().union(
        *(public_year(code, year) for year in range(first.year, last.year + 1))
    )
    days = (public | closures.working) - closures.closed
    return frozenset(day for day in days if first <= day <= last)


def is_working_day(code: str, day: dt.date, closures: Closures = NO_CLOSURES) -> bool:
    """Return whether `day` is worked.

    Raises:
        Refused: there is no calendar `code`.
    """
    if day in closures.closed:
        return False
    return day in closures.working or day in public_year(code, day.year)


def add_working_days(code: str, day: dt.date, count: int, closures: Closures = NO_CLOSURES) -> dt.date:
    """Return the working day that lies `count` working days after `day`, before it for a negative count.

    `day` itself is not counted, worked or not: one working day after a Friday is the Monday. 0 gives `day` back.

    Raises:
        Refused: there is no calendar `code`, or it has no such day within ten years.
    """
    step = _DAY if count > 0 else -_DAY
    left = abs(count)
    reached = day
    for _ in range(_FARTHEST):
        if left == 0:
            return reached
        reached += step
        if is_working_day(code, reached, closures):
            left -= 1
    raise Refused(f"The calendar {code} has no day {count} working days from {day} within ten years.", "no-such-day")


def _days(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield dt.date.fromordinal(ordinal)

"""The forms of a deadline (W3): days after an event, a day, the later or the earlier of two, in the office's zone."""

import datetime as dt
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.errors import WorkflowError
from workflow.terms import Deadline, Term, due_moment
from workflow.vocabulary import CountedFrom, DayKind

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
SIX = dt.time(18)
OPENED = dt.datetime(2026, 4, 1, 10, tzinfo=SHANGHAI)


def weekdays(day: dt.date, days: int) -> dt.date:
    """The fifth working day after a Monday is the next Monday: no holiday is known here."""
    later = (day + dt.timedelta(days=step) for step in count(1))
    worked = (one for one in later if one.weekday() < 5)
    for _ in range(days - 1):
        next(worked)
    return next(worked)


def due(deadline: Deadline, *, zone: dt.tzinfo = SHANGHAI, **events: dt.datetime) -> dt.datetime:
    known = {CountedFrom(name.replace("_", "-")): moment for name, moment in {"opening": OPENED, **events}.items()}
    return due_moment(deadline, known, weekdays, zone, SIX)


def at(day: int, hour: int = 18, month: int = 4, minute: int = 0) -> dt.datetime:
    return dt.datetime(2026, month, day, hour, minute, tzinfo=SHANGHAI)


def test_days_count_from_the_event_that_is_named() -> None:
    quarter_end = dt.datetime(2026, 3, 31, 23, 59, tzinfo=SHANGHAI)
    assert due(Deadline(Term(days=3))) == at(6)
    assert due(Deadline(Term(days=3, counted_from=CountedFrom.CYCLE_OPENING)), cycle_opening=at(6, 9)) == at(9)
    assert due(Deadline(Term(days=3, counted_from=CountedFrom.PERIOD_END)), period_end=quarter_end) == at(3)
    assert due(Deadline(Term(days=5, counted_from=CountedFrom.PROVEN_NOTICE)), proven_notice=at(7, 9)) == at(14)
    assert due(Deadline(Term(days=3, day_kind=DayKind.CALENDAR))) == at(4)


def test_a_day_is_a_day_and_a_term_may_have_its_own_time() -> None:
    assert due(Deadline(Term(on=dt.date(2026, 4, 20)))) == at(20)
    assert due(Deadline(Term(on=dt.date(2026, 4, 20), at=dt.time(12, 30)))) == at(20, 12, minute=30)
    assert due(Deadline(Term(days=3, at=dt.time(9)))) == at(6, 9)


@pytest.mark.parametrize(("later", "expected"), [(True, 10), (False, 6)])
def test_the_later_or_the_earlier_of_two(*, later: bool, expected: int) -> None:
    assert due(Deadline(Term(days=3), Term(on=dt.date(2026, 4, 10)), later=later)) == at(expected)


def test_what_begins_after_its_day_has_until_the_end_of_the_next_working_day() -> None:
    over = Deadline(Term(on=dt.date(2026, 3, 31)))
    assert due(over) == at(2)
    assert due(over, opening=at(3, 17)) == at(6), "a second round that begins on a Friday"
    assert due(Deadline(Term(days=9), Term(on=dt.date(2026, 3, 31)), later=False)) == at(2)


def test_an_event_that_nobody_knows_is_said() -> None:
    with pytest.raises(WorkflowError, match="when 'proven-notice' was") as error:
        due(Deadline(Term(days=3, counted_from=CountedFrom.PROVEN_NOTICE)))
    assert error.value.code == "no-event"


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(WorkflowError, match="without a zone"):
        due(Deadline(Term(days=3)), opening=dt.datetime(2026, 4, 1, 10))  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize(
    ("zone", "opened", "day", "utc_hour"),
    [
        (BERLIN, dt.datetime(2026, 3, 27, 12, tzinfo=dt.UTC), dt.date(2026, 3, 30), 16),  # summer time began between
        (BERLIN, dt.datetime(2026, 10, 23, 12, tzinfo=dt.UTC), dt.date(2026, 10, 26), 17),  # and ended
        (NEW_YORK, dt.datetime(2026, 3, 6, 12, tzinfo=dt.UTC), dt.date(2026, 3, 9), 22),
        (NEW_YORK, dt.datetime(2026, 10, 30, 12, tzinfo=dt.UTC), dt.date(2026, 11, 2), 23),
        (SHANGHAI, dt.datetime(2026, 3, 27, 12, tzinfo=dt.UTC), dt.date(2026, 3, 30), 10),  # no summer time there
    ],
)
def test_six_in_the_evening_is_six_on_the_clock_of_the_wall_also_when_it_was_changed(
    zone: ZoneInfo, opened: dt.datetime, day: dt.date, utc_hour: int
) -> None:
    found = due(Deadline(Term(days=1)), zone=zone, opening=opened)
    assert found == dt.datetime(day.year, day.month, day.day, utc_hour, tzinfo=dt.UTC)
    assert found.astimezone(zone).time() == SIX


def test_a_time_that_the_clocks_skip_is_as_much_later() -> None:
    found = due(Deadline(Term(on=dt.date(2026, 3, 29), at=dt.time(2, 30))), zone=BERLIN, opening=at(20, month=3))
    assert found == dt.datetime(2026, 3, 29, 1, 30, tzinfo=dt.UTC)
    assert found.astimezone(BERLIN).time() == dt.time(3, 30)


moments = st.datetimes(dt.datetime(2024, 1, 1), dt.datetime(2028, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001
zones = st.sampled_from([SHANGHAI, BERLIN, NEW_YORK])
terms = st.one_of(
    st.builds(
        Term,
        days=st.integers(1, 30),
        day_kind=st.sampled_from(DayKind),
        counted_from=st.sampled_from([CountedFrom.OPENING, CountedFrom.CYCLE_OPENING, CountedFrom.PERIOD_END]),
    ),
    st.builds(Term, on=st.dates(dt.date(2024, 1, 1), dt.date(2028, 1, 1))),
)


@given(terms, terms, moments, zones)
def test_of_two_terms_one_counts(one: Term, other: Term, event: dt.datetime, zone: ZoneInfo) -> None:
    opened = dt.datetime(2023, 11, 1, tzinfo=dt.UTC)
    events = {"opening": opened, "cycle_opening": event, "period_end": event}
    alone = [due(Deadline(term), zone=zone, **events) for term in (one, other)]
    assert due(Deadline(one, other, later=True), zone=zone, **events) == max(alone)
    assert due(Deadline(one, other, later=False), zone=zone, **events) == min(alone)


@given(terms, moments, moments, zones)
def test_nothing_is_due_before_it_begins_and_always_at_the_end_of_a_day(
    term: Term, opened: dt.datetime, event: dt.datetime, zone: ZoneInfo
) -> None:
    found = due(Deadline(term), zone=zone, opening=opened, cycle_opening=event, period_end=event)
    assert found > opened
    assert found.astimezone(zone).time() == SIX


@given(st.integers(1, 60), moments, zones)
def test_one_more_day_is_never_earlier(days: int, opened: dt.datetime, zone: ZoneInfo) -> None:
    shorter, longer = (due(Deadline(Term(days=n)), zone=zone, opening=opened) for n in (days, days + 1))
    assert shorter < longer

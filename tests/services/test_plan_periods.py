"""The periods of a plan: their codes agree with what a code says of its period, and none is left out or doubled."""

import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.calendars import Closures
from services.cycles import period_of
from services.plan_periods import NOTICE_WORKING_DAYS, Every, before, days_of, labels, period_at, periods

DAYS = st.dates(dt.date(1990, 1, 1), dt.date(2200, 12, 31))


@given(every=st.sampled_from(Every), day=DAYS)
def test_the_code_of_a_period_says_its_first_and_last_day(every: Every, day: dt.date) -> None:
    period = period_at(every, day)
    assert period.first <= day <= period.last
    assert period_of(period.code()) == (period.first, period.last)
    assert period.label in labels(every)
    assert period_of(period.year_code()) == (dt.date(day.year, 1, 1), dt.date(day.year, 12, 31))


@given(every=st.sampled_from(Every), day=DAYS, length=st.integers(0, 2000))
def test_periods_follow_one_another_without_a_gap(every: Every, day: dt.date, length: int) -> None:
    found = list(periods(every, day, day + dt.timedelta(days=length)))
    assert found[0] == period_at(every, day)
    assert found[-1] == period_at(every, day + dt.timedelta(days=length))
    for earlier, later in itertools.pairwise(found):
        assert later.first - earlier.last == dt.timedelta(days=1)
        assert before(later) == earlier


@pytest.mark.parametrize(
    ("every", "codes"),
    [
        (Every.QUARTER, ["2026Q1", "2026Q2", "2026Q3", "2026Q4"]),
        (Every.HALF_YEAR, ["2026H1", "2026H2"]),
        (Every.MONTH, [f"2026-{month:02}" for month in range(1, 13)]),
    ],
)
def test_the_codes_of_a_year(every: Every, codes: list[str]) -> None:
    found = list(periods(every, dt.date(2026, 1, 1), dt.date(2026, 12, 31)))
    assert [period.code() for period in found] == codes
    assert [period.code("branch") for period in found] == [f"{code}-branch" for code in codes]


def test_the_days_are_working_days_of_the_calendar_and_of_the_organisation() -> None:
    quarter = period_at(Every.QUARTER, dt.date(2026, 2, 1))
    plain = days_of(quarter, 3, "CN", Closures())
    assert (plain.notice, plain.opening) == (dt.date(2026, 3, 20), dt.date(2026, 4, 3))
    closed = days_of(quarter, 3, "CN", Closures(closed=frozenset({dt.date(2026, 4, 1)})))
    assert closed.opening == dt.date(2026, 4, 7)  # Qingming, 4 to 6 April, lies between
    assert NOTICE_WORKING_DAYS == 10

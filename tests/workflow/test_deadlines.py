"""Days are counted in the organisation's zone over the working days that are given, and nothing asks for today."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.deadlines import (
    DueState,
    add_working_days,
    at_time,
    due,
    due_state,
    nudge_at,
    subtract_working_days,
    within_take_back,
)
from workflow.errors import WorkflowError

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
SIX = dt.time(18)
# Two weeks of April 2026: Monday the 6th is a holiday, Saturday the 11th is worked instead.
DAYS = frozenset(dt.date(2026, 4, day) for day in (1, 2, 3, 7, 8, 9, 10, 11, 13, 14, 15, 16, 17))


def moment(day: int, hour: int = 10, zone: dt.tzinfo = SHANGHAI) -> dt.datetime:
    return dt.datetime(2026, 4, day, hour, tzinfo=zone)


@pytest.mark.parametrize(
    ("opened", "days", "expected"),
    [
        (1, 1, 2),
        (1, 2, 3),
        (3, 1, 7),  # over the weekend and the holiday
        (9, 2, 11),  # the Saturday that is worked
        (9, 3, 13),
        (5, 1, 7),  # opened on a free day
    ],
)
def test_working_days_are_counted_after_the_day_of_opening(opened: int, days: int, expected: int) -> None:
    at = due(moment(opened), days, DAYS, SHANGHAI, SIX)
    assert at == dt.datetime(2026, 4, expected, 18, tzinfo=SHANGHAI)
    assert at.tzinfo is dt.UTC


def test_the_day_of_opening_is_the_local_one() -> None:
    late_on_the_first_in_utc = dt.datetime(2026, 4, 1, 20, tzinfo=dt.UTC)
    assert due(late_on_the_first_in_utc, 1, DAYS, SHANGHAI, SIX) == moment(3, 18)


def test_calendar_days_need_no_calendar() -> None:
    assert due(moment(3), 3, frozenset(), SHANGHAI, SIX, kind="calendar") == moment(6, 18)


@pytest.mark.parametrize(("day", "before", "expected"), [(13, 2, 10), (7, 1, 3), (8, 2, 3)])
def test_a_reminder_comes_two_working_days_before(day: int, before: int, expected: int) -> None:
    assert nudge_at(moment(day, 18), DAYS, SHANGHAI, before=before) == moment(expected, 18)
    assert nudge_at(moment(day, 18), DAYS, SHANGHAI, before=0) == moment(day, 18)


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (moment(10, 17), DueState.OPEN),
        (moment(10, 18), DueState.DUE_SOON),
        (moment(12, 23), DueState.DUE_SOON),
        (moment(13, 0), DueState.DUE_TODAY),
        (moment(13, 18), DueState.DUE_TODAY),
        (moment(13, 19), DueState.OVERDUE),
    ],
)
def test_a_deadline_comes_nearer(now: dt.datetime, state: DueState) -> None:
    assert due_state(now, moment(13, 18), DAYS, SHANGHAI) is state


def test_without_a_deadline_nothing_is_late() -> None:
    assert due_state(moment(13), None, DAYS, SHANGHAI) is DueState.OPEN


@pytest.mark.parametrize(("now", "allowed"), [(moment(3, 23), True), (moment(7, 23), True), (moment(8, 0), False)])
def test_an_act_is_taken_back_until_the_end_of_the_next_working_day(now: dt.datetime, *, allowed: bool) -> None:
    assert within_take_back(moment(3), now, 1, DAYS, SHANGHAI) is allowed


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (dt.date(2026, 3, 29), 15),  # the clocks go forward: six in the evening is 16:00 UTC
        (dt.date(2026, 3, 28), 17),
        (dt.date(2026, 10, 25), 17),  # and back
        (dt.date(2026, 10, 24), 16),
    ],
)
def test_the_time_of_day_holds_across_both_changes_of_the_clock(day: dt.date, hours: int) -> None:
    expected = {15: 16, 17: 17, 16: 16}[hours]
    assert at_time(day, SIX, BERLIN) == dt.datetime(day.year, day.month, day.day, expected, tzinfo=dt.UTC)


def test_a_time_that_the_clocks_skip_is_an_hour_later() -> None:
    skipped = at_time(dt.date(2026, 3, 29), dt.time(2, 30), BERLIN)
    assert skipped.astimezone(BERLIN).time() == dt.time(3, 30)


def test_a_calendar_that_ends_too_early_is_named() -> None:
    with pytest.raises(WorkflowError, match="does not reach 2 working days after 2026-04-16; extend it"):
        add_working_days(dt.date(2026, 4, 16), 2, DAYS)
    with pytest.raises(WorkflowError, match="does not reach 1 working days before 2026-04-01"):
        subtract_working_days(dt.date(2026, 4, 1), 1, DAYS)
    with pytest.raises(WorkflowError, match="no working day"):
        add_working_days(dt.date(2026, 4, 1), 1, frozenset())
    with pytest.raises(WorkflowError, match="use 1 or more"):
        add_working_days(dt.date(2026, 4, 1), 0, DAYS)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(WorkflowError, match="without a zone"):
        due(dt.datetime(2026, 4, 1, 10), 1, DAYS, SHANGHAI, SIX)  # noqa: DTZ001 - the fault under test


@given(
    st.frozensets(st.dates(dt.date(2026, 1, 1), dt.date(2026, 3, 31)), min_size=1),
    st.dates(dt.date(2025, 12, 1), dt.date(2026, 4, 30)),
    st.integers(1, 12),
)
def test_counting_agrees_with_the_sorted_list_of_days(days: frozenset[dt.date], day: dt.date, number: int) -> None:
    later = sorted(one for one in days if one > day)
    earlier = sorted((one for one in days if one < day), reverse=True)
    for count, expected in ((add_working_days, later), (subtract_working_days, earlier)):
        if number <= len(expected):
            assert count(day, number, days) == expected[number - 1]
        else:
            with pytest.raises(WorkflowError):
                count(day, number, days)

"""Scheduled duties: which months are expected, and what of them is met (domain.md, reading 4)."""

import datetime as dt
from typing import Any

import pytest

from scoring.duties import DutyMonth, duty_months, expected_months, last_scored_day, warning_day
from scoring.plan import plan_for
from tests.scoring.quarter import FAITHFUL, inspected, ledger, rubric, working_days

MARCH = dt.date(2026, 3, 31)


def months(text: str = FAITHFUL, as_of: dt.date = MARCH, **book: Any) -> list[DutyMonth]:
    plan = plan_for(rubric(text), "deputy-security")
    entries = ledger(**book)
    return duty_months(plan, entries, last_scored_day(plan.rubric.settings, entries, as_of))


def states(text: str = FAITHFUL, as_of: dt.date = MARCH, **book: Any) -> dict[str, str]:
    return {month.line: month.state for month in months(text, as_of, **book)}


@pytest.mark.parametrize(
    ("reading", "assignment", "expected"),
    [
        ("more-than-half", {"from": "2026-02-16"}, ("2026-03",)),
        ("any-day", {"from": "2026-02-16"}, ("2026-02", "2026-03")),
        ("any-day", {"from": "2026-03-01"}, ("2026-03",)),
        ("whole", {"from": "2026-01-05"}, ("2026-02", "2026-03")),
        ("whole", {"from": "2026-01-01"}, ("2026-01", "2026-02", "2026-03")),
        ("more-than-half", {"to": "2026-01-16"}, ("2026-01",)),
        ("more-than-half", {"to": "2026-01-09"}, ()),
    ],
)
def test_a_month_is_expected_by_its_working_days_held(
    reading: str, assignment: dict[str, str], expected: tuple[str, ...]
) -> None:
    text = FAITHFUL.replace('duty-months = "more-than-half"', f'duty-months = "{reading}"')
    assert expected_months(rubric(text).settings, ledger(assignment=assignment)) == expected


def test_exactly_half_of_the_working_days_is_not_more_than_half() -> None:
    days = sorted(day for day in working_days(dt.date(2026, 2, 1), dt.date(2026, 2, 28)))
    assert len(days) % 2 == 0
    half, more = days[len(days) // 2], days[len(days) // 2 - 1]
    for first, expected in ((half, ("2026-03",)), (more, ("2026-02", "2026-03"))):
        assert expected_months(rubric().settings, ledger(assignment={"from": first.isoformat()})) == expected


def test_a_month_is_over_at_the_end_of_its_last_day() -> None:
    assert states(as_of=dt.date(2026, 1, 30))["A1.1:2026-01"] == "pending"
    assert states(as_of=dt.date(2026, 1, 31))["A1.1:2026-01"] == "missed"
    start = FAITHFUL.replace('duty-as-of = "end-of-day"', 'duty-as-of = "start-of-day"')
    assert states(start, as_of=dt.date(2026, 1, 31))["A1.1:2026-01"] == "pending"
    assert states(start, as_of=dt.date(2026, 2, 1))["A1.1:2026-01"] == "missed"


def test_a_month_done_before_it_is_over_is_met_and_one_not_begun_is_pending() -> None:
    early = states(as_of=dt.date(2026, 2, 10), duties=inspected("01", "02", "03"))
    assert early == {"A1.1:2026-01": "met", "A1.1:2026-02": "met", "A1.1:2026-03": "pending"}


def test_an_excuse_that_is_voided_excuses_nothing() -> None:
    excused = {"rule": "A1.1", "month": "2026-01", "excused": "flood"}
    assert states(duties=[excused])["A1.1:2026-01"] == "excused"
    assert states(duties=[{**excused, "voided": True}])["A1.1:2026-01"] == "missed"


def test_a_site_closed_in_the_month_leaves_the_denominator() -> None:
    north = {"rule": "A1.1", "month": "2026-01", "sites": ["north"]}
    assert states(duties=[north], sites=["north", "south"])["A1.1:2026-01"] == "missed"
    closed = {"south": ["2026-01"]}
    assert states(duties=[north], sites=["north", "south"], closed=closed)["A1.1:2026-01"] == "met"
    everything = {"south": ["2026-01"], "north": ["2026-01"]}
    assert states(sites=["north", "south"], closed=everything)["A1.1:2026-01"] == "met"


def test_a_closed_site_that_was_inspected_covers_no_other() -> None:
    both = {"rule": "A1.1", "month": "2026-01", "sites": ["south"]}
    month = months(duties=[both], sites=["north", "south"], closed={"south": ["2026-01"]})[0]
    assert (month.state, month.inspected, month.sites, month.coverage) == ("missed", 0, 1, 0)


def test_the_coverage_of_a_record_that_names_sites_is_that_of_its_sites() -> None:
    claimed = {"rule": "A1.1", "month": "2026-01", "sites": ["north"], "coverage": "1"}
    assert states(duties=[claimed], sites=["north", "south"])["A1.1:2026-01"] == "missed"


def test_coverages_are_added_only_where_the_setting_says_so() -> None:
    halves = [{"rule": "A1.1", "month": "2026-01", "coverage": "0.5"}] * 2
    added = FAITHFUL.replace('duty-within-month = "sites-or-highest"', 'duty-within-month = "sum"')
    assert states(duties=halves)["A1.1:2026-01"] == "missed"
    assert states(added, duties=halves)["A1.1:2026-01"] == "met"


def test_less_coverage_is_enough_where_the_rule_asks_for_less() -> None:
    four_fifths = FAITHFUL.replace('minimum-coverage = "1" }', 'minimum-coverage = "0.8" }')
    assert states(four_fifths, duties=inspected("01", coverage="0.8"))["A1.1:2026-01"] == "met"
    assert states(four_fifths, duties=inspected("01", coverage="0.79"))["A1.1:2026-01"] == "missed"


def test_the_holder_is_warned_five_working_days_before_the_month_ends() -> None:
    settings = rubric().settings
    days = working_days(dt.date(2026, 3, 1), MARCH)
    assert warning_day(days, "2026-03", settings) == dt.date(2026, 3, 25)
    assert warning_day(days, "2026-02", settings) is None
    never = rubric(FAITHFUL.replace("duty-warning-working-days = 5", "duty-warning-working-days = 0")).settings
    assert warning_day(days, "2026-03", never) is None

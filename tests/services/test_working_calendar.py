"""The calendar that people look at: what each day is, and where free days in a row eat a window."""

import datetime as dt

import pytest

from models.columns import table_of
from models.people import ClosureDay
from services import launch, working_calendar
from services.errors import Refused
from services.unit_of_work import UnitOfWork
from services.working_calendar import Kind
from tests.services.builders import OFFICER, QUARTER, build_office
from tests.services.clocking import at
from tests.services.planning import Plan

MAY = (dt.date(2026, 5, 1), dt.date(2026, 5, 31))


def month(uow: UnitOfWork, calendar: str | None = None) -> dict[int, tuple[Kind, bool, str]]:
    _, days = working_calendar.days(uow, first=MAY[0], last=MAY[1], calendar=calendar)
    return {day.day.day: (day.kind, day.worked, day.name) for day in days}


def close(uow: UnitOfWork, day: dt.date, kind: str, name: str) -> None:
    with uow.write() as tx:
        tx.insert(table_of(ClosureDay), {"day": day, "kind": kind, "name": name})


def test_china_has_holidays_and_make_up_days(uow: UnitOfWork) -> None:
    build_office(uow)
    found = month(uow)
    assert found[1] == (Kind.HOLIDAY, False, "Labor Day")
    assert found[9][:2] == (Kind.MAKE_UP, True), "a Saturday that is worked instead"
    assert found[10][:2] == (Kind.WEEKEND, False)
    assert found[11][:2] == (Kind.WORKING, True)


def test_the_organisations_own_closures_go_before_the_public_calendar(uow: UnitOfWork) -> None:
    build_office(uow)
    close(uow, dt.date(2026, 5, 11), "closed", "anniversary")
    close(uow, dt.date(2026, 5, 16), "working", "audit Saturday")
    found = month(uow)
    assert found[11] == (Kind.CLOSED, False, "anniversary")
    assert found[16] == (Kind.OPENED, True, "audit Saturday")
    other = month(uow, "DE-BY")
    assert other[11][:2] == (Kind.WORKING, True), "another calendar does not have our closures"
    assert other[14] == (Kind.HOLIDAY, False, "Ascension Day")


def test_a_calendar_that_does_not_exist_is_refused(uow: UnitOfWork) -> None:
    build_office(uow)
    with pytest.raises(Refused, match="no working calendar 'XX'"):
        month(uow, "XX")


def windows(plan: Plan, now: dt.datetime) -> dict[str, tuple[int, dt.date]]:
    report = launch.dry_run(plan.uow, actor=plan.office.actor(OFFICER), now=now, cycle=QUARTER)
    return {window.stage: (window.free_days, window.free_from) for window in report.windows}


def test_a_long_weekend_that_lies_in_a_window_is_said_before_the_opening(uow: UnitOfWork) -> None:
    plan = Plan.made(uow)
    # The third working day after the quarter: Qingming, 4 to 6 April, lies between.
    assert windows(plan, at(4, 3, 9)) == {"draft": (3, dt.date(2026, 4, 4))}
    assert windows(plan, at(4, 27, 9)) == {"scoring": (5, dt.date(2026, 5, 1))}


def test_an_ordinary_week_warns_of_nothing_and_an_own_closure_lengthens_a_weekend(uow: UnitOfWork) -> None:
    plan = Plan.made(uow)
    assert windows(plan, at(7, 1, 9)) == {}
    close(uow, dt.date(2026, 7, 6), "closed", "moving house")
    assert windows(plan, at(7, 1, 9)) == {"draft": (3, dt.date(2026, 7, 4))}

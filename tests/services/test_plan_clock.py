"""Cycles that open by themselves: on the right working day, once, with HR told what stands in the way."""

import datetime as dt
import threading
from collections.abc import Callable

import pytest

from catalog.shelf import rubric_text
from models.columns import table_of
from models.database import open_database
from models.people import ClosureDay
from services import cycles, definitions, enrolment, launch, plan_clock, plans, verification
from services.actors import SYSTEM
from services.errors import AppraiseError, Conflict
from services.plan_form import YearRule
from services.roster import Choices
from services.unit_of_work import UnitOfWork
from tests.services.builders import CLERK, ESCORT, OFFICER, build_office
from tests.services.closing import vouch
from tests.services.conftest import KEYS
from tests.services.standing_orders import ADDED, NOTICE, OPENS, Planned, at

DAY = dt.timedelta(days=1)


@pytest.fixture
def plan(uow: UnitOfWork) -> Planned:
    return Planned.standing(uow)


def hinder(plan: Planned) -> None:
    """Let the clerk be in charge of himself: an error of the roster."""
    plan.change(CLERK, in_charge_id=plan.office.people[CLERK])


def mend(plan: Planned) -> None:
    """Put the clerk under the deputy again."""
    plan.change(CLERK, in_charge_id=plan.office.people["1006"])


def test_a_quarter_is_planned_ten_working_days_ahead_and_opens_on_its_day(plan: Planned) -> None:
    worked = plan.pass_days(dt.date(2026, 1, 6), dt.date(2026, 4, 10))
    assert list(worked) == [NOTICE, OPENS]
    assert (worked[NOTICE].made, worked[NOTICE].opened) == (("2026Q1",), ())
    assert (worked[OPENS].made, worked[OPENS].opened, worked[OPENS].promised) == ((), ("2026Q1",), 0)
    assert plan.told() == [(plan.office.people[OFFICER], "2026Q1")]
    assert plan.states() == {"2026Q1": "open"}
    assert plan.work_off() == 6
    created, opened = plan.events("created")[0], plan.events("opened")[0]
    assert (created["plan"], opened["counts"]) == (1, {"rated": 6})
    vouch(plan.uow)
    assert verification.verify(plan.uow).faults == ()


def test_before_eight_in_the_morning_the_day_has_not_begun(plan: Planned) -> None:
    plan.tick(OPENS - DAY)
    assert plan.tick(OPENS, hour=7) == plan_clock.Worked()
    assert plan.tick(OPENS, hour=8).opened == ("2026Q1",)


def test_a_closure_of_the_organisation_puts_the_opening_off(plan: Planned) -> None:
    plan.tick(NOTICE)
    with plan.uow.write() as tx:
        tx.insert(table_of(ClosureDay), {"day": dt.date(2026, 4, 1), "kind": "closed", "name": "flood"})
    assert list(plan.pass_days(NOTICE + DAY, dt.date(2026, 4, 8))) == [dt.date(2026, 4, 7)]


def test_the_plan_may_have_a_calendar_and_a_zone_of_its_own(uow: UnitOfWork) -> None:
    """In Germany 3 April 2026 is Good Friday, 6 April Easter Monday; in Chicago the morning begins 13 hours later."""
    plan = Planned.standing(uow, calendar="DE", zone="America/Chicago")
    assert list(plan.pass_days(NOTICE, dt.date(2026, 4, 10))) == [NOTICE + DAY, dt.date(2026, 4, 8)]
    assert plan.states() == {"2026Q1": "open"}


@pytest.mark.parametrize("late", [1, 4, 60])
def test_a_clock_that_stood_still_opens_late_and_nothing_is_left_out(plan: Planned, late: int) -> None:
    day = OPENS + late * DAY
    worked = plan.pass_days(day, day + 5 * DAY)
    (first,) = worked
    assert worked[first].made == worked[first].opened == ("2026Q1",)
    assert first == {1: dt.date(2026, 4, 7), 4: dt.date(2026, 4, 7), 60: dt.date(2026, 6, 2)}[late]


def test_a_year_without_a_clock_is_made_up_for_quarter_by_quarter(plan: Planned) -> None:
    definitions.publish_rubric(
        plan.uow,
        actor=SYSTEM,
        now=ADDED,
        text=rubric_text("bank-office"),
        where="bank-office",
    )
    worked = plan.tick(dt.date(2027, 1, 29))
    assert worked.opened == ("2026Q1", "2026Q2", "2026Q3", "2026Q4")
    assert set(plan.states().values()) == {"open"}


def test_an_error_keeps_it_shut_and_hr_hears_of_it_every_working_day(plan: Planned) -> None:
    hinder(plan)
    worked = plan.pass_days(NOTICE, dt.date(2026, 4, 9))
    days = [20, 23, 24, 25, 26, 27, 30, 31, 1, 2, 3, 7, 8, 9]
    assert [day.day for day in worked] == days
    assert [one.opened for one in worked.values()] == [()] * len(days)
    assert len(plan.told()) == len(days)
    assert plan.states() == {"2026Q1": "planned"}
    mend(plan)
    assert plan.tick(dt.date(2026, 4, 10)).opened == ("2026Q1",)
    assert len(plan.told()) == len(days)


def test_what_is_only_a_warning_is_told_once_and_again_when_it_changes(plan: Planned) -> None:
    plan.without_email(ESCORT)
    plan.pass_days(NOTICE, NOTICE + 4 * DAY)
    assert len(plan.told()) == 1
    plan.without_email(CLERK)
    plan.pass_days(NOTICE + 5 * DAY, OPENS)
    assert len(plan.told()) == 2
    assert plan.states() == {"2026Q1": "open"}


def test_no_rubric_in_force_is_an_obstacle_and_nothing_is_made(uow: UnitOfWork) -> None:
    plan = Planned(uow, build_office(uow))
    definitions.publish_rubric(
        uow,
        actor=SYSTEM,
        now=ADDED,
        text=rubric_text("bank-office").replace('id = "bank-office"', 'id = "late"', 1),
        where="late",
    )
    plan.add(rubrics=["late"], year=YearRule())
    assert plan.tick(NOTICE) == plan_clock.Worked(promised=1)
    assert plan.tick(OPENS) == plan_clock.Worked(promised=1)
    assert plan.states() == {"2026": "open"}
    cycles.new(
        uow,
        actor=plan.office.actor(OFFICER),
        now=at(OPENS),
        code="2026Q1",
        rubrics=["late"],
        override_reason="agreed with the union",
        year="2026",
    )
    assert plan.tick(OPENS + 4 * DAY) == plan_clock.Worked()
    assert plan.states() == {"2026": "open", "2026Q1": "planned"}


def test_hr_opens_by_hand_what_the_plan_could_not(plan: Planned) -> None:
    hinder(plan)
    plan.tick(OPENS)
    choices = Choices(leave_out={CLERK: "moves next week"})
    launch.open_cycle(plan.uow, actor=plan.office.actor(OFFICER), now=at(OPENS), cycle="2026Q1", choices=choices)
    assert plan.tick(OPENS + 4 * DAY) == plan_clock.Worked()
    assert plan.work_off() == 5


def test_whoever_is_excepted_is_left_out_with_the_reason_by_hand_and_by_plan(uow: UnitOfWork) -> None:
    plan = Planned.standing(uow, exceptions={ESCORT: "on loan", CLERK: "on probation"})
    plan.tick(NOTICE)
    report = launch.dry_run(uow, actor=plan.office.actor(OFFICER), now=at(NOTICE), cycle="2026Q1")
    assert (report.counts["left-out"], report.counts["rated"]) == (2, 4)
    plan.tick(OPENS)
    assert plan.work_off() == 4
    left = enrolment.status(uow, actor=SYSTEM, now=at(OPENS), cycle="2026Q1").left_out
    assert {(row["number"], row["reason"]) for row in left} == {(ESCORT, "on loan"), (CLERK, "on probation")}
    vouch(uow)
    assert verification.verify(uow).faults == ()


def test_an_exception_who_is_not_there_any_more_stops_nothing(uow: UnitOfWork) -> None:
    plan = Planned.standing(uow, exceptions={ESCORT: "on loan"})
    plan.change(ESCORT, valid_to=dt.date(2025, 12, 31))
    plan.tick(OPENS)
    assert (plan.states(), plan.work_off()) == ({"2026Q1": "open"}, 5)


def test_a_removed_plan_leaves_its_planned_cycle_to_hr(plan: Planned) -> None:
    plan.tick(NOTICE)
    hr = plan.office.actor(OFFICER)
    assert plans.remove(plan.uow, actor=hr, now=at(NOTICE), code="office") == ("2026Q1",)
    assert plan.pass_days(NOTICE + DAY, OPENS + DAY) == {}
    assert plan.states() == {"2026Q1": "planned"}
    launch.open_cycle(plan.uow, actor=hr, now=at(OPENS + DAY), cycle="2026Q1")
    assert plan.states() == {"2026Q1": "open"}


def test_a_new_version_of_the_plan_takes_over_its_planned_cycle(plan: Planned) -> None:
    plan.tick(NOTICE)
    plans.remove(plan.uow, actor=plan.office.actor(OFFICER), now=at(NOTICE), code="office")
    plan.add(now=at(NOTICE), exceptions={ESCORT: "on loan"}, working_day=4)
    worked = plan.pass_days(NOTICE + DAY, dt.date(2026, 4, 10))
    assert worked[dt.date(2026, 4, 7)].opened == ("2026Q1",)
    assert plan.work_off() == 5


def test_what_hr_cancelled_stays_cancelled(plan: Planned) -> None:
    plan.tick(NOTICE)
    cycles.cancel(
        plan.uow, actor=plan.office.actor(OFFICER), now=at(NOTICE), cycle="2026Q1", reason="moved to another system"
    )
    assert plan.pass_days(NOTICE + DAY, OPENS + DAY) == {}
    assert plan.states() == {"2026Q1": "cancelled"}


def together(url: str, acts: list[Callable[[UnitOfWork], object]]) -> list[object]:
    """Let each act begin at once on a connection of its own, trying again what was only busy; what each came to."""
    gate = threading.Barrier(len(acts))
    found: list[object] = [None] * len(acts)

    def run(place: int, act: Callable[[UnitOfWork], object]) -> None:
        opened = open_database(url)
        try:
            gate.wait()
            for _ in range(20):
                try:
                    found[place] = act(UnitOfWork(opened, KEYS))
                except Conflict:
                    continue
                except AppraiseError as error:
                    found[place] = error.code
                return
        finally:
            opened.dispose()

    threads = [threading.Thread(target=run, args=one) for one in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


def test_planners_at_once_plan_and_tell_once(plan: Planned, application_url: str) -> None:
    hinder(plan)
    found = together(application_url, [lambda uow: plan_clock.run(uow, now=at(NOTICE))] * 4)
    worked = [one for one in found if isinstance(one, plan_clock.Worked)]
    assert len(worked) == 4
    assert [one.made for one in worked if one.made] == [("2026Q1",)]
    assert (plan.states(), len(plan.told())) == ({"2026Q1": "planned"}, 1)


def test_planners_and_hr_at_once_open_once(plan: Planned, application_url: str) -> None:
    plan.tick(NOTICE)
    hr = plan.office.actor(OFFICER)

    def by_plan(uow: UnitOfWork) -> object:
        return plan_clock.run(uow, now=at(OPENS))

    def by_hand(uow: UnitOfWork) -> object:
        return launch.open_cycle(uow, actor=hr, now=at(OPENS), cycle="2026Q1")

    found = together(application_url, [by_plan, by_hand, by_plan, by_hand])
    opened = [one for one in found if isinstance(one, launch.Opened)]
    by_clock = [one for one in found if isinstance(one, plan_clock.Worked) and one.opened]
    assert len(opened) + len(by_clock) == 1, found
    assert len(plan.events("opened")) == 1
    assert plan.rows("SELECT count(*) AS number FROM job WHERE name = 'cycle.open-chunk'")[0].number == 1
    assert plan.work_off() == 6
    assert plan.work_off() == 0
    vouch(plan.uow)
    assert verification.verify(plan.uow).faults == ()

"""Who joins an open cycle later, and how a cycle stands."""

import datetime as dt
import json

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from models.columns import table_of
from models.people import Grant
from services import cycles, enrolment
from services.errors import NotFound, Refused
from services.roster import Choices
from services.unit_of_work import UnitOfWork
from tests.services.builders import (
    CLERK,
    DIRECTOR,
    ESCORT,
    OFFICER,
    PERSONNEL,
    PRESIDENT,
    QUARTER,
    SECRETARY,
    SECURITY,
    granted,
    noon,
)
from tests.services.planning import OPENING, Plan
from tests.services.playing import Play

LATER = noon(4, 9)
REASON = "Agreed with the president."


@pytest.fixture
def plan(uow: UnitOfWork) -> Plan:
    return Plan.made(uow)


def enrol(plan: Plan, number: str, *, by: str = OFFICER) -> tuple[str, ...]:
    return enrolment.enrol(plan.uow, actor=plan.office.actor(by), now=LATER, cycle=QUARTER, number=number)


def refused(plan: Plan, number: str, words: str, code: str) -> None:
    with pytest.raises(Refused, match=words) as refusal:
        enrol(plan, number)
    assert refusal.value.code == code


def test_who_was_left_out_joins_with_the_holders_of_that_day(plan: Plan) -> None:
    plan.run(plan.open(Choices(leave_out={CLERK: REASON})))
    plan.override(CLERK, "assessor", SECURITY)
    assert enrol(plan, CLERK) == ("2026Q1/1008@clerical",)
    row = plan.roster()["1008@clerical"]
    people = plan.office.people
    assert (row.status, row.reason_code, row.reason_id, row.assessor_id) == ("rated", None, None, people[SECURITY])
    appraisal = plan.rows("SELECT * FROM appraisal WHERE person_id = :person", person=people[CLERK])
    assert [one.stage for one in appraisal] == ["draft"]
    parts = plan.rows("SELECT * FROM party WHERE appraisal_id = :id AND role = 'assessor'", id=appraisal[0].id)
    assert [part.person_id for part in parts] == [people[SECURITY]]
    item = plan.rows("SELECT due_at FROM work_item WHERE appraisal_id = :id", id=appraisal[0].id)
    assert str(item[0].due_at).startswith("2026-04-14"), "his days count from when he joined"
    event = json.loads(plan.rows("SELECT payload FROM event WHERE kind = 'enrolled'")[0].payload)
    assert (event["roster"], event["row"]) == (row.id, row.digest)


def test_who_was_hired_since_joins_with_a_row_of_his_own(plan: Plan) -> None:
    plan.run(plan.open())
    plan.hire("1010", "escort", in_charge=plan.office.people[SECURITY])
    assert enrol(plan, "1010") == ("2026Q1/1010@escort",)
    assert plan.roster()["1010@escort"].status == "rated"


def test_who_was_not_rated_joins_once_his_days_are_corrected(plan: Plan) -> None:
    plan.change(CLERK, valid_from=dt.date(2026, 3, 25))
    plan.run(plan.open())
    refused(plan, CLERK, "is in 2026Q1 already, or has no assignment there that is rated", "already-enrolled")
    plan.change(CLERK, valid_from=dt.date(2026, 1, 5))
    enrol(plan, CLERK)
    row = plan.roster()["1008@clerical"]
    assert (row.status, row.reason_code, row.working_days) == ("rated", None, 58)


def test_nobody_joins_twice(plan: Plan) -> None:
    plan.run(plan.open())
    refused(plan, CLERK, "1008 is in 2026Q1 already", "already-enrolled")


def test_nobody_joins_before_his_problems_are_solved(plan: Plan) -> None:
    plan.change(CLERK, in_charge_id=plan.office.people[CLERK])
    plan.run(plan.open(Choices(leave_out={CLERK: REASON})))
    words = "1008@clerical cannot join 2026Q1: 1008: The column 'in-charge' names the person himself"
    refused(plan, CLERK, words, "assessor-is-appraisee")
    assert plan.roster()["1008@clerical"].status == "left-out"
    plan.change(CLERK, in_charge_id=plan.office.people[PERSONNEL])
    enrol(plan, CLERK)


def test_the_problems_of_others_stop_nobody(plan: Plan) -> None:
    plan.run(plan.open(Choices(leave_out={CLERK: REASON})))
    plan.change(ESCORT, in_charge_id=plan.office.people[ESCORT])
    enrol(plan, CLERK)


def test_of_several_assignments_one_can_be_named(plan: Plan) -> None:
    plan.run(plan.open(Choices(leave_out={CLERK: REASON})))
    plan.assign(CLERK, "escort", in_charge=plan.office.people[SECURITY])
    assert enrol(plan, f"{CLERK}@escort") == ("2026Q1/1008@escort",)
    assert plan.roster()["1008@clerical"].status == "left-out"
    refused(plan, f"{CLERK}@director", "has no assignment there that is rated", "already-enrolled")
    assert enrol(plan, CLERK) == ("2026Q1/1008@clerical",)


def test_an_incomplete_post_that_was_let_through_is_let_through_for_who_joins(uow: UnitOfWork) -> None:
    plan = Plan.made(uow, rubric="bank-office")
    left = {CLERK: REASON, ESCORT: REASON, OFFICER: REASON}
    with uow.write() as tx:
        tx.insert(table_of(Grant), granted(plan.office.people[SECRETARY], "hr"))
    plan.run(plan.open(Choices(leave_out=left, override_incomplete={"personnel-officer": REASON}), by=SECRETARY))
    assert enrol(plan, OFFICER) == ("2026Q1/1007@personnel-officer",)
    refused(plan, CLERK, "cannot join 2026Q1: The rubric of clerical is incomplete", "incomplete-rubric")


@pytest.mark.parametrize("by", [CLERK, DIRECTOR, PRESIDENT])
def test_only_hr_enrols(plan: Plan, by: str) -> None:
    plan.run(plan.open(Choices(leave_out={CLERK: REASON})))
    with pytest.raises(Refused, match="Only an HR officer may enrol somebody"):
        enrol(plan, CLERK, by=by)


def test_people_join_an_open_cycle_only(plan: Plan) -> None:
    refused(plan, CLERK, "The cycle 2026Q1 is planned; people join an open cycle only.", "not-open")
    plan.run(plan.open(Choices(leave_out={CLERK: REASON})))
    cycles.cancel(plan.uow, actor=plan.office.actor(OFFICER), now=LATER, cycle=QUARTER, reason="Wrong.")
    refused(plan, CLERK, "is cancelled", "not-open")
    with pytest.raises(NotFound, match="Nobody has the employee number 4711"):
        enrol(plan, "4711")


@pytest.mark.parametrize(
    ("change", "cycle", "words"),
    [
        ("status = 'rated', rubric_id = NULL", "open", "roster"),
        ("assessor_id = decider_id", "open", "the roster is frozen"),
        ("status = 'rated', unit_no = unit_no + 1", "open", "the roster is frozen"),
        ("status = 'rated', person_id = decider_id", "open", "the roster is frozen"),
        ("status = 'not-rated'", "open", "the roster is frozen"),
        ("status = 'set-aside'", "open", "the roster is frozen"),
        ("status = 'blocked'", "open", "the roster is frozen"),
        ("reason_code = 'other'", "open", "the roster is frozen"),
        ("status = 'rated'", "cancelled", "nobody joins a cycle that is no longer open"),
    ],
)
def test_the_database_refuses_every_other_change_of_a_row_that_was_left_out(
    plan: Plan, change: str, cycle: str, words: str
) -> None:
    plan.run(plan.open(Choices(leave_out={CLERK: REASON})))
    row = plan.roster()["1008@clerical"]
    enough = "rubric_id = (SELECT max(rubric_id) FROM roster), decider_id = (SELECT max(decider_id) FROM roster)"
    if cycle == "cancelled":
        cycles.cancel(plan.uow, actor=plan.office.actor(OFFICER), now=LATER, cycle=QUARTER, reason="Wrong.")
        change += f", {enough}"
    with plan.uow.write() as tx, pytest.raises(DBAPIError, match=words):
        tx.run(text(f"UPDATE roster SET {change} WHERE id = :id"), {"id": row.id})  # noqa: S608 - of this test


def test_a_row_of_who_is_in_the_cycle_stays_as_it_was_frozen(plan: Plan) -> None:
    plan.run(plan.open())
    row = plan.roster()["1008@clerical"]
    for change in ("assessor_id = person_id", "status = 'left-out'", "working_days = 1", "rubric_id = NULL"):
        with plan.uow.write() as tx, pytest.raises(DBAPIError, match="roster"):
            tx.run(text(f"UPDATE roster SET {change} WHERE id = :id"), {"id": row.id})  # noqa: S608 - of this test


def test_how_a_cycle_stands(play: Play) -> None:
    play.bring("review")
    play.bring("closed", of=ESCORT)
    play.act(OFFICER, "exclude", of=SECURITY, reason="Sick leave.")
    status = enrolment.status(play.uow, actor=play.office.actor(OFFICER), now=noon(4, 10), cycle=QUARTER)
    assert (status.code, status.state) == (QUARTER, "open")
    assert (status.period_from, status.period_to) == (dt.date(2026, 1, 1), dt.date(2026, 3, 31))
    assert status.stages == {"draft": 3, "review": 1, "closed": 2}
    assert status.not_rated == 1
    assert status.roster == {"rated": 6}
    late = {(row["number"], row["stage"]) for row in status.overdue}
    assert late == {(number, "draft") for number in (DIRECTOR, PERSONNEL, OFFICER)} | {(DIRECTOR, "review")}
    assert [row["due_at"] for row in status.overdue] == sorted(row["due_at"] for row in status.overdue)


def test_who_was_left_out_is_listed_with_the_reason(plan: Plan) -> None:
    plan.change(ESCORT, valid_from=dt.date(2026, 3, 25))
    plan.run(plan.open(Choices(leave_out={CLERK: REASON})))
    status = enrolment.status(plan.uow, actor=plan.office.actor(PRESIDENT), now=OPENING, cycle=QUARTER)
    assert [(row["number"], row["status"], row["reason_code"]) for row in status.left_out] == [
        (CLERK, "left-out", "left-out"),
        (ESCORT, "not-rated", "below-minimum-service"),
    ]


@pytest.mark.parametrize("by", [CLERK, DIRECTOR, SECURITY])
def test_only_who_runs_something_sees_how_a_whole_cycle_stands(play: Play, by: str) -> None:
    with pytest.raises(Refused, match="Only HR, the approver and auditors see how a whole cycle stands"):
        enrolment.status(play.uow, actor=play.office.actor(by), now=noon(4, 10), cycle=QUARTER)
    assert play.refusals() == [("cycle.status", {"code": "not-hr", "cycle": QUARTER})]

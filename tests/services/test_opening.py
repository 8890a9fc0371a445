"""Opening from the frozen roster: in chunks, as often as one likes, with a row that fails set aside by halving."""

import json

import pytest
from sqlalchemy import text

from catalog.shelf import rubric_text
from models.trigger import Trigger
from services import cycles, definitions, launch, opening, roster_changes
from services.actors import SYSTEM
from services.appraisals import act
from services.errors import NotFound, Refused
from services.unit_of_work import UnitOfWork
from tests.services.builders import BEFORE, CLERK, ESCORT, OFFICER, QUARTER, RUBRIC, noon
from tests.services.owning import as_owner
from tests.services.planning import OPENING, Plan


@pytest.fixture
def plan(uow: UnitOfWork) -> Plan:
    return Plan.made(uow)


def count(plan: Plan, table: str) -> int:
    return int(plan.rows(f"SELECT count(*) AS number FROM {table}")[0].number)  # noqa: S608 - names of this test


def test_a_chunk_opens_each_row_with_its_parts_and_its_first_turn(plan: Plan) -> None:
    assert [chunk.opened for chunk in plan.run(plan.open())] == [6]
    roster = {row.assignment_id: row for row in plan.roster().values()}
    appraisals = plan.rows("SELECT * FROM appraisal")
    assert {row.assignment_id for row in appraisals} == set(roster)
    for appraisal in appraisals:
        row = roster[appraisal.assignment_id]
        assert (appraisal.stage, appraisal.version, appraisal.round, appraisal.ledger_version) == ("draft", 0, 1, 0)
        assert (appraisal.rubric_id, appraisal.unit_no) == (row.rubric_id, row.unit_no)
        parts = plan.rows("SELECT * FROM party WHERE appraisal_id = :id", id=appraisal.id)
        assert {part.role: part.person_id for part in parts} == {
            "appraisee": row.person_id,
            "assessor": row.assessor_id,
            "reviewer": row.reviewer_id,
            "decider": row.decider_id,
        }
        item = plan.rows("SELECT * FROM work_item WHERE appraisal_id = :id", id=appraisal.id)
        assert [(one.stage, one.role, one.holder_id, one.round) for one in item] == [
            ("draft", "appraisee", row.person_id, 1)
        ]
        assert str(item[0].due_at).startswith("2026-04-07"), "three working days, the holiday not counted"


@pytest.mark.parametrize("chunk", [1, 2, 4, 100])
def test_chunks_of_any_size_open_all_and_a_second_run_adds_nothing(plan: Plan, chunk: int) -> None:
    opened = plan.open(chunk=chunk)
    assert len(opened.ranges) == -(-6 // chunk)
    assert sum(one.opened for one in plan.run(opened)) == 6
    before = {table: count(plan, table) for table in ("appraisal", "party", "work_item")}
    assert sum(one.opened for one in plan.run(opened)) == 0
    assert {table: count(plan, table) for table in before} == before == {"appraisal": 6, "party": 24, "work_item": 6}


def test_a_second_run_leaves_alone_what_has_moved_on(plan: Plan) -> None:
    opened = plan.open()
    plan.run(opened)
    act(plan.uow, actor=plan.office.actor(CLERK), now=OPENING, appraisal=f"{QUARTER}/{CLERK}", action="state")
    plan.run(opened)
    person = plan.office.people[CLERK]
    items = plan.rows(
        "SELECT w.stage FROM work_item w JOIN appraisal a ON a.id = w.appraisal_id WHERE a.person_id = :person",
        person=person,
    )
    assert [row.stage for row in items] == ["draft", "scoring"]


def test_nobody_who_is_not_rated_is_opened(plan: Plan) -> None:
    plan.change(CLERK, valid_from=noon(3, 25).date())
    assert sum(one.opened for one in plan.run(plan.open())) == 5


def broken(plan: Plan, number: str) -> Trigger:
    """What makes the opening of one person fail in the database."""
    person = plan.office.people[number]
    sentence = "this row is broken."
    return Trigger("appraisal", "broken", "BEFORE INSERT", "broken", sentence, when=f"NEW.person_id = {person}")


def make(plan: Plan, trigger: Trigger) -> None:
    with as_owner(plan.uow) as connection:
        connection.execute(text(trigger.sqlite() if plan.uow.engine.name == "sqlite" else trigger.postgresql()))


def mend_row(plan: Plan, number: str) -> None:
    name = broken(plan, number).name
    with as_owner(plan.uow) as connection:
        connection.execute(text(f"DROP TRIGGER {name}" + ("" if plan.uow.engine.name == "sqlite" else " ON appraisal")))


def test_a_row_that_fails_is_set_aside_by_halving_and_the_others_open(plan: Plan) -> None:
    make(plan, broken(plan, CLERK))
    (chunk,) = plan.run(plan.open())
    assert (chunk.opened, chunk.aside) == (5, 1)
    row = plan.roster()["1008@clerical"]
    assert row.status == "set-aside"
    failure = plan.rows("SELECT * FROM failure")
    assert [(one.source, one.source_id, one.code, one.resolved_at) for one in failure] == [
        ("opening", row.id, "broken", None)
    ]
    assert json.loads(failure[0].details)["text"] == "The database refused it: this row is broken."
    event = json.loads(plan.rows("SELECT payload FROM event WHERE kind = 'set-aside'")[0].payload)
    assert event == {"roster": row.id, "code": "broken"}


def test_a_row_that_was_set_aside_is_not_set_aside_again_by_a_second_run(plan: Plan) -> None:
    make(plan, broken(plan, CLERK))
    opened = plan.open()
    plan.run(opened)
    assert [(one.opened, one.aside) for one in plan.run(opened)] == [(0, 0)]
    assert count(plan, "failure") == 1


def test_a_row_that_was_set_aside_is_taken_up_again_and_opens(plan: Plan) -> None:
    make(plan, broken(plan, CLERK))
    opened = plan.open()
    plan.run(opened)
    hr = plan.office.actor(OFFICER)
    assert roster_changes.retry(plan.uow, actor=hr, now=noon(4, 2), cycle=QUARTER) == 1
    assert [(one.opened, one.aside) for one in plan.run(opened)] == [(0, 1)], "it still fails"
    mend_row(plan, CLERK)
    assert roster_changes.retry(plan.uow, actor=hr, now=noon(4, 2), cycle=QUARTER) == 1
    assert [(one.opened, one.aside) for one in plan.run(opened)] == [(1, 0)]
    assert plan.roster()["1008@clerical"].status == "rated"
    assert [one.resolved_at is None for one in plan.rows("SELECT * FROM failure")] == [False, False]
    assert roster_changes.retry(plan.uow, actor=hr, now=noon(4, 2), cycle=QUARTER) == 0


def test_every_row_may_fail(plan: Plan) -> None:
    everybody = Trigger("appraisal", "broken", "BEFORE INSERT", "broken", "every row is broken.")
    make(plan, everybody)
    (chunk,) = plan.run(plan.open())
    assert (chunk.opened, chunk.aside) == (0, 6)


def test_nothing_opens_in_a_cycle_that_is_not_open_or_not_there(plan: Plan) -> None:
    opened = plan.open()
    with pytest.raises(NotFound, match="There is no cycle with the id 4711"):
        opening.open_chunk(plan.uow, now=OPENING, cycle=4711, first=1, last=9, at=OPENING.isoformat())
    cycles.cancel(plan.uow, actor=plan.office.actor(OFFICER), now=OPENING, cycle=QUARTER, reason="Wrong.")
    with pytest.raises(Refused, match="The cycle 2026Q1 is cancelled; nothing opens in it"):
        plan.run(opened)
    assert count(plan, "appraisal") == count(plan, "failure") == 0


def test_a_range_of_another_cycle_opens_nothing(plan: Plan) -> None:
    opened = plan.open()
    first, last = opened.ranges[0]
    cycles.new(plan.uow, actor=plan.office.actor(OFFICER), now=OPENING, code="2026Q2", rubrics=[RUBRIC])
    other = plan.rows("SELECT id FROM cycle WHERE code = '2026Q2'")[0].id
    with pytest.raises(Refused, match="is planned; nothing opens"):
        opening.open_chunk(plan.uow, now=OPENING, cycle=other, first=first, last=last, at=OPENING.isoformat())


def test_whose_post_has_no_own_statement_goes_on_to_scoring_at_once(uow: UnitOfWork) -> None:
    plan = Plan.made(uow)
    silent = rubric_text(RUBRIC)
    silent = silent.replace('id = "bank-office-completed"', 'id = "silent"', 1)
    head, found, tail = silent.partition('id = "clerical"')
    assert found
    silent = head + found + tail.replace("own-statement = true", "own-statement = false", 1)
    definitions.publish_rubric(uow, actor=SYSTEM, now=BEFORE, text=silent, where="silent")
    hr = plan.office.actor(OFFICER)
    cycles.cancel(uow, actor=hr, now=OPENING, cycle=QUARTER, reason="Another rubric.")
    period = (noon(1, 1).date(), noon(3, 31).date())
    cycles.new(uow, actor=hr, now=OPENING, code="2026Q1b", rubrics=["silent"], period=period)
    opened = launch.open_cycle(uow, actor=hr, now=OPENING, cycle="2026Q1b")
    plan.run(opened)
    due = {
        row.person_id: row.due_at
        for row in plan.rows("SELECT a.person_id, w.due_at FROM work_item w JOIN appraisal a ON a.id = w.appraisal_id")
    }
    assert due[plan.office.people[CLERK]] is None
    assert due[plan.office.people[ESCORT]] is not None
    assert opening.skip_statements(uow, now=OPENING, cycle=opened.cycle_id) == 1
    assert opening.skip_statements(uow, now=OPENING, cycle=opened.cycle_id) == 0
    stages = {row.person_id: row.stage for row in plan.rows("SELECT person_id, stage FROM appraisal")}
    assert stages[plan.office.people[CLERK]] == "scoring"
    assert stages[plan.office.people[ESCORT]] == "draft"
    move = plan.rows("SELECT * FROM move")
    assert [(row.action, row.role) for row in move] == [("skip", "system")]
    assert plan.rows("SELECT id FROM event WHERE stream = 'refusals'") == []

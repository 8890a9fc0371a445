"""Opening a cycle: refused with every problem, let through by a choice with a reason, frozen, and owed to jobs once."""

import json

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from catalog.shelf import rubric_text
from services import cycles, definitions, desk, launch, verification
from services.actors import SYSTEM
from services.errors import NotFound, Refused
from services.launch import OpeningRefused
from services.roster import Choices
from services.unit_of_work import UnitOfWork
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, PERSONNEL, PRESIDENT, QUARTER, build_office, noon
from tests.services.planning import OPENING, Plan

FAITHFUL = "bank-office"
REASON = "Agreed with the president."


@pytest.fixture
def plan(uow: UnitOfWork) -> Plan:
    return Plan.made(uow)


@pytest.mark.parametrize("by", [CLERK, DIRECTOR, PRESIDENT])
def test_only_hr_draws_up_a_roster_and_opens(plan: Plan, by: str) -> None:
    with pytest.raises(Refused, match="Only an HR officer may draw up a roster"):
        plan.dry_run(by=by)
    with pytest.raises(Refused, match="Only an HR officer may open a cycle") as refusal:
        plan.open(by=by)
    assert refusal.value.code == "not-hr"
    kinds = [row.kind for row in plan.rows("SELECT kind FROM event WHERE stream = 'refusals' ORDER BY seq")]
    assert kinds == ["cycle.dry-run", "cycle.open"]


def test_a_cycle_that_is_not_there_is_not_found(plan: Plan) -> None:
    with pytest.raises(NotFound, match="There is no cycle 2027Q1"):
        launch.dry_run(plan.uow, actor=plan.office.actor(OFFICER), now=OPENING, cycle="2027Q1")


def test_problems_refuse_the_opening_and_the_report_has_all_of_them(plan: Plan) -> None:
    plan.hire("1010", "gardener")
    plan.change(CLERK, in_charge_id=plan.office.people[CLERK])
    plan.without_email(ESCORT)
    with pytest.raises(OpeningRefused) as refusal:
        plan.open()
    assert {problem.code for problem in refusal.value.report.errors} >= {"no-rubric", "assessor-is-appraisee"}
    assert refusal.value.sentence.startswith("2026Q1 cannot open: ")
    assert (
        "There are 2 more. `appraise cycle open 2026Q1 --dry-run` lists every problem with its mend."
        in refusal.value.sentence
    )
    assert plan.rows("SELECT state FROM cycle")[0].state == "planned"
    assert plan.rows("SELECT id FROM job") == []
    assert plan.roster() == {}


def test_an_opening_freezes_the_roster_and_owes_each_chunk_to_a_job_once(plan: Plan) -> None:
    opened = plan.open(chunk=4)
    rows = plan.roster().values()
    low, high = min(row.id for row in rows), max(row.id for row in rows)
    assert opened.ranges == ((low, low + 3), (low + 4, high))
    jobs = plan.rows("SELECT name, args FROM job ORDER BY id")
    assert [(job.name, json.loads(job.args)["first"]) for job in jobs] == [
        ("cycle.open-chunk", low),
        ("cycle.open-chunk", low + 4),
    ]
    cycle = plan.rows("SELECT * FROM cycle")[0]
    assert (cycle.state, cycle.version) == ("open", 1)
    assert str(cycle.opened_at).startswith("2026-04-01")
    event = json.loads(plan.rows("SELECT payload FROM event WHERE kind = 'opened'")[0].payload)
    assert event["roster"] == opened.report.digest
    assert event["counts"] == {"rated": 6}
    with plan.uow.write() as tx, pytest.raises(DBAPIError, match="the roster is frozen by opening"):
        tx.run(text("UPDATE roster SET assessor_id = reviewer_id"))


def test_opening_twice_is_refused(plan: Plan) -> None:
    plan.open()
    with pytest.raises(Refused, match="The cycle 2026Q1 is open already") as refusal:
        plan.open()
    assert refusal.value.code == "open"
    with pytest.raises(Refused, match="The cycle 2026Q1 is open; its roster is frozen") as frozen:
        plan.dry_run()
    assert frozen.value.code == "roster-frozen"
    assert len(plan.rows("SELECT id FROM job")) == 1


def test_a_roster_is_drawn_anew_by_the_opening(plan: Plan) -> None:
    plan.without_email(ESCORT)
    plan.dry_run()
    plan.override(CLERK, "assessor", ESCORT)
    plan.open()
    assert plan.roster()["1008@clerical"].assessor_id == plan.office.people[ESCORT]


def test_who_is_left_out_with_a_reason_stops_nothing_and_is_not_opened(plan: Plan) -> None:
    plan.change(CLERK, in_charge_id=plan.office.people[CLERK])
    opened = plan.open(Choices(leave_out={CLERK: REASON}))
    assert [chunk.opened for chunk in plan.run(opened)] == [5]
    person = plan.office.people[CLERK]
    assert plan.rows("SELECT id FROM appraisal WHERE person_id = :person", person=person) == []
    event = json.loads(plan.rows("SELECT payload FROM event WHERE kind = 'opened'")[0].payload)
    stored = plan.rows("SELECT body, digest FROM text_body")[0]
    assert (stored.body, event["left-out"]) == (REASON, {CLERK: stored.digest})


def test_the_personnel_officer_of_the_faithful_catalogue_stops_the_opening(uow: UnitOfWork) -> None:
    """Vector s12: refused, 40 of 100 points."""
    plan = Plan.made(uow, rubric=FAITHFUL)
    with pytest.raises(OpeningRefused) as refusal:
        plan.open(Choices(leave_out={CLERK: REASON, ESCORT: REASON}))
    assert [problem.post for problem in refusal.value.report.errors] == ["personnel-officer"]
    assert "40 of 100" in refusal.value.sentence
    assert refusal.value.code == "incomplete-rubric"


def test_an_incomplete_post_opens_only_by_its_own_override(uow: UnitOfWork) -> None:
    plan = Plan.made(uow, rubric=FAITHFUL)
    left = {CLERK: REASON, ESCORT: REASON}
    opened = plan.open(Choices(leave_out=left, override_incomplete={"personnel-officer": REASON}))
    assert [(problem.code, problem.severity) for problem in opened.report.problems] == [
        ("incomplete-rubric", "warning")
    ]
    assert sum(chunk.opened for chunk in plan.run(opened)) == 4
    reasons = plan.rows(
        "SELECT p.code, t.body FROM cycle_rubric r JOIN post p ON p.id = r.post_id"
        " JOIN text_body t ON t.id = r.override_reason_id"
    )
    assert [(row.code, row.body) for row in reasons] == [("personnel-officer", REASON)]
    event = json.loads(plan.rows("SELECT payload FROM event WHERE kind = 'opened'")[0].payload)
    assert set(event["overrides"]) == {"personnel-officer"}


def test_the_form_shows_why_a_rubric_that_came_late_and_is_incomplete_was_let_through(uow: UnitOfWork) -> None:
    office = build_office(uow)
    late = rubric_text(FAITHFUL).replace('id = "bank-office"', 'id = "late"', 1)
    definitions.publish_rubric(uow, actor=SYSTEM, now=noon(1, 2), text=late, where="late")
    hr = office.actor(OFFICER)
    cycles.new(uow, actor=hr, now=noon(1, 5), code=QUARTER, rubrics=["late"], override_reason="A merger.")
    plan = Plan(uow, office)
    posts = ("personnel-officer", "clerical", "escort")
    plan.run(plan.open(Choices(override_incomplete=dict.fromkeys(posts, REASON))))
    shown = desk.show(uow, actor=hr, now=OPENING, appraisal=f"{QUARTER}/{OFFICER}")
    assert shown.override_reason == f"A merger. {REASON}"
    assert [fault for fault in verification.verify(uow).faults if "rubric of" in fault.where] == []


def test_an_override_answers_no_other_problem(uow: UnitOfWork) -> None:
    plan = Plan.made(uow, rubric=FAITHFUL)
    plan.change(OFFICER, in_charge_id=plan.office.people[OFFICER])
    choices = Choices(leave_out={CLERK: REASON, ESCORT: REASON}, override_incomplete={"personnel-officer": REASON})
    with pytest.raises(OpeningRefused) as refusal:
        plan.open(choices)
    assert [problem.code for problem in refusal.value.report.errors] == ["assessor-is-appraisee"]


@pytest.mark.parametrize("number", [OFFICER, PERSONNEL, DIRECTOR])
def test_nobody_leaves_himself_or_a_superior_out(plan: Plan, number: str) -> None:
    choices = Choices(leave_out={number: REASON})
    for act in (plan.dry_run, plan.open):
        with pytest.raises(Refused, match="Nobody may leave himself or one of his superiors out") as refusal:
            act(choices)
        assert refusal.value.code == "own-or-superior"
    assert plan.rows("SELECT state FROM cycle")[0].state == "planned"


def test_the_clock_opens_no_cycle_that_was_planned_by_hand(plan: Plan) -> None:
    with pytest.raises(Refused, match="The clock opens the cycles of a plan only, and 2026Q1 was planned by hand"):
        launch.open_cycle(plan.uow, actor=SYSTEM, now=noon(4, 1), cycle=QUARTER)

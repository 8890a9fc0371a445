"""Plans as data: added, checked, shown, removed, each version vouched for by an event."""

import datetime as dt
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import update

from models.columns import table_of
from models.people import Assignment, Unit
from models.rubrics import Plan as PlanRow
from services import plans, verification
from services.errors import AppraiseError
from services.plan_form import PlanForm, YearRule, read_form
from services.unit_of_work import UnitOfWork
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, PERSONNEL, PRESIDENT, build_office
from tests.services.closing import vouch
from tests.services.standing_orders import ADDED, NOTICE, OPENS, Planned, at

LEAVING = {ESCORT: "on loan to the branch"}


@pytest.fixture
def plan(uow: UnitOfWork) -> Planned:
    return Planned.standing(uow, exceptions=LEAVING)


@pytest.fixture
def office(uow: UnitOfWork) -> Planned:
    return Planned(uow, build_office(uow))


def unit(plan: Planned, code: str, *, below: bool = True) -> int:
    """Add a unit, below the office or beside it."""
    row = {"code": code, "name": code, "parent_id": plan.office.unit if below else None, "head_id": None}
    with plan.uow.write() as tx:
        return tx.insert(table_of(Unit), row)


def test_a_plan_is_shown_with_what_it_opens_next(plan: Planned) -> None:
    shown = plans.show(plan.uow, now=ADDED, code="office")
    assert (shown.active, shown.next_code, shown.next_notice, shown.next_opening) == (True, "2026Q1", NOTICE, OPENS)
    assert (shown.form.version, shown.form.first) == (1, dt.date(2026, 1, 1))
    assert plans.list_plans(plan.uow, now=ADDED) == (shown,)
    later = plans.show(plan.uow, now=at(OPENS + dt.timedelta(days=1)), code="office")
    assert later.next_code == "2026Q2"


def test_the_reason_of_an_exception_lies_where_it_can_be_erased(plan: Planned) -> None:
    (row,) = plan.rows("SELECT text FROM plan")
    assert LEAVING[ESCORT] not in row.text
    form = read_form(row.text)
    text, said = form.exceptions[ESCORT]
    assert [tuple(found) for found in plan.rows("SELECT id, body, digest FROM text_body")] == [
        (text, LEAVING[ESCORT], said)
    ]
    assert LEAVING[ESCORT] not in str(plan.events("plan.added"))


def test_a_removed_plan_can_be_added_again_as_the_next_version(plan: Planned) -> None:
    assert plans.remove(plan.uow, actor=plan.office.actor(OFFICER), now=ADDED, code="office") == ()
    assert [shown.active for shown in plans.list_plans(plan.uow, now=ADDED)] == [False]
    assert plan.add(working_day=5).form.version == 2
    assert [len(plan.events(kind)) for kind in ("plan.added", "plan.removed")] == [2, 1]
    assert plans.show(plan.uow, now=ADDED, code="office").form.exceptions == {}


def test_every_version_is_vouched_for_and_a_changed_plan_is_found(plan: Planned) -> None:
    vouch(plan.uow)
    assert [fault for fault in verification.verify(plan.uow).faults if "plan" in fault.where] == []
    table = table_of(PlanRow)
    form = read_form(plan.rows("SELECT text FROM plan")[0].text)
    with plan.uow.write() as tx:
        tx.run(update(table).values(text=form.model_copy(update={"exceptions": {}}).text()))
    assert [fault.where for fault in verification.verify(plan.uow).faults if "plan" in fault.where] == ["plan 1"]


@pytest.mark.parametrize(
    ("values", "code", "sentence"),
    [
        ({"unit": "cellar"}, "unknown-unit", "There is no unit 'cellar'; there are: office."),
        ({"workflow": "yearly"}, "unknown-workflow", "There is no published workflow yearly"),
        ({"rubrics": ["poetry"]}, "unknown-rubric", "There is no published rubric poetry"),
        ({"calendar": "ATLANTIS"}, "unknown-calendar", "There is no working calendar 'ATLANTIS'"),
        ({"zone": "Asia/Shangai"}, "unknown-zone", "There is no time zone 'Asia/Shangai'; write one such as"),
        ({"every": "week"}, "bad-every", "A plan opens a cycle every month, quarter, half-year; 'week' is none"),
        ({"working_day": 0}, "bad-working-day", "working day 1 to 60 after its period, not on 0"),
        ({"working_day": 61}, "bad-working-day", "not on 61"),
        ({"first": "2026-01"}, "other-period", "2026-01 is no quarter; write a code like 2026Q1."),
        ({"first": "2025Q3"}, "period-in-past", "2025Q3 is long over; a plan begins at the earliest with 2025Q4."),
        ({"first": "soon"}, "bad-period", "'soon' names no period"),
        ({"suffix": "Two Words"}, "bad-suffix", "'Two Words' is no suffix"),
        ({"exceptions": {"4711": "gone"}}, "unknown-person", "Nobody has the employee number 4711."),
        ({"exceptions": {CLERK: " "}}, "reason-missing", "--except 1008 needs a reason"),
        ({"exceptions": {OFFICER: "busy"}}, "own-or-superior", "Nobody may except himself or one of his superiors"),
        ({"exceptions": {PERSONNEL: "busy"}}, "own-or-superior", "Nobody may except himself"),
        ({"year": YearRule(weights={"Q1": Fraction(1)})}, "bad-weights", "a weight for each of Q1, Q2, Q3, Q4"),
        (
            {"year": YearRule(weights=dict.fromkeys(("Q1", "Q2", "Q3", "Q4"), Fraction(0)))},
            "bad-weights",
            "not all of them 0",
        ),
    ],
)
def test_what_a_plan_cannot_be(office: Planned, values: dict[str, Any], code: str, sentence: str) -> None:
    with pytest.raises(AppraiseError) as refusal:
        office.add(**values)
    assert refusal.value.code == code
    assert sentence in refusal.value.sentence
    assert office.rows("SELECT id FROM plan") == []
    assert office.rows("SELECT id FROM text_body") == []


@pytest.mark.parametrize("code", ["", "Office", "a b", "a/b", "x" * 41])
def test_a_plan_has_a_plain_code(office: Planned, code: str) -> None:
    with pytest.raises(AppraiseError) as refusal:
        office.add(code)
    assert refusal.value.code == "bad-code"


def test_there_is_one_plan_of_a_code_and_one_plan_for_a_person(plan: Planned) -> None:
    with pytest.raises(AppraiseError, match="There is a plan office already") as again:
        plan.add()
    assert again.value.exit_code == 5
    unit(plan, "security")
    with pytest.raises(AppraiseError, match="The plan office opens cycles for people of security already") as overlap:
        plan.add("guards", unit="security", every="month", suffix="guards")
    assert (overlap.value.code, overlap.value.exit_code) == ("overlapping-plan", 3)


def test_plans_of_units_apart_need_codes_apart(plan: Planned) -> None:
    unit(plan, "branch", below=False)
    with pytest.raises(AppraiseError) as refusal:
        plan.add("branch", unit="branch")
    assert refusal.value.code == "overlapping-codes"
    assert plan.add("branch", unit="branch", suffix="branch").next_code == "2026Q1-branch"
    plans.remove(plan.uow, actor=plan.office.actor(OFFICER), now=ADDED, code="office")
    assert plan.add("monthly", every="month", first="2025-12").next_code == "2025-12"


@pytest.mark.parametrize("by", [CLERK, DIRECTOR, PRESIDENT])
def test_only_hr_adds_and_removes(plan: Planned, by: str) -> None:
    with pytest.raises(AppraiseError, match="Only an HR officer may remove a plan"):
        plans.remove(plan.uow, actor=plan.office.actor(by), now=ADDED, code="office")
    with pytest.raises(AppraiseError, match="Only an HR officer may add a plan"):
        plan.add("other", by=by)
    kinds = [row.kind for row in plan.rows("SELECT kind FROM event WHERE stream = 'refusals' ORDER BY seq")]
    assert kinds == ["plan.remove", "plan.add"]


def test_what_is_not_there_is_not_found(plan: Planned) -> None:
    for attempt in (
        lambda: plans.show(plan.uow, now=ADDED, code="none"),
        lambda: plans.remove(plan.uow, actor=plan.office.actor(OFFICER), now=ADDED, code="none"),
    ):
        with pytest.raises(AppraiseError, match="There is no plan none") as refusal:
            attempt()
        assert refusal.value.exit_code == 4


def test_a_plan_is_stored_and_read_back_as_it_was(plan: Planned) -> None:
    year = YearRule(weights={"Q1": Fraction(1, 2), "Q2": Fraction(1)}, window=3, digits=1, rounding="half-even")
    form = PlanForm(
        version=3,
        every="quarter",
        working_day=2,
        workflow="w",
        rubrics=("a", "b@2"),
        unit="office",
        exceptions={"1": (4, "d")},
        first=dt.date(2026, 1, 1),
        year=year,
    )
    assert read_form(form.text()) == form
    with pytest.raises(AppraiseError, match="A stored plan is not readable"):
        read_form(form.text().replace('"format":1', '"format":2'))
    assert plan.rows("SELECT count(*) AS number FROM plan")[0].number == 1


def test_somebody_of_a_unit_below_belongs_to_the_plan(office: Planned) -> None:
    below = unit(office, "security")
    table = table_of(Assignment)
    with office.uow.write() as tx:
        tx.run(update(table).where(table.c.id == office.office.assignments[ESCORT]).values(unit_id=below))
    office.add(unit="security")
    office.tick(OPENS)
    assert [row.person_id for row in office.rows("SELECT person_id FROM roster")] == [office.office.people[ESCORT]]

"""Planning a cycle: its code and period, the rubric in force on its first day, and cancelling it."""

import datetime as dt
import json

import pytest
from sqlalchemy import text as plain

from catalog.shelf import rubric_text
from services import cycles, definitions, enrolment, launch, verification
from services.actors import SYSTEM
from services.errors import AppraiseError, Conflict, Malformed, NotFound, Refused
from services.unit_of_work import UnitOfWork
from tests.services.builders import (
    CLERK,
    DIRECTOR,
    OFFICER,
    PRESIDENT,
    QUARTER,
    RUBRIC,
    TinyOffice,
    build_office,
    noon,
)
from tests.services.planning import Plan
from tests.services.playing import Play

NOW = noon(1, 5)


@pytest.fixture
def office(uow: UnitOfWork) -> TinyOffice:
    return build_office(uow)


@pytest.mark.parametrize(
    ("code", "first", "last"),
    [
        ("2026Q1", (2026, 1, 1), (2026, 3, 31)),
        ("2026Q4", (2026, 10, 1), (2026, 12, 31)),
        ("2026H1", (2026, 1, 1), (2026, 6, 30)),
        ("2026H2", (2026, 7, 1), (2026, 12, 31)),
        ("2028M02", (2028, 2, 1), (2028, 2, 29)),
        ("2026M12", (2026, 12, 1), (2026, 12, 31)),
        ("2026", (2026, 1, 1), (2026, 12, 31)),
    ],
)
def test_a_code_says_the_period(code: str, first: tuple[int, int, int], last: tuple[int, int, int]) -> None:
    assert cycles.period_of(code) == (dt.date(*first), dt.date(*last))


@pytest.mark.parametrize(
    "code", ["2026Q5", "2026Q0", "2026M13", "2026M1", "26Q1", "Q1", "2026q1", "", "0000Q1", "٢٠٢٦"]
)
def test_a_code_that_says_no_period_is_malformed(code: str) -> None:
    with pytest.raises(Malformed) as refusal:
        cycles.period_of(code)
    assert refusal.value.code == "bad-period"


def new(uow: UnitOfWork, office: TinyOffice, code: str = QUARTER, *, by: str = OFFICER, **given: object) -> object:
    rubrics = given.pop("rubrics", [RUBRIC])
    return cycles.new(uow, actor=office.actor(by), now=NOW, code=code, rubrics=rubrics, **given)  # type: ignore[arg-type]


def test_a_new_cycle_is_planned_with_the_rubric_of_each_post(uow: UnitOfWork, office: TinyOffice) -> None:
    created = new(uow, office)
    assert isinstance(created, cycles.Created)
    assert created.rubrics["clerical"] == "bank-office-completed@1"
    assert "president" not in created.rubrics
    assert enrolment.cycles(uow) == (
        {"code": QUARTER, "state": "planned", "from": dt.date(2026, 1, 1), "to": dt.date(2026, 3, 31)},
    )


def test_another_code_needs_a_period_that_ends_after_it_begins(uow: UnitOfWork, office: TinyOffice) -> None:
    with pytest.raises(Malformed, match="names no period"):
        new(uow, office, "spring")
    with pytest.raises(Malformed, match="ends on 2026-01-01, before it begins on 2026-03-31"):
        new(uow, office, "spring", period=(dt.date(2026, 3, 31), dt.date(2026, 1, 1)))
    created = new(uow, office, "spring", period=(dt.date(2026, 2, 15), dt.date(2026, 4, 30)))
    assert isinstance(created, cycles.Created)
    assert created.period_from == dt.date(2026, 2, 15)


@pytest.mark.parametrize("code", ["2026/Q1", "2026 Q1", "q@1", "", "a\nb"])
def test_a_code_that_could_not_be_typed_in_the_name_of_an_appraisal_is_malformed(
    uow: UnitOfWork, office: TinyOffice, code: str
) -> None:
    with pytest.raises(Malformed, match="cannot name a cycle") as refusal:
        new(uow, office, code, period=(dt.date(2026, 1, 1), dt.date(2026, 3, 31)))
    assert refusal.value.code == "bad-code"


def test_a_code_is_used_once(uow: UnitOfWork, office: TinyOffice) -> None:
    new(uow, office)
    with pytest.raises(Conflict, match="There is a cycle 2026Q1 already") as refusal:
        new(uow, office)
    assert refusal.value.code == "cycle-exists"


@pytest.mark.parametrize("by", [CLERK, DIRECTOR, PRESIDENT])
def test_only_hr_plans_and_cancels(uow: UnitOfWork, office: TinyOffice, by: str) -> None:
    with pytest.raises(Refused, match="Only an HR officer may create a cycle") as refusal:
        new(uow, office, by=by)
    assert refusal.value.code == "not-hr"
    new(uow, office)
    with pytest.raises(Refused, match="Only an HR officer may cancel a cycle"):
        cycles.cancel(uow, actor=office.actor(by), now=NOW, cycle=QUARTER, reason="No.")


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"rubrics": ["bank-offices"]}, NotFound, "There is no published rubric bank-offices"),
        ({"rubrics": [f"{RUBRIC}@7"]}, NotFound, f"There is no published rubric {RUBRIC}@7"),
        ({"rubrics": [f"{RUBRIC}@x"]}, Malformed, "does not name a version"),
        ({"workflow": "yearly"}, NotFound, "There is no published workflow yearly"),
    ],
)
def test_rubrics_and_workflow_must_be_published(
    uow: UnitOfWork, office: TinyOffice, given: dict[str, object], error: type[AppraiseError], words: str
) -> None:
    with pytest.raises(error, match=words):
        new(uow, office, **given)
    assert enrolment.cycles(uow) == ()


def changed(old: str, becomes: str) -> str:
    text = rubric_text(RUBRIC)
    assert old in text
    return text.replace(old, becomes, 1)


def test_no_rule_judges_the_past(uow: UnitOfWork, office: TinyOffice) -> None:
    """A version published after the first day is refused, or taken with a reason that the form shows (reading 12)."""
    text = changed('id = "bank-office-completed"', 'id = "late"')
    definitions.publish_rubric(uow, actor=SYSTEM, now=noon(1, 2), text=text, where="late")
    with pytest.raises(Refused, match="rubric-after-period-start: late was not in force on 2026-01-01") as refusal:
        new(uow, office, rubrics=["late"])
    assert refusal.value.code == "rubric-after-period-start"
    created = new(uow, office, rubrics=["late"], override_reason="Agreed with everybody.")
    assert isinstance(created, cycles.Created)
    with uow.read() as tx:
        reasons = tx.all(
            plain("SELECT DISTINCT t.body FROM cycle_rubric r JOIN text_body t ON t.id = r.override_reason_id")
        )
    assert [row.body for row in reasons] == ["Agreed with everybody."]
    with pytest.raises(
        Malformed, match=r"Every rubric of 2026Q2 was in force on 2026-04-01, so there is nothing to override"
    ):
        new(uow, office, "2026Q2", rubrics=["late"], override_reason="To be sure.")


def test_only_the_posts_of_a_late_rubric_carry_the_reason_it_was_let_through(
    uow: UnitOfWork, office: TinyOffice
) -> None:
    head, *posts = rubric_text(RUBRIC).replace('id = "bank-office-completed"', 'id = "late"', 1).split("[[posts]]")
    text = "[[posts]]".join([head, posts[0]])
    definitions.publish_rubric(uow, actor=SYSTEM, now=noon(1, 2), text=text, where="late")
    created = new(uow, office, rubrics=[RUBRIC, "late"], override_reason="Agreed with everybody.")
    assert isinstance(created, cycles.Created)
    with uow.read() as tx:
        reasons = tx.all(
            plain("SELECT p.code FROM cycle_rubric r JOIN post p ON p.id = r.post_id WHERE override_reason_id > 0")
        )
    assert [row.code for row in reasons] == [post for post, name in created.rubrics.items() if name == "late@1"]
    assert [fault for fault in verification.verify(uow).faults if "rubric of" in fault.where] == []


def test_the_version_in_force_on_the_first_day_is_taken_and_not_a_later_one(
    uow: UnitOfWork, office: TinyOffice
) -> None:
    text = changed('title = "', 'title = "Revised: ')
    published = definitions.publish_rubric(uow, actor=SYSTEM, now=noon(2, 2), text=text, where="again")
    assert published.version == 2
    created = new(uow, office)
    assert isinstance(created, cycles.Created)
    assert set(created.rubrics.values()) == {f"{RUBRIC}@1"}
    later = new(uow, office, "2026Q2")
    assert isinstance(later, cycles.Created)
    assert set(later.rubrics.values()) == {f"{RUBRIC}@2"}
    with pytest.raises(Refused, match="rubric-after-period-start"):
        new(uow, office, "2026M01", rubrics=[f"{RUBRIC}@2"])


def test_of_two_rubrics_with_one_post_the_later_named_counts(uow: UnitOfWork, office: TinyOffice) -> None:
    definitions.publish_rubric(
        uow,
        actor=SYSTEM,
        now=dt.datetime(2025, 12, 21, tzinfo=dt.UTC),
        text=rubric_text("bank-office"),
        where="faithful",
    )
    created = new(uow, office, rubrics=[RUBRIC, "bank-office"])
    assert isinstance(created, cycles.Created)
    assert created.rubrics["director"] == "bank-office@1"


def test_cancelling_closes_the_open_items_and_keeps_everything_else(play: Play) -> None:
    play.bring("review")
    hr = play.office.actor(OFFICER)
    with pytest.raises(Refused, match="needs a reason"):
        cycles.cancel(play.uow, actor=hr, now=NOW, cycle=QUARTER, reason=" ")
    cycles.cancel(play.uow, actor=hr, now=NOW, cycle=QUARTER, reason="Wrong rubric.")
    assert play.rows("SELECT id FROM work_item WHERE closed_at IS NULL OR next_action_at IS NOT NULL") == []
    assert len(play.moves()) == 2
    event = play.rows("SELECT payload FROM event WHERE kind = 'cancelled'")[0]
    text_id, digest = json.loads(event.payload)["reason"]
    stored = play.rows("SELECT body, digest FROM text_body WHERE id = :id", id=text_id)[0]
    assert (stored.body, stored.digest) == ("Wrong rubric.", digest)
    with pytest.raises(Refused, match="The cycle is cancelled, and nothing can be done any more") as refusal:
        cycles.cancel(play.uow, actor=hr, now=NOW, cycle=QUARTER, reason="Again.")
    assert refusal.value.code == "ended"


def test_after_a_cancelled_cycle_the_quarter_can_be_opened_anew_under_another_code(play: Play) -> None:
    hr = play.office.actor(OFFICER)
    cycles.cancel(play.uow, actor=hr, now=NOW, cycle=QUARTER, reason="Wrong rubric.")
    plan = Plan(play.uow, play.office)
    period = (dt.date(2026, 1, 1), dt.date(2026, 3, 31))
    cycles.new(play.uow, actor=hr, now=NOW, code="2026Q1b", rubrics=[RUBRIC], period=period)
    opened = launch.open_cycle(play.uow, actor=hr, now=NOW, cycle="2026Q1b")
    assert sum(chunk.opened for chunk in plan.run(opened)) == 6


def test_a_cycle_that_is_not_there_is_not_found(uow: UnitOfWork, office: TinyOffice) -> None:
    with pytest.raises(NotFound, match="There is no cycle 2027Q1"):
        cycles.cancel(uow, actor=office.actor(OFFICER), now=NOW, cycle="2027Q1", reason="No.")

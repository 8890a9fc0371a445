"""Each setting of what follows from changes of people: as it is by default, and as an organisation may want it."""

import datetime as dt
import json
from typing import Any

import pytest
from sqlalchemy import update

from models.columns import table_of
from models.people import Person
from services import life_settings, lives, reminders
from services.errors import Malformed, Refused
from services.life_settings import LifeSettings
from services.unit_of_work import UnitOfWork
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, PERSONNEL, noon
from tests.services.planning import Plan
from tests.services.playing import Play
from tests.services.test_lives import MONDAY, bring_to_the_end, change, holder, passed, table
from tests.services.test_work_items import sound

JANUARY = noon(1, 5)


@pytest.fixture
def plan(uow: UnitOfWork) -> Plan:
    return Plan.made(uow)


def sets(of: Plan | Play, **changes: Any) -> LifeSettings:
    kept = {name.replace("_", "-"): value for name, value in changes.items()}
    return life_settings.set_life_settings(of.uow, actor=of.office.actor(OFFICER), now=JANUARY, changes=kept)


def outcome(plan: Plan, name: str) -> tuple[str, str | None]:
    plan.dry_run()
    row = plan.roster()[name]
    return row.status, row.reason_code


def test_every_setting_has_its_default_and_its_words() -> None:
    defaults = LifeSettings().to_json()
    assert defaults.keys() == life_settings.TABLE.keys()
    assert all(words.text.endswith(".") and words.accepts for words in life_settings.TABLE.values())
    assert all(life_settings.TABLE[name].admits(value) for name, value in defaults.items())


def test_changing_one_keeps_the_others_and_stands_in_the_audit(play: Play) -> None:
    sets(play, returned="stay")
    assert sets(play, moved="keep") == LifeSettings(returned="stay", moved="keep")
    assert sets(play) == LifeSettings(returned="stay", moved="keep")
    events = play.rows("SELECT payload FROM event WHERE kind = 'person.settings' ORDER BY id")
    assert [json.loads(event.payload)["lives"]["moved"] for event in events] == ["pass-on", "keep"]
    sound(play)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"minimum_working_days": -1}, "minimum-working-days is a whole number from 0 to 250, and not -1."),
        ({"minimum_working_days": True}, "and not True."),
        ({"away_percent": 100}, "away-percent is a whole number from 1 to 99, and not 100."),
        ({"returned": "perhaps"}, "returned is come-back or stay, and not 'perhaps'."),
        ({"colour": "blue"}, "There is no setting 'colour' of people; there are minimum-working-days,"),
    ],
)
def test_what_is_no_value_is_refused_and_nothing_changes(play: Play, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(Malformed) as raised:
        sets(play, **changes)
    assert says in raised.value.sentence
    assert sets(play) == LifeSettings()


def test_only_hr_or_an_operator_sets_them(play: Play) -> None:
    clerk = play.office.actor(CLERK)
    with pytest.raises(Refused):
        life_settings.set_life_settings(play.uow, actor=clerk, now=JANUARY, changes={"moved": "keep"})
    assert sets(play) == LifeSettings()


@pytest.mark.parametrize(("days", "expected"), [(10, "not-rated"), (9, "rated"), (0, "rated")])
def test_below_how_many_days_nothing_is_rated(plan: Plan, days: int, expected: str) -> None:
    plan.change(CLERK, valid_from=dt.date(2026, 3, 19))  # nine working days
    if days != LifeSettings().minimum_working_days:
        sets(plan, minimum_working_days=days)
    assert outcome(plan, "1008@clerical")[0] == expected


@pytest.mark.parametrize(("percent", "expected"), [(50, "rated"), (30, "not-rated"), (34, "rated")])
def test_from_which_share_away_nobody_is_rated(plan: Plan, percent: int, expected: str) -> None:
    plan.absence(CLERK, dt.date(2026, 3, 4), dt.date(2026, 3, 31))  # 20 of 59 working days, 33.9 percent
    if percent != LifeSettings().away_percent:
        sets(plan, away_percent=percent)
    assert outcome(plan, "1008@clerical")[0] == expected


@pytest.mark.parametrize("stops", [False, True])
def test_whether_a_missing_address_stops_the_opening(plan: Plan, *, stops: bool) -> None:
    plan.without_email(ESCORT)
    if stops:
        sets(plan, no_address="stop")
    report = plan.dry_run()
    found = [(one.code, one.mend) for one in report.errors]
    missing = ("address-missing", "Add one, or leave the person out by name (--leave-out).")
    assert found == ([missing] if stops else [])
    assert plan.roster()["1009@escort"].status == ("blocked" if stops else "rated")


@pytest.mark.parametrize("rated", [True, False])
def test_whether_the_part_served_of_a_leaver_is_assessed(play: Play, *, rated: bool) -> None:
    if not rated:
        sets(play, leavers="not-rated")
    done = change(play, lives.left, number=CLERK, last=dt.date(2026, 3, 13))
    assert done.closed == (() if rated else ("2026Q1/1008@clerical",))
    bring_to_the_end(play)
    assert table(play)["1008@clerical"] == (("accepted", 100) if rated else ("not-rated", None))


def test_whoever_leaves_after_the_period_is_assessed_all_the_same(plan: Plan) -> None:
    sets(plan, leavers="not-rated")
    for last, expected in ((dt.date(2026, 3, 31), "rated"), (dt.date(2026, 3, 30), "not-rated")):
        person = table_of(Person)
        with plan.uow.write() as tx:
            tx.run(update(person).where(person.c.id == plan.office.people[CLERK]).values(left=last))
        assert outcome(plan, "1008@clerical")[0] == expected


@pytest.mark.parametrize("kept", [False, True])
def test_whether_a_mover_keeps_what_he_judged(play: Play, *, kept: bool) -> None:
    if kept:
        sets(play, moved="keep")
    change(
        play, lives.moved, at=noon(2, 20), number=PERSONNEL, post="deputy-security", unit="office", first=MONDAY,
        manager=DIRECTOR,
    )  # fmt: skip
    reminders.tick(play.uow, noon(3, 2))
    assert holder(play, "assessor", CLERK) == (PERSONNEL if kept else DIRECTOR)


@pytest.mark.parametrize("kept", [False, True])
def test_whether_the_holder_keeps_what_he_judged_when_another_acts(play: Play, *, kept: bool) -> None:
    if kept:
        sets(play, acting="keep")
    done = change(play, lives.acting, number=PERSONNEL, post="director", unit="office", first=MONDAY)
    assert passed(done).get(ESCORT) == (None if kept else {"reviewer": PERSONNEL})
    assert holder(play, "reviewer", ESCORT) == (DIRECTOR if kept else PERSONNEL)

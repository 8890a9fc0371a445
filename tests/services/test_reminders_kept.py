"""Ways in which a reminder of a deadline could be missed: each goes out, once, whatever came between."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import select

from models.columns import table_of
from models.people import Absence, Grant
from services import mail_choices, opening, people, reminders
from services.actors import Actor
from services.errors import Refused
from services.outbox_messages import claim_messages
from services.unit_of_work import UnitOfWork
from tests.services.builders import ESCORT
from tests.services.owed import MESSAGE, Desk, set_desk, shanghai
from tests.services.planning import OPENING, Plan

OPENED = shanghai(3, 6)
DUE = shanghai(3, 13, 18)
"""A Friday; the reminders before it belong to the mornings of Wednesday and Friday."""


@pytest.fixture
def desk(uow: UnitOfWork) -> Desk:
    """People with nothing on their desks yet; person 0 runs cycles."""
    desk = set_desk(uow)
    with uow.write() as tx:
        grant = {"person_id": desk.people[0], "role": "hr", "valid_from": dt.date(2026, 1, 1)}
        tx.insert(table_of(Grant), grant)
    return desk


def plan(desk: Desk, now: dt.datetime) -> None:
    """Plan without scheduled duties."""
    reminders.plan(desk.uow, now=now, warnings=lambda _tx, _on: ())


def told(desk: Desk) -> list[str]:
    """The reminders that are to be sent, oldest first."""
    return [kind for kind, state, _ in desk.messages() if state == "queued" and kind in reminders.REMINDERS]


def digests(desk: Desk) -> list[str]:
    """The identities of the digests that were promised."""
    with desk.uow.read() as tx:
        rows = tx.all(select(MESSAGE.c.dedupe_key).where(MESSAGE.c.kind == "digest").order_by(MESSAGE.c.id))
    return [row.dedupe_key for row in rows]


def habits(desk: Desk, now: dt.datetime, **changes: Any) -> None:
    kept = {name.replace("_", "-"): value for name, value in changes.items()}
    mail_choices.set_habits(desk.uow, actor=Actor(desk.people[0]), now=now, changes=kept)


@pytest.mark.parametrize("hour", ["07:00", "06:30"])
def test_an_earlier_hour_of_the_digest_does_not_swallow_the_reminders_of_the_day(desk: Desk, hour: str) -> None:
    desk.item(opened=OPENED, due=DUE)
    plan(desk, OPENED)
    habits(desk, shanghai(3, 10), digest_at=hour)
    plan(desk, shanghai(3, 10))
    assert told(desk) == []
    for day in (11, 12, 13):
        plan(desk, shanghai(3, day, 9))
        plan(desk, shanghai(3, day, 20))
    assert told(desk) == ["due-soon", "due-today"]


def test_a_closure_that_moves_a_reminder_into_the_past_lets_it_go_out_at_once(desk: Desk) -> None:
    """With Thursday closed, two working days before Friday is Tuesday and not Wednesday."""
    desk.item(opened=OPENED, due=DUE)
    tuesday = shanghai(3, 10)
    plan(desk, tuesday)
    assert told(desk) == []
    day = {"day": dt.date(2026, 3, 12), "kind": "closed", "name": "the office moves"}
    with desk.uow.write() as tx:
        people.lay_row(tx, "closure-days", day, actor=Actor(desk.people[0]), now=tuesday)
    for at in (tuesday, shanghai(3, 11, 9), shanghai(3, 13, 9)):
        plan(desk, at)
        plan(desk, at)
        assert told(desk) == ["due-soon", "due-today"][: 1 + (at > shanghai(3, 13, 0))]


@pytest.mark.parametrize("hour", ["18:00", "19:30"])
def test_a_digest_after_the_hour_at_which_work_is_due_is_refused(desk: Desk, hour: str) -> None:
    with pytest.raises(Refused, match=r"due at 18:00, so a digest at .* choose an earlier hour\.") as refused:
        habits(desk, OPENED, digest_at=hour)
    assert refused.value.code == "digest-late"
    habits(desk, OPENED, digest_at="17:59")


def test_looking_anew_promises_nothing_twice(desk: Desk) -> None:
    desk.item(opened=OPENED, due=DUE)
    plan(desk, OPENED)
    plan(desk, shanghai(3, 11, 9))
    for hour in ("07:00", "09:00", "07:30"):
        habits(desk, shanghai(3, 11, 10), digest_at=hour)
        plan(desk, shanghai(3, 11, 10))
    plan(desk, shanghai(3, 13, 9))
    assert told(desk) == ["due-soon", "due-today"]


def test_reminders_of_what_is_late_come_at_the_new_pace_at_once(desk: Desk) -> None:
    item = desk.item(stage="appeal", role="decider", action="object", opened=OPENED, due=DUE)
    desk.run_out(item)
    habits(desk, OPENED, overdue_every=10)
    plan(desk, shanghai(3, 16, 9))
    habits(desk, shanghai(3, 17), overdue_every=1)
    for day in (17, 18, 19):
        plan(desk, shanghai(3, day, 9))
        plan(desk, shanghai(3, day, 13))
    assert told(desk).count("overdue") == 4


def test_who_is_back_on_a_free_day_is_reminded_of_what_is_due_on_it(desk: Desk) -> None:
    sunday = shanghai(3, 15, 18)
    desk.item(opened=OPENED, due=sunday)
    absence = {"person_id": desk.people[1], "kind": "protected", "valid_from": dt.date(2026, 3, 9)}
    with desk.uow.write() as tx:
        tx.insert(table_of(Absence), {**absence, "valid_to": dt.date(2026, 3, 14)})
    day = OPENED
    while day <= shanghai(3, 15, 9):
        plan(desk, day)
        day += dt.timedelta(hours=1)
    assert told(desk) == ["due-today"]


@pytest.mark.parametrize("jump", [shanghai(3, 11, 9), shanghai(3, 12, 9), shanghai(3, 12, 23)])
def test_a_clock_that_jumps_past_a_morning_loses_no_reminder(desk: Desk, jump: dt.datetime) -> None:
    desk.item(opened=OPENED, due=DUE)
    plan(desk, OPENED)
    plan(desk, jump)
    assert told(desk) == ["due-soon"]
    plan(desk, shanghai(3, 13, 9))
    assert told(desk) == ["due-soon", "due-today"]


def test_a_planner_that_ends_with_an_older_clock_takes_nothing_from_the_newer_one(desk: Desk) -> None:
    desk.item(opened=OPENED, due=DUE)
    plan(desk, OPENED)
    plan(desk, shanghai(3, 13, 9))
    before = told(desk), digests(desk)
    plan(desk, shanghai(3, 11, 9))
    assert told(desk) == before[0]
    with desk.uow.read() as tx:
        assert reminders.planned_until(tx) == shanghai(3, 13, 9)
    plan(desk, shanghai(3, 16, 9))
    assert f"digest/person/{desk.people[1]}/2026-03-13" in digests(desk)


def test_a_digest_that_was_claimed_before_midnight_and_taken_over_after_it_does_not_stand_for_the_next_day(
    desk: Desk,
) -> None:
    desk.item(opened=OPENED, due=DUE)
    plan(desk, OPENED)
    plan(desk, shanghai(3, 11, 23, 59))
    lease = dt.timedelta(0)  # over at once, as that of a process that died
    lost = claim_messages(desk.uow, now=shanghai(3, 11, 23, 59), limit=9, lease=lease)
    again = claim_messages(desk.uow, now=shanghai(3, 12, 0, 1), limit=9, lease=lease)
    assert [one.dedupe_key for one in lost] == [one.dedupe_key for one in again]
    assert f"digest/person/{desk.people[1]}/2026-03-11" in {one.dedupe_key for one in again}
    plan(desk, shanghai(3, 13, 9))
    assert f"digest/person/{desk.people[1]}/2026-03-13" in digests(desk)
    assert told(desk) == ["due-soon", "due-today"]


@pytest.mark.parametrize("quiet", [{"quiet_days": ["wed"]}, {"quiet_from": "08:30", "quiet_to": "23:30"}])
def test_a_quiet_morning_puts_a_reminder_off_and_does_not_drop_it(desk: Desk, quiet: dict[str, Any]) -> None:
    habits(desk, OPENED, **quiet)
    desk.item(opened=OPENED, due=DUE)
    plan(desk, shanghai(3, 6, 8, 10))
    plan(desk, shanghai(3, 11, 9))
    assert told(desk) == ["due-soon"]
    wednesday = f"digest/person/{desk.people[1]}/2026-03-11"
    assert wednesday not in digests(desk)
    plan(desk, shanghai(3, 12, 8, 15))
    assert f"digest/person/{desk.people[1]}/2026-03-12" in digests(desk)
    assert told(desk) == ["due-soon"]


def test_a_chunk_of_an_opening_that_is_made_up_days_later_reminds_of_the_deadline_all_the_same(uow: UnitOfWork) -> None:
    """The days count from the opening and not from the moment a worker came to it: due on the eighth, so due soon."""
    made = Plan.made(uow)
    opened = made.open()
    late = OPENING + dt.timedelta(days=2)
    for first, last in opened.ranges:
        opening.open_chunk(uow, now=late, cycle=opened.cycle_id, first=first, last=last, at=OPENING.isoformat())
    reminders.tick(uow, late)
    rows = made.rows(
        "SELECT m.kind FROM message m JOIN work_item w ON w.id = m.work_item_id"
        " WHERE m.person_id = :person AND w.stage = 'draft'",
        person=made.office.people[ESCORT],
    )
    assert "due-soon" in [row.kind for row in rows]

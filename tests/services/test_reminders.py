import datetime as dt
import threading

import pytest
from sqlalchemy import select

from models.columns import table_of
from models.cycles import Cycle
from models.people import Absence
from services import reminders
from services.duty_calendar import DutyWarning
from services.unit_of_work import Transaction, UnitOfWork
from tests.services.owed import MESSAGE, Desk, set_desk, shanghai

FRIDAY_OPENING = shanghai(3, 6)
DUE = shanghai(3, 13, 18)


@pytest.fixture
def desk(uow: UnitOfWork) -> Desk:
    """People with nothing on their desks yet."""
    return set_desk(uow)


def kinds(desk: Desk) -> list[str]:
    """The kinds of the messages that are to be sent."""
    return [kind for kind, state, _ in desk.messages() if state == "queued"]


def no_duties(_tx: Transaction, _on: dt.date) -> tuple[()]:
    """An office without scheduled duties."""
    return ()


def plan(desk: Desk, now: dt.datetime) -> reminders.Planned:
    """Plan without scheduled duties."""
    return reminders.plan(desk.uow, now=now, warnings=no_duties)


def test_somebody_is_told_when_his_turn_comes_then_twice_before_the_deadline_then_every_second_working_day(
    desk: Desk,
) -> None:
    desk.item(opened=FRIDAY_OPENING, due=DUE)
    told: list[tuple[int, int]] = []
    seen: list[str] = []
    day = dt.date(2026, 3, 6)
    while day <= dt.date(2026, 3, 20):
        plan(desk, shanghai(day.month, day.day))
        for kind in kinds(desk)[len(seen) :]:
            told.append((day.month, day.day))
            seen.append(kind)
        day += dt.timedelta(days=1)

    assert seen == ["your-turn", "due-soon", "due-today", "overdue", "overdue", "overdue"]
    assert told == [(3, 6), (3, 11), (3, 13), (3, 16), (3, 18), (3, 20)]


def test_planning_again_promises_nothing_more(desk: Desk) -> None:
    desk.item(opened=FRIDAY_OPENING, due=DUE)

    first = plan(desk, shanghai(3, 11))
    second = plan(desk, shanghai(3, 11))

    assert (first.promised, second.promised, second.items) == (2, 0, 0)
    assert kinds(desk) == ["your-turn", "due-soon"]


def test_a_planner_that_slept_over_several_days_sends_the_last_reminder_and_shows_the_others_as_superseded(
    desk: Desk,
) -> None:
    desk.item(stage="appeal", role="decider", action="object", opened=FRIDAY_OPENING, due=DUE)

    plan(desk, shanghai(3, 19))

    assert sorted(kinds(desk)) == ["objection-made", "overdue"]
    assert [kind for kind, state, error in desk.messages() if (state, error) == ("cancelled", "superseded")] == [
        "due-soon",
        "due-today",
        "overdue",
    ]


def test_the_clock_acts_before_anybody_is_told_that_he_is_late(desk: Desk) -> None:
    desk.item(opened=FRIDAY_OPENING, due=DUE)

    plan(desk, shanghai(3, 19))

    assert desk.jobs() == [("deadlines.run-out", "due", 0)]
    assert kinds(desk) == ["your-turn"]
    assert [kind for kind, state, error in desk.messages() if error == "superseded"].count("overdue") == 2

    plan(desk, shanghai(3, 24))

    assert desk.jobs() == [("deadlines.run-out", "due", 0)], "it is owed once"
    assert kinds(desk) == ["your-turn", "overdue"], "what nobody could take stays owed, and he is told"


def test_planning_once_for_a_week_or_every_hour_of_it_leaves_the_same_obligations_known(desk: Desk) -> None:
    hourly = desk.item(opened=FRIDAY_OPENING, due=DUE)
    at = FRIDAY_OPENING
    while at <= shanghai(3, 19):
        plan(desk, at)
        at += dt.timedelta(hours=1)
    late = desk.item(holder=2, opened=FRIDAY_OPENING, due=DUE, appraisal=1)
    plan(desk, shanghai(3, 19))

    with desk.uow.read() as tx:
        keys = [
            sorted(
                row.dedupe_key.split("/", 4)[4]
                for row in tx.all(select(MESSAGE.c.dedupe_key).where(MESSAGE.c.work_item_id == item))
            )
            for item in (hourly, late)
        ]
    assert keys[0] == keys[1]
    assert len(keys[0]) == 5


def test_planners_at_the_same_moment_promise_each_message_once(desk: Desk) -> None:
    for person in range(3):
        desk.item(holder=person, opened=FRIDAY_OPENING, due=DUE, appraisal=person)
    together = threading.Barrier(4)

    def run() -> None:
        together.wait()
        plan(desk, shanghai(3, 13))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    plan(desk, shanghai(3, 13))

    assert sorted(kinds(desk)) == ["due-today"] * 3 + ["your-turn"] * 3


def test_a_closed_item_is_reminded_of_no_more(desk: Desk) -> None:
    item = desk.item(opened=FRIDAY_OPENING, due=DUE)
    plan(desk, FRIDAY_OPENING)
    desk.change_item(item, closed_at=shanghai(3, 9), next_action_at=None)

    assert plan(desk, shanghai(3, 20)).items == 0
    assert kinds(desk) == ["your-turn"]


def test_a_result_is_announced_as_released_and_has_no_reminders_until_notice_is_proven(desk: Desk) -> None:
    item = desk.item(holder=0, stage="signoff", role="appraisee", action="approve", opened=FRIDAY_OPENING, due=None)

    plan(desk, shanghai(3, 20))

    assert kinds(desk) == ["released"]
    assert desk.item_row(item)["next_action_at"] is None


def test_a_returned_appraisal_says_so(desk: Desk) -> None:
    desk.item(action="return", opened=FRIDAY_OPENING, due=DUE)

    plan(desk, FRIDAY_OPENING)

    assert kinds(desk) == ["returned"]


def test_nobody_is_reminded_of_a_cancelled_cycle(desk: Desk) -> None:
    desk.item(opened=FRIDAY_OPENING, due=DUE)
    with desk.uow.write() as tx:
        tx.run(table_of(Cycle).update().values(state="cancelled", version=2))

    plan(desk, shanghai(3, 20))

    assert desk.messages() == []


def test_who_is_away_under_protection_is_told_of_his_turn_and_never_of_being_late(desk: Desk) -> None:
    desk.item(opened=FRIDAY_OPENING, due=DUE)
    absence = {"person_id": desk.people[1], "kind": "protected", "valid_from": dt.date(2026, 3, 1)}
    with desk.uow.write() as tx:
        tx.insert(table_of(Absence), {**absence, "valid_to": dt.date(2026, 3, 22)})

    plan(desk, shanghai(3, 20))
    assert kinds(desk) == ["your-turn"]

    plan(desk, shanghai(3, 24))
    assert kinds(desk) == ["your-turn", "overdue"]


def test_a_duty_without_a_record_is_warned_of_once_and_not_after_its_month(desk: Desk) -> None:
    asked: list[dt.date] = []

    def warnings(_tx: Transaction, on: dt.date) -> list[DutyWarning]:
        asked.append(on)
        if on < dt.date(2026, 3, 25):
            return []
        month = f"{on:%Y-%m}"
        last = dt.date(2026, 3, 31)
        return [DutyWarning(desk.assignments[0], desk.people[0], "A1.1", month, last)]

    reminders.plan(desk.uow, now=shanghai(3, 23), warnings=warnings)
    reminders.plan(desk.uow, now=shanghai(3, 26), warnings=warnings)
    reminders.plan(desk.uow, now=shanghai(3, 27), warnings=warnings)
    assert desk.messages() == [("duty-missing", "queued", None)]
    assert asked[:5] == [dt.date(2026, 3, day) for day in (23, 23, 24, 25, 26)]

    reminders.plan(desk.uow, now=shanghai(5, 2), warnings=warnings)
    states = [(state, error) for _, state, error in desk.messages()]
    assert states.count(("cancelled", "superseded")) == 1  # April, over before anybody planned
    assert states.count(("queued", None)) == 2  # March, and May, which is not over


def test_the_holders_of_a_duty_are_warned_in_the_last_five_working_days_of_its_month(desk: Desk) -> None:
    reminders.tick(desk.uow, shanghai(1, 23))
    assert desk.messages() == []

    reminders.tick(desk.uow, shanghai(1, 27))
    reminders.tick(desk.uow, shanghai(1, 29))
    assert desk.messages() == [("duty-missing", "queued", None)] * len(desk.people)

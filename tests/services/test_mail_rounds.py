import datetime as dt
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import select

from models.columns import table_of
from models.people import Absence, Grant
from services import announcements, mail_habits, reminders
from services.mail import Sender, send_due
from services.outbox import promise
from services.outbox_jobs import record_failure
from services.unit_of_work import UnitOfWork
from tests.services.owed import ITEM, MESSAGE, Desk, set_desk, shanghai
from tests.services.smtp import Server, running

MONDAY = shanghai(3, 16, 9)
DUE = shanghai(3, 11, 18)


@pytest.fixture
def desk(uow: UnitOfWork) -> Desk:
    """People with nothing on their desks yet; person 0 runs cycles and operates Appraise."""
    desk = set_desk(uow)
    with uow.write() as tx:
        for role in ("hr", "operator"):
            grant = {"person_id": desk.people[0], "role": role, "valid_from": dt.date(2026, 1, 1)}
            tx.insert(table_of(Grant), grant)
    return desk


@pytest.fixture
def server() -> Server:
    """A mail server that does as it is told."""
    return Server()


@pytest.fixture
def sender(server: Server, tmp_path: Path) -> Iterator[Sender]:
    """A sender to that server."""
    with running(server, tmp_path) as ready:
        yield ready


def pass_time(desk: Desk, sender: Sender, now: dt.datetime) -> None:
    """Plan without scheduled duties, and send."""
    reminders.plan(desk.uow, now=now, warnings=lambda _tx, _on: ())
    send_due(desk.uow, sender, now=now)


def body(letter: EmailMessage) -> str:
    """The text of a mail."""
    part = letter.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def about(server: Server, beginning: str) -> list[EmailMessage]:
    """The mails whose subject begins so."""
    return [letter for letter in server.letters() if letter["Subject"].startswith(beginning)]


def promised(desk: Desk, kind: str) -> list[tuple[str, str | None]]:
    """State and error of the messages of a kind."""
    return [(state, error) for found, state, error in desk.messages() if found == kind]


def test_hr_gets_the_list_of_who_is_late_once_a_week_with_unit_holder_days_and_last_reminder(
    desk: Desk, server: Server, sender: Sender
) -> None:
    desk.run_out(desk.item(opened=shanghai(3, 4), due=DUE))
    desk.item(holder=2, opened=shanghai(3, 4), due=shanghai(3, 20, 18), appraisal=1)
    pass_time(desk, sender, shanghai(3, 13, 9))
    assert promised(desk, "monday-list") == []

    for day in (16, 17, 18):
        pass_time(desk, sender, shanghai(3, day, 9))

    (letter,) = about(server, "Late this week")
    assert letter["To"] == "p0@example.org"
    assert letter["Subject"] == "Late this week: 1"
    assert (
        "- Office: Wang Fang (1001), 2026Q1, with Li Na (1002), 3 working days late, last reminded: 2026-03-16 09:00"
        in body(letter)
    )
    assert promised(desk, "monday-list") == [("sent", None)]


def test_a_planner_that_slept_over_monday_makes_the_list_up_and_nobody_late_is_no_list(
    desk: Desk, server: Server, sender: Sender
) -> None:
    pass_time(desk, sender, shanghai(3, 13, 9))
    pass_time(desk, sender, shanghai(3, 18, 9))

    assert promised(desk, "monday-list") == [("cancelled", "nobody-late")]
    assert server.mails == []


def test_who_is_away_under_protection_is_on_no_list_of_who_is_late(desk: Desk, server: Server, sender: Sender) -> None:
    desk.item(opened=shanghai(3, 4), due=DUE)
    absence = {"person_id": desk.people[1], "kind": "protected", "valid_from": dt.date(2026, 3, 5)}
    with desk.uow.write() as tx:
        tx.insert(table_of(Absence), absence)

    pass_time(desk, sender, MONDAY)

    assert about(server, "Late") == []


def test_the_operator_is_told_of_open_failures_once_a_day_while_they_are_open(
    desk: Desk, server: Server, sender: Sender
) -> None:
    with desk.uow.write() as tx:
        for number in (1, 2):
            record_failure(tx, "job", number, "unknown-cycle", details={}, at=MONDAY)
    for hour in (9, 12, 15):
        pass_time(desk, sender, shanghai(3, 16, hour))
    pass_time(desk, sender, shanghai(3, 17, 9))

    told = about(server, "Failures to decide about: 2")
    assert len(told) == 2
    assert "- job: unknown-cycle, 2, since 2026-03-16 09:00" in body(told[0])


def test_a_week_begins_on_its_first_working_day_on_which_mails_go_out(desk: Desk) -> None:
    with desk.uow.read() as tx:
        # Qingming: Monday 6 April 2026 is a holiday in China.
        assert mail_habits.first_day_of_week(tx, dt.date(2026, 4, 8)) == dt.date(2026, 4, 7)
        assert mail_habits.first_day_of_week(tx, dt.date(2026, 3, 18)) == dt.date(2026, 3, 16)


def test_what_is_passed_upward_is_told_to_the_new_holder_at_once_and_once(
    desk: Desk, server: Server, sender: Sender
) -> None:
    desk.item(holder=0, action="pass-on", opened=MONDAY, due=shanghai(3, 20, 18), appraisal=2)
    for hours in range(2):
        pass_time(desk, sender, MONDAY + dt.timedelta(hours=hours))

    assert [(letter["To"], letter["Subject"]) for letter in server.letters()] == [
        ("p0@example.org", "Passed to you: Scoring, Zhao Min, 2026Q1"),
    ]


def test_a_deadline_that_moved_is_told_with_its_entry_in_the_calendar_once(
    desk: Desk, server: Server, sender: Sender
) -> None:
    item = desk.item(opened=shanghai(3, 13, 9), due=shanghai(3, 18, 18))
    pass_time(desk, sender, shanghai(3, 13, 9))
    moved = shanghai(3, 27, 18)
    desk.change_item(item, due_at=moved, next_action_at=MONDAY)
    for _ in range(2):
        with desk.uow.write() as tx:
            open_item = tx.all(select(ITEM).where(ITEM.c.id == item))
            announcements.deadlines_moved(tx, open_item, moved, MONDAY)
    pass_time(desk, sender, MONDAY)

    (letter,) = about(server, "New deadline 2026-03-27: Scoring")
    (entry,) = letter.iter_attachments()
    assert "SEQUENCE:1\n" in str(entry.get_content()).replace("\r", "")
    assert "DTSTART:20260327T100000Z" in str(entry.get_content())


def test_an_objection_goes_at_once_to_who_decides_it(desk: Desk, server: Server, sender: Sender) -> None:
    desk.item(stage="appeal", role="decider", action="object", opened=MONDAY, due=shanghai(3, 23, 18))

    pass_time(desk, sender, MONDAY)

    (letter,) = server.letters()
    assert letter["Subject"] == "Decide the objection of Wang Fang, 2026Q1"


def test_every_promise_of_a_round_is_made_once_however_often_it_is_planned(desk: Desk) -> None:
    with desk.uow.write() as tx:
        record_failure(tx, "job", 1, "unknown-cycle", details={}, at=MONDAY)
    for _ in range(3):
        reminders.plan(desk.uow, now=MONDAY, warnings=lambda _tx, _on: ())
    with desk.uow.read() as tx:
        keys = [row.dedupe_key for row in tx.all(select(MESSAGE.c.dedupe_key).order_by(MESSAGE.c.id))]
    person = desk.people[0]
    assert sorted(keys) == [f"failures/2026-03-16/person/{person}", f"monday-list/2026-W12/person/{person}"]


def test_who_holds_a_work_item_no_more_has_it_taken_out_of_his_calendar_if_it_was_in_any(
    desk: Desk, server: Server, sender: Sender
) -> None:
    known, unknown = (desk.item(opened=MONDAY, due=shanghai(3, 20, 18), appraisal=place) for place in (0, 2))
    desk.change_item(unknown, next_action_at=None)
    pass_time(desk, sender, MONDAY)
    for item in (known, unknown):
        desk.change_item(item, holder_id=desk.people[0])
        key = {"person_id": desk.people[1], "dedupe_key": f"passed-on/{item}", "work_item_id": item}
        with desk.uow.write() as tx:
            promise(tx, kind="passed-on", now=MONDAY, **key)
    send_due(desk.uow, sender, now=MONDAY)

    told, silent = about(server, "No longer with you")
    (entry,) = told.iter_attachments()
    lines = str(entry.get_content()).splitlines()
    assert {"METHOD:CANCEL", "STATUS:CANCELLED", "SEQUENCE:1"} <= set(lines)
    assert list(silent.iter_attachments()) == []

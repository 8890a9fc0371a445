import datetime as dt
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import select

from models.columns import table_of
from models.outbox import MailChoice
from models.people import Absence, Contact
from services import reminders
from services.database_clock import wall_time
from services.digests import promise_digests
from services.mail import Sender, send_due
from services.mail_letters import NOTICES_HEADER
from services.outbox import owe_job, promise
from services.outbox_messages import MAIL_RETRY, decide_message
from services.unit_of_work import UnitOfWork
from tests.services.clocking import work_off
from tests.services.owed import ITEM, JOB, MESSAGE, Desk, set_desk, shanghai
from tests.services.smtp import Server, running

OPENED = shanghai(3, 6, 9)
TUESDAY = shanghai(3, 17, 9)
REST = MAIL_RETRY.first_rest


@pytest.fixture
def desk(uow: UnitOfWork) -> Desk:
    """People with nothing on their desks yet."""
    return set_desk(uow)


@pytest.fixture
def server() -> Server:
    """A mail server that does as it is told."""
    return Server()


@pytest.fixture
def sender(server: Server, tmp_path: Path) -> Iterator[Sender]:
    """A sender to that server."""
    with running(server, tmp_path) as ready:
        yield ready


@pytest.fixture
def wall() -> dt.datetime:
    """A moment by the database's clock after everything that the test has promised."""
    return dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)


def plan(desk: Desk, now: dt.datetime) -> None:
    """Plan without scheduled duties."""
    reminders.plan(desk.uow, now=now, warnings=lambda _tx, _on: ())


def text(letter: EmailMessage, kind: str = "plain") -> str:
    """One of the bodies of a mail."""
    part = letter.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def calendar(letter: EmailMessage) -> str:
    """The calendar file of a mail, unfolded."""
    (part,) = letter.iter_attachments()
    assert part.get_content_type() == "text/calendar"
    return str(part.get_content()).replace("\r\n ", "").replace("\n ", "")


def owe_everything(desk: Desk) -> list[int]:
    """Lay on the desk of person 1, by 17 March: one thing late, one due today, one due soon, one new, one duty."""
    items = [
        desk.item(opened=OPENED, due=shanghai(3, 12, 18), appraisal=0),
        desk.item(opened=OPENED, due=shanghai(3, 17, 18), appraisal=1, stage="review", role="reviewer"),
        desk.item(opened=OPENED, due=shanghai(3, 19, 18), appraisal=2),
    ]
    desk.run_out(*items)
    plan(desk, OPENED)
    settled = MESSAGE.update().values(state="sent", due_at=None, sent_at=OPENED)
    with desk.uow.write() as tx:
        tx.run(settled)
    with desk.uow.write() as tx:
        payload = {"assignment": desk.assignments[1], "rule": "A1.1", "month": "2026-03"}
        promise(tx, kind="duty-missing", person_id=desk.people[1], dedupe_key="d", now=TUESDAY, payload=payload)
    return items


def test_one_mail_of_the_day_holds_everything_due_the_most_urgent_first_with_days_left_and_links(
    desk: Desk, server: Server, sender: Sender
) -> None:
    owe_everything(desk)
    plan(desk, TUESDAY)

    assert send_due(desk.uow, sender, now=TUESDAY) == {"sent": 1}

    (letter,) = server.letters()
    assert letter["Subject"] == "To do: 1 overdue, 1 due today, 1 due soon, 1 to record"
    body = text(letter)
    headings = ["Overdue", "Due today", "Due soon", "Not recorded yet"]
    assert [line for line in body.splitlines() if line in headings] == headings
    assert "2026Q1/1001@deputy-security (Wang Fang, Deputy), due 2026-03-12 18:00, 3 working days late" in body
    assert "due 2026-03-17 18:00, due today" in body
    assert "due 2026-03-19 18:00, 2 working days left" in body
    assert "Record your duty for 2026-03: rule A1.1, 10 working days left" in body
    for number in (1001, 1002, 1003):
        assert f"  https://appraise.bank.example/appraisals/2026Q1/{number}@deputy-security" in body
    assert "All of it: https://appraise.bank.example/work" in body
    assert calendar(letter).count("BEGIN:VEVENT") == 3
    assert len(letter[NOTICES_HEADER].split()) == 4
    told = sorted(kind for kind, state, _ in desk.messages() if state == "sent" and kind != "your-turn")
    assert told == ["due-soon", "due-today", "duty-missing", "overdue"]


def test_a_second_digest_comes_the_next_day_and_not_before(desk: Desk, server: Server, sender: Sender) -> None:
    desk.item(opened=OPENED, due=shanghai(3, 13, 18))
    plan(desk, OPENED)
    send_due(desk.uow, sender, now=OPENED)
    desk.item(opened=shanghai(3, 6, 10), due=shanghai(3, 13, 18), appraisal=1)

    for hour in (10, 15, 23):
        plan(desk, shanghai(3, 6, hour))
        assert send_due(desk.uow, sender, now=shanghai(3, 6, hour)) == {}
    plan(desk, shanghai(3, 7, 7, 59))
    assert send_due(desk.uow, sender, now=shanghai(3, 7, 7, 59)) == {}
    plan(desk, shanghai(3, 7, 8))
    assert send_due(desk.uow, sender, now=shanghai(3, 7, 8)) == {"sent": 1}
    assert len(server.mails) == 2


def test_a_single_thing_is_told_in_its_own_words(desk: Desk, server: Server, sender: Sender) -> None:
    desk.item(opened=OPENED, due=shanghai(3, 13, 18))
    plan(desk, OPENED)

    send_due(desk.uow, sender, now=OPENED)

    assert server.letters()[0]["Subject"] == "Your turn: Scoring, Wang Fang, 2026Q1"


def test_two_notices_about_one_work_item_are_one_thing_to_do(desk: Desk, server: Server, sender: Sender) -> None:
    desk.run_out(desk.item(opened=OPENED, due=shanghai(3, 13, 18)))
    plan(desk, shanghai(3, 16))

    assert send_due(desk.uow, sender, now=shanghai(3, 16)) == {"sent": 1}

    assert server.letters()[0]["Subject"] == "Overdue since 2026-03-13: Scoring, Wang Fang, 2026Q1"
    assert sorted(kind for kind, state, _ in desk.messages() if state == "sent") == ["overdue", "your-turn"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"closed_at": TUESDAY, "next_action_at": None}, "done"),
        ({"holder_id": 1}, "passed-on"),
        ({"due_at": shanghai(3, 27, 18)}, "due-moved"),
    ],
)
def test_what_is_not_owed_any_more_is_left_out_and_a_digest_with_nothing_left_is_cancelled(
    desk: Desk, server: Server, sender: Sender, change: dict[str, object], reason: str
) -> None:
    first, second, third = owe_everything(desk)
    plan(desk, TUESDAY)
    desk.change_item(first, **change)

    assert send_due(desk.uow, sender, now=TUESDAY) == {"sent": 1}
    assert server.letters()[0]["Subject"] == "To do: 1 due today, 1 due soon, 1 to record"
    assert [error for _, state, error in desk.messages() if state == "cancelled" and error != "superseded"] == [reason]

    later = shanghai(3, 23, 9)
    desk.change_item(second, closed_at=later, next_action_at=None)
    plan(desk, later)
    desk.change_item(third, closed_at=later, next_action_at=None)
    desk.change_item(first, closed_at=later, next_action_at=None)
    assert set(send_due(desk.uow, sender, now=later)) == {"cancelled"}
    assert desk.digests()[-1] == ("cancelled", "nothing-left")
    assert len(server.mails) == 1


def test_what_is_done_while_the_mail_is_on_its_way_is_left_out_of_it(
    desk: Desk, server: Server, sender: Sender, wall: dt.datetime
) -> None:
    first, *_ = owe_everything(desk)
    plan(desk, TUESDAY)

    def finish() -> None:
        desk.change_item(first, closed_at=TUESDAY, next_action_at=None)

    server.before["RCPT"] = [finish]
    assert send_due(desk.uow, sender, now=TUESDAY, wall=wall) == {"queued": 1}
    assert server.mails == []
    assert send_due(desk.uow, sender, now=TUESDAY, wall=wall + REST) == {"sent": 1}
    assert "overdue" not in server.letters()[0]["Subject"]


def test_a_digest_in_doubt_that_somebody_must_get_is_repeated_with_the_same_things_and_no_new_ones(
    desk: Desk, server: Server, sender: Sender, wall: dt.datetime
) -> None:
    desk.item(opened=OPENED, due=shanghai(3, 13, 18))
    plan(desk, OPENED)
    server.answers["DATA"] = ["disconnect"]
    assert send_due(desk.uow, sender, now=OPENED, wall=wall) == {"in-doubt": 1}
    assert desk.messages() == [("your-turn", "in-doubt", None)]
    desk.item(opened=OPENED, due=shanghai(3, 13, 18), appraisal=1)
    plan(desk, shanghai(3, 6, 10))

    assert send_due(desk.uow, sender, now=shanghai(3, 6, 10), wall=wall + REST) == {"sent": 1}

    one, two = server.letters()
    assert one["Message-ID"] == two["Message-ID"]
    assert one[NOTICES_HEADER] == two[NOTICES_HEADER]
    assert [state for _, state, _ in desk.messages()] == ["sent", "queued"]


@pytest.mark.parametrize("decided", [("sent", "sent"), ("cancelled", "cancelled"), ("queued", "in-doubt")])
def test_reminders_in_doubt_wait_for_an_operator_and_end_as_he_decides(
    desk: Desk, server: Server, sender: Sender, wall: dt.datetime, decided: tuple[str, str]
) -> None:
    decision, becomes = decided
    owe_everything(desk)
    plan(desk, TUESDAY)
    server.answers["DATA"] = ["disconnect"]
    assert send_due(desk.uow, sender, now=TUESDAY, wall=wall) == {"in-doubt": 1}
    assert send_due(desk.uow, sender, now=TUESDAY, wall=wall + dt.timedelta(days=1)) == {}
    assert desk.failures() == [("message", "in-doubt", False)]
    with desk.uow.read() as tx:
        digest = tx.scalar(select(MESSAGE.c.id).where(MESSAGE.c.kind == "digest", MESSAGE.c.state == "in-doubt"))
        bound = {row.id for row in tx.all(select(MESSAGE.c.id).where(MESSAGE.c.digest_id == digest))}

    assert decide_message(desk.uow, digest, decision, now=TUESDAY, wall=wall)

    with desk.uow.read() as tx:
        states = {row.state for row in tx.all(select(MESSAGE.c.state).where(MESSAGE.c.id.in_(bound)))}
    assert states == {becomes}
    if decision == "queued":
        assert send_due(desk.uow, sender, now=TUESDAY, wall=wall) == {"sent": 1}
        assert len({letter["Message-ID"] for letter in server.letters()}) == 1


def test_a_digest_that_bounces_for_good_fails_with_its_notices_and_a_retry_gathers_them_anew(
    desk: Desk, server: Server, sender: Sender, wall: dt.datetime
) -> None:
    desk.item(opened=OPENED, due=shanghai(3, 13, 18))
    plan(desk, OPENED)
    server.answers["DATA"] = ["554 no"]
    assert send_due(desk.uow, sender, now=OPENED, wall=wall) == {"failed": 1}
    assert desk.messages() == [("your-turn", "failed", "smtp-554")]
    with desk.uow.read() as tx:
        digest = tx.scalar(select(MESSAGE.c.id).where(MESSAGE.c.kind == "digest"))

    assert decide_message(desk.uow, digest, "queued", now=OPENED, wall=wall)
    assert send_due(desk.uow, sender, now=OPENED, wall=wall) == {"sent": 1}
    assert desk.messages() == [("your-turn", "sent", None)]


def test_who_is_away_under_protection_or_has_switched_it_off_is_not_reminded(
    desk: Desk, server: Server, sender: Sender
) -> None:
    owe_everything(desk)
    plan(desk, TUESDAY)
    person = desk.people[1]
    with desk.uow.write() as tx:
        tx.insert(table_of(MailChoice), {"person_id": person, "kind": "due-soon", "at": TUESDAY})
        tx.insert(table_of(MailChoice), {"person_id": person, "kind": "overdue", "at": TUESDAY})

    send_due(desk.uow, sender, now=TUESDAY)
    # What is late cannot be switched off, whatever a row says.
    assert server.letters()[0]["Subject"] == "To do: 1 overdue, 1 due today, 1 to record"

    wednesday = shanghai(3, 20, 9)
    plan(desk, wednesday)
    with desk.uow.write() as tx:
        absence = {"person_id": person, "kind": "protected", "valid_from": wednesday.date()}
        tx.insert(table_of(Absence), absence)
    assert send_due(desk.uow, sender, now=wednesday) == {"cancelled": 1}
    assert "away" in {error for _, _, error in desk.messages()}


def test_a_person_without_an_address_has_his_digest_and_its_notices_on_the_list(
    desk: Desk, server: Server, sender: Sender
) -> None:
    desk.item(holder=2, opened=OPENED, due=shanghai(3, 13, 18), appraisal=1)
    plan(desk, OPENED)

    assert send_due(desk.uow, sender, now=OPENED) == {"listed": 1}
    assert desk.messages() == [("your-turn", "listed", "no-address")]
    assert server.mails == []


def test_a_digest_in_chinese_has_its_headings_and_days_in_chinese(desk: Desk, server: Server, sender: Sender) -> None:
    contact = {"person_id": desk.people[2], "email": "zhao@example.org", "valid_from": dt.date(2026, 1, 1)}
    with desk.uow.write() as tx:
        tx.insert(table_of(Contact), contact)
    for appraisal, day in ((0, 12), (1, 17)):
        desk.run_out(desk.item(holder=2, opened=OPENED, due=shanghai(3, day, 18), appraisal=appraisal))
    plan(desk, TUESDAY)

    send_due(desk.uow, sender, now=TUESDAY)

    (letter,) = server.letters()
    assert letter["Subject"] == "待办：逾期1项、今日到期1项"
    assert "已逾期3个工作日" in text(letter)
    assert '<html lang="zh">' in text(letter, "html")


def test_the_entry_in_the_calendar_moves_with_the_deadline_under_the_same_uid(
    desk: Desk, server: Server, sender: Sender
) -> None:
    item = desk.item(opened=OPENED, due=shanghai(3, 13, 18))
    told = []
    for now, due in ((OPENED, None), (shanghai(3, 13, 9), None), (shanghai(3, 18, 9), shanghai(3, 20, 18))):
        if due is not None:
            desk.change_item(item, due_at=due, next_action_at=now - dt.timedelta(hours=2))
        plan(desk, now)
        send_due(desk.uow, sender, now=now)
        entry = dict(line.split(":", 1) for line in calendar(server.letters()[-1]).splitlines() if ":" in line)
        told.append((entry["UID"], entry["SEQUENCE"], entry["DTSTART"]))

    uids, sequences, starts = zip(*told, strict=True)
    assert len(server.mails) == 3
    assert len(set(uids)) == 1
    assert sequences == ("0", "0", "1")
    assert starts == ("20260313T100000Z", "20260313T100000Z", "20260320T100000Z")


def test_senders_and_planners_at_once_make_one_digest_of_the_day(desk: Desk) -> None:
    desk.item(opened=OPENED, due=shanghai(3, 13, 18))
    plan(desk, OPENED)
    with desk.uow.write() as tx:
        assert promise_digests(tx, now=OPENED) == 0
    assert desk.digests() == [("queued", None)]


def test_a_notice_that_cannot_be_read_is_shown_to_an_operator_and_the_others_go_out(
    desk: Desk, server: Server, sender: Sender
) -> None:
    desk.item(opened=OPENED, due=shanghai(3, 13, 18))
    with desk.uow.write() as tx:
        promise(tx, kind="duty-missing", person_id=desk.people[1], dedupe_key="poison", now=OPENED)
    plan(desk, OPENED)

    assert send_due(desk.uow, sender, now=OPENED) == {"sent": 1}

    assert len(server.mails) == 1
    assert desk.messages() == [("duty-missing", "failed", "KeyError"), ("your-turn", "sent", None)]
    assert desk.failures() == [("message", "KeyError", False)]


@pytest.mark.parametrize("rest", [dt.timedelta(0), dt.timedelta(minutes=5)], ids=["due", "to-be-tried-again"])
def test_a_digest_waits_until_a_cycle_is_opened_and_then_holds_all_of_it(desk: Desk, rest: dt.timedelta) -> None:
    with desk.uow.write() as tx:
        due = wall_time(tx) + rest
        owe_job(tx, name="cycle.open-chunk", args={}, dedupe_key="chunk", now=OPENED, due_at=due)
    desk.item(opened=OPENED, due=shanghai(3, 13, 18))
    plan(desk, OPENED)
    assert desk.digests() == []

    with desk.uow.write() as tx:
        tx.run(JOB.update().values(state="done", due_at=None))
    plan(desk, OPENED)
    assert desk.digests() == [("queued", None)]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_digest_waits_for_what_another_planner_is_about_to_note(desk: Desk, server: Server, sender: Sender) -> None:
    before_eight = shanghai(3, 6, 7)
    desk.item(opened=before_eight, due=shanghai(3, 13, 18))
    plan(desk, before_eight)
    desk.item(opened=OPENED, due=shanghai(3, 13, 18), appraisal=1)

    with desk.uow.write() as other:
        other.all(select(ITEM).with_for_update())
        plan(desk, OPENED)
        assert desk.digests() == []
    plan(desk, OPENED)

    assert send_due(desk.uow, sender, now=OPENED) == {"sent": 1}
    assert len(server.letters()[0][NOTICES_HEADER].split()) == 2


def test_a_digest_waits_until_the_clock_has_acted_on_what_is_over(desk: Desk) -> None:
    desk.item(opened=OPENED, due=shanghai(3, 13, 18))
    desk.item(opened=OPENED, due=shanghai(3, 20, 18), appraisal=1)
    plan(desk, TUESDAY)
    assert desk.digests() == []

    assert work_off(desk.uow, TUESDAY) == ["holds"]
    plan(desk, TUESDAY)
    assert desk.digests() == [("queued", None)]

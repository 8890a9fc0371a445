import datetime as dt
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from config.mail_sink import MailSink, free_port
from models.appraisals import Party
from models.columns import table_of
from models.cycles import Cycle
from models.findings import Finding
from models.outbox import Message
from models.people import Contact, Person
from services import reminders
from services.digests import promise_digests, promise_extra
from services.mail import Sender, send_due
from services.mail_server import Conversation
from services.outbox import promise
from services.outbox_messages import MAIL_RETRY
from services.unit_of_work import UnitOfWork
from tests.services.owed import Desk, set_desk, shanghai
from tests.services.smtp import Server, running, sender_to

NOW = shanghai(3, 6)
DUE = shanghai(3, 13, 18)
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


def owe_turn(desk: Desk, **values: object) -> int:
    """Open a work item of person 1 and promise the mail of it."""
    item = desk.item(opened=NOW, due=DUE, **values)  # type: ignore[arg-type]
    reminders.plan(desk.uow, now=NOW, warnings=lambda _tx, _on: ())
    return item


def owe_reminder(desk: Desk, item: int, kind: str = "reminded") -> None:
    """Promise one more message about a work item of person 1."""
    with desk.uow.write() as tx:
        promise(tx, kind=kind, person_id=desk.people[1], dedupe_key=f"{kind}/{item}", now=NOW, work_item_id=item)
        promise_extra(tx, [desk.people[1]], f"{kind}/{item}", now=NOW)


def body(letter: EmailMessage) -> str:
    """The text of a mail."""
    text = letter.get_body(("plain",))
    assert text is not None
    return str(text.get_content())


def test_a_turn_is_mailed_once_to_one_recipient_with_what_to_do_and_by_when(
    desk: Desk, server: Server, sender: Sender
) -> None:
    owe_turn(desk)

    assert send_due(desk.uow, sender, now=NOW) == {"sent": 1}
    assert send_due(desk.uow, sender, now=NOW) == {}

    (letter,) = server.letters()
    assert server.recipients == [["p1@example.org"]]
    assert letter["To"] == "p1@example.org"
    assert letter["From"] == "appraise@bank.example"
    assert letter["Subject"] == "Your turn: Scoring, Wang Fang, 2026Q1"
    assert letter["Date"].datetime == NOW
    assert letter.get_content_type() == "multipart/mixed"
    assert [part.get_content_type() for part in letter.walk() if not part.is_multipart()] == [
        "text/plain",
        "text/html",
        "text/calendar",
    ]
    text = body(letter)
    assert "Due: 2026-03-13 18:00 (5 working days left)" in text
    assert "You can: Submit the score" in text
    assert "https://appraise.bank.example/appraisals/2026Q1/1001@deputy-security" in text
    assert desk.messages() == [("your-turn", "sent", None)]


def test_a_person_who_reads_chinese_gets_a_chinese_mail(desk: Desk, server: Server, sender: Sender) -> None:
    contact = {"person_id": desk.people[2], "email": "zhao@example.org", "valid_from": dt.date(2026, 1, 1)}
    with desk.uow.write() as tx:
        tx.insert(table_of(Contact), contact)
    desk.item(holder=2, opened=NOW, due=DUE, appraisal=1)
    reminders.plan(desk.uow, now=NOW, warnings=lambda _tx, _on: ())

    send_due(desk.uow, sender, now=NOW)

    (letter,) = server.letters()
    assert letter["Subject"] == "请办理：Li Na的评分（2026Q1）"
    assert "截止：2026年03月13日 18:00" in body(letter)


def test_a_person_without_an_address_stands_on_the_list_that_hr_prints(
    desk: Desk, server: Server, sender: Sender
) -> None:
    owe_turn(desk, holder=2, appraisal=1)

    assert send_due(desk.uow, sender, now=NOW) == {"listed": 1}
    assert desk.messages() == [("your-turn", "listed", "no-address")]
    assert server.mails == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"closed_at": NOW, "next_action_at": None}, "done"),
        ({"holder_id": 1}, "passed-on"),
    ],
)
def test_who_no_longer_owes_it_when_it_is_sent_gets_no_mail(
    desk: Desk, server: Server, sender: Sender, change: dict[str, object], reason: str
) -> None:
    item = owe_turn(desk)
    desk.change_item(item, **change)

    assert send_due(desk.uow, sender, now=NOW) == {"cancelled": 1}
    assert desk.messages() == [("your-turn", "cancelled", reason)]
    assert server.mails == []


def test_nobody_is_mailed_about_a_cancelled_cycle_or_an_erased_person(
    desk: Desk, server: Server, sender: Sender
) -> None:
    owe_turn(desk)
    owe_turn(desk, holder=0, appraisal=1)
    with desk.uow.write() as tx:
        tx.run(table_of(Person).update().where(table_of(Person).c.id == desk.people[0]).values(erased_at=NOW))
        tx.run(table_of(Cycle).update().values(state="cancelled", version=2))

    send_due(desk.uow, sender, now=NOW)

    assert sorted(error or "" for _, _, error in desk.messages()) == ["cycle-cancelled", "erased"]
    assert server.mails == []


@pytest.mark.parametrize(
    "refusal",
    [
        ("MAIL", "421 closing"),
        ("MAIL", "450 later"),
        ("RCPT", "450 busy"),
        ("RCPT", "452 full"),
        ("DATA", "451 later"),
        ("DATA", "421 closing"),
    ],
)
def test_a_temporary_refusal_rests_and_is_sent_later_once(
    desk: Desk, server: Server, sender: Sender, wall: dt.datetime, refusal: tuple[str, str]
) -> None:
    command, answer = refusal
    owe_turn(desk)
    server.answers[command] = [answer]

    assert send_due(desk.uow, sender, now=NOW, wall=wall) == {"queued": 1}
    assert desk.messages() == [("your-turn", "queued", None)]
    assert desk.digests() == [("queued", f"smtp-{answer[:3]}")]
    assert send_due(desk.uow, sender, now=NOW, wall=wall + REST - dt.timedelta(seconds=1)) == {}
    assert send_due(desk.uow, sender, now=NOW, wall=wall + REST) == {"sent": 1}
    assert len(server.mails) == 1
    assert desk.failures() == []


@pytest.mark.parametrize("refusal", [("RCPT", "550 nobody"), ("DATA", "554 no")])
def test_a_lasting_refusal_is_final_and_visible_and_others_are_sent(
    desk: Desk, server: Server, sender: Sender, wall: dt.datetime, refusal: tuple[str, str]
) -> None:
    command, answer = refusal
    owe_turn(desk)
    owe_turn(desk, holder=0, appraisal=1)
    server.answers[command] = [answer]

    assert send_due(desk.uow, sender, now=NOW, wall=wall) == {"failed": 1, "sent": 1}
    assert send_due(desk.uow, sender, now=NOW, wall=wall + dt.timedelta(days=1)) == {}
    assert desk.failures() == [("message", f"smtp-{answer[:3]}", False)]
    assert len(server.mails) == 1


def test_a_result_that_bounces_proves_no_notice(desk: Desk, server: Server, sender: Sender) -> None:
    item = desk.item(holder=0, stage="signoff", role="appraisee", action="approve", opened=NOW, due=None)
    reminders.plan(desk.uow, now=NOW, warnings=lambda _tx, _on: ())
    server.answers["RCPT"] = ["550 nobody"]

    assert send_due(desk.uow, sender, now=NOW) == {"failed": 1}

    row = desk.item_row(item)
    assert (row["noticed_at"], row["due_at"]) == (None, None)


def test_handing_over_a_result_starts_the_answer_window_once(desk: Desk, server: Server, sender: Sender) -> None:
    item = desk.item(holder=0, stage="signoff", role="appraisee", action="approve", opened=NOW, due=None)
    reminders.plan(desk.uow, now=NOW, warnings=lambda _tx, _on: ())

    assert send_due(desk.uow, sender, now=NOW) == {"sent": 1}

    row = desk.item_row(item)
    assert (row["noticed_at"], row["due_at"], row["next_action_at"]) == (NOW, shanghai(3, 13, 18), NOW)
    assert "answer within 5 working days" in body(server.letters()[0])

    reminders.plan(desk.uow, now=shanghai(3, 11), warnings=lambda _tx, _on: ())
    send_due(desk.uow, sender, now=shanghai(3, 11))
    assert desk.messages() == [("released", "sent", None), ("due-soon", "sent", None)]
    assert desk.item_row(item)["noticed_at"] == NOW


def test_a_connection_lost_after_the_text_is_in_doubt_and_resend_repeats_under_the_same_message_id(
    desk: Desk, server: Server, sender: Sender, wall: dt.datetime
) -> None:
    owe_turn(desk)
    server.answers["DATA"] = ["disconnect"]

    assert send_due(desk.uow, sender, now=NOW, wall=wall) == {"in-doubt": 1}
    assert send_due(desk.uow, sender, now=NOW, wall=wall + REST) == {"sent": 1}

    first, second = server.letters()
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Message-ID"].endswith("@bank.example>")
    assert desk.messages() == [("your-turn", "sent", None)]


def test_a_connection_lost_after_the_text_leaves_a_reminder_in_doubt_for_an_operator(
    desk: Desk, server: Server, sender: Sender, wall: dt.datetime
) -> None:
    item = owe_turn(desk)
    send_due(desk.uow, sender, now=NOW, wall=wall)
    owe_reminder(desk, item)
    server.answers["DATA"] = ["disconnect"]

    assert send_due(desk.uow, sender, now=NOW, wall=wall) == {"in-doubt": 1}
    assert send_due(desk.uow, sender, now=NOW, wall=wall + dt.timedelta(days=1)) == {}

    assert [state for _, state, _ in desk.messages()] == ["sent", "in-doubt"]
    assert desk.failures() == [("message", "in-doubt", False)]
    assert len(server.mails) == 2


def test_different_obligations_have_different_message_ids_that_tell_nothing(
    desk: Desk, server: Server, sender: Sender
) -> None:
    item = owe_turn(desk)
    send_due(desk.uow, sender, now=NOW)
    owe_reminder(desk, item)
    send_due(desk.uow, sender, now=NOW)

    one, two = (letter["Message-ID"] for letter in server.letters())
    assert one != two
    assert "reminded" not in two


def test_a_mail_server_that_is_down_costs_nobody_his_mail(desk: Desk, wall: dt.datetime, tmp_path: Path) -> None:
    owe_turn(desk)
    port = free_port()

    assert send_due(desk.uow, sender_to(port), now=NOW, wall=wall) == {"queued": 1}
    with MailSink(tmp_path / "mail", port):
        assert send_due(desk.uow, sender_to(port), now=NOW, wall=wall + REST) == {"sent": 1}

    (kept,) = (tmp_path / "mail").glob("*.eml")
    assert b"X-Envelope-To: p1@example.org" in kept.read_bytes()
    assert desk.messages() == [("your-turn", "sent", None)]


@pytest.mark.parametrize(
    "address", ["a@example.org,b@example.org", "a b@example.org", "<a@example.org>", "王@example.org"]
)
def test_an_address_that_would_change_the_mail_is_refused_and_shown(
    desk: Desk, server: Server, sender: Sender, address: str
) -> None:
    with desk.uow.write() as tx:
        tx.run(table_of(Contact).update().values(email=address))
    owe_turn(desk)

    assert send_due(desk.uow, sender, now=NOW) == {"failed": 1}
    assert desk.failures() == [("message", "bad-address", False)]
    assert server.mails == []


def test_a_name_with_a_line_break_enters_no_header(desk: Desk, server: Server, sender: Sender) -> None:
    with desk.uow.write() as tx:
        tx.run(table_of(Person).update().values(name="Wang\r\nBcc: b@example.org"))
    owe_turn(desk)

    assert send_due(desk.uow, sender, now=NOW) == {"failed": 1}
    assert desk.failures() == [("message", "bad-header", False)]
    assert server.mails == []


def test_a_finding_is_told_with_its_facts_and_without_an_amount_that_somebody_judged(
    desk: Desk, server: Server, sender: Sender
) -> None:
    with desk.uow.write() as tx:
        for rule, amount in (("A1.5", 10), ("A2.1", 4)):
            finding = tx.insert(
                table_of(Finding),
                {
                    "assignment_id": desk.assignments[0],
                    "rule": rule,
                    "happened": dt.date(2026, 2, 3),
                    "known": dt.date(2026, 2, 4),
                    "counted_on": dt.date(2026, 2, 3),
                    "amount": amount,
                    "sub_reasons": "[]",
                    "claimed": False,
                    "recorded_by": desk.people[1],
                    "recorded_at": NOW,
                },
            )
            promise(tx, kind="finding-recorded", person_id=desk.people[0], dedupe_key=rule, now=NOW, finding_id=finding)

    assert send_due(desk.uow, sender, now=NOW) == {"sent": 2}

    fixed, judged = (body(letter) for letter in server.letters())
    assert "Amount: 10 points, fixed by the rule" in fixed
    assert "Happened: 2026-02-03" in fixed
    assert "Recorded by: Li Na" in fixed
    assert "Rule: A1.5" in fixed
    assert "What the rule says: " in fixed
    assert "within 5 working days" in fixed
    assert "Amount: decided by scoring, within what the rule allows" in judged
    assert "4 points" not in judged


def test_a_finding_voided_before_its_notice_went_out_is_not_told(desk: Desk, server: Server, sender: Sender) -> None:
    with desk.uow.write() as tx:
        finding = tx.insert(
            table_of(Finding),
            {
                "assignment_id": desk.assignments[0],
                "rule": "A1.5",
                "happened": dt.date(2026, 2, 3),
                "known": dt.date(2026, 2, 4),
                "counted_on": dt.date(2026, 2, 3),
                "amount": 10,
                "sub_reasons": "[]",
                "claimed": False,
                "recorded_by": desk.people[1],
                "recorded_at": NOW,
                "voided_at": NOW,
                "voided_by": desk.people[1],
            },
        )
        promise(tx, kind="finding-recorded", person_id=desk.people[0], dedupe_key="f", now=NOW, finding_id=finding)

    assert send_due(desk.uow, sender, now=NOW) == {"cancelled": 1}
    assert desk.messages() == [("finding-recorded", "cancelled", "voided")]
    assert server.mails == []


def test_a_duty_is_warned_of_with_its_clause_and_not_once_its_month_is_over(
    desk: Desk, server: Server, sender: Sender
) -> None:
    with desk.uow.write() as tx:
        for month in ("2026-02", "2026-03"):
            payload = {"assignment": desk.assignments[0], "rule": "A1.1", "month": month}
            promise(tx, kind="duty-missing", person_id=desk.people[0], dedupe_key=month, now=NOW, payload=payload)
        promise_digests(tx, now=NOW)

    assert send_due(desk.uow, sender, now=NOW) == {"sent": 1}
    assert desk.messages() == [("duty-missing", "cancelled", "month-over"), ("duty-missing", "sent", None)]

    (letter,) = server.letters()
    assert letter["Subject"] == "Record your duty for 2026-03: A1.1"
    assert "What the rule says: none" not in body(letter)


def test_a_line_that_begins_with_a_dot_arrives_as_it_was(server: Server, sender: Sender) -> None:
    conversation = Conversation(sender.server)
    text = b"Subject: dots\r\n\r\n.one\r\n..two\r\n.\r\nend\r\n"

    assert conversation.hand_over("a@bank.example", "b@bank.example", text, lambda: True)
    assert not conversation.hand_over("a@bank.example", "c@bank.example", text, lambda: False)
    assert conversation.hand_over("a@bank.example", "d@bank.example", text, lambda: True)
    conversation.close()

    assert server.mails == [text, text]
    assert server.recipients == [["b@bank.example"], ["d@bank.example"]]


def test_every_column_that_tells_when_to_send_is_empty_once_it_needs_nothing(
    desk: Desk, server: Server, sender: Sender
) -> None:
    owe_turn(desk)
    send_due(desk.uow, sender, now=NOW)

    with desk.uow.read() as tx:
        row = tx.first(table_of(Message).select())
    assert row is not None
    assert (row.due_at, row.lease_until, row.sent_at, row.in_doubt_at) == (None, None, NOW, NOW)
    assert len(server.mails) == 1


def test_every_other_kind_finds_what_its_text_names(desk: Desk, server: Server, sender: Sender) -> None:
    finding = {
        "assignment_id": desk.assignments[0],
        "rule": "A1.8",
        "happened": dt.date(2026, 2, 3),
        "known": dt.date(2026, 2, 4),
        "counted_on": dt.date(2026, 2, 3),
        "amount": 10,
        "sub_reasons": "[]",
        "claimed": True,
        "recorded_by": desk.people[0],
        "recorded_at": NOW,
    }
    me, assessor = desk.people[0], desk.people[1]
    desk.item(action="return", opened=NOW, due=DUE)
    reminders.plan(desk.uow, now=NOW, warnings=lambda _tx, _on: ())
    with desk.uow.write() as tx:
        one = tx.insert(table_of(Finding), finding)
        promise(tx, kind="finding-reply", person_id=assessor, dedupe_key="1", now=NOW, finding_id=one)
        promise(tx, kind="claim-made", person_id=assessor, dedupe_key="2", now=NOW, finding_id=one)
        promise(tx, kind="proxy-entry", person_id=me, dedupe_key="3", now=NOW, payload={"subject": "reply/1"})
        promise(tx, kind="appeal-decided", person_id=me, dedupe_key="4", now=NOW, appraisal_id=desk.appraisals[0])
        promise(tx, kind="result-final", person_id=me, dedupe_key="5", now=NOW, payload={"cycle": "2026Q1"})

    assert send_due(desk.uow, sender, now=NOW) == {"sent": 6}

    assert sorted(letter["Subject"] for letter in server.letters()) == [
        "An entry was made for you",
        "Confirm or refuse the claim F1 of Wang Fang",
        "Read the reply to F1 of Wang Fang",
        "Returned to you: correct the scoring of Wang Fang, 2026Q1",
        "Your objection was decided: 2026Q1",
        "Your result of 2026Q1 is final",
    ]
    assert all("https://appraise.bank.example/" in body(letter) for letter in server.letters())


def test_who_has_no_part_any_more_or_has_left_is_not_told(desk: Desk, server: Server, sender: Sender) -> None:
    person, other = table_of(Person), desk.people[1]
    with desk.uow.write() as tx:
        tx.run(table_of(Party).update().values(to_at=NOW))
        tx.run(person.update().where(person.c.id == other).values(left=dt.date(2026, 3, 5)))
        who = {"person_id": desk.people[0], "appraisal_id": desk.appraisals[0]}
        promise(tx, kind="appeal-decided", dedupe_key="1", now=NOW, **who)
        promise(tx, kind="result-final", person_id=other, dedupe_key="2", now=NOW, payload={"cycle": "2026Q1"})

    assert send_due(desk.uow, sender, now=NOW) == {"cancelled": 2}
    assert [error for _, _, error in desk.messages()] == ["no-part", "left"]
    assert server.mails == []


def test_the_days_to_answer_begin_with_the_day_on_which_a_slow_mail_server_took_the_mail(
    desk: Desk, sender: Sender
) -> None:
    item = desk.item(holder=0, stage="signoff", role="appraisee", action="approve", opened=NOW, due=None)
    reminders.plan(desk.uow, now=NOW, warnings=lambda _tx, _on: ())
    before, after = shanghai(3, 6, 23, 59), shanghai(3, 7, 0, 3)
    times = iter((before, after))

    assert send_due(desk.uow, sender, now=before, clock=lambda: next(times)) == {"sent": 1}

    row = desk.item_row(item)
    # The seventh is a Saturday: five working days later is Friday, as if it had been taken on that day.
    assert (row["noticed_at"], row["due_at"]) == (after, shanghai(3, 13, 18))

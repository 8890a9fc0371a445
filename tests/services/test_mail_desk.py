import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from models.columns import table_of
from models.history import Event
from models.people import Grant
from services import failures, mail_choices, mail_desk, mail_slips, mail_trial, nudging, reminders
from services.actors import Actor
from services.digests import promise_digests
from services.errors import Environment, Malformed, NotFound, Refused
from services.mail import Sender, send_due
from services.outbox import owe_job, promise
from services.outbox_jobs import Retry, claim_jobs, fail_job
from services.unit_of_work import UnitOfWork
from tests.services.owed import MESSAGE, Desk, set_desk, shanghai
from tests.services.smtp import Server, running

NOW = shanghai(3, 6, 9)
DUE = shanghai(3, 13, 18)
EVENT = table_of(Event)


@pytest.fixture
def desk(uow: UnitOfWork) -> Desk:
    """People with nothing on their desks yet; person 0 operates Appraise, person 1 runs cycles."""
    desk = set_desk(uow)
    with uow.write() as tx:
        for place, role in enumerate(("operator", "hr")):
            grant = {"person_id": desk.people[place], "role": role, "valid_from": dt.date(2026, 1, 1)}
            tx.insert(table_of(Grant), grant)
    return desk


@pytest.fixture
def operator(desk: Desk) -> Actor:
    """Who operates Appraise."""
    return Actor(desk.people[0])


@pytest.fixture
def officer(desk: Desk) -> Actor:
    """Who runs cycles."""
    return Actor(desk.people[1])


@pytest.fixture
def server() -> Server:
    """A mail server that does as it is told."""
    return Server()


@pytest.fixture
def sender(server: Server, tmp_path: Path) -> Iterator[Sender]:
    """A sender to that server."""
    with running(server, tmp_path) as ready:
        yield ready


def mail(desk: Desk, kind: str = "returned", **values: object) -> str:
    """Promise a mail to person 0 and give its row other values; return its code."""
    with desk.uow.write() as tx:
        key = f"{kind}/{sorted(values)}"
        promise(tx, kind=kind, person_id=desk.people[0], dedupe_key=key, now=NOW)
        if values:
            tx.run(MESSAGE.update().where(MESSAGE.c.dedupe_key == key).values(**values))
        return f"M{tx.scalar(select(MESSAGE.c.id).where(MESSAGE.c.dedupe_key == key))}"


def state(desk: Desk, code: str) -> str:
    """The state of a mail."""
    with desk.uow.read() as tx:
        return str(tx.scalar(select(MESSAGE.c.state).where(MESSAGE.c.id == int(code[1:]))))


def told(desk: Desk) -> list[str]:
    """The kinds of the events about mails and failures, oldest first."""
    with desk.uow.read() as tx:
        rows = tx.all(select(EVENT.c.kind).order_by(EVENT.c.id))
    return [row.kind for row in rows if row.kind.partition(".")[0] in {"mail", "failure", "reminded"}]


FAILED = {"state": "failed", "due_at": None, "error": "smtp-550"}
DOUBT = {"state": "in-doubt", "due_at": None}


def test_what_is_not_settled_is_listed_and_what_can_be_done_is_shown(desk: Desk, operator: Actor) -> None:
    failed, doubt, waits = mail(desk, **FAILED), mail(desk, "overdue", **DOUBT), mail(desk, "proxy-entry")
    mail(desk, "result-final", state="sent", due_at=None, sent_at=NOW)

    listed = mail_desk.list_mails(desk.uow, actor=operator, now=NOW)
    assert [(one.code, one.state, one.said) for one in listed] == [
        (failed, "failed", "smtp-550"),
        (doubt, "in-doubt", None),
        (waits, "queued", None),
    ]
    choices = [
        mail_desk.show_mail(desk.uow, actor=operator, now=NOW, mail=code).choices for code in (failed, doubt, waits)
    ]
    assert choices == [("retry", "cancel"), ("release", "release --arrived", "cancel"), ("cancel",)]
    assert [
        one.code for one in mail_desk.list_mails(desk.uow, actor=operator, now=NOW, states=["in-doubt"], number="1001")
    ] == [doubt]
    assert mail_desk.list_mails(desk.uow, actor=operator, now=NOW, number="1002") == ()


def test_an_operator_decides_and_each_decision_is_recorded(desk: Desk, operator: Actor) -> None:
    codes = [
        mail(desk, **FAILED),
        mail(desk, "overdue", **DOUBT),
        mail(desk, "due-today", **DOUBT),
        mail(desk, "proxy-entry"),
    ]
    mail_desk.retry(desk.uow, actor=operator, now=NOW, mail=codes[0])
    mail_desk.release(desk.uow, actor=operator, now=NOW, mail=codes[1])
    mail_desk.release(desk.uow, actor=operator, now=NOW, mail=codes[2], arrived=True)
    mail_desk.cancel(desk.uow, actor=operator, now=NOW, mail=codes[3], reason="told on the phone")

    assert [state(desk, code) for code in codes] == ["queued", "queued", "sent", "cancelled"]
    assert told(desk) == ["mail.retry", "mail.release", "mail.release", "mail.cancel"]


@pytest.mark.parametrize(
    ("act", "values"),
    [
        (mail_desk.retry, DOUBT),
        (mail_desk.retry, {"state": "sent", "due_at": None}),
        (mail_desk.release, FAILED),
        (mail_desk.release, {"state": "in-doubt"}),
        (mail_desk.retry, {**FAILED, "digest_id": 99}),
    ],
)
def test_what_does_not_fit_the_state_is_refused_and_says_what_does(
    desk: Desk, operator: Actor, act: object, values: dict[str, object]
) -> None:
    code = mail(desk, **values)
    before = state(desk, code)

    with pytest.raises(Refused) as refused:
        act(desk.uow, actor=operator, now=NOW, mail=code)  # type: ignore[operator]
    assert refused.value.code in {"mail-state", "in-digest"}
    assert state(desk, code) == before


def test_a_result_known_to_have_arrived_was_noticed(desk: Desk, operator: Actor) -> None:
    item = desk.item(holder=0, stage="signoff", role="appraisee", action="approve", opened=NOW, due=None)
    code = mail(desk, "released", **DOUBT, work_item_id=item)

    mail_desk.release(desk.uow, actor=operator, now=NOW, mail=code, arrived=True)

    assert desk.item_row(item)["noticed_at"] == NOW


def test_strangers_decide_nothing_and_unknown_mails_are_not_found(desk: Desk, operator: Actor, officer: Actor) -> None:
    code = mail(desk, **FAILED)
    assert mail_desk.list_mails(desk.uow, actor=officer, now=NOW) != ()
    with pytest.raises(Refused):
        mail_desk.retry(desk.uow, actor=officer, now=NOW, mail=code)
    with pytest.raises(Refused):
        mail_desk.list_mails(desk.uow, actor=Actor(desk.people[2]), now=NOW)
    with pytest.raises(NotFound):
        mail_desk.retry(desk.uow, actor=operator, now=NOW, mail="M999")
    with pytest.raises(Malformed):
        mail_desk.retry(desk.uow, actor=operator, now=NOW, mail="12")
    with pytest.raises(Malformed):
        mail_desk.cancel(desk.uow, actor=operator, now=NOW, mail=code, reason="  ")
    with pytest.raises(Malformed, match="no state 'lost'"):
        mail_desk.list_mails(desk.uow, actor=operator, now=NOW, states=["lost"])


def test_failures_are_shown_tried_again_and_resolved(desk: Desk, operator: Actor) -> None:
    wall = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)
    with desk.uow.write() as tx:
        owe_job(tx, name="cycle.complete", args={}, dedupe_key="j", now=NOW)
    (job,) = claim_jobs(
        desk.uow, name="cycle.complete", now=NOW, limit=1, lease=dt.timedelta(minutes=2), retry=Retry(), wall=wall
    )
    fail_job(desk.uow, job, code="refused", now=NOW, retry=Retry(), final=True)

    (failed,) = failures.list_failures(desk.uow, actor=operator, now=NOW)
    assert (failed.code, failed.about, failed.said) == ("X1", f"job {job.id}", "refused")
    assert failures.retry(desk.uow, actor=operator, now=NOW, failure="X1") == failed.about
    assert desk.jobs() == [("cycle.complete", "due", 0)]
    assert failures.list_failures(desk.uow, actor=operator, now=NOW) == ()
    with pytest.raises(Refused, match="dealt with already"):
        failures.retry(desk.uow, actor=operator, now=NOW, failure="X1")


def test_a_mail_in_doubt_is_released_and_not_retried_and_a_failure_is_resolved_with_a_reason(
    desk: Desk, operator: Actor, server: Server, sender: Sender
) -> None:
    item = desk.item(opened=NOW, due=DUE)
    desk.change_item(item, next_action_at=None)
    with desk.uow.write() as tx:
        key = {"person_id": desk.people[1], "dedupe_key": "r", "work_item_id": item}
        promise(tx, kind="reminded", now=NOW, **key)
        promise_digests(tx, now=NOW)
    server.answers["DATA"] = ["disconnect"]
    send_due(desk.uow, sender, now=NOW)

    with pytest.raises(Refused, match="may have arrived"):
        failures.retry(desk.uow, actor=operator, now=NOW, failure="X1")
    with pytest.raises(Malformed):
        failures.resolve(desk.uow, actor=operator, now=NOW, failure="X1", reason="")
    failures.resolve(desk.uow, actor=operator, now=NOW, failure="X1", reason="asked her: it came")
    assert failures.list_failures(desk.uow, actor=operator, now=NOW) == ()
    assert [one.resolved_at for one in failures.list_failures(desk.uow, actor=operator, now=NOW, resolved=True)] == [
        NOW
    ]


def test_reminding_by_hand_mails_whoever_owes_something_once_and_no_third_time_in_an_hour(
    desk: Desk, officer: Actor, server: Server, sender: Sender
) -> None:
    desk.item(opened=NOW, due=DUE)
    desk.item(holder=0, opened=NOW, due=DUE, appraisal=1)
    at = NOW
    sent = []
    for minutes in (0, 10, 10, 45):
        at += dt.timedelta(minutes=minutes)
        found = nudging.remind(desk.uow, actor=officer, now=at, cycle="2026Q1")
        sent.append([nudge.reminded for nudge in found])
        send_due(desk.uow, sender, now=at)

    assert sent == [[True, True], [True, True], [False, False], [True, True]]
    assert len(server.mails) == 6
    assert {letter["Subject"].partition(":")[0] for letter in server.letters()} == {"Please deal with it"}
    assert [nudge.number for nudge in found] == ["1001", "1002"]
    assert found[0].last == NOW + dt.timedelta(minutes=10)
    one = nudging.remind(desk.uow, actor=officer, now=at + dt.timedelta(hours=2), cycle="2026Q1/1001")
    assert [(nudge.number, nudge.reminded) for nudge in one] == [("1002", True)]
    assert told(desk).count("reminded") == 4


def test_only_hr_reminds_and_only_of_a_cycle_that_there_is(desk: Desk, operator: Actor, officer: Actor) -> None:
    with pytest.raises(Refused):
        nudging.remind(desk.uow, actor=operator, now=NOW, cycle="2026Q1")
    with pytest.raises(NotFound):
        nudging.remind(desk.uow, actor=officer, now=NOW, cycle="2029Q1")
    assert nudging.remind(desk.uow, actor=officer, now=NOW, cycle="2026Q1") == ()


def test_who_has_no_address_gets_slips_by_unit_once_and_what_is_over_is_left_out(
    desk: Desk, officer: Actor, server: Server, sender: Sender
) -> None:
    items = [desk.item(holder=2, opened=NOW, due=DUE, appraisal=place) for place in (0, 1)]
    reminders.plan(desk.uow, now=NOW, warnings=lambda _tx, _on: ())
    send_due(desk.uow, sender, now=NOW)
    desk.change_item(items[1], closed_at=NOW, next_action_at=None)

    def printed(**asked: object) -> list[str]:
        found = mail_slips.slips(desk.uow, actor=officer, now=NOW, base_url="https://a.example", **asked)  # type: ignore[arg-type]
        return [slip.subject for slip in found]

    assert printed(unit="office") == ["请办理：Wang Fang的评分（2026Q1）"]
    assert printed() == []
    assert printed(again=True) == ["请办理：Wang Fang的评分（2026Q1）"]
    assert [row[1:] for row in desk.messages()] == [("listed", "no-address"), ("cancelled", "done")]
    assert server.mails == []
    with pytest.raises(NotFound):
        printed(unit="nowhere")


def test_a_person_switches_off_what_may_be_and_nothing_else(desk: Desk) -> None:
    me = Actor(desk.people[2])
    for on, off in ((False, True), (False, True), (True, False)):
        mail_choices.choose(desk.uow, actor=me, now=NOW, kind="due-soon", on=on)
        assert {one.kind for one in mail_choices.choices(desk.uow, actor=me) if one.off} == (
            {"due-soon"} if off else set()
        )
    assert told(desk) == ["mail.chosen", "mail.chosen"]
    for kind in ("released", "finding-recorded", "overdue", "your-turn"):
        with pytest.raises(Refused, match="cannot be switched off"):
            mail_choices.choose(desk.uow, actor=me, now=NOW, kind=kind, on=False)
    with pytest.raises(Malformed, match="no kind of message"):
        mail_choices.choose(desk.uow, actor=me, now=NOW, kind="news", on=False)


def test_a_trial_mail_says_what_the_server_answered(
    desk: Desk, operator: Actor, officer: Actor, server: Server, sender: Sender
) -> None:
    asked = {"now": NOW, "address": "me@bank.example", "language": "en"}
    tried = mail_trial.send_trial(desk.uow, sender, actor=operator, **asked)  # type: ignore[arg-type]
    assert server.letters()[0]["Subject"] == tried.subject == "Trial mail from Appraise, A bank"
    assert server.recipients == [["me@bank.example"]]

    server.answers["RCPT"] = ["550 nobody"]
    with pytest.raises(Environment, match="smtp-550"):
        mail_trial.send_trial(desk.uow, sender, actor=operator, **asked)  # type: ignore[arg-type]
    with pytest.raises(Environment, match="APPRAISE_SMTP_HOST"):
        mail_trial.send_trial(desk.uow, None, actor=operator, **asked)  # type: ignore[arg-type]
    with pytest.raises(Malformed):
        mail_trial.send_trial(desk.uow, sender, actor=operator, **{**asked, "address": "a@b\r\nBcc: c@d"})  # type: ignore[arg-type]
    with pytest.raises(Refused):
        mail_trial.send_trial(desk.uow, sender, actor=officer, **asked)  # type: ignore[arg-type]
    assert len(server.mails) == 1


def test_what_becomes_of_a_kind_in_doubt_is_as_the_organisation_has_set(desk: Desk, officer: Actor) -> None:
    changes = {"policies": {"passed-on": "resend", "returned": "hold"}}
    mail_choices.set_habits(desk.uow, actor=officer, now=NOW, changes=changes)
    codes = [mail(desk, kind) for kind in ("passed-on", "returned", "proxy-entry")]

    with desk.uow.read() as tx:
        rows = tx.all(select(MESSAGE.c.id, MESSAGE.c.policy).order_by(MESSAGE.c.id))
    assert [(f"M{row.id}", row.policy) for row in rows] == list(zip(codes, ("resend", "hold", "resend"), strict=True))


def test_where_nobody_operates_appraise_hr_decides(desk: Desk, officer: Actor) -> None:
    code = mail(desk, **FAILED)
    with desk.uow.write() as tx:
        tx.run(
            table_of(Grant).update().where(table_of(Grant).c.role == "operator").values(valid_to=dt.date(2026, 3, 1))
        )

    mail_desk.retry(desk.uow, actor=officer, now=NOW, mail=code)
    assert state(desk, code) == "queued"

"""No score and no judgement is in any mail: every kind is sent to everybody past a database full of canaries."""

import base64
import datetime as dt
import json
import re
from fractions import Fraction
from pathlib import Path

import pytest
from sqlalchemy import select

from models.appraisals import Appraisal, Rating, Score, ScoreItem, Sheet
from models.columns import table_of
from models.cycles import Proposal
from models.findings import Finding
from models.history import TextBody
from models.people import Account, Contact, Delegation, Grant, LoginKey, Organisation
from services import mail_slips, plans
from services.actors import SYSTEM, Actor
from services.audit import append_event
from services.digests import promise_extra
from services.mail import send_due
from services.messages import DIGEST, KINDS, Need, Way
from services.outbox import promise
from services.outbox_jobs import record_failure
from services.unit_of_work import Transaction, UnitOfWork
from tests.services.owed import Desk, set_desk, shanghai
from tests.services.smtp import Server, running
from tests.services.standing_orders import wanted

NOW = shanghai(3, 17, 9)
WORD = "CANARY"
TOTAL, ITEM, JUDGED, RATED = Fraction(73125, 1000), Fraction(61625, 1000), Fraction(3375, 1000), Fraction(8875, 1000)
CANARIES = re.compile(r"CANARY|73[.,]125|61[.,]625|3[.,]375|8[.,]875")
FIXED = re.compile(r"\b10(?:\.0+)? points|10分")
OF_FINDINGS = (Need.OWN_FINDING, Need.OTHERS_FINDING)
ROLES = ("hr", "approver", "operator")
CODES = {"result-final": "2026Q1", "opening-problems": "2026-02"}


def words(tx: Transaction) -> int:
    """Something a judge wrote."""
    return tx.insert(table_of(TextBody), {"salt": "s", "body": f"{WORD} he is careless", "digest": "d"})


def judge(tx: Transaction, desk: Desk) -> None:
    """Score every appraisal, with ratings and words, so that whatever reads a judgement finds a canary."""
    for appraisal in desk.appraisals:
        sheet = {"appraisal_id": appraisal, "person_id": desk.people[1], "seat": 1, "kind": "assessor", "round": 1}
        sheet_id = tx.insert(table_of(Sheet), {**sheet, "at": NOW})
        rating = {"sheet_id": sheet_id, "item": "A1", "value": RATED, "text_id": words(tx)}
        tx.insert(table_of(Rating), rating)
        score = tx.insert(
            table_of(Score),
            {
                "sheet_id": sheet_id,
                "rubric_id": tx.scalar(select(table_of(Appraisal).c.rubric_id)),
                "arithmetic": 1,
                "ledger_digest": WORD,
                "as_of": NOW.date(),
                "total": TOTAL,
                "maximum": Fraction(100),
                "grade": f"{WORD} poor",
                "steps": json.dumps([WORD]),
            },
        )
        item = {"score_id": score, "item": "A1", "points": ITEM, "recorded": ITEM, "counted": ITEM, "reward": ITEM}
        tx.insert(table_of(ScoreItem), {**item, "score": ITEM})


def findings(tx: Transaction, desk: Desk) -> list[tuple[int, int]]:
    """Record about everybody one finding whose amount somebody judged and one that a rule fixes."""
    made = []
    for place, assignment in enumerate(desk.assignments):
        for rule, amount in (("A2.1", JUDGED), ("A1.5", Fraction(10))):
            row = {
                "assignment_id": assignment,
                "rule": rule,
                "happened": dt.date(2026, 2, 3),
                "known": dt.date(2026, 2, 4),
                "counted_on": dt.date(2026, 2, 3),
                "amount": amount,
                "sub_reasons": json.dumps([WORD]),
                "reason_id": words(tx),
                "claimed": False,
                "recorded_by": desk.people[(place + 1) % 3],
                "recorded_at": NOW,
            }
            made.append((desk.people[place], tx.insert(table_of(Finding), row)))
    return made


def fill(desk: Desk) -> list[int]:
    """Fill the database with canaries and give everybody every role; return the work items that are owed."""
    seats: tuple[dict[str, str], ...] = ({}, {}, {"stage": "appeal", "role": "decider", "action": "object"})
    items = [
        desk.item(
            holder=(place + 1) % 3, opened=shanghai(3, 5), due=shanghai(3, 11 + place, 18), appraisal=place, **seat
        )
        for place, seat in enumerate(seats)
    ]
    with desk.uow.write() as tx:
        judge(tx, desk)
        for person in desk.people:
            for role in ROLES:
                grant = {"person_id": person, "role": role, "valid_from": dt.date(2026, 1, 1)}
                tx.insert(table_of(Grant), grant)
        proposal = {"cycle_id": desk.cycle, "number": 1, "digest": "ab" * 32, "rows": 3, "proposed_at": NOW}
        tx.insert(table_of(Proposal), {**proposal, "proposed_by": desk.people[0]})
        told = {"number": 1, "table": "ab" * 32, "rows": 3, "rated": 3, "persons": 3, "carried": []}
        append_event(tx, f"cycle:{desk.cycle}", "proposed", actor=SYSTEM, at=NOW, payload=told)
        record_failure(tx, "job", 1, "busy", details={"said": WORD}, at=NOW)
    return items


def standing_order(desk: Desk) -> dict[str, int]:
    """Let a plan owe the opening of the cycle of February, and a substitute stand in."""
    hr = Actor(desk.people[0])
    ordered = wanted(every="month", first="2026-02", rubrics=["bank-office-completed"])
    plans.add(desk.uow, actor=hr, now=NOW, code="office", wanted=ordered)
    substitute = {"person_id": desk.people[0], "delegate_id": desk.people[1]}
    with desk.uow.write() as tx:
        days = {"valid_from": NOW.date(), "valid_to": dt.date(2026, 3, 31)}
        account = {"created_at": NOW, "password_hash": None, "disabled_at": None}
        mine = tx.insert(table_of(Account), {"person_id": desk.people[0], **account})
        later = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
        key = {"account_id": mine, "digest": "d", "expires_at": later, "used_at": None}
        keys = {"key": tx.insert(table_of(LoginKey), key), "nonce": 1}
        return {"plan": 1, "delegation": tx.insert(table_of(Delegation), {**substitute, **days}), **keys}


def promise_all(desk: Desk, items: list[int]) -> None:
    """Promise every kind to everybody, about everything it can be about."""
    ordered = standing_order(desk)
    with desk.uow.write() as tx:
        about = findings(tx, desk)
        for kind in KINDS:
            if kind == DIGEST:
                continue
            for person in desk.people:
                where = {"person_id": person, "now": NOW}
                key = f"{kind}/{person}"
                month = {"assignment": desk.assignments[0], "rule": "A1.1", "month": "2026-03"}
                for place, appraisal in enumerate(desk.appraisals):
                    cycle = CODES.get(kind, desk.cycle)
                    payload = {**month, **ordered, "cycle": cycle, "number": 1}
                    ids = {"work_item_id": items[place], "appraisal_id": appraisal, "payload": payload}
                    for _, finding in about if KINDS[kind].need in OF_FINDINGS else about[:1]:
                        name = f"{key}/{place}/{finding}"
                        promise(tx, kind=kind, dedupe_key=name, finding_id=finding, **where, **ids)  # type: ignore[arg-type]
        promise_extra(tx, desk.people, "canaries", now=NOW)


def said(letter: bytes) -> str:
    """Everything in a mail, also what is encoded in it."""
    encoded = re.findall(rb"(?:^[A-Za-z0-9+/=]{4,76}\r?\n)+", letter, re.MULTILINE)
    decoded = b"".join(
        base64.b64decode(b"".join(block.split())) for block in encoded if len(b"".join(block.split())) % 4 == 0
    )
    return letter.decode("utf-8", "replace") + decoded.decode("utf-8", "replace")


@pytest.mark.parametrize("figures", [True, False])
def test_no_mail_and_no_slip_of_any_kind_tells_a_judgement(uow: UnitOfWork, tmp_path: Path, *, figures: bool) -> None:
    desk = set_desk(uow)
    items = fill(desk)
    with uow.write() as tx:
        tx.run(table_of(Organisation).update().values(settings=json.dumps({"mail": {"figures": figures}})))
        contact = {"person_id": desk.people[2], "email": "p2@example.org", "valid_from": dt.date(2026, 3, 18)}
        tx.insert(table_of(Contact), contact)
    promise_all(desk, items)
    server = Server()
    with running(server, tmp_path) as sender:
        while send_due(uow, sender, now=NOW):
            pass
        tomorrow = NOW + dt.timedelta(days=1)
        slips = mail_slips.slips(uow, actor=Actor(desk.people[0]), now=NOW, base_url=sender.base_url)
        promise_later(desk, items, tomorrow)
        while send_due(uow, sender, now=tomorrow):
            pass

    texts = [said(mail) for mail in server.mails] + [f"{slip.subject}\n{slip.text}" for slip in slips]
    told = {kind for kind, state, _ in desk.messages() if state in {"sent", "listed"}}
    assert set(KINDS) - told <= {DIGEST}
    assert {kind for kind, state, _ in desk.messages() if state == "failed"} == set()
    assert [text for text in texts if CANARIES.search(text)] == []
    assert any(FIXED.search(text) for text in texts) is figures


def promise_later(desk: Desk, items: list[int], now: dt.datetime) -> None:
    """Promise everything once more, now that who had no address has one."""
    with desk.uow.write() as tx:
        for kind in KINDS:
            if KINDS[kind].way == Way.DIGEST:
                payload = {"assignment": desk.assignments[2], "rule": "A1.1", "month": "2026-03"}
                ids = {"work_item_id": items[0], "appraisal_id": desk.appraisals[0], "payload": payload}
                promise(tx, kind=kind, person_id=desk.people[2], dedupe_key=f"later/{kind}", now=now, **ids)  # type: ignore[arg-type]
        promise_extra(tx, desk.people, "later", now=now)


def test_the_canaries_are_there_to_be_found(uow: UnitOfWork) -> None:
    desk = set_desk(uow)
    fill(desk)
    with uow.read() as tx:
        assert tx.scalar(select(table_of(Score).c.total)) == TOTAL
        assert WORD in tx.scalar(select(table_of(TextBody).c.body))
    assert CANARIES.search(said(base64.encodebytes(f"total {WORD}".encode())))

"""Findings: recorded, voided, replaced, replied to, claimed and confirmed. Nothing is deleted (domain.md, 5 and 5a).

A reviewer's change or strike and an appeal's decision are no acts of this module: they are moves of the appraisal.
"""

import datetime as dt
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from sqlalchemy import Row, bindparam, update

from services import naming
from services.actors import Actor
from services.audit import append_event, digest
from services.calendars import add_working_days, closures
from services.delegations import recorder
from services.errors import Malformed, Refused
from services.file_writing import Owner, Sent, write_files
from services.finding_checks import Entry, check, demand_assessor, demand_person, held_by_id, held_on
from services.finding_writing import (
    FINDING,
    REPLY,
    Recorded,
    disclosure,
    finding_event,
    finding_row,
    notify,
    reply_content,
    required_text,
    stream,
    tell_of_proxy,
    unknown,
    write_finding,
)
from services.grants import today
from services.ledger_rows import finding_line
from services.ledger_sight import ledger_sight
from services.ledgers import state, touch
from services.outbox import promise
from services.reporting import assessor_of
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.lifecycle import Disclosure

_VOID = (
    update(FINDING)
    .where(FINDING.c.id == bindparam("finding"), FINDING.c.voided_at.is_(None))
    .values(voided_by=bindparam("by"), voided_at=bindparam("at"), void_reason_id=bindparam("reason"))
)
_CONFIRM = (
    update(FINDING)
    .where(FINDING.c.id == bindparam("finding"), FINDING.c.confirmed_at.is_(None), FINDING.c.voided_at.is_(None))
    .values(confirmed_by=bindparam("by"), confirmed_at=bindparam("at"))
)


@use_case("finding.add")
def add(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    number: str,
    rule: str,
    happened: dt.date,
    known: dt.date | None = None,
    amount: Fraction | None = None,
    units: Fraction | None = None,
    document: str | None = None,
    incident: str | None = None,
    reason: str | None = None,
    sub_reasons: tuple[str, ...] = (),
    files: Sequence[Sent] = (),
) -> Recorded:
    """Record a finding about somebody; the arguments are those of `finding_checks.Entry`, and the files it rests on.

    Only his assessor does, and never about himself or a superior. The facts reach the person with a notice.

    Raises:
        Malformed: a name has no such form, does not say which of several assignments, or a file is not taken.
        NotFound: there is no such person or document.
        Refused: the rule, the day, the ledger or the actor does not allow it.
        Conflict: the ledger changed hands at the same moment.
    """
    entry = Entry(number, rule, happened, known, amount, units, document, incident, reason, sub_reasons)
    with uow.write() as tx:
        checked = check(tx, entry, actor=actor, today=today(tx, now))
        recorded = write_finding(tx, checked, actor=checked.actor, now=now)
        _keep_files(tx, recorded.id, checked.held.id, files, actor=checked.actor, now=now)
        return recorded


@use_case("finding.void")
def void(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, finding: str, reason: str) -> None:
    """Void a finding that was entered in error; by the assessor, before submission (domain.md, reading 13).

    Raises:
        Malformed: the name has another form than `F12`, or there is no reason.
        NotFound: there is no such finding.
        Refused: it is void already, its ledger is closed, or the actor is not the assessor.
    """
    with uow.write() as tx:
        _void(tx, finding, reason, actor=actor, now=now)


@use_case("finding.replace")
def replace(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, finding: str, entry: Entry, reason: str) -> Recorded:
    """Void a finding and record another in its place, which names it; both or neither.

    Raises:
        Malformed, NotFound, Refused, Conflict: as `void` and `add`.
    """
    with uow.write() as tx:
        before = _void(tx, finding, reason, actor=actor, now=now)
        checked = check(tx, entry, actor=actor, today=today(tx, now))
        if checked.held.id != before.assignment_id:
            raise Refused(f"{finding} is about another assignment; void it and record the other.", "other-assignment")
        return write_finding(tx, checked, actor=checked.actor, now=now, replaces=before.id)


@use_case("finding.reply")
def reply(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, finding: str, text: str, files: Sequence[Sent] = ()
) -> int:
    """Write the person's own side beside a finding about him, before or after submission; return the reply's id.

    Possible for the working days the workflow gives (five by default), counted from the day it was recorded. `files`
    are kept with the finding.

    Raises:
        Malformed: the name has another form than `F12`, the text is empty, or a file is not one that is taken.
        NotFound: there is no such finding about the actor.
        Refused: the days to reply are over, or the finding is void.
    """
    if not text.strip():
        raise Malformed("A reply needs words.", "missing")
    with uow.write() as tx:
        day = today(tx, now)
        person_id = demand_person(tx, actor, day)
        row = finding_row(tx, finding)
        held = held_by_id(tx, row.assignment_id)
        at = state(tx, held.id, row.counted_on)
        terms = disclosure(tx, at)
        if held.person_id != person_id or (row.claimed and row.confirmed_at is None):
            raise unknown(finding)
        if row.voided_at is not None:
            raise Refused(f"{finding_line(row.id)} is void and counts nothing; there is nothing to reply to.", "void")
        last = reply_until(tx, row.recorded_at, terms)
        if day > last:
            raise Refused(
                f"The days to reply to {finding_line(row.id)} ended on {last}; you can still answer at the sign-off.",
                "reply-over",
            )
        stored = required_text(tx, text)
        values = {"finding_id": row.id, "person_id": person_id, "text_id": stored.id, "at": now}
        reply_id = tx.insert(REPLY, values)
        payload = {"reply": reply_id, "digest": digest(reply_content(values)), "text": stored.digest}
        append_event(tx, stream(held.id), "finding.replied", actor=actor, at=now, payload=payload)
        assessor = assessor_of(tx, held.id, row.counted_on, today=day)
        if assessor is not None and at.appraisal_id is not None:
            promise(
                tx,
                kind="finding-reply",
                person_id=assessor,
                dedupe_key=f"finding-reply/{reply_id}",
                now=now,
                appraisal_id=at.appraisal_id,
                finding_id=row.id,
            )
        _keep_files(tx, row.id, held.id, files, actor=actor, now=now)
        tell_of_proxy(tx, actor, f"reply/{reply_id}", now, finding_id=row.id)
        return reply_id


@use_case("finding.claim")
def claim(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    number: str,
    rule: str,
    happened: dt.date,
    document: str | None = None,
    units: Fraction | None = None,
    reason: str | None = None,
    incident: str | None = None,
) -> Recorded:
    """Claim a commendation of one's own; it counts once the assessor confirms it (domain.md, 5a).

    Raises:
        Malformed, NotFound: as `add`.
        Refused: the rule gives nothing, it is somebody else's, or the ledger is closed.
    """
    entry = Entry(number, rule, happened, units=units, document=document, incident=incident, reason=reason)
    with uow.write() as tx:
        day = today(tx, now)
        # Asked first: what else is refused would tell a stranger whether the ledger is closed.
        if held_on(tx, number, happened).person_id != demand_person(tx, actor, day):
            raise Refused("Everybody claims his own commendations only; the assessor records the others.", "not-yours")
        checked = check(tx, entry, actor=actor, today=day, by_assessor=False)
        if not checked.rule.award:
            raise Refused(f"{rule} takes points and gives none; only a reward can be claimed.", "no-award")
        recorded = write_finding(tx, checked, actor=actor, now=now, claimed=True)
        assessor = assessor_of(tx, checked.held.id, checked.state.on, today=day)
        if assessor is not None:
            promise(
                tx,
                kind="claim-made",
                person_id=assessor,
                dedupe_key=f"claim-made/{recorded.code}",
                now=now,
                appraisal_id=checked.state.appraisal_id,
                finding_id=recorded.id,
            )
        return recorded


@use_case("finding.confirm")
def confirm(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, finding: str) -> None:
    """Confirm a claimed commendation, so that it counts; by the assessor. To decline it is to void it with a reason.

    Raises:
        Malformed: the name has another form than `F12`.
        NotFound: there is no such finding.
        Refused: it is no claim, it was decided already, its ledger is closed, or the actor is not the assessor.
    """
    with uow.write() as tx:
        row, held, actor = _to_decide(tx, finding, "confirm a claim", actor=actor, now=now)
        if not row.claimed:
            raise Refused(f"{finding_line(row.id)} was recorded by the assessor and counts already.", "no-claim")
        touch(tx, held.id, row.counted_on)
        if tx.run(_CONFIRM, {"finding": row.id, "by": actor.person_id, "at": now}) != 1:
            raise Refused(f"{finding_line(row.id)} was confirmed or voided already.", "decided")
        changed = {**row._asdict(), "confirmed_by": actor.person_id, "confirmed_at": now}
        finding_event(tx, "finding.confirmed", changed, None, actor=actor, at=now)
        notify(tx, state(tx, held.id, row.counted_on), held.person_id, row.id, now)


def _to_decide(
    tx: Transaction, finding: str, doing: str, *, actor: Actor, now: dt.datetime
) -> tuple[Row[Any], Row[Any], Actor]:
    """Return a finding, its assignment and as whom the assessor acts; who may not see it is told that there is none."""
    row, day = finding_row(tx, finding), today(tx, now)
    held = held_by_id(tx, row.assignment_id)
    at = state(tx, held.id, row.counted_on)
    if not ledger_sight(tx, at, held.person_id, actor=actor, now=now, today=day).facts:
        assessor = assessor_of(tx, held.id, row.counted_on, today=day)
        if recorder(tx, actor, assessor, held, day) is None:
            raise unknown(finding)
    return row, held, demand_assessor(tx, actor, held, row.counted_on, day, doing=doing)


def _void(tx: Transaction, finding: str, reason: str, *, actor: Actor, now: dt.datetime) -> Row[Any]:
    if not reason.strip():
        raise Malformed("Voiding a finding needs a reason; say what was entered in error.", "reason")
    row, held, actor = _to_decide(tx, finding, "void a finding", actor=actor, now=now)
    touch(tx, held.id, row.counted_on)
    stored = required_text(tx, reason)
    void_values = {"finding": row.id, "by": actor.person_id, "at": now, "reason": stored.id}
    if tx.run(_VOID, void_values) != 1:
        raise Refused(f"{finding_line(row.id)} is void already.", "void")
    changed = {
        **row._asdict(),
        "voided_by": actor.person_id,
        "voided_at": now,
        "void_reason_id": stored.id,
    }
    finding_event(tx, "finding.voided", changed, stored, actor=actor, at=now)
    return row


def _keep_files(
    tx: Transaction, finding_id: int, assignment_id: int, files: Sequence[Sent], *, actor: Actor, now: dt.datetime
) -> None:
    owner = Owner("finding", finding_id, stream(assignment_id), finding_line(finding_id))
    write_files(tx, owner, files, actor=actor, now=now)


def reply_until(tx: Transaction, recorded_at: dt.datetime, terms: Disclosure) -> dt.date:
    """Return the last day, in the organisation's zone, on which a reply to a finding is taken."""
    calendar = naming.organisation(tx).calendar
    return add_working_days(calendar, today(tx, recorded_at), terms.reply_working_days, closures(tx))

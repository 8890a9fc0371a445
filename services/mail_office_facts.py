"""What those are told who run, sign and operate: who is late, which table waits, what failed. Never a score."""

import datetime as dt
import json
from typing import Any

from sqlalchemy import Row, bindparam, exists, func, or_, select

from models.appraisals import Appraisal
from models.columns import table_of
from models.history import Event
from models.outbox import Failure, Message
from models.people import Assignment, Unit
from services.access import granted_roles, own_or_superior
from services.mail_item_facts import ABSENCE, APPRAISAL_ROW, CYCLE, PERSON, WORK_ITEM, of_appraisal
from services.mail_words import Found, Look, NotNeeded
from services.opening_facts import opening_facts
from services.operating import operators
from services.unit_of_work import Transaction
from workflow.vocabulary import CycleState, Role

APPRAISAL = table_of(Appraisal)
ASSIGNMENT = table_of(Assignment)
EVENT = table_of(Event)
FAILURE = table_of(Failure)
MESSAGE = table_of(Message)
UNIT = table_of(Unit)
HOLDER = PERSON.alias("holder")

_UNDER_APPEAL = select(WORK_ITEM.c.id).where(
    WORK_ITEM.c.appraisal_id == bindparam("appraisal"),
    WORK_ITEM.c.role == Role.DECIDER.value,
    WORK_ITEM.c.closed_at.is_(None),
)
_REMINDED = (
    select(func.max(MESSAGE.c.sent_at))
    .where(MESSAGE.c.person_id == HOLDER.c.id, MESSAGE.c.work_item_id == WORK_ITEM.c.id, MESSAGE.c.state == "sent")
    .correlate(HOLDER, WORK_ITEM)
    .scalar_subquery()
)


def _away(person: Any) -> Any:
    return exists().where(
        ABSENCE.c.person_id == person,
        ABSENCE.c.kind == "protected",
        ABSENCE.c.valid_from <= bindparam("on"),
        or_(ABSENCE.c.valid_to.is_(None), ABSENCE.c.valid_to >= bindparam("on")),
    )


_LATE = (
    select(
        WORK_ITEM.c.id,
        WORK_ITEM.c.due_at,
        CYCLE.c.code.label("cycle"),
        PERSON.c.number,
        PERSON.c.name,
        UNIT.c.name.label("unit"),
        HOLDER.c.name.label("holder"),
        HOLDER.c.number.label("holder_number"),
        _REMINDED.label("reminded"),
    )
    .join(APPRAISAL, APPRAISAL.c.id == WORK_ITEM.c.appraisal_id)
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .join(PERSON, PERSON.c.id == APPRAISAL.c.person_id)
    .join(ASSIGNMENT, ASSIGNMENT.c.id == APPRAISAL.c.assignment_id)
    .join(UNIT, UNIT.c.id == ASSIGNMENT.c.unit_id)
    .join(HOLDER, HOLDER.c.id == WORK_ITEM.c.holder_id)
    .where(
        WORK_ITEM.c.closed_at.is_(None),
        WORK_ITEM.c.next_action_at.is_not(None),
        WORK_ITEM.c.due_at < bindparam("now"),
        CYCLE.c.state != CycleState.CANCELLED.value,
        ~_away(HOLDER.c.id),
        ~_away(PERSON.c.id),
    )
    .order_by(UNIT.c.name, WORK_ITEM.c.due_at, WORK_ITEM.c.id)
)
_PUT_FORWARD = ("proposed", "late-proposed")
_LAST_WORD = (
    select(EVENT.c.kind, EVENT.c.payload, CYCLE.c.code)
    .join(CYCLE, CYCLE.c.id == bindparam("cycle"))
    .where(
        EVENT.c.stream == bindparam("stream"),
        EVENT.c.kind.in_((*_PUT_FORWARD, "refused", "approved", "late-entered", "cancelled")),
    )
    .order_by(EVENT.c.seq.desc())
    .limit(1)
)
_OPEN_FAILURES = (
    select(FAILURE.c.source, FAILURE.c.code, func.count().label("number"), func.min(FAILURE.c.at).label("since"))
    .where(FAILURE.c.resolved_at.is_(None))
    .group_by(FAILURE.c.source, FAILURE.c.code)
    .order_by(FAILURE.c.source, FAILURE.c.code)
)


def late(tx: Transaction, *, on: dt.date, now: dt.datetime) -> tuple[Row[Any], ...]:
    """Return every work item whose deadline has passed, by unit; whoever is away under protection is never late."""
    return tuple(tx.all(_LATE, {"on": on, "now": now}))


def late_list(look: Look, person: Row[Any]) -> Found | NotNeeded:
    """Return who is late with what, for who runs cycles: unit, name, with whom, days late, last reminded."""
    if Role.HR not in granted_roles(look.tx, person.id, look.on):
        return NotNeeded("no-grant")
    found = late(look.tx, on=look.on, now=look.now)
    if not found:
        return NotNeeded("nobody-late")
    rows = tuple(
        {
            "unit": row.unit,
            "person": f"{row.name} ({row.number})",
            "holder": f"{row.holder} ({row.holder_number})",
            "cycle": row.cycle,
            "left": look.left(row.due_at),
            "reminded": look.phrase("never") if row.reminded is None else look.moment(row.reminded),
        }
        for row in found
    )
    return Found({"count": str(len(rows)), "link": look.link("cycles")}, rows)


def to_sign(look: Look, person: Row[Any]) -> dict[str, str] | NotNeeded:
    """Return which result table waits for the approver's signature; its check number, and nothing of its results."""
    payload = look.message.payload
    row = look.tx.first(_LAST_WORD, {"cycle": payload["cycle"], "stream": f"cycle:{payload['cycle']}"})
    told = {} if row is None else json.loads(row.payload)
    if row is None or row.kind not in _PUT_FORWARD or told["number"] != payload["number"]:
        return NotNeeded("not-proposed")
    if Role.APPROVER not in granted_roles(look.tx, person.id, look.on):
        return NotNeeded("no-grant")
    return {
        "cycle": row.code,
        "count": str(told["rows"]),
        "digest": told["table"][:12],
        "link": look.link("cycles", row.code),
    }


def failures(look: Look, person: Row[Any]) -> Found | NotNeeded:
    """Return what failed and waits for a decision, counted by code, for who operates Appraise."""
    if person.id not in operators(look.tx, look.on):
        return NotNeeded("no-grant")
    found = look.tx.all(_OPEN_FAILURES)
    if not found:
        return NotNeeded("resolved")
    rows = tuple(
        {"source": row.source, "code": row.code, "number": str(row.number), "since": look.moment(row.since)}
        for row in found
    )
    return Found({"count": str(sum(row.number for row in found)), "link": look.link("failures")}, rows)


def objection(look: Look, person: Row[Any]) -> dict[str, str] | NotNeeded:
    """Return that somebody objected, for who runs cycles; not of his own appraisal or a superior's."""
    which = {"appraisal": look.message.appraisal_id}
    row = look.tx.first(APPRAISAL_ROW, which)
    if row is None or row.cycle_state == CycleState.CANCELLED:
        return NotNeeded("cycle-cancelled")
    if look.tx.first(_UNDER_APPEAL, which) is None:
        return NotNeeded("decided")
    if Role.HR not in granted_roles(look.tx, person.id, look.on):
        return NotNeeded("no-grant")
    if own_or_superior(look.tx, person.id, row.person_id, look.on):
        return NotNeeded("own-or-superior")
    return of_appraisal(look, row)


def opening(look: Look, person: Row[Any]) -> dict[str, str] | NotNeeded:
    """Return what stands in the way of the cycle of a plan, for who runs cycles, or why nobody need be told."""
    found = opening_facts(look, person)
    return NotNeeded(found) if isinstance(found, str) else found

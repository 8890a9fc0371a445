"""Notices for who has no address: a list that HR prints, one slip each or a sheet per unit to sign on."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, or_, select, update

from models.columns import UtcDateTime, table_of
from models.outbox import Message
from models.people import Assignment, Person, Unit
from services import mail_digest_rows
from services.actors import Actor
from services.audit import append_event
from services.errors import NotFound
from services.grants import demand, today
from services.mail_facts import NotNeeded, look
from services.mail_letters import written
from services.messages import DIGEST
from services.outbox_messages import COLUMNS, as_message
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.vocabulary import Role

MESSAGE = table_of(Message)
PERSON = table_of(Person)
UNIT = table_of(Unit)
ASSIGNMENT = table_of(Assignment)

_LISTED = (
    select(*COLUMNS, MESSAGE.c.created_at, MESSAGE.c.sent_at, PERSON.c.number, PERSON.c.name)
    .join(PERSON, PERSON.c.id == MESSAGE.c.person_id)
    .where(MESSAGE.c.state == "listed", MESSAGE.c.kind != DIGEST)
    .order_by(PERSON.c.number, MESSAGE.c.id)
)
_NEW = _LISTED.where(MESSAGE.c.sent_at.is_(None))
_UNITS = (
    select(ASSIGNMENT.c.person_id, UNIT.c.code, UNIT.c.name)
    .join(UNIT, UNIT.c.id == ASSIGNMENT.c.unit_id)
    .where(
        ASSIGNMENT.c.person_id.in_(bindparam("people", expanding=True)),
        ASSIGNMENT.c.valid_from <= bindparam("on"),
        or_(ASSIGNMENT.c.valid_to.is_(None), ASSIGNMENT.c.valid_to >= bindparam("on")),
    )
    .order_by(ASSIGNMENT.c.main.desc(), ASSIGNMENT.c.id)
)
_UNIT = select(UNIT.c.id).where(UNIT.c.code == bindparam("code"))
_PRINTED = (
    update(MESSAGE)
    .where(
        MESSAGE.c.id.in_(bindparam("rows", expanding=True)), MESSAGE.c.state == "listed", MESSAGE.c.sent_at.is_(None)
    )
    .values(sent_at=bindparam("at", type_=UtcDateTime()))
)


@dataclass(frozen=True, slots=True)
class Slip:
    """A notice on paper, in the language of the person; `printed_at` is when it was first put on a list."""

    mail: str
    kind: str
    number: str
    name: str
    unit: str
    subject: str
    text: str
    since: dt.datetime
    printed_at: dt.datetime | None


@use_case("mail.slips")
def slips(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    base_url: str,
    unit: str | None = None,
    again: bool = False,
) -> tuple[Slip, ...]:
    """Return the notices that stand on the list, and mark the new ones as printed; by HR.

    Without `again` only those that were never printed. Need and permission are looked at now: what nobody needs any
    more is cancelled and left out. Handing a slip over proves nothing by itself: HR records the delivery.

    Raises:
        NotFound: there is no such unit.
        Refused: the actor is no HR officer.
    """
    with uow.write() as tx:
        demand(tx, actor, now, (Role.HR,), "print notices")
        if unit is not None and tx.first(_UNIT, {"code": unit}) is None:
            raise NotFound(f"There is no unit {unit}; `appraise org show` lists the units.", "unknown-unit")
        rows = tx.all(_LISTED if again else _NEW)
        units = _units(tx, rows, today(tx, now))
        found = []
        for row in rows:
            code, name = units.get(row.person_id, ("", ""))
            if unit is not None and code != unit:
                continue
            slip = _slip(tx, row, name, now=now, base_url=base_url)
            if slip is not None:
                found.append(slip)
        fresh = [int(slip.mail[1:]) for slip in found if slip.printed_at is None]
        if fresh:
            tx.run(_PRINTED, {"rows": fresh, "at": now})
            append_event(tx, "org", "mail.slips", actor=actor, at=now, payload={"messages": fresh})
    return tuple(sorted(found, key=lambda slip: (slip.unit, slip.number)))


def _units(tx: Transaction, rows: Sequence[Row[Any]], on: dt.date) -> dict[int, tuple[str, str]]:
    people = sorted({row.person_id for row in rows})
    found: dict[int, tuple[str, str]] = {}
    for row in tx.all(_UNITS, {"people": people, "on": on}) if people else ():
        found.setdefault(row.person_id, (row.code, row.name))
    return found


def _slip(tx: Transaction, row: Row[Any], unit: str, *, now: dt.datetime, base_url: str) -> Slip | None:
    message = as_message(row, attempt=row.attempt, fence=row.fence)
    needed = look(tx, message, now=now, base_url=base_url)
    if isinstance(needed, NotNeeded):
        mail_digest_rows.drop(tx, row.id, needed.code)
        return None
    subject, text, _ = written(message, needed)
    return Slip(f"M{row.id}", row.kind, row.number, row.name, unit, subject, text.strip(), row.created_at, row.sent_at)

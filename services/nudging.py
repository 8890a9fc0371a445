"""Reminding by hand: whoever still owes something in a cycle gets a mail now, unless he had two within the hour."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, func, or_, select

from models.appraisals import Appraisal
from models.columns import UtcDateTime, table_of
from models.cycles import Cycle
from models.outbox import Message
from models.people import Absence, Person
from models.workitems import WorkItem
from services import digests, naming
from services.actors import Actor
from services.audit import append_event
from services.cycles import demand_hr
from services.errors import Refused
from services.grants import today
from services.outbox import Promise, promise_many
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.vocabulary import CycleState

WORK_ITEM = table_of(WorkItem)
APPRAISAL = table_of(Appraisal)
CYCLE = table_of(Cycle)
PERSON = table_of(Person)
ABSENCE = table_of(Absence)
MESSAGE = table_of(Message)

HOUR = dt.timedelta(hours=1)
MOST_AN_HOUR = 2

_OWED = (
    select(WORK_ITEM.c.id, WORK_ITEM.c.appraisal_id, WORK_ITEM.c.holder_id, PERSON.c.number, PERSON.c.name)
    .join(APPRAISAL, APPRAISAL.c.id == WORK_ITEM.c.appraisal_id)
    .join(PERSON, PERSON.c.id == WORK_ITEM.c.holder_id)
    .where(
        APPRAISAL.c.cycle_id == bindparam("cycle"),
        WORK_ITEM.c.closed_at.is_(None),
        or_(bindparam("appraisal") == 0, APPRAISAL.c.id == bindparam("appraisal")),
        ~select(ABSENCE.c.id)
        .where(
            ABSENCE.c.person_id == WORK_ITEM.c.holder_id,
            ABSENCE.c.kind == "protected",
            ABSENCE.c.valid_from <= bindparam("on"),
            or_(ABSENCE.c.valid_to.is_(None), ABSENCE.c.valid_to >= bindparam("on")),
        )
        .exists(),
    )
    .order_by(PERSON.c.number, WORK_ITEM.c.id)
)
_MAILED = (
    select(MESSAGE.c.person_id, func.coalesce(MESSAGE.c.sent_at, MESSAGE.c.created_at).label("at"))
    .where(
        MESSAGE.c.person_id.in_(bindparam("people", expanding=True)),
        MESSAGE.c.digest_id.is_(None),
        # What waits for a digest is no mail yet, and what was cancelled or failed is none at all.
        or_(
            MESSAGE.c.state.in_(("claimed", "in-doubt", "sent", "listed")),
            (MESSAGE.c.state == "queued") & MESSAGE.c.due_at.is_not(None),
        ),
        func.coalesce(MESSAGE.c.sent_at, MESSAGE.c.created_at) > bindparam("since", type_=UtcDateTime()),
    )
    .order_by("at")
)
_LAST = (
    select(MESSAGE.c.person_id, func.max(MESSAGE.c.sent_at).label("at"))
    .where(
        MESSAGE.c.person_id.in_(bindparam("people", expanding=True)),
        MESSAGE.c.work_item_id.in_(bindparam("items", expanding=True)),
        MESSAGE.c.state == "sent",
    )
    .group_by(MESSAGE.c.person_id)
)


@dataclass(frozen=True, slots=True)
class Nudge:
    """Somebody who owes something: how much, when he was last mailed about it, and whether he is reminded now.

    `within_hour` are the mails he had, or is about to get, in the last hour; with two of them there is no third.
    """

    number: str
    name: str
    items: tuple[str, ...]
    last: dt.datetime | None
    within_hour: tuple[dt.datetime, ...]
    reminded: bool


@use_case("cycle.remind")
def remind(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, cycle: str) -> tuple[Nudge, ...]:
    """Remind everybody who owes something in a cycle, or about one appraisal (CYCLE/EMPLOYEE); by HR.

    Whoever is away under protection is not reminded; whoever had two mails in the last hour gets no third.

    Raises:
        NotFound: there is no such cycle or appraisal.
        Refused: the actor is no HR officer, or the cycle is over.
    """
    code, mark, _ = cycle.partition("/")
    with uow.write() as tx:
        demand_hr(tx, actor, now, "remind people by hand")
        row = naming.cycle(tx, code)
        if row.state in {CycleState.CANCELLED, CycleState.PLANNED}:
            raise Refused(f"The cycle {code} is {row.state}; nobody owes anything in it.", "not-open")
        appraisal = naming.only(cycle, naming.appraisals(tx, cycle)) if mark else 0
        owed = tx.all(_OWED, {"cycle": row.id, "appraisal": appraisal, "on": today(tx, now)})
        found = _nudges(tx, owed, now)
        reminded = {nudge.number for nudge in found if nudge.reminded}
        due = [item for item in owed if item.number in reminded]
        if due:
            _promise(tx, due, f"cycle:{row.id}", actor=actor, now=now)
    return found


def _nudges(tx: Transaction, owed: Sequence[Row[Any]], now: dt.datetime) -> tuple[Nudge, ...]:
    if not owed:
        return ()
    people = sorted({item.holder_id for item in owed})
    recent: dict[int, list[dt.datetime]] = {}
    for mail in tx.all(_MAILED, {"people": people, "since": now - HOUR}):
        recent.setdefault(mail.person_id, []).append(mail.at)
    last = {row.person_id: row.at for row in tx.all(_LAST, {"people": people, "items": [item.id for item in owed]})}
    by_person: dict[int, list[Row[Any]]] = {}
    for item in owed:
        by_person.setdefault(item.holder_id, []).append(item)
    return tuple(
        Nudge(
            items[0].number,
            items[0].name,
            tuple(f"W{item.id}" for item in items),
            last.get(person),
            tuple(recent.get(person, ())),
            len(recent.get(person, ())) < MOST_AN_HOUR,
        )
        for person, items in by_person.items()
    )


def _promise(tx: Transaction, due: Sequence[Row[Any]], stream: str, *, actor: Actor, now: dt.datetime) -> None:
    stamp = now.astimezone(dt.UTC).isoformat(timespec="microseconds")
    promises = [
        Promise(
            "reminded",
            item.holder_id,
            f"work-item/{item.id}/person/{item.holder_id}/reminded/{stamp}",
            work_item_id=item.id,
            appraisal_id=item.appraisal_id,
        )
        for item in due
    ]
    promise_many(tx, promises, now=now)
    digests.promise_extra(tx, sorted({item.holder_id for item in due}), f"reminded/{stamp}", now=now)
    payload = {"items": [item.id for item in due]}
    append_event(tx, stream, "reminded", actor=actor, at=now, payload=payload)

"""The delegations somebody may see, each with a number, and the end of one before its last day (W11)."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, bindparam, or_, select, update

from models.columns import table_of
from models.people import Delegation
from services import naming
from services.access import granted_roles
from services.actors import Actor
from services.audit import append_event, digest, store_text
from services.delegations import content
from services.errors import Conflict, NotFound, Refused
from services.grants import demand_distance, demand_typist, today
from services.standing import PERSON
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.vocabulary import Role

DELEGATION = table_of(Delegation)
SEES_ALL = frozenset({Role.HR, Role.APPROVER, Role.AUDITOR})
"""Who sees the delegations of others: they stand in the reporting lines that these look after."""

_HOLDER = PERSON.alias("holder")
_DELEGATE = PERSON.alias("delegate")
_ROWS = (
    select(
        DELEGATION,
        _HOLDER.c.number.label("holder"),
        _HOLDER.c.name.label("holder_name"),
        _DELEGATE.c.number.label("delegate"),
        _DELEGATE.c.name.label("delegate_name"),
    )
    .join(_HOLDER, _HOLDER.c.id == DELEGATION.c.person_id)
    .join(_DELEGATE, _DELEGATE.c.id == DELEGATION.c.delegate_id)
)
_NOT_OVER = or_(
    DELEGATION.c.valid_to.is_(None),
    and_(DELEGATION.c.valid_to >= bindparam("on"), DELEGATION.c.valid_to >= DELEGATION.c.valid_from),
)
_ALL = _ROWS.where(DELEGATION.c.id > bindparam("after"), _NOT_OVER).order_by(DELEGATION.c.id).limit(bindparam("most"))
_OF = _ALL.where(or_(DELEGATION.c.person_id == bindparam("person"), DELEGATION.c.delegate_id == bindparam("person")))
_ONE = _ROWS.where(DELEGATION.c.id == bindparam("row"))
_END = (
    update(DELEGATION)
    .where(DELEGATION.c.id == bindparam("row"), DELEGATION.c.valid_to == bindparam("was"))
    .values(valid_to=bindparam("last"))
)


@dataclass(frozen=True, slots=True)
class Substitute:
    """Who stands in for whom, in which role (None for all that he judges), from which day to which."""

    id: int
    holder: str
    holder_name: str
    delegate: str
    delegate_name: str
    role: str | None
    first: dt.date
    last: dt.date | None


def list_delegations(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, number: str | None = None, after: int = 0, limit: int = 50
) -> Sequence[Substitute]:
    """Return delegations that are not over, in the order they were given, with numbers above `after`.

    Without a `number` HR, the approver and auditors are shown everybody's, anybody else those in which he is the holder
    or the substitute; with one, those of that person.

    Raises:
        NotFound: there is no such person, or his are not the viewer's to see.
    """
    with uow.read() as tx:
        on = today(tx, now)
        values: dict[str, Any] = {"after": after, "most": limit, "on": on}
        every = not granted_roles(tx, actor.person_id, on).isdisjoint(SEES_ALL)
        if number is None and every:
            return tuple(_shown(row) for row in tx.all(_ALL, values))
        person = actor.person_id if number is None else naming.person(tx, number).id
        if person != actor.person_id and not every:
            raise NotFound(f"There are no delegations of {number}, or they are not yours to see.", "not-yours")
        return tuple(_shown(row) for row in tx.all(_OF, {**values, "person": person}))


@use_case("workitem.undelegate")
def end(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    delegation: int,
    last: dt.date | None = None,
    reason: str | None = None,
) -> Substitute:
    """End a delegation at once, or with the end of an earlier `last` day; by who gave it, or by HR for him.

    What the substitute did until then stands. One that ends before it began was never in force.

    Raises:
        NotFound: there is no such delegation, or it is not the actor's to see.
        Refused: it is over already, `last` lies in the past or behind its end, or the actor may not.
        Conflict: somebody changed it at the same moment.
    """
    with uow.write() as tx:
        on = today(tx, now)
        row = tx.first(_ONE, {"row": delegation})
        if row is None:
            raise _unknown(delegation)
        _demand_may_end(tx, actor, now, row, on)
        if row.valid_to is None or row.valid_to < on or row.valid_to < row.valid_from:
            raise Refused(f"The delegation {delegation} is over already; nothing is left to end.", "over")
        if last is not None and not on <= last < row.valid_to:
            raise Refused(
                f"{last} does not lie from today to before {row.valid_to}, its last day; leave the day out to end it "
                "at once, or delegate anew for longer.",
                "bad-last-day",
            )
        ends = last if last is not None and last >= row.valid_from else max(on, row.valid_from) - dt.timedelta(days=1)
        stored = store_text(tx, reason)
        if tx.run(_END, {"row": row.id, "was": row.valid_to, "last": ends}) != 1:
            raise Conflict(f"The delegation {delegation} changed at the same moment; look again.", "faster")
        ended = tx.all(_ONE, {"row": row.id})[0]
        payload: dict[str, Any] = {"delegation": row.id, "digest": digest(content(ended._mapping))}  # noqa: SLF001
        if stored is not None:
            payload["reason"] = [stored.id, stored.digest]
        append_event(tx, "org", "delegation.ended", actor=actor, at=now, payload=payload)
    return _shown(ended)


def _demand_may_end(tx: Transaction, actor: Actor, now: dt.datetime, row: Row[Any], on: dt.date) -> None:
    roles = granted_roles(tx, actor.person_id, on)
    if row.person_id == actor.person_id:
        demand_typist(tx, actor, on)
        return
    if row.delegate_id != actor.person_id and roles.isdisjoint(SEES_ALL):
        raise _unknown(row.id)
    if Role.HR not in roles:
        raise Refused("Only who gave a delegation, or HR for him, may end it.", "not-holder")
    demand_distance(tx, actor, now, row.person_id, "end a delegation")


def _unknown(delegation: int) -> NotFound:
    return NotFound(f"There is no delegation {delegation}, or it is not yours to see.", "unknown-delegation")


def _shown(row: Row[Any]) -> Substitute:
    return Substitute(
        row.id,
        row.holder,
        row.holder_name,
        row.delegate,
        row.delegate_name,
        row.role,
        row.valid_from,
        row.valid_to,
    )

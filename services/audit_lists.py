"""What an auditor goes through: departures from the rule, who holds which power, what was taken away or denied."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, bindparam, or_, select

from models.columns import table_of
from models.history import Event
from models.people import Grant
from services.access import granted_roles
from services.actors import Actor
from services.errors import Refused
from services.grants import today
from services.people_search import PERSON, UNIT
from services.unit_of_work import Transaction, UnitOfWork
from workflow.vocabulary import Role

EVENT = table_of(Event)
GRANT = table_of(Grant)
BEHALF = PERSON.alias("behalf")
PAGE = 50
READERS = frozenset({Role.AUDITOR, Role.APPROVER, Role.SYSTEM})

KINDS: Mapping[str, tuple[str, ...]] = {
    "exceptions": (
        "extended",
        "held",
        "released",
        "withdrawn",
        "enrolled",
        "cancelled",
        "reminded",
        "refused",
        "late-proposed",
        "late-entered",
        "correction-proposed",
        "corrected",
        "override.new",
        "override.changed",
        "conflict.new",
        "org.imported",
    ),
    "taken": ("exported", "mail.slips", "checkpoint"),
    "denied": ("login-denied",),
}
"""Events by what an auditor asks: what departed from the rule, what was taken away, what was denied."""

_EVENTS = (
    select(
        EVENT.c.id,
        EVENT.c.stream,
        EVENT.c.seq,
        EVENT.c.kind,
        EVENT.c.at,
        EVENT.c.payload,
        PERSON.c.name,
        PERSON.c.number,
        BEHALF.c.name.label("behalf"),
        BEHALF.c.number.label("behalf_number"),
    )
    .outerjoin(PERSON, PERSON.c.id == EVENT.c.actor_id)
    .outerjoin(BEHALF, BEHALF.c.id == EVENT.c.on_behalf_of)
    .where(EVENT.c.id < bindparam("before"))
    .order_by(EVENT.c.id.desc())
    .limit(PAGE + 1)
)
_OF_KINDS = _EVENTS.where(EVENT.c.kind.in_(bindparam("kinds", expanding=True)))
_DENIED = _EVENTS.where(or_(EVENT.c.stream == "refusals", EVENT.c.kind.in_(bindparam("kinds", expanding=True))))
_POWERS = (
    select(GRANT.c.id, GRANT.c.role, GRANT.c.valid_from, GRANT.c.valid_to, PERSON.c.name, PERSON.c.number)
    .add_columns(UNIT.c.name.label("unit"))
    .join(PERSON, PERSON.c.id == GRANT.c.person_id)
    .outerjoin(UNIT, UNIT.c.id == GRANT.c.unit_id)
    .where(GRANT.c.id < bindparam("before"))
    .order_by(GRANT.c.id.desc())
    .limit(PAGE + 1)
)
_LAST = 2**62


@dataclass(frozen=True, slots=True)
class Entry:
    """One event: in which chain, what, by whom and for whom, when; `details` are ids and codes, never words."""

    chain: str
    seq: int
    what: str
    by: str
    behalf: str
    at: dt.datetime
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of events, the newest first; `before` asks for the next."""

    entries: tuple[Entry, ...]
    before: int | None


def events(
    uow: UnitOfWork,
    *,
    viewer: Actor,
    now: dt.datetime,
    what: Literal["exceptions", "taken", "denied"],
    before: int | None = None,
) -> Listed:
    """Return events of one sort, 50 at a time, in three statements; for auditors and the approver.

    Raises:
        Refused: the viewer is neither.
    """
    with uow.read() as tx:
        _demand(tx, viewer, now)
        statement = _DENIED if what == "denied" else _OF_KINDS
        rows = tx.all(statement, {"before": before or _LAST, "kinds": list(KINDS[what])})
    shown = rows[:PAGE]
    return Listed(tuple(map(_entry, shown)), shown[-1].id if len(rows) > PAGE else None)


def powers(uow: UnitOfWork, *, viewer: Actor, now: dt.datetime, before: int | None = None) -> tuple[Row[Any], ...]:
    """Return who holds or held which power, the newest first, 50 at a time; for auditors and the approver.

    Raises:
        Refused: the viewer is neither.
    """
    with uow.read() as tx:
        _demand(tx, viewer, now)
        return tuple(tx.all(_POWERS, {"before": before or _LAST}))[:PAGE]


def _demand(tx: Transaction, viewer: Actor, now: dt.datetime) -> None:
    if granted_roles(tx, viewer.person_id, today(tx, now)).isdisjoint(READERS):
        raise Refused("Only auditors and the approver go through these lists.", "not-granted")


def _entry(row: Row[Any]) -> Entry:
    behalf = f"{row.behalf} ({row.behalf_number})" if row.behalf else ""
    by = f"{row.name} ({row.number})" if row.name else ""
    return Entry(row.stream, row.seq, row.kind, by, behalf, row.at, json.loads(row.payload))

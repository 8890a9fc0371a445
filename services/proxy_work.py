"""What waits for somebody without an address or a desk, and so for an entry on his behalf (W17; domain.md, 5b)."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, bindparam, exists, or_, select

from models.columns import table_of
from models.cycles import Cycle
from models.people import Contact
from services import naming
from services.access import granted_roles
from services.actors import Actor
from services.errors import NotFound, Refused
from services.grants import today
from services.people_search import UNIT
from services.standing import APPRAISAL, ASSIGNMENT, PERSON, POST, WORK_ITEM
from services.unit_of_work import UnitOfWork, use_case
from workflow.vocabulary import CycleState, Role

CONTACT = table_of(Contact)
CYCLE = table_of(Cycle)
HOLDER = PERSON.alias("holder")
PAGE = 50

_ITEMS = (
    select(
        WORK_ITEM.c.id,
        WORK_ITEM.c.stage,
        WORK_ITEM.c.due_at,
        WORK_ITEM.c.holder_id,
        HOLDER.c.number.label("holder_number"),
        HOLDER.c.name.label("holder"),
        CYCLE.c.code.label("cycle"),
        PERSON.c.number,
        PERSON.c.name,
        POST.c.code.label("post"),
        UNIT.c.name.label("unit"),
    )
    .select_from(
        WORK_ITEM.join(APPRAISAL, APPRAISAL.c.id == WORK_ITEM.c.appraisal_id)
        .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
        .join(PERSON, PERSON.c.id == APPRAISAL.c.person_id)
        .join(ASSIGNMENT, ASSIGNMENT.c.id == APPRAISAL.c.assignment_id)
        .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
        .join(UNIT, UNIT.c.id == ASSIGNMENT.c.unit_id)
        .join(HOLDER, HOLDER.c.id == WORK_ITEM.c.holder_id)
    )
    .where(
        WORK_ITEM.c.closed_at.is_(None),
        WORK_ITEM.c.holder_id != bindparam("typist"),
        CYCLE.c.state != CycleState.CANCELLED.value,
    )
    .order_by(WORK_ITEM.c.id)
    .limit(PAGE + 1)
)
_WAITING = _ITEMS.where(
    WORK_ITEM.c.id > bindparam("after"),
    ~exists(select(CONTACT.c.id).where(and_(CONTACT.c.person_id == HOLDER.c.id, CONTACT.c.valid_to.is_(None)))),
)
_OF_PERSON = _ITEMS.where(
    WORK_ITEM.c.id > bindparam("after"),
    or_(HOLDER.c.number == bindparam("number"), PERSON.c.number == bindparam("number")),
)
_ONE = _ITEMS.where(WORK_ITEM.c.id == bindparam("item"))


@dataclass(frozen=True, slots=True)
class Waiting:
    """One task that somebody else may type: of whose appraisal, with whom it lies, until when."""

    item: str
    appraisal: str
    stage: str
    person: str
    holder_id: int
    holder: str
    unit: str
    due_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class WaitingPage:
    """A page of such tasks; `after` asks for the next one."""

    items: tuple[Waiting, ...]
    after: int | None


@use_case("proxy.work")
def to_type(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, number: str | None = None, after: int = 0
) -> WaitingPage:
    """Return open tasks of people without an e-mail address, or of one person; 50 at a time, in three statements.

    Raises:
        Refused: the actor may not enter for others.
    """
    with uow.read() as tx:
        _demand(granted_roles(tx, actor.person_id, today(tx, now)))
        values = {"typist": actor.person_id or 0, "after": after}
        rows = tx.all(_WAITING, values) if number is None else tx.all(_OF_PERSON, values | {"number": number})
    shown = rows[:PAGE]
    return WaitingPage(tuple(_waiting(row) for row in shown), shown[-1].id if len(rows) > PAGE else None)


@use_case("proxy.item")
def one(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, item: str) -> Waiting:
    """Return one open task by its name, `W77`, for an entry on behalf of its holder.

    Raises:
        Malformed: the name has another form.
        NotFound: there is no such open task, or it is the actor's own.
        Refused: the actor may not enter for others.
    """
    with uow.read() as tx:
        _demand(granted_roles(tx, actor.person_id, today(tx, now)))
        row = tx.first(_ONE, {"typist": actor.person_id or 0, "item": naming.numbered(item, "W")})
    if row is None:
        raise NotFound(f"There is no open task {item} that you could enter something for.", "no-item")
    return _waiting(row)


def _demand(roles: frozenset[str]) -> None:
    if roles.isdisjoint({Role.PROXY, Role.SYSTEM}):
        raise Refused("Entering for somebody else needs the grant proxy.", "not-granted")


def _waiting(row: Row[Any]) -> Waiting:
    return Waiting(
        f"W{row.id}",
        f"{row.cycle}/{row.number}@{row.post}",
        row.stage,
        f"{row.name} ({row.number})",
        row.holder_id,
        f"{row.holder} ({row.holder_number})",
        row.unit,
        row.due_at,
    )

"""Who is late in a cycle: with what, since when, last reminded when; what nobody can take stands first."""

import datetime as dt
import json
from dataclasses import dataclass

from sqlalchemy import and_, bindparam, exists, func, or_, select

from models.columns import UtcDateTime, table_of
from models.history import Event
from models.outbox import Message
from services import absences, calendars, naming
from services.access import granted_roles
from services.actors import Actor
from services.deadline_rows import REMINDERS
from services.errors import Refused
from services.extensions import OPEN_ITEMS, code_of, near_to
from services.grants import today
from services.standing import APPRAISAL, PERSON, WORK_ITEM, local_day
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.vocabulary import Role

EVENT = table_of(Event)
MESSAGE = table_of(Message)
HOLDER = PERSON.alias("holder")

_REMINDED = (
    select(func.max(MESSAGE.c.sent_at))
    .where(MESSAGE.c.work_item_id == WORK_ITEM.c.id, MESSAGE.c.kind.in_((*REMINDERS, "your-turn", "returned")))
    .correlate(WORK_ITEM)
    .scalar_subquery()
)
_LATE = (
    OPEN_ITEMS.add_columns(
        HOLDER.c.number.label("holder_number"),
        HOLDER.c.name.label("holder_name"),
        _REMINDED.label("reminded_at"),
    )
    .join(HOLDER, HOLDER.c.id == WORK_ITEM.c.holder_id)
    .where(
        APPRAISAL.c.cycle_id == bindparam("cycle"),
        WORK_ITEM.c.due_at < bindparam("now", type_=UtcDateTime()),
        # Whoever is away under protection is in no overdue list (domain.md, 5b).
        ~exists(
            select(absences.ABSENCE.c.id).where(
                and_(
                    absences.ABSENCE.c.person_id == WORK_ITEM.c.holder_id,
                    absences.ABSENCE.c.kind == "protected",
                    absences.ABSENCE.c.valid_from <= bindparam("on"),
                    or_(absences.ABSENCE.c.valid_to.is_(None), absences.ABSENCE.c.valid_to >= bindparam("on")),
                )
            )
        ),
    )
)
_STUCK = select(EVENT.c.kind, EVENT.c.payload).where(
    EVENT.c.stream == bindparam("stream"), EVENT.c.kind.in_(("nobody-left", "with-hr"))
)


@dataclass(frozen=True, slots=True)
class Late:
    """One late work item. `days` are working days; `stuck` says why nobody can take it, as a code, if so."""

    item: str
    appraisal: str
    stage: str
    number: str
    name: str
    due_at: dt.datetime
    days: int
    reminded_at: dt.datetime | None
    stuck: str | None


@use_case("cycle.overdue")
def overdue(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, cycle: str) -> tuple[Late, ...]:
    """Return what is late in a cycle, what nobody can take first, then the latest; for HR, the approver and auditors.

    Who runs the cycle sees nothing here of his own appraisal and his superiors' (domain.md, section 5).

    Raises:
        NotFound: there is no such cycle.
        Refused: the viewer runs nothing.
    """
    with uow.read() as tx:
        roles = granted_roles(tx, actor.person_id, today(tx, now))
        if roles.isdisjoint({Role.HR, Role.APPROVER, Role.AUDITOR, Role.SYSTEM}):
            raise Refused("Only HR, the approver and auditors see who is late in a cycle.", "not-hr")
        row = naming.cycle(tx, cycle)
        hidden = _hidden(tx, actor, now, roles)
        stuck = {
            payload["item"]: found.kind
            for found in tx.all(_STUCK, {"stream": f"cycle:{row.id}"})
            for payload in (json.loads(found.payload),)
        }
        organisation = naming.organisation(tx)
        on = local_day(now, organisation.zone)
        closures = calendars.closures(tx)
        late = []
        for found in tx.all(_LATE, {"cycle": row.id, "now": now, "on": on}):
            if found.person_id in hidden:
                continue
            first = local_day(found.due_at, organisation.zone) + dt.timedelta(days=1)
            days = len(calendars.working_days(organisation.calendar, first, on, closures))
            late.append(
                Late(
                    f"W{found.id}",
                    code_of(cycle, found),
                    found.stage,
                    found.holder_number,
                    found.holder_name,
                    found.due_at,
                    days,
                    found.reminded_at,
                    stuck.get(found.id),
                )
            )
    return tuple(sorted(late, key=lambda one: (one.stuck is None, one.due_at, one.item)))


def _hidden(tx: Transaction, actor: Actor, now: dt.datetime, roles: frozenset[str]) -> frozenset[int]:
    seeing_all = not roles.isdisjoint({Role.APPROVER, Role.AUDITOR, Role.SYSTEM})
    if not seeing_all:
        return near_to(tx, actor, now)
    return near_to(tx, Actor(actor.typed_by), now) if actor.typed_by is not None else frozenset()

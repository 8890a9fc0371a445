"""The open tasks of a cycle, page by page: with whom, since when late, last reminded when, on hold, or stuck."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, Text, and_, bindparam, cast, exists, func, literal, null, or_, select, union_all

from models.columns import BIGINT, UtcDateTime, table_of
from models.outbox import Message
from models.people import Contact
from services import absences, calendars, naming
from services.actors import Actor
from services.cycle_board import SEES_BOARD, UNIT
from services.cycle_frame import above, frame
from services.deadline_rows import REMINDERS
from services.errors import Malformed, Refused
from services.extension_events import EVENT, HELD, RELEASED, item_told
from services.standing import APPRAISAL, ASSIGNMENT, PERSON, POST, WORK_ITEM, local_day
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.vocabulary import Role

CONTACT = table_of(Contact)
MESSAGE = table_of(Message)
HOLDER = PERSON.alias("holder")
ABSENCE = absences.ABSENCE
PAGE = 50
MOST = 500
"""Tasks on one page, and on a list that is printed."""
_NEVER = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)

_due = func.coalesce(WORK_ITEM.c.due_at, literal(_NEVER, UtcDateTime()), type_=UtcDateTime())
_PROTECTED = exists(
    select(ABSENCE.c.id).where(
        ABSENCE.c.person_id == WORK_ITEM.c.holder_id,
        ABSENCE.c.kind == "protected",
        ABSENCE.c.valid_from <= bindparam("on"),
        or_(ABSENCE.c.valid_to.is_(None), ABSENCE.c.valid_to >= bindparam("on")),
    )
)
_TASKS = (
    select(
        WORK_ITEM.c.id,
        WORK_ITEM.c.stage,
        WORK_ITEM.c.due_at,
        _due.label("place"),
        PERSON.c.number,
        PERSON.c.name,
        POST.c.code.label("post"),
        HOLDER.c.number.label("holder_number"),
        HOLDER.c.name.label("holder_name"),
        UNIT.c.name.label("unit"),
        WORK_ITEM.c.holder_id,
        exists(select(CONTACT.c.id).where(CONTACT.c.person_id == HOLDER.c.id, CONTACT.c.valid_to.is_(None))).label(
            "has_address"
        ),
    )
    .select_from(
        WORK_ITEM.join(APPRAISAL, APPRAISAL.c.id == WORK_ITEM.c.appraisal_id)
        .join(PERSON, PERSON.c.id == APPRAISAL.c.person_id)
        .join(ASSIGNMENT, ASSIGNMENT.c.id == APPRAISAL.c.assignment_id)
        .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
        .join(UNIT, UNIT.c.id == ASSIGNMENT.c.unit_id)
        .join(HOLDER, HOLDER.c.id == WORK_ITEM.c.holder_id)
    )
    .where(
        APPRAISAL.c.cycle_id == bindparam("cycle"),
        WORK_ITEM.c.closed_at.is_(None),
        APPRAISAL.c.person_id.not_in(bindparam("hidden", expanding=True)),
        or_(
            _due > bindparam("after_due", type_=UtcDateTime()),
            and_(_due == bindparam("after_due", type_=UtcDateTime()), WORK_ITEM.c.id > bindparam("after_id")),
        ),
    )
    .order_by(_due, WORK_ITEM.c.id)
    .limit(bindparam("most"))
)
# Whoever is away under protection is in no overdue list (domain.md, 5b).
_LATE = _TASKS.where(WORK_ITEM.c.due_at < bindparam("now", type_=UtcDateTime()), ~_PROTECTED)
_OF_PERSON = _TASKS.where(or_(PERSON.c.number == bindparam("person"), HOLDER.c.number == bindparam("person")))
_ONE = _TASKS.where(WORK_ITEM.c.id == bindparam("item"))
_ITEMS: Any = bindparam("items", type_=BIGINT, expanding=True)
_item = item_told(EVENT.c.payload)
_TOLD = union_all(
    select(EVENT.c.kind, _item.label("item"), EVENT.c.seq, cast(null(), UtcDateTime()).label("at")).where(
        EVENT.c.stream == bindparam("stream"),
        EVENT.c.kind.in_(("nobody-left", "with-hr", HELD, RELEASED)),
        _item.in_(_ITEMS),
    ),
    # What the holder was mailed about it: whoever held it before him was reminded for nothing.
    select(literal("reminded", Text), MESSAGE.c.work_item_id, literal(0, BIGINT), func.max(MESSAGE.c.sent_at))
    .where(
        MESSAGE.c.person_id.in_(bindparam("holders", type_=BIGINT, expanding=True)),
        MESSAGE.c.work_item_id.in_(_ITEMS),
        MESSAGE.c.kind.in_((*REMINDERS, "reminded", "your-turn")),
    )
    .group_by(MESSAGE.c.work_item_id),
)
"""What the record and the mails say of some work items."""


@dataclass(frozen=True, slots=True)
class Task:
    """One open work item. `days` are the working days it is late; `stuck` is a code: why nobody can take it."""

    item: str
    appraisal: str
    stage: str
    number: str
    name: str
    holder_number: str
    holder: str
    unit: str
    due_at: dt.datetime | None
    days: int
    reminded_at: dt.datetime | None
    has_address: bool
    held: bool
    stuck: str | None


@dataclass(frozen=True, slots=True)
class Tasks:
    """A page of tasks, the longest late first; `after` asks for the next page, None where there is none."""

    tasks: tuple[Task, ...]
    after: str | None


@use_case("cycle.tasks")
def tasks(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    cycle: str,
    late: bool = True,
    person: str | None = None,
    item: str | None = None,
    after: str | None = None,
    most: int = PAGE,
) -> Tasks:
    """Return open tasks of a cycle: those that are late, of one person, one by its name, or all; at most 5 statements.

    Who runs the cycle sees nothing here of his own appraisal and his superiors' (domain.md, section 5).

    Raises:
        NotFound: there is no such cycle.
        Malformed: `after` is none of ours, or the name of the task has another form.
        Refused: the viewer runs nothing.
    """
    with uow.read() as tx:
        at = frame(tx, viewer=actor, now=now, cycle=cycle)
        if at.granted.isdisjoint(SEES_BOARD):
            raise Refused("Only HR, the approver and auditors see who is late in a cycle.", "not-hr")
        hidden = frozenset[int]()
        if at.granted.isdisjoint({Role.APPROVER, Role.AUDITOR, Role.SYSTEM}) and actor.person_id is not None:
            hidden = above(tx, at, actor.person_id) | {actor.person_id}
        due, last = _place(after)
        values: dict[str, Any] = {"cycle": at.cycle.id, "hidden": sorted(hidden), "after_due": due, "after_id": last}
        values |= {"most": most + 1}
        if item is not None:
            found = tx.all(_ONE, values | {"item": naming.numbered(item, "W")})
        elif person is not None:
            found = tx.all(_OF_PERSON, values | {"person": person})
        elif late:
            found = tx.all(_LATE, values | {"now": now, "on": at.day})
        else:
            found = tx.all(_TASKS, values)
        shown = found[:most]
        told = _told(tx, at.cycle.id, shown)
        closures = calendars.closures(tx)

        def days(due_at: dt.datetime | None) -> int:
            if due_at is None or due_at >= now:
                return 0
            first = local_day(due_at, at.zone) + dt.timedelta(days=1)
            return len(calendars.working_days(at.calendar, first, at.day, closures))

        return Tasks(
            tuple(
                Task(
                    f"W{one.id}",
                    f"{cycle}/{one.number}@{one.post}",
                    one.stage,
                    one.number,
                    one.name,
                    one.holder_number,
                    one.holder_name,
                    one.unit,
                    one.due_at,
                    days(one.due_at),
                    told.reminded.get(one.id),
                    one.has_address,
                    one.id in told.held,
                    told.stuck.get(one.id),
                )
                for one in shown
            ),
            _mark(shown[-1]) if len(found) > most else None,
        )


@dataclass(slots=True)
class _Told:
    """What is told of work items: why nobody can take one, which are on hold, when the holder was reminded."""

    stuck: dict[int, str] = field(default_factory=dict)
    held: set[int] = field(default_factory=set)
    reminded: dict[int, dt.datetime] = field(default_factory=dict)


def _told(tx: Transaction, cycle_id: int, items: Sequence[Row[Any]]) -> _Told:
    told = _Told()
    if not items:
        return told
    asked = {"stream": f"cycle:{cycle_id}", "items": [one.id for one in items]}
    holders = sorted({one.holder_id for one in items})
    for row in sorted(tx.all(_TOLD, {**asked, "holders": holders}), key=lambda row: row.seq):
        if row.kind == "reminded":
            told.reminded[row.item] = row.at
        elif row.kind == HELD:
            told.held.add(row.item)
        elif row.kind == RELEASED:
            told.held.discard(row.item)
        else:
            told.stuck[row.item] = row.kind
    return told


def _mark(row: Row[Any]) -> str:
    return f"{(row.due_at or _NEVER).isoformat()}~{row.id}"


def _place(after: str | None) -> tuple[dt.datetime, int]:
    if after is None:
        return dt.datetime(1, 1, 2, tzinfo=dt.UTC), 0
    moment, _, item = after.partition("~")
    try:
        return dt.datetime.fromisoformat(moment).astimezone(dt.UTC), int(item[:18])
    except ValueError as error:
        raise Malformed(f"{after[:40]!r} is no place in this list; begin at its first page.", "bad-place") from error

"""Changing the deadline of open work items, and keeping every deadline there was as a row."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import Row, bindparam, select, update

from models.columns import UtcDateTime, table_of
from models.cycles import Deadline
from models.outbox import Message
from models.workitems import WorkItem
from services.announcements import deadlines_moved
from services.audit import StoredText
from services.errors import Conflict
from services.unit_of_work import Transaction

DEADLINE = table_of(Deadline)
MESSAGE = table_of(Message)
WORK_ITEM = table_of(WorkItem)
PLANNED = "planned"
REMINDERS = ("due-soon", "due-today", "overdue")
"""Kinds of message that speak of a deadline; those of an old one are cancelled with it."""

_LAST = (
    select(DEADLINE.c.id, DEADLINE.c.appraisal_id, DEADLINE.c.stage, DEADLINE.c.due_at)
    .where(DEADLINE.c.appraisal_id.in_(bindparam("appraisals", expanding=True)))
    .order_by(DEADLINE.c.id)
)
_CHANGE = (
    update(WORK_ITEM)
    .where(
        WORK_ITEM.c.id == bindparam("item"),
        WORK_ITEM.c.closed_at.is_(None),
        WORK_ITEM.c.due_at.is_not_distinct_from(bindparam("was", type_=UtcDateTime())),
    )
    .values(due_at=bindparam("due", type_=UtcDateTime()), next_action_at=bindparam("next", type_=UtcDateTime()))
)
_OBSOLETE = (
    update(MESSAGE)
    .where(
        MESSAGE.c.work_item_id.in_(bindparam("items", expanding=True)),
        MESSAGE.c.kind.in_(REMINDERS),
        MESSAGE.c.state == "queued",
    )
    .values(state="cancelled", error=bindparam("why"), due_at=None)
)


class Dated(Protocol):
    """What has a deadline: a work item as it was read."""

    @property
    def appraisal_id(self) -> int:
        """The appraisal it is about."""

    @property
    def cycle_id(self) -> int:
        """The cycle of the appraisal."""

    @property
    def stage(self) -> str:
        """The stage whose deadline it is."""

    @property
    def due_at(self) -> dt.datetime | None:
        """Until when it is due; None where it has no deadline now."""


def move_deadlines(
    tx: Transaction, items: Sequence[Row[Any]], until: dt.datetime | None, now: dt.datetime, *, why: str
) -> None:
    """Set the deadline of open work items, or take it away; what was queued about the old one is cancelled.

    Who holds them is told of a new deadline, once.

    Raises:
        Conflict: one of them was closed, or its deadline moved, since it was read.
    """
    following = None if until is None else now
    changed = tx.run(
        _CHANGE, [{"item": item.id, "was": item.due_at, "due": until, "next": following} for item in items]
    )
    if changed != len(items):
        raise Conflict("Somebody was faster: one of them has changed since you looked. Look again.", "faster")
    tx.run(_OBSOLETE, {"items": [item.id for item in items], "why": why})
    if until is not None:
        deadlines_moved(tx, items, until, now)


def keep_history(
    tx: Transaction, items: Sequence[Dated], until: dt.datetime, basis: str, text: StoredText | None
) -> Sequence[int]:
    """Write the new deadlines as rows, each naming the one before it, which is written too where it was never kept."""
    last: dict[Any, int] = {
        (row.appraisal_id, row.stage, row.due_at): row.id
        for row in tx.all(_LAST, {"appraisals": [item.appraisal_id for item in items]})
    }
    unkept = [item for item in items if item.due_at is not None and _key(item) not in last]
    written = tx.insert_all(DEADLINE, [_row(item, item.due_at, PLANNED) for item in unkept])
    last |= {_key(item): id_ for item, id_ in zip(unkept, written, strict=True)}
    reason = None if text is None else text.id
    return tx.insert_all(
        DEADLINE, [_row(item, until, basis, before=last.get(_key(item)), reason=reason) for item in items]
    )


def _key(item: Dated) -> tuple[int, str, dt.datetime | None]:
    return item.appraisal_id, item.stage, item.due_at


def _row(
    item: Dated, due_at: dt.datetime | None, basis: str, *, before: int | None = None, reason: int | None = None
) -> dict[str, Any]:
    return {
        "cycle_id": item.cycle_id,
        "appraisal_id": item.appraisal_id,
        "stage": item.stage,
        "basis": basis,
        "due_at": due_at,
        "extended_by": before,
        "reason_id": reason,
    }

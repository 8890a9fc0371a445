"""What somebody is told when a work item comes to him that had been his before.

A notice has one identity for each item, person and kind, so that it is promised once. What was stopped when the item
went away, and never sent, waits again; where he had been told already, a new turn of his is told under the number of
times that the part has been his. Need and deadline are looked at again at sending, as with any notice.
"""

import datetime as dt
from typing import Any

from sqlalchemy import bindparam, func, select, update

from models.columns import UtcDateTime, table_of
from models.outbox import Message
from services.access import PARTY
from services.database_clock import wall_time
from services.deadline_rows import REMINDERS
from services.messages import KINDS, Way
from services.outbox import promise
from services.unit_of_work import Transaction

MESSAGE = table_of(Message)
OPENING = ("your-turn", "passed-upward", "returned", "objection-made")
"""Kinds that tell a judge that an item is his."""
_AT_ONCE = [kind.name for kind in KINDS.values() if kind.way == Way.AT_ONCE and kind.name in OPENING]
_IN_DIGEST = [name for name in OPENING if name not in _AT_ONCE]

_MINE = (MESSAGE.c.person_id == bindparam("person"), MESSAGE.c.work_item_id == bindparam("item"))
_STOPPED = (MESSAGE.c.state == "cancelled", MESSAGE.c.error.in_(("passed-on", "nobody-left", "away")))
_WAIT_AGAIN = (
    update(MESSAGE)
    .where(*_MINE, *_STOPPED, MESSAGE.c.kind.in_(bindparam("kinds", expanding=True)))
    .values(state="queued", error=None, digest_id=None, due_at=None)
)
_GO_AGAIN = (
    update(MESSAGE)
    .where(*_MINE, *_STOPPED, MESSAGE.c.kind.in_(_AT_ONCE))
    .values(state="queued", error=None, due_at=bindparam("at", type_=UtcDateTime()), attempt=0)
)
_TOLD = select(func.count()).where(*_MINE, MESSAGE.c.kind.in_(OPENING), MESSAGE.c.state != "cancelled")
_TIMES = select(func.count()).where(
    PARTY.c.appraisal_id == bindparam("appraisal"),
    PARTY.c.role == bindparam("role"),
    PARTY.c.person_id == bindparam("person"),
)


def revive(tx: Transaction, *, item: int, person: int) -> int:
    """Let what was stopped, and is about an item that somebody holds again, wait to be sent.

    Returns how many of them tell him that it is his.
    """
    about: dict[str, Any] = {"item": item, "person": person}
    tx.run(_WAIT_AGAIN, {**about, "kinds": REMINDERS})
    told = tx.run(_WAIT_AGAIN, {**about, "kinds": _IN_DIGEST})
    told += tx.run(_GO_AGAIN, {**about, "at": wall_time(tx, None)})
    tx.ring()
    return told


def tell_again(tx: Transaction, *, item: int, person: int, appraisal: int, role: str, now: dt.datetime) -> None:
    """Tell somebody once that an item is his again; whoever was never told of it is told by the planner."""
    told = tx.scalar(_TOLD, {"item": item, "person": person})
    if revive(tx, item=item, person=person) or not told:
        return
    times = tx.scalar(_TIMES, {"appraisal": appraisal, "role": role, "person": person})
    promise(
        tx,
        kind="your-turn",
        person_id=person,
        dedupe_key=f"work-item/{item}/person/{person}/your-turn/{times}",
        now=now,
        work_item_id=item,
        appraisal_id=appraisal,
    )

"""A part of an open appraisal goes from one person to another: party, work item, mails and audit, in one step (W11).

The row of the former holder ends and stays: he keeps sight of what he did and can act no more. The open work item goes
over with its days begun anew, so that the new holder is told once, by the planner, and the mails of the old one stop.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable, bindparam, func, select, update

from models.columns import UtcDateTime, table_of
from models.findings import Finding
from models.outbox import Message
from services import due_dates
from services.access import PARTY
from services.actors import Actor
from services.audit import StoredText, append_event
from services.errors import Conflict
from services.standing import MOVE, WORK_ITEM, Standing
from services.told_again import tell_again
from services.unit_of_work import Transaction
from workflow.vocabulary import JUDGING_ROLES, CountedFrom, Role

FINDING = table_of(Finding)
MESSAGE = table_of(Message)
PASSED = "part-passed"
"""The kind of event, in the stream of the cycle, that vouches for a part that changed hands."""

_HELD = select(PARTY).where(
    PARTY.c.appraisal_id == bindparam("appraisal"),
    PARTY.c.role == bindparam("role"),
    PARTY.c.person_id == bindparam("person"),
    PARTY.c.to_at.is_(None),
)
_END = (
    update(PARTY)
    .where(PARTY.c.id == bindparam("party"), PARTY.c.to_at.is_(None))
    .values(to_at=bindparam("at", type_=UtcDateTime()))
)
_OVER = (
    update(WORK_ITEM)
    .where(
        WORK_ITEM.c.id == bindparam("item"), WORK_ITEM.c.holder_id == bindparam("was"), WORK_ITEM.c.closed_at.is_(None)
    )
    .values(
        holder_id=bindparam("becomes"),
        seen_at=None,
        due_at=bindparam("due", type_=UtcDateTime()),
        next_action_at=bindparam("at", type_=UtcDateTime()),
    )
)
_ACTED = select(MOVE.c.role, MOVE.c.actor_id, MOVE.c.on_behalf_of).where(
    MOVE.c.appraisal_id == bindparam("appraisal"), MOVE.c.role.in_([role.value for role in JUDGING_ROLES])
)
_RECORDED = select(FINDING.c.recorded_by).where(
    FINDING.c.assignment_id == bindparam("assignment"),
    FINDING.c.claimed.is_(False),
    FINDING.c.counted_on.between(bindparam("first"), bindparam("last")),
)
_WAITING = (MESSAGE.c.person_id == bindparam("person"), MESSAGE.c.state.in_(("queued", "claimed", "held")))
_STOPPED: Mapping[str, Any] = {
    "state": "cancelled",
    "error": bindparam("why"),
    "due_at": None,
    "lease_until": None,
    # Whoever has claimed it holds an older fence and hands nothing over any more.
    "fence": MESSAGE.c.fence + 1,
}
_STOP_ALL = update(MESSAGE).where(*_WAITING).values(**_STOPPED)
_STOP_ONE = update(MESSAGE).where(*_WAITING, MESSAGE.c.appraisal_id == bindparam("appraisal")).values(**_STOPPED)
_OTHER_PART = select(func.count()).where(
    PARTY.c.appraisal_id == bindparam("appraisal"), PARTY.c.person_id == bindparam("person"), PARTY.c.to_at.is_(None)
)


@dataclass(frozen=True, slots=True)
class Handover:
    """A part that changed hands: of which appraisal, which role, from whom to whom (ids), why, and the open item.

    `was` is in force no more; `item` is the work item that went along, such as `W77`, and `mails` how many stopped.
    """

    appraisal: str
    role: str
    was: int
    now: int
    why: str
    item: str | None
    due_at: dt.datetime | None
    mails: int


def acted_in(tx: Transaction, standing: Standing) -> dict[str, frozenset[int]]:
    """Return, by role, who already judged in this appraisal: by a move, by typing one, or by recording a finding."""
    found = {role: set(people) for role, people in moved_in(tx, standing).items()}
    _, recorded = acted_asked(standing)
    row = standing.row
    recorders = {found.recorded_by for found in tx.all(*recorded)}
    found.setdefault(Role.ASSESSOR.value, set()).update(recorders - {row.person_id})
    return {role: frozenset(people) for role, people in found.items()}


def moved_in(tx: Transaction, standing: Standing) -> dict[str, frozenset[int]]:
    """Return, by role, who made a judging move in this appraisal, or typed one."""
    found: dict[str, set[int]] = {}
    for row in tx.all(_ACTED, {"appraisal": standing.id}):
        found.setdefault(row.role, set()).update({row.actor_id, row.on_behalf_of} - {None})
    return {role: frozenset(people) for role, people in found.items()}


def acted_asked(standing: Standing) -> list[tuple[Executable, dict[str, Any]]]:
    """Return what `acted_in` asks of the database."""
    row = standing.row
    ledger = {"assignment": row.assignment_id, "first": row.period_from, "last": row.period_to}
    return [(_ACTED, {"appraisal": standing.id}), (_RECORDED, ledger)]


def holders_of(standing: Standing) -> dict[str, int]:
    """Return who judges in the first seat of each role now."""
    return {role.value: people[0] for role in JUDGING_ROLES if (people := standing.parts.holders.get(role))}


def hand_over(
    tx: Transaction,
    standing: Standing,
    *,
    role: str,
    was: int,
    becomes: int,
    why: str,
    actor: Actor,
    now: dt.datetime,
    reason: StoredText | None = None,
) -> Handover:
    """Let one part, and the work item that lies in it, go from one person to another.

    `why` is a short code (reassigned, recused, left, absent, back, moved, acting, died); it stands on the new row.

    Raises:
        Conflict: the part, or its work item, changed hands or was closed at the same moment.
    """
    party = tx.first(_HELD, {"appraisal": standing.id, "role": role, "person": was})
    if party is None or tx.run(_END, {"party": party.id, "at": now}) != 1:
        raise _faster()
    row = {name: getattr(party, name) for name in ("appraisal_id", "role", "seat")}
    tx.insert(PARTY, row | {"person_id": becomes, "source": why, "from_at": now, "to_at": None})
    stage = standing.lifecycle.stage(standing.stage)
    item = next((one for one in standing.items if stage.holder == role and one.holder_id == was), None)
    due = None if item is None else days_anew(tx, standing, item.due_at, now)
    if item is not None:
        values = {"item": item.id, "was": was, "becomes": becomes, "due": due, "at": now}
        if tx.run(_OVER, values) != 1:
            raise _faster()
        tell_again(tx, item=item.id, person=becomes, appraisal=standing.id, role=role, now=now)
        tx.ring()
    payload = {
        "appraisal": standing.id,
        "role": role,
        "seat": party.seat,
        "was": was,
        "now": becomes,
        "why": why,
        "item": None if item is None else item.id,
    }
    if reason is not None:
        payload["reason"] = [reason.id, reason.digest]
    append_event(tx, f"cycle:{standing.row.cycle_id}", PASSED, actor=actor, at=now, payload=payload)
    elsewhere = tx.scalar(_OTHER_PART, {"appraisal": standing.id, "person": was})
    mails = 0 if elsewhere else stop_mails(tx, was, why="passed-on", appraisal_id=standing.id)
    return Handover(standing.code, role, was, becomes, why, None if item is None else f"W{item.id}", due, mails)


def stop_mails(tx: Transaction, person_id: int, *, why: str, appraisal_id: int | None = None) -> int:
    """Cancel what is still to be mailed to a person, about one appraisal or about anything; return how many."""
    values: dict[str, Any] = {"person": person_id, "why": why}
    if appraisal_id is None:
        return tx.run(_STOP_ALL, values)
    return tx.run(_STOP_ONE, values | {"appraisal": appraisal_id})


def days_anew(tx: Transaction, standing: Standing, present: dt.datetime | None, now: dt.datetime) -> dt.datetime | None:
    """Return until when the new holder has: the days of the stage from now, and never fewer than were left."""
    if standing.lifecycle.stage(standing.stage).counted_from == CountedFrom.PROVEN_NOTICE:
        return present
    fresh = due_dates.due_at(
        tx,
        calendar=standing.row.calendar,
        zone=standing.row.zone,
        lifecycle=standing.lifecycle,
        stage=standing.stage,
        start=now,
        marks=due_dates.Marks.of(standing.row),
    )
    known = [moment for moment in (present, fresh) if moment is not None]
    return max(known, default=None)


def _faster() -> Conflict:
    return Conflict("Somebody was faster: the part or its work item has just changed hands. Look again.", "faster")

"""What a person waits for: appraisals he has a part in, in which it is somebody else's turn."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from services.access import PARTY
from services.actors import Actor
from services.standing import APPRAISAL, CYCLE, PERSON, WORK_ITEM, load
from services.unit_of_work import UnitOfWork
from workflow.vocabulary import CycleState, Role

MOST = 50
"""Rows of the list; the most urgent come first."""
_HOLDER = PERSON.alias("holder")
_WAITED = (
    select(
        APPRAISAL.c.id,
        WORK_ITEM.c.due_at,
        WORK_ITEM.c.holder_id,
        PERSON.c.number,
        PERSON.c.name,
        _HOLDER.c.number.label("holder_number"),
        _HOLDER.c.name.label("holder_name"),
    )
    .select_from(PARTY)
    .join(APPRAISAL, APPRAISAL.c.id == PARTY.c.appraisal_id)
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .join(WORK_ITEM, WORK_ITEM.c.appraisal_id == APPRAISAL.c.id)
    .join(PERSON, PERSON.c.id == APPRAISAL.c.person_id)
    .join(_HOLDER, _HOLDER.c.id == WORK_ITEM.c.holder_id)
    .where(
        PARTY.c.person_id == bindparam("person"),
        PARTY.c.to_at.is_(None),
        # A decider sees nothing before there is an appeal, so he waits for nothing.
        PARTY.c.role.in_([Role.APPRAISEE.value, Role.ASSESSOR.value, Role.REVIEWER.value]),
        WORK_ITEM.c.closed_at.is_(None),
        WORK_ITEM.c.holder_id != bindparam("person"),
        CYCLE.c.state != CycleState.CANCELLED.value,
    )
    .order_by(WORK_ITEM.c.due_at, WORK_ITEM.c.id)
    .limit(MOST)
)


@dataclass(frozen=True, slots=True)
class Waited:
    """One appraisal in which it is somebody else's turn, until when, and whether it is the person's own."""

    appraisal: str
    person: str
    wording: Mapping[str, str]
    due_at: dt.datetime | None
    own: bool


def waits(uow: UnitOfWork, *, actor: Actor, now: dt.datetime) -> tuple[Waited, ...]:
    """Return what a person waits for, the most urgent first, at most `MOST`."""
    with uow.read() as tx:
        rows = tx.all(_WAITED, {"person": actor.person_id})
        standings = {standing.id: standing for standing in load(tx, [row.id for row in rows], actor, now)}
    found = []
    for row in rows:
        standing = standings[row.id]
        holder = f"{row.holder_name} ({row.holder_number})"
        wording = {name: standing.lifecycle.wording(standing.stage, name, holder=holder) for name in ("en", "zh")}
        own = standing.row.person_id == actor.person_id
        found.append(Waited(standing.code, f"{row.name} ({row.number})", wording, row.due_at, own))
    return tuple(found)

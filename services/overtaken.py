"""Saying who was faster: whose move made another's impossible, and what it was, to those who may see it."""

import zoneinfo
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, bindparam, select

from models.columns import table_of
from models.people import Person
from services.actors import Actor
from services.errors import Conflict, NotFound
from services.sight import sight
from services.standing import MOVE, Standing
from services.unit_of_work import Transaction, UnitOfWork

PERSON = table_of(Person)
_BEHALF = PERSON.alias("behalf")
_FASTER = (
    select(MOVE.c.action, MOVE.c.at, PERSON.c.number.label("actor"), _BEHALF.c.number.label("behalf"))
    .outerjoin(PERSON, PERSON.c.id == MOVE.c.actor_id)
    .outerjoin(_BEHALF, _BEHALF.c.id == MOVE.c.on_behalf_of)
    .where(MOVE.c.appraisal_id == bindparam("appraisal"), MOVE.c.seq > bindparam("seen"))
    .order_by(MOVE.c.seq)
    .limit(1)
)


def overtaken(
    uow: UnitOfWork, conflict: Conflict, standings: Sequence[Standing], *, actor: Actor, version: int | None = None
) -> Conflict:
    """Return the conflict with the name of who was faster, or as it is where nobody moved or the actor may not know.

    `standings` are the appraisals as they were read; `version`, where given, is what the actor had looked at.
    """
    with uow.read() as tx:
        for standing in standings:
            seen = standing.version if version is None else version
            row = tx.first(_FASTER, {"appraisal": standing.id, "seen": seen})
            if row is not None and _may_know(tx, standing, actor):
                said = str(conflict) if conflict.code == "stale" else _changed(standing)
                return Conflict(f"{_who(row, standing.row.zone)} was faster: {said}", conflict.code)
    return conflict


def _may_know(tx: Transaction, standing: Standing, actor: Actor) -> bool:
    try:
        return sight(tx, standing, actor, standing.today).facts
    except NotFound:
        return False


def _changed(standing: Standing) -> str:
    return (
        f"{standing.code} has changed since you looked, and nothing of yours was written; look again and decide anew."
    )


def _who(row: Row[Any], zone: str) -> str:
    who = "The system" if row.actor is None else str(row.actor)
    if row.behalf is not None:
        who = f"{who} for {row.behalf}"
    return f"{who} ({row.action}, {row.at.astimezone(zoneinfo.ZoneInfo(zone)):%Y-%m-%d %H:%M})"

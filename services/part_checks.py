"""Comparing the parts of an appraisal with what vouches for them: the roster, and the moves that passed them on."""

import datetime as dt
import json
from typing import Any

from sqlalchemy import and_, bindparam, select

from models.appraisals import Appraisal
from models.columns import table_of
from models.cycles import Roster
from models.history import Move
from services.access import PARTY
from services.unit_of_work import Transaction
from workflow.vocabulary import Role

APPRAISAL = table_of(Appraisal)
ROSTER = table_of(Roster)
MOVE = table_of(Move)

_HOLDERS = (
    select(ROSTER.c.person_id, ROSTER.c.assessor_id, ROSTER.c.reviewer_id, ROSTER.c.decider_id)
    .join(
        APPRAISAL, and_(APPRAISAL.c.cycle_id == ROSTER.c.cycle_id, APPRAISAL.c.assignment_id == ROSTER.c.assignment_id)
    )
    .where(APPRAISAL.c.id == bindparam("appraisal"))
)
_PARTS = select(PARTY).where(PARTY.c.appraisal_id == bindparam("appraisal"))
_MOVES = select(MOVE.c.at, MOVE.c.payload).where(MOVE.c.appraisal_id == bindparam("appraisal")).order_by(MOVE.c.seq)

_Part = tuple[str, int, int, str, dt.datetime | None, dt.datetime | None]
"""Role, person, seat, whence, since when (None: since the opening), and until when."""


def parts_as_told(tx: Transaction, appraisal_id: int) -> bool:
    """Tell whether the parts are those of the roster, changed by what the moves say and by nothing else."""
    roster = tx.first(_HOLDERS, {"appraisal": appraisal_id})
    if roster is None:
        return False
    names = (Role.APPRAISEE, Role.ASSESSOR, Role.REVIEWER, Role.DECIDER)
    held: dict[str, _Part] = {
        role.value: (role.value, person, 1, "roster", None, None)
        for role, person in zip(names, roster, strict=True)
        if person is not None
    }
    told: list[_Part] = []
    for row in tx.all(_MOVES, {"appraisal": appraisal_id}):
        payload = json.loads(row.payload)
        for role, (old, new) in payload.get("parts", {}).items():
            before = held.pop(role, None)
            if (before[1] if before else None) != old:
                return False
            if before is not None:
                told.append((*before[:5], row.at))
            held[role] = (role, new, 1, str(payload.get("by")), row.at, None)
    told.extend(held.values())
    rows: list[Any] = [
        (
            row.role,
            row.person_id,
            row.seat,
            row.source,
            None if row.source == "roster" else row.from_at,
            row.to_at,
        )
        for row in tx.all(_PARTS, {"appraisal": appraisal_id})
    ]
    return sorted(rows, key=str) == sorted(told, key=str)

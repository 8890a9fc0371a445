"""Work items that a move opened for a former holder at the moment in which the part changed hands.

A move reads the parts first and opens its item at the end. Where a part changed hands in between, the item follows it
with the next planning; what is looked through is what ended lately, not how many parts there are (`ix_party_ended`).
"""

import datetime as dt

from sqlalchemy import and_, bindparam, select, update

from models.columns import UtcDateTime
from services.access import PARTY
from services.standing import WORK_ITEM
from services.unit_of_work import Transaction

LATELY = dt.timedelta(days=7)
"""How long after a part changed hands a work item of its former holder is looked for."""

_ENDED = PARTY.alias("ended")
STRAYS = (
    select(WORK_ITEM.c.id, PARTY.c.person_id.label("holder"))
    .select_from(_ENDED)
    .join(
        WORK_ITEM,
        and_(
            WORK_ITEM.c.appraisal_id == _ENDED.c.appraisal_id,
            WORK_ITEM.c.holder_id == _ENDED.c.person_id,
            WORK_ITEM.c.role == _ENDED.c.role,
            WORK_ITEM.c.seat == _ENDED.c.seat,
        ),
    )
    .join(
        PARTY,
        and_(
            PARTY.c.appraisal_id == WORK_ITEM.c.appraisal_id,
            PARTY.c.role == WORK_ITEM.c.role,
            PARTY.c.seat == WORK_ITEM.c.seat,
            PARTY.c.to_at.is_(None),
        ),
    )
    .where(
        _ENDED.c.to_at >= bindparam("lately", type_=UtcDateTime()),
        WORK_ITEM.c.closed_at.is_(None),
        PARTY.c.person_id != WORK_ITEM.c.holder_id,
    )
)
_TAKE = (
    update(WORK_ITEM)
    .where(WORK_ITEM.c.id == bindparam("item"), WORK_ITEM.c.closed_at.is_(None))
    .values(holder_id=bindparam("holder"), seen_at=None, next_action_at=bindparam("at", type_=UtcDateTime()))
)


def take_strays(tx: Transaction, now: dt.datetime) -> int:
    """Let an item that a move opened for a former holder at the same moment follow the part; return how many did."""
    found = tx.all(STRAYS, {"lately": now - LATELY})
    for row in found:
        tx.run(_TAKE, {"item": row.id, "holder": row.holder, "at": now})
    return len(found)

"""How many mails a minute all senders together may hand over: one row says until when the share is used up.

The generic cell rate algorithm: each mail uses up its part of a minute, and what is used up may lie at most a minute
ahead. It goes by the database's clock, so that any number of senders share one limit.
"""

import datetime as dt
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from models.columns import UtcDateTime, table_of
from models.outbox import PlannerMark
from services.unit_of_work import Transaction

MARK = table_of(PlannerMark)
NAME = "mail-rate"
_MINUTE = dt.timedelta(minutes=1)

_USED = select(MARK.c.at).where(MARK.c.name == NAME).with_for_update()


def _keep(module: Any) -> Any:
    statement = module.insert(MARK).values(name=NAME, at=bindparam("at", type_=UtcDateTime()))
    return statement.on_conflict_do_update(index_elements=["name"], set_={"at": statement.excluded.at})


_KEEP = {"sqlite": _keep(sqlite), "postgresql": _keep(postgresql)}
_FIRST = {
    dialect: module.insert(MARK)
    .values(name=NAME, at=bindparam("at", type_=UtcDateTime()))
    .on_conflict_do_nothing(index_elements=["name"])
    for dialect, module in (("sqlite", sqlite), ("postgresql", postgresql))
}


def free(tx: Transaction, wall: dt.datetime, per_minute: int) -> int:
    """Return how many mails may be handed over now; other senders wait for this transaction's end.

    `per_minute` is at least 1.
    """
    tx.run(_FIRST[tx.dialect], {"at": wall})
    return max(0, int((wall + _MINUTE - _used(tx, wall)) / (_MINUTE / per_minute)))


def use(tx: Transaction, wall: dt.datetime, per_minute: int, count: int) -> None:
    """Take the share of `count` mails."""
    tx.run(_KEEP[tx.dialect], {"at": _used(tx, wall) + count * (_MINUTE / per_minute)})


def _used(tx: Transaction, wall: dt.datetime) -> dt.datetime:
    return max(wall, tx.scalar(_USED) or wall)

"""That somebody has died: an event of a stream of his own, looked up before anything is mailed to who has left."""

import datetime as dt

from sqlalchemy import bindparam, select

from services.actors import Actor
from services.audit import EVENT, append_event
from services.unit_of_work import Transaction

KIND = "died"

_RECORDED = select(EVENT.c.id).where(EVENT.c.stream == bindparam("stream"), EVENT.c.kind == KIND).limit(1)
# By the range of streams, since only these are indexed.
_EVERYBODY = select(EVENT.c.stream).where(EVENT.c.stream > "person:", EVENT.c.stream < "person;", EVENT.c.kind == KIND)


def record(tx: Transaction, person_id: int, day: dt.date, *, actor: Actor, now: dt.datetime) -> None:
    """Record that somebody died on a day."""
    payload = {"person": person_id, "day": day.isoformat()}
    append_event(tx, _stream(person_id), KIND, actor=actor, at=now, payload=payload)


def recorded(tx: Transaction, person_id: int) -> bool:
    """Return whether it is recorded that somebody died."""
    return tx.first(_RECORDED, {"stream": _stream(person_id)}) is not None


def everybody(tx: Transaction) -> frozenset[int]:
    """Return the ids of all people of whom it is recorded that they died."""
    return frozenset(int(row.stream.partition(":")[2]) for row in tx.all(_EVERYBODY))


def _stream(person_id: int) -> str:
    return f"person:{person_id}"

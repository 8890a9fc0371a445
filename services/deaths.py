"""That somebody has died: an event of a stream of his own, looked up before anything is mailed to who has left."""

import datetime as dt

from sqlalchemy import ColumnElement, Text, bindparam, cast, exists, literal, select

from services.actors import Actor
from services.audit import EVENT, append_event
from services.unit_of_work import Transaction

KIND = "died"

_RECORDED = select(EVENT.c.id).where(EVENT.c.stream == bindparam("stream"), EVENT.c.kind == KIND).limit(1)


def record(tx: Transaction, person_id: int, day: dt.date, *, actor: Actor, now: dt.datetime) -> None:
    """Record that somebody died on a day."""
    payload = {"person": person_id, "day": day.isoformat()}
    append_event(tx, _stream(person_id), KIND, actor=actor, at=now, payload=payload)


def recorded(tx: Transaction, person_id: int) -> bool:
    """Return whether it is recorded that somebody died."""
    return tx.first(_RECORDED, {"stream": _stream(person_id)}) is not None


def of(person_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Return, for a statement about people, the condition that the death of one is recorded."""
    stream = literal("person:") + cast(person_id, Text)
    return exists(select(EVENT.c.id).where(EVENT.c.stream == stream, EVENT.c.kind == KIND))


def _stream(person_id: int) -> str:
    return f"person:{person_id}"

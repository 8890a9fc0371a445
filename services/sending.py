"""Whether this copy of the database mails people: an operator pauses and resumes it, a restored copy begins paused."""

import datetime as dt
import secrets

from sqlalchemy import insert, update

from services.actors import SYSTEM, Actor
from services.audit import append_event
from services.operating import demand_operator
from services.outbox_messages import INSTANCE, sending_paused
from services.unit_of_work import Transaction, UnitOfWork, use_case

_SET = update(INSTANCE)


@use_case("mail.pause")
def pause(uow: UnitOfWork, *, now: dt.datetime, actor: Actor = SYSTEM) -> bool:
    """Let this copy mail nobody until it is resumed; what is owed waits. False when it was paused already.

    Whoever can run this on the machine holds the database already; the act is in the audit.
    """
    with uow.write() as tx:
        if sending_paused(tx):
            return False
        _set(tx, now=now, paused=True)
        append_event(tx, "org", "sending.paused", actor=actor, at=now, payload={})
        return True


@use_case("mail.resume")
def resume(uow: UnitOfWork, *, now: dt.datetime, actor: Actor = SYSTEM) -> bool:
    """Let this copy mail people, what has waited first. False when it was not paused."""
    with uow.write() as tx:
        if not sending_paused(tx):
            return False
        _set(tx, now=now, paused=False)
        append_event(tx, "org", "sending.resumed", actor=actor, at=now, payload={})
        tx.ring()
        return True


def switch(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, paused: bool) -> bool:
    """Pause or resume as `pause` and `resume` do, for who is not at the machine; by who operates Appraise.

    Raises:
        Refused: the actor does not operate Appraise.
    """
    with uow.read() as tx:
        demand_operator(tx, actor, now, "pause or resume sending")
    return (pause if paused else resume)(uow, now=now, actor=actor)


def begin_copy(tx: Transaction, *, now: dt.datetime, actor: Actor = SYSTEM) -> None:
    """Say that this is a copy restored from a backup: it mails nobody before it is told to."""
    _set(tx, now=now, paused=True)
    append_event(tx, "org", "copy.restored", actor=actor, at=now, payload={})


def _set(tx: Transaction, *, now: dt.datetime, paused: bool) -> None:
    if tx.run(_SET.values(sending_paused=paused)) == 0:
        row = {"code": secrets.token_hex(8), "sending_paused": paused, "created_at": now}
        tx.run(insert(INSTANCE), row)

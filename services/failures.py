"""What failed and waits for a person's decision: shown, tried again, or marked as dealt with, with a reason."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from models.columns import UtcDateTime, table_of
from models.outbox import Failure, Message
from services.actors import Actor
from services.audit import append_event, store_text
from services.database_clock import wall_time
from services.errors import Malformed, NotFound, Refused
from services.grants import demand
from services.naming import numbered
from services.operating import demand_operator
from services.outbox_jobs import revive_job
from services.outbox_messages import settle_message
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.vocabulary import Role

FAILURE = table_of(Failure)
MESSAGE = table_of(Message)
_MOST = 500

OPEN = select(FAILURE).where(FAILURE.c.resolved_at.is_(None)).order_by(FAILURE.c.at, FAILURE.c.id).limit(_MOST)
_ALL = select(FAILURE).order_by(FAILURE.c.id.desc()).limit(_MOST)
_ONE = select(FAILURE).where(FAILURE.c.id == bindparam("row"))
_STATE = select(MESSAGE.c.state).where(MESSAGE.c.id == bindparam("row"))
_RESOLVE = (
    update(FAILURE)
    .where(FAILURE.c.id == bindparam("row"), FAILURE.c.resolved_at.is_(None))
    .values(resolved_at=bindparam("settled", type_=UtcDateTime()))
)
_MEND = {
    "opening": "`appraise cycle retry` opens what was set aside",
    "finalising": "`appraise cycle status` says what is missing",
}


@dataclass(frozen=True, slots=True)
class Failed:
    """One failure: of what, by which code, since when. `about` names it as other commands do, such as M12."""

    code: str
    source: str
    about: str
    said: str
    details: Mapping[str, Any]
    at: dt.datetime
    resolved_at: dt.datetime | None


def list_failures(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, resolved: bool = False) -> tuple[Failed, ...]:
    """Return what is open, the oldest first, or with `resolved` the last 500 of all.

    Raises:
        Refused: the viewer neither operates Appraise nor runs cycles.
    """
    with uow.read() as tx:
        demand(tx, actor, now, (Role.OPERATOR, Role.HR), "look at failures")
        return tuple(failed_of(row) for row in tx.all(_ALL if resolved else OPEN))


@use_case("failure.retry")
def retry(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, failure: str) -> str:
    """Try again what failed; return what it was. A mail in doubt is no failure of ours and is released instead.

    Raises:
        NotFound: there is no such failure.
        Refused: it is dealt with, has a command of its own, or the actor does not operate Appraise.
    """
    with uow.write() as tx:
        row = _demand_open(tx, actor, now, failure, "retry a failure")
        if row.source == "job":
            done = revive_job(tx, row.source_id, now=now, wall=wall_time(tx))
        elif row.source == "message":
            state = tx.scalar(_STATE, {"row": row.source_id})
            if state == "in-doubt":
                raise Refused(
                    f"M{row.source_id} may have arrived; `appraise mail release M{row.source_id}` decides.", "in-doubt"
                )
            done = settle_message(tx, row.source_id, "queued", now=now)
        else:
            raise Refused(f"{failure} cannot be tried again here: {_MEND[row.source]}.", "own-command")
        if not done:
            raise Refused(f"{failure} is no failure any more; resolve it: `appraise failures resolve`.", "not-failed")
        append_event(tx, "org", "failure.retry", actor=actor, at=now, payload={"failure": row.id})
    return failed_of(row).about


@use_case("failure.resolve")
def resolve(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, failure: str, reason: str) -> None:
    """Mark a failure as dealt with, for a reason that is kept; what failed stays as it is.

    Raises:
        Malformed: there is no reason.
        NotFound: there is no such failure.
        Refused: it is dealt with already, or the actor does not operate Appraise.
    """
    if not reason.strip():
        raise Malformed("Say how it was dealt with: add --reason.", "no-reason")
    with uow.write() as tx:
        row = _demand_open(tx, actor, now, failure, "resolve a failure")
        tx.run(_RESOLVE, {"row": row.id, "settled": now})
        stored = store_text(tx, reason)
        payload = {"failure": row.id, "reason": None if stored is None else [stored.id, stored.digest]}
        append_event(tx, "org", "failure.resolve", actor=actor, at=now, payload=payload)


def _demand_open(tx: Transaction, actor: Actor, now: dt.datetime, failure: str, doing: str) -> Row[Any]:
    demand_operator(tx, actor, now, doing)
    row = tx.first(_ONE, {"row": numbered(failure, "X")})
    if row is None:
        raise NotFound(
            f"There is no failure {failure}; `appraise failures list` lists the open ones.", "unknown-failure"
        )
    if row.resolved_at is not None:
        raise Refused(f"{failure} is dealt with already.", "resolved")
    return row


def failed_of(row: Row[Any]) -> Failed:
    """Return a failure as the operator sees it, of its row."""
    about = f"M{row.source_id}" if row.source == "message" else f"{row.source} {row.source_id}"
    return Failed(f"X{row.id}", row.source, about, row.code, json.loads(row.details), row.at, row.resolved_at)

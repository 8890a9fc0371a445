"""What a webhook was told: the deliveries, a test, and telling again what it missed."""

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from models.columns import UtcDateTime
from services.actors import Actor
from services.audit import append_event
from services.errors import Malformed, NotFound, Refused
from services.operating import demand_operator
from services.outbox import JOB, owe_jobs
from services.outbox_jobs import FAILURE
from services.unit_of_work import Transaction, UnitOfWork, use_case
from services.webhook_planning import DELIVER, job_key
from services.webhooks import DELIVERY, TEST, row_of

STATES = ("waiting", "in-doubt", "delivered", "failed", "cancelled")
MOST = 1000
"""Deliveries that one replay plans anew."""

_LISTED = (
    select(DELIVERY)
    .where(
        DELIVERY.c.webhook_id == bindparam("webhook"),
        DELIVERY.c.id < bindparam("before"),
        DELIVERY.c.state.in_(bindparam("states", expanding=True)),
    )
    .order_by(DELIVERY.c.id.desc())
    .limit(bindparam("most"))
)
_AGAIN = (
    select(DELIVERY)
    .where(
        DELIVERY.c.webhook_id == bindparam("webhook"),
        DELIVERY.c.state.in_(bindparam("states", expanding=True)),
        DELIVERY.c.planned_at >= bindparam("since", type_=UtcDateTime()),
    )
    .order_by(DELIVERY.c.id)
    .limit(MOST)
)
_ONE = select(DELIVERY).where(DELIVERY.c.webhook_id == bindparam("webhook"), DELIVERY.c.id == bindparam("row"))
_RUN = (
    update(DELIVERY)
    .where(DELIVERY.c.id == bindparam("row"))
    .values(state="waiting", runs=bindparam("run"), delivered_at=None, status=None, said=None)
)
_GIVE_UP = (
    update(JOB)
    .where(JOB.c.dedupe_key == bindparam("key_"), JOB.c.state == "due")
    .values(state="cancelled", due_at=None, error="replayed", fence=JOB.c.fence + 1)
)
_SETTLED = (
    update(FAILURE)
    .where(
        FAILURE.c.source == "job",
        FAILURE.c.resolved_at.is_(None),
        FAILURE.c.source_id.in_(select(JOB.c.id).where(JOB.c.dedupe_key == bindparam("key_"))),
    )
    .values(resolved_at=bindparam("settled", type_=UtcDateTime()))
)
_LAST_ID = 2**62
_EVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one webhook: its name there, its state, how often it was tried, and what came back.

    `status` is that of the last answer, `said` why it was not taken.
    """

    id: int
    event: str
    kind: str
    state: str
    planned_at: dt.datetime
    tried: int
    tried_at: dt.datetime | None
    delivered_at: dt.datetime | None
    status: int | None
    said: str | None


def list_deliveries(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    webhook: int,
    state: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> Sequence[Delivery]:
    """Return the deliveries of a webhook, the newest first, with numbers below `before`.

    Raises:
        Malformed: there is no such state.
        NotFound: there is no such webhook.
        Refused: the actor does not operate Appraise.
    """
    if state is not None and state not in STATES:
        raise Malformed(f"There is no state {state!r} of a delivery; there are {', '.join(STATES)}.", "unknown-state")
    with uow.read() as tx:
        demand_operator(tx, actor, now, "look at webhooks")
        which = {"webhook": row_of(tx, webhook).id, "states": STATES if state is None else (state,)}
        rows = tx.all(_LISTED, {**which, "before": _LAST_ID if before is None else before, "most": limit})
    return tuple(_delivery(row) for row in rows)


@use_case("webhook.test")
def try_out(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, webhook: int) -> int:
    """Plan a delivery that tells of nothing, to see whether it arrives; return its number. By who operates Appraise.

    Raises:
        NotFound: there is no such webhook.
        Refused: it is ended, or the actor does not operate Appraise.
    """
    with uow.write() as tx:
        row = _demand_active(tx, actor, now, webhook, "test a webhook")
        event = secrets.token_hex(20)
        values = {"webhook_id": row.id, "event": event, "kind": TEST, "source": "test", "source_id": 0}
        rest = {"delivered_at": None, "tried_at": None, "status": None, "said": None}
        number = tx.insert(DELIVERY, {**values, **rest, "state": "waiting", "planned_at": now, "runs": 1, "tried": 0})
        _owe(tx, row.id, {event: 1}, now)
        append_event(tx, "org", "webhook.tested", actor=actor, at=now, payload={"webhook-test": row.id})
    return number


@use_case("webhook.replay")
def replay(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    webhook: int,
    delivery: int | None = None,
    since: dt.datetime | None = None,
) -> int:
    """Tell a webhook again, under the same names: one delivery, all planned `since`, or what failed or is in doubt.

    Returns how many; at most 1,000 at once, the oldest first. By who operates Appraise.

    Raises:
        Malformed: both one delivery and a moment are given.
        NotFound: there is no such webhook, or no such delivery of it.
        Refused: it is ended, or the actor does not operate Appraise.
    """
    if delivery is not None and since is not None:
        raise Malformed("Say either which delivery or since when, not both.", "one-of-two")
    with uow.write() as tx:
        row = _demand_active(tx, actor, now, webhook, "replay a webhook")
        if delivery is not None:
            found = tx.all(_ONE, {"webhook": row.id, "row": delivery})
            if not found:
                raise NotFound(f"The webhook {webhook} has no delivery {delivery}.", "unknown-delivery")
        else:
            states = ("failed", "in-doubt") if since is None else STATES
            found = tx.all(_AGAIN, {"webhook": row.id, "states": states, "since": since or _EVER})
        if found:
            old = [{"key_": job_key(row.id, one.event, one.runs)} for one in found]
            tx.run(_GIVE_UP, old)
            tx.run(_SETTLED, [{**key, "settled": now} for key in old])
            tx.run(_RUN, [{"row": one.id, "run": one.runs + 1} for one in found])
            _owe(tx, row.id, {one.event: one.runs + 1 for one in found}, now)
        payload = {"webhook-replayed": row.id, "deliveries": len(found)}
        append_event(tx, "org", "webhook.replayed", actor=actor, at=now, payload=payload)
    return len(found)


def _owe(tx: Transaction, webhook: int, runs: dict[str, int], now: dt.datetime) -> None:
    args = {job_key(webhook, event, run): {"webhook": webhook, "event": event} for event, run in runs.items()}
    owe_jobs(tx, name=DELIVER, runs=args, now=now)


def _demand_active(tx: Transaction, actor: Actor, now: dt.datetime, webhook: int, doing: str) -> Row[Any]:
    demand_operator(tx, actor, now, doing)
    row = row_of(tx, webhook)
    if row.ended_at is not None:
        raise Refused(f"The webhook {webhook} is ended; register the address anew.", "ended")
    return row


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        row.id,
        row.event,
        row.kind,
        row.state,
        row.planned_at,
        row.tried,
        row.tried_at,
        row.delivered_at,
        row.status,
        row.said,
    )

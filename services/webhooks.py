"""Webhooks: addresses of other systems that are told that something happened, never what was judged.

The key that signs is not stored. It is made anew from the audit key, which lies outside the database, and a salt in the
row: a copy of the database signs nothing. Whoever registers a webhook is shown it once.
"""

import base64
import datetime as dt
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row, bindparam, func, select, update

from models.columns import UtcDateTime, table_of
from models.history import Event, Move
from models.webhooks import Webhook, WebhookDelivery
from services.actors import Actor
from services.audit import append_event, digest, stamp
from services.errors import Malformed, NotFound, Refused
from services.operating import demand_operator
from services.unit_of_work import Transaction, UnitOfWork, use_case
from services.webhook_addresses import demand_allowed, target_of
from services.webhook_marks import begin

EVENT = table_of(Event)
MOVE = table_of(Move)
WEBHOOK = table_of(Webhook)
DELIVERY = table_of(WebhookDelivery)

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "appraisal.moved": "An appraisal made a step.",
        "cycle.opened": "A cycle was opened.",
        "cycle.closed": "A cycle is over: its results are final, or it was cancelled.",
        "results.final": "Results of a cycle became final, entered later, or were corrected.",
        "finding.recorded": "A finding was recorded or claimed.",
    }
)
"""What a webhook can be told of, and what each means."""
TEST = "webhook.test"
MOST = 50
"""Webhooks that are in use at the same time."""

_COUNTS = (
    select(DELIVERY.c.webhook_id, DELIVERY.c.state, func.count().label("number"))
    .group_by(DELIVERY.c.webhook_id, DELIVERY.c.state)
    .where(DELIVERY.c.webhook_id.in_(bindparam("webhooks", expanding=True)))
)
ACTIVE = select(WEBHOOK).where(WEBHOOK.c.ended_at.is_(None)).order_by(WEBHOOK.c.id)
_ALL = select(WEBHOOK).order_by(WEBHOOK.c.id.desc()).limit(500)
_ONE = select(WEBHOOK).where(WEBHOOK.c.id == bindparam("row"))
_END = (
    update(WEBHOOK)
    .where(WEBHOOK.c.id == bindparam("row"), WEBHOOK.c.ended_at.is_(None))
    .values(ended_at=bindparam("at", type_=UtcDateTime()), ended_why=bindparam("why"))
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A webhook: its number, where it goes, what it is told of, and how many deliveries are in which state.

    `ended` is None while it is in use, else `removed` by somebody or `gone` since the receiver answered 410.
    """

    id: int
    url: str
    kinds: tuple[str, ...]
    created_at: dt.datetime
    ended: str | None
    ended_at: dt.datetime | None
    rests_until: dt.datetime | None
    deliveries: Mapping[str, int]


@use_case("webhook.add")
def add(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    url: str,
    kinds: Sequence[str] = (),
    private: bool = False,
) -> int:
    """Register a webhook for some kinds of events, by default all; return its number. By who operates Appraise.

    It is told of what happens from now on. `private` is whether addresses of private networks are allowed, and http.

    Raises:
        Malformed: it is no address, or there is no such kind.
        Refused: the address is not allowed, is registered already, there are too many, or the actor may not.
    """
    target = target_of(url)
    unknown = next((kind for kind in kinds if kind not in KINDS), None)
    if unknown is not None:
        raise Malformed(f"There is no kind of event {unknown!r}; choose of {', '.join(KINDS)}.", "unknown-kind")
    demand_allowed(target, private=private)
    with uow.write() as tx:
        demand_operator(tx, actor, now, "register a webhook")
        active = tx.all(ACTIVE)
        if len(active) >= MOST:
            raise Refused(f"There are {MOST} webhooks already; remove one that nobody needs.", "too-many")
        same = next((row for row in active if row.url == url), None)
        if same is not None:
            raise Refused(f"The webhook {same.id} goes to this address already; remove it first.", "same-url")
        moves, events = begin(tx, first=not active)
        row = {
            "url": url,
            "kinds": json.dumps([kind for kind in KINDS if not kinds or kind in kinds]),
            "key_id": tx.keys.current,
            "salt": secrets.token_hex(32),
            "created_by": actor.actor_id,
            "created_at": now,
            "ended_at": None,
            "ended_why": None,
            "after_move": moves,
            "after_event": events,
            "rests_until": None,
            "failures": 0,
        }
        number = tx.insert(WEBHOOK, row)
        payload = {"webhook": number, "digest": digest(content({**row, "id": number}))}
        append_event(tx, "org", "webhook.added", actor=actor, at=now, payload=payload)
    return number


def signing_key(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, webhook: int) -> str:
    """Return the signing key of a webhook as its receiver is given it: to be shown once, when it was registered.

    Raises:
        NotFound: there is no such webhook.
        Refused: the actor does not operate Appraise, or did not register it.
    """
    with uow.read() as tx:
        demand_operator(tx, actor, now, "see the key of a webhook")
        row = row_of(tx, webhook)
        if row.created_by != actor.actor_id:
            raise Refused("Only who registered a webhook is shown its key, once.", "not-yours")
        return "whsec_" + base64.b64encode(key_of(tx, row)).decode()


def key_of(tx: Transaction, row: Row[Any]) -> bytes:
    """Return the 32 bytes that sign what goes to a webhook."""
    return hmac.new(tx.keys.secrets[row.key_id], b"webhook\n" + row.salt.encode(), hashlib.sha256).digest()


def list_webhooks(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, ended: bool = False) -> tuple[Shown, ...]:
    """Return the webhooks in use, or with `ended` the last 500 of all; three statements.

    Raises:
        Refused: the actor does not operate Appraise.
    """
    with uow.read() as tx:
        demand_operator(tx, actor, now, "look at webhooks")
        return _shown(tx, tx.all(_ALL if ended else ACTIVE))


@use_case("webhook.show")
def show(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, webhook: int) -> Shown:
    """Return one webhook.

    Raises:
        NotFound: there is none.
        Refused: the actor does not operate Appraise.
    """
    with uow.read() as tx:
        demand_operator(tx, actor, now, "look at webhooks")
        return _shown(tx, [row_of(tx, webhook)])[0]


@use_case("webhook.remove")
def remove(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, webhook: int) -> None:
    """Tell a webhook nothing more, for good: neither what waits nor what is to come. By who operates Appraise.

    Raises:
        NotFound: there is none.
        Refused: it is ended already, or the actor does not operate Appraise.
    """
    with uow.write() as tx:
        demand_operator(tx, actor, now, "remove a webhook")
        row = row_of(tx, webhook)
        if not end(tx, row, "removed", actor=actor, now=now):
            raise Refused(f"The webhook {webhook} is ended already.", "ended")


def end(tx: Transaction, row: Row[Any], why: str, *, actor: Actor, now: dt.datetime) -> bool:
    """End a webhook in the caller's transaction; False where it was ended before. `why` is `removed` or `gone`."""
    if tx.run(_END, {"row": row.id, "at": now, "why": why}) != 1:
        return False
    changed = {**row._mapping, "ended_at": now, "ended_why": why}  # noqa: SLF001
    payload = {"webhook": row.id, "digest": digest(content(changed))}
    append_event(tx, "org", "webhook.ended", actor=actor, at=now, payload=payload)
    return True


def row_of(tx: Transaction, webhook: int) -> Row[Any]:
    """Return a webhook as it is stored.

    Raises:
        NotFound: there is none.
    """
    row = tx.first(_ONE, {"row": webhook})
    if row is None:
        raise NotFound(f"There is no webhook {webhook}; `appraise webhook list` lists them.", "unknown-webhook")
    return row


def content(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a webhook's row its latest event vouches for; not how it fares."""
    names = ("url", "kinds", "key_id", "salt", "created_by", "ended_why", "after_move", "after_event")
    moments = {name: None if row[name] is None else stamp(row[name]) for name in ("created_at", "ended_at")}
    return {name: row[name] for name in names} | moments


CONTENT = {"webhook": (WEBHOOK, content)}
"""For the id that a payload may hold: its table and the content its digest was made of; the latest event holds."""


def _shown(tx: Transaction, rows: Sequence[Row[Any]]) -> tuple[Shown, ...]:
    counts: dict[int, dict[str, int]] = {}
    for row in tx.all(_COUNTS, {"webhooks": [row.id for row in rows]}) if rows else ():
        counts.setdefault(row.webhook_id, {})[row.state] = row.number
    return tuple(
        Shown(
            row.id,
            row.url,
            tuple(json.loads(row.kinds)),
            row.created_at,
            row.ended_why,
            row.ended_at,
            row.rests_until,
            counts.get(row.id, {}),
        )
        for row in rows
    )

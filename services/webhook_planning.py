"""What webhooks are told is planned from the record, behind the moves and events and not in them.

So an act costs nothing more where webhooks are, and nothing is told that was rolled back. Planning the same again plans
nothing more: an event has one name, and each webhook is told of it once.
"""

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from services.mail_letters import keyed_name
from services.outbox import owe_jobs
from services.unit_of_work import Transaction, UnitOfWork
from services.webhook_marks import held, horizon, move_on
from services.webhooks import ACTIVE, DELIVERY, EVENT, MOVE

DELIVER = "webhooks.deliver"
PAGE = 2000
"""Moves and events that one run looks at."""
MOVED = "appraisal.moved"
TOLD: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "opened": ("cycle.opened",),
        "cancelled": ("cycle.closed",),
        "final": ("results.final", "cycle.closed"),
        "late-entered": ("results.final",),
        "corrected": ("results.final",),
        "finding.recorded": ("finding.recorded",),
        "finding.claimed": ("finding.recorded",),
    }
)
"""The kinds of events in the record that webhooks are told of, and as what."""

_MOVES = select(MOVE.c.id, MOVE.c.mac).where(MOVE.c.id > bindparam("after")).order_by(MOVE.c.id).limit(PAGE)
_EVENTS = (
    select(EVENT.c.id, EVENT.c.mac, EVENT.c.kind)
    .where(EVENT.c.id > bindparam("after"), EVENT.c.kind.in_(TOLD))
    .order_by(EVENT.c.id)
    .limit(PAGE)
)
_GIVEN = ("webhook_id", "event", "kind", "source", "source_id", "planned_at")
_PLAN = {
    dialect: module.insert(DELIVERY)
    .values(
        state="waiting",
        runs=1,
        tried=0,
        **{name: bindparam(name, type_=DELIVERY.c[name].type) for name in _GIVEN},
    )
    .on_conflict_do_nothing(index_elements=["webhook_id", "event"])
    for dialect, module in (("sqlite", sqlite), ("postgresql", postgresql))
}


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that happened: as what webhooks are told of it, and the row that says so."""

    name: str
    kind: str
    source: str
    row: int


def job_key(webhook: int, event: str, run: int) -> str:
    """Return the dedupe key of a run that delivers an event to a webhook."""
    return f"webhook/{webhook}/{event}/{run}"


def plan(uow: UnitOfWork, *, now: dt.datetime) -> bool:
    """Plan a delivery of each event behind the mark to each webhook that wants it; True where there is more to do.

    Anybody may run it, at once and again: what was planned stays planned, and the mark follows in the transaction of
    the deliveries.
    """
    with uow.write() as tx:
        webhooks = tx.all(ACTIVE)
        mark = held(tx) if webhooks else None
        if mark is None:
            return False
        there = horizon(tx)
        moves, events = tx.all(_MOVES, {"after": mark.move}), tx.all(_EVENTS, {"after": mark.event})
        found = [*_occurrences(tx, "move", moves), *_occurrences(tx, "event", events)]
        for webhook in webhooks:
            _owe(tx, webhook, found, now)
        more = len(moves) == PAGE or len(events) == PAGE
        moved = move_on(
            tx,
            mark,
            there,
            moves=moves[-1].id if len(moves) == PAGE else there.move,
            events=events[-1].id if len(events) == PAGE else there.event,
        )
        return more and moved


def _occurrences(tx: Transaction, source: str, rows: Sequence[Row[Any]]) -> Iterator[Occurrence]:
    for row in rows:
        for kind in (MOVED,) if source == "move" else TOLD[row.kind]:
            # By what the row says and not by its number alone: in a restored copy another row may have that number.
            yield Occurrence(keyed_name(tx, f"webhook/{kind}/{row.id}/{row.mac}"), kind, source, row.id)


def _owe(tx: Transaction, webhook: Row[Any], found: Sequence[Occurrence], now: dt.datetime) -> None:
    kinds = frozenset(json.loads(webhook.kinds))
    after = {"move": webhook.after_move, "event": webhook.after_event}
    wanted = [one for one in found if one.kind in kinds and one.row > after[one.source]]
    if not wanted:
        return
    tx.run(
        _PLAN[tx.dialect],
        [
            {
                "webhook_id": webhook.id,
                "event": one.name,
                "kind": one.kind,
                "source": one.source,
                "source_id": one.row,
                "planned_at": now,
            }
            for one in wanted
        ],
    )
    runs = {job_key(webhook.id, one.name, 1): {"webhook": webhook.id, "event": one.name} for one in wanted}
    owe_jobs(tx, name=DELIVER, runs=runs, now=now, due_at=webhook.rests_until)

"""What the stream of a cycle says about the deadlines of its work items: extended, held, released."""

import datetime as dt
import hmac
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import Executable, Row, bindparam, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement

from models.columns import BIGINT, table_of
from models.history import Event
from services.audit import event_fields
from services.unit_of_work import Transaction

EVENT = table_of(Event)
EXTENDED, HELD, RELEASED = "extended", "held", "released"

_TOLD = (
    select(EVENT)
    .where(EVENT.c.stream == bindparam("stream"), EVENT.c.kind.in_((EXTENDED, HELD, RELEASED)))
    .order_by(EVENT.c.seq)
)


class item_told(FunctionElement[int]):  # noqa: N801 - it is read as a function of SQL
    """The work item that the payload of an event is about: `item`, or the first of `items`."""

    type = BIGINT
    inherit_cache = True


@compiles(item_told, "sqlite")
def _on_sqlite(element: item_told, compiler: Any, **options: Any) -> str:
    payload = compiler.process(element.clauses, **options)
    return f"coalesce(json_extract({payload}, '$.item'), json_extract({payload}, '$.items[0]'))"


@compiles(item_told, "postgresql")
def _on_postgresql(element: item_told, compiler: Any, **options: Any) -> str:
    payload = f"CAST({compiler.process(element.clauses, **options)} AS JSONB)"
    return f"CAST(coalesce({payload} ->> 'item', {payload} #>> '{{items,0}}') AS BIGINT)"


def told(tx: Transaction, cycle_id: int) -> Iterator[tuple[Row[Any], Mapping[str, Any]]]:
    """Yield the events about deadlines of a cycle with their payloads, oldest first."""
    for row in tx.all(*told_asked(cycle_id)):
        yield row, json.loads(row.payload)


def told_asked(cycle_id: int) -> tuple[Executable, dict[str, Any]]:
    """Return what `told` asks of the database."""
    return _TOLD, {"stream": f"cycle:{cycle_id}"}


def extended_until(tx: Transaction, cycle_id: int, items: Collection[int]) -> dt.datetime | None:
    """Return until when one of these work items was last extended, or runs since its release; None where it was not.

    An event whose keyed digest is wrong says nothing.
    """
    until = None
    for row, payload in told(tx, cycle_id):
        if row.kind != HELD and not set(items).isdisjoint(payload["items"]) and payload["until"] and _keyed(tx, row):
            until = dt.datetime.fromisoformat(payload["until"])
    return until


def held_items(tx: Transaction, cycle_id: int) -> frozenset[int]:
    """Return the work items of a cycle that were put on hold and not released; some may be closed since."""
    held: set[int] = set()
    for row, payload in told(tx, cycle_id):
        if row.kind == HELD:
            held.update(payload["items"])
        elif row.kind == RELEASED:
            held.difference_update(payload["items"])
    return frozenset(held)


def _keyed(tx: Transaction, row: Row[Any]) -> bool:
    fields = event_fields(dict(row._mapping))  # noqa: SLF001 - SQLAlchemy's API
    return row.key_id in tx.keys.secrets and hmac.compare_digest(
        tx.keys.mac(row.prev, fields, row.key_id), str(row.mac)
    )

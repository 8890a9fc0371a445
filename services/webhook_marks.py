"""Up to which move and which event webhooks have been planned, so that none is passed over.

Rows get their number before their transaction ends, so on PostgreSQL a lower number can appear after a higher one. A
mark moves only past rows below which no transaction can write any more: those that were writing moves or events when
the highest number was read hold a lock on the table, and must have ended. SQLite has one writer at a time.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, func, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from models.columns import table_of
from models.history import Event, Move
from models.webhooks import Webhook, WebhookMark
from services.unit_of_work import Transaction

EVENT = table_of(Event)
MOVE = table_of(Move)
MARK = table_of(WebhookMark)
WEBHOOK = table_of(Webhook)
_NAME = "planned"

_LAST_MOVE = select(func.coalesce(func.max(MOVE.c.id), 0)).scalar_subquery()
_LAST_EVENT = select(func.coalesce(func.max(EVENT.c.id), 0)).scalar_subquery()
_LAST = select(_LAST_MOVE.label("moves"), _LAST_EVENT.label("events"))
_ANY = select(WEBHOOK.c.id).where(WEBHOOK.c.ended_at.is_(None)).exists()
_WAITING = select(MARK.c.move_id, MARK.c.event_id, _LAST_MOVE.label("moves"), _LAST_EVENT.label("events")).where(_ANY)
_HELD = select(MARK).where(MARK.c.name == _NAME).with_for_update()
_MOVED = (
    update(MARK)
    .where(MARK.c.name == _NAME)
    .values(
        move_id=bindparam("move"),
        event_id=bindparam("event"),
        seen_move=bindparam("seen_move_"),
        seen_event=bindparam("seen_event_"),
        writers=bindparam("writers_"),
    )
)
_WRITERS = text(
    "SELECT DISTINCT virtualtransaction AS writer FROM pg_locks WHERE locktype = 'relation'"
    " AND mode = 'RowExclusiveLock' AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND relation IN ('move'::regclass, 'event'::regclass) AND pid <> pg_backend_pid() ORDER BY 1"
)


def _begin(module: Any) -> Any:
    values = {"name": _NAME, "move_id": bindparam("moves"), "event_id": bindparam("events")}
    empty = {"seen_move": None, "seen_event": None, "writers": None}
    statement = module.insert(MARK).values(**values, **empty)
    return statement.on_conflict_do_update(
        index_elements=["name"],
        set_={**empty, "move_id": statement.excluded.move_id, "event_id": statement.excluded.event_id},
    )


_BEGIN = {"sqlite": _begin(sqlite), "postgresql": _begin(postgresql)}


@dataclass(frozen=True, slots=True)
class Mark:
    """Up to where everything is planned (`move`, `event`), what was the highest then, and who was still writing."""

    move: int
    event: int
    seen_move: int | None
    seen_event: int | None
    writers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Horizon:
    """The highest numbers there are, and the transactions that may still write lower ones."""

    move: int
    event: int
    writers: frozenset[str]


def begin(tx: Transaction, *, first: bool) -> tuple[int, int]:
    """Return the highest numbers of moves and events; planning begins there where this is the `first` webhook."""
    last = tx.all(_LAST)[0]
    if first:
        tx.run(_BEGIN[tx.dialect], {"moves": last.moves, "events": last.events})
    return last.moves, last.events


def waiting(tx: Transaction) -> bool:
    """Tell whether there is a webhook and something behind the mark; one statement."""
    row = tx.first(_WAITING)
    return row is not None and (row.moves > row.move_id or row.events > row.event_id)


def held(tx: Transaction) -> Mark | None:
    """Return the mark and hold other planners off until the commit; None where nobody began."""
    row = tx.first(_HELD)
    if row is None:
        return None
    writers = frozenset(row.writers.split()) if row.writers else frozenset()
    return Mark(row.move_id, row.event_id, row.seen_move, row.seen_event, writers)


def horizon(tx: Transaction) -> Horizon:
    """Return the highest numbers and, read after them, who was writing."""
    last = tx.all(_LAST)[0]
    writers = frozenset(row.writer for row in tx.all(_WRITERS)) if tx.dialect == "postgresql" else frozenset()
    return Horizon(last.moves, last.events, writers)


def move_on(tx: Transaction, mark: Mark, now_there: Horizon, *, moves: int, events: int) -> bool:
    """Let the mark follow as far as it may; `moves` and `events` are up to where planning has come. False: it stays."""
    if not now_there.writers:
        settled_move, settled_event = now_there.move, now_there.event
        seen: tuple[int | None, int | None, frozenset[str]] = (None, None, frozenset())
    elif mark.seen_move is not None and mark.seen_event is not None and not mark.writers & now_there.writers:
        settled_move, settled_event = mark.seen_move, mark.seen_event
        seen = (now_there.move, now_there.event, now_there.writers)
    else:
        settled_move, settled_event = mark.move, mark.event
        pending = mark.seen_move is not None and mark.seen_event is not None
        seen = (
            (mark.seen_move, mark.seen_event, mark.writers)
            if pending
            else (now_there.move, now_there.event, now_there.writers)
        )
    move, event = max(mark.move, min(settled_move, moves)), max(mark.event, min(settled_event, events))
    values = {"move": move, "event": event, "seen_move_": seen[0], "seen_event_": seen[1]}
    tx.run(_MOVED, {**values, "writers_": " ".join(sorted(seen[2])) or None})
    return (move, event) != (mark.move, mark.event)

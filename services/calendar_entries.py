"""What calendars were told of each deadline: the number of times it moved is the SEQUENCE of its entry."""

import datetime as dt

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from models.columns import UtcDateTime, table_of
from models.outbox import CalendarEntry
from services.unit_of_work import Transaction

ENTRY = table_of(CalendarEntry)

_KEPT = select(ENTRY.c.due_at, ENTRY.c.sequence).where(ENTRY.c.work_item_id == bindparam("item"))
_VALUES = {
    "work_item_id": bindparam("item"),
    "due_at": bindparam("due", type_=UtcDateTime()),
    "sequence": bindparam("number"),
}
_KEEP = {
    dialect: statement.on_conflict_do_update(
        index_elements=["work_item_id"],
        set_={"due_at": statement.excluded.due_at, "sequence": statement.excluded.sequence},
    )
    for dialect, statement in (
        ("sqlite", sqlite.insert(ENTRY).values(_VALUES)),
        ("postgresql", postgresql.insert(ENTRY).values(_VALUES)),
    )
}


def sequence_of(tx: Transaction, item_id: int, due_at: dt.datetime) -> int:
    """Return the SEQUENCE of a work item's entry with this deadline, and keep that calendars are told it now."""
    kept = tx.first(_KEPT, {"item": item_id})
    if kept is not None and kept.due_at == due_at:
        return int(kept.sequence)
    number = 0 if kept is None else kept.sequence + 1
    tx.run(_KEEP[tx.dialect], {"item": item_id, "due": due_at, "number": number})
    return int(number)


def last_sequence(tx: Transaction, item_id: int) -> int | None:
    """Return the SEQUENCE that calendars were last told of a work item's deadline, or None if they never were."""
    kept = tx.first(_KEPT, {"item": item_id})
    return None if kept is None else int(kept.sequence)

"""Working days: the public calendar of a country, corrected by the organisation's own closure days.

Scoring and deadlines are given the set of days and know no calendar.
"""

from sqlalchemy import select

from models.columns import table_of
from models.people import ClosureDay
from models.prepared import Prepared
from services.public_calendar import (
    NO_CLOSURES,
    Closures,
    add_working_days,
    is_working_day,
    public_year,
    working_days,
)
from services.unit_of_work import Transaction

__all__ = ["NO_CLOSURES", "Closures", "add_working_days", "closures", "is_working_day", "public_year", "working_days"]

CLOSURE_DAY = table_of(ClosureDay)

CLOSURES = Prepared(select(CLOSURE_DAY.c.day, CLOSURE_DAY.c.kind).order_by(CLOSURE_DAY.c.day))


def closures(tx: Transaction) -> Closures:
    """Return every closure day of the organisation."""
    rows = tx.once(CLOSURES)
    return Closures(
        frozenset(row.day for row in rows if row.kind == "closed"),
        frozenset(row.day for row in rows if row.kind == "working"),
    )

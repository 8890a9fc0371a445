"""Days on which somebody is recorded as away: on leave, or under protection (domain.md, 5b)."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Executable, bindparam, or_, select

from models.columns import table_of
from models.people import Absence
from services.unit_of_work import Transaction

ABSENCE = table_of(Absence)
PROTECTED = ("protected",)
ANY = ("leave", "protected")

_AWAY = select(ABSENCE.c.valid_from, ABSENCE.c.valid_to).where(
    ABSENCE.c.person_id == bindparam("person"),
    ABSENCE.c.kind.in_(bindparam("kinds", expanding=True)),
    ABSENCE.c.valid_from <= bindparam("last"),
    or_(ABSENCE.c.valid_to.is_(None), ABSENCE.c.valid_to >= bindparam("first")),
)


def days_away(
    tx: Transaction, person_id: int, first: dt.date, last: dt.date, kinds: Sequence[str] = PROTECTED
) -> frozenset[dt.date]:
    """Return the days from `first` to `last`, both inclusive, on which a person is away, free days among them."""
    rows = tx.all(*away_asked(person_id, first, last, kinds))
    return frozenset(
        dt.date.fromordinal(ordinal)
        for row in rows
        for ordinal in range(max(row.valid_from, first).toordinal(), min(row.valid_to or last, last).toordinal() + 1)
    )


def away_asked(
    person_id: int, first: dt.date, last: dt.date, kinds: Sequence[str]
) -> tuple[Executable, dict[str, Any]]:
    """Return what `days_away` asks of the database."""
    return _AWAY, {"person": person_id, "kinds": list(kinds), "first": first, "last": last}

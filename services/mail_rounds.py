"""What is promised by the calendar and not by a deadline: the digests of the day, HR's Monday list, the failures."""

import datetime as dt

from sqlalchemy import bindparam, or_, select

from models.columns import table_of
from models.outbox import Failure
from models.people import Grant
from services import digests, mail_habits
from services.outbox import Promise, promise_many
from services.unit_of_work import Transaction
from workflow.vocabulary import Role

GRANT = table_of(Grant)
FAILURE = table_of(Failure)

_GRANTED = (
    select(GRANT.c.person_id)
    .where(
        GRANT.c.role == bindparam("role"),
        GRANT.c.valid_from <= bindparam("on"),
        or_(GRANT.c.valid_to.is_(None), GRANT.c.valid_to >= bindparam("on")),
    )
    .distinct()
)
_FAILED = select(FAILURE.c.id).where(FAILURE.c.resolved_at.is_(None)).limit(1)


def holders_of(tx: Transaction, role: Role, on: dt.date) -> tuple[int, ...]:
    """Return who holds a role by grant on a day, for the whole organisation or a unit."""
    return tuple(row.person_id for row in tx.all(_GRANTED, {"role": role.value, "on": on}))


def promise_rounds(tx: Transaction, *, now: dt.datetime, last: dt.datetime | None) -> int:
    """Promise what the day asks for, from the hour of the digest on; running it again promises nothing more.

    The list of who is late goes out once a week, on the first working day on which mails go out, or, where nobody had
    planned since before it (`last`), as soon as somebody plans; failures are told once a day while any is open.

    Returns how many are new; the digests are not counted, since what they hold was promised before.
    """
    day = mail_habits.digest_due(tx, now)
    if day is None:
        return 0
    found = []
    if tx.first(_FAILED) is not None:
        found += _to(tx, Role.OPERATOR, "failures", day, day.isoformat())
    first = mail_habits.first_day_of_week(tx, day)
    if day == first or (last is not None and day > first > mail_habits.local_day(tx, last)):
        week = day.isocalendar()
        found += _to(tx, Role.HR, "monday-list", day, f"{week.year}-W{week.week:02}")
    digests.promise_digests(tx, now=now)
    return promise_many(tx, found, now=now)


def _to(tx: Transaction, role: Role, kind: str, day: dt.date, occasion: str) -> list[Promise]:
    return [
        Promise(kind, person, f"{kind}/{occasion}/person/{person}", payload={"occasion": occasion})
        for person in holders_of(tx, role, day)
    ]

"""What is promised by the calendar and not by a deadline: the digests of the day, HR's Monday list, the failures."""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import select

from models.columns import table_of
from models.outbox import Failure
from services import digests, mail_habits
from services.operating import holders_of, operators
from services.outbox import Promise, promise_many
from services.planner_marks import marked, set_mark
from services.unit_of_work import Transaction
from workflow.vocabulary import Role

FAILURE = table_of(Failure)
NAME = "rounds"

_FAILED = select(FAILURE.c.id).where(FAILURE.c.resolved_at.is_(None)).limit(1)


def promise_rounds(tx: Transaction, *, now: dt.datetime) -> int:
    """Promise what the day asks for, from the hour of the digest on; running it again promises nothing more.

    As digests it waits until the clock has acted on what is over: who is late is told as it is then. The list of who is
    late goes out once a week, on the first working day on which mails go out, or, where nothing of the kind was
    promised since before it, as soon as somebody plans; failures are told once a day while any is open.

    Returns how many are new; the digests are not counted, since what they hold was promised before.
    """
    day = digests.day_of(tx, now)
    if day is None:
        return 0
    last = marked(tx, NAME)
    set_mark(tx, NAME, now)
    found = []
    if tx.first(_FAILED) is not None:
        found += _to(operators(tx, day), "failures", day.isoformat())
    first = mail_habits.first_day_of_week(tx, day)
    if day == first or (last is not None and day > first > mail_habits.local_day(tx, last)):
        week = day.isocalendar()
        found += _to(holders_of(tx, Role.HR, day), "monday-list", f"{week.year}-W{week.week:02}")
    digests.promise_digests(tx, now=now)
    return promise_many(tx, found, now=now)


def waiting(tx: Transaction, *, now: dt.datetime) -> bool:
    """Tell whether something of it is to be promised now."""
    day = digests.day_of(tx, now)
    if day is None:
        return False
    last = marked(tx, NAME)
    return last is None or mail_habits.local_day(tx, last) < day or digests.waiting(tx, now=now)


def _to(people: Sequence[int], kind: str, occasion: str) -> list[Promise]:
    return [
        Promise(kind, person, f"{kind}/{occasion}/person/{person}", payload={"occasion": occasion}) for person in people
    ]

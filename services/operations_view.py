"""The operator's page in few statements: how it stands, which mails wait for somebody, what failed.

`services.health` counts everything there is, for the terminal and for monitoring. A page must not take longer because
ten million mails were sent before: here what is open is found by the indexes of what is open, and what is settled is
counted among the latest.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, bindparam, func, or_, select, union

from models.columns import UtcDateTime, table_of
from models.outbox import Failure, Job, Message
from models.people import Person
from services import calendars, mail_habits
from services.access import grants_asked
from services.actors import Actor
from services.database_clock import database_now
from services.failures import OPEN, Failed, failed_of
from services.grants import demand, today
from services.health import DAY, Health, alerts_of, quantile
from services.mail_desk import RECIPIENTS, UNSETTLED, WANTING, Mail, mail_of
from services.one_reading import ahead
from services.outbox_messages import PAUSED, sending_paused
from services.reminders import planned_asked, planned_until
from services.unit_of_work import Transaction, UnitOfWork

MESSAGE, FAILURE, JOB, PERSON = table_of(Message), table_of(Failure), table_of(Job), table_of(Person)

LATEST = 2000
"""Among how many mails, jobs and failures it is counted."""
MOST = 500
"""Mails that are listed, and how many of each kind they are chosen from."""

_SINCE = bindparam("since", type_=UtcDateTime())
_FAILED_LATELY = (
    select(FAILURE.c.source, FAILURE.c.source_id).order_by(FAILURE.c.id.desc()).limit(MOST).subquery("failed_lately")
)
_OF_FAILURES = select(_FAILED_LATELY.c.source_id).where(_FAILED_LATELY.c.source == "message")
_DUE = (
    select(MESSAGE).where(MESSAGE.c.due_at.is_not(None)).order_by(MESSAGE.c.due_at, MESSAGE.c.id).limit(MOST)
).subquery("due")
_FOR_DIGESTS = (
    select(MESSAGE)
    .where(MESSAGE.c.state == "queued", MESSAGE.c.due_at.is_(None))
    .order_by(MESSAGE.c.person_id, MESSAGE.c.id)
    .limit(MOST)
).subquery("for_digests")
_IN_FAILED_DIGESTS = select(MESSAGE).where(MESSAGE.c.digest_id.in_(_OF_FAILURES)).limit(MOST).subquery("within")
_FOUND = union(
    select(_DUE),
    select(_FOR_DIGESTS),
    select(MESSAGE).where(MESSAGE.c.id.in_(_OF_FAILURES)),
    select(_IN_FAILED_DIGESTS),
).subquery("found")
_FIRST = select(_FOUND).where(_FOUND.c.state.in_(UNSETTLED)).order_by(_FOUND.c.id).limit(MOST).subquery("first")
_MAILS = (
    select(_FIRST, PERSON.c.number, PERSON.c.name).join(PERSON, PERSON.c.id == _FIRST.c.person_id).order_by(_FIRST.c.id)
)
"""What is not settled: due, waiting for a digest, or put before an operator when it failed."""

_LATELY = (
    select(MESSAGE.c.state, MESSAGE.c.error, MESSAGE.c.due_at, MESSAGE.c.digest_id, MESSAGE.c.created_at)
    .order_by(MESSAGE.c.id.desc())
    .limit(LATEST)
    .subquery("lately")
)
_STATES = (
    select(_LATELY.c.state, func.count().label("number"))
    .where(_LATELY.c.digest_id.is_(None), or_(_LATELY.c.state != "queued", _LATELY.c.due_at.is_not(None)))
    .group_by(_LATELY.c.state)
)
_MISSED = select(func.count().label("number")).where(
    _LATELY.c.state == "cancelled", _LATELY.c.error == "superseded", _LATELY.c.created_at > _SINCE
)
_WAITING_ROWS = (
    select(MESSAGE.c.digest_id)
    .where(MESSAGE.c.state == "queued", MESSAGE.c.due_at.is_(None))
    .order_by(MESSAGE.c.person_id, MESSAGE.c.id)
    .limit(LATEST)
    .subquery("waiting")
)
_WAITING = select(func.count().label("number")).where(_WAITING_ROWS.c.digest_id.is_(None))
_FIRST_DUE = (
    select(MESSAGE.c.state, MESSAGE.c.created_at)
    .where(MESSAGE.c.due_at.is_not(None))
    .order_by(MESSAGE.c.due_at, MESSAGE.c.id)
    .limit(LATEST)
    .subquery("first_due")
)
_OLDEST = select(func.min(_FIRST_DUE.c.created_at).label("at")).where(
    _FIRST_DUE.c.state.in_(("queued", "claimed", "in-doubt"))
)
_SENT = (
    select(MESSAGE.c.created_at, MESSAGE.c.sent_at, MESSAGE.c.state, MESSAGE.c.digest_id)
    .where(MESSAGE.c.sent_at.is_not(None), MESSAGE.c.sent_at > _SINCE)
    .order_by(MESSAGE.c.sent_at.desc())
    .limit(LATEST)
    .subquery("sent_lately")
)
_LATENCIES = select(_SENT.c.created_at, _SENT.c.sent_at).where(_SENT.c.state == "sent", _SENT.c.digest_id.is_(None))
_OPEN_FAILURES = (
    select(FAILURE.c.source).where(FAILURE.c.resolved_at.is_(None)).order_by(FAILURE.c.at).limit(LATEST)
).subquery("open_failures")
_FAILED = select(_OPEN_FAILURES.c.source, func.count().label("number")).group_by(_OPEN_FAILURES.c.source)
_DUE_JOBS = (
    select(JOB.c.id)
    .where(JOB.c.due_at.is_not(None), JOB.c.due_at <= database_now())
    .order_by(JOB.c.due_at, JOB.c.id)
    .limit(LATEST)
).subquery("due_jobs")
_JOBS = select(func.count(_DUE_JOBS.c.id).label("number"))


@dataclass(frozen=True, slots=True)
class Operations:
    """The operator's page: how it stands, at most 500 mails that are not settled and 500 failures, the oldest first.

    Settled mails, reminders that were missed and latencies are counted among the latest 2,000 mails.
    """

    health: Health
    mails: tuple[Mail, ...]
    failed: tuple[Failed, ...]


def operations(uow: UnitOfWork, *, actor: Actor, now: dt.datetime) -> Operations:
    """Return what the operator looks at, in three statements.

    Raises:
        Refused: the viewer neither operates Appraise nor runs cycles.
    """
    since = {"since": now - DAY}
    with uow.read() as tx:
        ahead(
            tx,
            grants_asked(actor.person_id, today(tx, now)),
            planned_asked(),
            (calendars.CLOSURES, {}),
            (PAUSED, {}),
            (_MAILS, {}),
            (OPEN, {}),
            *((statement, {}) for statement in (_STATES, _WAITING, _OLDEST, _FAILED, _JOBS)),
            (_MISSED, since),
            (_LATENCIES, since),
        )
        demand(tx, actor, now, RECIPIENTS, "look at mails")
        mails = tuple(mail_of(row) for row in tx.all(_MAILS, {}))
        found = Health(**_look(tx, now, since, mails))
        failed = tuple(failed_of(row) for row in tx.all(OPEN, {}))
    return Operations(replace(found, alerts=alerts_of(found)), mails, failed)


def _look(tx: Transaction, now: dt.datetime, since: Mapping[str, Any], mails: Sequence[Mail]) -> dict[str, Any]:
    planned, oldest = planned_until(tx), tx.all(_OLDEST, {})[0].at
    wanting = [one.state for one in mails if one.digest is None]
    states = {row.state: row.number for row in tx.all(_STATES, {})}
    states |= {state: wanting.count(state) for state in WANTING if state in wanting}
    took = sorted(max(0, _seconds(row.sent_at - row.created_at)) for row in tx.all(_LATENCIES, since))
    return {
        "at": now,
        "planned_until": planned,
        "behind": None if planned is None else max(0, _seconds(now - planned)),
        "mails": states,
        "notices": _number(tx.all(_WAITING, {})),
        "oldest_unsent": None if oldest is None else max(0, _seconds(now - oldest)),
        "latency_median": quantile(took, 50),
        "latency_95": quantile(took, 95),
        "latency_most": took[-1] if took else None,
        "missed": _number(tx.all(_MISSED, since)),
        "in_doubt": states.get("in-doubt", 0),
        "failures": {row.source: row.number for row in tx.all(_FAILED, {})},
        "jobs_due": _number(tx.all(_JOBS, {})),
        "paused": sending_paused(tx),
        "quiet": mail_habits.quiet(tx, now),
    }


def _number(rows: Sequence[Row[Any]]) -> int:
    return int(rows[0].number)


def _seconds(span: dt.timedelta) -> int:
    return int(span.total_seconds())

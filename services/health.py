"""How planning and mails stand: counts, ages and latencies without any name, and which of them need somebody.

Every alert has a page in `docs/alerts/` under its name: what it means, what harm it does, what to do.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, func, or_, select

from models.columns import UtcDateTime, table_of
from models.outbox import Failure, Job, Message
from services import mail_habits, reminders
from services.database_clock import wall_time
from services.outbox_messages import sending_paused
from services.unit_of_work import Transaction, UnitOfWork

MESSAGE = table_of(Message)
FAILURE = table_of(Failure)
JOB = table_of(Job)

DAY = dt.timedelta(days=1)
UNSENT_SECONDS = 900
LATENCY_SECONDS = 900
BEHIND_SECONDS = 600

_STATES = (
    select(MESSAGE.c.state, func.count().label("number"))
    .where(MESSAGE.c.digest_id.is_(None), or_(MESSAGE.c.state != "queued", MESSAGE.c.due_at.is_not(None)))
    .group_by(MESSAGE.c.state)
)
_WAITING = (
    select(func.count())
    .select_from(MESSAGE)
    .where(MESSAGE.c.state == "queued", MESSAGE.c.due_at.is_(None), MESSAGE.c.digest_id.is_(None))
)
_OLDEST = select(func.min(MESSAGE.c.created_at)).where(
    MESSAGE.c.due_at.is_not(None), MESSAGE.c.state.in_(("queued", "claimed", "in-doubt"))
)
_MISSED = (
    select(func.count())
    .select_from(MESSAGE)
    .where(
        MESSAGE.c.state == "cancelled",
        MESSAGE.c.error == "superseded",
        MESSAGE.c.created_at > bindparam("since", type_=UtcDateTime()),
    )
)
_LATENCIES = (
    select(MESSAGE.c.created_at, MESSAGE.c.sent_at)
    .where(
        MESSAGE.c.sent_at.is_not(None),
        MESSAGE.c.sent_at > bindparam("since", type_=UtcDateTime()),
        MESSAGE.c.state == "sent",
        MESSAGE.c.digest_id.is_(None),
    )
    .order_by(MESSAGE.c.sent_at.desc())
    .limit(10_000)
)
_FAILED = (
    select(FAILURE.c.source, func.count().label("number"))
    .where(FAILURE.c.resolved_at.is_(None))
    .group_by(FAILURE.c.source)
)
_JOBS = select(func.count()).select_from(JOB).where(JOB.c.due_at.is_not(None), JOB.c.due_at <= bindparam("wall"))


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that needs somebody, by the name of its page, in one sentence."""

    name: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Health:
    """How it stands at a moment. Seconds are whole; None where there is nothing to measure.

    `mails` counts mails by state, without the notices that digests hold; `notices` wait for their digest. Latency is
    from the promise of a mail to its hand-over, of those of the last 24 hours. `missed` counts reminders of the last 24
    hours that a later one overtook before anybody planned them. `behind` says since when nothing was planned.
    """

    at: dt.datetime
    planned_until: dt.datetime | None
    behind: int | None
    mails: Mapping[str, int]
    notices: int
    oldest_unsent: int | None
    latency_median: int | None
    latency_95: int | None
    latency_most: int | None
    missed: int
    in_doubt: int
    failures: Mapping[str, int]
    jobs_due: int
    paused: bool
    quiet: bool
    alerts: tuple[Alert, ...] = field(default=())


def health(uow: UnitOfWork, *, now: dt.datetime) -> Health:
    """Return how it stands at `now`; nothing in it is about a person, so anybody at the machine may ask."""
    with uow.read() as tx:
        found = _look(tx, now)
    return Health(**{**found, "alerts": alerts_of(Health(**found))})


def _look(tx: Transaction, now: dt.datetime) -> dict[str, Any]:
    since = {"since": now - DAY}
    planned = reminders.planned_until(tx)
    mails = {row.state: row.number for row in tx.all(_STATES)}
    took = sorted(max(0, _seconds(row.sent_at - row.created_at)) for row in tx.all(_LATENCIES, since))
    oldest = tx.scalar(_OLDEST)
    return {
        "at": now,
        "planned_until": planned,
        "behind": None if planned is None else max(0, _seconds(now - planned)),
        "mails": mails,
        "notices": int(tx.scalar(_WAITING)),
        "oldest_unsent": None if oldest is None else max(0, _seconds(now - oldest)),
        "latency_median": quantile(took, 50),
        "latency_95": quantile(took, 95),
        "latency_most": took[-1] if took else None,
        "missed": int(tx.scalar(_MISSED, since)),
        "in_doubt": mails.get("in-doubt", 0),
        "failures": {row.source: row.number for row in tx.all(_FAILED)},
        "jobs_due": int(tx.scalar(_JOBS, {"wall": wall_time(tx)})),
        "paused": sending_paused(tx),
        "quiet": mail_habits.quiet(tx, now),
    }


def quantile(ordered: Sequence[int], percent: int) -> int | None:
    """Return the smallest value that at least so many percent do not exceed (nearest rank); None for no values."""
    if not ordered:
        return None
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def alerts_of(found: Health) -> tuple[Alert, ...]:
    """Return what needs somebody, the most pressing first."""
    waits = found.oldest_unsent is not None and found.oldest_unsent > UNSENT_SECONDS
    slow = found.latency_95 is not None and found.latency_95 > LATENCY_SECONDS
    behind = found.behind is not None and found.behind > BEHIND_SECONDS
    failed = sum(found.failures.values())
    possible = (
        ("planning-behind", behind, f"Nothing was planned for {found.behind} seconds."),
        ("sending-paused", found.paused, "Sending is paused: this copy of the database mails nobody."),
        (
            "mail-unsent",
            waits and not found.quiet and not found.paused,
            f"The oldest mail has waited for {found.oldest_unsent} seconds.",
        ),
        ("mail-in-doubt", found.in_doubt > 0, f"Mails in doubt: {found.in_doubt}."),
        ("failures-open", failed > 0, f"Failures that wait for a decision: {failed}."),
        ("reminders-missed", found.missed > 0, f"Reminders overtaken unsent in the last 24 hours: {found.missed}."),
        ("mail-slow", slow, f"One mail in twenty took more than {found.latency_95} seconds to be handed over."),
    )
    return tuple(Alert(name, sentence) for name, holds, sentence in possible if holds)


ALERTS = (
    "planning-behind",
    "sending-paused",
    "mail-unsent",
    "mail-in-doubt",
    "failures-open",
    "reminders-missed",
    "mail-slow",
)
"""Every alert there is; each has its page."""


def prometheus(found: Health) -> str:
    """Return the figures in the text format of Prometheus, version 0.0.4; what cannot be measured is left out."""
    latencies = (("0.5", found.latency_median), ("0.95", found.latency_95), ("1", found.latency_most))
    metrics: tuple[tuple[str, str, Sequence[tuple[str, Any, int | None]]], ...] = (
        ("appraise_planning_behind_seconds", "Seconds since everything due was planned.", [("", "", found.behind)]),
        (
            "appraise_mails",
            "Mails by state, without what digests hold.",
            [("state", state, number) for state, number in sorted(found.mails.items())],
        ),
        ("appraise_digest_waiting", "What waits for a digest.", [("", "", found.notices)]),
        ("appraise_mail_oldest_unsent_seconds", "Age of the oldest unsent mail.", [("", "", found.oldest_unsent or 0)]),
        (
            "appraise_mail_latency_seconds",
            "From promise to hand-over, over the last 24 hours, by quantile.",
            [("quantile", rank, value) for rank, value in latencies],
        ),
        ("appraise_reminders_missed", "Reminders overtaken unsent in the last 24 hours.", [("", "", found.missed)]),
        ("appraise_mails_in_doubt", "Mails of which only the mail server knows.", [("", "", found.in_doubt)]),
        (
            "appraise_failures_open",
            "Failures that wait for a decision, by source.",
            [("source", source, number) for source, number in sorted(found.failures.items())],
        ),
        ("appraise_jobs_due", "Owed runs of jobs that are due.", [("", "", found.jobs_due)]),
        ("appraise_sending_paused", "1 while this copy mails nobody.", [("", "", int(found.paused))]),
        (
            "appraise_alert",
            "1 while an alert holds, by the name of its page.",
            [("name", name, int(name in {alert.name for alert in found.alerts})) for name in ALERTS],
        ),
    )
    lines = []
    for name, text, values in metrics:
        lines += [f"# HELP {name} {text}", f"# TYPE {name} gauge"]
        for label, value, number in values:
            if number is not None:
                lines.append(f'{name}{{{label}="{value}"}} {number}' if label else f"{name} {number}")
    return "\n".join(lines) + "\n"


def _seconds(span: dt.timedelta) -> int:
    return int(span.total_seconds())

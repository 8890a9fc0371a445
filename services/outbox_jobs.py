"""Runs of jobs: claimed under a lease with a fencing token, finished or tried again later, failed where people see it.

A claimed row keeps `due_at` at the end of its lease: a worker that died is followed by the next one that looks. Each
claim raises `fence`, and whatever a worker says afterwards names the fence it was given, so that one that slept through
its lease changes nothing (G6). Leases and back-off are by the database's clock, or by `wall` where it is given.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, select, update

from models.columns import UtcDateTime, table_of
from models.outbox import Failure, Job
from services.database_clock import wall_time
from services.unit_of_work import Transaction, UnitOfWork

JOB = table_of(Job)
FAILURE = table_of(Failure)


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a row is tried, and how long it rests after the first failure; each rest is twice the one before."""

    attempts: int = 8
    first_rest: dt.timedelta = dt.timedelta(seconds=5)
    longest_rest: dt.timedelta = dt.timedelta(minutes=30)

    def rest(self, attempt: int) -> dt.timedelta:
        """Return the rest after the failure of `attempt`, counted from 1."""
        doublings = min(attempt - 1, 20)
        return min(self.first_rest * (1 << doublings), self.longest_rest)


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A run of a job that this worker may do until its lease is over."""

    id: int
    name: str
    args: Mapping[str, Any]
    attempt: int
    fence: int


def due_rows(columns: Sequence[Any], table: Any, *conditions: Any) -> Select[Any]:
    """Return the select that locks due rows of a table, oldest first, passing over those another worker holds."""
    return (
        select(*columns)
        .where(table.c.due_at.is_not(None), table.c.due_at <= bindparam("wall", type_=UtcDateTime()), *conditions)
        .order_by(table.c.due_at, table.c.id)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )


_MINE = (JOB.c.id == bindparam("row"), JOB.c.fence == bindparam("held"), JOB.c.state == "claimed")
_DUE = due_rows((JOB.c.id, JOB.c.name, JOB.c.args, JOB.c.attempt, JOB.c.fence), JOB, JOB.c.name == bindparam("wanted"))
_CLAIM = (
    update(JOB)
    .where(JOB.c.id == bindparam("row"), JOB.c.fence == bindparam("held"))
    .values(
        state="claimed",
        attempt=JOB.c.attempt + 1,
        fence=JOB.c.fence + 1,
        lease_until=bindparam("until", type_=UtcDateTime()),
        due_at=bindparam("until", type_=UtcDateTime()),
    )
)
_FINISH = (
    update(JOB)
    .where(*_MINE)
    .values(state="done", done_at=bindparam("at", type_=UtcDateTime()), due_at=None, lease_until=None, error=None)
)
_AGAIN = (
    update(JOB)
    .where(*_MINE)
    .values(state="due", due_at=bindparam("later", type_=UtcDateTime()), lease_until=None, error=bindparam("said"))
)
_FAIL = update(JOB).where(*_MINE).values(state="failed", due_at=None, lease_until=None, error=bindparam("said"))
_GIVE_UP = (
    update(JOB)
    .where(JOB.c.id == bindparam("row"), JOB.c.fence == bindparam("held"))
    .values(state="failed", due_at=None, lease_until=None, error=bindparam("said"), fence=JOB.c.fence + 1)
)
_REVIVE = (
    update(JOB)
    .where(JOB.c.id == bindparam("row"), JOB.c.state == "failed")
    .values(state="due", due_at=bindparam("later", type_=UtcDateTime()), attempt=0, error=None)
)


def claim_jobs(
    uow: UnitOfWork,
    *,
    name: str,
    now: dt.datetime,
    limit: int,
    lease: dt.timedelta,
    retry: Retry,
    wall: dt.datetime | None = None,
) -> list[ClaimedJob]:
    """Claim up to `limit` due runs of a job. A run whose workers died `retry.attempts` times is given up instead."""
    with uow.write() as tx:
        moment = wall_time(tx, wall)
        rows = tx.all(_DUE, {"wall": moment, "wanted": name, "most": limit})
        for row in rows:
            if row.attempt >= retry.attempts:
                tx.run(_GIVE_UP, {"row": row.id, "held": row.fence, "said": "worker-lost"})
                record_failure(tx, "job", row.id, "worker-lost", details={"name": row.name}, at=now)
        taken = [row for row in rows if row.attempt < retry.attempts]
        until = moment + lease
        if taken:
            tx.run(_CLAIM, [{"row": row.id, "held": row.fence, "until": until} for row in taken])
    return [ClaimedJob(row.id, row.name, json.loads(row.args), row.attempt + 1, row.fence + 1) for row in taken]


def finish_job(uow: UnitOfWork, job: ClaimedJob, *, now: dt.datetime) -> bool:
    """Mark a run as done; False when the lease was lost to another worker, whose word counts."""
    with uow.write() as tx:
        return tx.run(_FINISH, {"row": job.id, "held": job.fence, "at": now}) == 1


def fail_job(
    uow: UnitOfWork,
    job: ClaimedJob,
    *,
    code: str,
    now: dt.datetime,
    retry: Retry,
    final: bool = False,
    wall: dt.datetime | None = None,
) -> bool:
    """Let a run rest and be tried again, or, after the last attempt or when `final`, show it to an operator.

    `code` is an error's code or class, never its sentence, which may hold names. False when the lease was lost.
    """
    with uow.write() as tx:
        if not final and job.attempt < retry.attempts:
            later = wall_time(tx, wall) + retry.rest(job.attempt)
            return tx.run(_AGAIN, {"row": job.id, "held": job.fence, "later": later, "said": code}) == 1
        if tx.run(_FAIL, {"row": job.id, "held": job.fence, "said": code}) != 1:
            return False
        record_failure(tx, "job", job.id, code, details={"name": job.name}, at=now)
        return True


def retry_job(uow: UnitOfWork, job_id: int, *, now: dt.datetime, wall: dt.datetime | None = None) -> bool:
    """Put a failed run back, by an operator's decision, with all its attempts; False when it is not failed."""
    with uow.write() as tx:
        return revive_job(tx, job_id, now=now, wall=wall_time(tx, wall))


def revive_job(tx: Transaction, job_id: int, *, now: dt.datetime, wall: dt.datetime) -> bool:
    """Do what `retry_job` does, in the caller's transaction."""
    if tx.run(_REVIVE, {"row": job_id, "later": wall}) != 1:
        return False
    resolve_failures(tx, "job", job_id, now)
    tx.ring()
    return True


_RESOLVE = (
    update(FAILURE)
    .where(
        FAILURE.c.source == bindparam("whence"),
        FAILURE.c.source_id == bindparam("row"),
        FAILURE.c.resolved_at.is_(None),
    )
    .values(resolved_at=bindparam("settled", type_=UtcDateTime()))
)


def record_failure(
    tx: Transaction, source: str, source_id: int, code: str, *, details: Mapping[str, Any], at: dt.datetime
) -> None:
    """Show an operator that something needs a decision. `details` holds ids and codes only."""
    row = {"source": source, "source_id": source_id, "code": code, "details": json.dumps(details), "at": at}
    tx.insert_many(FAILURE, [row])


def resolve_failures(tx: Transaction, source: str, source_id: int, at: dt.datetime) -> None:
    """Mark what was shown about a row as dealt with."""
    tx.run(_RESOLVE, {"whence": source, "row": source_id, "settled": at})

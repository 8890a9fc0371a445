"""Letting time pass in a test: the planner looks, and a worker does what it owes."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from services import missed, reminders
from services.outbox_jobs import Retry, claim_jobs, finish_job
from services.unit_of_work import UnitOfWork

LEASE = dt.timedelta(minutes=2)


def at(month: int, day: int, hour: int = 19, minute: int = 0) -> dt.datetime:
    """A moment of 2026 by the clock on the wall in Shanghai, in the evening unless said otherwise, in UTC."""
    return dt.datetime(2026, month, day, hour, minute, tzinfo=dt.UTC) - dt.timedelta(hours=8)


def pass_time(uow: UnitOfWork, now: dt.datetime) -> list[str]:
    """Plan up to a moment and do what the planner owes about deadlines; return what each run did."""
    reminders.plan(uow, now=now, warnings=lambda _tx, _on: ())
    return work_off(uow, now)


def work_off(uow: UnitOfWork, now: dt.datetime) -> list[str]:
    """Do the runs that are owed, as a worker does: claimed one by one, each finished under its lease."""
    done = []
    while claimed := claim_jobs(uow, name=reminders.RUN_OUT, now=now, limit=1, lease=LEASE, retry=Retry()):
        for job in claimed:
            done.append(missed.run_out(uow, now=now, **job.args))
            finish_job(uow, job, now=now)
    return done


@contextmanager
def nothing_written(uow: UnitOfWork) -> Iterator[None]:
    """Expect that what happens inside leaves every chain as it was."""
    counted = _counts(uow)
    yield
    assert _counts(uow) == counted


def _counts(uow: UnitOfWork) -> tuple[int, ...]:
    with uow.read() as tx:
        return tuple(
            tx.connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()  # noqa: S608 - constants
            for table in ("move", "event", "work_item", "party", "message", "deadline")
        )

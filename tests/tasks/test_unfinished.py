"""What is owed and not done is seen as of one moment, whatever ends while it is being read."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import event

from services import reminders
from services.outbox import owe_job
from services.outbox_jobs import Retry, claim_jobs, finish_job
from tasks.unfinished import unfinished
from tests.tasks.conftest import MESSAGE, Works


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("statement", range(1, 12))
def test_what_a_job_leaves_behind_when_it_ends_is_never_overlooked(works: Works, statement: int) -> None:
    """The job ends, and what follows from it comes to be owed, right before one of the statements that look."""
    uow, now = works.wiring.uow, works.clock.now()
    reminders.tick(uow, now)
    with uow.write() as tx:
        tx.run(MESSAGE.update().values(state="cancelled", due_at=None))  # the list of Monday, which nobody waits for
    assert unfinished(works.wiring) == {}
    with uow.write() as tx:
        owe_job(tx, name="scores.prove", args={}, dedupe_key="first", now=now)
    (job,) = claim_jobs(uow, name="scores.prove", now=now, limit=1, lease=dt.timedelta(minutes=5), retry=Retry())
    sent = 0

    def end(*_: Any) -> None:
        nonlocal sent
        sent += 1
        if sent != statement:
            return
        with uow.write() as tx:
            owe_job(tx, name="cycle.complete", args={}, dedupe_key="second", now=now)
        finish_job(uow, job, now=now)

    event.listen(uow.engine, "before_cursor_execute", end)
    found = unfinished(works.wiring)
    event.remove(uow.engine, "before_cursor_execute", end)
    assert found != {}
    assert set(found) <= {"jobs being done", "cycle.complete"}

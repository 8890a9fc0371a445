"""The table of jobs: what each is called, what it does, how often it comes by itself, how often it is tried again.

A job that is *owed* has rows in the outbox; a run of it claims them one by one, and each row says what with. The others
look at the database and do what they find. Either kind may be run twice, at once, late or not at all: the rows say what
is left to do, and a ring only says when to look.
"""

import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import bindparam, select

from config.wiring import Wiring
from models.columns import UtcDateTime, table_of
from models.workitems import WorkItem
from services import (
    final_rows,
    mail,
    mail_habits,
    mail_rounds,
    missed,
    opening,
    outbox,
    plan_clock,
    proving,
    reminders,
    webhook_marks,
    webhook_planning,
    webhook_sending,
)
from services.errors import AppraiseError, Conflict, Environment
from services.outbox import owe_job
from services.outbox_jobs import ClaimedJob, Retry, claim_jobs, fail_job, finish_job
from services.outbox_messages import sending_paused
from services.unit_of_work import Transaction, UnitOfWork

WORK_ITEM = table_of(WorkItem)
RELAY = "outbox.relay"
_FIND = "reminders.find"
_SEND = "mail.send"
_PLANS = "plans.open"
_HOOKS = "webhooks.plan"
RUN_SECONDS = 30.0
"""How long a run goes on from one owed row to the next before it asks to be rung for again."""
_WAITING = (
    select(WORK_ITEM.c.id)
    .where(WORK_ITEM.c.next_action_at.is_not(None), WORK_ITEM.c.next_action_at <= bindparam("now", type_=UtcDateTime()))
    .limit(1)
)

Found = Sequence[str]
"""The names of the jobs that a run found something for."""


@dataclass(frozen=True, slots=True)
class Job:
    """One row of the table. `every` is in seconds; None comes only when it is rung for.

    `step` does one owed row under its lease and says whether there was one; jobs that owe no rows have none.
    """

    name: str
    run: Callable[[Wiring], Found]
    every: float | None = None
    retry: Retry = field(default_factory=Retry)
    step: Callable[[Wiring], bool] | None = None


def _relay(wiring: Wiring) -> Found:
    """Ring for everything that is owed now."""
    return tuple(due_now(wiring))


def _send_mail(wiring: Wiring) -> Found:
    sender = wiring.sender
    if sender is None:
        return ()

    def step() -> bool:
        ended = mail.send_due(wiring.uow, sender, now=wiring.now(), clock=wiring.now)
        for state, count in ended.items():
            # Counts and states only: no log line has a name, an address or a word of a mail.
            structlog.get_logger(__name__).info("mails", state=state, count=count)
        return bool(ended)

    return _for_a_while(_SEND, step)


def _for_a_while(name: str, step: Callable[[], bool]) -> Found:
    """Step until nothing is left, or until others should have their turn: then the job is rung for again.

    No run holds a thread for long, and the one thing a step does is short against the limit of a run.
    """
    end = time.monotonic() + RUN_SECONDS
    while step():
        if time.monotonic() >= end:
            return (name,)
    return ()


def _find_reminders(wiring: Wiring) -> Found:
    reminders.tick(wiring.uow, wiring.now())
    return ()


def _work_off_plans(wiring: Wiring) -> Found:
    try:
        plan_clock.run(wiring.uow, now=wiring.now(), chunk=wiring.settings.chunk_size)
    except Conflict as error:
        # Somebody opened by hand at the same moment, or another planner was there: the next round looks again.
        structlog.get_logger(__name__).info("a plan waits for the next round", code=error.code)
    return ()


def _plan_webhooks(wiring: Wiring) -> Found:
    return _for_a_while(_HOOKS, lambda: webhook_planning.plan(wiring.uow, now=wiring.now()))


def _deliver_next(wiring: Wiring) -> bool:
    return webhook_sending.deliver_next(wiring.uow, wiring.courier, now=wiring.now())


def _deliver(wiring: Wiring) -> Found:
    return _for_a_while(webhook_planning.DELIVER, lambda: _deliver_next(wiring))


def _open_chunk(uow: UnitOfWork, *, now: dt.datetime, **args: Any) -> None:
    opening.open_chunk(uow, now=now, **args)
    with uow.write() as tx:
        owe_job(
            tx,
            name="appraisals.skip-statement",
            args={"cycle": args["cycle"]},
            dedupe_key=f"skip-statement/{args['cycle']}/{args['first']}/{args['at']}",
            now=now,
        )


def _owed(name: str, function: Callable[..., object], retry: Retry | None = None) -> Job:
    """Return the job whose rows are each done by `function(uow, now=..., **args)`."""
    patience = retry or Retry()

    def step(wiring: Wiring) -> bool:
        lease = dt.timedelta(seconds=wiring.settings.lease_seconds)
        claimed = claim_jobs(wiring.uow, name=name, now=wiring.now(), limit=1, lease=lease, retry=patience)
        for job in claimed:
            _do(wiring, job, function, patience)
        return bool(claimed)

    def run(wiring: Wiring) -> Found:
        return _for_a_while(name, lambda: step(wiring))

    return Job(name, run, retry=patience, step=step)


def _do(wiring: Wiring, job: ClaimedJob, function: Callable[..., object], retry: Retry) -> None:
    log = structlog.get_logger(__name__)
    try:
        function(wiring.uow, now=wiring.now(), **job.args)
    except AppraiseError as error:
        # What a rule refuses now it refuses again; what was only busy or away is tried again.
        final = not isinstance(error, Conflict | Environment)
        log.warning("a job failed", job=job.name, code=error.code, attempt=job.attempt)
        fail_job(wiring.uow, job, code=error.code, now=wiring.now(), retry=retry, final=final)
    except Exception as error:
        # One poison row may not stop the others: it rests, and ends where an operator sees it.
        log.exception("a job failed", job=job.name, attempt=job.attempt)
        fail_job(wiring.uow, job, code=type(error).__name__, now=wiring.now(), retry=retry)
    else:
        finish_job(wiring.uow, job, now=wiring.now())


_TABLE = (
    Job(RELAY, _relay),
    Job(_SEND, _send_mail, every=30),
    Job(_FIND, _find_reminders, every=60),
    Job(_PLANS, _work_off_plans, every=60),
    _owed("cycle.open-chunk", _open_chunk),
    _owed("appraisals.skip-statement", opening.skip_statements),
    _owed(reminders.RUN_OUT, missed.run_out),
    _owed("cycle.finalise-chunk", final_rows.finalise_chunk),
    _owed("cycle.complete", final_rows.complete),
    _owed("scores.prove", proving.prove_chunk),
    Job(_HOOKS, _plan_webhooks),
    Job(webhook_planning.DELIVER, _deliver, retry=webhook_sending.RETRY, step=_deliver_next),
)
JOBS = {job.name: job for job in _TABLE}


def run_job(wiring: Wiring, name: str) -> Found:
    """Run a job once and return the names of the jobs to ring for."""
    return JOBS[name].run(wiring)


def due_now(wiring: Wiring) -> dict[str, int]:
    """Return for each job how much waits for it now; messages do not wait where nobody may send them."""
    now = wiring.now()
    with wiring.uow.read() as tx:
        return due_in(tx, now, may_send=wiring.sender is not None)


def due_in(tx: Transaction, now: dt.datetime, *, may_send: bool) -> dict[str, int]:
    """Return what `due_now` does, as one transaction sees it; `may_send` tells whether there is a mail server."""
    found = {name: count for name, count in outbox.due_jobs(tx).items() if name in JOBS}
    if webhook_planning.DELIVER in found and sending_paused(tx):
        del found[webhook_planning.DELIVER]
    messages = outbox.due_messages(tx)
    if messages and may_send and not sending_paused(tx) and not mail_habits.quiet(tx, now):
        found[_SEND] = messages
    planned = reminders.planned_until(tx)
    if planned is None or planned.date() < now.date() or tx.first(_WAITING, {"now": now}) is not None:
        found[_FIND] = 1
    if _FIND not in found and mail_rounds.waiting(tx, now=now):
        found[_FIND] = 1
    if plans := len(plan_clock.due_plans(tx, now)):
        found[_PLANS] = plans
    if webhook_marks.waiting(tx):
        found[_HOOKS] = 1
    return found

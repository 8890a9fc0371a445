"""What is owed and not done: waiting for a worker, or in the hands of one."""

from sqlalchemy import bindparam, func, select

from config.wiring import Wiring
from models.columns import UtcDateTime, table_of
from models.outbox import Job, Message
from services.database_clock import wall_time
from tasks.jobs import due_in

JOB = table_of(Job)
MESSAGE = table_of(Message)

_CLAIMED = (
    select(func.count())
    .select_from(JOB)
    .where(JOB.c.due_at.is_not(None), JOB.c.lease_until > bindparam("wall", type_=UtcDateTime()))
)
_SENDING = (
    select(func.count())
    .select_from(MESSAGE)
    .where(MESSAGE.c.due_at.is_not(None), MESSAGE.c.lease_until > bindparam("wall", type_=UtcDateTime()))
)

_JOBS_RESTING = (
    select(func.count())
    .select_from(JOB)
    .where(JOB.c.due_at > bindparam("wall", type_=UtcDateTime()), JOB.c.lease_until.is_(None))
)
_MAILS_RESTING = (
    select(func.count())
    .select_from(MESSAGE)
    .where(MESSAGE.c.due_at > bindparam("wall", type_=UtcDateTime()), MESSAGE.c.lease_until.is_(None))
)
_IN_HAND = ((_CLAIMED, "jobs being done"), (_SENDING, "mails being sent"))
_RESTING = ((_JOBS_RESTING, "jobs to be tried again"), (_MAILS_RESTING, "mails to be tried again"))


def unfinished(wiring: Wiring, *, resting: bool = False) -> dict[str, int]:
    """Return how much of each job waits or is being done; not what may not be sent.

    What was tried in vain and rests until later counts only if `resting`. All of it is read as of one moment: what a
    job leaves behind when it ends would else be seen in neither place, not due yet and not being done any more.
    """
    now = wiring.now()
    with wiring.uow.read(one_moment=True) as tx:
        waiting = due_in(tx, now, may_send=wiring.sender is not None)
        wall = wall_time(tx)
        for statement, name in (*_IN_HAND, *(_RESTING if resting else ())):
            count = tx.scalar(statement, {"wall": wall})
            if count:
                waiting[name] = count
    return waiting


def said(waiting: dict[str, int]) -> str:
    """Return it as words of a sentence."""
    return ", ".join(f"{name} ({count})" for name, count in waiting.items()) or "a run that has not ended"

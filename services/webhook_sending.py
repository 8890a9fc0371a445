"""Telling webhooks what is owed to them: signed, one request an event, and again under the same name until it is taken.

As with mails no transaction is open meanwhile, and before the request goes out the database says that it is in doubt.
What stays in doubt is sent again: a receiver knows an event by its name, whatever became of the answer. Claims, leases
and back-off are those of `services.outbox_jobs`; a receiver that fails rests as a whole, so that none of what waits for
it keeps the others waiting.
"""

import base64
import datetime as dt
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from models.columns import UtcDateTime, table_of
from models.cycles import Cycle
from scoring.canonical import canonical
from services.actors import SYSTEM
from services.audit import stamp
from services.database_clock import wall_time
from services.errors import Malformed, NotFound
from services.outbox import JOB
from services.outbox_jobs import ClaimedJob, Retry, claim_jobs, fail_job, finish_job
from services.outbox_messages import sending_paused
from services.standing import APPRAISAL, ASSIGNMENT, PERSON, POST
from services.unit_of_work import Transaction, UnitOfWork
from services.webhook_addresses import NotReachable, Target, target_of
from services.webhook_planning import DELIVER
from services.webhook_wire import NoAnswer, post
from services.webhooks import DELIVERY, EVENT, MOVE, WEBHOOK, end, key_of, row_of

CYCLE = table_of(Cycle)
RETRY = Retry(attempts=14, first_rest=dt.timedelta(seconds=10), longest_rest=dt.timedelta(hours=6))
"""How often one event is tried: for more than a day, the last times six hours apart."""
REST = Retry(first_rest=dt.timedelta(seconds=20), longest_rest=dt.timedelta(minutes=15))
"""How long a receiver that fails is left alone."""
GONE = 410
_TAKEN = range(200, 300)
_ABOUT_THE_EVENT = frozenset({400, 409, 413, 415, 422})
"""Answers that refuse this event and say nothing of the next one."""

_DELIVERY = select(DELIVERY).where(
    DELIVERY.c.webhook_id == bindparam("webhook"), DELIVERY.c.event == bindparam("event")
)
_CODE = (
    select(CYCLE.c.code.label("cycle"), PERSON.c.number, POST.c.code.label("post"), MOVE.c.seq, MOVE.c.at)
    .select_from(MOVE)
    .join(APPRAISAL, APPRAISAL.c.id == MOVE.c.appraisal_id)
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .join(PERSON, PERSON.c.id == APPRAISAL.c.person_id)
    .join(ASSIGNMENT, ASSIGNMENT.c.id == APPRAISAL.c.assignment_id)
    .join(POST, POST.c.id == ASSIGNMENT.c.post_id)
    .where(MOVE.c.id == bindparam("row"))
)
_EVENT = select(EVENT.c.stream, EVENT.c.payload, EVENT.c.at).where(EVENT.c.id == bindparam("row"))
_CYCLE = select(CYCLE.c.code).where(CYCLE.c.id == bindparam("cycle"))
_AT = bindparam("at", type_=UtcDateTime())
_MINE = (
    select(JOB.c.id)
    .where(JOB.c.id == bindparam("job"), JOB.c.fence == bindparam("held"), JOB.c.state == "claimed")
    .exists()
)
_DOUBT = (
    update(DELIVERY)
    .where(DELIVERY.c.id == bindparam("row"), _MINE)
    .values(state="in-doubt", tried=DELIVERY.c.tried + 1, tried_at=_AT, status=None, said=None)
)
_ENDED = (
    update(DELIVERY)
    .where(DELIVERY.c.id == bindparam("row"))
    .values(
        state=bindparam("became"),
        status=bindparam("answer"),
        said=bindparam("why"),
        delivered_at=bindparam("delivered", type_=UtcDateTime()),
    )
)
_FARES = (
    update(WEBHOOK)
    .where(WEBHOOK.c.id == bindparam("row"))
    .values(rests_until=bindparam("until", type_=UtcDateTime()), failures=bindparam("number"))
)
_REST = (
    update(JOB)
    .where(
        JOB.c.name == DELIVER,
        JOB.c.state == "due",
        JOB.c.due_at < bindparam("until", type_=UtcDateTime()),
        JOB.c.dedupe_key.like(bindparam("those")),
    )
    .values(due_at=bindparam("until", type_=UtcDateTime()))
)
_NOT_YET = (
    update(JOB)
    .where(JOB.c.id == bindparam("row"), JOB.c.fence == bindparam("held"), JOB.c.state == "claimed")
    .values(state="due", due_at=bindparam("until", type_=UtcDateTime()), lease_until=None, attempt=JOB.c.attempt - 1)
)


@dataclass(frozen=True, slots=True)
class Courier:
    """How webhooks are reached: whether private addresses are allowed, how long a receiver has, whom it must be from.

    `seconds` is for one request with its answer; `lease` how long a claim lasts, and longer than that.
    """

    private: bool = False
    seconds: float = 10.0
    ca_file: Path | None = None
    lease: dt.timedelta = dt.timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class _Letter:
    delivery: int
    target: Target
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of a request: `code` is why it was not taken, `lasting` that the receiver as a whole fails.

    `doubt` says that it went out and no answer came, so that it may have been taken all the same.
    """

    status: int | None
    code: str | None
    lasting: bool = False
    doubt: bool = False


def deliver_next(uow: UnitOfWork, courier: Courier, *, now: dt.datetime, wall: dt.datetime | None = None) -> bool:
    """Deliver one event that is owed; False where none is, or while sending is paused.

    Raises:
        Conflict: the database was busy; the claim runs out by itself.
        Environment: the database is away; as above.
    """
    with uow.read() as tx:
        if sending_paused(tx):
            return False
    claimed = claim_jobs(uow, name=DELIVER, now=now, limit=1, lease=courier.lease, retry=RETRY, wall=wall)
    for job in claimed:
        try:
            letter = _prepared(uow, job, now=now, wall=wall)
        except (Malformed, NotFound, LookupError, TypeError, ValueError) as error:
            # A row that nobody can read holds nothing else up: it rests, and ends where an operator sees it.
            fail_job(uow, job, code=type(error).__name__, now=now, retry=RETRY, wall=wall)
            continue
        if letter is not None:
            outcome = _handed_over(courier, letter)
            _note(uow, job, letter, outcome, now=now, wall=wall)
    return bool(claimed)


def _prepared(uow: UnitOfWork, job: ClaimedJob, *, now: dt.datetime, wall: dt.datetime | None) -> _Letter | None:
    """Return what goes out, after the database says that it may have; None where nothing goes out now."""
    with uow.write() as tx:
        inside = replace(uow, inside=tx)
        webhook = row_of(tx, int(job.args["webhook"]))
        delivery = tx.first(_DELIVERY, {"webhook": webhook.id, "event": job.args["event"]})
        if delivery is None or delivery.state == "delivered":
            finish_job(inside, job, now=now)
            return None
        if webhook.ended_at is not None:
            tx.run(
                _ENDED,
                {
                    "row": delivery.id,
                    "became": "cancelled",
                    "answer": None,
                    "why": webhook.ended_why,
                    "delivered": None,
                },
            )
            finish_job(inside, job, now=now)
            return None
        if webhook.rests_until is not None and webhook.rests_until > wall_time(tx, wall):
            tx.run(_NOT_YET, {"row": job.id, "held": job.fence, "until": webhook.rests_until})
            return None
        body = canonical(_told(tx, delivery))
        target = target_of(webhook.url)
        if tx.run(_DOUBT, {"row": delivery.id, "job": job.id, "held": job.fence, "at": now}) != 1:
            return None
        moment = wall_time(tx, wall)
        return _Letter(delivery.id, target, _signed(key_of(tx, webhook), delivery.event, moment, body), body)


def _told(tx: Transaction, delivery: Row[Any]) -> dict[str, Any]:
    """Return what the receiver is told: names of things, kinds and moments, never a score, a name or a judgement."""
    at: dt.datetime = delivery.planned_at
    data: dict[str, Any] = {}
    if delivery.source == "move":
        row = tx.all(_CODE, {"row": delivery.source_id})[0]
        at, data = row.at, {"appraisal": f"{row.cycle}/{row.number}@{row.post}", "version": row.seq}
    elif delivery.source == "event":
        row = tx.all(_EVENT, {"row": delivery.source_id})[0]
        at, (what, _, number) = row.at, row.stream.partition(":")
        if what == "cycle":
            data = {"cycle": tx.scalar(_CYCLE, {"cycle": int(number)})}
        else:
            data = {"finding": f"F{json.loads(row.payload)['finding']}"}
    return {"id": delivery.event, "type": delivery.kind, "timestamp": stamp(at), "data": data}


def _signed(key: bytes, event: str, moment: dt.datetime, body: bytes) -> dict[str, str]:
    """Return the headers of a request, signed as Standard Webhooks 1.0 says: over name, moment and body."""
    seconds = str(int(moment.timestamp()))
    mac = hmac.digest(key, f"{event}.{seconds}.".encode() + body, "sha256")
    return {
        "Content-Type": "application/json",
        "User-Agent": "Appraise",
        "webhook-id": event,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }


def _handed_over(courier: Courier, letter: _Letter) -> _Outcome:
    # A claim must outlast the request: else two workers would tell the same at once.
    seconds = min(courier.seconds, courier.lease.total_seconds() / 3)
    try:
        status = post(
            letter.target,
            letter.headers,
            letter.body,
            private=courier.private,
            seconds=seconds,
            ca_file=courier.ca_file,
        )
    except NotReachable as error:
        return _Outcome(None, error.code, lasting=True)
    except NoAnswer as error:
        return _Outcome(None, error.code, lasting=True, doubt=True)
    if status in _TAKEN:
        return _Outcome(status, None)
    return _Outcome(status, f"http-{status}", lasting=status not in _ABOUT_THE_EVENT)


def _note(
    uow: UnitOfWork, job: ClaimedJob, letter: _Letter, outcome: _Outcome, *, now: dt.datetime, wall: dt.datetime | None
) -> None:
    """Write down what became of it; nothing, where the claim was lost meanwhile: then another's word counts."""
    with uow.write() as tx:
        inside = replace(uow, inside=tx)
        webhook = row_of(tx, int(job.args["webhook"]))
        ended: dict[str, Any] = {"row": letter.delivery, "answer": outcome.status, "why": outcome.code}
        if outcome.code is None:
            if finish_job(inside, job, now=now):
                tx.run(_ENDED, {**ended, "became": "delivered", "delivered": now})
                tx.run(_FARES, {"row": webhook.id, "until": None, "number": 0})
            return
        gone = outcome.status == GONE
        final = gone or job.attempt >= RETRY.attempts
        if not fail_job(inside, job, code=outcome.code, now=now, retry=RETRY, final=final, wall=wall):
            return
        became = "in-doubt" if outcome.doubt else "failed" if final else "waiting"
        tx.run(_ENDED, {**ended, "became": became, "delivered": None})
        if gone:
            end(tx, webhook, "gone", actor=SYSTEM, now=now)
        elif outcome.lasting:
            _let_rest(tx, webhook, wall_time(tx, wall))


def _let_rest(tx: Transaction, webhook: Row[Any], moment: dt.datetime) -> None:
    failures = webhook.failures + 1
    until = moment + REST.rest(failures)
    tx.run(_FARES, {"row": webhook.id, "until": until, "number": failures})
    tx.run(_REST, {"until": until, "those": f"webhook/{webhook.id}/%"})

"""The states of a message: queued, claimed, in doubt, then sent, failed, listed or cancelled (G7).

In doubt is committed just before the text is handed over: from there on only the mail server knows. When it never says,
a message of the policy *resend* is sent again under the same Message-ID after its lease, and one of the policy *hold*
stays in doubt and is shown to an operator. Claims are as in `services.outbox_jobs`.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, func, select, update

from models.columns import UtcDateTime, table_of
from models.outbox import Instance, Message
from services import mail_digest_rows as rows
from services import mail_habits, mail_rate
from services.database_clock import wall_time
from services.messages import Policy
from services.outbox_jobs import Retry, due_rows, record_failure, resolve_failures
from services.unit_of_work import Transaction, UnitOfWork

MESSAGE = table_of(Message)
INSTANCE = table_of(Instance)

MAIL_RETRY = Retry(attempts=10, first_rest=dt.timedelta(seconds=30), longest_rest=dt.timedelta(hours=4))


@dataclass(frozen=True, slots=True)
class ClaimedMessage:
    """A message that this sender may send until its lease is over."""

    id: int
    dedupe_key: str
    kind: str
    person_id: int
    work_item_id: int | None
    appraisal_id: int | None
    finding_id: int | None
    payload: Mapping[str, Any]
    policy: str
    attempt: int
    fence: int


COLUMNS = (
    MESSAGE.c.id,
    MESSAGE.c.dedupe_key,
    MESSAGE.c.kind,
    MESSAGE.c.person_id,
    MESSAGE.c.work_item_id,
    MESSAGE.c.appraisal_id,
    MESSAGE.c.finding_id,
    MESSAGE.c.payload,
    MESSAGE.c.policy,
    MESSAGE.c.attempt,
    MESSAGE.c.fence,
    MESSAGE.c.state,
)
_THE_ROW = (MESSAGE.c.id == bindparam("row"), MESSAGE.c.fence == bindparam("held"))
_AT = bindparam("at", type_=UtcDateTime())
_OVER: Mapping[str, Any] = {"due_at": None, "lease_until": None}
PAUSED = select(INSTANCE.c.id).where(INSTANCE.c.sending_paused.is_(True)).limit(1)
_DUE = due_rows(COLUMNS, MESSAGE)
_CLAIM = (
    update(MESSAGE)
    .where(*_THE_ROW)
    .values(
        state="claimed",
        attempt=MESSAGE.c.attempt + 1,
        fence=MESSAGE.c.fence + 1,
        lease_until=bindparam("until", type_=UtcDateTime()),
        due_at=bindparam("until", type_=UtcDateTime()),
    )
)
_STAY_IN_DOUBT = update(MESSAGE).where(*_THE_ROW, MESSAGE.c.state == "in-doubt").values(**_OVER)
_GIVE_UP = (
    update(MESSAGE).where(*_THE_ROW).values(state="failed", fence=MESSAGE.c.fence + 1, error="worker-lost", **_OVER)
)
_DOUBT = update(MESSAGE).where(*_THE_ROW, MESSAGE.c.state == "claimed").values(state="in-doubt", in_doubt_at=_AT)
_SENT = (
    update(MESSAGE)
    .where(*_THE_ROW, MESSAGE.c.state == "in-doubt")
    .values(state="sent", sent_at=_AT, error=None, **_OVER)
)
_MINE = (*_THE_ROW, MESSAGE.c.state.in_(("claimed", "in-doubt")))
_END = update(MESSAGE).where(*_MINE).values(state=bindparam("ended"), error=bindparam("said"), **_OVER)
_AGAIN = (
    update(MESSAGE)
    .where(*_MINE)
    .values(state="queued", due_at=bindparam("later", type_=UtcDateTime()), lease_until=None, error=bindparam("said"))
)
_BROKEN = (
    update(MESSAGE)
    .where(*_THE_ROW, MESSAGE.c.state == "in-doubt")
    .values(due_at=bindparam("later", type_=UtcDateTime()), lease_until=None, error=bindparam("said"))
)
_DECIDE = (
    update(MESSAGE)
    .where(MESSAGE.c.id == bindparam("row"), MESSAGE.c.state.in_(("in-doubt", "failed", "held")))
    .values(
        state=bindparam("decided"),
        due_at=bindparam("later", type_=UtcDateTime()),
        lease_until=None,
        attempt=0,
        fence=MESSAGE.c.fence + 1,
        sent_at=func.coalesce(_AT, MESSAGE.c.sent_at),
    )
)
_STATE = select(MESSAGE.c.id, MESSAGE.c.kind, MESSAGE.c.state, MESSAGE.c.policy).where(MESSAGE.c.id == bindparam("row"))


def sending_paused(tx: Transaction) -> bool:
    """Return whether this copy of the database mails nobody until it is told to."""
    return tx.first(PAUSED) is not None


def claim_messages(
    uow: UnitOfWork,
    *,
    now: dt.datetime,
    limit: int,
    lease: dt.timedelta,
    retry: Retry = MAIL_RETRY,
    wall: dt.datetime | None = None,
    per_minute: int | None = None,
) -> list[ClaimedMessage]:
    """Claim up to `limit` due messages; none while sending is paused or the organisation wants quiet.

    Those found in doubt after their lease are claimed again or left in doubt for an operator, as their policy says.
    With `per_minute` no more than so many a minute are claimed, by however many senders.
    """
    taken = []
    with uow.write() as tx:
        if sending_paused(tx) or mail_habits.quiet(tx, now):
            return []
        moment = wall_time(tx, wall)
        for row in _due(tx, moment, limit, per_minute):
            which = {"row": row.id, "held": row.fence}
            spent = row.attempt >= retry.attempts
            if row.state == "in-doubt" and (spent or row.policy == Policy.HOLD):
                tx.run(_STAY_IN_DOUBT, which)
                rows.follow(tx, row, "in-doubt", said=None)
                record_failure(tx, "message", row.id, "in-doubt", details={"kind": row.kind}, at=now)
            elif spent:
                tx.run(_GIVE_UP, which)
                rows.follow(tx, row, "failed", said="worker-lost")
                record_failure(tx, "message", row.id, "worker-lost", details={"kind": row.kind}, at=now)
            else:
                tx.run(_CLAIM, {**which, "until": moment + lease})
                taken.append(row)
    return [as_message(row, attempt=row.attempt + 1, fence=row.fence + 1) for row in taken]


def as_message(row: Row[Any], *, attempt: int, fence: int) -> ClaimedMessage:
    """Return a row of `COLUMNS` as a message under a claim; of a digest's notice the claim is the digest's."""
    return ClaimedMessage(
        row.id,
        row.dedupe_key,
        row.kind,
        row.person_id,
        row.work_item_id,
        row.appraisal_id,
        row.finding_id,
        json.loads(row.payload),
        row.policy,
        attempt,
        fence,
    )


def _due(tx: Transaction, moment: dt.datetime, limit: int, per_minute: int | None) -> Sequence[Row[Any]]:
    most = limit if per_minute is None else min(limit, mail_rate.free(tx, moment, per_minute))
    found = tx.all(_DUE, {"wall": moment, "most": most}) if most else ()
    if per_minute is not None and found:
        mail_rate.use(tx, moment, per_minute, len(found))
    return found


def put_in_doubt(tx: Transaction, message: ClaimedMessage, *, now: dt.datetime) -> bool:
    """Say that the text is about to be handed over; False when the claim was lost, and nothing may be sent."""
    return tx.run(_DOUBT, {"row": message.id, "held": message.fence, "at": now}) == 1


def mark_sent(tx: Transaction, message: ClaimedMessage, *, now: dt.datetime) -> bool:
    """Say that the mail server took it; False when the claim was lost meanwhile."""
    if tx.run(_SENT, {"row": message.id, "held": message.fence, "at": now}) != 1:
        return False
    rows.follow(tx, message, "sent", said=None, sent_at=now)
    resolve_failures(tx, "message", message.id, now)
    return True


def end_message(tx: Transaction, message: ClaimedMessage, state: str, reason: str) -> bool:
    """End a message as `cancelled` (nobody needs it any more) or `listed` (for the list HR prints)."""
    if tx.run(_END, {"row": message.id, "held": message.fence, "ended": state, "said": reason}) != 1:
        return False
    rows.follow(tx, message, state, said=reason)
    return True


def fail_message(tx: Transaction, message: ClaimedMessage, code: str, *, now: dt.datetime) -> bool:
    """End a message as failed and show it to an operator."""
    if not end_message(tx, message, "failed", code):
        return False
    record_failure(tx, "message", message.id, code, details={"kind": message.kind}, at=now)
    return True


def queue_again(
    tx: Transaction,
    message: ClaimedMessage,
    code: str,
    *,
    now: dt.datetime,
    retry: Retry = MAIL_RETRY,
    wall: dt.datetime | None = None,
) -> bool:
    """Let a message that certainly was not taken rest and be tried again; after the last attempt it fails."""
    if message.attempt >= retry.attempts:
        return fail_message(tx, message, code, now=now)
    later = wall_time(tx, wall) + retry.rest(message.attempt)
    if tx.run(_AGAIN, {"row": message.id, "held": message.fence, "later": later, "said": code}) != 1:
        return False
    rows.free(tx, message)
    return True


def leave_in_doubt(
    tx: Transaction,
    message: ClaimedMessage,
    code: str,
    *,
    now: dt.datetime,
    retry: Retry = MAIL_RETRY,
    wall: dt.datetime | None = None,
) -> bool:
    """Keep in doubt what the mail server may have taken: *resend* is tried again, *hold* waits for an operator."""
    resend = rows.policy_of(tx, message) == Policy.RESEND and message.attempt < retry.attempts
    later = wall_time(tx, wall) + retry.rest(message.attempt) if resend else None
    if tx.run(_BROKEN, {"row": message.id, "held": message.fence, "later": later, "said": code}) != 1:
        return False
    if not resend:
        record_failure(tx, "message", message.id, "in-doubt", details={"kind": message.kind, "said": code}, at=now)
    return True


def decide_message(
    uow: UnitOfWork, message_id: int, decision: str, *, now: dt.datetime, wall: dt.datetime | None = None
) -> bool:
    """Apply an operator's decision about a message in doubt, held or failed; False when it is none of these.

    `decision` is `queued` (send it again), `sent` (it had arrived), `cancelled` or `held`.
    """
    with uow.write() as tx:
        return settle_message(tx, message_id, decision, now=now, wall=wall)


def settle_message(
    tx: Transaction, message_id: int, decision: str, *, now: dt.datetime, wall: dt.datetime | None = None
) -> bool:
    """Do what `decide_message` does, in the caller's transaction."""
    before = tx.first(_STATE, {"row": message_id})
    if before is None:
        return False
    later = wall_time(tx, wall) if decision == "queued" else None
    sent_at = now if decision == "sent" else None
    if tx.run(_DECIDE, {"row": message_id, "decided": decision, "later": later, "at": sent_at}) != 1:
        return False
    if decision == "queued" and before.state == "failed":
        rows.free(tx, before)
    elif decision != "queued":
        rows.follow(tx, before, decision, said=None, sent_at=sent_at)
    if decision != "held":
        resolve_failures(tx, "message", message_id, now)
    tx.ring()
    return True

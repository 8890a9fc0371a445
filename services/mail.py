"""Sending what is owed: look again whether it is needed, say in the database that it is in doubt, hand it over (G7).

No transaction is open while the mail server is spoken to. One recipient a message; the Message-ID is a keyed digest of
the dedupe key, so that a mail which is sent again after a doubt is known as the same.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage

from sqlalchemy import bindparam, select, update

from models.appraisals import Appraisal
from models.columns import UtcDateTime, table_of
from models.cycles import Cycle
from models.history import Move
from models.workitems import WorkItem
from services import due_dates, naming
from services import mail_digest_rows as rows
from services.definitions import lifecycle_of
from services.digests import Digest, gather, still_needed
from services.errors import AppraiseError, Conflict, Environment
from services.extension_events import held_items
from services.mail_facts import Needed, NotNeeded, look
from services.mail_letters import WIRE, letter_of
from services.mail_server import Conversation, InDoubt, MailServer, NotTaken
from services.messages import DIGEST, kind_of
from services.outbox_messages import (
    ClaimedMessage,
    claim_messages,
    end_message,
    fail_message,
    leave_in_doubt,
    mark_sent,
    put_in_doubt,
    queue_again,
)
from services.proven_notice import note_handed_over
from services.unit_of_work import Transaction, UnitOfWork
from workflow.vocabulary import CountedFrom, Effect

WORK_ITEM = table_of(WorkItem)
APPRAISAL = table_of(Appraisal)
CYCLE = table_of(Cycle)
MOVE = table_of(Move)
BATCH = 50

_AWAITING = (
    select(
        WORK_ITEM.c.id,
        WORK_ITEM.c.stage,
        WORK_ITEM.c.appraisal_id,
        WORK_ITEM.c.opened_at,
        APPRAISAL.c.workflow_id,
        APPRAISAL.c.cycle_id,
        CYCLE.c.opened_at.label("cycle_opened_at"),
        CYCLE.c.period_to,
    )
    .join(APPRAISAL, APPRAISAL.c.id == WORK_ITEM.c.appraisal_id)
    .join(CYCLE, CYCLE.c.id == APPRAISAL.c.cycle_id)
    .where(WORK_ITEM.c.id == bindparam("item"), WORK_ITEM.c.closed_at.is_(None), WORK_ITEM.c.noticed_at.is_(None))
)
_SINCE = (
    select(MOVE.c.action, MOVE.c.from_stage)
    .where(MOVE.c.appraisal_id == bindparam("appraisal"), MOVE.c.at >= bindparam("since", type_=UtcDateTime()))
    .order_by(MOVE.c.seq.desc())
)
_NOTICED = (
    update(WORK_ITEM)
    .where(WORK_ITEM.c.id == bindparam("item"), WORK_ITEM.c.closed_at.is_(None), WORK_ITEM.c.noticed_at.is_(None))
    .values(
        noticed_at=bindparam("at", type_=UtcDateTime()),
        due_at=bindparam("due", type_=UtcDateTime()),
        next_action_at=bindparam("at", type_=UtcDateTime()),
    )
)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who the mails are from, which server takes them, what their links begin with, and how long a claim lasts.

    `per_minute` is how many mails all senders together may hand over in a minute, None for any number.
    """

    server: MailServer
    mail_from: str
    base_url: str
    lease: dt.timedelta = dt.timedelta(minutes=2)
    per_minute: int | None = None


def send_due(
    uow: UnitOfWork,
    sender: Sender,
    *,
    now: dt.datetime,
    limit: int = BATCH,
    wall: dt.datetime | None = None,
    clock: Callable[[], dt.datetime] | None = None,
) -> Counter[str]:
    """Send up to `limit` due messages over one connection; return how many ended in which state.

    A slow mail server can take minutes for them, and a midnight may lie between the first and the last: `clock` says
    what time it is before and after each. Without it, it is `now` all the while.
    """
    ended: Counter[str] = Counter()
    claimed = claim_messages(uow, now=now, limit=limit, lease=sender.lease, wall=wall, per_minute=sender.per_minute)
    if not claimed:
        return ended
    conversation = Conversation(sender.server)
    try:
        for message in claimed:
            try:
                moment = now if clock is None else clock()
                ended[send_one(uow, sender, conversation, message, now=moment, wall=wall, clock=clock)] += 1
            except (Conflict, Environment):
                # The database was busy or away: this claim runs out by itself, the next message may fare better.
                conversation.close()
                ended["unsettled"] += 1
    finally:
        conversation.close()
    return ended


def send_one(
    uow: UnitOfWork,
    sender: Sender,
    conversation: Conversation,
    message: ClaimedMessage,
    *,
    now: dt.datetime,
    wall: dt.datetime | None = None,
    clock: Callable[[], dt.datetime] | None = None,
) -> str:
    """Send one claimed message; return the state it ended in, or `lost` when the claim went to another sender."""
    try:
        with uow.write() as tx:
            made = _letter_or_end(tx, sender, message, now)
    except (LookupError, TypeError, ValueError) as error:
        # A row that nobody can read may not hold up the others: it rests, and ends where an operator sees it.
        with uow.write() as tx:
            return _ended("queued", kept=queue_again(tx, message, type(error).__name__, now=now, wall=wall))
    if isinstance(made, str):
        return made
    letter, digest = made

    def ready() -> bool:
        with uow.write() as tx:
            return _may_go(tx, sender, message, digest, now)

    try:
        handed = conversation.hand_over(sender.mail_from, letter["To"], letter.as_bytes(policy=WIRE), ready)
    except NotTaken as refusal:
        with uow.write() as tx:
            if refusal.final:
                return _ended("failed", kept=fail_message(tx, message, refusal.code, now=now))
            return _ended("queued", kept=queue_again(tx, message, refusal.code, now=now, wall=wall))
    except InDoubt as doubt:
        with uow.write() as tx:
            return _ended("in-doubt", kept=leave_in_doubt(tx, message, doubt.code, now=now, wall=wall))
    if clock is not None:
        # The days to answer begin with the day on which it was taken, and not with the one before.
        now = clock()
    with uow.write() as tx:
        if not handed:
            return _called_off(tx, message, digest, now, wall)
        if kind_of(message.kind).notice:
            prove_notice(tx, message.work_item_id, message.id, now=now)
        return _ended("sent", kept=mark_sent(tx, message, now=now))


def _letter_or_end(
    tx: Transaction, sender: Sender, message: ClaimedMessage, now: dt.datetime
) -> tuple[EmailMessage, Digest | None] | str:
    digest: Digest | None = None
    try:
        if message.kind == DIGEST:
            held = gather(tx, message, now=now, base_url=sender.base_url)
            if isinstance(held, NotNeeded):
                return _ended("cancelled", kept=end_message(tx, message, "cancelled", held.code))
            digest = held
            needed: Needed | NotNeeded = held.entries[0].needed
        else:
            needed = look(tx, message, now=now, base_url=sender.base_url)
        if isinstance(needed, NotNeeded):
            return _ended("cancelled", kept=end_message(tx, message, "cancelled", needed.code))
        if needed.address is None:
            if digest is not None:
                rows.join(tx, message.id, digest.lines)
            return _ended("listed", kept=end_message(tx, message, "listed", "no-address"))
        link = f"{sender.base_url}/work"
        letter = letter_of(tx, message, needed, now=now, mail_from=sender.mail_from, digest=digest, link=link)
    except AppraiseError as error:
        if digest is not None:
            rows.join(tx, message.id, digest.lines)
        return _ended("failed", kept=fail_message(tx, message, error.code, now=now))
    return letter, digest


def _may_go(tx: Transaction, sender: Sender, message: ClaimedMessage, digest: Digest | None, now: dt.datetime) -> bool:
    """Look again, the moment before the text is handed over, and say in the database that it is in doubt."""
    if digest is None:
        still = isinstance(look(tx, message, now=now, base_url=sender.base_url), Needed)
    else:
        still = still_needed(tx, digest, now=now, base_url=sender.base_url)
    if not still or not put_in_doubt(tx, message, now=now):
        return False
    if digest is not None:
        rows.bind(tx, message.id, digest.lines, now=now)
    return True


def _called_off(
    tx: Transaction, message: ClaimedMessage, digest: Digest | None, now: dt.datetime, wall: dt.datetime | None
) -> str:
    if digest is None:
        return _ended("cancelled", kept=end_message(tx, message, "cancelled", "overtaken"))
    # What is left of it is gathered anew.
    return _ended("queued", kept=queue_again(tx, message, "overtaken", now=now, wall=wall))


def _ended(state: str, *, kept: bool) -> str:
    return state if kept else "lost"


def prove_notice(tx: Transaction, item_id: int | None, message_id: int, *, now: dt.datetime) -> bool:
    """Start the answer window of a work item whose days count from proven notice (domain.md, section 5); once.

    That the mail was handed over stands as an event, which vouches for it. Not when it was recorded meanwhile that the
    person cannot be reached.
    """
    item = tx.first(_AWAITING, {"item": item_id})
    if item is None:
        return False
    lifecycle = lifecycle_of(tx, item.workflow_id)
    if lifecycle.stage(item.stage).counted_from != CountedFrom.PROVEN_NOTICE:
        return False
    for move in tx.all(_SINCE, {"appraisal": item.appraisal_id, "since": item.opened_at}):
        form = lifecycle.move(move.from_stage, move.action)
        if form is not None and Effect.NO_ACCESS in form.effects:
            return False
    organisation = naming.organisation(tx)
    due = due_dates.due_at(
        tx,
        calendar=organisation.calendar,
        zone=organisation.zone,
        lifecycle=lifecycle,
        stage=item.stage,
        start=now,
        marks=due_dates.Marks.of(item),
    )
    if item.id in held_items(tx, item.cycle_id):
        due = None
    if tx.run(_NOTICED, {"item": item.id, "at": now, "due": due}) != 1:
        return False
    note_handed_over(tx, item.appraisal_id, item.id, message_id, now)
    return True

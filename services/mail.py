"""Sending what is owed: look again whether it is needed, say in the database that it is in doubt, hand it over (G7).

No transaction is open while the mail server is spoken to. One recipient a message; the Message-ID is a keyed digest of
the dedupe key, so that a mail which is sent again after a doubt is known as the same.
"""

import datetime as dt
import email.policy
import hashlib
import hmac
import re
from collections import Counter
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime

from sqlalchemy import bindparam, select, update

from models.appraisals import Appraisal
from models.columns import UtcDateTime, table_of
from models.cycles import Cycle
from models.history import Move
from models.workitems import WorkItem
from services import due_dates, naming
from services.definitions import lifecycle_of
from services.errors import AppraiseError, Conflict, Environment, Malformed
from services.extension_events import held_items
from services.mail_facts import Needed, NotNeeded, look
from services.mail_server import Conversation, InDoubt, MailServer, NotTaken
from services.mail_texts import shipped_mail_texts
from services.messages import kind_of
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
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")

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
    """Who the mails are from, which server takes them, what their links begin with, and how long a claim lasts."""

    server: MailServer
    mail_from: str
    base_url: str
    lease: dt.timedelta = dt.timedelta(minutes=2)


def send_due(
    uow: UnitOfWork, sender: Sender, *, now: dt.datetime, limit: int = BATCH, wall: dt.datetime | None = None
) -> Counter[str]:
    """Send up to `limit` due messages over one connection; return how many ended in which state."""
    ended: Counter[str] = Counter()
    claimed = claim_messages(uow, now=now, limit=limit, lease=sender.lease, wall=wall)
    if not claimed:
        return ended
    conversation = Conversation(sender.server)
    try:
        for message in claimed:
            try:
                ended[send_one(uow, sender, conversation, message, now=now, wall=wall)] += 1
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
) -> str:
    """Send one claimed message; return the state it ended in, or `lost` when the claim went to another sender."""
    with uow.write() as tx:
        letter = _letter_or_end(tx, sender, message, now)
    if isinstance(letter, str):
        return letter

    def ready() -> bool:
        with uow.write() as tx:
            still = look(tx, message, now=now, base_url=sender.base_url)
            return isinstance(still, Needed) and put_in_doubt(tx, message, now=now)

    try:
        handed = conversation.hand_over(sender.mail_from, letter["To"], letter.as_bytes(policy=_WIRE), ready)
    except NotTaken as refusal:
        with uow.write() as tx:
            if refusal.final:
                return _ended("failed", kept=fail_message(tx, message, refusal.code, now=now))
            return _ended("queued", kept=queue_again(tx, message, refusal.code, now=now, wall=wall))
    except InDoubt as doubt:
        with uow.write() as tx:
            return _ended("in-doubt", kept=leave_in_doubt(tx, message, doubt.code, now=now, wall=wall))
    with uow.write() as tx:
        if not handed:
            return _ended("cancelled", kept=end_message(tx, message, "cancelled", "overtaken"))
        if kind_of(message.kind).notice:
            prove_notice(tx, message.work_item_id, message.id, now=now)
        return _ended("sent", kept=mark_sent(tx, message, now=now))


def _letter_or_end(tx: Transaction, sender: Sender, message: ClaimedMessage, now: dt.datetime) -> EmailMessage | str:
    try:
        letter = _letter(tx, sender, message, now)
    except AppraiseError as error:
        return _ended("failed", kept=fail_message(tx, message, error.code, now=now))
    if isinstance(letter, NotNeeded):
        return _ended("cancelled", kept=end_message(tx, message, "cancelled", letter.code))
    if letter is None:
        return _ended("listed", kept=end_message(tx, message, "listed", "no-address"))
    return letter


def _ended(state: str, *, kept: bool) -> str:
    return state if kept else "lost"


_WIRE = email.policy.SMTP.clone(cte_type="7bit")


def message_id(tx: Transaction, message: ClaimedMessage, mail_from: str) -> str:
    """Return the Message-ID: the same for the same obligation, and telling nothing to who lacks the key."""
    # The oldest key: a new one must not change the name of a mail that is already in doubt.
    key = next(iter(tx.keys.secrets.values()))
    name = hmac.new(key, b"message-id\n" + message.dedupe_key.encode(), hashlib.sha256).hexdigest()[:40]
    return f"<{name}@{mail_from.rpartition('@')[2]}>"


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


def _letter(
    tx: Transaction, sender: Sender, message: ClaimedMessage, now: dt.datetime
) -> EmailMessage | NotNeeded | None:
    """Return the mail; why nobody needs it any more; or None for a person without an address."""
    needed = look(tx, message, now=now, base_url=sender.base_url)
    if isinstance(needed, NotNeeded):
        return needed
    if needed.address is None:
        return None
    if not _ADDRESS.fullmatch(needed.address):
        raise Malformed("The e-mail address of the recipient cannot be written into a mail.", "bad-address")
    subject, body = shipped_mail_texts()[message.kind, needed.language].fill(needed.values)
    letter = EmailMessage(policy=email.policy.SMTP)
    letter["From"] = sender.mail_from
    letter["To"] = needed.address
    letter["Subject"] = subject
    letter["Date"] = format_datetime(now)
    letter["Message-ID"] = message_id(tx, message, sender.mail_from)
    letter["Content-Language"] = needed.language
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(body, charset="utf-8", cte="base64" if not body.isascii() else "7bit")
    return letter

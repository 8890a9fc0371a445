"""The operator's desk: which mails wait, are in doubt or failed, and what becomes of them. Never what they say."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, select

from models.columns import table_of
from models.outbox import Message
from models.people import Person
from services.actors import Actor
from services.audit import append_event, store_text
from services.errors import Conflict, Malformed, NotFound, Refused
from services.grants import demand
from services.mail import prove_notice
from services.messages import DIGEST, kind_of
from services.naming import numbered
from services.operating import demand_operator
from services.outbox_jobs import resolve_failures
from services.outbox_messages import settle_message
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.vocabulary import Role

MESSAGE = table_of(Message)
PERSON = table_of(Person)
STATES: tuple[str, ...] = MESSAGE.c.state.info["words"]
WANTING = ("in-doubt", "failed", "held")
"""The states in which somebody must decide."""

UNSETTLED = (*WANTING, "queued", "claimed")
"""The states of what is not settled."""

_MOST = 500
RECIPIENTS = (Role.OPERATOR, Role.HR)

_ROWS = (
    select(MESSAGE, PERSON.c.number, PERSON.c.name)
    .join(PERSON, PERSON.c.id == MESSAGE.c.person_id)
    .order_by(MESSAGE.c.id)
)
_LISTED = _ROWS.where(MESSAGE.c.state.in_(bindparam("states", expanding=True))).limit(_MOST)
_OF_PERSON = _LISTED.where(PERSON.c.number == bindparam("number"))
_ONE = _ROWS.where(MESSAGE.c.id == bindparam("row"))
_HELD = _ROWS.where(MESSAGE.c.digest_id == bindparam("digest"))
_CANCEL = (
    MESSAGE.update()
    .where(MESSAGE.c.id == bindparam("row"), MESSAGE.c.state == "queued", MESSAGE.c.digest_id.is_(None))
    .values(state="cancelled", error="by-hand", due_at=None, lease_until=None, fence=MESSAGE.c.fence + 1)
)


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail or notice: for whom, of which kind, in which state since when, tried how often, and why it stands so.

    `digest` is the mail a notice goes out with; `said` the code of the last refusal or of why it was cancelled.
    """

    code: str
    kind: str
    number: str
    name: str
    state: str
    policy: str
    created_at: dt.datetime
    in_doubt_at: dt.datetime | None
    sent_at: dt.datetime | None
    attempt: int
    said: str | None
    digest: str | None


@dataclass(frozen=True, slots=True)
class Shown:
    """One mail laid open, with the notices that it holds and what may be done with it."""

    mail: Mail
    about: Mapping[str, Any]
    notices: tuple[Mail, ...]
    choices: tuple[str, ...]


def list_mails(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, states: Sequence[str] = (), number: str | None = None
) -> tuple[Mail, ...]:
    """Return mails in some states, by default all that are not settled, the oldest first and at most 500.

    Raises:
        Malformed: there is no such state.
        Refused: the viewer neither operates Appraise nor runs cycles.
    """
    unknown = sorted(set(states) - set(STATES))
    if unknown:
        raise Malformed(f"There is no state {unknown[0]!r} of a mail; there are {', '.join(STATES)}.", "unknown-state")
    with uow.read() as tx:
        demand(tx, actor, now, RECIPIENTS, "look at mails")
        which: dict[str, Any] = {"states": list(states or UNSETTLED)}
        if number is None:
            return tuple(mail_of(row) for row in tx.all(_LISTED, which))
        return tuple(mail_of(row) for row in tx.all(_OF_PERSON, {**which, "number": number}))


@use_case("mail.show")
def show_mail(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, mail: str) -> Shown:
    """Return one mail, `M12`, with the notices it holds; ids and codes, and never its text.

    Raises:
        NotFound: there is none.
        Refused: the viewer neither operates Appraise nor runs cycles.
    """
    with uow.read() as tx:
        demand(tx, actor, now, RECIPIENTS, "look at mails")
        row = _row(tx, mail)
        notices = tuple(mail_of(one) for one in tx.all(_HELD, {"digest": row.id}))
        about = {
            "work_item": None if row.work_item_id is None else f"W{row.work_item_id}",
            "finding": None if row.finding_id is None else f"F{row.finding_id}",
            **json.loads(row.payload),
        }
        return Shown(mail_of(row), {name: value for name, value in about.items() if value}, notices, _choices(row))


@use_case("mail.retry")
def retry(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, mail: str) -> None:
    """Send a failed mail again, with all its attempts; need and permission are looked at again as always.

    Raises:
        NotFound: there is none.
        Refused: it has not failed, or the actor does not operate Appraise.
    """
    _decide(uow, actor, now, mail, "queued", from_states=("failed",), doing="retry")


@use_case("mail.cancel")
def cancel(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, mail: str, reason: str) -> None:
    """Give a mail up that waits, is in doubt, held or failed, for a reason that is kept.

    Raises:
        Malformed: there is no reason.
        NotFound: there is none.
        Refused: it is settled or being sent, or the actor does not operate Appraise.
    """
    if not reason.strip():
        raise Malformed("Say why this mail is given up: add --reason.", "no-reason")
    _decide(uow, actor, now, mail, "cancelled", from_states=(*WANTING, "queued"), doing="cancel", reason=reason)


@use_case("mail.release")
def release(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, mail: str, arrived: bool = False) -> None:
    """Settle a mail in doubt or held: it is sent again under the same Message-ID, or counts as `arrived`.

    A result that is known to have arrived was noticed: its days to answer begin now.

    Raises:
        NotFound: there is none.
        Refused: it is neither in doubt nor held, or the actor does not operate Appraise.
    """
    decision = "sent" if arrived else "queued"
    _decide(uow, actor, now, mail, decision, from_states=("in-doubt", "held"), doing="release")


def _decide(
    uow: UnitOfWork,
    actor: Actor,
    now: dt.datetime,
    mail: str,
    decision: str,
    *,
    from_states: Sequence[str],
    doing: str,
    reason: str | None = None,
) -> None:
    with uow.write() as tx:
        demand_operator(tx, actor, now, f"{doing} a mail")
        row = _row(tx, mail)
        if row.digest_id is not None:
            raise Refused(f"{mail} goes out with M{row.digest_id}; decide about that one.", "in-digest")
        if row.state not in from_states or (row.state == "in-doubt" and row.due_at is not None):
            choices = ", ".join(_choices(row)) or "nothing"
            raise Refused(f"{mail} is {row.state}; what can be done with it: {choices}.", "mail-state")
        if row.state == "queued":
            done = tx.run(_CANCEL, {"row": row.id}) == 1
            resolve_failures(tx, "message", row.id, now)
        else:
            done = settle_message(tx, row.id, decision, now=now)
        if not done:
            raise Conflict(f"{mail} changed while you decided; look again.", "faster")
        if decision == "sent" and row.kind != DIGEST and kind_of(row.kind).notice:
            prove_notice(tx, row.work_item_id, row.id, now=now)
        stored = None if reason is None else store_text(tx, reason)
        payload = {"message": row.id, "was": row.state, "decision": decision}
        if stored is not None:
            payload["reason"] = [stored.id, stored.digest]
        append_event(tx, "org", f"mail.{doing}", actor=actor, at=now, payload=payload)


def _choices(row: Row[Any]) -> tuple[str, ...]:
    """Return what the operator may do with a mail now."""
    if row.digest_id is not None:
        return ()
    if row.state in {"in-doubt", "held"}:
        # A sender still has its claim, or it is tried again by itself.
        return () if row.due_at is not None else ("release", "release --arrived", "cancel")
    return {"failed": ("retry", "cancel"), "queued": ("cancel",)}.get(row.state, ())


def _row(tx: Transaction, mail: str) -> Row[Any]:
    row = tx.first(_ONE, {"row": numbered(mail, "M")})
    if row is None:
        raise NotFound(f"There is no mail {mail}; `appraise mail list` lists those that are open.", "unknown-mail")
    return row


def mail_of(row: Row[Any]) -> Mail:
    """Return a mail as the operator sees it, of its row with the number and name of its person."""
    return Mail(
        f"M{row.id}",
        row.kind,
        row.number,
        row.name,
        row.state,
        row.policy,
        row.created_at,
        row.in_doubt_at,
        row.sent_at,
        row.attempt,
        row.error,
        None if row.digest_id is None else f"M{row.digest_id}",
    )

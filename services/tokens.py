"""Tokens: outside demonstration data a command acts as the person whose token it holds, or, by right, for another."""

import datetime as dt
import hashlib
import secrets
from collections.abc import Sequence

from sqlalchemy import bindparam, select, update

from models.columns import table_of
from models.people import Token
from services import naming
from services.access import granted_roles
from services.actors import SYSTEM, Actor
from services.audit import append_event
from services.errors import Malformed, Refused
from services.standing import local_day
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.vocabulary import Role

TOKEN = table_of(Token)
ALL = "all"
SCOPES = ("read", "moves", "findings", "documents", "duties", "work-items", "delegations", "cycles", "webhooks")
"""What a token can be limited to: reading by the API, and each kind of act. Without limits it does all its person may.

A limited token is for the API alone; the terminal takes none.
"""
FREE_KINDS = frozenset({"demo", "practice"})
"""Kinds of organisation in which anybody may act as anybody: nothing in them is real."""

_FIND = select(TOKEN).where(TOKEN.c.digest == bindparam("digest"))
REVOKE = (
    update(TOKEN)
    .where(TOKEN.c.person_id == bindparam("person"), TOKEN.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"))
)


def digest_of(secret: str) -> str:
    """Return what is kept of a token: its SHA-256. The secret is random, so no salt is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


@use_case("token.new")
def new(
    uow: UnitOfWork,
    *,
    now: dt.datetime,
    number: str,
    days: int | None = None,
    scopes: Sequence[str] = (),
    actor: Actor = SYSTEM,
) -> str:
    """Give a person a token and return its secret, which is shown once and never again.

    Whoever can run this on the machine holds the database already; the act is in the audit. `days` limits its life,
    `scopes` (of `SCOPES`) what it opens.

    Raises:
        Malformed: there is no such scope.
        NotFound: nobody has this number.
    """
    unknown = next((scope for scope in scopes if scope not in SCOPES), None)
    if unknown is not None:
        raise Malformed(f"There is no scope {unknown!r}; choose of {', '.join(SCOPES)}.", "bad-scope")
    scope = " ".join(one for one in SCOPES if one in scopes) or ALL
    secret = secrets.token_urlsafe(32)
    with uow.write() as tx:
        person = naming.person(tx, number)
        expires = now + dt.timedelta(days=days) if days is not None else None
        token_id = tx.insert(
            TOKEN,
            {
                "person_id": person.id,
                "digest": digest_of(secret),
                "scope": scope,
                "created_at": now,
                "expires_at": expires,
                "revoked_at": None,
            },
        )
        payload = {"token": token_id, "person": person.id, "scope": scope}
        append_event(tx, "org", "token.new", actor=actor, at=now, payload=payload)
    return secret


@use_case("token.revoke")
def revoke(uow: UnitOfWork, *, now: dt.datetime, number: str, actor: Actor = SYSTEM) -> int:
    """End every token of a person; how many there were.

    Raises:
        NotFound: nobody has this number.
    """
    with uow.write() as tx:
        person = naming.person(tx, number)
        ended = tx.run(REVOKE, {"person": person.id, "at": now})
        append_event(tx, "org", "token.revoked", actor=actor, at=now, payload={"person": person.id, "tokens": ended})
    return ended


def actor_for(
    uow: UnitOfWork, *, now: dt.datetime, as_number: str | None, token: str | None, reason: str | None = None
) -> Actor:
    """Return as whom a command acts.

    In demonstration and practice data `as_number` is enough. Elsewhere the token says who is at the keyboard; to act
    for somebody else is proxy entry: a right of its own, with a reason, shown on the form and told to that one (W17).

    Raises:
        Malformed: free data, and no number.
        NotFound: nobody has the number.
        Refused: there is no valid token, no right to act for another, or no reason.
    """
    with uow.read() as tx:
        organisation = naming.organisation(tx)
        if token is None and organisation.kind in FREE_KINDS:
            if as_number is None:
                raise Malformed("Say as whom: add --as and an employee number.", "no-actor")
            return Actor(naming.person(tx, as_number).id)
        holder = _holder(tx, token, now)
        if as_number is None:
            return Actor(holder)
        person = naming.person(tx, as_number)
        if person.id == holder:
            return Actor(holder)
        granted = granted_roles(tx, holder, local_day(now, organisation.zone))
        if Role.PROXY not in granted:
            raise Refused(
                f"Your token is not that of {as_number}, and you have no right to enter anything for others.",
                "no-proxy",
            )
        if not (reason and reason.strip()):
            raise Refused("An entry for somebody else needs a reason: add --reason.", "proxy-reason")
        return Actor(person.id, typed_by=holder, reason=reason)


def _holder(tx: Transaction, token: str | None, now: dt.datetime) -> int:
    if not token:
        raise Refused(
            "This is real data, so a command needs a token: set APPRAISE_TOKEN, or ask the operator for one.",
            "no-token",
        )
    row = tx.first(_FIND, {"digest": digest_of(token)})
    if row is None or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        raise Refused("This token is not valid, or not any more; ask the operator for a new one.", "bad-token")
    if row.scope != ALL:
        raise Refused(f"This token is for the API ({row.scope}); the terminal needs one without limits.", "scope")
    return int(row.person_id)

"""Accounts: who may log in. None exists by default; a password is set by who holds a key that works once."""

import datetime as dt
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, func, select, update

from models.columns import table_of
from models.people import Account, LoginKey, Person
from services import login_throttle, naming, passwords, sessions
from services.actors import SYSTEM, Actor
from services.audit import append_event
from services.database_clock import wall_time
from services.errors import Refused
from services.grants import demand, today
from services.mail_login_facts import ADDRESS
from services.mailed_keys import mailed_secret
from services.outbox import promise
from services.tokens import REVOKE, digest_of
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.vocabulary import Role

ACCOUNT = table_of(Account)
LOGIN_KEY = table_of(LoginKey)
PERSON = table_of(Person)
MAILED_MINUTES = 60
"""How long a link works that somebody asked for by mail."""
KEY_HOURS = 72
"""How long a key works that somebody hands over; whoever gets it on Friday may use it on Monday."""

_OF_PERSON = select(ACCOUNT).where(ACCOUNT.c.person_id == bindparam("person"))
_WITH_PASSWORD = select(func.count()).where(ACCOUNT.c.password_hash.is_not(None), ACCOUNT.c.disabled_at.is_(None))
_TO_MAIL = (
    select(ACCOUNT)
    .join(PERSON, PERSON.c.id == ACCOUNT.c.person_id)
    .where(
        PERSON.c.number == bindparam("number"), ACCOUNT.c.password_hash.is_not(None), ACCOUNT.c.disabled_at.is_(None)
    )
)
_KEY = (
    select(LOGIN_KEY, ACCOUNT.c.disabled_at, ACCOUNT.c.person_id, PERSON.c.number, PERSON.c.name)
    .join(ACCOUNT, ACCOUNT.c.id == LOGIN_KEY.c.account_id)
    .join(PERSON, PERSON.c.id == ACCOUNT.c.person_id)
    .where(LOGIN_KEY.c.digest == bindparam("digest"))
)
_USE = (
    update(LOGIN_KEY)
    .where(LOGIN_KEY.c.account_id == bindparam("account"), LOGIN_KEY.c.used_at.is_(None))
    .values(used_at=bindparam("at"))
)
_SET = update(ACCOUNT).where(ACCOUNT.c.id == bindparam("account")).values(password_hash=bindparam("kept"))
_DISABLE = update(ACCOUNT).where(ACCOUNT.c.id == bindparam("account")).values(disabled_at=bindparam("at"))
_ENABLE = update(ACCOUNT).where(ACCOUNT.c.id == bindparam("account")).values(disabled_at=None)
_ALL = (
    select(ACCOUNT, PERSON.c.number, PERSON.c.name)
    .join(PERSON, PERSON.c.id == ACCOUNT.c.person_id)
    .order_by(PERSON.c.number)
)


@dataclass(frozen=True, slots=True)
class Invitation:
    """A key that sets a password once: its secret, shown once, whose it is, and until when it works."""

    number: str
    secret: str
    expires_at: dt.datetime


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account in a list: `invited` until a password is set."""

    number: str
    name: str
    state: str
    created_at: dt.datetime


@use_case("account.first")
def first(uow: UnitOfWork, *, now: dt.datetime, number: str, actor: Actor = SYSTEM) -> Invitation:
    """Give the first person a key to log in with; from the terminal, and only while nobody has a password.

    Raises:
        NotFound: nobody has this number.
        Refused: somebody can log in already.
    """
    with uow.write() as tx:
        if tx.scalar(_WITH_PASSWORD):
            raise Refused(
                "Somebody can log in already, so this is not the first account; use `appraise account invite`.",
                "not-first",
            )
        return _invited(tx, number, "account.first", actor=actor, now=now)


@use_case("account.invite")
def invite(uow: UnitOfWork, *, now: dt.datetime, number: str, actor: Actor = SYSTEM) -> Invitation:
    """Give a person an account, or one that was disabled back, and a key that sets its password once.

    Keys of his that were not used yet end. Anybody's password stays until the key is used.

    Raises:
        NotFound: nobody has this number.
        Refused: the actor is neither HR nor an operator, or the person has left and was erased.
    """
    with uow.write() as tx:
        demand(tx, actor, now, (Role.HR, Role.OPERATOR), "invite people")
        return _invited(tx, number, "account.invite", actor=actor, now=now)


def forgot(uow: UnitOfWork, *, now: dt.datetime, number: str, address: str) -> None:
    """Promise a person who forgot his password a link by mail; nobody learns whether there is such an account.

    It counts as a failed login, so that nobody is flooded. Without a password yet or an address there is no mail.

    Raises:
        Refused: too many logins failed, or links were asked for, before.
    """
    with uow.write() as tx:
        wall = wall_time(tx)
        attempt = login_throttle.take(tx, number=number, address=address, wall=wall)
        row = tx.first(_TO_MAIL, {"number": number.strip()})
        if attempt is not None and row is not None:
            _promise_link(tx, row, now, wall)
    if attempt is None:
        raise login_throttle.throttled()


def _promise_link(tx: Transaction, row: Row[Any], now: dt.datetime, wall: dt.datetime) -> None:
    if tx.first(ADDRESS, {"person": row.person_id, "on": today(tx, now)}) is None:
        return
    nonce = secrets.token_hex(16)
    digest = digest_of(mailed_secret(tx.keys, nonce))
    expires = wall + dt.timedelta(minutes=MAILED_MINUTES)
    tx.run(_USE, {"account": row.id, "at": wall})
    key = tx.insert(LOGIN_KEY, {"account_id": row.id, "digest": digest, "expires_at": expires, "used_at": None})
    payload = {"key": key, "nonce": nonce}
    promise(tx, kind="password-link", person_id=row.person_id, dedupe_key=f"key/{key}", now=now, payload=payload)
    append_event(tx, "org", "account.forgot", actor=SYSTEM, at=now, payload={"person": row.person_id})


@use_case("account.disable")
def disable(uow: UnitOfWork, *, now: dt.datetime, number: str, actor: Actor = SYSTEM) -> int:
    """Let a person log in no more and end his sessions and tokens; how many sessions there were.

    Raises:
        NotFound: nobody has this number.
        Refused: he has no account, or the actor is neither HR nor an operator.
    """
    with uow.write() as tx:
        demand(tx, actor, now, (Role.HR, Role.OPERATOR), "disable accounts")
        person = naming.person(tx, number)
        account = tx.first(_OF_PERSON, {"person": person.id})
        if account is None:
            raise Refused(f"{number} has no account.", "no-account")
        wall = wall_time(tx)
        tx.run(_DISABLE, {"account": account.id, "at": now})
        tx.run(_USE, {"account": account.id, "at": wall})
        ended = sessions.end_all(tx, account.id, wall)
        tx.run(REVOKE, {"person": person.id, "at": now})
        append_event(tx, "org", "account.disabled", actor=actor, at=now, payload={"person": person.id, "ended": ended})
        return ended


@use_case("account.password")
def set_password(uow: UnitOfWork, *, now: dt.datetime, secret: str, password: str) -> str:
    """Set a password by a key, which then works no more; every session of the account ends. Returns whose it is.

    Raises:
        Refused: the key is unknown, used or too old, or its account is disabled.
        Malformed: the password is too short, too long or too easy; the key still works.
    """
    with uow.write() as tx:
        key, wall = _live_key(tx, secret)
        kept = passwords.hashed(password, number=key.number, name=key.name)
        tx.run(_SET, {"account": key.account_id, "kept": kept})
        tx.run(_USE, {"account": key.account_id, "at": wall})
        ended = sessions.end_all(tx, key.account_id, wall)
        append_event(
            tx,
            "org",
            "account.password",
            actor=Actor(key.person_id),
            at=now,
            payload={"person": key.person_id, "ended": ended},
        )
        return str(key.number)


def holder_of(uow: UnitOfWork, *, secret: str) -> str:
    """Return whose key this is: name and employee number.

    Raises:
        Refused: the key is unknown, used or too old, or its account is disabled.
    """
    with uow.read() as tx:
        key, _ = _live_key(tx, secret)
        return f"{key.name} ({key.number})"


def listed(uow: UnitOfWork, *, now: dt.datetime, actor: Actor = SYSTEM) -> tuple[AccountView, ...]:
    """Return every account, by employee number.

    Raises:
        Refused: the actor is neither HR nor an operator.
    """
    with uow.read() as tx:
        demand(tx, actor, now, (Role.HR, Role.OPERATOR), "list accounts")
        return tuple(AccountView(row.number, row.name, _state(row), row.created_at) for row in tx.all(_ALL))


def _state(row: Row[Any]) -> str:
    if row.disabled_at is not None:
        return "disabled"
    return "invited" if row.password_hash is None else "active"


def _invited(tx: Transaction, number: str, kind: str, *, actor: Actor, now: dt.datetime) -> Invitation:
    person = naming.person(tx, number)
    if person.erased_at is not None:
        raise Refused(f"The data of {number} were erased, so nobody can log in with it.", "erased")
    wall = wall_time(tx)
    account = tx.first(_OF_PERSON, {"person": person.id})
    if account is None:
        empty = {"person_id": person.id, "password_hash": None, "created_at": now, "disabled_at": None}
        account_id = tx.insert(ACCOUNT, empty)
    else:
        account_id = int(account.id)
        tx.run(_ENABLE, {"account": account_id})
        tx.run(_USE, {"account": account_id, "at": wall})
    secret = secrets.token_urlsafe(32)
    expires = wall + dt.timedelta(hours=KEY_HOURS)
    tx.insert(
        LOGIN_KEY, {"account_id": account_id, "digest": digest_of(secret), "expires_at": expires, "used_at": None}
    )
    append_event(tx, "org", kind, actor=actor, at=now, payload={"person": person.id})
    return Invitation(number, secret, expires)


def _live_key(tx: Transaction, secret: str) -> tuple[Row[Any], dt.datetime]:
    row = tx.first(_KEY, {"digest": digest_of(secret)})
    wall = wall_time(tx)
    if row is None or row.used_at is not None or row.expires_at <= wall or row.disabled_at is not None:
        raise Refused("This link was used already or is too old; ask for a new one.", "bad-key")
    return row, wall

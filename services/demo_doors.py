"""Doors without a password into demonstration data: nothing in them is real, and no account exists by default.

A door is a page with one button. Its key is made from the audit key, so that nothing is written for looking at it, and
works once, within `KEY_MINUTES`.
"""

import datetime as dt
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, select

from models.columns import table_of
from models.people import Account, LoginKey
from services import naming, sessions
from services.actors import Actor
from services.audit import AuditKeys, append_event
from services.database_clock import wall_time
from services.errors import NotFound, Refused
from services.mailed_keys import mailed_secret
from services.sessions import LoggedIn
from services.tokens import digest_of
from services.unit_of_work import Transaction, UnitOfWork

ACCOUNT = table_of(Account)
LOGIN_KEY = table_of(LoginKey)
KEY_MINUTES = 10
_OPEN_KIND = "demo"

_OF_PERSON = select(ACCOUNT).where(ACCOUNT.c.person_id == bindparam("person"))
_USED = select(LOGIN_KEY.c.id).where(LOGIN_KEY.c.digest == bindparam("digest"))


@dataclass(frozen=True, slots=True)
class Door:
    """A door: who comes in by it, as people are named to others, and its key."""

    number: str
    name: str
    key: str


def look(uow: UnitOfWork, *, number: str) -> Door:
    """Return the door of a person, with a new key; nothing is written.

    Raises:
        NotFound: the data are no demonstration, or nobody has this number.
    """
    with uow.read() as tx:
        person = _person(tx, number)
        issued = f"{int(wall_time(tx).timestamp())}-{secrets.token_hex(16)}"
        return Door(person.number, f"{person.name} ({person.number})", f"{issued}-{_seal(tx.keys, number, issued)}")


def enter(uow: UnitOfWork, *, now: dt.datetime, number: str, key: str, before: str | None = None) -> LoggedIn:
    """Begin a session by the key of a door, which then works no more; the session before it ends.

    Raises:
        NotFound: the data are no demonstration, or nobody has this number.
        Refused: the key was used already, is too old, or is that of another door.
    """
    with uow.write() as tx:
        person = _person(tx, number)
        wall = wall_time(tx)
        issued, _, seal = key.rpartition("-")
        at, _, _ = issued.partition("-")
        fits = hmac.compare_digest(seal.encode(), _seal(tx.keys, number, issued).encode())
        digest = digest_of(key)
        if not fits or wall.timestamp() - int(at) > KEY_MINUTES * 60 or tx.first(_USED, {"digest": digest}):
            raise Refused("This button was pressed already or is too old; open the link once more.", "bad-key")
        account = tx.first(_OF_PERSON, {"person": person.id})
        if account is None:
            empty = {"person_id": person.id, "password_hash": None, "created_at": now, "disabled_at": None}
            account_id = tx.insert(ACCOUNT, empty)
            append_event(tx, "org", "account.demo", actor=Actor(person.id), at=now, payload={"person": person.id})
        else:
            account_id = int(account.id)
        tx.insert(LOGIN_KEY, {"account_id": account_id, "digest": digest, "expires_at": wall, "used_at": wall})
        return sessions.open_session(tx, account_id, person.id, before=before, now=now)


def _person(tx: Transaction, number: str) -> Row[Any]:
    if naming.organisation(tx).kind != _OPEN_KIND:
        raise NotFound("There is no such page, or it is not yours to see.", "unknown-page")
    return naming.person(tx, number)


def _seal(keys: AuditKeys, number: str, issued: str) -> str:
    return mailed_secret(keys, f"demo\n{number}\n{issued}")

"""How often a login may fail: counted in the database by what was typed and from where, before anything is hashed."""

import datetime as dt
import hashlib

from sqlalchemy import bindparam, delete, func, select

from models.columns import UtcDateTime, table_of
from models.people import LoginAttempt
from services.errors import Refused
from services.unit_of_work import Transaction

ATTEMPT = table_of(LoginAttempt)
WINDOW = dt.timedelta(minutes=15)
KEPT = dt.timedelta(days=1)
OF_ONE_NAME, OF_ONE_ADDRESS = 10, 100
"""Failures within `WINDOW` after which no more are taken. Behind one address sits a whole office."""

_SINCE = bindparam("since", type_=UtcDateTime())
_OF_NAME = select(func.count()).where(ATTEMPT.c.name_digest == bindparam("name"), ATTEMPT.c.at > _SINCE)
_OF_ADDRESS = select(func.count()).where(ATTEMPT.c.address == bindparam("address"), ATTEMPT.c.at > _SINCE)
_FORGET = delete(ATTEMPT).where(ATTEMPT.c.at <= bindparam("since", type_=UtcDateTime()))
_FORGET_ONE = delete(ATTEMPT).where(ATTEMPT.c.id == bindparam("attempt"))


def name_digest(number: str) -> str:
    """Return what is kept of a typed number: somebody may have typed his password there."""
    return hashlib.sha256(number.strip().casefold().encode()).hexdigest()


def take(tx: Transaction, *, number: str, address: str, wall: dt.datetime) -> int | None:
    """Write down that a login is being tried and return the attempt's id; None when there were too many failures.

    It counts as failed until `forget` takes it away, so that many at once cannot slip through.
    """
    tx.run(_FORGET, {"since": wall - KEPT})
    since = {"since": wall - WINDOW}
    name = name_digest(number)
    if (
        tx.scalar(_OF_NAME, since | {"name": name}) >= OF_ONE_NAME
        or tx.scalar(_OF_ADDRESS, since | {"address": address}) >= OF_ONE_ADDRESS
    ):
        return None
    return tx.insert(ATTEMPT, {"name_digest": name, "address": address, "at": wall})


def forget(tx: Transaction, attempt: int) -> None:
    """Take away an attempt that did not fail."""
    tx.run(_FORGET_ONE, {"attempt": attempt})


def throttled() -> Refused:
    """Return the answer to who tries too often."""
    minutes = int(WINDOW.total_seconds() // 60)
    return Refused(
        f"Too many logins have failed for this number or from here; try again in {minutes} minutes.", "throttled"
    )

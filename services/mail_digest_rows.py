"""The notices that go out with one digest: bound to it when it is in doubt, and ending as it ends."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import and_, bindparam, or_, select, update

from models.columns import UtcDateTime, table_of
from models.outbox import Message
from services.errors import Conflict
from services.messages import DIGEST, Policy
from services.outbox_jobs import record_failure
from services.unit_of_work import Transaction

MESSAGE = table_of(Message)

_WAITS = and_(MESSAGE.c.state == "queued", MESSAGE.c.due_at.is_(None), MESSAGE.c.digest_id.is_(None))
_BIND = (
    update(MESSAGE)
    .where(
        MESSAGE.c.id.in_(bindparam("lines", expanding=True)),
        or_(_WAITS, and_(MESSAGE.c.digest_id == bindparam("digest"), MESSAGE.c.state == "in-doubt")),
    )
    .values(state="in-doubt", digest_id=bindparam("digest"), in_doubt_at=bindparam("at", type_=UtcDateTime()))
)
_FOLLOW = (
    update(MESSAGE)
    .where(MESSAGE.c.digest_id == bindparam("digest"), MESSAGE.c.state != "cancelled")
    .values(
        state=bindparam("becomes"),
        error=bindparam("said"),
        sent_at=bindparam("at", type_=UtcDateTime()),
    )
)
_FREE = (
    update(MESSAGE)
    .where(MESSAGE.c.digest_id == bindparam("digest"), MESSAGE.c.state.in_(("in-doubt", "failed")))
    .values(state="queued", digest_id=None, error=None)
)
_POLICY = update(MESSAGE).where(MESSAGE.c.id == bindparam("digest")).values(policy=bindparam("chosen"))
_KEPT_POLICY = select(MESSAGE.c.policy).where(MESSAGE.c.id == bindparam("digest"))
_DROP = (
    update(MESSAGE)
    .where(MESSAGE.c.id == bindparam("line"), MESSAGE.c.state.in_(("queued", "in-doubt", "listed")))
    .values(state="cancelled", error=bindparam("said"))
)
_FAIL = (
    update(MESSAGE)
    .where(MESSAGE.c.id == bindparam("line"), MESSAGE.c.state.in_(("queued", "in-doubt")))
    .values(state="failed", digest_id=None, error=bindparam("said"))
)
_LIST = (
    update(MESSAGE)
    .where(MESSAGE.c.id.in_(bindparam("lines", expanding=True)), _WAITS)
    .values(digest_id=bindparam("digest"))
)


class Row(Protocol):
    """Anything that says which message it is, and of which kind."""

    @property
    def id(self) -> int:
        """The message."""

    @property
    def kind(self) -> str:
        """Its kind."""

    @property
    def policy(self) -> str:
        """What happens to it after a doubt."""


def bind(tx: Transaction, digest_id: int, lines: Sequence[Any], *, now: dt.datetime) -> None:
    """Say that these notices are handed over with this digest; they are in doubt as it is, and resent if one asks.

    Raises:
        Conflict: another digest took one of them; nothing may be handed over.
    """
    which = {"lines": [line.id for line in lines], "digest": digest_id, "at": now}
    if tx.run(_BIND, which) != len(lines):
        raise Conflict("Another mail took one of the notices; this one is made anew.", "faster")
    resend = any(line.policy == Policy.RESEND for line in lines)
    tx.run(_POLICY, {"digest": digest_id, "chosen": Policy.RESEND if resend else Policy.HOLD})


def join(tx: Transaction, digest_id: int, lines: Sequence[Any]) -> None:
    """Let notices end as this digest does, without a mail: the person has no address."""
    tx.run(_LIST, {"lines": [line.id for line in lines], "digest": digest_id})


def drop(tx: Transaction, line_id: int, reason: str) -> None:
    """Cancel a notice that nobody needs any more."""
    tx.run(_DROP, {"line": line_id, "said": reason})


def fail(tx: Transaction, line: Row, code: str, *, now: dt.datetime) -> None:
    """Take a notice out that cannot be told, and show it to an operator: the others go out without it."""
    if tx.run(_FAIL, {"line": line.id, "said": code}) == 1:
        record_failure(tx, "message", line.id, code, details={"kind": line.kind}, at=now)


def follow(tx: Transaction, digest: Row, state: str, *, said: str | None, sent_at: dt.datetime | None = None) -> None:
    """Let the notices of a digest end as it ended; of any other message there are none."""
    if digest.kind == DIGEST:
        tx.run(_FOLLOW, {"digest": digest.id, "becomes": state, "said": said, "at": sent_at})


def free(tx: Transaction, digest: Row) -> None:
    """Let the notices of a digest that certainly was not taken wait again."""
    if digest.kind == DIGEST:
        tx.run(_FREE, {"digest": digest.id})


def policy_of(tx: Transaction, message: Row) -> str:
    """Return the policy of a message; that of a digest is known only when its notices are bound."""
    return str(tx.scalar(_KEPT_POLICY, {"digest": message.id})) if message.kind == DIGEST else message.policy

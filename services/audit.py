"""The audit chain: every move and event carries the one before it and a keyed digest (G13).

An appraisal's chain is its rows in `move`; everything else is in `event`, one chain for each stream. The key lies
outside the database. Payloads hold ids, codes and digests, never names.
"""

import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select

from models.columns import table_of, utc_text
from models.history import Event, Move, TextBody
from scoring.canonical import canonical
from services.actors import Actor
from services.errors import Malformed

if TYPE_CHECKING:
    from services.unit_of_work import Transaction

EVENT = table_of(Event)
MOVE = table_of(Move)
TEXT_BODY = table_of(TextBody)
GENESIS = "0" * 64
LONGEST_TEXT = 20_000
"""Characters of what a person writes with an act."""

_HEAD = (
    select(EVENT.c.seq, EVENT.c.mac).where(EVENT.c.stream == bindparam("stream")).order_by(EVENT.c.seq.desc()).limit(1)
)
_LOCK = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("stream"), 0)))


@dataclass(frozen=True, slots=True)
class AuditKeys:
    """The keys by name, and the one that signs now. Old names stay so that old rows can be verified."""

    current: str
    secrets: Mapping[str, bytes]
    _keyed: dict[str, hmac.HMAC] = field(default_factory=dict, init=False, repr=False, compare=False)

    def mac(self, prev: str, fields: Mapping[str, Any], key_id: str | None = None) -> str:
        """Return the keyed digest (HMAC-SHA256, hexadecimal) of canonical `fields` that follow `prev`."""
        name = key_id or self.current
        keyed = self._keyed.get(name)
        if keyed is None:
            # Taking the key in costs as much as a row: it is done once, and each row goes on from a copy.
            keyed = self._keyed[name] = hmac.new(self.secrets[name], digestmod="sha256")
        row = keyed.copy()
        row.update(prev.encode() + canonical(fields))
        return row.hexdigest()


def digest(fields: Mapping[str, Any]) -> str:
    """Return the SHA-256 (hexadecimal) of the one JSON form of `fields`."""
    return hashlib.sha256(canonical(fields)).hexdigest()


def stamp(at: dt.datetime) -> str:
    """Return the one text form of a moment that enters the chain."""
    return utc_text(at)


@dataclass(frozen=True, slots=True)
class Link:
    """The end of a chain: the number and keyed digest of its last row."""

    seq: int
    mac: str


def head(tx: "Transaction", stream: str) -> Link:
    """Return the end of a stream, holding off other writers of it until the commit."""
    if tx.dialect == "postgresql":
        tx.scalar(_LOCK, {"stream": stream})
    row = tx.first(_HEAD, {"stream": stream})
    return Link(0, GENESIS) if row is None else Link(row.seq, row.mac)


def append_event(
    tx: "Transaction", stream: str, kind: str, *, actor: Actor, at: dt.datetime, payload: Mapping[str, Any]
) -> Link:
    """Write one event at the end of a stream, in the transaction of what it tells of."""
    last = head(tx, stream)
    return write_event(tx, stream, last, kind, actor=actor, at=at, payload=payload)


def append_events(
    tx: "Transaction",
    stream: str,
    entries: Iterable[tuple[str, Mapping[str, Any]]],
    *,
    actor: Actor,
    at: dt.datetime,
) -> Link:
    """Write many events, each a kind and a payload, at the end of a stream in one executemany."""
    last = head(tx, stream)
    rows: list[dict[str, Any]] = []
    for kind, payload in entries:
        rows.append(_event_row(tx, stream, last, kind, actor=actor, at=at, payload=payload))
        last = Link(last.seq + 1, rows[-1]["mac"])
    tx.insert_many(EVENT, rows)
    return last


def write_event(
    tx: "Transaction", stream: str, last: Link, kind: str, *, actor: Actor, at: dt.datetime, payload: Mapping[str, Any]
) -> Link:
    """Write one event behind `last`, which the caller holds."""
    row = _event_row(tx, stream, last, kind, actor=actor, at=at, payload=payload)
    tx.insert_many(EVENT, [row])
    return Link(last.seq + 1, row["mac"])


def _event_row(
    tx: "Transaction", stream: str, last: Link, kind: str, *, actor: Actor, at: dt.datetime, payload: Mapping[str, Any]
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "stream": stream,
        "seq": last.seq + 1,
        "kind": kind,
        "actor_id": actor.actor_id,
        "on_behalf_of": actor.on_behalf_of,
        "at": at,
        "payload": canonical(payload).decode(),
        "key_id": tx.keys.current,
        "prev": last.mac,
    }
    row["mac"] = tx.keys.mac(last.mac, event_fields(row))
    return row


def event_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of an event enters its keyed digest."""
    return {
        "stream": row["stream"],
        "seq": row["seq"],
        "kind": row["kind"],
        "actor": row["actor_id"],
        "for": row["on_behalf_of"],
        "at": stamp(row["at"]),
        "payload": row["payload"],
    }


def move_fields(row: Mapping[str, Any], comment_digest: str | None) -> dict[str, Any]:
    """Return what of a move enters its keyed digest; the comment by its salted digest, so that it can be erased."""
    return {
        "appraisal": row["appraisal_id"],
        "seq": row["seq"],
        "workflow": row["workflow_id"],
        "action": row["action"],
        "from": row["from_stage"],
        "to": row["to_stage"],
        "round": row["round"],
        "role": row["role"],
        "actor": row["actor_id"],
        "for": row["on_behalf_of"],
        "at": stamp(row["at"]),
        "comment": comment_digest,
        "score": row["score_id"],
        "payload": row["payload"],
    }


@dataclass(frozen=True, slots=True)
class StoredText:
    """A text that was stored: its id and its salted digest."""

    id: int
    digest: str


def store_text(tx: "Transaction", body: str | None) -> StoredText | None:
    """Keep what a person wrote, salted so that its digest tells nothing once it is erased; None stays None.

    Raises:
        Malformed: it is longer than `LONGEST_TEXT`.
    """
    if body is None or not body.strip():
        return None
    _demand_readable(body)
    salt = secrets.token_hex(16)
    value = text_digest(salt, body)
    return StoredText(tx.insert(TEXT_BODY, {"salt": salt, "body": body, "digest": value}), value)


def store_texts(tx: "Transaction", bodies: Sequence[str]) -> tuple[StoredText, ...]:
    """Keep what a person wrote about several things, none of it empty, in one statement and in the same order.

    Raises:
        Malformed: one is longer than `LONGEST_TEXT`.
    """
    rows = []
    for body in bodies:
        _demand_readable(body)
        salt = secrets.token_hex(16)
        rows.append({"salt": salt, "body": body, "digest": text_digest(salt, body)})
    ids = tx.insert_all(TEXT_BODY, rows)
    return tuple(StoredText(id_, row["digest"]) for id_, row in zip(ids, rows, strict=True))


def _demand_readable(body: str) -> None:
    if len(body) > LONGEST_TEXT:
        raise Malformed(
            f"This text has {len(body)} characters, at most {LONGEST_TEXT} are kept; shorten it or name a document.",
            "too-long",
        )
    if "\0" in body:
        raise Malformed("This text holds a character that no text has; write it anew.", "not-storable")


def text_digest(salt: str, body: str) -> str:
    """Return the salted digest of a text."""
    return hashlib.sha256(f"{salt}\n{body}".encode()).hexdigest()

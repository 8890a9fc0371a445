"""Checkpoints: the ends of all chains at one moment, signed, in a file that leaves the machine (G13).

A chain shows what was changed in it, but not that its end was cut off, rows and all that tells of them. A checkpoint
kept elsewhere does, also against somebody who holds the audit key. The file is JSON: `blocks` of up to a thousand
neighbouring chains, each on a line of its own, then the `statement` that is signed, then its `signature`.

    block      {"table": "move", "kind": "", "first": 1001, "seqs": [4, 4, 0, 5], "marks": "8f3a...", "digest": "..."}
    statement  {"format": 1, "made_at": ..., "streams": ..., "rows": ..., "blocks": ..., "root": ..., "key": ...}

`seqs` has the number of the last row of each chain from `first` on, 0 where there is none; `marks` the first eight
digits of that row's keyed digest, for each chain that has one, to name the row that is another; `digest` is SHA-256
over the whole of them. `root` is SHA-256 over the blocks in their one JSON form, a line each. So ten bytes vouch for a
chain, and each one that lost its end can be named.
"""

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from scoring.canonical import canonical
from services import naming
from services.actors import SYSTEM, Actor
from services.audit import EVENT, MOVE, append_event, digest, stamp
from services.signatures import SigningKey
from services.unit_of_work import Transaction, UnitOfWork
from services.whole_files import demand_free, whole_file

FORMAT = 1
BLOCK = 1000
MARK = 8
"""Hexadecimal digits of a keyed digest that name a row."""
SIGNED = b"appraise checkpoint 1\n"
"""What the signed bytes begin with, so that no signature made for something else fits."""
STREAM = "checkpoints"

_NUMBERED = re.compile(r"(.*):([1-9][0-9]*)")
_LAST_MOVES = select(MOVE.c.appraisal_id, func.max(MOVE.c.seq).label("seq")).group_by(MOVE.c.appraisal_id).subquery()
_MOVE_HEADS = (
    select(MOVE.c.appraisal_id, MOVE.c.seq, MOVE.c.mac)
    .join(_LAST_MOVES, (_LAST_MOVES.c.appraisal_id == MOVE.c.appraisal_id) & (_LAST_MOVES.c.seq == MOVE.c.seq))
    .order_by(MOVE.c.appraisal_id)
)
_LAST_EVENTS = select(EVENT.c.stream, func.max(EVENT.c.seq).label("seq")).group_by(EVENT.c.stream).subquery()
# Streams of one kind whose numbers have as many digits stand by number this way, whatever the collation.
_EVENT_HEADS = (
    select(EVENT.c.stream, EVENT.c.seq, EVENT.c.mac)
    .join(_LAST_EVENTS, (_LAST_EVENTS.c.stream == EVENT.c.stream) & (_LAST_EVENTS.c.seq == EVENT.c.seq))
    .order_by(func.length(EVENT.c.stream), EVENT.c.stream)
)
NEWEST = select(EVENT.c.payload, EVENT.c.at).where(EVENT.c.stream == STREAM).order_by(EVENT.c.seq.desc()).limit(1)


@dataclass(frozen=True, slots=True)
class Head:
    """The end of one chain: its table, kind and number, the number of its last row and that row's keyed digest."""

    table: str
    kind: str
    number: int
    seq: int
    mac: str

    @property
    def name(self) -> str:
        """What the chain is called."""
        return chain_name(self.table, self.kind, self.number)


@dataclass(frozen=True, slots=True)
class Made:
    """A checkpoint that was written. `fingerprint` is SHA-256 (hexadecimal) of what was signed."""

    path: Path
    made_at: dt.datetime
    streams: int
    rows: int
    fingerprint: str
    key: str


@dataclass(frozen=True, slots=True)
class Newest:
    """The checkpoint that was made last, as it is recorded."""

    fingerprint: str
    key: str
    at: dt.datetime


def chain_name(table: str, kind: str, number: int) -> str:
    """Return what a chain is called: `appraisal 7`, `cycle:7` or `org`."""
    if table == "move":
        return f"appraisal {number}"
    return f"{kind}:{number}" if number else kind


def place_of(stream: str) -> tuple[str, int]:
    """Return the kind and the number of a stream of events; 0 for one that has none."""
    match = _NUMBERED.fullmatch(stream)
    return (stream, 0) if match is None else (match[1], int(match[2]))


def mark_of(mac: str) -> str:
    """Return the digits of a keyed digest that name its row; as many as of every other, whatever stands there."""
    return mac[:MARK].ljust(MARK, "0")


def head_line(name: str, seq: int, mac: str) -> bytes:
    """Return what of one chain enters the digest of its block."""
    return f"{name} {seq} {mac}\n".encode()


def make(uow: UnitOfWork, *, now: dt.datetime, path: Path, key: SigningKey, actor: Actor = SYSTEM) -> Made:
    """Write a checkpoint of all chains as of one moment into a new file, and record its fingerprint.

    Whoever can run this holds the database already, so it asks for no right.

    Raises:
        Refused: something bears the file's name already.
        Environment: the file cannot be written, or the database cannot be read.
    """
    demand_free(path)
    with whole_file(path, replace=False) as out:
        with uow.read(one_moment=True) as tx:
            organisation = tx.first(naming.ANY_ORGANISATION)
            tally = _Tally()
            out.write(b'{"blocks": [')
            for block in _blocks(_heads(tx), tally):
                line = canonical(block)
                out.write((b",\n" if tally.blocks else b"\n") + line)
                tally.add(line)
        statement = {
            "format": FORMAT,
            "organisation": None if organisation is None else organisation.name,
            "made_at": stamp(now),
            "streams": tally.streams,
            "rows": tally.rows,
            "blocks": tally.blocks,
            "root": tally.root,
            "key": key.public.raw.hex(),
        }
        signature = key.sign(SIGNED + canonical(statement)).hex()
        out.write(b'\n],\n"statement": ' + canonical(statement) + b',\n"signature": "' + signature.encode() + b'"}\n')
        made = Made(path, now, tally.streams, tally.rows, digest(statement), key.public.fingerprint)
        with uow.write() as tx:
            payload = {
                "fingerprint": made.fingerprint,
                "key": made.key,
                "streams": made.streams,
                "rows": made.rows,
            }
            append_event(tx, STREAM, "checkpoint", actor=actor, at=now, payload=payload)
    return made


def newest(tx: Transaction) -> Newest | None:
    """Return the checkpoint that was made last, or None before the first."""
    row = tx.first(NEWEST)
    return None if row is None else as_recorded(row.payload, row.at)


def as_recorded(payload: str, at: dt.datetime) -> Newest:
    """Return a checkpoint from what its event says."""
    said = json.loads(payload)
    return Newest(said["fingerprint"], said["key"], at)


def find_newest(uow: UnitOfWork) -> Newest | None:
    """Return the checkpoint that was made last, or None before the first; in a reading of its own."""
    with uow.read() as tx:
        return newest(tx)


@dataclass(slots=True)
class _Tally:
    streams: int = 0
    rows: int = 0
    blocks: int = 0
    _hash: Any = field(default_factory=hashlib.sha256)

    def add(self, line: bytes) -> None:
        self.blocks += 1
        self._hash.update(line + b"\n")

    @property
    def root(self) -> str:
        return str(self._hash.hexdigest())


def _heads(tx: Transaction) -> Iterator[Head]:
    for row in tx.stream(_EVENT_HEADS):
        yield Head("event", *place_of(row.stream), row.seq, row.mac)
    for row in tx.stream(_MOVE_HEADS):
        yield Head("move", "", row.appraisal_id, row.seq, row.mac)


def _blocks(heads: Iterable[Head], tally: _Tally) -> Iterator[dict[str, Any]]:
    """Yield the heads in blocks: neighbours of one kind, by rising number."""
    block: list[Head] = []
    for head in heads:
        if block and not _belongs(block, head):
            yield _block(block)
            block = []
        block.append(head)
        tally.streams += 1
        tally.rows += head.seq
    if block:
        yield _block(block)


def _belongs(block: list[Head], head: Head) -> bool:
    first, last = block[0], block[-1]
    same = (head.table, head.kind) == (first.table, first.kind)
    return same and last.number < head.number < first.number + BLOCK


def _block(heads: list[Head]) -> dict[str, Any]:
    first = heads[0]
    seqs = [0] * (heads[-1].number - first.number + 1)
    total = hashlib.sha256()
    for head in heads:
        seqs[head.number - first.number] = head.seq
        total.update(head_line(head.name, head.seq, head.mac))
    return {
        "table": first.table,
        "kind": first.kind,
        "first": first.number,
        "seqs": seqs,
        "marks": "".join(mark_of(head.mac) for head in heads),
        "digest": total.hexdigest(),
    }

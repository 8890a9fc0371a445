"""Files on documents, findings, answers and decisions: kept in the database, vouched for by their SHA-256.

People name what a file belongs to as they name it elsewhere: `D12`, `F1042`, or a move as `2026Q1/1007@post#3`. A file
is seen by whoever sees what it belongs to, and is told to nobody else.
"""

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, select

from services import documents, file_kinds, finding_views
from services.actors import Actor
from services.delegations import stand_in
from services.errors import Environment, Malformed, NotFound, Refused
from services.file_views import Files, FileView, files_of_owners, until
from services.file_writing import ATTACHMENT, CONTENT_TABLE, Owner, Sent, write_files
from services.finding_checks import held_by_id
from services.finding_writing import disclosure, finding_row, stream
from services.findings import reply_until
from services.grants import demand, demand_typist, today
from services.ledger_sight import ledger_sight
from services.ledgers import state
from services.sight import Sight, sight
from services.standing import MOVE, load
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.vocabulary import Role

_ONE = select(ATTACHMENT).where(ATTACHMENT.c.id == bindparam("file"))
_BYTES = select(CONTENT_TABLE.c.content).where(CONTENT_TABLE.c.sha256 == bindparam("sha256"))
_MOVE = select(MOVE).where(MOVE.c.appraisal_id == bindparam("appraisal"), MOVE.c.seq == bindparam("seq"))
_MOVE_BY_ID = select(MOVE).where(MOVE.c.id == bindparam("move"))


@dataclass(frozen=True, slots=True)
class FileBytes:
    """A file with its bytes, as it was attached."""

    name: str
    media: str
    content: bytes


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a file belongs to, and until when the viewer sees what is added to it."""

    owner: Owner
    until: dt.datetime | None = None


@use_case("file.attach")
def attach(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, item: str, name: str, content: bytes) -> FileView:
    """Attach a file to a document, a finding or a move.

    To a document HR and the clerk do, to a finding who recorded it and, in his days to reply, the person, to a move
    who made it as long as nobody acted after it.

    Raises:
        Malformed: the name of the thing has no such form, or the file is not one that is taken.
        NotFound: there is no such thing, or it is not the actor's to see.
        Refused: the actor may not attach to it, not any more, or it has as many files as are taken.
        Conflict: somebody else attached the same file at the same moment.
    """
    return _attach(uow, item, [Sent(name, content)], actor=actor, now=now)[-1]


@use_case("file.attach")
def attach_all(
    uow: UnitOfWork, *, actor: Actor, now: dt.datetime, item: str, files: Sequence[Sent]
) -> tuple[FileView, ...]:
    """Attach several files to one thing as `attach` does, all of them or none; return all that it has then.

    Raises:
        Malformed, NotFound, Refused, Conflict: as `attach`.
    """
    return _attach(uow, item, files, actor=actor, now=now)


@use_case("file.list")
def files_of(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, item: str) -> tuple[FileView, ...]:
    """Return the files of something, in the order they were attached.

    Raises:
        Malformed: its name has no such form.
        NotFound: there is no such thing, or it is not the viewer's to see.
    """
    seen = _seen(uow, item, actor, now)
    with uow.read() as tx:
        files = files_of_owners(tx, seen.owner.kind, [seen.owner.id])
    return until(files.get(seen.owner.id, ()), seen.until)


@use_case("file.read")
def read(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, item: int) -> FileBytes:
    """Return a file by its number; its bytes are compared with the SHA-256 that the record has.

    Raises:
        NotFound: there is no such file, or what it belongs to is not the viewer's to see.
        Environment: its bytes are not those that were attached.
    """
    with uow.read() as tx:
        row = tx.first(_ONE, {"file": item})
        code = None if row is None else _code(tx, row, actor, now)
    if row is None or code is None:
        raise _unknown(item)
    try:
        seen = _seen(uow, code, actor, now)
    except NotFound as error:
        raise _unknown(item) from error
    if seen.until is not None and row.added_at > seen.until:
        raise _unknown(item)
    with uow.read() as tx:
        content = tx.scalar(_BYTES, {"sha256": row.sha256})
    if content is None or hashlib.sha256(content).hexdigest() != row.sha256:
        raise Environment(
            f"The bytes of the file {item} are not those that were attached; restore them from a backup.",
            "file-changed",
        )
    return FileBytes(row.name, row.media, bytes(content))


def _attach(uow: UnitOfWork, item: str, files: Sequence[Sent], *, actor: Actor, now: dt.datetime) -> Files:
    owner = _seen(uow, item, actor, now).owner
    for file in files:
        file_kinds.media_of(file.name, file.content)
    with uow.write() as tx:
        demand_typist(tx, actor, today(tx, now))
        _demand_may_attach(tx, owner, actor, now)
        write_files(tx, owner, files, actor=actor, now=now)
        return files_of_owners(tx, owner.kind, [owner.id]).get(owner.id, ())


def _seen(uow: UnitOfWork, item: str, actor: Actor, now: dt.datetime) -> _Seen:
    """Return what a file belongs to, if the viewer sees it.

    Raises:
        Malformed: the name has no such form.
        NotFound: there is none, or it is not his to see.
    """
    if "#" in item:
        return _seen_move(uow, item, actor, now)
    if item[:1].upper() == "D":
        shown = documents.show_document(uow, actor=actor, now=now, document=item)
        return _Seen(Owner("document", shown.id, "org", shown.code))
    found = finding_views.show_finding(uow, actor=actor, now=now, finding=item)
    with uow.read() as tx:
        row = finding_row(tx, item)
        held = held_by_id(tx, row.assignment_id)
        at = state(tx, held.id, row.counted_on)
        seen = ledger_sight(tx, at, held.person_id, actor=actor, now=now, today=today(tx, now))
    return _Seen(Owner("finding", found.id, stream(held.id), found.code), seen.until)


def _seen_move(uow: UnitOfWork, item: str, actor: Actor, now: dt.datetime) -> _Seen:
    code, _, seq = item.rpartition("#")
    if not (seq.isascii() and seq.isdigit() and len(seq) <= len("999999")):
        raise Malformed(f"{item!r} names no move; write an appraisal and the number of the move, #3.", "bad-code")
    with uow.read() as tx:
        standing, actor = stand_in(tx, load(tx, [code], actor, now)[0], actor)
        seen = sight(tx, standing, actor, standing.today)
        row = tx.first(_MOVE, {"appraisal": standing.id, "seq": int(seq)})
        if row is None or not _words_open(row, seen):
            raise NotFound(f"There is no move {item}, or it is not yours to see.", "unknown-move")
    return _Seen(Owner("move", row.id, stream(standing.row.assignment_id), item), seen.until)


def _words_open(row: Row[Any], seen: Sight) -> bool:
    """Tell whether the words of a move, and so its files, are the viewer's to read; as in the history of the form."""
    if seen.until is not None and row.at > seen.until:
        return False
    mine = seen.own is not None and seen.own in {row.on_behalf_of, row.actor_id}
    return seen.judgement or mine or (seen.facts and row.role == Role.APPRAISEE)


def _demand_may_attach(tx: Transaction, owner: Owner, actor: Actor, now: dt.datetime) -> None:
    if owner.kind == "document":
        demand(tx, actor, now, (Role.HR, Role.CLERK), "attach files to documents")
        return
    if owner.kind == "move":
        row = tx.all(_MOVE_BY_ID, {"move": owner.id})[0]
        if actor.person_id not in {row.on_behalf_of, row.actor_id}:
            raise Refused("Only who made a move attaches files to it.", "not-yours")
        if tx.first(_MOVE, {"appraisal": row.appraisal_id, "seq": row.seq + 1}) is not None:
            raise Refused("Somebody has acted since, so no file can be attached to this any more.", "too-late")
        return
    row = finding_row(tx, f"F{owner.id}")
    held = held_by_id(tx, row.assignment_id)
    at = state(tx, held.id, row.counted_on)
    if actor.person_id == held.person_id:
        if today(tx, now) > reply_until(tx, row.recorded_at, disclosure(tx, at)):
            raise Refused(f"The days to reply to F{owner.id} are over.", "reply-over")
    elif actor.person_id not in {row.on_behalf_of, row.recorded_by}:
        raise Refused(f"Only who recorded F{owner.id}, and the person, attach files to it.", "not-yours")
    elif not at.open or row.voided_at is not None:
        raise Refused(f"F{owner.id} is closed, so no file can be attached to it any more.", "closed")


def _code(tx: Transaction, row: Row[Any], actor: Actor, now: dt.datetime) -> str | None:
    """Return how people name what a file belongs to; None where the viewer may not know."""
    if row.owner_kind != "move":
        return f"{row.owner_kind[0].upper()}{row.owner_id}"
    move = tx.all(_MOVE_BY_ID, {"move": row.owner_id})[0]
    standing, actor = stand_in(tx, load(tx, [int(move.appraisal_id)], actor, now)[0], actor)
    return f"{standing.code}#{move.seq}" if standing.parts.related(actor.person_id) else None


def _unknown(item: int) -> NotFound:
    return NotFound(f"There is no file {item}, or it is not yours to see.", "unknown-file")

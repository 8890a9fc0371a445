"""Writing files beside what they belong to, in the transaction of the act that brings them: all of it or nothing."""

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, func, select

from models.columns import table_of
from models.documents import Attachment, FileContent
from services.actors import Actor
from services.audit import append_event, digest, stamp
from services.errors import Refused
from services.file_kinds import media_of
from services.unit_of_work import Transaction

ATTACHMENT = table_of(Attachment)
CONTENT_TABLE = table_of(FileContent)
MOST = 10
"""Files of one thing."""

_COUNT = select(func.count()).where(
    ATTACHMENT.c.owner_kind == bindparam("kind"), ATTACHMENT.c.owner_id == bindparam("owner")
)
_THERE = select(CONTENT_TABLE.c.id).where(CONTENT_TABLE.c.sha256 == bindparam("sha256"))


@dataclass(frozen=True, slots=True)
class Sent:
    """A file as it was sent: its name and its bytes, neither believed nor looked at yet."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Owner:
    """What files belong to: the kind and id of its row, the stream of its events, and how people name it."""

    kind: str
    id: int
    stream: str
    item: str


def write_files(
    tx: Transaction, owner: Owner, files: Sequence[Sent], *, actor: Actor, now: dt.datetime
) -> tuple[int, ...]:
    """Keep files beside their owner, each with its event, and return the ids of their rows.

    Raises:
        Malformed: a file is not one that is taken, or not what its name says; see `file_kinds.media_of`.
        Refused: the owner would have more files than are taken.
    """
    if not files:
        return ()
    medias = [media_of(file.name, file.content) for file in files]
    if tx.scalar(_COUNT, {"kind": owner.kind, "owner": owner.id}) + len(files) > MOST:
        raise Refused(f"{owner.item} has {MOST} files at most; put several into one.", "too-many-files")
    return tuple(
        _write(tx, owner, file, media, actor=actor, now=now) for file, media in zip(files, medias, strict=True)
    )


def _write(tx: Transaction, owner: Owner, file: Sent, media: str, *, actor: Actor, now: dt.datetime) -> int:
    sha256 = hashlib.sha256(file.content).hexdigest()
    # The bytes are kept once; of two who send the same at the same moment, one is asked to send it again.
    if tx.scalar(_THERE, {"sha256": sha256}) is None:
        tx.insert(CONTENT_TABLE, {"sha256": sha256, "content": file.content})
    row = {
        "owner_kind": owner.kind,
        "owner_id": owner.id,
        "name": file.name,
        "media": media,
        "size": len(file.content),
        "sha256": sha256,
        "added_by": actor.actor_id,
        "on_behalf_of": actor.on_behalf_of,
        "added_at": now,
    }
    file_id = tx.insert(ATTACHMENT, row)
    payload = {"attachment": file_id, "digest": digest(attachment_content(row)), "sha256": sha256}
    append_event(tx, owner.stream, "file.attached", actor=actor, at=now, payload=payload)
    return file_id


def attachment_content(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of an attachment's row its event vouches for."""
    plain = ("owner_kind", "owner_id", "name", "media", "size", "sha256", "added_by", "on_behalf_of")
    return {**{name: row[name] for name in plain}, "at": stamp(row["added_at"])}


CONTENT = {"attachment": (ATTACHMENT, attachment_content)}
"""For each id that a payload may hold: its table and the content its digest was made of."""

"""Files as they are listed beside what they belong to: name, size and SHA-256, never the bytes."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable, Row, bindparam, func, select

from models.columns import table_of
from models.people import Person
from services.file_writing import ATTACHMENT
from services.unit_of_work import Transaction

PERSON = table_of(Person)

_OF_OWNERS = (
    select(ATTACHMENT, PERSON.c.number)
    .join(PERSON, PERSON.c.id == func.coalesce(ATTACHMENT.c.on_behalf_of, ATTACHMENT.c.added_by))
    .where(ATTACHMENT.c.owner_kind == bindparam("kind"), ATTACHMENT.c.owner_id.in_(bindparam("owners", expanding=True)))
    .order_by(ATTACHMENT.c.id)
)


@dataclass(frozen=True, slots=True)
class FileView:
    """A file that belongs to something, without its bytes; `size` in bytes."""

    id: int
    name: str
    media: str
    size: int
    sha256: str
    added_by: str
    added_at: dt.datetime


Files = tuple[FileView, ...]


def files_of_owners(tx: Transaction, kind: str, owners: Sequence[int]) -> Mapping[int, Files]:
    """Return the files of rows of one kind, `document`, `finding` or `move`, by id and as attached; one statement.

    Who may see them is the caller's to know.
    """
    found: dict[int, Files] = {}
    for row in tx.all(*files_asked(kind, owners)) if owners else ():
        found[row.owner_id] = (*found.get(row.owner_id, ()), file_view(row))
    return found


def files_asked(kind: str, owners: Sequence[int]) -> tuple[Executable, dict[str, Any]]:
    """Return what `files_of_owners` asks of the database."""
    return _OF_OWNERS, {"kind": kind, "owners": list(owners)}


def until(files: Files, moment: dt.datetime | None) -> Files:
    """Return the files that were there at a moment; all of them for None."""
    return tuple(one for one in files if moment is None or one.added_at <= moment)


def file_view(row: Row[Any]) -> FileView:
    """Return a row, with the number of whose file it is, as it is listed."""
    return FileView(row.id, row.name, row.media, row.size, row.sha256, row.number, row.added_at)

"""Documents: circulars, inspection reports, commendations, registered once and accusing nobody (domain.md, 5a).

A document is the key of once-per-key rules. People type `D12`.
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, exists, func, or_, select, true

from models.appraisals import Party
from models.columns import table_of
from models.documents import Document
from models.findings import Finding
from models.history import TextBody
from models.people import Assignment, Person
from services import naming
from services.access import GRANT, granted_on, granted_roles
from services.actors import Actor
from services.audit import append_event, digest, stamp, store_text
from services.errors import Conflict, Malformed, NotFound, Refused
from services.file_writing import Owner, Sent, write_files
from services.grants import demand, today
from services.naming import ORGANISATION
from services.standing import local_day
from services.unit_of_work import Transaction, UnitOfWork, use_case
from workflow.vocabulary import Role

DOCUMENT = table_of(Document)
FINDING = table_of(Finding)
ASSIGNMENT = table_of(Assignment)
PERSON = table_of(Person)
PARTY = table_of(Party)
TEXT_BODY = table_of(TextBody)

KINDS: tuple[str, ...] = DOCUMENT.c.kind.info["words"]
REGISTRARS = (Role.HR, Role.CLERK)
"""Whose grants let register documents."""
_READERS = (Role.HR, Role.CLERK, Role.APPROVER, Role.AUDITOR)
_SHA256 = re.compile(r"[0-9a-f]{64}")


def of_own_finding(document: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return whether a finding about the viewer refers to a document."""
    return exists().where(
        FINDING.c.document_id == document,
        ASSIGNMENT.c.id == FINDING.c.assignment_id,
        ASSIGNMENT.c.person_id == bindparam("viewer"),
    )


DOCUMENTS = select(
    DOCUMENT, TEXT_BODY.c.body.label("title"), PERSON.c.number.label("registrar"), PERSON.c.name.label("registrar_name")
).select_from(
    DOCUMENT.outerjoin(TEXT_BODY, TEXT_BODY.c.id == DOCUMENT.c.title_id).join(
        PERSON, PERSON.c.id == DOCUMENT.c.registered_by
    )
)
_ONE = (
    DOCUMENTS.add_columns(
        ORGANISATION.c.zone,
        of_own_finding(DOCUMENT.c.id).label("own"),
        GRANT.c.role.label("granted"),
        GRANT.c.valid_from.label("granted_from"),
        GRANT.c.valid_to.label("granted_to"),
    )
    .join(ORGANISATION, true())
    .outerjoin(GRANT, GRANT.c.person_id == bindparam("viewer"))
    .where(DOCUMENT.c.id == bindparam("id"))
)
"""A document with what says whether the viewer may see it: a row for each of his grants, or one without."""
_BARE = select(DOCUMENT).where(DOCUMENT.c.id == bindparam("id"))
_SAME = select(DOCUMENT.c.id).where(
    DOCUMENT.c.kind == bindparam("kind"),
    DOCUMENT.c.number == bindparam("number"),
    DOCUMENT.c.issuer == bindparam("issuer"),
)
_JUDGES = select(func.count()).where(
    or_(
        exists().where(
            PARTY.c.person_id == bindparam("viewer"), PARTY.c.role != Role.APPRAISEE.value, PARTY.c.to_at.is_(None)
        ),
        exists().where(
            or_(ASSIGNMENT.c.manager_id == bindparam("viewer"), ASSIGNMENT.c.in_charge_id == bindparam("viewer"))
        ),
    )
)


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A document as people see it; `file_sha256` is the digest of the file, where that stays where the office keeps it.

    `registered_by` is the employee number, `registrar` the same with the name.
    """

    id: int
    kind: str
    number: str
    day: dt.date
    issuer: str
    title: str | None
    file_name: str | None
    file_sha256: str | None
    registered_by: str
    registrar: str
    registered_at: dt.datetime

    @property
    def code(self) -> str:
        """What people type: `D12`."""
        return document_code(self.id)


def document_code(document_id: int) -> str:
    """Return what people type for a document: `D12`."""
    return f"D{document_id}"


@use_case("document.register")
def register(
    uow: UnitOfWork,
    *,
    actor: Actor,
    now: dt.datetime,
    kind: str,
    number: str,
    day: dt.date,
    issuer: str,
    title: str | None = None,
    file_name: str | None = None,
    file_sha256: str | None = None,
    files: Sequence[Sent] = (),
) -> str:
    """Register a document and return what people type for it; it names and accuses nobody (domain.md, 5a).

    Args:
        uow: the database.
        actor: somebody with the grant of HR or of the clerk.
        now: the moment.
        kind: one of `KINDS`.
        number: what the issuer numbered it, such as 2026-14.
        day: the day it bears; not in the future.
        issuer: who issued it, such as the superior bank.
        title: what it is called.
        file_name: the name of its file, without a folder.
        file_sha256: the SHA-256 of the file, 64 hexadecimal digits.
        files: what is kept here beside it.

    Raises:
        Malformed: the kind is unknown, the number or issuer is empty, the digest is not one, or a file is not taken.
        Refused: the actor may not register documents, the day lies in the future, or there are too many files.
        Conflict: this kind, number and issuer is registered already.
    """
    key = {"kind": kind, "number": number.strip(), "issuer": issuer.strip()}
    _check_form(key, file_name, file_sha256)
    with uow.write() as tx:
        demand(tx, actor, now, REGISTRARS, "register documents")
        if actor.actor_id is None:
            raise Refused("Only a person registers a document.", "not-granted")
        if day > today(tx, now):
            raise Refused(f"{day} lies in the future; write the day that the document bears.", "future")
        before = tx.scalar(_SAME, key)
        if before is not None:
            raise Conflict(
                f"The {kind} {key['number']} of {key['issuer']} is registered already, as {document_code(before)}; "
                "link that one.",
                "duplicate",
            )
        text = store_text(tx, title)
        values = {
            **key,
            "day": day,
            "title_id": text.id if text else None,
            "file_name": file_name,
            "file_sha256": file_sha256,
            "registered_by": actor.actor_id,
            "registered_at": now,
        }
        document_id = tx.insert(DOCUMENT, values)
        payload: dict[str, Any] = {"document": document_id, "digest": digest(document_content(values))}
        if text is not None:
            payload["title"] = [text.id, text.digest]
        append_event(tx, "org", "document.registered", actor=actor, at=now, payload=payload)
        code = document_code(document_id)
        write_files(tx, Owner("document", document_id, "org", code), files, actor=actor, now=now)
        return code


@use_case("document.show")
def show_document(uow: UnitOfWork, *, actor: Actor, now: dt.datetime, document: str) -> DocumentView:
    """Return one document, named like `D12`.

    Raises:
        Malformed: the name has another form.
        NotFound: there is none, or it is not the viewer's to see.
    """
    number = naming.numbered(document, "D")
    with uow.read() as tx:
        rows = tx.all(_ONE, {"viewer": actor.person_id, "id": number})
        if not rows or not _visible_to(tx, rows, actor, now):
            raise unknown(document)
    return view_of(rows[0])


def _visible_to(tx: Transaction, rows: Sequence[Row[Any]], actor: Actor, now: dt.datetime) -> bool:
    """Tell whether a document is somebody's to see; as `sees_all`, and what he registered or is about him."""
    first = rows[0]
    if actor.person_id is None or first.own or first.registered_by == actor.person_id:
        return True
    granted = granted_on(rows, local_day(now, first.zone))
    return not granted.isdisjoint(_READERS) or bool(tx.scalar(_JUDGES, {"viewer": actor.person_id}))


def sees_all(tx: Transaction, actor: Actor, now: dt.datetime) -> bool:
    """Tell whether somebody may look through all documents: by a grant, or because he judges somebody."""
    if actor.person_id is None:
        return True
    if not granted_roles(tx, actor.person_id, today(tx, now)).isdisjoint(_READERS):
        return True
    return bool(tx.scalar(_JUDGES, {"viewer": actor.person_id}))


def document_row(tx: Transaction, document: str) -> Row[Any]:
    """Return the row of a document named like `D12`.

    Raises:
        Malformed: the name has another form.
        NotFound: there is none.
    """
    row = tx.first(_BARE, {"id": naming.numbered(document, "D")})
    if row is None:
        raise unknown(document)
    return row


def unknown(document: str) -> NotFound:
    """Return the error for a document that is not there or not to be seen."""
    return NotFound(f"There is no document {document}; `appraise document list` shows them.", "unknown-document")


def document_content(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a document's row its event vouches for."""
    return {
        "kind": row["kind"],
        "number": row["number"],
        "day": row["day"].isoformat(),
        "issuer": row["issuer"],
        "title": row["title_id"],
        "file": row["file_name"],
        "sha256": row["file_sha256"],
        "by": row["registered_by"],
        "at": stamp(row["registered_at"]),
    }


CONTENT = {"document": (DOCUMENT, document_content)}
"""For each id that a payload may hold: its table and the content its digest was made of."""


def _check_form(key: Mapping[str, str], file_name: str | None, file_sha256: str | None) -> None:
    if key["kind"] not in KINDS:
        raise Malformed(f"There is no kind of document {key['kind']!r}; choose one of {', '.join(KINDS)}.", "bad-kind")
    for name in ("number", "issuer"):
        if not key[name]:
            raise Malformed(f"A document needs its {name}; write it as the document has it.", "missing")
    if file_sha256 is not None and _SHA256.fullmatch(file_sha256) is None:
        raise Malformed("The digest of the file is not a SHA-256: write 64 hexadecimal digits.", "bad-digest")
    if file_name is not None and ("/" in file_name or "\\" in file_name):
        raise Malformed(f"{file_name!r} names a folder; write the name of the file alone.", "bad-file-name")


def view_of(row: Row[Any]) -> DocumentView:
    """Return a row of `DOCUMENTS` as a viewer gets it."""
    return DocumentView(
        id=row.id,
        kind=row.kind,
        number=row.number,
        day=row.day,
        issuer=row.issuer,
        title=row.title,
        file_name=row.file_name,
        file_sha256=row.file_sha256,
        registered_by=row.registrar,
        registrar=f"{row.registrar_name} ({row.registrar})",
        registered_at=row.registered_at,
    )

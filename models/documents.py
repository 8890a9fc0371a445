"""Documents, incidents, evidence and files: things registered once, by name, that accuse nobody."""

import datetime as dt

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import SQLModel

from models import columns as c


class Document(SQLModel, table=True):
    """A circular, an inspection report, a meeting, a case: the key of once-per-key rules; people type `D12`."""

    id: int | None = c.key()
    kind: str = c.text_enum(
        ("circular", "inspection", "commendation", "complaint", "minutes", "meeting", "report", "case", "document")
    )
    number: str = c.text()
    day: dt.date = c.day()
    issuer: str = c.text()
    title_id: int | None = c.ref("text_body.id", null=True)
    file_name: str | None = c.text(null=True)
    file_sha256: str | None = c.text(null=True)
    registered_by: int = c.ref("person.id")
    registered_at: dt.datetime = c.moment()
    __table_args__ = (UniqueConstraint("kind", "number", "issuer"),)


class Incident(SQLModel, table=True):
    """What happened, once; findings of several people and clauses may belong to it. People type its code."""

    id: int | None = c.key()
    code: str = c.text(unique=True)
    happened: dt.date = c.day()
    text_id: int | None = c.ref("text_body.id", null=True)
    registered_by: int = c.ref("person.id")
    registered_at: dt.datetime = c.moment()


class Evidence(SQLModel, table=True):
    """A file or a description that supports a row of the ledger."""

    id: int | None = c.key()
    owner_kind: str = c.text_enum(("finding", "duty", "answer", "document"))
    owner_id: int = c.number()
    text_id: int | None = c.ref("text_body.id", null=True)
    file_sha256: str | None = c.text(null=True)
    added_by: int = c.ref("person.id")
    added_at: dt.datetime = c.moment()


class Attachment(SQLModel, table=True):
    """A file that belongs to a document, a finding or a move of an appraisal; its bytes lie in `file_content`.

    `owner_id` is the id of the row in the table that `owner_kind` names.
    """

    id: int | None = c.key()
    owner_kind: str = c.text_enum(("document", "finding", "move"))
    owner_id: int = c.number()
    name: str = c.text()
    media: str = c.text()
    size: int = c.number()
    sha256: str = c.text()
    added_by: int = c.ref("person.id")
    on_behalf_of: int | None = c.ref("person.id", null=True)
    added_at: dt.datetime = c.moment()
    __table_args__ = (Index("ix_attachment_owner", "owner_kind", "owner_id"),)


class FileContent(SQLModel, table=True):
    """The bytes of a file, once however often it is attached."""

    __tablename__ = "file_content"
    id: int | None = c.key()
    sha256: str = c.text(unique=True)
    content: bytes = c.binary()

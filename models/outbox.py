"""What is owed: jobs to run, messages to send, how far planning has come, and what failed."""

import datetime as dt

from sqlalchemy import Column, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models import columns as c

_DUE = text("due_at IS NOT NULL")
_WAITING = text("state = 'queued' AND due_at IS NULL")
_SENT = text("sent_at IS NOT NULL")
_BOUND = text("digest_id IS NOT NULL")
_OPEN = text("resolved_at IS NULL")


class Job(SQLModel, table=True):
    """A piece of work by name. `due_at` is when it may next be tried and is empty once it needs nothing more."""

    id: int | None = c.key()
    name: str = c.text()
    args: str = c.text(default="{}")
    dedupe_key: str = c.text(unique=True)
    state: str = c.text_enum(("due", "claimed", "done", "failed", "cancelled"), default="due")
    created_at: dt.datetime = c.moment()
    due_at: dt.datetime | None = c.moment(null=True)
    attempt: int = c.number(default=0)
    lease_until: dt.datetime | None = c.moment(null=True)
    fence: int = c.number(default=0)
    done_at: dt.datetime | None = c.moment(null=True)
    error: str | None = c.text(null=True)
    __table_args__ = (Index("ix_job_due", "due_at", "id", sqlite_where=_DUE, postgresql_where=_DUE),)


class Message(SQLModel, table=True):
    """One mail to one person, or one notice that goes out with the person's digest.

    The text is made at sending from `kind` and ids; need and permission are looked at again then. A notice for a digest
    is queued without `due_at`; `digest_id` is the mail it went out with (no foreign key: SQLite could not drop it).
    """

    id: int | None = c.key()
    dedupe_key: str = c.text(unique=True)
    kind: str = c.text()
    person_id: int = c.ref("person.id", index=True)
    work_item_id: int | None = c.ref("work_item.id", null=True)
    appraisal_id: int | None = c.ref("appraisal.id", null=True)
    finding_id: int | None = c.ref("finding.id", null=True)
    payload: str = c.text(default="{}")
    state: str = c.text_enum(
        ("queued", "claimed", "in-doubt", "sent", "failed", "held", "cancelled", "listed"), default="queued"
    )
    policy: str = c.text_enum(("hold", "resend"), default="hold")
    created_at: dt.datetime = c.moment()
    due_at: dt.datetime | None = c.moment(null=True)
    attempt: int = c.number(default=0)
    lease_until: dt.datetime | None = c.moment(null=True)
    fence: int = c.number(default=0)
    in_doubt_at: dt.datetime | None = c.moment(null=True)
    sent_at: dt.datetime | None = c.moment(null=True)
    error: str | None = c.text(null=True)
    digest_id: int | None = c.number(null=True)
    __table_args__ = (
        Index("ix_message_due", "due_at", "id", sqlite_where=_DUE, postgresql_where=_DUE),
        Index("ix_message_waiting", "person_id", "id", sqlite_where=_WAITING, postgresql_where=_WAITING),
        Index("ix_message_sent", "sent_at", sqlite_where=_SENT, postgresql_where=_SENT),
        Index("ix_message_digest", "digest_id", sqlite_where=_BOUND, postgresql_where=_BOUND),
    )


class CalendarEntry(SQLModel, table=True):
    """What calendars were last told of a work item's deadline; `sequence` grows when it moves (RFC 5545, 3.8.7.4)."""

    __tablename__ = "calendar_entry"
    id: int | None = c.key()
    work_item_id: int = c.ref("work_item.id")
    due_at: dt.datetime = c.moment()
    sequence: int = c.number(default=0)
    __table_args__ = (UniqueConstraint("work_item_id"),)


class MailChoice(SQLModel, table=True):
    """A kind of mail that a person has switched off; only kinds that allow it."""

    __tablename__ = "mail_choice"
    id: int | None = c.key()
    person_id: int = c.ref("person.id")
    kind: str = c.text()
    at: dt.datetime = c.moment()
    __table_args__ = (UniqueConstraint("person_id", "kind"),)


class PlannerMark(SQLModel, table=True):
    """Up to when a kind of planning has been done, or the mail server's share of mails is used up."""

    __tablename__ = "planner_mark"
    name: str = Field(sa_column=Column(Text, primary_key=True))
    at: dt.datetime = c.moment()


class Instance(SQLModel, table=True):
    """One row about this copy of the database: a restored copy mails nobody before it is told to."""

    id: int | None = c.key()
    code: str = c.text(unique=True)
    sending_paused: bool = c.flag()
    created_at: dt.datetime = c.moment()


class Failure(SQLModel, table=True):
    """Something an operator must look at."""

    id: int | None = c.key()
    source: str = c.text_enum(("job", "message", "opening", "finalising"))
    source_id: int = c.number()
    code: str = c.text()
    details: str = c.text(default="{}")
    at: dt.datetime = c.moment()
    resolved_at: dt.datetime | None = c.moment(null=True)
    __table_args__ = (Index("ix_failure_open", "at", sqlite_where=_OPEN, postgresql_where=_OPEN),)

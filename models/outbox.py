"""What is owed: jobs to run, messages to send, how far planning has come, and what failed."""

import datetime as dt

from sqlalchemy import Column, Index, Text, text
from sqlmodel import Field, SQLModel

from models import columns as c

_DUE = text("due_at IS NOT NULL")


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
    """One mail to one person.

    The text is made at sending from `kind` and ids; need and permission are looked at again then.
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
    __table_args__ = (Index("ix_message_due", "due_at", "id", sqlite_where=_DUE, postgresql_where=_DUE),)


class PlannerMark(SQLModel, table=True):
    """Up to when a kind of planning has been done."""

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

"""Work items: who owes what, since when, until when. An open one is the promise from which mails are planned."""

import datetime as dt

from sqlalchemy import Index, text
from sqlmodel import SQLModel

from models import columns as c
from workflow.vocabulary import HOLDER_ROLES


class WorkItem(SQLModel, table=True):
    """One person's turn in one stage and round. People type `W77`.

    `action` is the move that opened it; `seen_at` the first time the holder looked; `noticed_at` when notice was
    proven; `next_action_at` when the sweep must look at it next, empty once closed.
    """

    __tablename__ = "work_item"
    id: int | None = c.key()
    appraisal_id: int = c.ref("appraisal.id", index=True)
    stage: str = c.text()
    round: int = c.number()
    role: str = c.text_enum(HOLDER_ROLES)
    seat: int = c.number(default=1)
    holder_id: int = c.ref("person.id")
    action: str = c.text()
    opened_at: dt.datetime = c.moment()
    seen_at: dt.datetime | None = c.moment(null=True)
    noticed_at: dt.datetime | None = c.moment(null=True)
    due_at: dt.datetime | None = c.moment(null=True)
    next_action_at: dt.datetime | None = c.moment(null=True)
    closed_at: dt.datetime | None = c.moment(null=True)
    closed_by_seq: int | None = c.number(null=True)
    __table_args__ = (
        Index(
            "uq_work_item_open_seat",
            "appraisal_id",
            "seat",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index(
            "ix_work_item_next_action",
            "next_action_at",
            "id",
            "holder_id",
            sqlite_where=text("next_action_at IS NOT NULL"),
            postgresql_where=text("next_action_at IS NOT NULL"),
        ),
        Index("ix_work_item_holder", "holder_id", "closed_at"),
    )

"""Published definitions: rubrics, workflows and plans, frozen by their digest."""

import datetime as dt

from sqlalchemy import UniqueConstraint
from sqlmodel import SQLModel

from models import columns as c


class Definition(SQLModel, table=True):
    """A published rubric or workflow: its text as read, its digest over the parsed content; never updated."""

    id: int | None = c.key()
    kind: str = c.text_enum(("rubric", "workflow"))
    name: str = c.text()
    version: int = c.number()
    format: int = c.number()
    digest: str = c.text()
    text: str = c.text()
    published_at: dt.datetime = c.moment()
    published_by: int | None = c.ref("person.id", null=True)
    adopted: dt.date | None = c.day(null=True)
    announced: dt.date | None = c.day(null=True)
    consulted: str | None = c.text(null=True)
    document: str | None = c.text(null=True)
    __table_args__ = (UniqueConstraint("kind", "name", "version"), UniqueConstraint("kind", "digest"))


class WorkflowMove(SQLModel, table=True):
    """One legal move of a published workflow. History rows refer to these: what is not here cannot happen."""

    __tablename__ = "workflow_move"
    id: int | None = c.key()
    definition_id: int = c.ref("definition.id")
    action: str = c.text()
    from_stage: str = c.text()
    to_stage: str = c.text()
    outcome: str | None = c.text(null=True)
    __table_args__ = (
        UniqueConstraint("definition_id", "action", "from_stage"),
        UniqueConstraint("definition_id", "action", "from_stage", "to_stage"),
    )


class Plan(SQLModel, table=True):
    """A standing order to open cycles by the calendar."""

    id: int | None = c.key()
    code: str = c.text(unique=True)
    text: str = c.text()
    active: bool = c.flag(default=True)
    created_at: dt.datetime = c.moment()

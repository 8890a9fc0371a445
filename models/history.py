"""History: the moves of each appraisal, the events of everything else, chained and keyed; the texts people wrote."""

import datetime as dt

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint
from sqlmodel import SQLModel

from models import columns as c


class Move(SQLModel, table=True):
    """One step of one appraisal; `seq` is the version it made. Insert only. It must be a row of `workflow_move`."""

    id: int | None = c.key()
    appraisal_id: int = c.ref("appraisal.id")
    seq: int = c.number()
    workflow_id: int = c.number()
    action: str = c.text()
    from_stage: str = c.text()
    to_stage: str = c.text()
    round: int = c.number()
    role: str = c.text()
    actor_id: int | None = c.ref("person.id", null=True)
    on_behalf_of: int | None = c.ref("person.id", null=True)
    at: dt.datetime = c.moment()
    comment_id: int | None = c.ref("text_body.id", null=True)
    score_id: int | None = c.ref("score.id", null=True)
    payload: str = c.text(default="{}")
    key_id: str = c.text()
    prev: str = c.text()
    mac: str = c.text()
    __table_args__ = (
        UniqueConstraint("appraisal_id", "seq"),
        ForeignKeyConstraint(
            ["workflow_id", "action", "from_stage", "to_stage"],
            [
                "workflow_move.definition_id",
                "workflow_move.action",
                "workflow_move.from_stage",
                "workflow_move.to_stage",
            ],
        ),
    )


class Event(SQLModel, table=True):
    """One entry of a stream: `org`, `cycle:7`, `ledger:31`.

    Gapless, chained, keyed; the payload holds ids, never names.
    """

    id: int | None = c.key()
    stream: str = c.text()
    seq: int = c.number()
    kind: str = c.text()
    actor_id: int | None = c.ref("person.id", null=True)
    on_behalf_of: int | None = c.ref("person.id", null=True)
    at: dt.datetime = c.moment()
    payload: str = c.text()
    key_id: str = c.text()
    prev: str = c.text()
    mac: str = c.text()
    __table_args__ = (UniqueConstraint("stream", "seq"),)


class TextBody(SQLModel, table=True):
    """What a person wrote. The chain holds only `digest`, so that salt and body can be erased."""

    __tablename__ = "text_body"
    id: int | None = c.key()
    salt: str | None = c.text(null=True)
    body: str | None = c.text(null=True)
    digest: str = c.text()

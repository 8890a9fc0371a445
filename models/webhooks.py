"""Webhooks: where other systems want to be told that something happened, and what each was told."""

import datetime as dt

from sqlalchemy import Column, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from models import columns as c


class Webhook(SQLModel, table=True):
    """An address that is told of some kinds of events, those behind `after_move` and `after_event`.

    Its signing key is not here: it is made anew from `salt` and the audit key `key_id`. `rests_until` goes by the
    database's clock: until then the address is left alone, after `failures` failures in a row.
    """

    id: int | None = c.key()
    url: str = c.text()
    kinds: str = c.text()
    key_id: str = c.text()
    salt: str = c.text(unique=True)
    created_by: int | None = c.ref("person.id", null=True)
    created_at: dt.datetime = c.moment()
    ended_at: dt.datetime | None = c.moment(null=True)
    ended_why: str | None = c.text_enum(("removed", "gone"), null=True)
    after_move: int = c.number()
    after_event: int = c.number()
    rests_until: dt.datetime | None = c.moment(null=True)
    failures: int = c.number(default=0)


class WebhookDelivery(SQLModel, table=True):
    """One event for one webhook. `source_id` is the row of `move` or `event` that it tells of, 0 for a test.

    `event` is the name under which the receiver sees it, however often it is sent; `runs` how often it was planned.
    """

    __tablename__ = "webhook_delivery"
    id: int | None = c.key()
    webhook_id: int = c.ref("webhook.id")
    event: str = c.text()
    kind: str = c.text()
    source: str = c.text_enum(("move", "event", "test"))
    source_id: int = c.number()
    state: str = c.text_enum(("waiting", "in-doubt", "delivered", "failed", "cancelled"))
    planned_at: dt.datetime = c.moment()
    runs: int = c.number()
    tried: int = c.number(default=0)
    tried_at: dt.datetime | None = c.moment(null=True)
    delivered_at: dt.datetime | None = c.moment(null=True)
    status: int | None = c.number(null=True)
    said: str | None = c.text(null=True)
    __table_args__ = (
        UniqueConstraint("webhook_id", "event"),
        Index("ix_webhook_delivery_listed", "webhook_id", "id"),
    )


class WebhookMark(SQLModel, table=True):
    """One row: up to which move and event everything has been planned, and up to which it has been looked at.

    `writers` are the transactions that could still write rows below `seen_move` and `seen_event`.
    """

    __tablename__ = "webhook_mark"
    name: str = Field(sa_column=Column(Text, primary_key=True))
    move_id: int = c.number()
    event_id: int = c.number()
    seen_move: int | None = c.number(null=True)
    seen_event: int | None = c.number(null=True)
    writers: str | None = c.text(null=True)

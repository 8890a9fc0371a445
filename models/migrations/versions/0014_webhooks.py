"""Webhooks, what each was told, and up to where it has been planned.

Revision ID: 0014
Revises: 0013
"""

from models.migrations.shapes import TableIndex, create, drop, key, moment, number, ref, text, unique

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLES = ("webhook", "webhook_delivery", "webhook_mark")


def upgrade() -> None:
    create(
        "webhook",
        key(),
        text("url"),
        text("kinds"),
        text("key_id"),
        text("salt"),
        ref("created_by", "person.id", null=True),
        moment("created_at"),
        moment("ended_at", null=True),
        text("ended_why", null=True, words=("removed", "gone")),
        number("after_move"),
        number("after_event"),
        moment("rests_until", null=True),
        number("failures", least=0),
        unique("salt"),
    )
    create(
        "webhook_delivery",
        key(),
        ref("webhook_id", "webhook.id"),
        text("event"),
        text("kind"),
        text("source", words=("move", "event", "test")),
        number("source_id"),
        text("state", words=("waiting", "in-doubt", "delivered", "failed", "cancelled")),
        moment("planned_at"),
        number("runs", least=1),
        number("tried", least=0),
        moment("tried_at", null=True),
        moment("delivered_at", null=True),
        number("status", null=True),
        text("said", null=True),
        unique("webhook_id", "event"),
        TableIndex("ix_webhook_delivery_listed", "webhook_id", "id"),
    )
    create(
        "webhook_mark",
        text("name", primary=True),
        number("move_id"),
        number("event_id"),
        number("seen_move", null=True),
        number("seen_event", null=True),
        text("writers", null=True),
    )


def downgrade() -> None:
    drop(*TABLES)

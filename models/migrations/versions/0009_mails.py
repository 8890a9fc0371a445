"""Digests: which mail a notice went out with, what calendars were told, and which mails somebody does without.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.shapes import create, drop, key, moment, number, ref, text, unique

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = ("calendar_entry", "mail_choice")
_WAITING = sa.text("state = 'queued' AND due_at IS NULL")
_OPEN = sa.text("resolved_at IS NULL")
_SENT = sa.text("sent_at IS NOT NULL")
_BOUND = sa.text("digest_id IS NOT NULL")


def upgrade() -> None:
    op.add_column("message", sa.Column("digest_id", sa.BigInteger(), nullable=True))
    for name, table, columns, where in (
        ("ix_message_waiting", "message", ["person_id", "id"], _WAITING),
        ("ix_message_sent", "message", ["sent_at"], _SENT),
        ("ix_message_digest", "message", ["digest_id"], _BOUND),
        ("ix_failure_open", "failure", ["at"], _OPEN),
    ):
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
    create(
        "calendar_entry",
        key(),
        ref("work_item_id", "work_item.id"),
        moment("due_at"),
        number("sequence", least=0),
        unique("work_item_id"),
    )
    create(
        "mail_choice",
        key(),
        ref("person_id", "person.id"),
        text("kind"),
        moment("at"),
        unique("person_id", "kind"),
    )


def downgrade() -> None:
    drop(*TABLES)
    op.drop_index("ix_failure_open", "failure")
    for name in ("ix_message_waiting", "ix_message_sent", "ix_message_digest"):
        op.drop_index(name, "message")
    op.drop_column("message", "digest_id")

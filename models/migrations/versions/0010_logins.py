"""Logins: one-use keys that set a password, attempts that are counted, and the grants a session began with.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

from models.migrations.shapes import TableIndex, create, drop, key, moment, ref, text, unique

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLES = ("login_key", "login_attempt")


def upgrade() -> None:
    op.add_column("session", sa.Column("roles", sa.Text(), nullable=True))
    create(
        "login_key",
        key(),
        ref("account_id", "account.id"),
        text("digest"),
        moment("expires_at"),
        moment("used_at", null=True),
        unique("digest"),
        TableIndex("ix_login_key_account_id", "account_id"),
    )
    create(
        "login_attempt",
        key(),
        text("name_digest"),
        text("address"),
        moment("at"),
        TableIndex("ix_login_attempt_at", "at"),
        TableIndex("ix_login_attempt_name", "name_digest", "at"),
        TableIndex("ix_login_attempt_address", "address", "at"),
    )


def downgrade() -> None:
    drop(*TABLES)
    op.drop_column("session", "roles")

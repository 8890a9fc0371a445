"""Files on documents, findings and moves, and their bytes.

Revision ID: 0012
Revises: 0010
"""

from models.migrations.shapes import TableIndex, binary, create, drop, key, moment, number, ref, text, unique

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = ("attachment", "file_content")


def upgrade() -> None:
    create(
        "attachment",
        key(),
        text("owner_kind", words=("document", "finding", "move")),
        number("owner_id"),
        text("name"),
        text("media"),
        number("size"),
        text("sha256"),
        ref("added_by", "person.id"),
        ref("on_behalf_of", "person.id", null=True),
        moment("added_at"),
        TableIndex("ix_attachment_owner", "owner_kind", "owner_id"),
    )
    create("file_content", key(), text("sha256"), binary("content"), unique("sha256"))


def downgrade() -> None:
    drop(*TABLES)

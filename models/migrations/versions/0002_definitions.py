"""Published definitions and the moves they allow.

Revision ID: 0002
Revises: 0001
"""

from models.migrations.shapes import create, day, drop, flag, key, moment, number, ref, text, unique

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("definition", "workflow_move", "plan")


def upgrade() -> None:
    create(
        "definition",
        key(),
        text("kind", words=("rubric", "workflow")),
        text("name"),
        number("version", least=1),
        number("format", least=1),
        text("digest"),
        text("text"),
        moment("published_at"),
        ref("published_by", "person.id", null=True),
        day("adopted", null=True),
        day("announced", null=True),
        text("consulted", null=True),
        text("document", null=True),
        unique("kind", "digest"),
        unique("kind", "name", "version"),
    )
    create(
        "workflow_move",
        key(),
        ref("definition_id", "definition.id"),
        text("action"),
        text("from_stage"),
        text("to_stage"),
        text("outcome", null=True, words=("accepted", "silence", "refused", "decided", "not-rated")),
        unique("definition_id", "action", "from_stage"),
        unique("definition_id", "action", "from_stage", "to_stage"),
    )
    create(
        "plan",
        key(),
        text("code"),
        text("text"),
        flag("active"),
        moment("created_at"),
        unique("code"),
    )


def downgrade() -> None:
    drop(*TABLES)

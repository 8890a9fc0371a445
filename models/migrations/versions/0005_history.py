"""The history of appraisals and of everything else.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa

from models.migrations.shapes import create, drop, key, moment, number, ref, text, unique

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = ("move", "event")


def upgrade() -> None:
    create(
        "move",
        key(),
        ref("appraisal_id", "appraisal.id"),
        number("seq", least=1),
        number("workflow_id"),
        text("action"),
        text("from_stage"),
        text("to_stage"),
        number("round", least=1),
        text("role"),
        ref("actor_id", "person.id", null=True),
        ref("on_behalf_of", "person.id", null=True),
        moment("at"),
        ref("comment_id", "text_body.id", null=True),
        ref("score_id", "score.id", null=True),
        text("payload"),
        text("key_id"),
        text("prev"),
        text("mac"),
        unique("appraisal_id", "seq"),
        sa.ForeignKeyConstraint(
            ["workflow_id", "action", "from_stage", "to_stage"],
            [
                "workflow_move.definition_id",
                "workflow_move.action",
                "workflow_move.from_stage",
                "workflow_move.to_stage",
            ],
        ),
    )
    create(
        "event",
        key(),
        text("stream"),
        number("seq", least=1),
        text("kind"),
        ref("actor_id", "person.id", null=True),
        ref("on_behalf_of", "person.id", null=True),
        moment("at"),
        text("payload"),
        text("key_id"),
        text("prev"),
        text("mac"),
        unique("stream", "seq"),
    )


def downgrade() -> None:
    drop(*TABLES)

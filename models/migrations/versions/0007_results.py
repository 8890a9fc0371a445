"""Final results and what follows from them.

Revision ID: 0007
Revises: 0006
"""

from models.migrations.shapes import TableIndex, create, drop, key, moment, number, points, ref, text, unique

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = ("final", "final_item", "person_result", "consequence")


def upgrade() -> None:
    create(
        "final",
        key(),
        ref("cycle_id", "cycle.id"),
        ref("appraisal_id", "appraisal.id"),
        number("revision", least=1),
        text("outcome", words=("accepted", "silence", "refused", "decided", "not-rated")),
        points("total", null=True),
        points("maximum", null=True, least=0),
        text("grade", null=True),
        ref("score_id", "score.id", null=True),
        text("input_digest"),
        ref("supersedes_id", "final.id", null=True),
        ref("reason_id", "text_body.id", null=True),
        moment("at"),
        unique("appraisal_id", "revision"),
        TableIndex("ix_final_cycle", "cycle_id", "id"),
    )
    create(
        "final_item",
        key(),
        ref("final_id", "final.id"),
        text("item"),
        points("points", least=0),
        points("recorded", least=0),
        points("counted", least=0),
        points("reward", least=0),
        points("score"),
        TableIndex("ix_final_item_final_id", "final_id"),
    )
    create(
        "person_result",
        key(),
        ref("cycle_id", "cycle.id"),
        ref("person_id", "person.id"),
        number("revision", least=1),
        points("total", null=True),
        text("grade", null=True),
        text("steps"),
        ref("supersedes_id", "person_result.id", null=True),
        moment("at"),
        unique("cycle_id", "person_id", "revision"),
    )
    create(
        "consequence",
        key(),
        ref("final_id", "final.id"),
        text("kind"),
        points("value", null=True),
        ref("reverses_id", "consequence.id", null=True),
        moment("at"),
        TableIndex("ix_consequence_final_id", "final_id"),
    )


def downgrade() -> None:
    drop(*TABLES)

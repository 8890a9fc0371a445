"""Appraisals, their holders, work, sheets and scores.

Revision ID: 0004
Revises: 0003
"""

from models.migrations.shapes import TableIndex, create, day, drop, key, moment, number, points, ref, text, unique

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = ("appraisal", "party", "deadline", "work_item", "sheet", "rating", "score", "score_item")


def upgrade() -> None:
    create(
        "appraisal",
        key(),
        ref("cycle_id", "cycle.id"),
        ref("assignment_id", "assignment.id"),
        ref("person_id", "person.id"),
        number("unit_no", least=0),
        ref("workflow_id", "definition.id"),
        ref("rubric_id", "definition.id"),
        text("stage"),
        number("version", least=0),
        number("round", least=1),
        number("ledger_version", least=0),
        text("outcome", null=True, words=("accepted", "silence", "refused", "decided", "not-rated")),
        number("score_id", null=True),
        moment("entered_at"),
        unique("cycle_id", "assignment_id"),
        TableIndex("ix_appraisal_assignment_id", "assignment_id"),
        TableIndex("ix_appraisal_person_id", "person_id"),
        TableIndex("ix_appraisal_unit", "cycle_id", "unit_no", "id"),
    )
    create(
        "party",
        key(),
        ref("appraisal_id", "appraisal.id"),
        ref("person_id", "person.id"),
        text("role", words=("appraisee", "assessor", "reviewer", "decider")),
        number("seat", least=1),
        text("source"),
        moment("from_at"),
        moment("to_at", null=True),
        TableIndex("ix_party_appraisal_id", "appraisal_id"),
        TableIndex("ix_party_person", "person_id", "appraisal_id", "role"),
    )
    create(
        "deadline",
        key(),
        ref("cycle_id", "cycle.id"),
        ref("appraisal_id", "appraisal.id", null=True),
        text("stage"),
        text("basis"),
        moment("due_at"),
        ref("extended_by", "deadline.id", null=True),
        ref("reason_id", "text_body.id", null=True),
        TableIndex("ix_deadline_cycle_id", "cycle_id"),
    )
    create(
        "work_item",
        key(),
        ref("appraisal_id", "appraisal.id"),
        text("stage"),
        number("round", least=1),
        text("role", words=("appraisee", "assessor", "reviewer", "decider")),
        number("seat", least=1),
        ref("holder_id", "person.id"),
        text("action"),
        moment("opened_at"),
        moment("seen_at", null=True),
        moment("noticed_at", null=True),
        moment("due_at", null=True),
        moment("next_action_at", null=True),
        moment("closed_at", null=True),
        number("closed_by_seq", null=True),
        TableIndex("ix_work_item_appraisal_id", "appraisal_id"),
        TableIndex("ix_work_item_holder", "holder_id", "closed_at"),
        TableIndex("ix_work_item_next_action", "next_action_at", "id", "holder_id", where="next_action_at IS NOT NULL"),
        TableIndex("uq_work_item_open_seat", "appraisal_id", "seat", unique=True, where="closed_at IS NULL"),
    )
    create(
        "sheet",
        key(),
        ref("appraisal_id", "appraisal.id"),
        ref("person_id", "person.id", null=True),
        number("seat", least=1),
        text("kind", words=("self", "assessor", "reviewer", "ballot", "appeal", "correction")),
        number("round", least=1),
        moment("at"),
        TableIndex("ix_sheet_appraisal_id", "appraisal_id"),
    )
    create(
        "rating",
        key(),
        ref("sheet_id", "sheet.id"),
        text("item"),
        points("value", least=0),
        ref("text_id", "text_body.id", null=True),
        TableIndex("ix_rating_sheet_id", "sheet_id"),
    )
    create(
        "score",
        key(),
        ref("sheet_id", "sheet.id"),
        ref("rubric_id", "definition.id"),
        number("arithmetic", least=1),
        text("ledger_digest"),
        day("as_of"),
        points("total"),
        points("maximum", least=0),
        text("grade", null=True),
        text("steps"),
        TableIndex("ix_score_sheet_id", "sheet_id"),
    )
    create(
        "score_item",
        key(),
        ref("score_id", "score.id"),
        text("item"),
        points("points", least=0),
        points("recorded", least=0),
        points("counted", least=0),
        points("reward", least=0),
        points("score"),
        TableIndex("ix_score_item_score_id", "score_id"),
    )


def downgrade() -> None:
    drop(*TABLES)

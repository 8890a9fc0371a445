"""Cycles, their rubrics and their rosters.

Revision ID: 0003
Revises: 0002
"""

from models.migrations.shapes import Check, TableIndex, create, day, drop, flag, key, moment, number, ref, text, unique

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = ("cycle", "cycle_rubric", "roster", "roster_problem", "proposal")


def upgrade() -> None:
    create(
        "cycle",
        key(),
        text("code"),
        day("period_from"),
        day("period_to"),
        ref("parent_id", "cycle.id", null=True),
        ref("workflow_id", "definition.id"),
        text("state", words=("planned", "open", "proposed", "finalising", "final", "cancelled")),
        number("version", least=0),
        moment("created_at"),
        moment("opened_at", null=True),
        unique("code"),
        Check("period", "period_from <= period_to"),
    )
    create(
        "cycle_rubric",
        key(),
        ref("cycle_id", "cycle.id"),
        ref("post_id", "post.id"),
        ref("definition_id", "definition.id"),
        ref("override_reason_id", "text_body.id", null=True),
        unique("cycle_id", "post_id"),
    )
    create(
        "roster",
        key(),
        ref("cycle_id", "cycle.id"),
        ref("assignment_id", "assignment.id"),
        ref("person_id", "person.id"),
        ref("post_id", "post.id"),
        ref("unit_id", "unit.id"),
        number("unit_no", least=0),
        ref("rubric_id", "definition.id", null=True),
        text("status", words=("rated", "not-rated", "left-out", "set-aside", "blocked")),
        text("reason_code", null=True),
        ref("reason_id", "text_body.id", null=True),
        ref("assessor_id", "person.id", null=True),
        ref("reviewer_id", "person.id", null=True),
        ref("decider_id", "person.id", null=True),
        text("sources"),
        number("working_days", least=0),
        flag("statement"),
        text("digest"),
        unique("cycle_id", "assignment_id"),
        Check(
            "holders",
            (
                "status <> 'rated' OR (assessor_id <> person_id AND reviewer_id <> person_id"
                " AND decider_id <> person_id AND reviewer_id <> assessor_id"
                " AND decider_id <> assessor_id AND decider_id <> reviewer_id)"
            ),
        ),
        Check("rubric", "status <> 'rated' OR rubric_id IS NOT NULL"),
        TableIndex("ix_roster_cycle", "cycle_id", "id"),
    )
    create(
        "roster_problem",
        key(),
        ref("cycle_id", "cycle.id"),
        ref("assignment_id", "assignment.id", null=True),
        ref("post_id", "post.id", null=True),
        text("severity", words=("error", "warning")),
        text("code"),
        text("mend"),
        text("details"),
        TableIndex("ix_roster_problem_cycle_id", "cycle_id"),
    )
    create(
        "proposal",
        key(),
        ref("cycle_id", "cycle.id"),
        number("number", least=1),
        text("digest"),
        number("rows", least=0),
        ref("proposed_by", "person.id"),
        moment("proposed_at"),
        unique("cycle_id", "number"),
    )


def downgrade() -> None:
    drop(*TABLES)

"""The ledger: documents, findings, duties, and what was decided about them.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa

from models.migrations.shapes import (
    Check,
    TableIndex,
    create,
    day,
    drop,
    flag,
    key,
    moment,
    month,
    number,
    points,
    ref,
    text,
    unique,
    voidable,
)

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = (
    "document",
    "incident",
    "evidence",
    "finding",
    "reply",
    "finding_revision",
    "contested_line",
    "duty_record",
    "duty_site",
    "measure",
)


def upgrade() -> None:
    create(
        "document",
        key(),
        text(
            "kind",
            words=(
                "circular",
                "inspection",
                "commendation",
                "complaint",
                "minutes",
                "meeting",
                "report",
                "case",
                "document",
            ),
        ),
        text("number"),
        day("day"),
        text("issuer"),
        ref("title_id", "text_body.id", null=True),
        text("file_name", null=True),
        text("file_sha256", null=True),
        ref("registered_by", "person.id"),
        moment("registered_at"),
        unique("kind", "number", "issuer"),
    )
    create(
        "incident",
        key(),
        text("code"),
        day("happened"),
        ref("text_id", "text_body.id", null=True),
        ref("registered_by", "person.id"),
        moment("registered_at"),
        unique("code"),
    )
    create(
        "evidence",
        key(),
        text("owner_kind", words=("finding", "duty", "answer", "document")),
        number("owner_id"),
        ref("text_id", "text_body.id", null=True),
        text("file_sha256", null=True),
        ref("added_by", "person.id"),
        moment("added_at"),
    )
    create(
        "finding",
        key(),
        ref("assignment_id", "assignment.id"),
        text("rule"),
        day("happened"),
        day("known"),
        day("counted_on"),
        points("amount", null=True, least=0),
        points("units", null=True, least=0),
        ref("document_id", "document.id", null=True),
        ref("incident_id", "incident.id", null=True),
        text("sub_reasons"),
        ref("reason_id", "text_body.id", null=True),
        flag("claimed"),
        ref("confirmed_by", "person.id", null=True),
        moment("confirmed_at", null=True),
        ref("recorded_by", "person.id"),
        ref("on_behalf_of", "person.id", null=True),
        moment("recorded_at"),
        ref("voided_by", "person.id", null=True),
        moment("voided_at", null=True),
        ref("void_reason_id", "text_body.id", null=True),
        ref("replaces_id", "finding.id", null=True),
        voidable(),
        Check("confirmed", "(confirmed_by IS NULL) = (confirmed_at IS NULL) AND (confirmed_by IS NULL OR claimed)"),
        Check("counted_on", "happened <= counted_on"),
        Check("known", "happened <= known"),
        Check("replaces", "replaces_id <> id"),
        TableIndex("ix_finding_assignment", "assignment_id", "counted_on"),
    )
    create(
        "reply",
        key(),
        ref("finding_id", "finding.id"),
        ref("person_id", "person.id"),
        ref("text_id", "text_body.id"),
        moment("at"),
        TableIndex("ix_reply_finding_id", "finding_id"),
    )
    create(
        "finding_revision",
        key(),
        ref("appraisal_id", "appraisal.id"),
        number("move_seq"),
        ref("finding_id", "finding.id", null=True),
        text("rule"),
        text("month", null=True),
        text("kind", words=("change", "strike", "keep", "lower")),
        points("amount", null=True, least=0),
        ref("reason_id", "text_body.id", null=True),
        ref("by_id", "person.id"),
        moment("at"),
        sa.ForeignKeyConstraint(["appraisal_id", "move_seq"], ["move.appraisal_id", "move.seq"]),
        month(),
        Check("amount_kind", "(kind IN ('change', 'lower')) = (amount IS NOT NULL)"),
        Check("line", "(finding_id IS NULL) <> (month IS NULL)"),
        TableIndex("ix_finding_revision_appraisal", "appraisal_id", "id"),
    )
    create(
        "contested_line",
        key(),
        ref("appraisal_id", "appraisal.id"),
        number("move_seq"),
        ref("finding_id", "finding.id", null=True),
        text("rule"),
        text("month", null=True),
        ref("reason_id", "text_body.id", null=True),
        sa.ForeignKeyConstraint(["appraisal_id", "move_seq"], ["move.appraisal_id", "move.seq"]),
        month(),
        Check("line", "(finding_id IS NULL) <> (month IS NULL)"),
        TableIndex("ix_contested_line_appraisal_id", "appraisal_id"),
    )
    create(
        "duty_record",
        key(),
        ref("assignment_id", "assignment.id"),
        text("rule"),
        text("month"),
        text("kind", words=("done", "excused", "confirmed")),
        day("day", null=True),
        points("coverage", null=True),
        text("sites"),
        ref("text_id", "text_body.id", null=True),
        ref("recorded_by", "person.id"),
        ref("on_behalf_of", "person.id", null=True),
        moment("recorded_at"),
        ref("voided_by", "person.id", null=True),
        moment("voided_at", null=True),
        ref("void_reason_id", "text_body.id", null=True),
        month(),
        voidable(),
        Check("coverage", "coverage BETWEEN 0 AND 1000000"),
        TableIndex("ix_duty_record_assignment", "assignment_id", "month"),
    )
    create(
        "duty_site",
        key(),
        text("code"),
        text("name"),
        text("closed_months"),
        unique("code"),
    )
    create(
        "measure",
        key(),
        ref("assignment_id", "assignment.id"),
        text("name"),
        points("value"),
        day("day"),
        ref("recorded_by", "person.id"),
        moment("recorded_at"),
        TableIndex("ix_measure_assignment_id", "assignment_id"),
    )


def downgrade() -> None:
    drop(*TABLES)

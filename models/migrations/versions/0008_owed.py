"""What is owed: jobs and messages.

Revision ID: 0008
Revises: 0007
"""

from models.migrations.shapes import TableIndex, create, drop, flag, key, moment, number, ref, text, unique

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = ("job", "message", "planner_mark", "instance", "failure")


def upgrade() -> None:
    create(
        "job",
        key(),
        text("name"),
        text("args"),
        text("dedupe_key"),
        text("state", words=("due", "claimed", "done", "failed", "cancelled")),
        moment("created_at"),
        moment("due_at", null=True),
        number("attempt", least=0),
        moment("lease_until", null=True),
        number("fence", least=0),
        moment("done_at", null=True),
        text("error", null=True),
        unique("dedupe_key"),
        TableIndex("ix_job_due", "due_at", "id", where="due_at IS NOT NULL"),
    )
    create(
        "message",
        key(),
        text("dedupe_key"),
        text("kind"),
        ref("person_id", "person.id"),
        ref("work_item_id", "work_item.id", null=True),
        ref("appraisal_id", "appraisal.id", null=True),
        ref("finding_id", "finding.id", null=True),
        text("payload"),
        text("state", words=("queued", "claimed", "in-doubt", "sent", "failed", "held", "cancelled", "listed")),
        text("policy", words=("hold", "resend")),
        moment("created_at"),
        moment("due_at", null=True),
        number("attempt", least=0),
        moment("lease_until", null=True),
        number("fence", least=0),
        moment("in_doubt_at", null=True),
        moment("sent_at", null=True),
        text("error", null=True),
        unique("dedupe_key"),
        TableIndex("ix_message_due", "due_at", "id", where="due_at IS NOT NULL"),
        TableIndex("ix_message_person_id", "person_id"),
    )
    create(
        "planner_mark",
        text("name", primary=True),
        moment("at"),
    )
    create(
        "instance",
        key(),
        text("code"),
        flag("sending_paused"),
        moment("created_at"),
        unique("code"),
    )
    create(
        "failure",
        key(),
        text("source", words=("job", "message", "opening", "finalising")),
        number("source_id"),
        text("code"),
        text("details"),
        moment("at"),
        moment("resolved_at", null=True),
    )


def downgrade() -> None:
    drop(*TABLES)

"""The organisation, its people, their access, and the texts they write.

Revision ID: 0001
Revises: None
"""

from models.migrations.shapes import (
    Check,
    TableIndex,
    create,
    dated,
    day,
    drop,
    flag,
    key,
    moment,
    number,
    points,
    ref,
    text,
    unique,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "text_body",
    "person",
    "contact",
    "account",
    "session",
    "token",
    "request_key",
    "view_log",
    "organisation",
    "unit",
    "closure_day",
    "post",
    "assignment",
    "reporting_override",
    "delegation",
    "absence",
    "conflict_of_interest",
    "access_grant",
)


def upgrade() -> None:
    create(
        "text_body",
        key(),
        text("salt", null=True),
        text("body", null=True),
        text("digest"),
    )
    create(
        "person",
        key(),
        text("number"),
        text("name"),
        text("language", words=("en", "zh")),
        day("joined", null=True),
        day("left", null=True),
        moment("erased_at", null=True),
        unique("number"),
        Check("served", 'joined <= "left"'),
    )
    create(
        "contact",
        key(),
        ref("person_id", "person.id"),
        text("email"),
        day("valid_from"),
        day("valid_to", null=True),
        dated(),
        Check(
            "email",
            "instr(email, char(10)) = 0 AND instr(email, char(13)) = 0",
            "strpos(email, chr(10)) = 0 AND strpos(email, chr(13)) = 0",
        ),
        TableIndex("ix_contact_person_id", "person_id"),
    )
    create(
        "account",
        key(),
        ref("person_id", "person.id"),
        text("password_hash", null=True),
        moment("created_at"),
        moment("disabled_at", null=True),
        unique("person_id"),
    )
    create(
        "session",
        key(),
        ref("account_id", "account.id"),
        text("token_digest"),
        moment("created_at"),
        moment("seen_at"),
        moment("ended_at", null=True),
        unique("token_digest"),
        TableIndex("ix_session_account_id", "account_id"),
    )
    create(
        "token",
        key(),
        ref("person_id", "person.id"),
        text("digest"),
        text("scope"),
        moment("created_at"),
        moment("expires_at", null=True),
        moment("revoked_at", null=True),
        unique("digest"),
        TableIndex("ix_token_person_id", "person_id"),
    )
    create(
        "request_key",
        key(),
        text("key"),
        ref("person_id", "person.id"),
        text("request_digest"),
        text("answer", null=True),
        moment("created_at"),
        unique("person_id", "key"),
    )
    create(
        "view_log",
        key(),
        ref("viewer_id", "person.id"),
        text("kind"),
        number("object_id"),
        moment("at"),
        TableIndex("ix_view_log_object", "kind", "object_id"),
    )
    create(
        "organisation",
        key(),
        text("name"),
        text("kind", words=("demo", "practice", "live")),
        text("zone"),
        text("language", words=("en", "zh")),
        text("calendar"),
        text("settings"),
        moment("created_at"),
    )
    create(
        "unit",
        key(),
        text("code"),
        text("name"),
        ref("parent_id", "unit.id", null=True),
        ref("head_id", "person.id", null=True),
        unique("code"),
    )
    create(
        "closure_day",
        key(),
        day("day"),
        text("kind", words=("closed", "working")),
        text("name"),
        unique("day"),
    )
    create(
        "post",
        key(),
        text("code"),
        text("name_en"),
        text("name_zh"),
        text("aliases"),
        unique("code"),
    )
    create(
        "assignment",
        key(),
        ref("person_id", "person.id"),
        ref("post_id", "post.id"),
        ref("unit_id", "unit.id"),
        ref("manager_id", "person.id", null=True),
        ref("in_charge_id", "person.id", null=True),
        text("kind", words=("regular", "acting")),
        flag("main"),
        points("weight", null=True, least=0),
        day("valid_from"),
        day("valid_to", null=True),
        number("ledger_lock", least=0),
        dated(),
        TableIndex("ix_assignment_person_id", "person_id"),
        TableIndex("ix_assignment_post_id", "post_id"),
        TableIndex("ix_assignment_unit_id", "unit_id"),
    )
    create(
        "reporting_override",
        key(),
        ref("assignment_id", "assignment.id"),
        text("role", words=("appraisee", "assessor", "reviewer", "decider")),
        ref("person_id", "person.id"),
        day("valid_from"),
        day("valid_to", null=True),
        ref("reason_id", "text_body.id", null=True),
        dated(),
        TableIndex("ix_reporting_override_assignment_id", "assignment_id"),
    )
    create(
        "delegation",
        key(),
        ref("person_id", "person.id"),
        ref("delegate_id", "person.id"),
        text("role", null=True, words=("appraisee", "assessor", "reviewer", "decider")),
        day("valid_from"),
        day("valid_to", null=True),
        ref("reason_id", "text_body.id", null=True),
        dated(),
        Check("other", "delegate_id <> person_id"),
        TableIndex("ix_delegation_person_id", "person_id"),
    )
    create(
        "absence",
        key(),
        ref("person_id", "person.id"),
        text("kind", words=("leave", "protected")),
        day("valid_from"),
        day("valid_to", null=True),
        ref("reason_id", "text_body.id", null=True),
        dated(),
        TableIndex("ix_absence_person_id", "person_id"),
    )
    create(
        "conflict_of_interest",
        key(),
        ref("person_id", "person.id"),
        ref("other_id", "person.id"),
        day("valid_from"),
        day("valid_to", null=True),
        ref("reason_id", "text_body.id", null=True),
        dated(),
        Check("other", "other_id <> person_id"),
        TableIndex("ix_conflict_of_interest_other_id", "other_id"),
        TableIndex("ix_conflict_of_interest_person_id", "person_id"),
    )
    create(
        "access_grant",
        key(),
        ref("person_id", "person.id"),
        text("role", words=("hr", "clerk", "approver", "proxy", "auditor", "operator")),
        ref("unit_id", "unit.id", null=True),
        day("valid_from"),
        day("valid_to", null=True),
        dated(),
        TableIndex("ix_access_grant_person_id", "person_id"),
    )


def downgrade() -> None:
    drop(*TABLES)

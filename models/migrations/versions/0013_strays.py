"""What changed hands lately is found by an index, however many parts there are.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_ENDED = sa.text("to_at IS NOT NULL")


def upgrade() -> None:
    columns = ["to_at", "appraisal_id", "role", "seat", "person_id"]
    op.create_index("ix_party_ended", "party", columns, sqlite_where=_ENDED, postgresql_where=_ENDED)


def downgrade() -> None:
    op.drop_index("ix_party_ended", "party")

"""People are found by the initials of their names; those that are there already get theirs here.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

from models.initials import initials

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_PAGE = 2000


def upgrade() -> None:
    op.add_column("person", sa.Column("initials", sa.Text(), nullable=True))
    op.create_index("ix_person_initials", "person", ["initials", "number"])
    person = sa.table("person", sa.column("id", sa.BigInteger), sa.column("name", sa.Text), sa.column("initials"))
    connection = op.get_bind()
    last = 0
    while rows := connection.execute(
        sa.select(person.c.id, person.c.name).where(person.c.id > last).order_by(person.c.id).limit(_PAGE)
    ).all():
        connection.execute(
            sa.update(person).where(person.c.id == sa.bindparam("row")).values(initials=sa.bindparam("found")),
            [{"row": row.id, "found": initials(row.name)} for row in rows],
        )
        last = rows[-1].id


def downgrade() -> None:
    op.drop_index("ix_person_initials", "person")
    op.drop_column("person", "initials")

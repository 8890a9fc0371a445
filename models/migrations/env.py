"""Alembic's entry: runs the scripts on the connection that `models.migrate` gives, inside its transaction."""

from alembic import context

from models.metadata import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()

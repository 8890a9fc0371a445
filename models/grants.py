"""What the application's role may do on PostgreSQL: everything its work needs, and nothing to what is recorded (G11).

The triggers refuse a change whoever tries it; the grants refuse it even to somebody who takes the triggers away, since
only the owner can. On SQLite there are no roles: who may write the file may write all of it.
"""

from collections.abc import Iterator

from sqlalchemy import Connection, Engine

from models.metadata import METADATA
from models.triggers import APPEND_ONLY, NEVER_DELETED

VERSION_TABLE = "alembic_version"
_HOLDS = (
    "SELECT c.relname, a.privilege_type FROM pg_class c"
    " CROSS JOIN LATERAL (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE')) AS a(privilege_type)"
    " WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace"
    " AND has_table_privilege(current_user, c.oid, a.privilege_type)"
)


def allowed(table: str) -> frozenset[str]:
    """Return the privileges that the application's role has on a table."""
    if table == VERSION_TABLE:
        return frozenset({"SELECT"})
    if table in APPEND_ONLY:
        return frozenset({"SELECT", "INSERT"})
    if table in NEVER_DELETED:
        return frozenset({"SELECT", "INSERT", "UPDATE"})
    return frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})


def exists(connection: Connection, role: str) -> bool:
    """Say whether the server knows a role."""
    return (
        connection.exec_driver_sql("SELECT 1 FROM pg_roles WHERE rolname = %(role)s", {"role": role}).first()
        is not None
    )


def grant_all(engine: Engine, role: str) -> bool:
    """Give the application's role its privileges, as the owner; False when the server knows no such role."""
    with engine.begin() as connection:
        known = exists(connection, role)
        if known:
            grant(connection, role)
    return known


def grant(connection: Connection, role: str) -> None:
    """Give the application's role what it needs and take away everything else, in the caller's transaction."""
    to = connection.dialect.identifier_preparer.quote_identifier(role)
    schema = connection.dialect.identifier_preparer.quote_identifier(
        str(connection.exec_driver_sql("SELECT current_schema()").scalar())
    )
    statements = [f"GRANT USAGE ON SCHEMA {schema} TO {to}", f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {to}"]
    statements += [
        f'GRANT {", ".join(sorted(allowed(table)))} ON "{table}" TO {to}' for table in (*METADATA.tables, VERSION_TABLE)
    ]
    connection.exec_driver_sql(";\n".join(statements))


def compare(connection: Connection) -> Iterator[str]:
    """Yield, a sentence each, what the connected role may do and should not, and what it needs and may not."""
    held: dict[str, set[str]] = {}
    for table, privilege in connection.exec_driver_sql(_HOLDS):
        held.setdefault(str(table), set()).add(str(privilege))
    for table in sorted({*METADATA.tables, VERSION_TABLE}):
        has, right = held.get(table, set()), allowed(table)
        if has - right:
            yield f"the role may {' and '.join(sorted(has - right))} on {table}."
        if right - has:
            yield f"the role may not {' and '.join(sorted(right - has))} on {table}."

# ruff: noqa: S608 - every name and word in these statements is a constant of this program
"""Putting the guards into a database, and finding out whether they are there as listed.

The list is `models.checks` and `models.triggers`. CHECKs come with the tables, from the migration scripts; triggers are
made anew at the end of every upgrade, because a script that rebuilds a table on SQLite drops its triggers silently.
"""

import re
from collections.abc import Iterator, Mapping

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from models.checks import checks
from models.metadata import METADATA
from models.trigger import PREFIX, REFUSE, REFUSE_BODY
from models.triggers import triggers

_CODE = re.compile(r"appraise:([a-z-]+): ([^\n]*)")
_SQLITE_CHECK = re.compile(r"CONSTRAINT (ck_\w+) CHECK")


def refusal(error: DBAPIError) -> tuple[str, str] | None:
    """Return code and sentence when a guard refused, None for every other error of the database."""
    found = _CODE.search(str(error.orig))
    return None if found is None else (found[1], found[2])


def install(connection: Connection) -> None:
    """Make every trigger of the list, replacing those that are there, in the caller's transaction."""
    remove(connection)
    if connection.dialect.name == "sqlite":
        for trigger in triggers("sqlite"):
            connection.exec_driver_sql(trigger.sqlite())
        return
    statements = [_function(REFUSE, REFUSE_BODY)]
    for trigger in triggers("postgresql"):
        body = trigger.function()
        if body is not None:
            statements.append(_function(trigger.name, body))
        made = trigger.postgresql()
        quoted = made.replace("'", "''")
        statements.append(made)
        statements.append(f"COMMENT ON TRIGGER {trigger.name} ON \"{trigger.table}\" IS '{quoted}'")
    connection.exec_driver_sql(";\n".join(statements))


def remove(connection: Connection) -> None:
    """Take every trigger of ours away, so that a migration can rebuild tables and rows."""
    if connection.dialect.name == "sqlite":
        for name in _sqlite_triggers(connection):
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        return
    for name, (table, _enabled, _made) in _postgresql_triggers(connection).items():
        connection.exec_driver_sql(f'DROP TRIGGER {name} ON "{table}"')
    for name in _postgresql_functions(connection):
        connection.exec_driver_sql(f"DROP FUNCTION {name}()")


def compare(connection: Connection) -> tuple[str, ...]:
    """Return, a sentence each, what the database's catalogue has otherwise than the list; nothing if all is well."""
    if connection.dialect.name == "sqlite":
        return (*_compare_sqlite_triggers(connection), *_compare_sqlite_checks(connection))
    return (*_compare_postgresql_triggers(connection), *_compare_postgresql_checks(connection))


def _compare_sqlite_triggers(connection: Connection) -> Iterator[str]:
    expected = {trigger.name: trigger.sqlite() for trigger in triggers("sqlite")}
    yield from _differences("trigger", expected, _sqlite_triggers(connection))


def _compare_sqlite_checks(connection: Connection) -> Iterator[str]:
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
    tables = {str(row[0]): str(row[1]) for row in rows}
    expected = [check for check in checks() if check.sqlite is not None]
    for check in expected:
        made = tables.get(check.table, "")
        if f"CONSTRAINT {check.name} CHECK ({check.sqlite})" in made:
            continue
        state = "changed" if f"CONSTRAINT {check.name} CHECK" in made else "missing"
        yield f"the check {check.name} is {state}."
    known = {check.name for check in expected}
    for table in METADATA.tables:
        unlisted = set(_SQLITE_CHECK.findall(tables.get(table, ""))) - known
        yield from (f"the check {name} is not in the list." for name in sorted(unlisted))


def _compare_postgresql_triggers(connection: Connection) -> Iterator[str]:
    listed = triggers("postgresql")
    found = _postgresql_triggers(connection)
    expected = {trigger.name: trigger.postgresql() for trigger in listed}
    yield from _differences("trigger", expected, {name: made for name, (_, _, made) in found.items()})
    for name, (_, enabled, _) in found.items():
        if not enabled:
            yield f"the trigger {name} is switched off."
    bodies = {trigger.name: body for trigger in listed if (body := trigger.function()) is not None}
    yield from _differences("function", bodies | {REFUSE: REFUSE_BODY}, _postgresql_functions(connection))


def _compare_postgresql_checks(connection: Connection) -> Iterator[str]:
    rows = connection.exec_driver_sql(
        "SELECT conname, coalesce(obj_description(oid, 'pg_constraint'), '') FROM pg_constraint"
        " WHERE contype = 'c' AND convalidated AND connamespace = current_schema()::regnamespace"
    )
    found = {str(row[0]): str(row[1]) for row in rows}
    expected = {check.name: check.postgresql for check in checks() if check.postgresql is not None}
    yield from _differences("check", expected, found)


def _differences(kind: str, expected: Mapping[str, str], found: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            yield f"the {kind} {name} is missing."
        elif name not in expected:
            yield f"the {kind} {name} is not in the list."
        elif found[name] != expected[name]:
            yield f"the {kind} {name} is changed."


def _sqlite_triggers(connection: Connection) -> dict[str, str]:
    rows = connection.exec_driver_sql(
        f"SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND substr(name, 1, {len(PREFIX)}) = '{PREFIX}'"
    )
    return {str(row[0]): str(row[1]) for row in rows}


def _postgresql_triggers(connection: Connection) -> dict[str, tuple[str, bool, str]]:
    rows = connection.exec_driver_sql(
        "SELECT t.tgname, c.relname, t.tgenabled = 'O', coalesce(obj_description(t.oid, 'pg_trigger'), '')"
        " FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal"
        f" AND starts_with(t.tgname, '{PREFIX}') AND c.relnamespace = current_schema()::regnamespace"
    )
    return {str(row[0]): (str(row[1]), bool(row[2]), str(row[3])) for row in rows}


def _postgresql_functions(connection: Connection) -> dict[str, str]:
    rows = connection.exec_driver_sql(
        f"SELECT proname, prosrc FROM pg_proc WHERE starts_with(proname, '{PREFIX}')"
        " AND pronamespace = current_schema()::regnamespace"
    )
    return {str(row[0]): str(row[1]) for row in rows}


def _function(name: str, body: str) -> str:
    return f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $guard${body}$guard$"

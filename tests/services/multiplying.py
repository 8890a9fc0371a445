# ruff: noqa: S608 - every name in these statements is one of our own tables or columns
"""A large office out of a small one: rows copied within the database, their ids and what refers to them moved along.

The copies hang together as the rows do that they were copied from, and nothing of the originals refers to them: what
somebody sees of his own stays as small as it was, beside as much of others as there are copies. Their chains do not
hold; nothing may verify such a database.
"""

from collections.abc import Collection, Mapping

from sqlalchemy import Column, Connection, ForeignKey, Table, Text, UniqueConstraint

from models import guards
from models.metadata import METADATA
from services.unit_of_work import UnitOfWork
from tests.services.owning import as_owner

UNDECLARED = {("appraisal", "score_id"): "score", ("message", "digest_id"): "message"}
"""What refers to a row without a foreign key that says so."""

_PEOPLE = ("person", "contact", "assignment", "absence", "delegation", "access_grant", "conflict_of_interest")
_WORK = (
    ("roster", "roster_problem", "deadline", "appraisal", "party", "work_item", "move", "sheet", "rating", "score"),
    ("score_item", "final", "final_item", "person_result", "consequence", "message", "failure", "job"),
)
_LEDGER = ("finding", "finding_revision", "contested_line", "reply", "duty_record", "incident", "document")

OFFICE = frozenset((*_PEOPLE, *_LEDGER)).union(*_WORK)
"""The people and all that is theirs: copied, there are as many offices in the same cycles."""
PERIODS = frozenset({"cycle", "cycle_rubric"}).union(*_WORK)
"""The cycles and what was done in them: copied, the same people have as many periods behind them, with no findings."""


def earlier(uow: UnitOfWork) -> dict[str, dict[str, str]]:
    """Return how the cycles of `PERIODS` are moved into the past, a hundred days for each copy."""
    back = {"sqlite": "date(t.{0}, '-' || (copies.k * 100) || ' days')", "postgresql": "t.{0} - copies.k * 100"}
    return {"cycle": {name: back[uow.engine.dialect.name].format(name) for name in ("period_from", "period_to")}}


def multiply(
    uow: UnitOfWork, tables: Collection[str], copies: int, moved: Mapping[str, Mapping[str, str]] | None = None
) -> None:
    """Copy every row of some tables `copies` times; what is to be one of its kind gets a number of its own behind it.

    `moved` gives columns another expression, by table and column, over the row `t` and the copy's number `copies.k`.
    """
    chosen = [table for table in METADATA.sorted_tables if table.name in tables]
    with as_owner(uow) as connection:
        guards.remove(connection)
        stride = {table.name: _highest(connection, table) for table in chosen}
        for table in chosen:
            _copy(connection, table, copies, stride, (moved or {}).get(table.name, {}))
        guards.install(connection)


def _highest(connection: Connection, table: Table) -> int:
    return int(connection.exec_driver_sql(f'SELECT coalesce(max(id), 0) FROM "{table.name}"').scalar_one())


def _copy(
    connection: Connection, table: Table, copies: int, stride: Mapping[str, int], moved: Mapping[str, str]
) -> None:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    values = ", ".join(moved.get(column.name) or _value(column, stride) for column in table.columns)
    connection.exec_driver_sql(
        f'INSERT INTO "{table.name}" ({names}) WITH RECURSIVE copies(k) AS'
        f" (SELECT 1 UNION ALL SELECT k + 1 FROM copies WHERE k < {copies})"
        f' SELECT {values} FROM "{table.name}" AS t CROSS JOIN copies'
    )
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            f"SELECT setval(pg_get_serial_sequence('\"{table.name}\"', 'id'), max(id)) FROM \"{table.name}\""
        )


def _value(column: Column[object], stride: Mapping[str, int]) -> str:
    """Return what a column of a copy holds: the same, or moved along with what it refers to."""
    own = f't."{column.name}"'
    target = column.table.name if column.name == "id" else _target(column)
    if target in stride:
        return f"{own} + copies.k * {stride[target]}"
    if _one_of_its_kind(column, stride):
        return f"{own} || '-' || (copies.k * {stride[column.table.name]})"
    return own


def _target(column: Column[object]) -> str | None:
    """Return the table whose id a column holds, also where it refers to it by way of another table."""
    if (column.table.name, column.name) in UNDECLARED:
        return UNDECLARED[column.table.name, column.name]
    for key in column.foreign_keys:
        assert isinstance(key, ForeignKey)
        return key.column.table.name if key.column.name == "id" else _target(key.column)
    return None


def _one_of_its_kind(column: Column[object], stride: Mapping[str, int]) -> bool:
    """Tell whether a text must change so that no two rows are the same where nothing else of the key moves along."""
    if not isinstance(column.type, Text) or "words" in column.info:
        return False
    keys = [list(one.columns) for one in column.table.constraints if isinstance(one, UniqueConstraint)]
    return any(column in key and not any(_target(other) in stride for other in key) for key in keys)

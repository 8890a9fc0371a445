"""The shapes that migration scripts are written in: columns with their CHECKs, and tables that carry them.

Scripts say what a table was when they were written. So this file may gain shapes, but a shape in use never changes;
`models.guards.compare` shows that what the scripts made is what `models.checks` lists today.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from models.columns import BIGINT, Points, UtcDateTime

_DIGIT = "[0-9]"
_DAY = f"{_DIGIT * 4}-[0-1]{_DIGIT}-[0-3]{_DIGIT}"
_UTC = f"{_DAY}T[0-2]{_DIGIT}:[0-5]{_DIGIT}:[0-5]{_DIGIT}.{_DIGIT * 6}Z"

CheckText = tuple[str, str | None, str | None]
"""A suffix of the name, the condition on SQLite and the condition on PostgreSQL; None: not there."""


class Check:
    """A CHECK by the suffix of its name; without `postgresql` the condition is the same on both databases."""

    def __init__(self, suffix: str, condition: str, postgresql: str | None = None) -> None:
        self.suffix = suffix
        self.sqlite = condition
        self.postgresql = postgresql or condition


class TableIndex:
    """An index by name, over columns, of the rows that `where` admits."""

    def __init__(self, name: str, *columns: str, unique: bool = False, where: str | None = None) -> None:
        self.name = name
        self.columns = columns
        self.unique = unique
        self.where = where


def key() -> sa.Column[Any]:
    """Return a BIGINT identity as primary key."""
    return sa.Column("id", BIGINT, sa.Identity(), primary_key=True)


def ref(name: str, target: str, *, null: bool = False) -> sa.Column[Any]:
    """Return a foreign key to `target` (`table.column`)."""
    return sa.Column(name, BIGINT, sa.ForeignKey(target), nullable=null)


def text(name: str, *, null: bool = False, words: tuple[str, ...] = (), primary: bool = False) -> sa.Column[Any]:
    """Return a text column that, with `words`, admits only these."""
    found: list[CheckText] = []
    if words:
        listed = ", ".join(f"'{word}'" for word in words)
        condition = f"{name} IN ({listed})"
        found.append((f"{name}_words", condition, condition))
    return sa.Column(name, sa.Text(), nullable=null, primary_key=primary, info={"checks": found})


def number(name: str, *, null: bool = False, least: int | None = None) -> sa.Column[Any]:
    """Return a whole number column that, with `least`, admits nothing below it."""
    return sa.Column(name, sa.BigInteger(), nullable=null, info={"checks": _least(name, least)})


def points(name: str, *, null: bool = False, least: int | None = None) -> sa.Column[Any]:
    """Return an exact figure column, in millionths; SQLite is told to refuse floats."""
    exact = f"typeof({name}) = 'integer'"
    checks: list[CheckText] = [(f"{name}_exact", f"{name} IS NULL OR {exact}" if null else exact, None)]
    return sa.Column(name, Points(), nullable=null, info={"checks": checks + _least(name, least)})


def moment(name: str, *, null: bool = False) -> sa.Column[Any]:
    """Return an aware moment column of one text width on SQLite."""
    return sa.Column(name, UtcDateTime(), nullable=null, info={"checks": [(f"{name}_utc", _glob(name, _UTC), None)]})


def day(name: str, *, null: bool = False) -> sa.Column[Any]:
    """Return a calendar day column."""
    return sa.Column(name, sa.Date(), nullable=null, info={"checks": [(f"{name}_day", _glob(name, _DAY), None)]})


def binary(name: str) -> sa.Column[Any]:
    """Return a column of bytes."""
    return sa.Column(name, sa.LargeBinary(), nullable=False, info={"checks": []})


def flag(name: str) -> sa.Column[Any]:
    """Return a yes-or-no column."""
    checks = [(f"{name}_flag", f"{name} IN (0, 1)", None)]
    return sa.Column(name, sa.Boolean(create_constraint=False), nullable=False, info={"checks": checks})


def dated() -> Check:
    """Return the order of `valid_from` and `valid_to`; a row that ended the day before it began was never in force."""
    return Check("valid", "valid_to >= date(valid_from, '-1 day')", "valid_to >= valid_from - 1")


def voidable() -> Check:
    """Return the rule that a row is voided by somebody at a moment, or not at all."""
    return Check(
        "voided", "(voided_by IS NULL) = (voided_at IS NULL) AND (void_reason_id IS NULL OR voided_by IS NOT NULL)"
    )


def month() -> Check:
    """Return the form of a column `month`: 2026-03."""
    return Check("month", f"month GLOB '{_DIGIT * 4}-[0-1]{_DIGIT}'", "month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'")


def unique(*columns: str) -> sa.UniqueConstraint:
    """Return a unique constraint over columns of the table."""
    return sa.UniqueConstraint(*columns)


def create(name: str, *items: sa.Column[Any] | sa.Constraint | Check | TableIndex) -> None:
    """Create a table with its CHECKs and indexes.

    On PostgreSQL each CHECK carries its text as a comment: the server rewrites conditions, and the comment is what
    `models.guards.compare` reads back.
    """
    dialect = op.get_context().dialect.name
    conditions: list[tuple[str, str]] = []
    for suffix, sqlite, postgresql in _all_checks(items):
        condition = sqlite if dialect == "sqlite" else postgresql
        if condition is not None:
            conditions.append((f"ck_{name}_{suffix}", condition))
    constraints = [sa.CheckConstraint(condition, name=check) for check, condition in conditions]
    parts = [item for item in items if isinstance(item, sa.Column | sa.Constraint)]
    op.create_table(name, *parts, *constraints)
    for item in items:
        if isinstance(item, TableIndex):
            where = None if item.where is None else sa.text(item.where)
            op.create_index(
                item.name, name, list(item.columns), unique=item.unique, sqlite_where=where, postgresql_where=where
            )
    if dialect == "postgresql":
        for check, condition in conditions:
            quoted = condition.replace("'", "''").replace(":", "\\:")
            op.execute(sa.text(f"COMMENT ON CONSTRAINT {check} ON \"{name}\" IS '{quoted}'"))


def drop(*names: str) -> None:
    """Drop tables, the last first."""
    for name in reversed(names):
        op.drop_table(name)


def _all_checks(items: tuple[Any, ...]) -> list[CheckText]:
    found: list[CheckText] = []
    for item in items:
        if isinstance(item, sa.Column):
            found.extend(item.info.get("checks", ()))
        elif isinstance(item, Check):
            found.append((item.suffix, item.sqlite, item.postgresql))
    return found


def _glob(name: str, pattern: str) -> str:
    return f"{_quoted(name)} GLOB '{pattern}'"


def _least(name: str, least: int | None) -> list[CheckText]:
    if least is None:
        return []
    condition = f"{name} >= {least}"
    return [(f"{name}_range", condition, condition)]


def _quoted(name: str) -> str:
    return '"left"' if name == "left" else name

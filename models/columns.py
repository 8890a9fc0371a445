"""Column types and the few column shapes that every table uses."""

import datetime as dt
import functools
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Integer,
    LargeBinary,
    Table,
    Text,
    types,
)
from sqlalchemy.engine import Dialect
from sqlmodel import Field, SQLModel

MILLIONTH = 1_000_000
_WIDTH = len("2026-01-02T03:04:05.000006Z")
BIGINT = BigInteger().with_variant(Integer(), "sqlite")
NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""Every constraint has a name: what has none cannot be changed later on SQLite."""

# Set before the first table is declared: every module with tables imports this one.
SQLModel.metadata.naming_convention = NAMING


@functools.lru_cache(maxsize=256)
def utc_text(moment: dt.datetime) -> str:
    """Return the one text width of a moment, `2026-01-02T03:04:05.000006Z`; an act writes the same one many times."""
    return f"{moment.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


class UtcDateTime(types.TypeDecorator[dt.datetime]):
    """An aware moment, kept in UTC.

    PostgreSQL stores TIMESTAMPTZ; SQLite stores one text width (`2026-01-02T03:04:05.000006Z`), so that text order is
    time order; a CHECK sees to the width. Naive values are refused: SQLite would silently drop the zone.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> types.TypeEngine[Any]:
        """Text on SQLite, TIMESTAMPTZ elsewhere."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Text())
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> Any:
        """Refuse a naive value; give the driver what it stores."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; times are stored in UTC and must say so.")
        return utc_text(value) if dialect.name == "sqlite" else value.astimezone(dt.UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> dt.datetime | None:
        """Give back an aware moment in UTC."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            return _read(value)
        moment: dt.datetime = value
        return moment.astimezone(dt.UTC)


def _read(text: str) -> dt.datetime:
    """Read the one text form of a moment; `strptime` takes thirty times as long and the audit reads millions.

    Raises:
        ValueError: it has another form.
    """
    if len(text) != _WIDTH or text[10] != "T" or text[-1] != "Z":
        raise ValueError(f"{text!r} is no moment as this program writes them.")
    return dt.datetime.fromisoformat(text)


@lru_cache(maxsize=4096)
def _figure(millionths: int) -> Fraction:
    """Return the exact figure; a few hundred of them make up most of a table."""
    return Fraction(millionths, MILLIONTH)


class Points(types.TypeDecorator[Fraction]):
    """An exact figure with at most six decimals, stored as an integer of millionths; never a binary float."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Fraction | int | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Refuse what a millionth cannot hold exactly."""
        if value is None:
            return None
        scaled = Fraction(value) * MILLIONTH
        if scaled.denominator != 1:
            raise ValueError(f"{value} does not fit in millionths; round it as the rubric says before storing it.")
        return scaled.numerator

    def process_result_value(self, value: int | None, dialect: Dialect) -> Fraction | None:  # noqa: ARG002
        """Give back the exact figure."""
        return None if value is None else _figure(value)


def table_of(model: type[SQLModel]) -> Table:
    """Return the SQLAlchemy table behind a SQLModel class, typed."""
    table: Table = model.__table__  # type: ignore[attr-defined]
    return table


def key() -> Any:
    """Return a BIGINT identity as primary key."""
    return Field(default=None, sa_column=Column("id", BIGINT, Identity(), primary_key=True))


def ref(target: str, *, null: bool = False, index: bool = False) -> Any:
    """Return a foreign key to `target` (`table.column`)."""
    return _field(Column(BIGINT, ForeignKey(target), nullable=null, index=index), null=null)


def text(*, null: bool = False, unique: bool = False, default: str | None = None) -> Any:
    """Return a text column."""
    return _field(Column(Text, nullable=null, unique=unique), null=null, default=default)


def text_enum(words: Iterable[str], *, null: bool = False, default: str | None = None) -> Any:
    """Return a text column that admits only `words`: the CHECK is written by `models.guards` from the column's info.

    Native enum types are avoided: SQLModel stores enum *names* in them, and some class names break PostgreSQL.
    """
    allowed = tuple(str(word) for word in words)
    return _field(Column(Text, nullable=null, info={"words": allowed}), null=null, default=default)


def number(*, null: bool = False, default: int | None = None) -> Any:
    """Return a whole number column."""
    return _field(Column(BigInteger, nullable=null, default=default), null=null, default=default)


def points(*, null: bool = False) -> Any:
    """Return an exact figure column, in points."""
    return _field(Column(Points, nullable=null), null=null)


def moment(*, null: bool = False, index: bool = False) -> Any:
    """Return an aware moment column."""
    return _field(Column(UtcDateTime, nullable=null, index=index), null=null)


def day(*, null: bool = False) -> Any:
    """Return a calendar day column, in the organisation's zone."""
    return _field(Column(Date, nullable=null), null=null)


def binary() -> Any:
    """Return a column of bytes."""
    return _field(Column(LargeBinary, nullable=False), null=False)


def flag(*, default: bool = False) -> Any:
    """Return a yes-or-no column, stored as a small integer on SQLite."""
    return Field(default=default, sa_column=Column(types.Boolean(create_constraint=False), nullable=False))


def _field(column: Column[Any], *, null: bool, default: Any = None) -> Any:
    if null or default is not None:
        return Field(default=default, sa_column=column)
    return Field(sa_column=column)

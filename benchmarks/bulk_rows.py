"""Writing many rows into a prepared database at once: COPY on PostgreSQL, one executemany on SQLite, every guard on."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, cast

from sqlalchemy import Table, func, select

from scoring.canonical import canonical
from services.audit import AuditKeys, Link, event_fields
from services.unit_of_work import Transaction, UnitOfWork

Row = Mapping[str, Any]
_BATCH = 10_000


class NotInOrder(Exception):  # noqa: N818 - it is said of a database, and ends the preparation
    """The database did not number the rows as they came, so what refers to them would be wrong."""


def next_id(tx: Transaction, table: Table) -> int:
    """Return the id that the next row of a table gets, in a database from which nothing was ever taken back."""
    return int(tx.scalar(select(func.coalesce(func.max(table.c.id), 0)))) + 1


def write(uow: UnitOfWork, table: Table, rows: Iterable[Row]) -> int:
    """Write rows of one shape without ids, numbered in the order in which they come; return how many.

    Raises:
        NotInOrder: the database numbered them otherwise.
    """
    source = iter(rows)
    example = next(source, None)
    if example is None:
        return 0
    source = chain([example], source)
    columns = list(example)
    with uow.write() as tx:
        first = next_id(tx, table)
        stored = _stored(tx, table, columns)
        names = ", ".join(f'"{name}"' for name in columns)
        driver = cast("Any", tx.connection.connection.driver_connection)
        count = 0
        while some := [stored(row) for row in islice(source, _BATCH)]:
            count += len(some)
            if tx.dialect == "sqlite":
                marks = ", ".join("?" * len(columns))
                driver.executemany(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', some)
                continue
            with driver.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
                for values in some:
                    copy.write_row(values)
        if next_id(tx, table) != first + count:
            raise NotInOrder(f"The rows of {table.name} were not numbered from {first} to {first + count - 1}.")
    return count


def _stored(tx: Transaction, table: Table, columns: list[str]) -> Callable[[Row], tuple[Any, ...]]:
    """Return what turns a row into the values that the driver is given."""
    dialect = tx.connection.dialect
    turned = [(name, table.c[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in columns]

    def stored(row: Row) -> tuple[Any, ...]:
        return tuple(row[name] if turn is None else turn(row[name]) for name, turn in turned)

    return stored


def chained(
    keys: AuditKeys, stream: str, last: Link, entries: Iterable[tuple[str, Row]], *, actor: int | None, at: Any
) -> Iterator[dict[str, Any]]:
    """Yield the rows of events behind `last`, each a kind and a payload, as `services.audit` writes them."""
    seq, prev = last.seq, last.mac
    for kind, payload in entries:
        seq += 1
        row: dict[str, Any] = {
            "stream": stream,
            "seq": seq,
            "kind": kind,
            "actor_id": actor,
            "on_behalf_of": None,
            "at": at,
            "payload": canonical(payload).decode(),
            "key_id": keys.current,
            "prev": prev,
        }
        row["mac"] = prev = keys.mac(prev, event_fields(row))
        yield row

"""Breaking a database at one point of what runs on an engine: before its n-th statement, before or after a COMMIT.

On PostgreSQL the server process of the connection is ended, as when a server dies; on SQLite the statement fails as on
a disk that gives up. What runs learns of it by what its driver raises, or, after a COMMIT, never learns that it took.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import psycopg
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

from models.database import WRITE_OPTION

Kind = Literal["statement", "commit", "committed"]
"""Before a statement; before a COMMIT; after a COMMIT that nobody hears of."""


@dataclass(frozen=True, slots=True)
class Point:
    """The `number`-th statement or COMMIT, counted from 1."""

    kind: Kind
    number: int

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


@dataclass(slots=True)
class Watch:
    """What has run since the watch began, and whether its point was reached."""

    point: Point | None = None
    statements: list[str] = field(default_factory=list)
    commits: int = 0
    reached: bool = False

    def points(self) -> list[Point]:
        """Every point at which what was watched can break."""
        kinds: tuple[tuple[Kind, int], ...] = (
            ("statement", len(self.statements)),
            ("commit", self.commits),
            ("committed", self.commits),
        )
        return [Point(kind, number) for kind, count in kinds for number in range(1, count + 1)]


@contextmanager
def watched(engine: Engine, point: Point | None = None) -> Iterator[Watch]:
    """Watch what the product runs on an engine and break it at a point, once; a look of the test's own is none."""
    watch = Watch(point)

    def before(connection: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        if WRITE_OPTION not in connection.get_execution_options():
            return
        watch.statements.append(statement)
        if watch.point == Point("statement", len(watch.statements)):
            watch.reached = True
            _break(connection, statement)

    def committing(connection: Connection) -> None:
        if WRITE_OPTION not in connection.get_execution_options():
            return
        watch.commits += 1
        if watch.point == Point("commit", watch.commits):
            watch.reached = True
            _break(connection, "COMMIT")
        elif watch.point == Point("committed", watch.commits):
            watch.reached = True
            _driver(connection).commit()
            # A transaction without anything in it, for the COMMIT that comes to fail at.
            _driver(connection).execute("BEGIN" if connection.dialect.name == "sqlite" else "SELECT 1")
            _break(connection, "COMMIT")

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "commit", committing)
    try:
        yield watch
    finally:
        event.remove(engine, "before_cursor_execute", before)
        event.remove(engine, "commit", committing)


def _break(connection: Connection, statement: str) -> None:
    if connection.dialect.name == "sqlite":
        raise OperationalError(statement, None, sqlite3.OperationalError("disk I/O error"))
    url = connection.engine.url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as admin:
        # The statement that comes next, or the COMMIT, finds the connection dead by itself.
        admin.execute("SELECT pg_terminate_backend(%s, 10000)", [_driver(connection).info.backend_pid])


def _driver(connection: Connection) -> Any:
    return connection.connection.dbapi_connection

"""Opening the database: one profile for SQLite, one for PostgreSQL, and the facts about both.

SQLite runs with a rollback journal, `synchronous=FULL`, foreign keys on and a busy timeout, and the driver never opens
a transaction of its own: we emit `BEGIN IMMEDIATE` for work that writes and a plain `BEGIN` for work that reads. A
default engine loses concurrent updates without an error, and a write-ahead log of an older SQLite can corrupt the file.

What a transaction is for is said by the execution option `appraise_write` of the connection, before it begins:
True writes (`BEGIN IMMEDIATE` on SQLite), False only reads and the database refuses a write, absent is a plain `BEGIN`.
"""

import select
import sqlite3
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InvalidatePoolError, OperationalError

WRITE_OPTION = "appraise_write"
BUSY_TIMEOUT_MS = 30_000
SQLITE_FLOOR = (3, 35, 0)
POSTGRESQL_FLOOR = 140_000
POOL_SIZE = 5
POOL_OVERFLOW = 10

SQLITE_PRAGMAS: Mapping[str, tuple[str, str]] = {
    "busy_timeout": (str(BUSY_TIMEOUT_MS), str(BUSY_TIMEOUT_MS)),
    "journal_mode": ("DELETE", "delete"),
    "synchronous": ("FULL", "2"),
    "foreign_keys": ("ON", "1"),
}
"""Pragma: what we say, what SQLite must answer when asked afterwards. The timeout first: the others may wait."""

POSTGRESQL_SETTINGS: Mapping[str, str] = {
    "TimeZone": "UTC",
    "default_transaction_isolation": "read committed",
    "lock_timeout": "10s",
    "statement_timeout": "2min",
    "idle_in_transaction_session_timeout": "2min",
}


class DatabaseRefused(Exception):  # noqa: N818 - it is a refusal, and read as one
    """The database cannot be used as it is; the message is one sentence that says why and what to do."""

    code = "database-refused"
    """Short and stable, for programs."""


def open_database(url: str, *, read_only: bool = False) -> Engine:
    """Return an engine on the one profile of its database; nothing is connected yet.

    Args:
        url: `sqlite:///relative.db`, `sqlite:////absolute.db` or `postgresql://user:password@host/name`.
        read_only: open the database so that no transaction can write; a missing SQLite file is then an error.

    Raises:
        DatabaseRefused: here for an address that is neither; at the first connection when the profile does not take.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise DatabaseRefused(
            f"The database address {url!r} cannot be read; write sqlite:///FILE or postgresql://USER@HOST/NAME."
        ) from error
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _open_sqlite(parsed, read_only=read_only)
    if backend in {"postgresql", "postgres"}:
        return _open_postgresql(parsed, read_only=read_only)
    raise DatabaseRefused(f"The database {backend!r} is not supported; use sqlite:///FILE or postgresql://...")


def schema_version(engine: Engine) -> str | None:
    """Return the revision the schema stands at, or None for a database without one."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def profile(engine: Engine) -> dict[str, str]:
    """Return the facts `doctor` shows: which database, which version, and the settings that are really in force."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            return _sqlite_profile(connection)
        return _postgresql_profile(connection)


def _open_sqlite(url: URL, *, read_only: bool) -> Engine:
    if not url.database or url.database == ":memory:":
        raise DatabaseRefused("The database must be a file; write sqlite:///FILE.")
    path = Path(url.database)
    mode = "ro" if read_only else "rwc"
    address = f"file:{urllib.parse.quote(str(path))}?mode={mode}"

    def connect() -> sqlite3.Connection:
        if sqlite3.sqlite_version_info < SQLITE_FLOOR:
            floor = ".".join(map(str, SQLITE_FLOOR))
            raise DatabaseRefused(f"SQLite {sqlite3.sqlite_version} is too old; Python must be linked to {floor} on.")
        driver: sqlite3.Connection | None = None
        try:
            driver = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
            _take_pragmas(driver, path)
        except (sqlite3.Error, DatabaseRefused) as error:
            if driver is not None:
                driver.close()
            if isinstance(error, DatabaseRefused):
                raise
            raise DatabaseRefused(
                f"The database file {path} cannot be opened ({error}); check that it exists, that it is a database "
                "and that you may read and write it and its folder."
            ) from error
        return driver

    engine = create_engine(URL.create("sqlite", database=str(path)), creator=connect)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _take_pragmas(driver: sqlite3.Connection, path: Path) -> None:
    for name, (wanted, answer) in SQLITE_PRAGMAS.items():
        driver.execute(f"PRAGMA {name}={wanted}")
        got = str(driver.execute(f"PRAGMA {name}").fetchone()[0])
        if got != answer:
            raise DatabaseRefused(
                f"SQLite answers {name}={got} where {answer} is needed for {path}; close every other program that has "
                "the file open and try again."
            )


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get(WRITE_OPTION)
    pooled = connection.connection
    reading = write is False
    statement = "BEGIN IMMEDIATE" if write else "BEGIN"
    cursor = pooled.cursor()
    try:
        if pooled.info.get("query_only", False) is not reading:
            cursor.execute(f"PRAGMA query_only={int(reading)}")
            pooled.info["query_only"] = reading
        cursor.execute(statement)
    except sqlite3.Error as error:
        raise OperationalError(statement, None, error) from error
    finally:
        cursor.close()


def _open_postgresql(url: URL, *, read_only: bool) -> Engine:
    settings = dict(POSTGRESQL_SETTINGS)
    if read_only:
        settings["default_transaction_read_only"] = "on"
    options = [f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in settings.items()]
    own = url.query.get("options", ())
    options.extend((own,) if isinstance(own, str) else own)
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_use_lifo=True,
        connect_args={"options": " ".join(options), "application_name": "appraise", "connect_timeout": 10},
    )
    event.listen(engine, "connect", _check_postgresql)
    event.listen(engine, "checkout", _still_there)
    event.listen(engine, "begin", _begin_postgresql)
    return engine


def _check_postgresql(driver: Any, _record: Any) -> None:
    """Look at what the server said when we connected: no round trip."""
    info = driver.info
    if info.server_version < POSTGRESQL_FLOOR:
        raise DatabaseRefused(f"PostgreSQL {info.server_version // 10_000} is too old; version 14 or newer is needed.")
    encoding = info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise DatabaseRefused(f"The PostgreSQL database stores {encoding}; create it anew with ENCODING 'UTF8'.")
    zone = info.parameter_status("TimeZone")
    if zone != "UTC":
        raise DatabaseRefused(
            f"The PostgreSQL session runs in {zone} and not in UTC; take TimeZone out of the address."
        )


def _still_there(driver: Any, _record: Any, _fairy: Any) -> None:
    """Replace pooled connections that the server has ended, as at a restart, without a round trip.

    An idle connection has nothing to read, unless the server said goodbye.
    """
    if not driver.closed:
        socket = select.poll()
        socket.register(driver.fileno(), select.POLLIN)
        if not socket.poll(0):
            return
    raise InvalidatePoolError


def _begin_postgresql(connection: Connection) -> None:
    """Let the BEGIN that psycopg sends say READ ONLY; the attribute costs nothing, a statement would a round trip."""
    driver: Any = connection.connection.dbapi_connection
    wanted = True if connection.get_execution_options().get(WRITE_OPTION) is False else None
    if driver.read_only is not wanted:
        driver.read_only = wanted


def _sqlite_profile(connection: Connection) -> dict[str, str]:
    facts = {
        "database": "sqlite",
        "version": sqlite3.sqlite_version,
        "file": str(connection.engine.url.database),
    }
    for name in SQLITE_PRAGMAS:
        facts[name] = str(connection.exec_driver_sql(f"PRAGMA {name}").scalar())
    return facts


def _postgresql_profile(connection: Connection) -> dict[str, str]:
    facts = {
        "database": "postgresql",
        "version": str(connection.exec_driver_sql("SHOW server_version").scalar()),
        "name": str(connection.engine.url.database),
        "role": str(connection.exec_driver_sql("SELECT current_user").scalar()),
        "encoding": str(connection.exec_driver_sql("SHOW server_encoding").scalar()),
    }
    for name in (*POSTGRESQL_SETTINGS, "fsync", "synchronous_commit"):
        facts[name] = str(connection.exec_driver_sql(f"SHOW {name}").scalar())
    return facts


def is_conflict(error: DBAPIError) -> bool:
    """Return whether the database was only busy or chose us as a victim: the same work may be tried again."""
    original: Any = error.orig
    state = getattr(original, "sqlstate", None)
    if state is not None:
        return state in {"40001", "40P01", "55P03"}
    code = getattr(original, "sqlite_errorcode", 0)
    return code & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}

"""Both databases are opened on one profile each, and a database that cannot have it is refused in one sentence."""

import secrets
import sqlite3
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from models.database import (
    SQLITE_PRAGMAS,
    WRITE_OPTION,
    DatabaseRefused,
    is_conflict,
    open_database,
    profile,
    schema_version,
)
from models.migrate import head
from tests.servers import postgresql

COUNT = "SELECT count(*) FROM post"
ADD = "INSERT INTO post (code, name_en, name_zh, aliases) VALUES ('{}', 'e', 'z', '[]')"


def add(engine: Engine, code: str, *, write: bool | None) -> None:
    """Write a row in a transaction that says what it is for."""
    options = {} if write is None else {WRITE_OPTION: write}
    with engine.connect().execution_options(**options) as connection, connection.begin():
        connection.exec_driver_sql(ADD.format(code))


def count(engine: Engine) -> int:
    """Read in a transaction that only reads."""
    with engine.connect().execution_options(**{WRITE_OPTION: False}) as connection:
        return int(connection.exec_driver_sql(COUNT).scalar_one())


def test_the_profile_is_what_was_asked_for(engine: Engine, database: str) -> None:
    facts = profile(engine)
    assert facts["database"] == database
    if database == "sqlite":
        assert {name: facts[name] for name in SQLITE_PRAGMAS} == {
            "busy_timeout": "30000",
            "journal_mode": "delete",
            "synchronous": "2",
            "foreign_keys": "1",
        }
    else:
        assert facts["TimeZone"] == "UTC"
        assert facts["default_transaction_isolation"] == "read committed"
        assert facts["lock_timeout"] == "10s"
        assert facts["statement_timeout"] == "2min"
    assert schema_version(engine) == head()


def test_a_reading_transaction_cannot_write_and_the_next_one_can(engine: Engine) -> None:
    with pytest.raises(DBAPIError, match=r"read-?only"):
        add(engine, "a", write=False)
    add(engine, "b", write=True)
    add(engine, "c", write=None)
    assert count(engine) == 2


def test_a_database_opened_for_reading_is_never_written(engine: Engine, database_url: str) -> None:
    add(engine, "a", write=True)
    reader = open_database(database_url, read_only=True)
    try:
        assert count(reader) == 1
        with pytest.raises(DBAPIError, match=r"read-?only"):
            add(reader, "b", write=True)
    finally:
        reader.dispose()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_writer_takes_the_lock_at_its_beginning_and_a_reader_does_not(engine: Engine, database_url: str) -> None:
    path = database_url.removeprefix("sqlite:///")
    other = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        with engine.connect().execution_options(**{WRITE_OPTION: True}) as connection:
            connection.exec_driver_sql(COUNT)
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
        with engine.connect().execution_options(**{WRITE_OPTION: False}) as connection:
            connection.exec_driver_sql(COUNT)
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
    finally:
        other.close()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_busy_database_is_a_conflict_and_a_wrong_statement_is_none(engine: Engine, database_url: str) -> None:
    other = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        with engine.connect().execution_options(**{WRITE_OPTION: True}) as connection:
            connection.connection.cursor().execute("PRAGMA busy_timeout=0")
            with pytest.raises(OperationalError, match="locked") as caught:
                connection.begin()
            assert is_conflict(caught.value)
    finally:
        other.close()
    with engine.connect() as connection, pytest.raises(DBAPIError) as wrong:
        connection.exec_driver_sql("SELECT nothing FROM nowhere")
    assert not is_conflict(wrong.value)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_pooled_connections_that_the_server_has_ended_are_replaced_before_anybody_notices(engine: Engine) -> None:
    with engine.connect() as one, engine.connect() as other:
        ended = [connection.scalar(text("SELECT pg_backend_pid()")) for connection in (one, other)]
    with engine.connect() as admin:
        mine = admin.scalar(text("SELECT pg_backend_pid()"))
        for pid in ended:
            if pid != mine:
                admin.execute(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": pid})
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT pg_backend_pid()")) not in ended


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_file_that_another_program_keeps_in_wal_mode_is_refused(database_url: str) -> None:
    other = sqlite3.connect(database_url.removeprefix("sqlite:///"), timeout=0)
    try:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("BEGIN")
        other.execute("SELECT * FROM post").fetchall()
        engine = open_database(database_url)
        with pytest.raises(DatabaseRefused, match=r"appraise\.db"):
            engine.connect()
    finally:
        other.close()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("nonsense", "cannot be read"),
        ("mysql://host/name", "not supported"),
        ("sqlite://", "must be a file"),
        ("sqlite:///:memory:", "must be a file"),
    ],
)
def test_an_address_of_no_use_is_refused(url: str, sentence: str) -> None:
    with pytest.raises(DatabaseRefused, match=sentence):
        open_database(url)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir or Madam, " * 100)
    with pytest.raises(DatabaseRefused, match=r"letter\.txt"):
        open_database(f"sqlite:///{path}").connect()


def test_a_missing_file_is_not_made_by_reading(tmp_path: Path) -> None:
    path = tmp_path / "missing.db"
    with pytest.raises(DatabaseRefused, match=r"missing\.db"):
        open_database(f"sqlite:///{path}", read_only=True).connect()
    assert not path.exists()


def test_a_path_with_blanks_and_signs_is_a_path(tmp_path: Path) -> None:
    folder = tmp_path / "50% of 银行 #1"
    folder.mkdir()
    engine = open_database(f"sqlite:///{folder / 'a b.db'}")
    try:
        assert schema_version(engine) is None
        assert Path(profile(engine)["file"]).exists()
    finally:
        engine.dispose()


def test_a_database_of_another_encoding_is_refused(postgresql_databases: postgresql.Databases) -> None:
    name = f"latin_{secrets.token_hex(4)}"
    with psycopg.connect(postgresql_databases.url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    engine = open_database(postgresql_databases.address(name))
    with pytest.raises(DatabaseRefused, match="stores LATIN1; create it anew with ENCODING 'UTF8'"):
        engine.connect()
    engine.dispose()
    postgresql_databases.leave(name)

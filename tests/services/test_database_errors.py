"""What a use case says when the database cannot be written, on both databases: one sentence, and nothing is written."""

import datetime as dt

import pytest
from sqlalchemy import text

from models.database import open_database
from services.errors import Environment
from services.tokens import new
from services.unit_of_work import UnitOfWork
from tests.services.builders import CLERK, build_office
from tests.services.conftest import KEYS
from tests.services.owning import as_owner

TOKENS = text("SELECT count(*) FROM token")


def count(uow: UnitOfWork) -> int:
    with uow.engine.connect() as connection:
        return int(connection.scalar(TOKENS) or 0)


def fill(uow: UnitOfWork, now: dt.datetime) -> None:
    """Write until there is no room, a thousand times at most."""
    for _ in range(1000):
        new(uow, now=now, number=CLERK)


def test_a_database_that_may_only_be_read_is_told_in_a_sentence(
    uow: UnitOfWork, database_url: str, now: dt.datetime
) -> None:
    build_office(uow)
    reader = open_database(database_url, read_only=True)
    try:
        with pytest.raises(Environment, match=r"read-only for this user; nothing was written\.$") as told:
            new(UnitOfWork(reader, KEYS), now=now, number=CLERK)
    finally:
        reader.dispose()
    assert told.value.code == "read-only"
    assert count(uow) == 0


def test_a_full_disk_is_told_in_a_sentence_and_half_an_act_is_none(
    uow: UnitOfWork, database: str, now: dt.datetime
) -> None:
    """SQLite may not take another page; PostgreSQL raises what it raises when a file cannot be extended."""
    build_office(uow)
    if database == "sqlite":
        with uow.engine.connect() as connection:
            pages = connection.scalar(text("PRAGMA page_count"))
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    else:
        with as_owner(uow) as owner:
            owner.exec_driver_sql(FULL)
    with pytest.raises(Environment, match=r"^The disk of the database is full; nothing was written\.") as told:
        fill(uow, now)
    assert told.value.code == "disk-full"
    with uow.engine.connect() as connection:
        events = connection.scalar(text("SELECT count(*) FROM event WHERE kind = 'token.new'"))
    assert count(uow) == events


FULL = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
RAISE EXCEPTION 'could not extend file "base/1/1": No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER no_room BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION no_room();
"""

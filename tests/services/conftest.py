"""What every test of the services starts from: a unit of work on each database, empty or with an open quarter."""

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.database import open_database
from services.audit import AuditKeys
from services.unit_of_work import UnitOfWork
from tests.conftest import sqlite_file
from tests.servers import postgresql
from tests.services.builders import TinyOffice
from tests.services.counting import statements
from tests.services.playing import Play

__all__ = ["statements"]

CORE = {
    f"test_{name}.py"
    for name in (
        "appraisals",
        "appraisals_answered",
        "appraisals_refused",
        "corrections",
        "cycles",
        "database_errors",
        "finalising",
        "findings",
        "health",
        "id_sets",
        "ledgers",
        "machine",
        "moves_by_hand",
        "one_reading",
        "opening",
        "outbox",
        "reminders",
        "request_keys",
        "roster",
        "statement_counts",
        "strays",
        "ticks_read",
        "verification",
        "webhook_marks",
        "work_items",
    )
}
"""What every run asks on both databases: moves, figures, locks, and whatever is another statement on PostgreSQL."""
NOON = dt.datetime(2026, 1, 5, 4, 0, tzinfo=dt.UTC)
KEYS = AuditKeys("k1", {"k1": b"a key that only the tests use"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The other services are asked on SQLite in every run, and on PostgreSQL too by `run.py test --whole`."""
    for item in items:
        ours = item.path.is_relative_to(Path(__file__).parent)
        if ours and "postgresql" in item.name and item.path.name not in CORE:
            item.add_marker(pytest.mark.whole)


@pytest.fixture
def uow(application_url: str) -> Iterator[UnitOfWork]:
    """A unit of work on a fresh, migrated database, in the role of the application."""
    opened = open_database(application_url)
    yield UnitOfWork(opened, KEYS)
    opened.dispose()


@pytest.fixture
def now() -> dt.datetime:
    """A working day at noon in Shanghai, the first of the quarter."""
    return NOON


@pytest.fixture(scope="session")
def sqlite_office(sqlite_template: Path, sqlite_folder: Path) -> tuple[Path, TinyOffice]:
    """A database file with the tiny office and its open quarter, that nobody has open."""
    path = sqlite_folder / "office.db"
    shutil.copyfile(sqlite_template, path)
    return path, quarter(f"sqlite:///{path}")


@pytest.fixture(scope="session")
def postgresql_office(
    postgresql_databases: postgresql.Databases, postgresql_template: str
) -> Iterator[tuple[str, TinyOffice]]:
    """The name of a database with the tiny office and its open quarter, that nobody is connected to."""
    name = postgresql_databases.create(postgresql_template)
    yield name, quarter(postgresql_databases.address(name))
    postgresql_databases.leave(name)


@pytest.fixture
def play(database: str, request: pytest.FixtureRequest) -> Iterator[Play]:
    """The tiny office with its open quarter, on each of the two databases, to act in."""
    if database == "sqlite":
        template, office = request.getfixturevalue("sqlite_office")
        with sqlite_file(request) as path:
            shutil.copyfile(template, path)
            yield from played(f"sqlite:///{path}", office)
    else:
        databases: postgresql.Databases = request.getfixturevalue("postgresql_databases")
        template, office = request.getfixturevalue("postgresql_office")
        name = databases.create(template)
        yield from played(databases.address(name), office)
        databases.leave(name)


def quarter(url: str) -> TinyOffice:
    """Build the office in a database and open its quarter; nobody is connected afterwards."""
    opened = open_database(url)
    try:
        return Play.opened(UnitOfWork(opened, KEYS)).office
    finally:
        opened.dispose()


def played(url: str, office: TinyOffice) -> Iterator[Play]:
    """Yield the office in a database and let go of it."""
    opened = open_database(postgresql.as_application(url))
    try:
        yield Play(UnitOfWork(opened, KEYS), office)
    finally:
        opened.dispose()

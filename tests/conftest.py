"""A fresh, migrated database for every test that asks, on SQLite and on a real PostgreSQL.

One PostgreSQL server serves a whole run, also with several workers. Each worker migrates one template and each test
gets a copy of it.
"""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from models import grants
from models.database import open_database
from models.migrate import upgrade
from tests.servers import postgresql, redis_server
from tests.servers.folders import fast_folder

SERVER: pytest.StashKey[postgresql.Server] = pytest.StashKey()
DATABASES = ("sqlite", "postgresql")


def pytest_report_header() -> str:
    """Say which servers the run uses."""
    others = ", ".join(map(str, postgresql.installations()))
    return f"databases: SQLite and {postgresql.describe()}; at hand: {others}; brokers: {redis_server.describe()}"


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """With several workers, start the one server here and tell each worker its address."""
    if SERVER not in node.config.stash:
        node.config.stash[SERVER] = postgresql.start()
    node.workerinput["postgresql"] = node.config.stash[SERVER].url


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let the server go."""
    if SERVER in config.stash:
        config.stash[SERVER].stop()
        del config.stash[SERVER]


@pytest.fixture(scope="session")
def postgresql_url(request: pytest.FixtureRequest) -> str:
    """The address of a PostgreSQL server where databases may be created; started when first asked for."""
    given: dict[str, Any] = getattr(request.config, "workerinput", {})
    if "postgresql" in given:
        return str(given["postgresql"])
    stash = request.config.stash
    if SERVER not in stash:
        stash[SERVER] = postgresql.start()
    return stash[SERVER].url


@pytest.fixture(scope="session")
def postgresql_databases(postgresql_url: str) -> Iterator[postgresql.Databases]:
    """What creates databases on that server and drops them."""
    databases = postgresql.Databases(postgresql_url)
    yield databases
    databases.close()


@pytest.fixture(scope="session")
def postgresql_template(postgresql_databases: postgresql.Databases) -> Iterator[str]:
    """The name of a migrated database that nobody is connected to, in which the application's role has its rights."""
    name = postgresql_databases.create()
    migrated(postgresql_databases.address(name))
    postgresql_databases.make_role()
    owner = open_database(postgresql_databases.address(name))
    with owner.begin() as connection:
        grants.grant(connection, postgresql.APPLICATION)
    owner.dispose()
    yield name
    postgresql_databases.leave(name)


@pytest.fixture(scope="session")
def sqlite_folder() -> Iterator[Path]:
    """A folder for database files, in memory where there is enough."""
    with tempfile.TemporaryDirectory(prefix="appraise-", dir=fast_folder()) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def sqlite_template(sqlite_folder: Path) -> Path:
    """A migrated database file that nobody has open."""
    path = sqlite_folder / "template.db"
    migrated(f"sqlite:///{path}")
    return path


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> str:
    """Which database the test runs on: `sqlite` or `postgresql`."""
    return str(request.param)


@pytest.fixture
def database_url(database: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a fresh, migrated database of the test's own."""
    if database == "sqlite":
        with sqlite_file(request) as path:
            shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
            yield f"sqlite:///{path}"
    else:
        databases: postgresql.Databases = request.getfixturevalue("postgresql_databases")
        name = databases.create(request.getfixturevalue("postgresql_template"))
        yield databases.address(name)
        databases.leave(name)


@pytest.fixture
def empty_database_url(database: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database without any table, of the test's own."""
    if database == "sqlite":
        with sqlite_file(request) as path:
            yield f"sqlite:///{path}"
    else:
        databases: postgresql.Databases = request.getfixturevalue("postgresql_databases")
        name = databases.create()
        yield databases.address(name)
        databases.leave(name)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A fresh, migrated database on each of the two, disposed of afterwards."""
    opened = open_database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def empty_engine(empty_database_url: str) -> Iterator[Engine]:
    """A database without any table on each of the two, disposed of afterwards."""
    opened = open_database(empty_database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def application_url(database_url: str) -> str:
    """The address of that database as the application uses it: on PostgreSQL as a role that owns nothing (G11)."""
    return postgresql.as_application(database_url)


@contextmanager
def sqlite_file(request: pytest.FixtureRequest) -> Iterator[Path]:
    """Yield where a database file may lie; it and what SQLite keeps beside it are gone afterwards."""
    folder: Path = request.getfixturevalue("sqlite_folder") / secrets.token_hex(8)
    folder.mkdir()
    yield folder / "appraise.db"
    shutil.rmtree(folder)


def migrated(url: str) -> None:
    """Upgrade a database and leave it with nobody connected."""
    opened = open_database(url)
    try:
        upgrade(opened)
    finally:
        opened.dispose()

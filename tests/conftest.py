"""A fresh, migrated database for every test that asks, on SQLite and on a real PostgreSQL.

One PostgreSQL server serves a whole run, also with several workers. Each worker migrates one template and each test
gets a copy of it.
"""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine

from models.database import open_database
from models.migrate import upgrade
from tests.servers import postgresql

Admin = psycopg.Connection[tuple[Any, ...]]
SERVER: pytest.StashKey[postgresql.Server] = pytest.StashKey()
DATABASES = ("sqlite", "postgresql")


def pytest_report_header() -> str:
    """Say which server the run uses."""
    return f"databases: SQLite and {postgresql.describe()}"


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
def postgresql_admin(postgresql_url: str) -> Iterator[Admin]:
    """A connection that creates and drops databases."""
    with psycopg.connect(postgresql_url, autocommit=True) as admin:
        yield admin


@pytest.fixture(scope="session")
def postgresql_template(postgresql_url: str, postgresql_admin: Admin) -> Iterator[str]:
    """The name of a migrated database that nobody is connected to."""
    with postgresql_database(postgresql_admin, "template0") as name:
        engine = open_database(postgresql.database_url(postgresql_url, name))
        try:
            upgrade(engine)
        finally:
            engine.dispose()
        yield name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database file that nobody has open."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    engine = open_database(f"sqlite:///{path}")
    try:
        upgrade(engine)
    finally:
        engine.dispose()
    return path


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> str:
    """Which database the test runs on: `sqlite` or `postgresql`."""
    return str(request.param)


@pytest.fixture
def database_url(database: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a fresh, migrated database of the test's own."""
    if database == "sqlite":
        path: Path = request.getfixturevalue("tmp_path") / "appraise.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        path.unlink(missing_ok=True)
        return
    template = request.getfixturevalue("postgresql_template")
    with postgresql_database(request.getfixturevalue("postgresql_admin"), template) as name:
        yield postgresql.database_url(request.getfixturevalue("postgresql_url"), name)


@pytest.fixture
def empty_database_url(database: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database without any table, of the test's own."""
    if database == "sqlite":
        yield f"sqlite:///{request.getfixturevalue('tmp_path') / 'empty.db'}"
        return
    with postgresql_database(request.getfixturevalue("postgresql_admin"), "template0") as name:
        yield postgresql.database_url(request.getfixturevalue("postgresql_url"), name)


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


@contextmanager
def postgresql_database(admin: Admin, template: str) -> Iterator[str]:
    """A database of a random name, dropped at the end."""
    name = f"appraise_{secrets.token_hex(8)}"
    postgresql.copy_database(admin, name, template)
    try:
        yield name
    finally:
        postgresql.drop_database(admin, name)

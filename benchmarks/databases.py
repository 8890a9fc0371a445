"""Fresh, migrated databases of both kinds on a real disk, as durable as the product ships."""

import os
import platform
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import psycopg
import sqlalchemy

from models.database import open_database, profile
from models.migrate import upgrade
from tests.servers import postgresql

KINDS = ("sqlite", "postgresql")
IN_MEMORY = {"tmpfs", "ramfs"}
"""Kinds of file systems where nothing is ever written to a disk."""


class NotDurable(Exception):  # noqa: N818 - what it would measure is not the product as shipped
    """A database here would not be as durable as shipped; the message is one sentence that says why and what to do."""


class Databases(Protocol):
    """What makes databases of one kind."""

    version: str

    def fresh(self) -> str:
        """Return the address of a new, migrated database."""

    def copy(self, url: str) -> str:
        """Return the address of a copy of a database that nobody is connected to."""

    def drop(self, *urls: str) -> None:
        """Remove databases that nobody is connected to."""


class SqliteFiles:
    """Database files in one folder."""

    version = f"SQLite {sqlite3.sqlite_version}"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fresh(self) -> str:
        """Return the address of a new, migrated database."""
        url = f"sqlite:///{self.folder / secrets.token_hex(8)}.db"
        _migrate(url)
        return url

    def copy(self, url: str) -> str:
        """Return the address of a copy of a database that nobody is connected to."""
        path = self.folder / f"{secrets.token_hex(8)}.db"
        shutil.copyfile(_path(url), path)
        return f"sqlite:///{path}"

    def drop(self, *urls: str) -> None:
        """Remove databases that nobody is connected to."""
        for url in urls:
            _path(url).unlink()


class PostgresqlDatabases:
    """Databases of one PostgreSQL server."""

    def __init__(self, databases: postgresql.Databases, version: str) -> None:
        self.databases = databases
        self.version = version

    def fresh(self) -> str:
        """Return the address of a new, migrated database."""
        url = self.databases.address(self.databases.create())
        _migrate(url)
        return url

    def copy(self, url: str) -> str:
        """Return the address of a copy of a database that nobody is connected to."""
        return self.databases.address(self.databases.create(url.rpartition("/")[2]))

    def drop(self, *urls: str) -> None:
        """Remove databases that nobody is connected to."""
        self.databases.leave(*(url.rpartition("/")[2] for url in urls))


@contextmanager
def opened(kind: str) -> Iterator[Databases]:
    """Yield what makes databases of a kind, `sqlite` or `postgresql`; all of them are gone afterwards.

    Raises:
        NotDurable: there is no real disk to write to, or the server that was given does not wait for its disk.
        NoServer: no PostgreSQL was found, or it does not start.
    """
    home = disk()
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="appraise-bench-", dir=home) as folder:
            yield SqliteFiles(Path(folder))
        return
    server = postgresql.start("shipped", home)
    try:
        databases = postgresql.Databases(server.url)
        try:
            _demand_durable(server.url)
            yield PostgresqlDatabases(databases, f"PostgreSQL {facts(server.url)['version']}")
        finally:
            databases.close()
    finally:
        server.stop()


def disk() -> str:
    """Return a folder for temporary files that lies on a disk and not in memory.

    Raises:
        NotDurable: there is none.
    """
    for folder in (tempfile.gettempdir(), "/var/tmp", os.getcwd()):  # noqa: S108, PTH109 - only mkdtemp is used inside
        if os.access(folder, os.W_OK | os.X_OK) and _file_system(folder) not in IN_MEMORY:
            return folder
    raise NotDurable(
        "Every folder for temporary files lies in memory, so nothing here is as durable as shipped; "
        "set TMPDIR to a folder on a disk."
    )


def machine() -> dict[str, str]:
    """Return what the figures depend on: processors, system, Python, drivers and SQLite."""
    return {
        "cores": str(os.cpu_count()),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "SQLAlchemy": sqlalchemy.__version__,
        "psycopg": psycopg.__version__,
    }


def _processor() -> str:
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def facts(url: str) -> dict[str, str]:
    """Return which database it is, which version, and the settings in force."""
    engine = open_database(url)
    try:
        return profile(engine)
    finally:
        engine.dispose()


def _demand_durable(url: str) -> None:
    said = facts(url)
    for name in ("fsync", "synchronous_commit"):
        if said[name] != "on":
            raise NotDurable(
                f"The PostgreSQL of TEST_DATABASE_URL runs with {name}={said[name]}, which is not as durable as "
                f"shipped; set it to on, or unset TEST_DATABASE_URL to have a server started."
            )


def _file_system(folder: str) -> str:
    """Return the kind of the file system a folder lies on, or nothing where the system does not say (macOS)."""
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return ""
    there = Path(folder).resolve()
    kinds = [line.split()[1:3] for line in mounts.read_text(encoding="utf-8").splitlines()]
    around = [(Path(point), kind) for point, kind in kinds if there.is_relative_to(point)]
    return max(around, key=lambda mount: len(mount[0].parts))[1] if around else ""


def _path(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def _migrate(url: str) -> None:
    engine = open_database(url)
    try:
        upgrade(engine)
    finally:
        engine.dispose()

"""The office of nine people on each database, built once for all that starts from it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.staging import built
from tests.servers import postgresql
from tests.services.builders import TinyOffice


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What lies in this folder is a crash test by lying here; the default run leaves it to `run.py test --faults`."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.faults)


@pytest.fixture(scope="session")
def sqlite_built(sqlite_template: Path, sqlite_folder: Path) -> tuple[Path, TinyOffice]:
    """A database file with the office, that nobody has open."""
    path = sqlite_folder / "built.db"
    shutil.copyfile(sqlite_template, path)
    return path, built(f"sqlite:///{path}")


@pytest.fixture(scope="session")
def postgresql_built(
    postgresql_databases: postgresql.Databases, postgresql_template: str
) -> Iterator[tuple[str, TinyOffice]]:
    """The name of a database with the office, that nobody is connected to."""
    name = postgresql_databases.create(postgresql_template)
    yield name, built(postgresql_databases.address(name))
    postgresql_databases.leave(name)

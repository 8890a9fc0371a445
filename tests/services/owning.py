"""The owner of the tables at work behind the application's back: what the application's own role may not do."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from models.database import open_database
from services.unit_of_work import UnitOfWork
from tests.servers import postgresql


def address(uow: UnitOfWork) -> str:
    """Return the address of the application's database as its owner uses it."""
    return postgresql.as_owner(uow.engine.url.render_as_string(hide_password=False))


@contextmanager
def as_owner(uow: UnitOfWork) -> Iterator[Connection]:
    """Yield a transaction of the owner of the application's database."""
    engine = open_database(address(uow))
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()

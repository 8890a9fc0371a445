"""What every test of the services starts from: a unit of work on each database."""

import datetime as dt

import pytest
from sqlalchemy import Engine

from services.audit import AuditKeys
from services.unit_of_work import UnitOfWork
from tests.services.counting import statements

__all__ = ["statements"]

NOON = dt.datetime(2026, 1, 5, 4, 0, tzinfo=dt.UTC)


@pytest.fixture
def uow(engine: Engine) -> UnitOfWork:
    """A unit of work on a fresh, migrated database."""
    return UnitOfWork(engine, AuditKeys("k1", {"k1": b"a key that only the tests use"}))


@pytest.fixture
def now() -> dt.datetime:
    """A working day at noon in Shanghai, the first of the quarter."""
    return NOON

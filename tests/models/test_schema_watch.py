"""A process that runs while the schema changes: each transaction looks, and an upgrade waits for those that looked."""

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from models import migrate
from models.database import open_database
from services.audit import AuditKeys
from services.errors import Environment
from services.unit_of_work import UnitOfWork

KEYS = AuditKeys("k1", {"k1": b"a key that only the tests use"})


def stand_at(engine: Engine, version: str) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{version}'")  # noqa: S608 - ours


@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("9999", "was upgraded to 9999 by a newer version of Appraise"),
        ("0004", "stands at 0004 and this program needs"),
    ],
)
def test_another_schema_ends_each_transaction_of_a_running_process(engine: Engine, version: str, says: str) -> None:
    uow = UnitOfWork(engine, KEYS, watch=migrate.watch)
    for transaction in (uow.read, uow.write):
        with transaction() as tx:
            assert tx.connection.exec_driver_sql("SELECT count(*) FROM post").scalar() == 0
    stand_at(engine, version)
    for transaction in (uow.read, uow.write, lambda: uow.read(one_moment=True)):
        with pytest.raises(Environment, match=says), transaction():
            pytest.fail("the transaction began")
    stand_at(engine, migrate.head())
    with uow.write() as tx:
        assert tx.connection.exec_driver_sql("SELECT count(*) FROM post").scalar() == 0


def test_a_schema_that_is_gone_is_told_as_such(engine: Engine) -> None:
    uow = UnitOfWork(engine, KEYS, watch=migrate.watch)
    migrate.downgrade(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")
    with pytest.raises(Environment, match="has no tables yet"), uow.write():
        pytest.fail("the transaction began")


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_an_upgrade_waits_for_whoever_works_with_the_old_schema(engine: Engine, database_url: str) -> None:
    uow = UnitOfWork(engine, KEYS, watch=migrate.watch)
    impatient = open_database(f"{database_url}?options=-c%20lock_timeout%3D100ms")
    try:
        with uow.read(), pytest.raises(OperationalError, match="lock timeout"):
            migrate.upgrade(impatient)
        assert migrate.differences(engine) == ()
        migrate.upgrade(impatient)
    finally:
        impatient.dispose()

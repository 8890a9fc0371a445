"""The schema goes up, down and up again, says what tables and guards say, and refuses what it does not know."""

from sqlalchemy import Engine, inspect

from models import migrate
from models.database import schema_version


def test_upgrading_makes_exactly_what_tables_and_guards_say(engine: Engine) -> None:
    assert migrate.differences(engine) == ()
    migrate.check(engine)


def test_the_schema_goes_up_down_and_up_again(empty_engine: Engine) -> None:
    assert migrate.upgrade(empty_engine) == migrate.head()
    migrate.downgrade(empty_engine)
    assert set(inspect(empty_engine).get_table_names()) <= {"alembic_version"}
    assert schema_version(empty_engine) is None
    migrate.upgrade(empty_engine)
    assert migrate.differences(empty_engine) == ()

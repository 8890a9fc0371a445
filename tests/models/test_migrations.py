"""The schema goes up, down and up again, says what tables and guards say, and refuses what it does not know."""

import shutil
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import Script
from sqlalchemy import Engine, inspect

from models import migrate
from models.database import schema_version


def set_version(engine: Engine, version: str) -> None:
    """Write another revision into the database."""
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{version}'")  # noqa: S608 - ours


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


def test_every_step_down_is_a_step_up_again(empty_engine: Engine) -> None:
    migrate.upgrade(empty_engine)
    steps = 0
    while (before := schema_version(empty_engine)) is not None:
        migrate.downgrade(empty_engine, "-1")
        assert schema_version(empty_engine) != before
        steps += 1
    assert steps > 1
    migrate.upgrade(empty_engine)
    assert migrate.differences(empty_engine) == ()


def test_upgrading_again_changes_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO post (code, name_en, name_zh, aliases) VALUES ('escort', 'Escort', '押运员', '[]')"
        )
    assert migrate.upgrade(engine) == migrate.head()
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT name_zh FROM post").scalar() == "押运员"
    assert migrate.differences(engine) == ()


def test_an_extra_column_or_table_is_a_difference(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE post ADD COLUMN colour TEXT")
        connection.exec_driver_sql("CREATE TABLE notes (id INTEGER)")
    found = " ".join(migrate.differences(engine))
    assert "colour" in found
    assert "notes" in found


def test_a_database_of_a_newer_version_is_refused_and_left_alone(engine: Engine) -> None:
    set_version(engine, "9999")
    for act in (migrate.check, migrate.upgrade, migrate.downgrade):
        with pytest.raises(migrate.NewerDatabase, match=r"9999.*newer version.*install that version"):
            act(engine)
    assert schema_version(engine) == "9999"


def test_a_database_without_tables_or_of_an_older_version_says_what_to_run(empty_engine: Engine) -> None:
    with pytest.raises(migrate.OlderDatabase, match="no tables yet; run `appraise db upgrade`"):
        migrate.check(empty_engine)
    migrate.upgrade(empty_engine)
    migrate.downgrade(empty_engine, "-1")
    with pytest.raises(migrate.OlderDatabase, match="run `appraise db upgrade`"):
        migrate.check(empty_engine)


def test_an_upgrade_that_fails_leaves_nothing(empty_engine: Engine) -> None:
    with empty_engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE work_item (id INTEGER)")
    with pytest.raises(Exception, match="work_item"):
        migrate.upgrade(empty_engine)
    assert inspect(empty_engine).get_table_names() == ["work_item"]


def test_a_new_script_is_written_from_the_template_and_can_be_read(tmp_path: Path) -> None:
    scripts = tmp_path / "migrations"
    shutil.copytree(migrate.SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.set_main_option("path_separator", "os")
    made = command.revision(config, message="a new column", rev_id="0999")
    assert isinstance(made, Script)
    written = Path(made.path)
    assert made.down_revision == migrate.head()
    assert written.read_text().startswith('"""a new column.\n')
    assert callable(made.module.upgrade)
    assert callable(made.module.downgrade)

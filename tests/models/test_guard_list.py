"""The list of guards is compared with the database's catalogue; nothing taken away or changed is missed."""

import pytest
from sqlalchemy import Engine

from models import guards, migrate
from models.checks import checks
from models.triggers import triggers


def say(engine: Engine, *statements: str) -> None:
    """Run statements as they are written."""
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def compared(engine: Engine) -> tuple[str, ...]:
    """Return what the comparison finds."""
    with engine.connect() as connection:
        return guards.compare(connection)


def test_a_migrated_database_has_every_guard(engine: Engine) -> None:
    assert compared(engine) == ()


def test_a_dropped_trigger_is_found_and_the_next_upgrade_puts_it_back(engine: Engine, database: str) -> None:
    say(engine, "DROP TRIGGER guard_move_update" + (" ON move" if database == "postgresql" else ""))
    assert compared(engine) == ("the trigger guard_move_update is missing.",)
    migrate.upgrade(engine)
    assert compared(engine) == ()


def test_a_changed_trigger_is_found(engine: Engine, database: str) -> None:
    if database == "sqlite":
        harmless = "CREATE TRIGGER guard_move_update BEFORE UPDATE ON move BEGIN SELECT 1; END"
        say(engine, "DROP TRIGGER guard_move_update", harmless)
        assert compared(engine) == ("the trigger guard_move_update is changed.",)
    else:
        tamed = (
            "CREATE OR REPLACE FUNCTION guard_move_next() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
        )
        say(engine, tamed, "ALTER TABLE move DISABLE TRIGGER guard_move_update")
        assert compared(engine) == (
            "the trigger guard_move_update is switched off.",
            "the function guard_move_next is changed.",
        )


def test_a_trigger_made_anew_without_its_condition_is_found(engine: Engine, database: str) -> None:
    if database == "sqlite":
        made = "CREATE TRIGGER guard_text_body_update BEFORE UPDATE ON text_body WHEN 0 BEGIN SELECT 1; END"
        say(engine, "DROP TRIGGER guard_text_body_update", made)
    else:
        made = (
            "CREATE TRIGGER guard_text_body_update BEFORE UPDATE ON text_body"
            " FOR EACH ROW WHEN (false) EXECUTE FUNCTION guard_refuse('')"
        )
        say(engine, "DROP TRIGGER guard_text_body_update ON text_body", made)
    assert compared(engine) == ("the trigger guard_text_body_update is changed.",)


def test_a_trigger_that_nobody_listed_is_found(engine: Engine, database: str) -> None:
    if database == "sqlite":
        say(engine, "CREATE TRIGGER guard_job_update BEFORE UPDATE ON job BEGIN SELECT 1; END")
    else:
        say(
            engine,
            "CREATE TRIGGER guard_job_update BEFORE UPDATE ON job FOR EACH ROW EXECUTE FUNCTION guard_refuse('no')",
        )
    assert compared(engine) == ("the trigger guard_job_update is not in the list.",)


def test_a_check_that_is_gone_or_changed_is_found(engine: Engine, database: str) -> None:
    if database == "sqlite":
        # SQLite cannot drop a CHECK; its own way to rewrite one shows what a rebuilt table would look like.
        say(
            engine,
            "PRAGMA writable_schema=ON",
            "UPDATE sqlite_master SET sql = replace(sql, 'version >= 0', 'version >= -9') WHERE name = 'appraisal'",
            "PRAGMA writable_schema=OFF",
        )
        # The same words stand in the check of ledger_version.
        assert compared(engine) == (
            "the check ck_appraisal_ledger_version_range is changed.",
            "the check ck_appraisal_version_range is changed.",
        )
    else:
        drop = "ALTER TABLE appraisal DROP CONSTRAINT ck_appraisal_version_range"
        say(engine, drop)
        assert compared(engine) == ("the check ck_appraisal_version_range is missing.",)
        say(engine, "ALTER TABLE appraisal ADD CONSTRAINT ck_appraisal_version_range CHECK (version >= -9)")
        assert compared(engine) == ("the check ck_appraisal_version_range is changed.",)
    with pytest.raises(migrate.GuardsDiffer, match="ck_appraisal_version_range"):
        migrate.upgrade(engine)


def test_no_two_guards_have_one_name_and_every_name_fits_postgresql() -> None:
    names = [check.name for check in checks()]
    assert len(names) == len(set(names))
    for dialect in ("sqlite", "postgresql"):
        made = [trigger.name for trigger in triggers(dialect)]
        assert len(made) == len(set(made))
        names += made
    assert max(map(len, names)) <= 63


def test_every_message_begins_with_a_code_and_is_one_sentence() -> None:
    for trigger in (*triggers("sqlite"), *triggers("postgresql")):
        code = trigger.message.split(": ")[0]
        assert code == f"appraise:{trigger.code}"
        assert "'" not in trigger.message
        assert trigger.message.endswith(".")

"""An upgrade or a downgrade that is killed midway leaves the schema as it was, and can simply be run again."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect

from models import migrate
from models.database import schema_version

pytestmark = pytest.mark.faults
ROOT = Path(__file__).parents[2]
OLDER = "0004"
MIGRATING = """
import os, signal, sys
from sqlalchemy import event
from models.database import open_database
from models import migrate

act, url, last = sys.argv[1], sys.argv[2], int(sys.argv[3])
engine = open_database(url)
done = 0

@event.listens_for(engine, "connect")
def spill(driver, _record):
    # With so few pages in memory SQLite writes into the file long before the commit.
    if engine.dialect.name == "sqlite":
        driver.execute("PRAGMA cache_size=5")

@event.listens_for(engine, "after_cursor_execute")
def count(*_):
    global done
    done += 1
    if done == last:
        os.kill(os.getpid(), signal.SIGKILL)

migrate.upgrade(engine) if act == "upgrade" else migrate.downgrade(engine, act)
print(done)
"""
KILLED = -9


def migrating(act: str, url: str, last: int = 0) -> "subprocess.CompletedProcess[str]":
    """Migrate in a process of its own, which is killed behind its statement number `last`; 0 lets it live."""
    return subprocess.run(
        [sys.executable, "-c", MIGRATING, act, url, str(last)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def address(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def statements(engine: Engine, act: str, back: str) -> int:
    """Return how many statements a whole migration takes, and take it back."""
    ran = migrating(act, address(engine))
    assert ran.returncode == 0, ran.stderr
    migrate.downgrade(engine, back) if act == "upgrade" else migrate.upgrade(engine)
    return int(ran.stdout)


def posts(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return [str(row[0]) for row in connection.exec_driver_sql("SELECT code FROM post ORDER BY code")]


def keep_a_post(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO post (code, name_en, name_zh, aliases) VALUES ('escort', 'Escort', '押运员', '[]')"
        )


def killed_at_each(engine: Engine, act: str, back: str, parts: Sequence[float]) -> Iterator[None]:
    """Kill one migration after another, each at a later part of its way; the schema stands where it stood before."""
    total = statements(engine, act, back)
    for part in parts:
        ran = migrating(act, address(engine), max(1, round(part * total)))
        assert ran.returncode == KILLED, ran.stderr
        yield


def test_an_upgrade_killed_anywhere_leaves_the_older_schema_and_its_rows(empty_engine: Engine) -> None:
    migrate.upgrade(empty_engine)
    migrate.downgrade(empty_engine, OLDER)
    keep_a_post(empty_engine)
    for _ in killed_at_each(empty_engine, "upgrade", OLDER, (0.0, 0.35, 0.7, 1.0)):
        assert schema_version(empty_engine) == OLDER
        assert posts(empty_engine) == ["escort"]
    assert migrate.upgrade(empty_engine) == migrate.head()
    assert migrate.differences(empty_engine) == ()
    assert posts(empty_engine) == ["escort"]


def test_a_first_upgrade_killed_anywhere_leaves_a_database_without_tables(empty_engine: Engine) -> None:
    migrate.upgrade(empty_engine)
    migrate.downgrade(empty_engine)
    for _ in killed_at_each(empty_engine, "upgrade", "base", (0.5, 1.0)):
        assert schema_version(empty_engine) is None
        assert set(inspect(empty_engine).get_table_names()) <= {"alembic_version"}
    assert migrate.upgrade(empty_engine) == migrate.head()
    assert migrate.differences(empty_engine) == ()


def test_a_downgrade_killed_anywhere_leaves_the_newer_schema_with_its_guards(engine: Engine) -> None:
    keep_a_post(engine)
    for _ in killed_at_each(engine, OLDER, OLDER, (0.5, 1.0)):
        migrate.check(engine)
        assert migrate.differences(engine) == ()
        assert posts(engine) == ["escort"]

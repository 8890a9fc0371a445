"""A worker process ends, with the sentence and 6, when the database is upgraded beneath it or was before it began."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from config.settings import load_settings
from models.database import open_database
from models.migrate import upgrade
from tests.servers import redis_server

pytestmark = pytest.mark.faults
PROJECT = Path(__file__).parents[2]
SECONDS = 60
SENTENCE = "The database was upgraded to 9999 by a newer version of Appraise, which this one does not know;"
PROGRAMS = {
    "celery": ([sys.executable, "-m", "celery", "-A", "tasks.worker", "worker", "-c", "1", "-l", "info"], " ready."),
    "appraise": ([str(Path(sys.executable).with_name("appraise")), "worker"], "The worker is up:"),
}
"""How each is started, and what it says when it works."""


@pytest.fixture(scope="module")
def redis() -> Iterator[redis_server.Server]:
    """A Redis that the tests of this file share."""
    server = redis_server.Server(redis_server.installations()[0]).start()
    yield server
    server.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Engine]:
    """A migrated database in the data folder, beside which the audit key is made at the first start."""
    settings = load_settings({"data_dir": tmp_path / "data"})
    settings.data_dir.mkdir()
    engine = open_database(settings.database_url)
    upgrade(engine)
    yield engine
    engine.dispose()


def spoil(database: Engine) -> None:
    """Do what a newer program's upgrade does to the version."""
    with database.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")


def start(program: str, folder: Path, redis: redis_server.Server) -> "subprocess.Popen[str]":
    """Start a worker on the data folder, both its outputs in one."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("APPRAISE_")}
    ours = {
        "APPRAISE_DATA_DIR": str(folder / "data"),
        "APPRAISE_BROKER_URL": redis.url,
        "APPRAISE_SWEEP_SECONDS": "0.1",
        "PYTHONPATH": str(PROJECT),
    }
    return subprocess.Popen(
        PROGRAMS[program][0], cwd=folder, env={**kept, **ours}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_worker_ends_when_the_database_is_upgraded_beneath_it(
    program: str, tmp_path: Path, database: Engine, redis: redis_server.Server
) -> None:
    process = start(program, tmp_path, redis)
    try:
        lines = []
        for line in process.stdout or ():
            lines.append(line)
            if PROGRAMS[program][1] in line:
                spoil(database)
                break
        said, _ = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 6, "".join(lines) + said
    assert SENTENCE in said
    assert "Traceback" not in said


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_worker_does_not_begin_on_the_database_of_a_newer_program(
    program: str, tmp_path: Path, database: Engine, redis: redis_server.Server
) -> None:
    spoil(database)
    process = start(program, tmp_path, redis)
    try:
        said, _ = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 6, said
    assert SENTENCE in said
    assert "Traceback" not in said
    assert PROGRAMS[program][1] not in said

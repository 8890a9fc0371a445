"""Backups and copies restored from them, on both databases: whole, while others write, and silent at first."""

import datetime as dt
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from config.backup_forms import copy_sqlite
from config.backups import back_up, key_words, restore
from config.postgresql_programs import address_for_programs, find_programs
from config.settings import Settings, load_settings
from config.wiring import wire
from models import grants
from models.database import open_database
from models.metadata import METADATA
from models.migrate import downgrade, head
from services import sending
from services.actors import SYSTEM
from services.audit import EVENT, append_event
from services.errors import AppraiseError, Environment, Malformed, Refused
from services.outbox_messages import sending_paused
from services.unit_of_work import UnitOfWork
from tests.servers import postgresql
from tests.services.builders import build_office
from tests.services.closing import vouch

ROOT = Path(__file__).parents[2]
NOW = dt.datetime(2026, 4, 1, 2, 0, tzinfo=dt.UTC)
WRITING = """
import datetime as dt, select, sys
from config.settings import load_settings
from config.wiring import wire
from services.actors import SYSTEM
from services.audit import append_event

with wire(load_settings({"data_dir": sys.argv[1], "database_url": sys.argv[2]})) as wiring:
    written = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        with wiring.uow.write() as tx:
            append_event(tx, "org", "noted", actor=SYSTEM, at=dt.datetime.now(dt.UTC), payload={"note": written})
        written += 1
        print(written, flush=True)
"""

KILLED = """
import datetime as dt, os, signal, sys
from pathlib import Path
from config.backups import back_up, restore
from config.settings import load_settings

def die(event, _):
    # The last moment before a file gets its name.
    if event == "os.link":
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(die)
act, folder, url, file = sys.argv[1:]
settings = load_settings({"data_dir": folder, "database_url": url})
back_up(settings, Path(file)) if act == "backup" else restore(settings, Path(file), now=dt.datetime.now(dt.UTC))
"""


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the caller's settings out of it, and have the programs of the tests' own server on PATH."""
    for name in [name for name in os.environ if name.startswith("APPRAISE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{postgresql.find().folder}{os.pathsep}{os.environ['PATH']}")


def settings_of(folder: Path, url: str) -> Settings:
    return load_settings({"data_dir": folder, "database_url": url})


@pytest.fixture
def real(tmp_path: Path, database_url: str) -> Settings:
    """The settings of an office's database and its key."""
    settings = settings_of(tmp_path / "data", database_url)
    with wire(settings, make_key=True) as wiring:
        build_office(wiring.uow)
        vouch(wiring.uow)
    return settings


@pytest.fixture
def place(tmp_path: Path, real: Settings, empty_database_url: str) -> Settings:
    """The settings of an empty place beside it, with a copy of the key."""
    settings = settings_of(tmp_path / "copy", empty_database_url)
    settings.data_dir.mkdir()
    shutil.copyfile(real.audit_key_file, settings.audit_key_file)
    settings.audit_key_file.chmod(0o600)
    return settings


def rows(settings: Settings) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table but for what a copy says of itself."""
    with wire(settings) as wiring, wiring.uow.read() as tx:
        found = {
            table.name: [tuple(row) for row in tx.all(select(table).order_by(*table.primary_key.columns))]
            for table in METADATA.sorted_tables
            if table.name != "instance"
        }
    own = [row for row in found["event"] if "copy.restored" in row]
    found["event"] = [row for row in found["event"] if row not in own]
    return found


def events(uow: UnitOfWork) -> int:
    with uow.read() as tx:
        return int(tx.scalar(select(func.count()).select_from(EVENT)))


def test_a_restored_copy_is_the_same_and_mails_nobody_before_it_is_told_to(
    real: Settings, place: Settings, tmp_path: Path, database: str
) -> None:
    file = tmp_path / "backup"
    done = back_up(real, file)
    assert (done.database, done.schema, done.size) == (database, head(), file.stat().st_size)
    assert (done.audit.count, done.audit.events > 0) == (0, True)
    assert file.stat().st_mode & 0o077 == 0
    copy = restore(place, file, now=NOW)
    assert (copy.before, copy.schema, copy.audit.count) == (head(), head(), 0)
    assert rows(place) == rows(real)
    with wire(real) as wiring, wiring.uow.read() as tx:
        assert not sending_paused(tx)
    with wire(place) as wiring:
        with wiring.uow.read() as tx:
            assert sending_paused(tx)
        assert events(wiring.uow) == done.audit.events + 1
        assert sending.resume(wiring.uow, now=NOW)
        assert not sending.resume(wiring.uow, now=NOW)
        with wiring.uow.read() as tx:
            assert not sending_paused(tx)
        assert sending.pause(wiring.uow, now=NOW)
        assert not sending.pause(wiring.uow, now=NOW)
        with wiring.uow.read() as tx:
            assert sending_paused(tx)
        # Its numbers go on where the real one's ended.
        with wiring.uow.write() as tx:
            append_event(tx, "org", "noted", actor=SYSTEM, at=NOW, payload={})


def test_a_place_that_is_not_empty_and_a_name_that_is_taken_are_left_alone(real: Settings, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    back_up(real, file)
    content, before = file.read_bytes(), rows(real)
    with pytest.raises(Refused, match="backup is there already and is not written over"):
        back_up(real, file)
    with pytest.raises(Refused, match="is not written over"):
        restore(real, file, now=NOW)
    assert (file.read_bytes(), rows(real)) == (content, before)


@contextmanager
def writing(settings: Settings) -> Iterator["subprocess.Popen[str]"]:
    """Let another process write without a pause, one event a transaction, until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITING, str(settings.data_dir), settings.database_url],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.faults
def test_a_backup_while_a_process_writes_holds_one_moment(real: Settings, place: Settings, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    with wire(real) as wiring, writing(real) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n"
        before = events(wiring.uow)
        done = back_up(real, file)
        after = events(wiring.uow)
        said, _ = process.communicate("stop", timeout=60)
        assert (process.returncode, after > before) == (0, True), said
        last = int(said.split()[-1])
        assert events(wiring.uow) >= after
        assert done.audit.count == 0
        assert before <= done.audit.events <= after
    copy = restore(place, file, now=NOW)
    # One more: that it is a copy.
    assert (copy.audit.count, copy.audit.events) == (0, done.audit.events + 1)
    assert last >= after - before


def test_a_backup_that_was_cut_off_or_is_none_leaves_the_place_empty(
    real: Settings, place: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "backup"
    back_up(real, file)
    content = file.read_bytes()
    file.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(AppraiseError) as caught:
        restore(place, file, now=NOW)
    assert caught.value.sentence.endswith(".")
    file.write_text("no backup", encoding="utf-8")
    with pytest.raises(Malformed, match="is no backup that `appraise db backup` wrote"):
        restore(place, file, now=NOW)
    with pytest.raises(Environment, match="nowhere cannot be read"):
        restore(place, tmp_path / "nowhere", now=NOW)
    file.write_bytes(content)
    # The same place takes it now, so nothing was left in it.
    assert restore(place, file, now=NOW).audit.count == 0


def killed(act: str, settings: Settings, file: Path) -> int:
    """Back up or restore in a process that is killed just before the new file gets its name; return how it ended."""
    words = (act, str(settings.data_dir), settings.database_url, str(file))
    return subprocess.run([sys.executable, "-c", KILLED, *words], cwd=ROOT, check=False, timeout=120).returncode


@pytest.mark.faults
def test_a_process_killed_at_the_end_leaves_no_file_under_its_name(
    real: Settings, place: Settings, tmp_path: Path, database: str
) -> None:
    file = tmp_path / "backup"
    assert killed("backup", real, file) == -9
    assert not file.exists()
    back_up(real, file)
    if database == "sqlite":
        assert killed("restore", place, file) == -9
        assert not Path(place.database_url.removeprefix("sqlite:///")).exists()
    assert restore(place, file, now=NOW).audit.count == 0


def test_the_other_kind_of_database_is_refused(real: Settings, tmp_path: Path, database: str) -> None:
    file = tmp_path / "backup"
    file.write_bytes(b"PGDMP..." if database == "sqlite" else b"SQLite format 3\0")
    with pytest.raises(Refused, match="the settings name the other kind of database"):
        restore(real, file, now=NOW)


def test_without_the_key_nothing_is_written(real: Settings, place: Settings, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    back_up(real, file)
    place.audit_key_file.unlink()
    with pytest.raises(Environment, match=r"audit\.key is missing"):
        restore(place, file, now=NOW)
    real.audit_key_file.unlink()
    with pytest.raises(Environment, match=r"audit\.key is missing"):
        back_up(real, tmp_path / "another")
    assert not (tmp_path / "another").exists()
    assert f"it lies in {real.audit_key_file}; nothing says where its copy is" in key_words(real)


def test_what_somebody_changed_is_told_of_the_backup_and_of_the_copy(
    real: Settings, place: Settings, tmp_path: Path
) -> None:
    with wire(real) as wiring, wiring.uow.write() as tx:
        # A grant that no event vouches for.
        tx.connection.exec_driver_sql(
            "INSERT INTO access_grant (person_id, role, valid_from)"
            " SELECT id, 'approver', '2020-01-01' FROM person WHERE number = '1008'"
        )
    file = tmp_path / "backup"
    found = back_up(real, file).audit.first
    assert found is not None
    assert found.code == "no-event"
    again = restore(place, file, now=NOW).audit.first
    assert again == found


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_backup_of_an_older_schema_is_brought_up(real: Settings, place: Settings, tmp_path: Path) -> None:
    file = tmp_path / "older.sqlite3"
    copy_sqlite(Path(real.database_url.removeprefix("sqlite:///")), file)
    engine = open_database(f"sqlite:///{file}")
    downgrade(engine, "0007")
    engine.dispose()
    before = file.read_bytes()
    done = restore(place, file, now=NOW)
    assert (done.before, done.schema) == ("0007", head())
    assert file.read_bytes() == before
    with wire(place) as wiring, wiring.uow.read() as tx:
        assert sending_paused(tx)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_damaged_database_gives_no_backup(real: Settings, tmp_path: Path) -> None:
    file = Path(real.database_url.removeprefix("sqlite:///"))
    engine = open_database(real.database_url)
    with engine.connect() as connection:
        page = connection.exec_driver_sql("SELECT rootpage FROM sqlite_master WHERE name = 'work_item'").scalar_one()
        size = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    engine.dispose()
    data = bytearray(file.read_bytes())
    data[(page - 1) * size : page * size] = b"\xaa" * size
    file.write_bytes(data)
    with pytest.raises(AppraiseError, match="The copy is not kept, for it is damaged"):
        back_up(real, tmp_path / "backup")
    assert not (tmp_path / "backup").exists()
    assert not list(tmp_path.glob(".backup*"))


def test_programs_that_are_too_old_are_told(tmp_path: Path) -> None:
    assert find_programs(140_000).major >= 14
    with pytest.raises(Environment, match=r"and the server is 99; install the client programs of version 99\."):
        find_programs(990_000)
    assert list(tmp_path.iterdir()) == []


def test_a_password_is_on_no_command_line() -> None:
    with address_for_programs("postgresql+psycopg://ann:a%3Ab%5Cc@db:5433/bank?sslmode=require") as address:
        words = dict(word.split("=", 1) for word in address.split())
        file = Path(words.pop("passfile"))
        assert words == {"host": "db", "port": "5433", "user": "ann", "dbname": "bank", "sslmode": "require"}
        assert file.read_text(encoding="utf-8") == "*:*:*:*:a\\:b\\\\c\n"
        assert file.stat().st_mode & 0o077 == 0
    assert not file.exists()


@pytest.mark.parametrize("database", ["postgresql"])
def test_the_role_of_the_application_may_work_with_a_restored_copy(
    real: Settings, place: Settings, tmp_path: Path
) -> None:
    back_up(real, tmp_path / "backup")
    apart_from_owner = place.model_copy(
        update={
            "database_url": postgresql.as_application(place.database_url),
            "database_owner_url": place.database_url,
        }
    )
    restore(apart_from_owner, tmp_path / "backup", now=NOW)
    with wire(apart_from_owner) as wiring, wiring.uow.write() as tx:
        assert tx.scalar(text("SELECT current_user")) == postgresql.APPLICATION
        assert tuple(grants.compare(tx.connection)) == ()

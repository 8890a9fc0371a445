import datetime as dt
import stat
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from config.audit_keys import create_audit_keys, read_audit_keys
from config.mail_sink import MailSink, free_port
from config.settings import Settings, load_settings
from config.wiring import Bell, wire
from models.database import open_database
from models.migrate import upgrade
from services.actors import SYSTEM
from services.audit import append_event
from services.errors import Environment

NOW = dt.datetime(2026, 1, 5, 4, 0, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the caller's environment and working folder out of it."""
    monkeypatch.delenv("APPRAISE_DATA_DIR", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a data folder with a migrated database and no audit key yet."""
    ready = load_settings({"data_dir": tmp_path / "data"})
    ready.data_dir.mkdir()
    engine = open_database(ready.database_url)
    upgrade(engine)
    engine.dispose()
    return ready


def test_the_first_wiring_makes_an_audit_key_that_only_its_owner_may_read(settings: Settings) -> None:
    with wire(settings) as first:
        keys = first.uow.keys
    with wire(settings) as second:
        assert second.uow.keys == keys

    assert stat.S_IMODE(settings.audit_key_file.stat().st_mode) == 0o600
    assert len(keys.secrets[keys.current]) == 32
    assert [path.name for path in settings.data_dir.glob("audit.key*")] == ["audit.key"]


def test_a_missing_key_is_never_replaced_once_rows_were_signed_with_it(settings: Settings) -> None:
    with wire(settings) as wiring, wiring.uow.write() as tx:
        append_event(tx, "org", "tried", actor=SYSTEM, at=NOW, payload={})
    settings.audit_key_file.unlink()

    with pytest.raises(Environment, match=r"audit\.key is missing; put its copy back"):
        wire(settings)
    assert not settings.audit_key_file.exists()


def test_the_last_key_of_the_file_signs_and_the_older_ones_verify(tmp_path: Path) -> None:
    path = tmp_path / "audit.key"
    path.write_text(f"k1 {'11' * 32}\nk2 {'22' * 32}\n", encoding="ascii")
    path.chmod(0o600)

    keys = read_audit_keys(path)

    assert keys.current == "k2"
    assert dict(keys.secrets) == {"k1": b"\x11" * 32, "k2": b"\x22" * 32}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty"),
        ("k1\n", "Line 1 of the audit key file"),
        ("k1 1234\n", "Line 1 of the audit key file"),
        (f"k1 {'11' * 32}\nk1 {'22' * 32}\n", "Line 2 of the audit key file"),
        (f"k1 {'1' * 65}\n", "Line 1 of the audit key file"),
    ],
)
def test_a_file_that_holds_no_keys_is_refused(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "audit.key"
    path.write_text(content, encoding="ascii")
    path.chmod(0o600)

    with pytest.raises(Environment, match=says):
        read_audit_keys(path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "audit.key"
    create_audit_keys(path)
    path.chmod(mode)

    with pytest.raises(Environment, match="take their rights away with `chmod 600`"):
        read_audit_keys(path)


def test_processes_that_make_the_key_at_the_same_moment_get_the_same_one(tmp_path: Path) -> None:
    path = tmp_path / "audit.key"
    together = threading.Barrier(8)
    made: list[bytes] = []

    def make() -> None:
        together.wait()
        made.append(create_audit_keys(path).secrets["k1"])

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 8
    assert len(set(made)) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_a_database_of_a_newer_version_is_refused_with_what_to_do(settings: Settings) -> None:
    engine = open_database(settings.database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from-the-future'"))
    engine.dispose()

    with pytest.raises(Environment, match="by a newer version of Appraise, which this one does not know; install"):
        wire(settings)


def test_without_a_mail_server_nobody_sends(settings: Settings) -> None:
    with wire(settings) as wiring:
        assert wiring.sender is None


def test_a_bell_that_fails_or_is_not_connected_disturbs_nobody() -> None:
    rings: list[str] = []

    def broken() -> None:
        rings.append("tried")
        raise OSError

    bell = Bell()
    bell()
    bell.connect(broken)
    bell()

    assert rings == ["tried"]


def test_a_mail_sink_says_when_its_port_is_taken(tmp_path: Path) -> None:
    port = free_port()
    with MailSink(tmp_path / "one", port), pytest.raises(OSError, match=r"(?i)address already in use"):
        MailSink(tmp_path / "two", port).start()

"""`appraise db`: made, upgraded, compared; and the sentences for a newer, damaged, read-only or full one."""

import os
import resource
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.app import run
from cli.database import group
from models.database import open_database
from models.migrate import downgrade, head
from tests.cli.conftest import Terminal

FILE = "appraise.sqlite3"
NOBODY = 65534


@contextmanager
def sqlite(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open a data folder's database as anybody with the file could."""
    connection = sqlite3.connect(folder / FILE)
    try:
        yield connection
        connection.commit()
    finally:
        connection.close()


@contextmanager
def not_as_root() -> Iterator[None]:
    """Do something as nobody in particular where the tests run as root, to whom no file is read-only."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_it_is_made_with_folder_and_key_and_then_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new bank" / "data"
    assert run(["--dir", str(folder), "db", "upgrade"]) == 0
    printed = capsys.readouterr().out
    assert f"The database {folder / FILE} is made and stands at {head()}." in printed
    assert f"The audit key is made: {folder / 'audit.key'}." in printed
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "audit.key").stat().st_mode) == 0o600
    assert run(["--dir", str(folder), "db", "upgrade"]) == 0
    assert capsys.readouterr().out == f"The database {folder / FILE} already stands at {head()}; nothing changed.\n"
    assert run(["--dir", str(folder), "db", "check"]) == 0
    assert capsys.readouterr().out == "Tables, CHECKs and triggers are as they must be.\n"


def test_the_owners_address_is_the_one_that_is_upgraded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPRAISE_DATABASE_OWNER_URL", f"sqlite:///{tmp_path / 'owned.sqlite3'}")
    assert run(["--dir", str(tmp_path / "data"), "db", "upgrade"]) == 6
    assert (tmp_path / "owned.sqlite3").is_file()
    assert not (tmp_path / "data" / FILE).exists()


def test_an_older_one_is_named_and_brought_up(nothing: Terminal) -> None:
    engine = open_database(f"sqlite:///{nothing.folder / FILE}")
    downgrade(engine, "0004")
    engine.dispose()
    refused = nothing("db", "check", at=None)
    assert refused.code == 6
    assert refused.err == (
        f"The database's schema stands at 0004 and this program needs {head()}; run `appraise db upgrade`.\n"
    )
    said = nothing.ok("db", "upgrade", at=None).out
    assert f"is brought from 0004 to {head()}." in said


@pytest.mark.parametrize("command", [("db", "upgrade"), ("db", "check"), ("rubric", "list")])
def test_a_newer_one_ends_with_6(nothing: Terminal, command: tuple[str, ...]) -> None:
    with sqlite(nothing.folder) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    refused = nothing(*command, at=None)
    assert (refused.code, refused.out) == (6, "")
    assert "was upgraded to 9999 by a newer version of Appraise" in refused.err
    assert refused.err.count("\n") == 1


def test_a_missing_one_ends_with_6_and_no_empty_file_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--dir", str(tmp_path), "rubric", "list"]) == 6
    assert capsys.readouterr().err == (
        f"There is no database {tmp_path / FILE} yet; make one with `appraise db upgrade`.\n"
    )
    assert not (tmp_path / FILE).exists()


def test_a_trigger_taken_away_is_found_and_put_back(nothing: Terminal) -> None:
    with sqlite(nothing.folder) as connection:
        (name,) = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' LIMIT 1").fetchone()
        connection.execute(f"DROP TRIGGER {name}")
    found = nothing("db", "check", "--json", at=None)
    assert (found.code, found.json) == (1, {"differences": [f"the trigger {name} is missing."]})
    assert found.err.startswith("The database differs from what it must be in one place;")
    nothing.ok("db", "upgrade", at=None)
    nothing.ok("db", "check", at=None)


def test_a_damaged_file_is_found(nothing: Terminal) -> None:
    path = nothing.folder / FILE
    data = bytearray(path.read_bytes())
    with sqlite(nothing.folder) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'event'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    data[(page - 1) * size : page * size] = b"\xaa" * size
    path.write_bytes(data)
    found = nothing("db", "check", at=None)
    assert found.code == 1
    assert "the file is damaged" in found.out


def test_a_file_that_is_no_database_ends_with_6(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / FILE).write_text("not a database, but longer than a header of one would have to be\n" * 20, "utf-8")
    assert run(["--dir", str(tmp_path), "db", "upgrade"]) == 6
    said = capsys.readouterr().err
    assert "file is not a database" in said
    assert said.count("\n") == 1


def test_a_folder_that_cannot_be_made_ends_with_6(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert run(["--dir", str(tmp_path / "file" / "data"), "db", "upgrade"]) == 6
    assert "choose another with --dir or APPRAISE_DATA_DIR" in capsys.readouterr().err


def test_a_read_only_database_ends_with_6_and_nothing_is_written(
    office: Terminal, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    office.ok("rubric", "list")  # what a command imports is loaded while every file can be read
    with tempfile.TemporaryDirectory() as outside:
        folder = Path(outside) / "data"
        office.folder.rename(folder)
        for path in (Path(outside), folder, *folder.iterdir()):
            if os.geteuid() == 0:
                os.chown(path, NOBODY, NOBODY)
        (folder / FILE).chmod(0o400)
        folder.chmod(0o500)
        before = (folder / FILE).read_bytes()
        with monkeypatch.context() as there, not_as_root():
            there.chdir(outside)
            code = run(["--dir", str(folder), "rubric", "publish", "bank-office", "--as", "1007"])
        folder.chmod(0o700)
        assert code == 6
        assert capsys.readouterr().err == "The database is read-only for this user; nothing was written.\n"
        assert (folder / FILE).read_bytes() == before


def test_a_full_disk_ends_with_6_and_nothing_is_written(office: Terminal) -> None:
    """The system refuses every byte beyond the file's present size, as a full disk does."""
    file = office.folder / FILE
    before = file.read_bytes()
    size = len(before)
    words = ["--dir", str(office.folder), "rubric", "publish", "bank-office", "--as", "1007"]
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from cli.app import run; sys.exit(run(sys.argv[1:]))", *words],
        capture_output=True, text=True, check=False, cwd=office.folder.parent,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )  # fmt: skip
    assert done.returncode == 6, done.stderr
    assert done.stderr == "The disk of the database is full; nothing was written. Make room and try again.\n"
    with sqlite(office.folder) as connection:
        assert connection.execute("SELECT count(*) FROM definition WHERE name = 'bank-office'").fetchone() == (0,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize(
    "command", [None, *(each.name or each.callback.__name__ for each in group.registered_commands)]
)
def test_every_command_shows_an_example(capsys: pytest.CaptureFixture[str], command: str | None) -> None:
    assert run(["db", *([command] if command else []), "--help"]) == 0
    assert "Example: appraise" in capsys.readouterr().out

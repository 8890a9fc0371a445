"""`appraise db backup|restore` and `appraise mail pause|resume`: what they say, and with which exit code they end."""

import shutil
from pathlib import Path

import pytest

from cli.app import run
from models.migrate import head
from tests.cli.conftest import Terminal


def copy_key(office: Terminal, folder: Path) -> Path:
    folder.mkdir()
    return Path(shutil.copy(office.folder / "audit.key", folder / "audit.key"))


def test_a_backup_says_what_it_looked_at_and_where_the_key_is(office: Terminal, tmp_path: Path) -> None:
    said = office.ok("db", "backup", "--to", "copy.sqlite3", at=None).out
    file = Path("copy.sqlite3")
    assert f"copy.sqlite3: the database at {head()}, {file.stat().st_size} bytes, whole." in said
    assert "rows verified; nothing was changed." in said
    assert f"without it none is complete: it lies in {office.folder / 'audit.key'}; nothing says where" in said
    told = office.ok("db", "backup", "--to", "again.sqlite3", "--json", at=None).json
    assert (told["path"], told["audit"]["count"], told["audit_key_copy"]) == ("again.sqlite3", 0, None)
    taken = office("db", "backup", "--to", "copy.sqlite3", at=None)
    assert (taken.code, "is not written over" in taken.err, taken.err.count("\n")) == (3, True, 1)
    nowhere = office("db", "backup", "--to", str(tmp_path / "nowhere" / "copy"), at=None)
    assert (nowhere.code, "cannot be written" in nowhere.err) == (6, True)


def test_a_restored_copy_says_that_it_is_silent_and_doctor_repeats_it(
    office: Terminal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    office.ok("db", "backup", "--to", "copy.sqlite3", at=None)
    restored = tmp_path / "restored"
    words = ["--dir", str(restored), "db", "restore", "--from", "copy.sqlite3"]
    assert run(words) == 6
    assert "audit.key is missing" in capsys.readouterr().err
    assert not (restored / "appraise.sqlite3").exists()
    copy_key(office, restored)
    assert run(words) == 0
    said = capsys.readouterr().out
    assert f"The database is restored from copy.sqlite3 and stands at {head()}." in said
    assert "This copy mails nobody until you run `appraise mail resume`" in said
    assert run(words) == 3
    assert "is there already and is not written over; move it away first." in capsys.readouterr().err

    copy = Terminal(restored, capsys)
    note = "This copy of the database mails nobody until it is told to."
    assert note in copy("doctor", at=None).out
    assert "Sending is resumed" in copy.ok("mail", "resume").out
    assert note not in copy("doctor", at=None).out
    assert copy.ok("mail", "resume").out == "Sending was not paused.\n"
    assert copy.ok("mail", "pause", "--json").json == {"paused": True, "changed": True}
    assert copy.ok("mail", "pause", "--json").json == {"paused": True, "changed": False}
    assert "Nothing was changed." in copy.ok("audit", "verify").out


def test_a_backup_of_what_was_changed_is_kept_and_ends_with_1(office: Terminal) -> None:
    with office.opened() as wiring, wiring.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO text_body (body, salt, digest) VALUES ('other words', 's', 'd')")
    done = office("db", "backup", "--to", "copy.sqlite3", at=None)
    assert (done.code, Path("copy.sqlite3").is_file()) == (1, True)
    assert done.err.startswith("The backup is kept, but its audit found faults; the first is text ")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a spreadsheet"])
def test_what_is_no_backup_ends_with_2(office: Terminal, tmp_path: Path, content: bytes) -> None:
    Path("copy").write_bytes(content)
    copy_key(office, tmp_path / "restored")
    assert run(["--dir", str(tmp_path / "restored"), "db", "restore", "--from", "copy"]) == 2
    assert list((tmp_path / "restored").iterdir()) == [tmp_path / "restored" / "audit.key"]

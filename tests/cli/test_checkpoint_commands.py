"""`appraise audit checkpoint`, `audit verify --checkpoint`, and the line under result tables."""

import stat
from pathlib import Path

import openpyxl

from tests.cli.conftest import Terminal
from tests.cli.test_databases import sqlite
from tests.services.builders import OFFICER

HR = ("--as", OFFICER)


def cut(office: Terminal, statement: str) -> None:
    """Write past the guards, which stand again afterwards."""
    with sqlite(office.folder) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement)
    office.ok("db", "upgrade", at=None)


def test_the_first_one_makes_the_keys_and_a_cut_end_is_named(office: Terminal, tmp_path: Path) -> None:
    for _ in range(2):
        assert office("cycle", "open", "2027Q4", *HR).code == 4
    first = office.ok("audit", "checkpoint", "--to", "one.json")
    key, public = office.folder / "checkpoint.key", office.folder / "checkpoint.pub"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert b"BEGIN PUBLIC KEY" in public.read_bytes()
    assert f"Give him the public key once as well: {public}" in first.out
    second = office.ok("audit", "checkpoint", "--to", "two.json")
    assert "Give him the public key" not in second.out
    assert "Nothing was changed." in office.ok("audit", "verify", "--checkpoint", "two.json").out

    cut(office, "DELETE FROM event WHERE stream = 'refusals' AND seq = 2")
    assert "is found with a checkpoint alone" in office.ok("audit", "verify").out
    found = office("audit", "verify", "--checkpoint", "two.json")
    assert found.code == 1
    assert "missing-tail  stream refusals: its end is missing: it ends at number 1" in found.out
    assert found.err.startswith("The audit found 1 fault; the first is stream refusals: its end is missing")

    moved = tmp_path / "given.pub"
    public.rename(moved)
    lost = office("audit", "verify", "--checkpoint", "one.json")
    assert (lost.code, "name a copy of it with --public-key" in lost.err) == (6, True)
    assert office("audit", "verify", "--checkpoint", "one.json", "--public-key", str(moved)).code == 1


def test_what_is_refused_leaves_nothing(office: Terminal, tmp_path: Path) -> None:
    office.ok("audit", "checkpoint", "--to", "one.json")
    again = office("audit", "checkpoint", "--to", "one.json")
    assert (again.code, again.err) == (3, "one.json is there already and is not written over; name another file.\n")
    assert office("audit", "checkpoint", "--to", str(tmp_path / "nowhere" / "x.json")).code == 6
    assert office("audit", "checkpoint", "--to", "two.json", "--new-key").code == 3
    (office.folder / "checkpoint.key").unlink()
    lost = office("audit", "checkpoint", "--to", "two.json")
    assert (lost.code, "begin a new one with --new-key" in lost.err) == (6, True)
    assert not Path("two.json").exists()
    renewed = office.ok("audit", "checkpoint", "--to", "two.json", "--new-key")
    assert "Give him the public key once as well" in renewed.out
    assert office("audit", "verify", "--checkpoint", "one.json").code == 1
    (old,) = office.folder.glob("checkpoint-*.pub")
    office.ok("audit", "verify", "--checkpoint", "one.json", "--public-key", str(old))


def test_without_a_name_it_is_called_after_its_moment(office: Terminal) -> None:
    made = office.ok("audit", "checkpoint", "--json", at="2026-03-01T10:00").json
    assert made["path"] == "checkpoint-20260301T020000Z.json"
    assert Path(made["path"]).is_file()
    assert set(made) == {"path", "made_at", "streams", "rows", "fingerprint", "key", "public_key_file"}


def test_result_tables_show_the_newest_fingerprint_once_there_is_one(quarter: Terminal, tmp_path: Path) -> None:
    plain = quarter.ok("cycle", "results", "2026Q1", *HR).out
    assert "checkpoint" not in plain
    quarter.ok("audit", "checkpoint", "--to", "one.json")
    newest = quarter.ok("audit", "checkpoint", "--to", "two.json", "--json").json["fingerprint"]
    line = f"Newest checkpoint: {newest} of 2026-01-05 12:00"
    assert quarter.ok("cycle", "results", "2026Q1", *HR).out.splitlines()[-1] == line
    for form in ("csv", "json", "xlsx"):
        file = tmp_path / f"table.{form}"
        assert line in quarter.ok("export", "2026Q1", "--to", str(file), *HR).out
    assert f'"checkpoint": "{newest}"' in (tmp_path / "table.json").read_text(encoding="utf-8")
    sheet = openpyxl.load_workbook(tmp_path / "table.xlsx").worksheets[0]
    assert sheet.oddFooter.center.text == f"Newest checkpoint: {newest}"

"""`appraise tick`: reminders, owed work and mails, once; the clock of practice data stands where it is put."""

from pathlib import Path

import pytest
from sqlalchemy import update

from models.columns import table_of
from models.people import Organisation
from tests.cli.conftest import Terminal


def test_the_clock_stays_where_it_was_set_and_a_second_tick_adds_nothing(quarter: Terminal) -> None:
    first = quarter.ok("tick", "--at", "2026-01-12T09:00", "--json", at=None).json
    assert first["at"] == "2026-01-12T01:00:00+00:00"
    assert first["promised"] > 0
    assert quarter.ok("tick", "--json", at=None).json["promised"] == 0
    assert quarter.ok("work", "--as", "1009", at=None).out == "Nothing waits for you.\n", "his statement is over"
    assert "5 working days" in quarter.ok("work", "--as", "1002", at=None).out
    assert quarter.ok("tick", at=None).out == "2026-01-12 09:00: 0 messages promised.\n"


def test_a_dry_run_shows_what_would_be_done_and_does_nothing(quarter: Terminal) -> None:
    ran = quarter.ok("tick", "--dry-run", "--at", "2026-01-12T09:00", at=None)
    assert "skip" in ran.out
    assert "the days of “draft” are over (move-on)" in ran.out
    foreseen = quarter.ok("tick", "--dry-run", "--at", "2026-01-12T09:00", "--json", at=None).json
    assert {one["what"] for one in foreseen["would"]} >= {"your-turn", "skip"}
    done = quarter.ok("tick", "--at", "2026-01-12T09:00", "--json", at=None).json
    assert done["jobs"]["deadlines.run-out"] == len([one for one in foreseen["would"] if one["what"] == "skip"])
    assert quarter.ok("tick", "--dry-run", at=None).out == "2026-01-12 09:00: nothing would be done.\n"


def test_real_data_have_the_clock_of_the_machine(quarter: Terminal) -> None:
    with quarter.opened() as wiring, wiring.uow.write() as tx:
        tx.run(update(table_of(Organisation)).values(kind="live"))
    assert quarter("tick", "--at", "2026-01-12", at=None).code == 3
    ran = quarter("tick", at="2026-01-12T09:00")
    assert (ran.code, ran.err[:10]) == (3, "--at works")


def test_a_moment_that_is_none_is_malformed(quarter: Terminal) -> None:
    assert quarter("tick", "--at", "tomorrow", at=None).code == 2
    assert quarter("work", "--as", "1009", at="soon").code == 2


def test_without_a_database_a_command_says_what_to_do(tmp_path: Path, office: Terminal) -> None:
    ran = Terminal(tmp_path / "nowhere", office.capture)("cycle", "list", at=None)
    assert ran.code == 6
    assert "appraise db upgrade" in ran.err
    assert ran.err.count("\n") == 1


def test_a_wrong_setting_is_one_sentence(office: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPRAISE_CHUNK_SIZE", "many")
    ran = office("cycle", "list")
    assert ran.code == 6
    assert ran.err.startswith("APPRAISE_CHUNK_SIZE is 'many'")

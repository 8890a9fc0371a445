"""A quarter played through the terminal alone: from its opening to a final table, export and audit."""

import csv
import json
import shutil
import sqlite3
from pathlib import Path

import openpyxl
import pytest

from cli.app import run
from models.columns import table_of
from models.people import Grant
from tests.cli.conftest import Terminal
from tests.services.builders import granted

FEBRUARY = "2026-02-06T18:00"
APRIL = "2026-04-01T09:00"
HR = ("--as", "1007")
JUDGES = {
    "1004": ("1002", "1001"),
    "1005": ("1004", "1001"),
    "1006": ("1004", "1001"),
    "1007": ("1006", "1004"),
    "1008": ("1006", "1004"),
    "1009": ("1005", "1004"),
}
"""Who scores and who reviews each of the six."""


@pytest.fixture(scope="module")
def played_data(tmp_path_factory: pytest.TempPathFactory, quarter_data: Path) -> Path:
    """A data folder whose clock stands on 1 April: everybody has accepted, 96 and 90 points among hundreds."""
    folder = tmp_path_factory.mktemp("played") / "data"
    shutil.copytree(quarter_data, folder)

    def act(*words: str, at: str | None = None) -> None:
        assert run(["--dir", str(folder), *([] if at is None else ["--at", at]), *words]) == 0

    lost = ("--on", "2026-02-03", "--amount", "4", "--reason", "files lost")
    act("finding", "add", "1006", "B4.1", *lost, "--as", "1004", at=FEBRUARY)
    for month, day in (("2026-01", "2026-01-06"), ("2026-02", "2026-02-06")):
        extent = ("--coverage", "1", "--evidence", "log")
        act("duty", "record", "1005", "A1.1", month, "--day", day, *extent, "--as", "1005", at=FEBRUARY)
    act("tick", "--at", APRIL)
    act("duty", "confirm", "1005", "A1.1", "2026-03", "--as", "1004")
    for number, (assessor, reviewer) in JUDGES.items():
        for action, by in (("state", number), ("submit", assessor), ("approve", reviewer), ("accept", number)):
            act("act", f"2026Q1/{number}", action, "--comment", "done", "--as", by)
    return folder


@pytest.fixture
def played(tmp_path: Path, played_data: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """The terminal on a copy of that folder."""
    folder = tmp_path / "data"
    shutil.copytree(played_data, folder)
    return Terminal(folder, capsys)


@pytest.fixture
def final(played: Terminal) -> Terminal:
    """The same, proposed and signed."""
    played.ok("cycle", "propose", "2026Q1", *HR, at=None)
    played.ok("cycle", "approve", "2026Q1", "--as", "1001", at=None)
    return played


def test_two_sign_and_the_table_is_final(played: Terminal) -> None:
    proposed = played.ok("cycle", "propose", "2026Q1", *HR, "--json", at=None).json
    assert (proposed["rows"], proposed["rated"]) == (6, 6)
    assert played("cycle", "approve", "2026Q1", *HR, at=None).code == 3
    assert played("cycle", "approve", "2026Q1", "--digest", "0" * 64, "--as", "1001", at=None).code == 5
    ran = played.ok("cycle", "approve", "2026Q1", "--digest", proposed["digest"], "--as", "1001", at=None)
    assert "It is final." in ran.out
    rows = {
        row["number"]: row for row in played.ok("cycle", "results", "2026Q1", "--as", "1001", "--json", at=None).json
    }
    assert {number: row["total"] for number, row in rows.items()} == {
        "1004": "100",
        "1005": "90",
        "1006": "96",
        "1007": "100",
        "1008": "100",
        "1009": "100",
    }
    assert {row["stage"] for row in rows.values()} == {"closed"}
    assert list(rows["1004"])[:5] == ["number", "post", "stage", "total", "grade"]
    assert all(row["final"] for row in rows.values())


def test_a_table_is_proposed_as_it_was_looked_at(played: Terminal) -> None:
    moves = played.ok("cycle", "status", "2026Q1", *HR, "--json", at=None).json["moves"]
    assert f"{moves} moves were made so far." in played.ok("cycle", "status", "2026Q1", *HR, at=None).out
    other = played("cycle", "propose", "2026Q1", "--moves", str(moves - 1), *HR, at=None)
    assert other.code == 5
    assert f"they made {moves} moves, you saw {moves - 1}" in other.err
    assert played("cycle", "propose", "2026Q1", "--moves", str(moves), "--late", *HR, at=None).code == 2
    played.ok("cycle", "propose", "2026Q1", "--moves", str(moves), *HR, at=None)


def test_the_table_and_its_distribution_are_drawn(final: Terminal) -> None:
    drawn = final.ok("cycle", "results", "2026Q1", "--as", "1001", at=None).out
    assert "  100-104  ████ 4\n    95-99  █ 1\n    90-94  █ 1\n" in drawn


def test_a_person_sees_his_own_row_only(final: Terminal) -> None:
    rows = final.ok("cycle", "results", "2026Q1", "--as", "1009", "--json", at=None).json
    assert [row["number"] for row in rows] == ["1009"]


def test_the_result_of_a_person_is_explained_once_it_is_signed(played: Terminal) -> None:
    whole = ("explain", "2026Q1/1006", "--person", "--as", "1006")
    early = played(*whole, at=None)
    assert early.code == 4
    assert early.err == "There is no result of 1006 in 2026Q1, or it is not yours to see.\n"
    played.ok("cycle", "propose", "2026Q1", *HR, at=None)
    played.ok("cycle", "approve", "2026Q1", "--as", "1001", at=None)
    told = played.ok(*whole, "--json", at=None).json
    assert (told["cycle"], told["number"]) == ("2026Q1", "1006")
    assert played.ok(*whole, at=None).out == "".join(f"{line}\n" for line in told["lines"])
    assert "96 points" in told["lines"][0]
    assert played(*whole[:-1], "1009", at=None).code == 4


def test_a_refused_proposal_leaves_nothing(played: Terminal) -> None:
    played.ok("cycle", "propose", "2026Q1", *HR, at=None)
    assert played("cycle", "refuse", "2026Q1", "--reason", " ", "--as", "1001", at=None).code == 3
    refuse = ("cycle", "refuse", "2026Q1", "--reason", "1009 was scored twice", "--as", "1001", "--json")
    assert played.ok(*refuse, at=None).json == {"cycle": "2026Q1", "state": "open"}
    assert played.ok("cycle", "list", "--json", at=None).json[0]["state"] == "open"
    assert not any(row["final"] for row in played.ok("cycle", "results", "2026Q1", *HR, "--json", at=None).json)


def test_nobody_acts_in_a_final_cycle(final: Terminal) -> None:
    ran = final("act", "2026Q1/1009", "object", "--line", "F1", "--comment", "late", "--as", "1009", at=None)
    assert ran.code == 3
    late = ("--on", "2026-02-03", "--amount", "3", "--reason", "late")
    assert final("finding", "add", "1006", "B4.1", *late, "--as", "1004", at=None).code == 3


def test_a_correction_takes_two_and_shows_the_difference(final: Terminal, people: dict[str, int]) -> None:
    words = ("cycle", "correct", "2026Q1/1006")
    assert final(*words, "--line", "F1=strike", "--reason", "a superior", *HR, at=None).code == 3
    with final.opened() as wiring, wiring.uow.write() as tx:
        tx.insert(table_of(Grant), granted(people["1002"], "hr"))
    proposal = (*words, "--line", "F1=strike", "--reason", "the files were found", "--as", "1002")
    assert final(*words, "--reason", "nothing", "--as", "1002", at=None).code == 2
    found = final.ok(*proposal, "--json", at=None).json
    assert (found["before"], found["after"]) == ("96", "100")
    assert final(*words, "--approve", "--as", "1002", at=None).code == 3
    signed = final.ok(*words, "--approve", "--digest", found["digest"], "--as", "1001", at=None)
    assert "2026Q1/1006@deputy-personnel: corrected." in signed.out
    rows = final.ok("cycle", "results", "2026Q1", "--as", "1001", "--json", at=None).json
    assert {row["number"]: row["total"] for row in rows}["1006"] == "100"


@pytest.mark.parametrize("form", ["csv", "json", "xlsx"])
def test_results_are_exported_in_three_forms(final: Terminal, tmp_path: Path, form: str) -> None:
    file = tmp_path / f"results.{form}"
    assert "SHA-256" in final.ok("export", "2026Q1", "--to", str(file), "--as", "1001", at=None).out
    if form == "csv":
        rows = list(csv.DictReader(file.read_text(encoding="utf-8-sig").splitlines()))
        assert {row["total"] for row in rows if row["number"] == "1006"} == {"96"}
    elif form == "json":
        rows = json.loads(file.read_text(encoding="utf-8"))["rows"]
        assert {row["total"] for row in rows if row["number"] == "1006"} == {"96"}
    else:
        assert openpyxl.load_workbook(file).active is not None


def test_an_export_that_cannot_be_written_or_has_no_form_leaves_nothing(final: Terminal, tmp_path: Path) -> None:
    assert final("export", "2026Q1", "--to", str(tmp_path / "results.pdf"), *HR, at=None).code == 2
    assert final("export", "2026Q1", "--to", str(tmp_path / "nowhere" / "results.csv"), *HR, at=None).code == 6
    assert final("export", "2027Q1", "--to", str(tmp_path / "results.csv"), *HR, at=None).code == 4
    assert sorted(each.name for each in tmp_path.iterdir()) == ["data"]


def test_the_audit_finds_nothing_and_then_the_row_that_was_tampered_with(final: Terminal) -> None:
    assert final.ok("audit", "verify", at=None).out.endswith("Nothing was changed.\n")
    assert "6 scores of 2026Q1 proved." in final.ok("audit", "prove", "2026Q1", at=None).out
    database = sqlite3.connect(final.folder / "appraise.sqlite3")
    for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        database.execute(f'DROP TRIGGER "{trigger}"')
    database.execute("UPDATE move SET action = 'skip' WHERE id = (SELECT max(id) FROM move)")
    database.commit()
    database.close()
    ran = final("audit", "verify", at=None)
    assert ran.code == 1
    assert "the first is move 2026Q1/1009@escort" in ran.err
    assert final("audit", "verify", "--json", at=None).json["count"] >= 1


def test_a_stored_total_that_was_changed_is_not_proved_and_its_figure_is_not_told(final: Terminal) -> None:
    database = sqlite3.connect(final.folder / "appraise.sqlite3")
    for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        database.execute(f'DROP TRIGGER "{trigger}"')
    database.execute("UPDATE score SET total = total - 1000000 WHERE total = 96000000")
    database.commit()
    database.close()
    ran = final("audit", "prove", "2026Q1", at=None)
    assert ran.code == 1
    assert "the first is total of 2026Q1/1006@deputy-personnel" in ran.err
    assert "96" not in ran.out + ran.err


def test_a_chain_is_shown_to_those_who_may_read_it(final: Terminal) -> None:
    own = final.ok("audit", "show", "2026Q1/1009", "--as", "1009", at=None).out
    assert [word for word in ("state", "submit", "approve", "accept") if word not in own] == []
    assert "2026-04-01 09:00" in own
    assert "proposed" in final.ok("audit", "show", "cycle:2026Q1", "--as", "1001", at=None).out
    assert final("audit", "show", "cycle:2026Q1", "--as", "1009", at=None).code == 3
    assert final("audit", "show", "2026Q1/1009", "--as", "1008", at=None).code == 4
    assert final("audit", "show", "nonsense", "--as", "1001", at=None).code == 2

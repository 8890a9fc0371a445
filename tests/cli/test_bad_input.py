"""What people get wrong, through the terminal: one sentence, the exit code that says whose turn it is, nothing written.

Definitions, ledgers, single findings, databases and disks have their tables beside the commands that read them; here
stand spreadsheets, and acts at the wrong moment or by the wrong person.
"""

import sqlite3
from pathlib import Path

import pytest

from cli.app import CRASH_FILE
from models.columns import table_of
from models.people import Grant
from tests.cli.conftest import Ran, Terminal
from tests.services.builders import TinyOffice, granted
from tests.services.closing import close_all
from tests.services.sheets import Sheets, changed, with_row, xlsx

HR = ("--as", "1007")
APRIL = "2026-04-10T12:00"
DIRECTOR = "2026Q1/1004"
LATE = ("finding", "add", "1004", "D1.1", "--on", "2026-01-05", "--amount", "4", "--reason", "late", "--as", "1002")


def content(folder: Path) -> list[str]:
    """Every row of a data folder's database but the refusals, which a refused act leaves on purpose."""
    connection = sqlite3.connect(folder / "appraise.sqlite3")
    try:
        return [line for line in connection.iterdump() if "'refusals'" not in line and "sqlite_sequence" not in line]
    finally:
        connection.close()


def fails(terminal: Terminal, *words: str, code: int, said: str, at: str | None = APRIL) -> Ran:
    """Run a command that must fail: with this exit code and sentence, without a traceback, and nothing is written."""
    before = content(terminal.folder)
    ran = terminal(*words, at=at)
    assert ran.code == code, ran.err
    assert said in ran.err
    assert ran.out == ""
    assert "Traceback" not in ran.err
    assert not Path(CRASH_FILE).exists()
    assert content(terminal.folder) == before
    return ran


def refused(terminal: Terminal, *words: str, code: int = 3, said: str, at: str | None = APRIL) -> None:
    """Run a command that must fail in exactly one sentence."""
    ran = fails(terminal, *words, code=code, said=said, at=at)
    assert ran.err.count("\n") == 1, ran.err
    assert ran.err.endswith(".\n"), ran.err


@pytest.mark.parametrize(
    ("sheets", "said"),
    [
        (
            with_row("people", "1004", "李娜", "zh", "", "", ""),
            "row 9, column number: the employee number 1004 is there twice (also in row 5)",
        ),
        (
            changed("people", "1002", "email", "dahl@bank.example\nBcc: all@bank.example"),
            "row 3, column email: this address has a line break in it",
        ),
        (changed("assignments", "1004", "post", "astronaut"), "row 5, column post: there is no post 'astronaut'"),
        (changed("assignments", "1004", "manager", "4711"), "nobody has the employee number 4711"),
        (changed("assignments", "1001", "manager", "1003"), "these report in a circle: 1001 高建国 -> 1003 王芳"),
        (with_row("units", "office", "Office", "bank", "1003"), "the unit office has two heads"),
    ],
    ids=["number-twice", "line-break", "unknown-post", "unknown-person", "circle", "two-heads"],
)
def test_a_spreadsheet_with_a_fault_is_refused_whole(
    nothing: Terminal, tmp_path: Path, sheets: Sheets, said: str
) -> None:
    file = tmp_path / "bank.xlsx"
    file.write_bytes(xlsx(sheets))
    ran = fails(nothing, "org", "import", str(file), "--yes", code=2, said=said, at=None)
    assert ran.err.startswith(f"{file} has 1 error and nothing was written:\n")
    assert ran.err.count("\n") == 2


def test_a_person_without_a_manager_is_pointed_out_and_imported(nothing: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "bank.xlsx"
    file.write_bytes(xlsx(changed("assignments", "1003", "manager", "")))
    ran = nothing("org", "import", str(file), "--yes", at=None)
    assert ran.code == 0
    assert "1003 王芳 has no manager; name one." in ran.out + ran.err


def test_nothing_enters_a_closed_ledger(quarter: Terminal) -> None:
    quarter.ok("act", DIRECTOR, "start", "--as", "1002", at=APRIL)
    quarter.ok("act", DIRECTOR, "submit", "--as", "1002", at=APRIL)
    refused(quarter, *LATE, said="it must be returned before anything enters")


def test_acting_on_the_work_of_others_out_of_order_twice_or_on_a_stale_version(quarter: Terminal) -> None:
    refused(quarter, "act", DIRECTOR, "approve", "--as", "1008", code=4, said="There is no appraisal 2026Q1/1004")
    refused(quarter, "act", DIRECTOR, "approve", "--as", "1001", said="the stage is")
    stale = ("act", DIRECTOR, "start", "--version", "7", "--as", "1002")
    refused(quarter, *stale, code=5, said="has changed since you looked")
    quarter.ok("act", DIRECTOR, "start", "--as", "1002", at=APRIL)
    refused(quarter, "act", DIRECTOR, "submit", "--as", "1001", said="“Submit the score” is for the assessor")
    quarter.ok("act", DIRECTOR, "submit", "--as", "1002", at=APRIL)
    refused(quarter, "act", DIRECTOR, "submit", "--as", "1002", said="already submitted")


def test_nothing_moves_in_a_cancelled_cycle(quarter: Terminal) -> None:
    quarter.ok("cycle", "cancel", "2026Q1", "--reason", "planned twice", *HR, at=APRIL)
    refused(quarter, "act", DIRECTOR, "start", "--as", "1002", said="cancelled")
    refused(quarter, "cycle", "open", "2026Q1", *HR, said="The cycle is cancelled, and nothing can be done any more")


def test_opening_twice_and_proposing_early(quarter: Terminal) -> None:
    refused(quarter, "cycle", "open", "2026Q1", *HR, said="The cycle 2026Q1 is open already")
    refused(quarter, "cycle", "propose", "2026Q1", *HR, said="6 in “Own statement”")


def test_nobody_signs_his_own_proposal_even_as_approver(
    quarter: Terminal, office_data: tuple[Path, TinyOffice]
) -> None:
    with quarter.opened() as wiring:
        close_all(wiring.uow, office_data[1])
        with wiring.uow.write() as tx:
            tx.insert(table_of(Grant), granted(office_data[1].people["1007"], "approver"))
    proposed = quarter.ok("cycle", "propose", "2026Q1", *HR, "--json", at=APRIL).json
    sign = ("cycle", "approve", "2026Q1", "--digest", proposed["digest"])
    refused(quarter, *sign, *HR, said="propos")
    refused(quarter, "cycle", "approve", "2026Q1", "--digest", "0" * 64, "--as", "1001", code=5, said="")
    quarter.ok(*sign, "--as", "1001", at=APRIL)
    refused(quarter, "act", DIRECTOR, "accept", "--as", "1004", said="already")
    refused(quarter, *LATE, said="closed")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("cycle", "new", "2026Q2", "--rubric", "no-such", *HR), 4, "no-such"),
        (("cycle", "status", "2027Q1", *HR), 4, "There is no cycle 2027Q1; `appraise cycle list` lists them."),
        (("finding", "add", "7777", *LATE[3:]), 4, "Nobody has the employee number 7777"),
        (("finding", "add", "1004", "Z9.9", *LATE[4:]), 3, "Z9.9"),
        (("work",), 2, "Say as whom: add --as and an employee number."),
        (("work", "--as", "7777"), 4, "Nobody has the employee number 7777."),
    ],
)
def test_what_there_is_not_is_named(quarter: Terminal, words: tuple[str, ...], code: int, said: str) -> None:
    refused(quarter, *words, code=code, said=said)

"""`--request KEY`: a command that is said again is answered as before; and what ends a command before its end."""

import os
import pty
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.cli.conftest import Terminal
from tests.cli.test_bad_input import refused
from tests.cli.test_serving import APPRAISE, SECONDS

FEBRUARY = "2026-02-10T10:00"
LOST = ("1008", "C3.1", "--on", "2026-02-03", "--amount", "4", "--reason", "files lost", "--as", "1006")
CIRCULAR = ("document", "add", "circular", "7", "--day", "2026-02-09", "--issuer", "A bank", "--as", "1007")


def rows(terminal: Terminal, table: str) -> int:
    """Return how many rows a table has."""
    with terminal.opened() as wiring, wiring.uow.read() as tx:
        return int(tx.connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())  # noqa: S608 - ours


@pytest.mark.parametrize(
    ("words", "table"),
    [
        (("finding", "add", *LOST), "finding"),
        (CIRCULAR, "document"),
        (("duty", "record", "1005", "A1.1", "2026-02", "--day", "2026-02-09", "--coverage", "1", "--evidence", "a log",
          "--as", "1005"), "duty_record"),
        (("act", "2026Q1/1008", "start", "--as", "1006"), "move"),
    ],
)  # fmt: skip
def test_said_again_under_its_key_a_command_is_answered_as_before(
    quarter: Terminal, words: tuple[str, ...], table: str
) -> None:
    before = rows(quarter, table)
    first = quarter.ok(*words, "--request", "k-1", at=FEBRUARY)
    assert quarter.ok(*words, "--request", "k-1", at=FEBRUARY) == first
    assert rows(quarter, table) == before + 1


def test_links_claims_and_replies_take_a_key_too(quarter: Terminal) -> None:
    quarter.ok(*CIRCULAR, at=FEBRUARY)
    quarter.ok(*(word.replace("circular", "commendation") for word in CIRCULAR), at=FEBRUARY)
    link = ("document", "link", "D1", "--to", "1008=C3.1=3", "--on", "2026-02-03", "--reason", "found", "--yes")
    for words in (
        (*link, "--as", "1006"),
        ("finding", "claim", "1005", "A1.8", "--on", "2026-02-09", "--document", "D2", "--as", "1005"),
        ("finding", "reply", "F1", "I was on leave.", "--as", "1008"),
    ):
        first = quarter.ok(*words, "--json", "--request", f"{words[1]}-1", at=FEBRUARY)
        assert quarter.ok(*words, "--json", "--request", f"{words[1]}-1", at=FEBRUARY).out == first.out
    assert [rows(quarter, table) for table in ("finding", "reply")] == [2, 1]


def test_another_request_under_the_same_key_is_a_conflict(quarter: Terminal) -> None:
    quarter.ok("finding", "add", *LOST, "--request", "k-1", at=FEBRUARY)
    other = [word if word != "4" else "5" for word in LOST]
    said = "The request key k-1 stands for another request of yours, so nothing was written"
    refused(quarter, "finding", "add", *other, "--request", "k-1", code=5, said=said, at=FEBRUARY)
    refused(quarter, *CIRCULAR, "--request", "\n", code=2, said="A request key has 1 to 100 characters", at=FEBRUARY)


def test_an_action_that_there_is_not_is_a_usage_error_that_lists_those_there_are(quarter: Terminal) -> None:
    for words in (("2026Q1/1008",), ("2026Q1/1008", "2026Q1/1009")):
        refused(
            quarter, "act", *words, "applaud", "--as", "1004", code=2,
            said="There is no action 'applaud'; there are accept, approve, change,",
        )  # fmt: skip
    with quarter.opened() as wiring, wiring.uow.read() as tx:
        refusals = tx.connection.exec_driver_sql("SELECT count(*) FROM event WHERE stream = 'refusals'").scalar_one()
    assert refusals == 0


HEARING = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Starts a program that hears Ctrl-C, whoever started these tests: what a shell puts aside with & does not."""


def test_ctrl_c_at_a_question_ends_with_130_and_one_sentence_and_writes_nothing(
    quarter: Terminal, tmp_path: Path
) -> None:
    quarter.ok(*CIRCULAR, at=FEBRUARY)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("APPRAISE_")}
    words = ("--dir", str(quarter.folder), "--at", FEBRUARY, "document", "link", "D1", "--to", "1008=C3.1=3",
             "--on", "2026-02-03", "--reason", "found", "--as", "1006")  # fmt: skip
    keyboard, screen = pty.openpty()
    try:
        with subprocess.Popen(
            [sys.executable, "-c", HEARING, str(APPRAISE), *words],
            cwd=tmp_path,
            env=kept,
            stdin=screen,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            # Whatever it says instead of the question, it is ended.
            late = threading.Timer(SECONDS, process.kill)
            late.start()
            asked = b""
            while process.stderr is not None and not asked.endswith(b"[y/N]:"):
                letter = process.stderr.read(1)
                assert letter, asked
                asked += letter
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=SECONDS)
            late.cancel()
    finally:
        os.close(keyboard)
        os.close(screen)
    assert process.returncode == 130
    assert told.decode().strip() == "Stopped; what was not finished has not been written."
    assert rows(quarter, "finding") == 0

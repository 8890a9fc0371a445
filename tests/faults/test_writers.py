"""Four processes that write into one file through the services: nothing is lost, and nobody hears of a lock."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from services import verification
from tests.faults.crowd import hire
from tests.faults.staging import staged
from tests.services.builders import open_quarter
from tests.services.playing import Play

ROOT = Path(__file__).parents[2]
WRITERS = 4
SECONDS = 300


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("people", [6, pytest.param(150, marks=pytest.mark.long)])
def test_four_processes_write_one_file_and_nothing_is_lost(
    people: int, database: str, request: pytest.FixtureRequest
) -> None:
    def prepare(play: Play) -> None:
        hire(play, people)
        open_quarter(play.uow, play.office)

    with staged(database, request, prepare) as stage:
        play = stage.again()
        play.uow.engine.dispose()
        url = play.uow.engine.url.render_as_string()
        office = json.dumps(asdict(play.office))
        writers = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.faults.writer", url, f"{share}/{WRITERS}", office],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
            for share in range(WRITERS)
        ]  # fmt: skip
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        told = [writer.communicate(timeout=SECONDS) for writer in writers]
        assert told == [("", "")] * WRITERS
        assert [writer.returncode for writer in writers] == [0] * WRITERS

        findings = play.rows("SELECT count(*) AS n FROM finding GROUP BY assignment_id")
        assert [row.n for row in findings] == [WRITERS] * people
        moves = play.rows("SELECT action, count(*) AS n FROM move GROUP BY action ORDER BY action")
        assert [(row.action, row.n) for row in moves] == [("start", people), ("state", people)]
        versions = play.rows("SELECT ledger_version AS n FROM appraisal WHERE version = 2")
        assert [row.n for row in versions] == [WRITERS] * people
        assert verification.verify(play.uow).faults == ()

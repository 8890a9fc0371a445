"""The storm in a short form: it counts what was owed and arrived, and finds what is planted in its count."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COUNTS = {"owed", "delivered", "in_doubt", "missing", "doubled"}


def storm(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tests.faults.storm", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)


@pytest.mark.faults
@pytest.mark.parametrize("mode", ["embedded", "server"])
def test_after_a_short_storm_nothing_is_missing_and_nothing_doubled(mode: str) -> None:
    done = storm("--seed", "3", "--minutes", "0.1", "--mode", mode, "--people", "6", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    (row,) = json.loads(done.stdout)["rows"]
    assert row["mode"] == mode
    assert row["seed"] == 3
    assert row.keys() >= COUNTS
    assert row["owed"] > 0
    assert 0 < row["kills"] <= sum(row["harms"].values())
    assert row["owed"] <= row["delivered"] + row["in_doubt"]
    assert (row["missing"], row["doubled"], row["unasked"]) == (0, 0, 0)


@pytest.mark.faults
@pytest.mark.parametrize("plant", ["missing", "doubled"])
def test_a_mail_that_is_taken_out_of_the_record_or_put_in_twice_is_found(plant: str) -> None:
    done = storm("--seed", "4", "--minutes", "0.02", "--mode", "embedded", "--people", "2", "--plant", plant, "--json")
    assert done.returncode == 1, done.stdout + done.stderr
    (row,) = json.loads(done.stdout)["rows"]
    assert row[plant] > 0
    assert f"embedded: {plant}: " in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--minutes", "0"], "'0' is no number of minutes above 0"),
        (["--mode", "calm"], "'calm'"),
        (["--people", "none"], "'none' is no whole number from 1 to 1000"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(arguments: list[str], said: str) -> None:
    done = storm(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr

"""The storm in a short form: it counts what was owed and arrived, and finds what is planted in its count."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.storm.__main__ import MODES, Storm
from tests.faults.storm.reckoning import Counts

ROOT = Path(__file__).parents[2]
COUNTS = {"owed", "delivered", "in_doubt", "missing", "doubled"}
GOOD = {"owed": 5, "delivered": 4, "in_doubt": 1}


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


def test_without_a_mode_each_mode_has_a_row() -> None:
    done = storm("--seed", "5", "--minutes", "0.01", "--people", "2", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(done.stdout)["rows"]
    assert [row["mode"] for row in rows] == list(MODES)
    assert min(row["owed"] for row in rows) > 0
    assert min(row["kills"] for row in rows) > 0


@pytest.mark.parametrize(
    ("counts", "kills", "passed"),
    [
        ({}, 1, True),
        ({"owed": 0}, 1, False),
        ({}, 0, False),
        ({"missing": 1}, 1, False),
        ({"doubled": 1}, 1, False),
        ({"unasked": 1}, 1, False),
    ],
)
def test_a_storm_passed_only_if_it_was_one_and_nothing_is_wrong(
    counts: dict[str, int], kills: int, passed: bool
) -> None:
    harms = Counter({"kill process": kills, "sink": 3})
    passing = Storm("embedded", 1, counts=Counts(**{**GOOD, **counts}), harms=harms)
    assert passing.passed is passed
    passing.faults.append("The audit does not verify.")
    assert not passing.passed


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

"""Every benchmark runs, small, on both databases; what differs is noticed; a floor's process has nothing of ours."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks import floors, measure
from benchmarks.__main__ import main
from benchmarks.databases import Databases, PostgresqlDatabases, SqliteFiles
from benchmarks.moves import one_by_one, prepare_move
from benchmarks.table import BENCHMARKS, Contest, Plan, Work, contest
from tests.servers import postgresql

pytestmark = pytest.mark.benches
ROOT = Path(__file__).parents[2]
SIZES = {
    "move": 3,
    "submit": 3,
    "batch": 3,
    "open": 25,
    "finalise": 25,
    "tick": 40,
    "tick-few": 40,
    "prove": 25,
    "verify": 350,
}
"""How much each benchmark prepares here: as little as has every part in it."""
OF_WORKERS = 25
"""The same for those that compare two workers with one, and have no floor."""


@pytest.fixture
def databases(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> Databases:
    if database == "sqlite":
        return SqliteFiles(tmp_path)
    return PostgresqlDatabases(request.getfixturevalue("postgresql_databases"), "PostgreSQL")


def run(name: str, found: Contest, databases: Databases, kind: str, size: int) -> measure.Result:
    return measure.run(name, found, databases, kind=kind, size=size, tell=lambda _step: None)


def small(name: str) -> Contest:
    found = contest(name)
    size = SIZES.get(name, OF_WORKERS)
    return Contest(found.prepare, found.subject, found.floor, size, 0, found.units, found.apart)


@pytest.mark.long
@pytest.mark.parametrize("database", ["postgresql"])
@pytest.mark.parametrize("name", [name for name in BENCHMARKS if name not in SIZES])
def test_two_workers_leave_the_rows_of_one(name: str, databases: Databases, database: str) -> None:
    result = run(name, small(name), databases, database, OF_WORKERS)
    assert min(result.subject_us, result.floor_us) > 0
    # Each worker has the same in memory, whether it is alone or not.
    assert 0.8 < result.subject_mib / result.floor_mib < 1.25


@pytest.mark.parametrize("name", SIZES)
def test_subject_and_floor_leave_the_same_rows(name: str, databases: Databases, database: str) -> None:
    result = run(name, small(name), databases, database, SIZES[name])
    assert (result.name, result.database, result.size) == (name, database, SIZES[name])
    assert min(result.subject_us, result.floor_us, result.floor_mib) > 0
    assert result.subject_mib > result.floor_mib
    assert result.ratio == result.subject_us / result.floor_us


def forgetful(url: str, plan: Plan) -> Iterator[Work]:
    """Approve without a comment."""
    yield from one_by_one(url, plan | {"comment": None})


def big(url: str, plan: Plan) -> Iterator[Work]:
    """Approve, and tell the memory of some other process."""
    yield from one_by_one(url, plan)
    return 4096.0


def test_a_side_tells_the_memory_of_the_processes_that_do_its_work(tmp_path: Path) -> None:
    result = run("move", Contest(prepare_move, big, floors.move, 3, 0), SqliteFiles(tmp_path), "sqlite", 3)
    assert result.subject_mib == 4096 > result.floor_mib


def hasty(url: str, plan: Plan) -> Iterator[Work]:
    """Leave the last appraisal out."""
    yield from one_by_one(url, plan | {"appraisals": plan["appraisals"][:-1]})


def talkative(url: str, plan: Plan) -> Iterator[Work]:
    """Answer what the floor does not."""
    for work in one_by_one(url, plan):
        yield partial(_and_answer, work)


def _and_answer(work: Work) -> int:
    work()
    return 1


def broken(url: str, plan: Plan) -> Iterator[Work]:
    """Approve an appraisal that is not there."""
    yield from one_by_one(url, plan | {"appraisals": [4096]})


@pytest.mark.parametrize(
    ("subject", "error", "said"),
    [
        (forgetful, measure.Differs, r"different rows in text_body: only the subject has None, only the floor has \["),
        (hasty, measure.Differs, r"equally many rounds: one ended after 2"),
        (talkative, measure.Differs, r"answer differently in round 1: 1 and None"),
        (broken, measure.Broke, r"(?s)The subject ended in an error.*NotFound"),
    ],
)
def test_a_subject_that_does_something_else_is_noticed(
    subject: Any, error: type[Exception], said: str, tmp_path: Path
) -> None:
    found = Contest(prepare_move, subject, floors.move, 3, 0)
    with pytest.raises(error, match=said):
        run("move", found, SqliteFiles(tmp_path), "sqlite", 3)


def test_a_size_with_nothing_but_warm_up_has_no_figure(tmp_path: Path) -> None:
    with pytest.raises(measure.Differs, match=r"move has 2 rounds and all of them are warm-up; ask for a larger size"):
        run("move", Contest(prepare_move, one_by_one, floors.move, 2, 2), SqliteFiles(tmp_path), "sqlite", 2)


def test_the_module_of_the_floors_loads_nothing_of_the_product() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, benchmarks.measure, benchmarks.floors; print(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    roots = {name.partition(".")[0] for name in loaded}
    assert "psycopg" in roots
    assert roots.isdisjoint({"sqlalchemy", "services", "models", "workflow", "scoring", "catalog", "tests"})


def test_the_command_prints_rows_a_table_and_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["move", "--database", "sqlite", "--size", "22"]
    assert main([*asked, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["machine"]["sqlite"] == f"SQLite {sqlite3.sqlite_version}"
    (row,) = said["rows"]
    assert (row["name"], row["database"], row["rounds"]) == ("move", "sqlite", 2)
    assert {"subject_us", "floor_us", "ratio"} < set(row)
    assert main(asked) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["name", "move"]
    assert main([*asked, "--markdown"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("| move | sqlite | 22 |")
    assert "`python3 run.py bench move --database sqlite --size 22 --markdown`" in lines[-1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["haste"], "there is no benchmark 'haste'; there are move, submit"),
        (["move", "--size", "0"], "'0' is no whole number above 0"),
        (["--database", "oracle"], "'oracle'"),
    ],
)
def test_what_cannot_be_run_is_one_sentence(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_a_server_that_does_not_wait_for_its_disk_is_not_measured(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TEST_DATABASE_URL", postgresql_url)
    assert main(["move", "--database", "postgresql"]) == 6
    assert "fsync=off" in capsys.readouterr().err


def test_a_server_as_it_is_installed_waits_for_its_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_DATABASE_URL", raising=False)
    server = postgresql.start("shipped")
    try:
        from benchmarks.databases import facts

        said = facts(server.url)
    finally:
        server.stop()
    assert (said["fsync"], said["synchronous_commit"]) == ("on", "on")

"""What is known of the peers without their libraries: table, contests, lock, floor and page agree."""

import datetime as dt
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from benchmarks import floors, measure, peers
from benchmarks.__main__ import LIBRARIES, main
from benchmarks.databases import SqliteFiles
from benchmarks.table import BENCHMARKS, PEERS, WITH_PEERS, Contest, Plan, Work, contest

pytestmark = pytest.mark.benches
ROOT = Path(__file__).parents[2]


def test_table_contests_lock_and_page_name_the_same_peers() -> None:
    assert set(PEERS) == set(peers.CONTESTS)
    assert all(contest(name) is peers.CONTESTS[name] for name in PEERS)
    assert PEERS.keys().isdisjoint(BENCHMARKS)
    assert ("move", *PEERS) == WITH_PEERS
    lock = (ROOT / "requirements" / "peers.txt").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "explanation" / "performance.md").read_text(encoding="utf-8")
    locked = {Requirement(line.rstrip("\\ ")).name for line in lock.splitlines() if line[:1].isalpha()}
    for name in PEERS:
        kind = name.removeprefix("peer-")
        assert any(kind in package for package in (one.replace("-", "") for one in locked)), name
        assert (ROOT / "benchmarks" / f"peer_{kind}.py").exists()
        for database in ("sqlite", "postgresql"):
            assert f"| {name} | {database} |" in page


def approving(url: str, plan: Plan, *, to: str) -> Iterator[Work]:
    """Approve by hand, leading to the stage `to`."""
    yield from floors.peer(url, plan | {"after": to})


def test_what_a_peer_leaves_is_compared(tmp_path: Path) -> None:
    run = partial(measure.run, "peer", databases=SqliteFiles(tmp_path), kind="sqlite", size=3, tell=lambda _step: None)
    found: Any = partial(Contest, peers.prepare_named, floor=floors.peer, size=3, warm_up=0, tables=peers.tables)
    assert run(contest=found(partial(approving, to="signoff"))).rounds == 3
    with pytest.raises(measure.Differs, match="different rows in peer_approval"):
        run(contest=found(partial(approving, to="final")))


def test_moments_of_the_peers_have_six_digits(tmp_path: Path) -> None:
    url = SqliteFiles(tmp_path).fresh()
    at = peers.prepare_named(url, 1)["at"]
    assert at.utcoffset() == dt.timedelta(0)
    bare = floors.Bare(url)
    assert floors.peer_moment(bare, at) == str(at.replace(tzinfo=None))
    bare.close()


def test_without_their_libraries_the_command_says_how_they_come(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in LIBRARIES:
        monkeypatch.setitem(sys.modules, name, None)
    assert main(["peers"]) == 6
    missing = "django, viewflow, SpiffWorkflow, statemachine"
    assert (
        capsys.readouterr().err == f"Without {missing} there are no peers; `python3 run.py bench peers` brings them.\n"
    )

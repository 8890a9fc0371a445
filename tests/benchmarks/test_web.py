"""The load run on the pages: what counts as lost and doubled, and the whole of it once, small."""

import json

import pytest

from benchmarks.__main__ import main
from benchmarks.web_outcome import Moves, Outcome, Times, by_kind, refusals, settled, times
from benchmarks.web_people import DONE, Asked, Intent, kind_of

MINE = (7, "accept", 3)


def intent(*statuses: int | None) -> Intent:
    return Intent(*MINE, list(statuses))


@pytest.mark.parametrize(
    ("statuses", "rows", "became"),
    [
        ([DONE], [MINE], Moves(1, 1, 0, 0, 0, 0)),
        ([DONE, 409], [MINE], Moves(1, 1, 0, 0, 0, 0)),
        ([403], [], Moves(1, 0, 1, 0, 0, 0)),
        ([None], [], Moves(1, 0, 0, 1, 0, 0)),
        ([None], [MINE], Moves(1, 0, 0, 1, 0, 0)),
        ([DONE], [], Moves(1, 1, 0, 0, 1, 0)),
        ([DONE, DONE], [MINE], Moves(1, 1, 0, 0, 1, 0)),
        ([DONE], [MINE, MINE], Moves(1, 1, 0, 0, 0, 1)),
        ([None], [MINE, MINE], Moves(1, 0, 0, 1, 0, 1)),
        ([403], [MINE], Moves(1, 0, 1, 0, 0, 1)),
        ([DONE], [MINE, (7, "accept", 4)], Moves(1, 1, 0, 0, 0, 1)),
    ],
)
def test_what_people_were_told_is_compared_with_the_history(
    statuses: list[int | None], rows: list[tuple[int, str, int]], became: Moves
) -> None:
    assert settled([intent(*statuses)], rows) == became


def test_times_are_those_of_the_slowest_of_so_many() -> None:
    asked = [Asked("my work", n / 1000, 200) for n in range(1, 101)]
    found = times("all", asked)
    assert (found.requests, found.errors, found.p50, found.p95, found.p99) == (100, 0, 50.0, 95.0, 99.0)
    broken = [*asked, Asked("rules", 9.0, 500), Asked("rules", 9.0, None), Asked("rules", 9.0, 404)]
    assert [(one.kind, one.errors) for one in by_kind(broken)] == [("rules", 2), ("my work", 0)]


FINE = times("all", [Asked("my work", 0.1, 200)])
BROKEN = times("all", [Asked("my work", 0.1, 503)])
LANDED = Moves(1, 1, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("seen", "at_once", "moves", "faults", "sound"),
    [
        (FINE, FINE, LANDED, 0, True),
        (FINE, FINE, Moves(2, 1, 1, 0, 0, 0), 0, True),
        (BROKEN, FINE, LANDED, 0, False),
        (FINE, BROKEN, LANDED, 0, False),
        (FINE, FINE, Moves(1, 1, 0, 0, 1, 0), 0, False),
        (FINE, FINE, Moves(1, 1, 0, 0, 0, 1), 0, False),
        (FINE, FINE, LANDED, 1, False),
    ],
)
def test_a_fault_a_lost_and_a_doubled_move_are_not_sound(
    seen: Times, at_once: Times, moves: Moves, faults: int, *, sound: bool
) -> None:
    found = Outcome(1, 1.0, 2, 0.0, seen, at_once, (), moves, {}, faults)
    assert found.sound is sound
    assert found.as_json()["sound"] is sound


def test_why_acts_were_refused_is_told_but_not_of_a_double_click() -> None:
    told = [Intent(*MINE, [403], "accept: 403 No."), Intent(*MINE, [409, DONE], "accept: 409 Too late."), intent(DONE)]
    assert refusals(told) == {"accept: 403 No.": 1}


def test_pages_are_told_by_kind() -> None:
    paths = ("/", "/appraisals/2026Q1/1", "/review", "/review/2026Q1/1?done=1", "/scoring/2026Q1/1", "/rules")
    assert [kind_of(path) for path in paths] == ["my work", "an appraisal", "review", "a case", "a sheet", "rules"]


@pytest.mark.benches
def test_an_office_works_for_a_moment_and_nothing_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["web", "--size", "24", "--seconds", "6", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in said["rows"]] == [
        "web-my-work", "web-appraisal", "web-sheet", "web-review", "web-case",
    ]  # fmt: skip
    figures = ("subject_us", "floor_us", "subject_mib", "floor_mib")
    assert all(min(row[name] for name in figures) > 0 for row in said["rows"])
    (load,) = said["loads"]
    assert load["moves"]["landed"] == load["moves"]["asked"] == 24
    assert (load["all"]["errors"], load["moves"]["lost"], load["moves"]["doubled"], load["faults"]) == (0, 0, 0, 0)
    assert load["sound"]


@pytest.mark.parametrize("arguments", [["web", "move"], ["web", "--database", "sqlite"]])
def test_web_runs_alone_and_on_a_server(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "web runs alone, and on PostgreSQL" in capsys.readouterr().err

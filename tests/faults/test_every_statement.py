"""Every act that matters, broken at every statement and COMMIT in turn and done again: nothing is lost or doubled.

Everywhere on SQLite; on PostgreSQL at every COMMIT and, unless the run is a long one, at every tenth statement.
`python3 run.py test --faults tests/faults/test_every_statement.py -n 0 -s` prints how many points each was broken at,
and with `--long` instead that of PostgreSQL.
"""

import sys
from collections.abc import Iterator

import pytest

from services import verification
from tests.faults.breaking import Point, watched
from tests.faults.scenarios import SCENARIOS, Scenario
from tests.faults.snapshot import Snapshot, difference, snapshot
from tests.faults.staging import Stage, staged

Matrix = dict[tuple[str, str], dict[str, int]]


@pytest.fixture(scope="module")
def matrix() -> Iterator[Matrix]:
    """How many points of each kind were broken, by scenario and database; printed at the end."""
    found: Matrix = {}
    yield found
    sys.stdout.write("\n" + "".join(_line(name, database, counts) for (name, database), counts in found.items()))


def _line(name: str, database: str, counts: dict[str, int]) -> str:
    return (
        f"{name:15} {database:11} {counts['statement']:4} statements + {counts['commit']:3} COMMITs before + "
        f"{counts['committed']:3} after = {sum(counts.values()):4} points\n"
    )


# Of a cursor on a connection that broke, neither psycopg nor SQLAlchemy says that it is closed.
@pytest.mark.filterwarnings("ignore:.*ServerCursor.* was deleted while still open:ResourceWarning")
@pytest.mark.parametrize(
    ("database", "stride"),
    [("sqlite", 1), ("postgresql", 10), pytest.param("postgresql", 1, marks=pytest.mark.long)],
    indirect=["database"],
)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name.replace(" ", "-"))
def test_broken_at_any_point_and_done_again_it_ends_as_if_nothing_had_happened(
    scenario: Scenario, database: str, stride: int, matrix: Matrix, request: pytest.FixtureRequest
) -> None:
    with staged(database, request, scenario.prepare) as stage:
        points, clean = undisturbed(stage, scenario)
        counts = {"statement": 0, "commit": 0, "committed": 0}
        statements = [point for point in points if point.kind == "statement"]
        commits = [point for point in points if point.kind != "statement"]
        for point in (*statements[::stride], *commits):
            broken(stage, scenario, point, clean)
            counts[point.kind] += 1
    matrix[scenario.name, database] = counts


def undisturbed(stage: Stage, scenario: Scenario) -> tuple[list[Point], Snapshot]:
    """Return the points of the act and what it leaves when nothing breaks."""
    # What a process reads once and keeps is read before anything is counted.
    assert scenario.run(stage.again()) == []
    play = stage.again()
    before = snapshot(play.uow.engine)
    with watched(play.uow.engine) as watch:
        assert scenario.run(play) == []
    after = snapshot(play.uow.engine)
    assert verification.verify(play.uow).faults == ()
    assert difference(before, after)
    assert not after["refusals"]
    return watch.points(), after


def broken(stage: Stage, scenario: Scenario, point: Point, clean: Snapshot) -> None:
    """Break one point and compare what is left with the clean run."""
    play = stage.again()
    with watched(play.uow.engine, point) as watch:
        told = scenario.run(play)
    left = snapshot(play.uow.engine)
    faults = verification.verify(play.uow).faults
    assert watch.reached, point
    # Who repeats what was done unheard is refused, and a refusal is recorded; it is no outcome.
    but = ("refusals",) if point.kind == "committed" else ()
    assert difference(clean, left, but=but) == [], point
    assert faults == (), point
    for error in told:
        assert error.sentence.endswith("."), error.sentence
        assert "\n" not in error.sentence

"""Two people approve the same appraisal at the same moment: one approves it, the other is told who was faster."""

import threading
from collections.abc import Iterator

import pytest

from services.actors import Actor
from services.appraisals import act
from services.errors import AppraiseError, Conflict
from tests.faults.crowd import hire, let_type, submit
from tests.faults.interleaving import SECONDS, Doing
from tests.faults.staging import staged
from tests.services.builders import DIRECTOR, OFFICER, QUARTER, open_quarter
from tests.services.playing import APPROVED, Play

POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
APPROVERS = {"1004": (DIRECTOR, None), "1007 for 1004": (DIRECTOR, OFFICER)}
"""How each is called where he was faster: the director himself, and the officer who types for him."""


@POSTGRESQL
@pytest.mark.parametrize("races", [50, pytest.param(1000, marks=pytest.mark.long)])
def test_of_two_approvals_one_wins_and_the_other_is_told_who_was_faster(
    races: int, database: str, request: pytest.FixtureRequest
) -> None:
    runners: list[str] = []

    def prepare(play: Play) -> None:
        let_type(play)
        runners.extend(hire(play, races))
        open_quarter(play.uow, play.office)
        submit(play, tuple(runners))

    with staged(database, request, prepare) as stage:
        play = stage.again()
        wins = dict.fromkeys(APPROVERS, 0)
        for number in runners:
            winner, told = race(play, number)
            wins[winner] += 1
            assert isinstance(told, Conflict)
            assert told.sentence.startswith(f"{winner} (approve, 2026-04-03 12:00) was faster: {QUARTER}/{number}")
            assert "has changed since you looked" in told.sentence
        moved = play.rows("SELECT appraisal_id, count(*) AS n FROM move WHERE action = 'approve' GROUP BY appraisal_id")
    assert [row.n for row in moved] == [1] * races
    assert sum(wins.values()) == races
    assert all(wins.values()), wins


def race(play: Play, number: str) -> tuple[str, AppraiseError | None]:
    """Let both approve at once what both have looked at; return who won and what the other was told."""
    line = threading.Barrier(len(APPROVERS), timeout=SECONDS)

    def run(actor: Actor) -> None:
        line.wait()
        act(play.uow, actor=actor, now=APPROVED, appraisal=f"{QUARTER}/{number}", action="approve", version=2)

    doing = {name: Doing(lambda actor=actor: run(actor)) for name, actor in _actors(play)}
    for one in doing.values():
        one.start()
    told = {name: one.done() for name, one in doing.items()}
    (winner,) = (name for name, refusal in told.items() if refusal is None)
    (refusal,) = (refusal for refusal in told.values() if refusal is not None)
    return winner, refusal


def _actors(play: Play) -> Iterator[tuple[str, Actor]]:
    for name, (person, typist) in APPROVERS.items():
        yield name, play.who(person) if typist is None else play.office.proxy(person, typist)

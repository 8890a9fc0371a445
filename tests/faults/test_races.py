"""Two at the same moment, both let go at once: one gets what he wants, the other is told so in a sentence."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import pytest

from services import verification
from services.actors import Actor
from services.appraisals import act
from services.errors import AppraiseError, Conflict, Refused
from tests.faults.crowd import hire, let_type, submit
from tests.faults.interleaving import SECONDS, Doing
from tests.faults.staging import staged
from tests.faults.test_pairs import PAIRS, Pair
from tests.services.builders import DIRECTOR, ESCORT, OFFICER, QUARTER, open_quarter
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

    def approve(actor: Actor) -> object:
        return act(play.uow, actor=actor, now=APPROVED, appraisal=f"{QUARTER}/{number}", action="approve", version=2)

    told = at_once({name: lambda actor=actor: approve(actor) for name, actor in _actors(play)})
    (winner,) = (name for name, refusal in told.items() if refusal is None)
    (refusal,) = (refusal for refusal in told.values() if refusal is not None)
    return winner, refusal


def at_once(acts: Mapping[str, Callable[[], object]]) -> dict[str, AppraiseError | None]:
    """Let people go at the same moment; return what each was told, None who got what he wanted."""
    line = threading.Barrier(len(acts), timeout=SECONDS)

    def run(act: Callable[[], object]) -> None:
        line.wait()
        act()

    doing = {name: Doing(lambda act=act: run(act)) for name, act in acts.items()}
    for one in doing.values():
        one.start()
    return {name: one.done() for name, one in doing.items()}


FINALISING = [pair for pair in PAIRS if pair.rivals and pair.name.endswith(("late appeal", "late acceptance"))]


@pytest.mark.parametrize("races", [10, pytest.param(100, marks=pytest.mark.long)])
@pytest.mark.parametrize("pair", FINALISING, ids=lambda pair: pair.name.replace(" ", "-"))
def test_of_finalising_and_a_late_answer_one_happens_and_the_other_is_told_so(
    pair: Pair, races: int, database: str, request: pytest.FixtureRequest
) -> None:
    wins: Counter[str] = Counter()
    with staged(database, request, pair.prepare) as stage:
        for _ in range(races):
            play = stage.again()
            told = at_once(
                {"finalising": lambda play=play: pair.one(play), "answer": lambda play=play: pair.other(play)}
            )
            (winner,) = (name for name, refusal in told.items() if refusal is None)
            (refusal,) = (refusal for refusal in told.values() if refusal is not None)
            assert isinstance(refusal, Conflict | Refused), refusal
            assert refusal.sentence.endswith("."), refusal.sentence
            wins[winner] += 1
            (cycle,) = play.rows("SELECT state FROM cycle")
            answered = play.appraisal(ESCORT).stage
            # Never a table that is proposed, or an appraisal that is closed by silence, and the answer as well.
            assert cycle.state == "open"
            assert answered == {"answer": play.moves(ESCORT)[-1].to_stage, "finalising": "closed"}[winner]
        assert verification.verify(play.uow).faults == ()
    assert wins.total() == races


def _actors(play: Play) -> Iterator[tuple[str, Actor]]:
    for name, (person, typist) in APPROVERS.items():
        yield name, play.who(person) if typist is None else play.office.proxy(person, typist)

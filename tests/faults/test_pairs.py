"""Two people at the same moment: it ends as if one had come after the other, wherever the one was overtaken.

On PostgreSQL the one stops before every tenth of his statements, in a long run before each.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from services import enrolment, finalising, launch, verification
from services.appraisals import Words
from services.errors import AppraiseError, Conflict, Refused
from tests.faults.interleaving import interleaved
from tests.faults.scenarios import OPENING, before_approval, before_finalising, before_submit, planned
from tests.faults.snapshot import Snapshot, difference, snapshot
from tests.faults.staging import Stage, staged
from tests.services.builders import (
    DIRECTOR,
    ESCORT,
    OFFICER,
    PERSONNEL,
    PRESIDENT,
    QUARTER,
    VICE,
    move,
    noon,
    open_quarter,
)
from tests.services.closing import END, close_all, deduct, put, release
from tests.services.playing import APPROVED, Play

IN_TIME, OVER = noon(4, 17), noon(4, 20)
"""The last day of an answer to what was read at `END`, and the working day after it."""

Act = Callable[[Play], object]
Told = tuple[AppraiseError | None, AppraiseError | None]


@dataclass(frozen=True)
class Pair:
    """Two acts from one start. Where they are `rivals`, one of the two gets it and the other is told so, always."""

    name: str
    prepare: Act
    one: Act
    other: Act
    rivals: bool = True


def submitting(play: Play) -> object:
    return play.act(PERSONNEL, "submit", seen=1, ledger_seen=2)


def finding(play: Play) -> object:
    return play.deduct("C3.1", 3)


def approving(play: Play) -> object:
    return play.act(DIRECTOR, "approve", at=APPROVED, seen=2)


def approving_by_proxy(play: Play) -> object:
    return play.act(play.office.proxy(DIRECTOR, OFFICER), "approve", at=APPROVED, seen=2)


def returning(play: Play) -> object:
    return play.act(DIRECTOR, "return", at=APPROVED, reason="Look at February again.", seen=2)


def opening(play: Play) -> object:
    return launch.open_cycle(play.uow, actor=play.who(OFFICER), now=OPENING, cycle=QUARTER)


def before_answer(play: Play) -> None:
    """Everybody is closed but the escort, who has not answered yet."""
    open_quarter(play.uow, play.office)
    deduct(play.uow, play.office, ESCORT, "E1.3", 3)
    close_all(play.uow, play.office, but=[ESCORT])
    release(play.uow, play.office, ESCORT)


LOOKED = 20
"""How many moves HR saw before the escort answered: those of four who are closed, one not rated, and his own."""


def looked_at(play: Play) -> None:
    """The same, and HR looks at how the cycle stands before proposing its table."""
    before_answer(play)
    assert enrolment.status(play.uow, actor=play.who(OFFICER), now=END, cycle=QUARTER).moves == LOOKED


def before_silence(play: Play) -> None:
    """The escort has read his result, and his days to answer are about to end."""
    before_answer(play)
    play.act(ESCORT, "read", of=ESCORT, at=END)


def before_decision(play: Play) -> None:
    """Everybody is closed but the escort, who objected."""
    before_answer(play)
    objecting(play)


def before_signing(play: Play) -> None:
    """The same, and the table lies before the approver."""
    before_decision(play)
    put(play.uow, play.office)


def objecting(play: Play) -> object:
    words = Words(comment="It was not my turn.", lines={"F1": None})
    return move(play.uow, play.office, END, number=ESCORT, by=ESCORT, action="object", words=words)


def objecting_in_time(play: Play) -> object:
    lines = {"F1": None}
    return play.act(ESCORT, "object", of=ESCORT, at=IN_TIME, reason="It was not my turn.", lines=lines)


def concluding(play: Play) -> object:
    return play.act(OFFICER, "conclude", of=ESCORT, at=OVER)


def accepting(play: Play) -> object:
    return move(play.uow, play.office, END, number=ESCORT, by=ESCORT, action="accept")


def withdrawing(play: Play) -> object:
    return move(play.uow, play.office, END, number=ESCORT, by=ESCORT, action="withdraw")


def deciding(play: Play) -> object:
    words = Words(comment="He is right in part.", lines={"F1": "2"})
    return move(play.uow, play.office, END, number=ESCORT, by=VICE, action="decide", words=words)


def proposing(play: Play) -> object:
    return put(play.uow, play.office)


def proposing_what_was_seen(play: Play) -> object:
    return finalising.propose(play.uow, actor=play.who(OFFICER), now=END, cycle=QUARTER, moves_seen=LOOKED)


def signing(play: Play) -> object:
    return finalising.approve(play.uow, actor=play.who(PRESIDENT), now=END, cycle=QUARTER)


def refusing(play: Play) -> object:
    return finalising.refuse(play.uow, actor=play.who(PRESIDENT), now=END, cycle=QUARTER, reason="Not yet.")


PAIRS = (
    Pair("finding and submit", before_submit, finding, submitting),
    Pair("approval and return", before_approval, approving, returning),
    Pair("approval and approval", before_approval, approving, approving_by_proxy),
    Pair("opening and opening", planned, opening, opening),
    Pair("acceptance and appeal", before_answer, accepting, objecting),
    Pair("silence and late appeal", before_silence, concluding, objecting_in_time),
    Pair("seen proposal and late appeal", looked_at, proposing_what_was_seen, objecting),
    Pair("seen proposal and late acceptance", looked_at, proposing_what_was_seen, accepting),
    Pair("signing and refusing", before_finalising, signing, refusing),
    Pair("signing and signing", before_finalising, signing, signing),
    Pair("proposal and late appeal", before_answer, proposing, objecting, rivals=False),
    Pair("proposal and withdrawal", before_decision, proposing, withdrawing, rivals=False),
    Pair("proposal and decision", before_decision, proposing, deciding, rivals=False),
    Pair("signing and decision", before_signing, signing, deciding, rivals=False),
)
"""What appeals is carried past the table that is signed and enters it later, so these two need not be rivals.

They are where somebody decides about what he has looked at: that the days of an answer are over, that a table is ready.
"""


@pytest.mark.parametrize("stride", [10, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name.replace(" ", "-"))
def test_of_two_at_once_each_ends_as_if_one_had_come_after_the_other(
    pair: Pair, stride: int, database: str, request: pytest.FixtureRequest
) -> None:
    with staged(database, request, pair.prepare) as stage:
        orders = [in_turn(stage, pair.one, pair.other), in_turn(stage, pair.other, pair.one)]
        ways = ((pair.one, pair.other), (pair.other, pair.one))
        for way in ways if pair.one is not pair.other else ways[:1]:
            number = 1
            while stopped_at(stage, way, number, pair, orders):
                # On SQLite whoever begins first keeps everybody else out, at his first statement as at his last.
                number += stride if database == "postgresql" else 1000
            assert number > 1


def in_turn(stage: Stage, one: Act, other: Act) -> Snapshot:
    """Return what is left when one comes after the other."""
    play = stage.again()
    for act in (one, other):
        try:
            act(play)
        except (Conflict, Refused):
            continue
    return snapshot(play.uow.engine)


def stopped_at(stage: Stage, ways: tuple[Act, Act], number: int, pair: Pair, orders: list[Snapshot]) -> bool:
    """Let one stop before a statement, the other pass, and look at what is left; False where there is none."""
    one, other = ways
    play = stage.again()
    both = interleaved(play.uow.engine, lambda: one(play), lambda: other(play), number)
    where = f"stopped before statement {number}: {both}"
    left = snapshot(play.uow.engine)
    assert any(difference(order, left, but=("refusals",)) == [] for order in orders), where
    assert verification.verify(play.uow).faults == (), where
    for told in (both.first, both.second):
        assert told is None or (isinstance(told, Conflict | Refused) and told.sentence.endswith(".")), where
    assert both.winners == 1 if pair.rivals else both.winners >= 1, where
    return both.stopped

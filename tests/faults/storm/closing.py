"""How the quarter of a storm ends: what is open is left out, HR proposes the table, and the president signs it."""

import datetime as dt
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import select

from models.columns import table_of
from models.cycles import Cycle
from services import finalising
from services.access import APPRAISAL
from services.appraisals import Words, act
from tests.faults.storm.facts import Signing
from tests.services.builders import OFFICER, PRESIDENT, QUARTER
from tests.waiting import until

if TYPE_CHECKING:
    from tests.faults.storm.stage import Stage

CYCLE = table_of(Cycle)
CHUNK = 5
_CYCLE = select(CYCLE).where(CYCLE.c.code == QUARTER)
_OPEN = select(APPRAISAL.c.id).where(APPRAISAL.c.stage != "closed")


@dataclass
class Closing:
    """The tables that were put before the president, and those that he signed."""

    signing: list[Signing] = field(default_factory=list)
    final: list[tuple[int, int]] = field(default_factory=list)


def propose(stage: "Stage", at: dt.datetime, _chance: random.Random) -> None:
    """Leave out what is open, though the clock acts on it at the same moment, and propose the table."""
    president, hr, uow = stage.play.who(PRESIDENT), stage.play.who(OFFICER), stage.play.uow
    words = Words(comment="Not this quarter.")

    def done() -> bool:
        for row in stage.rows(_OPEN):
            stage.attempt(
                "exclude",
                lambda row=row: act(uow, actor=president, now=at, appraisal=row.id, action="exclude", words=words),
            )
        stage.attempt("propose", lambda: finalising.propose(uow, actor=hr, now=at, cycle=QUARTER))
        return state(stage) == "proposed"

    until(done)
    approver, (cycle,) = stage.play.office.people[PRESIDENT], stage.rows(_CYCLE)
    stage.closing.signing.append(Signing(len(stage.evenings), cycle.id, 1, approver))


def sign(stage: "Stage", at: dt.datetime, _chance: random.Random) -> None:
    """Let the president sign."""
    president, (cycle,) = stage.play.who(PRESIDENT), stage.rows(_CYCLE)
    stage.attempt(
        "sign",
        lambda: finalising.approve(stage.play.uow, actor=president, now=at, cycle=QUARTER, chunk=CHUNK),
    )
    stage.closing.final.append((len(stage.evenings), cycle.id))


def state(stage: "Stage") -> str:
    """Return where the cycle stands."""
    (cycle,) = stage.rows(_CYCLE)
    return str(cycle.state)

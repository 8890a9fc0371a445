"""What changes for people in a storm: some are away under protection for days and come back, one or another leaves."""

import datetime as dt
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from services import lives
from services.appraisals import Words, act
from tests.faults.constants import FIRST
from tests.faults.storm.facts import Away, Turn
from tests.faults.storm.reckoning import ZONE
from tests.services.builders import DIRECTOR, OFFICER, PERSONNEL, QUARTER, SECURITY, VICE

if TYPE_CHECKING:
    from tests.faults.storm.stage import Stage

JUDGED = {"assessor": "scoring", "reviewer": "review", "decider": "appeal"}
"""In which stage the holder of a part acts."""
DEPUTIES = (SECURITY, PERSONNEL)
FALL_ILL, LEAVE = 0.2, 0.05
"""How likely on a day somebody falls ill, and somebody leaves."""


@dataclass
class Changes:
    """Who is or was away, who left, and how many may still leave."""

    away: list[Away] = field(default_factory=list)
    left: list[int] = field(default_factory=list)

    def is_away(self, person: int, day: dt.date) -> bool:
        """Tell whether somebody is away or gone on a day."""
        return person in self.left or any(
            one.person == person and one.first <= day and (one.last is None or day <= one.last) for one in self.away
        )


def happen(stage: "Stage", at: dt.datetime, chance: random.Random) -> None:
    """Let somebody fall ill or leave, and HR bring the results to those who are back and must answer."""
    today = at.astimezone(ZONE).date()
    clerks = [number for number in stage.play.office.people if int(number) >= FIRST]
    here = [
        number
        for number in (DIRECTOR, VICE, *DEPUTIES, *DEPUTIES, *clerks[:6])
        if not stage.changed.is_away(stage.play.office.people[number], today)
    ]
    if here and chance.random() < FALL_ILL:
        _falls_ill(stage, chance.choice(here), today, today + dt.timedelta(days=chance.randint(1, 9)), at)
    leavers = [number for number in here if number in (*DEPUTIES[:1], *clerks)]
    if leavers and len(stage.changed.left) < 2 and chance.random() < LEAVE:
        _leaves(stage, chance.choice(leavers), today, at)
    for turn in stage.evenings[-1].held.values():
        was_away = any(one.person == turn.holder for one in stage.changed.away)
        back = was_away and not stage.changed.is_away(turn.holder, today)
        if turn.stage == "signoff" and turn.due is None and back:
            _deliver(stage, turn, at)


def _falls_ill(stage: "Stage", number: str, first: dt.date, last: dt.date, at: dt.datetime) -> None:
    # Kept before it is tried: it may be done though nobody heard of it.
    stage.changed.away.append(Away(stage.play.office.people[number], first, last))
    hr = stage.play.who(OFFICER)
    stage.attempt("absent", lambda: lives.absent(
        stage.play.uow, actor=hr, now=at, number=number, first=first, last=last, protected=True, reason="ill"
    ))  # fmt: skip


def _leaves(stage: "Stage", number: str, last: dt.date, at: dt.datetime) -> None:
    person = stage.play.office.people[number]
    stage.changed.left.append(person)
    if number in DEPUTIES:
        stage.changed.away.append(Away(person, last, None))
    hr = stage.play.who(OFFICER)
    stage.attempt("left", lambda: lives.left(stage.play.uow, actor=hr, now=at, number=number, last=last))


def _deliver(stage: "Stage", turn: Turn, at: dt.datetime) -> None:
    hr, words = stage.play.who(OFFICER), Words(comment="By hand.", witness="Chen, at the desk")
    code = f"{QUARTER}/{stage.about(turn)}"
    stage.attempt("deliver", lambda: act(
        stage.play.uow, actor=hr, now=at, appraisal=code, action="deliver", words=words
    ))  # fmt: skip


def judging(parts: Sequence[Any]) -> Iterator[Any]:
    """Yield the parts whose holders judge."""
    return (part for part in parts if part.role in JUDGED)


def passing_holders(items: Sequence[Any], parts: Sequence[Any]) -> set[Turn]:
    """Return everybody who held an item for a while, though perhaps on no evening: who had the part meanwhile."""
    found = set()
    for part in judging(parts):
        for item in items:
            over = item.closed_at is not None and part.from_at > item.closed_at
            before = part.to_at is not None and part.to_at < item.opened_at
            if (item.appraisal_id, item.stage) == (part.appraisal_id, JUDGED[part.role]) and not (over or before):
                since = max(item.opened_at, part.from_at)
                found.add(Turn(item.id, part.person_id, None, item.stage, item.action, item.appraisal_id, since))
    return found

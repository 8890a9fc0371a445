"""What people do in a storm on a usual day: some act on what is open, HR moves deadlines and gives work to others."""

import datetime as dt
import random
from typing import TYPE_CHECKING

from services import extensions, work_items
from services.appraisals import Words, act
from tests.faults.storm import changes
from tests.faults.storm.facts import Turn
from tests.faults.storm.reckoning import ZONE
from tests.services.builders import OFFICER, QUARTER, SECRETARY, VICE

if TYPE_CHECKING:
    from tests.faults.storm.stage import Stage


def act_as_usual(stage: "Stage", at: dt.datetime, chance: random.Random) -> None:
    """Let some people act on what is open, HR move deadlines and give work to others; some are refused."""
    changes.happen(stage, at, chance)
    turns = sorted(stage.evenings[-1].held.values(), key=lambda turn: turn.item)
    for turn in turns:
        if chance.random() < 0.25:  # a quarter of what is open is worked on each day
            _work(stage, turn, at, chance)
    for turn in chance.sample(turns, min(2, len(turns))):
        if turn.due is not None and chance.random() < 0.5:
            _extend(stage, turn, turn.due.astimezone(ZONE).date() + dt.timedelta(days=chance.randint(1, 4)), at)
    judged = [turn for turn in turns if turn.stage in {"scoring", "review"}]
    if judged and chance.random() < 0.5:
        turn, to = chance.choice(judged), chance.choice((VICE, SECRETARY))
        hr, item = stage.play.who(OFFICER), f"W{turn.item}"
        stage.attempt("reassign", lambda: work_items.reassign(
            stage.play.uow, actor=hr, now=at, item=item, number=to, reason="He is ill."
        ))  # fmt: skip


def rest(_stage: "Stage", _at: dt.datetime, _chance: random.Random) -> None:
    """Let nobody do anything."""


def _work(stage: "Stage", turn: Turn, at: dt.datetime, chance: random.Random) -> None:
    words = None
    action = {"draft": "state", "scoring": "submit", "review": "approve", "signoff": "accept"}.get(turn.stage)
    if turn.stage == "review" and chance.random() < 0.2:  # one in five is returned
        action, words = "return", Words(comment="Look at February again.")
    elif turn.stage == "draft":
        words = Words(comment="My quarter.")
    elif turn.stage == "signoff" and any(person == turn.holder for _, person in stage.findings):
        number = next(number for number, person in stage.findings if person == turn.holder)
        action, words = "object", Words(comment="I was elsewhere.", lines={f"F{number}": None})
    if action is None:
        return
    actor = stage.play.office.actor(stage.number(turn.holder))
    stage.attempt(action, lambda: act(
        stage.play.uow, actor=actor, now=at, appraisal=f"{QUARTER}/{stage.about(turn)}", action=action, words=words
    ))  # fmt: skip


def _extend(stage: "Stage", about: Turn, day: dt.date, at: dt.datetime) -> None:
    cohort = extensions.Cohort(people=[stage.about(about)])

    def extend() -> extensions.Extended:
        return extensions.extend(
            stage.play.uow, actor=stage.play.who(OFFICER), now=at, cycle=QUARTER, until=day, reason="More time.",
            cohort=cohort,
        )  # fmt: skip

    before = {turn.item: turn for turn, _ in stage.turns()}
    stage.attempt("extend", extend)
    for turn, _ in stage.turns():
        was = before.get(turn.item, turn)
        # Whether or not anybody heard that it was done; other deadlines move by themselves, such as for an absence.
        here = turn.due is not None and turn.due.astimezone(ZONE).date() == day and turn.appraisal == about.appraisal
        if here and was.due not in {None, turn.due} and was.holder == turn.holder:
            stage.extended.append((len(stage.evenings), turn))

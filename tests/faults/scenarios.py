"""What is broken at every statement: each an act of a person, or of a person and the workers behind him."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from services import corrections, cycles, finalising, findings, launch
from services.appraisals import act_many
from services.errors import AppraiseError, Conflict, Environment, Refused
from tests.faults.crowd import let_type
from tests.faults.staging import work
from tests.services.builders import (
    CLERK,
    DIRECTOR,
    ESCORT,
    OFFICER,
    PERSONNEL,
    PRESIDENT,
    QUARTER,
    RUBRIC,
    noon,
    open_quarter,
)
from tests.services.closing import END, close_all, finalise, put
from tests.services.closing import deduct as deducted
from tests.services.playing import APPROVED, Play

OPENING = noon(4, 1)
FEW = 5
"""Final rows a job writes at once, so that several jobs are owed and one of them is the last."""

Told = list[AppraiseError]


@dataclass(frozen=True)
class Scenario:
    """An act and its start.

    `prepare` brings a fresh office there; `run` does it, again where it broke, and returns what people were told.
    """

    name: str
    prepare: Callable[[Play], object]
    run: Callable[[Play], Told]


def insisting(act: Callable[[], object]) -> Told:
    """Do something as a person does: told that the database broke, he does it again; told that it is done, he stops."""
    told: Told = []
    try:
        act()
    except Environment as broken:
        told.append(broken)
        try:
            act()
        except (Refused, Conflict) as done:
            told.append(done)
    return told


def planned(play: Play) -> None:
    """A quarter that is planned and not opened."""
    cycles.new(play.uow, actor=play.who(OFFICER), now=noon(1, 5), code=QUARTER, rubrics=[RUBRIC])


def opened(play: Play) -> None:
    """An open quarter with two findings about the clerk."""
    open_quarter(play.uow, play.office)
    play.deduct("C3.1", 4)
    play.deduct("C3.1", 5, at=noon(4, 1, 2026) + dt.timedelta(hours=1))


def before_submit(play: Play) -> None:
    opened(play)
    play.bring("scoring")


def before_approval(play: Play) -> None:
    let_type(play)
    opened(play)
    for number in (CLERK, OFFICER, ESCORT):
        play.bring("review", of=number)


def before_proposal(play: Play) -> None:
    open_quarter(play.uow, play.office)
    deducted(play.uow, play.office, CLERK, "C3.1", 4)
    deducted(play.uow, play.office, CLERK, "C3.1", 5, day=4)
    close_all(play.uow, play.office)


def before_finalising(play: Play) -> None:
    before_proposal(play)
    put(play.uow, play.office)


def before_correction(play: Play) -> None:
    before_proposal(play)
    finalise(play.uow, play.office)


def opening(play: Play) -> Told:
    """HR opens, workers open the appraisals, move on those without a statement, and plan the mails."""

    def act() -> None:
        launch.open_cycle(play.uow, actor=play.who(OFFICER), now=OPENING, cycle=QUARTER)

    told = insisting(act)
    work(play, OPENING, "cycle.open-chunk", "appraisals.skip-statement", "reminders.find")
    return told


def batch(play: Play) -> Told:
    """The director approves three at once."""
    codes = [f"{QUARTER}/{number}" for number in (CLERK, OFFICER, ESCORT)]
    return insisting(
        lambda: act_many(play.uow, actor=play.who(DIRECTOR), now=APPROVED, appraisals=codes, action="approve")
    )


def submit(play: Play) -> Told:
    """The assessor submits what the ledger comes to."""
    return insisting(lambda: play.act(PERSONNEL, "submit"))


def approval(play: Play) -> Told:
    """The reviewer strikes a line, then approves."""

    def strike() -> None:
        play.act(DIRECTOR, "strike", at=APPROVED, reason="It was another's.", lines={"F1": "strike"}, seen=2)

    return insisting(strike) + insisting(lambda: play.act(DIRECTOR, "approve", at=APPROVED))


def proposal(play: Play) -> Told:
    """HR proposes the result table."""
    return insisting(lambda: put(play.uow, play.office))


def finalising_(play: Play) -> Told:
    """The approver signs, workers write the rows and make the cycle final."""

    def act() -> None:
        finalising.approve(play.uow, actor=play.who(PRESIDENT), now=END, cycle=QUARTER, chunk=FEW)

    told = insisting(act)
    work(play, END, "cycle.finalise-chunk", "cycle.complete")
    return told


def correction(play: Play) -> Told:
    """HR proposes to correct a result, the approver signs it."""
    code = f"{QUARTER}/{CLERK}"

    def propose() -> None:
        corrections.propose_correction(
            play.uow, actor=play.who(OFFICER), now=END, appraisal=code, lines={"F2": "strike"}, reason="Misread."
        )

    def sign() -> None:
        corrections.approve_correction(play.uow, actor=play.who(PRESIDENT), now=END, appraisal=code)

    return insisting(propose) + insisting(sign)


def recording(play: Play) -> Told:
    """The assessor records a finding, the person replies to another, HR registers a circular, each under a key."""

    def under(key: str) -> Play:
        return Play(play.uow.asked(key), play.office)

    def reply() -> None:
        findings.reply(
            play.uow.asked("reply"), actor=play.who(CLERK), now=APPROVED, finding="F1", text="It was another's."
        )

    return (
        insisting(lambda: under("finding").deduct("C3.1", 3))
        + insisting(reply)
        + insisting(lambda: under("circular").document("2026-14", "circular"))
    )


SCENARIOS = (
    Scenario("recording", opened, recording),
    Scenario("opening", planned, opening),
    Scenario("submit", before_submit, submit),
    Scenario("approval", before_approval, approval),
    Scenario("batch approval", before_approval, batch),
    Scenario("proposal", before_proposal, proposal),
    Scenario("finalising", before_finalising, finalising_),
    Scenario("correction", before_correction, correction),
)

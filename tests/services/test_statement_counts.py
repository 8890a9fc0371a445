"""How many statements the work of every day sends: a few for each move, and no more for many people than for few."""

import pytest

from services.appraisals import act_many
from services.unit_of_work import UnitOfWork
from tests.services.builders import CLERK, DIRECTOR, ESCORT, OFFICER, SECURITY
from tests.services.counting import sent
from tests.services.planning import Plan
from tests.services.playing import APPROVED, Play

ONCE, FOR_EACH_CHUNK = 20, 8
"""An opening sends at most so many statements, and so many more for each chunk; so does finalising, tested there."""


def test_a_submit_sends_15_at_most_with_findings_confirmed_months_and_a_comment(play: Play) -> None:
    play.inspect(SECURITY, 1)
    play.confirm(SECURITY, 2)
    play.confirm(SECURITY, 3)
    circular = play.document("2026-3", "circular")
    play.deduct("A1.7", of=SECURITY, document=circular, incident="night")
    play.deduct("A5.1", 4, of=SECURITY)
    play.bring("scoring", of=SECURITY)
    with sent(play.uow.engine) as submitting:
        play.act(DIRECTOR, "submit", of=SECURITY, reason="A quarter with two gaps.")
    assert len(submitting) <= 15, submitting
    assert play.appraisal(SECURITY).stage == "review"


def test_an_approval_and_a_return_send_10_at_most(play: Play) -> None:
    for of in (CLERK, ESCORT):
        play.deduct({CLERK: "C3.1", ESCORT: "E3.1"}[of], 5, of=of)
        play.bring("review", of=of)
    with sent(play.uow.engine) as approving:
        play.act(DIRECTOR, "approve", at=APPROVED)
    with sent(play.uow.engine) as returning:
        play.act(DIRECTOR, "return", of=ESCORT, at=APPROVED, reason="The log shows two, not three.")
    assert len(approving) <= 10, approving
    assert len(returning) <= 10, returning
    assert (play.appraisal().stage, play.appraisal(ESCORT).stage) == ("signoff", "scoring")


@pytest.mark.parametrize("chunk", [2, 6])
def test_an_opening_sends_20_at_most_and_8_for_each_chunk(uow: UnitOfWork, chunk: int) -> None:
    plan = Plan.made(uow)
    with sent(uow.engine) as opening_all:
        opened = plan.open(chunk=chunk)
        with sent(uow.engine) as chunks:
            assert sum(one.opened for one in plan.run(opened)) == 6
    assert len(opened.ranges) == 6 // chunk
    assert len(chunks) <= FOR_EACH_CHUNK * len(opened.ranges), chunks
    assert len(opening_all) - len(chunks) <= ONCE, opening_all


def test_many_are_approved_with_the_statements_of_one(play: Play) -> None:
    staff = (CLERK, ESCORT, OFFICER)
    for of in staff:
        play.bring("review", of=of)
    ids = [play.appraisal(of).id for of in staff]
    with sent(play.uow.engine) as one:
        act_many(play.uow, actor=play.who(DIRECTOR), now=APPROVED, appraisals=ids[:1], action="approve")
    with sent(play.uow.engine) as two:
        act_many(play.uow, actor=play.who(DIRECTOR), now=APPROVED, appraisals=ids[1:], action="approve")
    assert {play.appraisal(of).stage for of in staff} == {"signoff"}
    assert len(two) == len(one) <= 10, (one, two)

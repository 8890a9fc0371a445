"""What a move or a proposal tells people who did not make it, each once, and only whom it concerns."""

import datetime as dt

from sqlalchemy import select

from models.columns import table_of
from models.people import Grant
from services import appraisals, finalising
from services.actors import SYSTEM
from services.mail_facts import Needed, NotNeeded, look
from services.outbox import MESSAGE
from services.outbox_messages import as_message
from services.unit_of_work import UnitOfWork
from tests.services.builders import (
    CLERK,
    DIRECTOR,
    OFFICER,
    PERSONNEL,
    PRESIDENT,
    QUARTER,
    VICE,
    build_office,
    granted,
    noon,
    open_quarter,
)
from tests.services.clocking import at, pass_time
from tests.services.closing import END, close_all, put, sign
from tests.services.playing import ANSWERED, Play

OVER = noon(4, 15)
STATEMENT_OVER, SCORING_OVER = at(1, 8), at(1, 15)


def told(uow: UnitOfWork, kind: str, now: dt.datetime) -> list[tuple[int, str]]:
    """To whom a kind is promised, and what its text says of it or why nobody needs it at that moment."""
    with uow.write() as tx:
        found = tx.all(select(MESSAGE).where(MESSAGE.c.kind == kind).order_by(MESSAGE.c.id))
        seen = [look(tx, as_message(row, attempt=1, fence=1), now=now, base_url="https://a.example") for row in found]
    return [
        (row.person_id, one.found.values.get("cycle", "") if isinstance(one, Needed) else one.code)
        for row, one in zip(found, seen, strict=True)
        if isinstance(one, Needed | NotNeeded)
    ]


def test_who_let_his_days_pass_is_told_that_the_result_counts_as_accepted(play: Play) -> None:
    play.bring("signoff")
    play.act(OFFICER, "deliver", at=ANSWERED, reason="Handed over.", witness="Person 1009")
    play.act(SYSTEM, "conclude", at=OVER)

    assert told(play.uow, "accepted-by-silence", OVER) == [(play.office.people[CLERK], QUARTER)]


def test_who_accepts_or_refuses_is_told_of_no_silence(play: Play) -> None:
    play.bring("closed")

    assert told(play.uow, "accepted-by-silence", OVER) == []


def test_an_objection_is_told_to_who_runs_cycles_while_it_is_open_and_not_of_his_own(play: Play) -> None:
    with play.uow.write() as tx:
        tx.insert(table_of(Grant), granted(play.office.people[CLERK], "hr"))
    play.deduct("C3.1", 5)
    play.bring("appeal", lines={"F1": None})

    officer = play.office.people[OFFICER]
    assert told(play.uow, "objection-noted", ANSWERED) == [(officer, QUARTER)]
    play.act(VICE, "decide", at=noon(4, 8), reason="It was so.", lines={"F1": "keep"})
    assert told(play.uow, "objection-noted", noon(4, 8)) == [(officer, "decided")]


def test_the_approver_is_asked_to_sign_what_is_proposed_and_not_what_is_signed(uow: UnitOfWork) -> None:
    office = build_office(uow)
    open_quarter(uow, office)
    close_all(uow, office)
    president = office.people[PRESIDENT]
    put(uow, office)
    assert told(uow, "to-sign", END) == [(president, QUARTER)]

    finalising.refuse(uow, actor=office.actor(PRESIDENT), now=END, cycle=QUARTER, reason="One is missing.")
    assert told(uow, "to-sign", END) == [(president, "not-proposed")]
    put(uow, office)
    assert told(uow, "to-sign", END) == [(president, "not-proposed"), (president, QUARTER)]
    sign(uow, office)
    assert told(uow, "to-sign", END) == [(president, "not-proposed"), (president, "not-proposed")]


def test_many_moves_at_once_tell_each_person_once(play: Play) -> None:
    play.bring("signoff")
    play.act(OFFICER, "deliver", at=ANSWERED, reason="Handed over.", witness="Person 1009")
    ids = [play.appraisal().id]
    appraisals.act_many(play.uow, actor=SYSTEM, now=OVER, appraisals=ids, action="conclude")

    assert len(told(play.uow, "accepted-by-silence", OVER)) == 1


def test_a_part_that_the_clock_passes_on_is_told_to_the_new_holder_and_the_former_each_once(play: Play) -> None:
    pass_time(play.uow, STATEMENT_OVER)
    pass_time(play.uow, SCORING_OVER)
    pass_time(play.uow, SCORING_OVER + dt.timedelta(hours=1))

    people = play.office.people
    assert play.moves()[-1].action == "pass-on"
    assert (people[DIRECTOR], QUARTER) in told(play.uow, "passed-upward", SCORING_OVER)
    assert (people[PERSONNEL], QUARTER) in told(play.uow, "passed-on", SCORING_OVER)
    with play.uow.read() as tx:
        found = tx.all(select(MESSAGE).where(MESSAGE.c.appraisal_id == play.appraisal().id).order_by(MESSAGE.c.id))
    told_of_it = [(row.kind, row.person_id) for row in found if row.person_id != people[CLERK]]
    assert told_of_it[-2:] == [("passed-on", people[PERSONNEL]), ("passed-upward", people[DIRECTOR])]
    assert told_of_it.count(("passed-on", people[PERSONNEL])) == 1
    assert [kind for kind, person in told_of_it if person == people[DIRECTOR]] == ["passed-upward"]

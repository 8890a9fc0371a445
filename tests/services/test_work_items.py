"""Work items given to somebody else, and given back by who declares an interest (W2, W11)."""

import datetime as dt
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import select, update

from services import desk, finding_places, findings, people, reminders, work_items
from services.access import PARTY
from services.actors import SYSTEM
from services.appraisals import Words, take
from services.digests import Digest, gather, promise_extra, still_needed
from services.errors import AppraiseError, Conflict, Malformed, NotFound, Refused
from services.handover import hand_over
from services.mail_digest_rows import bind
from services.mail_facts import NotNeeded, look
from services.messages import DIGEST
from services.moving import write_steps
from services.outbox_messages import MESSAGE, ClaimedMessage, as_message, claim_messages, put_in_doubt
from services.standing import WORK_ITEM, Standing, load
from services.unit_of_work import UnitOfWork
from services.verification import verify
from tests.services.builders import (
    CLERK,
    DIRECTOR,
    ESCORT,
    OFFICER,
    PERSONNEL,
    PRESIDENT,
    SECRETARY,
    SECURITY,
    VICE,
    noon,
)
from tests.services.closing import vouch
from tests.services.playing import APPROVED, SUBMITTED, Play

REASON = "He is ill for a month."


def item(play: Play, of: str = CLERK) -> str:
    return f"W{play.item(of).id}"


def about_to_go(uow: UnitOfWork, now: dt.datetime) -> list[ClaimedMessage]:
    """What would be mailed now: each mail of its own, and each notice that waits for the digest of the day."""
    claimed = claim_messages(uow, now=now, limit=1000, lease=dt.timedelta(0))
    with uow.read() as tx:
        waiting = tx.all(select(MESSAGE).where(MESSAGE.c.state == "queued", MESSAGE.c.due_at.is_(None)))
    return [one for one in claimed if one.kind != DIGEST] + [as_message(row, attempt=1, fence=1) for row in waiting]


def reassign(play: Play, to: str, *, of: str = CLERK, by: str = OFFICER, at: dt.datetime = SUBMITTED) -> Any:
    actor, name = play.office.actor(by), item(play, of)
    return work_items.reassign(play.uow, actor=actor, now=at, item=name, number=to, reason=REASON)


def refused(play: Play, code: str, words: str, *, error: type[AppraiseError] = Refused, **given: Any) -> None:
    before = play.rows("SELECT * FROM party ORDER BY id"), play.rows("SELECT * FROM work_item ORDER BY id")
    with pytest.raises(error) as raised:
        reassign(play, **given)
    assert (raised.value.code, raised.value.sentence[-1]) == (code, ".")
    assert words in raised.value.sentence
    assert (play.rows("SELECT * FROM party ORDER BY id"), play.rows("SELECT * FROM work_item ORDER BY id")) == before


def parties(play: Play, role: str, of: str = CLERK) -> list[tuple[str, str, bool]]:
    """Who has or had a part: number, source, whether he has it now."""
    numbers = {person: number for number, person in play.office.people.items()}
    rows = play.rows(
        "SELECT * FROM party WHERE appraisal_id = :id AND role = :role ORDER BY id", id=play.appraisal(of).id, role=role
    )
    return [(numbers[row.person_id], row.source, row.to_at is None) for row in rows]


def mails(play: Play, to: str, *, state: str = "queued") -> list[str]:
    rows = play.rows(
        "SELECT kind FROM message WHERE person_id = :person AND appraisal_id = :id AND state = :state ORDER BY id",
        person=play.office.people[to],
        id=play.appraisal().id,
        state=state,
    )
    return [row.kind for row in rows]


def sound(play: Play) -> None:
    """Nothing but the rows that the builder wrote without events is found by the audit."""
    assert [str(fault) for fault in verify(play.uow).faults if fault.code != "no-event"] == []


def test_a_work_item_passes_to_another_with_the_mails_and_the_audit(play: Play) -> None:
    play.act(PERSONNEL, "start", at=noon(4, 1))
    reminders.plan(play.uow, now=noon(4, 1))
    assert mails(play, PERSONNEL) == ["your-turn"]
    (done,) = reassign(play, SECURITY)
    assert (done.role, done.item, done.why, done.mails) == ("assessor", item(play), "reassigned", 1)
    assert parties(play, "assessor") == [(PERSONNEL, "roster", False), (SECURITY, "reassigned", True)]
    assert (mails(play, PERSONNEL), mails(play, PERSONNEL, state="cancelled")) == ([], ["your-turn"])
    reminders.plan(play.uow, now=SUBMITTED)
    reminders.plan(play.uow, now=SUBMITTED)
    assert mails(play, SECURITY) == ["your-turn"]
    assert mails(play, PERSONNEL) == []
    play.act(SECURITY, "submit")
    assert play.appraisal().stage == "review"
    sound(play)


def test_the_former_holder_sees_what_he_did_and_acts_no_more_and_the_new_one_sees_it_all(play: Play) -> None:
    code = play.deduct("C3.1", 4)
    play.act(PERSONNEL, "start", at=noon(4, 1))
    reassign(play, SECURITY)
    former = desk.show(play.uow, actor=play.office.actor(PERSONNEL), now=SUBMITTED, appraisal="2026Q1/1008")
    assert (former.actions, former.total) == ((), None)
    assert [step.action for step in former.history] == ["start"]
    play.refused(PERSONNEL, "submit", "not-yours", "is for the assessor")
    owed = desk.work(play.uow, actor=play.office.actor(PERSONNEL), now=SUBMITTED)
    assert [one.appraisal for one in owed] == ["2026Q1/1006@deputy-personnel"]
    later = play.deduct("C3.1", 3, at=noon(4, 3), by=SECURITY)
    for one in (former, desk.show(play.uow, actor=play.who(PERSONNEL), now=noon(4, 3), appraisal="2026Q1/1008")):
        assert [step.action for step in one.history] == ["start"]
    (seen,) = finding_places.of_appraisal(play.uow, actor=play.who(PERSONNEL), now=noon(4, 3), appraisal="2026Q1/1008")
    # What he recorded himself he reads whole, and what was recorded after him not at all.
    assert (seen.code, seen.amount) == (code, 4)
    findings.void(play.uow, actor=play.who(SECURITY), now=noon(4, 3), finding=later, reason="an error")
    new = desk.show(play.uow, actor=play.office.actor(SECURITY), now=SUBMITTED, appraisal="2026Q1/1008")
    assert new.total == "96"
    assert [action["action"] for action in new.actions] == ["submit"]
    with pytest.raises(Refused, match="Only the assessor"):
        findings.void(play.uow, actor=play.office.actor(PERSONNEL), now=SUBMITTED, finding=code, reason="an error")
    findings.void(play.uow, actor=play.office.actor(SECURITY), now=SUBMITTED, finding=code, reason="an error")
    assert desk.show(play.uow, actor=play.who(SECURITY), now=SUBMITTED, appraisal="2026Q1/1008").total == "100"


def test_a_former_assessor_keeps_the_score_he_made_and_learns_no_later_one(play: Play) -> None:
    code = play.deduct("C3.1", 4)
    play.bring("review")
    play.act(DIRECTOR, "return", reason="Look at February again.")
    reassign(play, SECURITY, at=noon(4, 3))
    play.act(SECURITY, "submit", at=noon(4, 7))
    play.act(DIRECTOR, "strike", at=noon(4, 7), reason="It is not proven.", lines={code: None})
    play.act(DIRECTOR, "approve", at=noon(4, 7))
    shown = desk.show(play.uow, actor=play.who(PERSONNEL), now=noon(4, 8), appraisal="2026Q1/1008")
    assert shown.total == "96"
    assert [step.action for step in shown.history] == ["start", "submit", "return"]
    assert shown.history[-1].comment is None
    assert desk.show(play.uow, actor=play.who(CLERK), now=noon(4, 8), appraisal="2026Q1/1008").total == "100"


def test_the_days_of_the_new_holder_begin_anew(play: Play) -> None:
    play.act(PERSONNEL, "start", at=noon(4, 1))
    before = play.item().due_at
    reassign(play, SECURITY, at=noon(4, 7))
    assert play.item().due_at > before
    assert play.item().seen_at is None


@pytest.mark.parametrize(
    ("to", "code", "words"),
    [
        (CLERK, "is-appraisee", "is the person appraised"),
        (DIRECTOR, "has-a-part", "nobody has two"),
        (VICE, "has-a-part", "nobody has two"),
        (PERSONNEL, "same-holder", "is with 1006 already"),
        (PRESIDENT, "reviewer-not-above", "must stand above whoever scores"),
        (OFFICER, "own", "Nobody gives himself a part"),
    ],
)
def test_some_can_never_be_given_the_work(play: Play, to: str, code: str, words: str) -> None:
    play.bring("scoring")
    refused(play, code, words, to=to)


def test_who_has_a_part_does_not_say_who_has_the_others(play: Play) -> None:
    play.bring("scoring", of=SECURITY)
    refused(play, "own-part", "another officer must say", to=VICE, of=SECURITY, by=PRESIDENT)


def test_who_left_or_is_away_or_has_an_interest_is_given_nothing(play: Play) -> None:
    play.bring("scoring")
    hr = {"actor": play.office.actor(OFFICER), "now": noon(3, 30)}
    people.leave(play.uow, **hr, number=SECURITY, last=dt.date(2026, 3, 31))
    refused(play, "no-assignment", "is in no post today", to=SECURITY)
    people.record_absence(
        play.uow, **hr, number=SECRETARY, kind="protected", first=dt.date(2026, 3, 1), last=dt.date(2026, 6, 1)
    )
    refused(play, "unavailable", "on a protected absence", to=SECRETARY)
    people.declare_conflict(
        play.uow, actor=SYSTEM, now=noon(3, 30), number=ESCORT, other=CLERK, first=dt.date(2026, 3, 1)
    )
    refused(play, "recused", "recorded interest", to=ESCORT)


def test_nobody_judges_his_superior_and_who_acted_takes_no_other_part(play: Play) -> None:
    play.bring("scoring", of=SECURITY)
    refused(play, "below", "nobody judges his superior", to=ESCORT, of=SECURITY)
    play.bring("review")
    reassign(play, PRESIDENT)
    play.act(PRESIDENT, "return", reason="Look at February again.")
    refused(play, "has-a-part", "nobody has two", to=PRESIDENT)


def test_bad_names_closed_items_and_other_peoples_items(play: Play) -> None:
    play.bring("scoring")
    mine = item(play)
    refused(play, "unknown-person", "Nobody has the employee number 4711", error=NotFound, to="4711")
    for name, error, code in (("77", Malformed, "bad-code"), ("W4711", NotFound, "unknown-work-item")):
        with pytest.raises(error) as raised:
            work_items.reassign(
                play.uow, actor=play.who(OFFICER), now=SUBMITTED, item=name, number=SECURITY, reason=REASON
            )
        assert raised.value.code == code
    with pytest.raises(Malformed, match="needs a reason"):
        work_items.reassign(play.uow, actor=play.who(OFFICER), now=SUBMITTED, item=mine, number=SECURITY, reason=" ")
    refused(play, "not-granted", "Only somebody with the grant", to=SECURITY, by=PERSONNEL)
    refused(play, "own-or-superior", "for himself or for one of his superiors", to=SECURITY, of=PERSONNEL)
    play.act(PERSONNEL, "submit")
    with pytest.raises(Refused, match="is closed") as closed:
        work_items.reassign(play.uow, actor=play.who(OFFICER), now=SUBMITTED, item=mine, number=SECURITY, reason=REASON)
    assert closed.value.code == "item-closed"


def test_nobody_else_states_or_answers_for_the_person(play: Play) -> None:
    refused(play, "not-replaceable", "nobody can give", to=SECURITY)
    play.bring("signoff")
    refused(play, "not-replaceable", "nobody can give", to=SECURITY)


def test_who_declares_an_interest_is_replaced_from_recording_and_appeals_too(play: Play) -> None:
    play.act(PERSONNEL, "start", at=noon(4, 1))
    mine = item(play)
    done = work_items.recuse(play.uow, actor=play.who(PERSONNEL), now=noon(4, 1), item=mine, reason="She is my niece.")
    # The next in line scores, his superior reviews, and who decided appeals gives way.
    assert [(one.role, one.why) for one in done.handovers] == [
        ("assessor", "recused"),
        ("reviewer", "recused"),
        ("decider", "recused"),
    ]
    assert parties(play, "assessor")[-1] == (DIRECTOR, "recused", True)
    assert parties(play, "reviewer")[-1] == (VICE, "recused", True)
    assert parties(play, "decider")[-1] == (SECRETARY, "recused", True)
    play.refused(PERSONNEL, "submit", "not-yours", "is for the assessor")
    with pytest.raises(Refused, match="conflict of interest"):
        findings.add(
            play.uow,
            actor=play.who(PERSONNEL),
            now=noon(4, 1),
            number=CLERK,
            rule="C3.1",
            happened=dt.date(2026, 2, 3),
            amount=Fraction(4),
            reason="late",
        )
    # Nobody gives the part back to him.
    refused(play, "recused", "recorded interest", to=PERSONNEL)
    play.act(DIRECTOR, "submit")
    play.act(VICE, "approve", at=APPROVED)
    sound(play)


def test_a_decider_with_an_interest_is_replaced_before_he_decides(play: Play) -> None:
    code = play.deduct("C3.1", 4)
    play.bring("appeal", lines={code: None})
    work_items.recuse(play.uow, actor=play.who(VICE), now=noon(4, 8), item=item(play), reason="An old quarrel.")
    assert parties(play, "decider")[-1] == (SECRETARY, "recused", True)
    play.act(SECRETARY, "decide", at=noon(4, 8), reason="The day is proven.", lines={code: "keep"})
    assert play.appraisal().outcome == "decided"


def test_only_the_holder_declares_his_interest(play: Play) -> None:
    play.bring("scoring")
    for by, error in ((DIRECTOR, NotFound), (ESCORT, NotFound), (CLERK, NotFound)):
        with pytest.raises(error):
            work_items.recuse(play.uow, actor=play.who(by), now=SUBMITTED, item=item(play), reason="a quarrel")
    with pytest.raises(Malformed, match="needs a reason"):
        work_items.recuse(play.uow, actor=play.who(PERSONNEL), now=SUBMITTED, item=item(play), reason="")
    play.bring("draft", of=ESCORT)
    with pytest.raises(Refused, match="nobody can give"):
        work_items.recuse(play.uow, actor=play.who(ESCORT), now=SUBMITTED, item=item(play, ESCORT), reason="no")


def test_a_part_changed_behind_the_application_is_found(play: Play) -> None:
    vouch(play.uow)
    play.bring("scoring")
    reassign(play, SECURITY)
    assert verify(play.uow).faults == ()
    with play.uow.engine.begin() as connection:
        changed = update(PARTY).where(PARTY.c.source == "reassigned")
        connection.execute(changed.values(person_id=play.office.people[ESCORT]))
    assert [fault.code for fault in verify(play.uow).faults] == ["roster"]


def test_of_an_act_and_a_reassignment_at_the_same_moment_one_is_a_conflict(play: Play) -> None:
    def approve_late(stale: Standing) -> None:
        with play.uow.write() as tx:
            late = take(tx, stale, action="approve", words=Words(), actor=play.who(DIRECTOR), now=APPROVED)
            write_steps(tx, [late.step])

    def hand_over_late(stale: Standing) -> None:
        who = {"was": play.office.people[PRESIDENT], "becomes": play.office.people[SECRETARY], "why": "reassigned"}
        with play.uow.write() as tx:
            hand_over(tx, stale, role="reviewer", actor=play.who(OFFICER), now=APPROVED, **who)

    def read(by: str) -> Standing:
        with play.uow.read() as tx:
            return load(tx, ["2026Q1/1008"], play.who(by), APPROVED)[0]

    play.bring("review")
    stale = read(DIRECTOR)
    reassign(play, PRESIDENT, at=APPROVED)
    with pytest.raises(Conflict, match="nothing was written"):
        approve_late(stale)
    assert (play.appraisal().stage, play.item().holder_id) == ("review", play.office.people[PRESIDENT])
    stale = read(OFFICER)
    play.act(PRESIDENT, "approve", at=APPROVED)
    with pytest.raises(Conflict, match="just changed hands"):
        hand_over_late(stale)
    assert parties(play, "reviewer")[-1] == (PRESIDENT, "reassigned", True)


def test_what_a_sender_has_claimed_already_is_not_handed_over_to_who_was_replaced(play: Play) -> None:
    play.act(PERSONNEL, "start", at=noon(4, 1))
    reminders.plan(play.uow, now=noon(4, 1))
    with play.uow.write() as tx:
        promise_extra(tx, [play.office.people[PERSONNEL]], "by-hand", now=noon(4, 1))
    claimed = claim_messages(play.uow, now=noon(4, 1), limit=1000, lease=dt.timedelta(minutes=5))
    (mine,) = [one for one in claimed if (one.person_id, one.kind) == (play.office.people[PERSONNEL], DIGEST)]
    with play.uow.write() as tx:
        held = gather(tx, mine, now=noon(4, 1), base_url="https://appraise.example")
    assert isinstance(held, Digest)
    about = [line for line in held.lines if line.appraisal_id == play.appraisal().id]
    assert len(about) == 1
    reassign(play, SECURITY)
    with play.uow.write() as tx:
        assert not still_needed(tx, held, now=SUBMITTED, base_url="https://appraise.example")
        with pytest.raises(Conflict):
            bind(tx, mine.id, held.lines, now=SUBMITTED)


def test_a_mail_at_once_that_a_sender_has_claimed_is_not_handed_over_to_who_was_replaced(play: Play) -> None:
    play.bring("review")
    play.act(DIRECTOR, "return", at=APPROVED, reason="One thing is missing.")
    reminders.plan(play.uow, now=APPROVED)
    claimed = claim_messages(play.uow, now=APPROVED, limit=1000, lease=dt.timedelta(minutes=5))
    (mine,) = [one for one in claimed if one.kind == "returned"]
    reassign(play, SECURITY, at=APPROVED)
    with play.uow.write() as tx:
        assert not put_in_doubt(tx, mine, now=APPROVED)


def test_an_item_opened_for_a_former_holder_follows_the_part_and_he_is_not_mailed(play: Play) -> None:
    play.act(PERSONNEL, "start", at=noon(4, 1))
    reassign(play, SECURITY)
    with play.uow.write() as tx:
        tx.run(
            update(WORK_ITEM).where(WORK_ITEM.c.id == play.item().id).values(holder_id=play.office.people[PERSONNEL])
        )
    reminders.plan(play.uow, now=SUBMITTED)
    for message in about_to_go(play.uow, SUBMITTED):
        with play.uow.read() as tx:
            found = look(tx, message, now=SUBMITTED, base_url="https://appraise.example")
        if (message.person_id, message.appraisal_id) == (play.office.people[PERSONNEL], play.appraisal().id):
            assert found == NotNeeded("passed-on")
    reminders.tick(play.uow, noon(4, 3))
    assert play.item().holder_id == play.office.people[SECURITY]

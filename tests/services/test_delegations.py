"""A substitute on days given in advance: on somebody's behalf, never in his own appraisal or in two parts (W11)."""

import datetime as dt
from fractions import Fraction
from typing import Any

import pytest

from services import delegations, desk, duties, findings, form, lives, reminders
from services.errors import AppraiseError, Malformed, NotFound, Refused
from services.mail_facts import Needed, look
from services.outbox_messages import claim_messages
from services.verification import verify
from tests.services.builders import (
    CLERK,
    DIRECTOR,
    ESCORT,
    OFFICER,
    PERSONNEL,
    SECRETARY,
    SECURITY,
    VICE,
    noon,
)
from tests.services.closing import vouch
from tests.services.playing import APPROVED, FEBRUARY, SUBMITTED, Play
from tests.services.test_work_items import item, mails, reassign

FIRST, LAST = dt.date(2026, 4, 2), dt.date(2026, 4, 9)
BEFORE = noon(3, 30)


def give(play: Play, to: str = SECURITY, *, by: str = PERSONNEL, at: dt.datetime = BEFORE, **given: Any) -> Any:
    days = {"first": FIRST, "last": LAST} | given
    return delegations.delegate(play.uow, actor=play.office.actor(by), now=at, number=to, **days)


def refused(play: Play, code: str, words: str, *, error: type[AppraiseError] = Refused, **given: Any) -> None:
    with pytest.raises(error) as raised:
        give(play, **given)
    assert (raised.value.code, raised.value.sentence[-1]) == (code, ".")
    assert words in raised.value.sentence
    assert play.rows("SELECT * FROM delegation") == []


def test_the_substitute_acts_on_behalf_and_the_audit_has_both(play: Play) -> None:
    vouch(play.uow)
    done = give(play)
    assert (done.holder, done.delegate, done.role, done.not_for) == (PERSONNEL, SECURITY, None, ())
    play.act(PERSONNEL, "start", at=noon(4, 1))
    play.act(SECURITY, "submit", at=SUBMITTED)
    move = play.moves()[-1]
    assert (move.action, move.role) == ("submit", "assessor")
    assert (move.actor_id, move.on_behalf_of) == (play.office.people[SECURITY], play.office.people[PERSONNEL])
    assert verify(play.uow).faults == ()
    # He whose part it is may still do it himself, and may take back what was done for him.
    assert play.act(PERSONNEL, "take-back", at=SUBMITTED).to_stage == "scoring"


def test_only_on_the_days_given(play: Play) -> None:
    give(play)
    play.act(PERSONNEL, "start", at=noon(4, 1))
    for at in (noon(4, 1), noon(4, 10)):
        play.refused(SECURITY, "submit", "unknown-appraisal", "There is no appraisal", error=NotFound, at=at)
        assert [one for one in desk.work(play.uow, actor=play.who(SECURITY), now=at) if one.on_behalf_of] == []
    (owed,) = [one for one in desk.work(play.uow, actor=play.who(SECURITY), now=noon(4, 9)) if one.stage == "scoring"]
    assert (owed.appraisal, owed.on_behalf_of) == ("2026Q1/1008@clerical", "Person 1006 (1006)")
    assert [action["action"] for action in owed.actions] == ["submit"]
    assert play.act(SECURITY, "submit", at=noon(4, 9)).to_stage == "review"


def test_he_sees_what_the_holder_sees_and_everybody_concerned_sees_him(play: Play) -> None:
    play.deduct("C3.1", 4)
    give(play)
    play.act(PERSONNEL, "start", at=noon(4, 1))
    shown = desk.show(play.uow, actor=play.who(SECURITY), now=SUBMITTED, appraisal="2026Q1/1008")
    assert (shown.total, [action["action"] for action in shown.actions]) == ("96", ["submit"])
    for viewer in (CLERK, DIRECTOR, OFFICER, PERSONNEL):
        seen = desk.show(play.uow, actor=play.who(viewer), now=BEFORE, appraisal="2026Q1/1008")
        assert [(one["holder"], one["delegate"], one["from"], one["to"]) for one in seen.delegations] == [
            (PERSONNEL, "Person 1005 (1005)", FIRST, LAST)
        ]
    play.act(SECURITY, "submit", at=SUBMITTED)
    step = desk.show(play.uow, actor=play.who(CLERK), now=SUBMITTED, appraisal="2026Q1/1008").history[-1]
    assert isinstance(step, form.Passed)
    assert (step.by, step.typed_by) == ("Person 1006 (1006)", "Person 1005 (1005)")


def test_he_records_voids_and_confirms_in_the_assessors_name(play: Play) -> None:
    give(play)
    entry = {"number": CLERK, "rule": "C3.1", "happened": FEBRUARY, "amount": Fraction(4), "reason": "late"}
    code = findings.add(play.uow, actor=play.who(SECURITY), now=SUBMITTED, **entry).code
    (row,) = play.rows("SELECT recorded_by, on_behalf_of FROM finding")
    assert (row.recorded_by, row.on_behalf_of) == (play.office.people[SECURITY], play.office.people[PERSONNEL])
    findings.void(play.uow, actor=play.who(SECURITY), now=SUBMITTED, finding=code, reason="an error")
    with pytest.raises(Refused, match="Only the assessor"):
        findings.add(play.uow, actor=play.who(SECURITY), now=noon(4, 10), **entry)
    # The director's substitute confirms a missed month, and nobody else does.
    give(play, VICE, by=DIRECTOR)
    month = {"number": SECURITY, "rule": "A1.1", "month": "2026-02"}
    duties.confirm(play.uow, actor=play.who(VICE), now=SUBMITTED, **month)
    (record,) = play.rows("SELECT recorded_by, on_behalf_of FROM duty_record")
    assert (record.recorded_by, record.on_behalf_of) == (play.office.people[VICE], play.office.people[DIRECTOR])


def test_never_in_his_own_appraisal_nor_in_two_parts(play: Play) -> None:
    done = give(play, by=DIRECTOR)
    assert done.not_for == (
        ("2026Q1/1005@deputy-security", "he is the person appraised"),
        ("2026Q1/1009@escort", "he has a part in it himself"),
    )
    play.bring("scoring", of=SECURITY)
    play.refused(SECURITY, "submit", "not-yours", "is for the assessor", of=SECURITY)
    play.bring("review", of=ESCORT)
    play.refused(SECURITY, "approve", "not-yours", "is for the reviewer", of=ESCORT)
    play.bring("review")
    assert play.act(SECURITY, "approve", at=APPROVED).to_stage == "signoff"


def test_who_scored_for_one_does_not_review_for_another(play: Play) -> None:
    give(play)
    give(play, by=DIRECTOR)
    play.act(PERSONNEL, "start", at=noon(4, 1))
    play.act(SECURITY, "submit", at=SUBMITTED)
    play.refused(SECURITY, "approve", "unknown-appraisal", "There is no appraisal", error=NotFound, at=APPROVED)
    play.act(DIRECTOR, "approve", at=APPROVED)


def test_nobodys_own_statement_or_answer_is_delegated(play: Play) -> None:
    give(play)
    play.refused(
        SECURITY, "state", "unknown-appraisal", "There is no appraisal", error=NotFound, of=PERSONNEL, at=SUBMITTED
    )
    refusal = {"holder": PERSONNEL, "by": SECURITY}
    with pytest.raises(Refused, match="Only somebody with the grant hr"):
        give(play, VICE, **refusal)


@pytest.mark.parametrize(
    ("given", "code", "words", "error"),
    [
        ({"to": "4711"}, "unknown-person", "4711", NotFound),
        ({"to": PERSONNEL}, "self", "his own substitute", Refused),
        ({"last": dt.date(2026, 4, 1)}, "dates-reversed", "before it begins", Refused),
        ({"first": dt.date(2026, 3, 29)}, "past", "lies in the past", Refused),
        ({"role": "appraisee"}, "unknown-role", "can be delegated", Malformed),
        ({"item": "77"}, "bad-code", "does not name a work item", Malformed),
        ({"item": "W4711"}, "unknown-work-item", "There is no work item", NotFound),
    ],
)
def test_bad_input(play: Play, given: dict[str, Any], code: str, words: str, error: type[AppraiseError]) -> None:
    refused(play, code, words, error=error, **given)


@pytest.mark.parametrize(
    ("to", "code", "words"),
    [
        (CLERK, "is-appraisee", "he is the person appraised"),
        (DIRECTOR, "has-a-part", "he has a part in it himself"),
        (VICE, "has-a-part", "he has a part in it himself"),
    ],
)
def test_a_work_item_is_never_delegated_to_the_appraisee_or_to_a_conflicting_role(
    play: Play, to: str, code: str, words: str
) -> None:
    play.bring("scoring")
    refused(play, code, words, to=to, item=item(play), at=SUBMITTED)
    done = give(play, SECRETARY, item=item(play), at=SUBMITTED)
    assert done.role == "assessor"


def test_a_delegate_who_is_the_only_one_appraised_is_refused_without_a_work_item_too(play: Play) -> None:
    refused(
        play, "is-appraisee", "2026Q1/1004@director: he is the person appraised", to=DIRECTOR, by=VICE, role="assessor"
    )


def test_somebody_elses_item_and_somebody_who_leaves(play: Play) -> None:
    play.bring("scoring")
    refused(play, "not-holder", "must delegate it himself", by=DIRECTOR, to=SECRETARY, item=item(play), at=SUBMITTED)
    lives.left(play.uow, actor=play.who(OFFICER), now=BEFORE, number=SECURITY, last=dt.date(2026, 4, 3))
    refused(play, "left", "leaves before 2026-04-09")


def test_a_substitute_who_left_or_an_interest_declared_later_ends_it(play: Play) -> None:
    give(play)
    play.act(PERSONNEL, "start", at=noon(4, 1))
    lives.left(play.uow, actor=play.who(OFFICER), now=noon(4, 1), number=SECURITY, last=dt.date(2026, 4, 1))
    play.refused(SECURITY, "submit", "unknown-appraisal", "There is no appraisal", error=NotFound, at=SUBMITTED)


def test_it_ends_with_the_part(play: Play) -> None:
    give(play)
    play.act(PERSONNEL, "start", at=noon(4, 1))
    reassign(play, SECRETARY)
    play.refused(SECURITY, "submit", "unknown-appraisal", "There is no appraisal", error=NotFound, at=SUBMITTED)


def test_the_substitute_is_told_once_and_not_when_it_is_over(play: Play) -> None:
    give(play)
    give(play)
    told = play.rows("SELECT kind, person_id FROM message WHERE kind = 'delegated'")
    assert [row.person_id for row in told] == [play.office.people[SECURITY]]
    for at, needed in ((noon(4, 1), True), (noon(4, 10), False)):
        for message in claim_messages(play.uow, now=at, limit=100, lease=dt.timedelta(0)):
            if message.kind == "delegated":
                with play.uow.read() as tx:
                    found = look(tx, message, now=at, base_url="https://appraise.example")
                assert isinstance(found, Needed) is needed


def test_another_last_day_changes_it(play: Play) -> None:
    give(play)
    give(play, last=dt.date(2026, 4, 2), at=noon(4, 2))
    (row,) = play.rows("SELECT valid_to FROM delegation")
    assert str(row.valid_to) == "2026-04-02"
    play.act(PERSONNEL, "start", at=noon(4, 1))
    play.refused(SECURITY, "submit", "unknown-appraisal", "There is no appraisal", error=NotFound, at=noon(4, 3))


def test_hr_names_a_substitute_for_who_cannot_but_not_above_himself(play: Play) -> None:
    done = give(play, by=OFFICER, to=SECRETARY, holder=SECURITY)
    assert (done.holder, done.delegate) == (SECURITY, SECRETARY)
    with pytest.raises(Refused, match="one of his superiors"):
        give(play, by=OFFICER, to=SECURITY, holder=PERSONNEL)


def test_reminders_stay_with_the_holder(play: Play) -> None:
    give(play)
    play.act(PERSONNEL, "start", at=noon(4, 1))
    reminders.tick(play.uow, SUBMITTED)
    assert mails(play, SECURITY) == []
    assert mails(play, PERSONNEL) == ["your-turn"]
